"""Speech recognition: the words of a clip; word error rate."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from joulemark.core.task import NO_REFERENCES, Inputs, Prediction, Sample, Scores, Statistics, without_quality
from joulemark.data.audio import clip
from joulemark.data.dataset import Dataset, Row, reference_of
from joulemark.tasks.metrics import transcripts


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
        return Sample(row.id, clip(row.values["audio"], self.rate_hz, row.media, row.folder), reference_of(row, "text"))

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
        return Scores(
            values,
            each,
            computed_by=dict.fromkeys(values, transcripts.rule(name)),
            statistics=Statistics("words", transcripts.errors(scored), [bool(reference) for reference, _ in pairs]),
        )
