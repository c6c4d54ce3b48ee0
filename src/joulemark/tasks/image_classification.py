"""Image classification: one label per image; top-1 and top-5 accuracy."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from joulemark.core.labels import Labels
from joulemark.core.task import NO_REFERENCES, Inputs, Prediction, Sample, Scores, without_quality
from joulemark.data.dataset import Dataset
from joulemark.data.images import encoded_image
from joulemark.tasks.metrics import classification

TOP = 5


@dataclass(frozen=True)
class ImageClassification:
    """Names what each image shows; an answer lists labels, the most likely first.

    `size` is the width and height each image is brought to before the model's own preprocessing; null leaves it as it
    is. General-purpose models are given a prompt, and their text counts as the label it names.
    """

    accepts: ClassVar[str] = "image"
    gives: ClassVar[str] = "label"

    dataset: Dataset
    size: tuple[int, int] | None
    prompt: str
    min_new_tokens: int
    max_new_tokens: int
    name: str = "image_classification"
    unit: str = "image"
    metric: str = "accuracy"

    def samples(self, count: int, seed: int) -> Inputs:
        """The first `count` images, each with its label's name (None where the source hides it)."""
        return self.dataset.inputs(
            count,
            lambda row: Sample(
                row.id, encoded_image(row.values["image"], self.size, row.media, row.folder), self.dataset.label(row)
            ),
        )

    def score(self, samples: Sequence[Sample], predictions: Sequence[Prediction]) -> Scores:
        """Shares of images whose label is the first, or among the first five, of the answer.

        A classifier's labels are compared whole, case and separators aside; in a text they are searched. A classifier
        that cannot give some label of the references (an ImageNet one on CIFAR) has no quality here.
        """
        references = list(dict.fromkeys(sample.target for sample in samples if sample.target is not None))
        known = Labels.of(self.dataset.labels, references)
        why = classification.reason(predictions, known, references) if references else NO_REFERENCES
        if why is not None:
            return without_quality(("accuracy", "top5"), len(samples), why)
        each: list[float | None] = []
        among_first = scored = 0
        for sample, labels in zip(samples, classification.predicted_labels(predictions, known), strict=True):
            target = None if sample.target is None else known.name(sample.target)
            each.append(classification.right(target, labels))
            scored += target is not None
            among_first += target in labels[:TOP]
        values = {"accuracy": sum(score or 0.0 for score in each) / scored, "top5": among_first / scored}
        return Scores(values, each, computed_by=dict.fromkeys(values, classification.described(predictions, known)))
