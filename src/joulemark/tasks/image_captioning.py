"""Image captioning: a sentence for each image; BLEU and chrF against its references."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from joulemark.core.errors import BadRowError
from joulemark.core.task import Inputs, Prediction, Sample, Scores
from joulemark.data.dataset import Dataset, Row
from joulemark.data.images import encoded_image
from joulemark.tasks.metrics.overlap import bleu_and_chrf


@dataclass(frozen=True)
class ImageCaptioning:
    """Describes each image in words, within the task's token budget.

    `size` is the width and height each image is brought to before the model's own preprocessing. The target lists
    every reference caption.
    """

    accepts: ClassVar[str] = "image"
    gives: ClassVar[str] = "text"

    dataset: Dataset
    size: tuple[int, int] | None
    prompt: str
    min_new_tokens: int
    max_new_tokens: int
    name: str = "image_captioning"
    unit: str = "caption"
    metric: str = "bleu"

    def samples(self, count: int, seed: int) -> Inputs:
        """The first `count` images, each with its captions (None where the source has none)."""
        return self.dataset.inputs(count, self._sample)

    def _sample(self, row: Row) -> Sample:
        return Sample(
            row.id,
            encoded_image(row.values["image"], self.size, row.media, row.folder),
            _texts(row.values.get("captions")),
        )

    def score(self, samples: Sequence[Sample], predictions: Sequence[Prediction]) -> Scores:
        """Corpus BLEU-4 and chrF over all references of an image (sacrebleu), in [0, 1]; chrF for each caption."""
        return bleu_and_chrf(samples, predictions)


def _texts(value: Any) -> list[str] | None:
    """Captions as a source holds them: one text, a list of texts, or a list of `{caption}` or `{phrase}`."""
    if value is None or value == []:
        return None
    if isinstance(value, str):
        return [value] if value.strip() else None
    if isinstance(value, dict):
        return _texts(next((value[key] for key in ("caption", "phrase", "raw") if key in value), None))
    if not isinstance(value, list | tuple):
        raise BadRowError(f"captions {str(value)[:60]!r} are not texts")
    return [text for entry in value for text in _texts(entry) or []] or None
