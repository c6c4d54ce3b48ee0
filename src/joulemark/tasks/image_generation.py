"""Image generation: an image for each prompt; how well it shows what was asked."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from joulemark.core.task import NO_JUDGE, Inputs, Prediction, Sample, Scores, without_quality
from joulemark.data.dataset import Dataset, Row, reference_of, text_of

UNJUDGED = "the judge gave no number"


@dataclass(frozen=True)
class ImageGeneration:
    """Draws an image for each prompt, the first `words` words of the source's text.

    `steps`, `guidance` and `pixels` (the side of the square image) are null for the pipeline's own, which the record
    then states. `judge` says who looks at the images: `classifier` (the built-in one, for embedded data), or a CLIP
    checkpoint, on the Hub or in a folder. The judge works outside the windows.
    """

    accepts: ClassVar[str] = "text"
    gives: ClassVar[str] = "image"

    dataset: Dataset
    words: int
    steps: int | None
    guidance: float | None
    pixels: int | None
    judge: str | None
    metric: str
    name: str = "image_generation"
    unit: str = "image"

    def samples(self, count: int, seed: int) -> Inputs:
        """The first `count` prompts, each with what its image should show (its label, or the prompt itself)."""
        return self.dataset.inputs(count, self._sample)

    def _sample(self, row: Row) -> Sample:
        prompt = " ".join(text_of(row, "prompt").split()[: self.words])
        return Sample(row.id, prompt, reference_of(row, "label") or prompt)

    def score(self, samples: Sequence[Sample], predictions: Sequence[Prediction]) -> Scores:
        """Nothing of its own: what an image shows takes a model to see (`Loaded.judge`)."""
        return without_quality((self.metric,), len(samples), NO_JUDGE if self.judge is None else UNJUDGED)
