"""Text classification: one label per text; accuracy and macro F1."""

from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from joulemark.core.labels import Labels
from joulemark.core.task import NO_REFERENCES, Inputs, Prediction, Sample, Scores, Statistics, without_quality
from joulemark.data.dataset import Dataset, text_of
from joulemark.tasks.metrics import classification

METRICS = ("accuracy", "f1_macro", "unanswered")


@dataclass(frozen=True)
class TextClassification:
    """Gives each text one of the task's labels; general-purpose models get a prompt, specialists the bare text."""

    accepts: ClassVar[str] = "text"
    gives: ClassVar[str] = "label"

    dataset: Dataset
    labels: tuple[str, ...]
    prompt: str
    min_new_tokens: int
    max_new_tokens: int
    name: str = "text_classification"
    unit: str = "label"
    metric: str = "accuracy"

    def samples(self, count: int, seed: int) -> Inputs:
        """The first `count` texts of the dataset, each with its label's name (None where the source hides it)."""
        return self.dataset.inputs(count, lambda row: Sample(row.id, text_of(row, "text"), self.dataset.label(row)))

    def score(self, samples: Sequence[Sample], predictions: Sequence[Prediction]) -> Scores:
        """Accuracy, macro F1 and the share of answers that name no label, over the samples that have a label.

        A classifier's label is compared whole; a generated text counts as the label it names first, one that names none
        is wrong. Macro F1 is over the classes that references or answers hold. A classifier that cannot give some label
        of the references has no quality here.
        """
        import numpy

        references = list(dict.fromkeys(sample.target for sample in samples if sample.target is not None))
        known = Labels.of(self.labels, self.dataset.labels, references)
        why = classification.reason(predictions, known, references) if references else NO_REFERENCES
        if why is not None:
            return without_quality(METRICS, len(samples), why)
        each = classification.Marks()
        scored = bytearray()  # a million requests take a megabyte
        counts: Counter[tuple[str, str]] = Counter()  # as few as pairs of labels
        coded, codes = array("i"), classification.Codes()
        for sample, labels in zip(samples, classification.predicted_labels(predictions, known), strict=True):
            target = None if sample.target is None else known.name(sample.target)
            each.append(classification.right(target, labels))
            scored.append(target is not None)
            if target is not None:
                answer = labels[0] if labels else ""
                counts[target, answer] += 1
                coded.extend((codes.code(target), codes.code(answer)))
        right = sum(count for (target, answer), count in counts.items() if target == answer)
        pairs = [(codes.code(target), codes.code(answer)) for target, answer in counts]
        ((f1,),) = classification.MacroF1(pairs)(numpy.array([list(counts.values())], float))
        unanswered = sum(count for (_, label), count in counts.items() if label == "")
        rule = classification.described(predictions, known)
        return Scores(
            {
                "accuracy": right / counts.total(),
                "f1_macro": float(f1),
                "unanswered": unanswered / counts.total(),
            },
            each,
            computed_by={"accuracy": rule, "f1_macro": f"mean of the F1 of the classes present, {rule}"},
            statistics=Statistics("labels", codes.packed(coded).reshape(-1, 2), scored),
        )
