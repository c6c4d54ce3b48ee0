"""Speech recognition: the words of a clip; word error rate."""

import hashlib
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from joulemark.core.errors import BadRowError
from joulemark.core.task import NO_REFERENCES, Inputs, Prediction, Sample, Scores, without_quality
from joulemark.data.dataset import Dataset, Row, bytes_of, reference_of
from joulemark.tasks.metrics import transcripts


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

    Clips at another rate than `rate_hz` are refused, not resampled: the sound would be another one. `normalizer` is how
    transcripts are written alike before their words are compared; null goes by the script of the references.
    """

    accepts: ClassVar[str] = "audio"
    gives: ClassVar[str] = "text"

    dataset: Dataset
    rate_hz: int
    min_new_tokens: int
    max_new_tokens: int
    prompt: str = "{text}"
    normalizer: transcripts.Normalizer | None = None
    name: str = "speech_recognition"
    unit: str = "clip"
    metric: str = "word_accuracy"
    packages: ClassVar = ("jiwer", "soundfile", "whisper_normalizer")  # checked before a run begins

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
        """Word error rate over all words (jiwer) of normalized transcripts, and 1 less it, never below 0.

        A reference of which the normalizer leaves no word is not scored.
        """
        import jiwer

        references = [str(sample.target) for sample in samples if sample.target]
        name = self.normalizer or transcripts.normalizer_for(references)
        pairs = [
            (transcripts.normalized(s.target or "", name), transcripts.normalized(str(p.output), name))
            for s, p in zip(samples, predictions, strict=True)
        ]
        scored = [(reference, output) for reference, output in pairs if reference]
        if not scored:
            return without_quality(("word_accuracy", "wer"), len(samples), NO_REFERENCES)
        wer = float(jiwer.wer(*map(list, zip(*scored, strict=True))))
        each = [max(0.0, 1.0 - float(jiwer.wer(*pair))) if pair[0] else None for pair in pairs]
        values = {"word_accuracy": max(0.0, 1.0 - wer), "wer": wer}
        return Scores(values, each, computed_by=dict.fromkeys(values, transcripts.rule(name)))


def _plain(error: Exception) -> str:
    # libsndfile names the buffer by its address in memory, another one each time
    return re.sub(r"Error opening <_io\.BytesIO object at 0x[0-9a-f]+>: ", "", str(error))
