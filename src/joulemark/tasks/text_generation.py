"""Text generation: continue a text; overlap with the true continuation, and its perplexity."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from joulemark.core.task import Inputs, Prediction, Sample, Scores
from joulemark.data.dataset import Dataset, reference_of, text_of
from joulemark.tasks.metrics.rouge import rouge


@dataclass(frozen=True)
class TextGeneration:
    """Continues each text by exactly the task's token budget.

    A text is cut after its first `prompt_words` words; what follows, `reference_words` of it, is the reference.
    With `prompt_words` null the whole text is the prompt, and the reference is the source's `target`, if it has one.
    """

    accepts: ClassVar[str] = "text"
    gives: ClassVar[str] = "text"

    dataset: Dataset
    prompt: str
    prompt_words: int | None
    reference_words: int
    min_new_tokens: int
    max_new_tokens: int
    name: str = "text_generation"
    unit: str = "token"
    metric: str = "rouge1"

    def samples(self, count: int, seed: int) -> Inputs:
        """The first `count` prompts of the dataset, each with its true continuation (None where the text ends)."""
        return self.dataset.inputs(
            count, lambda row: self._sample(row.id, text_of(row, "text"), reference_of(row, "target"))
        )

    def _sample(self, row_id: str, text: str, target: str | None) -> Sample:
        if self.prompt_words is None:
            return Sample(row_id, text, target)
        words = text.split()
        rest = words[self.prompt_words : self.prompt_words + self.reference_words]
        return Sample(row_id, " ".join(words[: self.prompt_words]), target or " ".join(rest) or None)

    def score(self, samples: Sequence[Sample], predictions: Sequence[Prediction]) -> Scores:
        """ROUGE-1, -2 and -L F-measures against the true continuation."""
        return rouge(samples, predictions, self.metric)
