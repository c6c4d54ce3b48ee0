"""Image classification: one label per image; top-1 and top-5 accuracy."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from joulemark.core.task import Inputs, Prediction, Sample, Scores
from joulemark.data.dataset import Dataset
from joulemark.data.images import encoded_image


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
            count, lambda row: Sample(row.id, encoded_image(row.values["image"], self.size), self.dataset.label(row))
        )

    def score(self, samples: Sequence[Sample], predictions: Sequence[Prediction]) -> Scores:
        """Shares of images whose label is the first, or among the first five, of the answer.

        A model that knows none of the data's labels (an ImageNet classifier on CIFAR) has no quality here: None.
        """
        answers = [self._labels_in(prediction.output) for prediction in predictions]
        known = {label.lower() for label in self.dataset.labels} | {s.target for s in samples if s.target}
        pairs = [(s.target, a) for s, a in zip(samples, answers, strict=True) if s.target is not None]
        if not pairs or not any(known & set(answer) for answer in answers):
            return Scores({"accuracy": None, "top5": None}, [None] * len(samples))
        each = [
            None if s.target is None else float(s.target.lower() in a[:1])
            for s, a in zip(samples, answers, strict=True)
        ]
        top5 = sum(target.lower() in answer[:5] for target, answer in pairs) / len(pairs)
        scored = [score for score in each if score is not None]
        return Scores({"accuracy": sum(scored) / len(scored), "top5": top5}, each)

    def _labels_in(self, output: object) -> list[str]:
        if not isinstance(output, str):
            return [str(label).lower() for label in output]  # type: ignore[attr-defined]
        text = output.lower()
        places = {label.lower(): text.find(label.lower()) for label in self.dataset.labels}
        return sorted((label for label, place in places.items() if place >= 0), key=places.__getitem__)
