"""Speech recognition: the words of a clip; word error rate."""

import hashlib
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from joulemark.core.errors import BadRowError
from joulemark.core.task import Inputs, Prediction, Sample, Scores
from joulemark.data.dataset import Dataset, Row, bytes_of, reference_of


@dataclass(frozen=True)
class Clip:
    """One sound file as bytes: decoding is part of an inference. Mono, samples in [-1, 1], `rate_hz` a second."""

    data: bytes = field(repr=False)
    rate_hz: int = 16000

    def open(self) -> Any:
        """The samples as a float32 array."""
        import soundfile

        samples, _ = soundfile.read(io.BytesIO(self.data), dtype="float32", always_2d=True)
        return samples.mean(axis=1)

    def __str__(self) -> str:
        return f"clip {hashlib.sha256(self.data).hexdigest()[:16]}"


@dataclass(frozen=True)
class SpeechRecognition:
    """Transcribes each clip, within the task's token budget.

    Clips at another rate than `rate_hz` are refused, not resampled: the sound would be another one.
    """

    accepts: ClassVar[str] = "audio"
    gives: ClassVar[str] = "text"

    dataset: Dataset
    rate_hz: int
    min_new_tokens: int
    max_new_tokens: int
    prompt: str = "{text}"
    name: str = "speech_recognition"
    unit: str = "clip"
    metric: str = "word_accuracy"
    packages: ClassVar = ("jiwer", "soundfile")  # checked before a run begins

    def samples(self, count: int, seed: int) -> Inputs:
        """The first `count` clips, each with its words (None where the source has none)."""
        return self.dataset.inputs(count, self._sample)

    def _sample(self, row: Row) -> Sample:
        return Sample(row.id, self._clip(row.values["audio"]), reference_of(row, "text"))

    def _clip(self, value: Any) -> Clip:
        import soundfile

        clip = Clip(bytes_of(value, "sound"), self.rate_hz)
        try:
            header = soundfile.info(io.BytesIO(clip.data))
            held = len(clip.open())
        except (soundfile.SoundFileRuntimeError, TypeError) as error:  # TypeError: raw sound, without a header
            raise BadRowError(f"the clip does not decode ({_plain(error)})") from None
        if header.samplerate != self.rate_hz:
            raise BadRowError(f"the clip has {header.samplerate} samples a second, the task asks for {self.rate_hz}")
        if held == 0:
            raise BadRowError("the clip is empty: it holds no samples")
        if held < header.frames:
            raise BadRowError(f"the clip is truncated: {held} samples of {header.frames}")
        return clip

    def score(self, samples: Sequence[Sample], predictions: Sequence[Prediction]) -> Scores:
        """Word error rate over all words (jiwer), case and punctuation aside, and 1 less it, never below 0."""
        import jiwer

        pairs = [(_bare(s.target), _bare(str(p.output))) for s, p in zip(samples, predictions, strict=True) if s.target]
        if not pairs:
            return Scores({"word_accuracy": None, "wer": None}, [None] * len(samples))
        wer = float(jiwer.wer([truth for truth, _ in pairs], [given for _, given in pairs]))
        each = [
            None if not s.target else max(0.0, 1.0 - float(jiwer.wer(_bare(s.target), _bare(str(p.output)))))
            for s, p in zip(samples, predictions, strict=True)
        ]
        return Scores({"word_accuracy": max(0.0, 1.0 - wer), "wer": wer}, each)


def _plain(error: Exception) -> str:
    # libsndfile names the buffer by its address in memory, another one each time
    return re.sub(r"Error opening <_io\.BytesIO object at 0x[0-9a-f]+>: ", "", str(error))


def _bare(text: str) -> str:
    return " ".join(re.sub(r"[^\w\s']", " ", text.lower()).split())
