"""Summarization: a short text that says what a long one says; ROUGE against the reference."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from joulemark.core.task import Inputs, Prediction, Sample, Scores
from joulemark.data.dataset import Dataset, reference_of, text_of
from joulemark.tasks.metrics.rouge import rouge


@dataclass(frozen=True)
class Summarization:
    """Summarizes each text within the task's token budget; general-purpose models are given a prompt."""

    accepts: ClassVar[str] = "text"
    gives: ClassVar[str] = "text"

    dataset: Dataset
    prompt: str
    min_new_tokens: int
    max_new_tokens: int
    name: str = "summarization"
    unit: str = "token"
    metric: str = "rouge1"

    def samples(self, count: int, seed: int) -> Inputs:
        """The first `count` texts of the dataset, each with its reference summary where the source has one."""
        return self.dataset.inputs(
            count, lambda row: Sample(row.id, text_of(row, "text"), reference_of(row, "summary"))
        )

    def score(self, samples: Sequence[Sample], predictions: Sequence[Prediction]) -> Scores:
        """ROUGE-1, -2 and -L F-measures; ROUGE-1 is the primary one, as in the study's own tables."""
        return rouge(samples, predictions, self.metric)
