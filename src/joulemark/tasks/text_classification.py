"""Text classification: one label per text; accuracy and macro F1."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from joulemark.core.task import Inputs, Prediction, Sample, Scores
from joulemark.data.dataset import Dataset, text_of


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

        A general-purpose model's answer counts as the label it names first; one that names none is wrong.
        """
        from sklearn.metrics import accuracy_score, f1_score

        answers = [self._label_in(str(prediction.output)) for prediction in predictions]
        pairs = [(s.target, a) for s, a in zip(samples, answers, strict=True) if s.target is not None]
        each = [None if s.target is None else float(s.target == a) for s, a in zip(samples, answers, strict=True)]
        if not pairs:
            return Scores({"accuracy": None, "f1_macro": None, "unanswered": None}, each)
        truth, given = zip(*pairs, strict=True)
        unanswered = sum(answer == "" for answer in given) / len(given)
        f1 = f1_score(truth, given, labels=list(self.labels), average="macro", zero_division=0.0)
        return Scores(
            {"accuracy": float(accuracy_score(truth, given)), "f1_macro": float(f1), "unanswered": unanswered}, each
        )

    def _label_in(self, answer: str) -> str:
        places = {label: place for label in self.labels if (place := answer.lower().find(label)) >= 0}
        return min(places, key=places.__getitem__) if places else ""
