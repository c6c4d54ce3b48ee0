"""Extractive question answering: the span of a text that answers a question; exact match and F1 of SQuAD."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any, ClassVar

from joulemark.core.errors import BadRowError
from joulemark.core.task import NO_REFERENCES, Inputs, Prediction, Sample, Scores, without_quality
from joulemark.data.dataset import Dataset, Row, text_of
from joulemark.tasks.metrics.libraries import library


@dataclass(frozen=True)
class QuestionAnswering:
    """Answers each question from its context; general-purpose models are given a prompt, specialists mark a span.

    The input has the fields `question` and `context`; the target lists every accepted answer, `[""]` where the
    context holds none.
    """

    accepts: ClassVar[str] = "question_context"
    gives: ClassVar[str] = "span"

    dataset: Dataset
    prompt: str
    min_new_tokens: int
    max_new_tokens: int
    name: str = "question_answering"
    unit: str = "answer"
    metric: str = "f1"

    def samples(self, count: int, seed: int) -> Inputs:
        """The first `count` questions, each with its context and its accepted answers."""
        return self.dataset.inputs(count, self._sample)

    def _sample(self, row: Row) -> Sample:
        request = {"question": text_of(row, "question").strip(), "context": text_of(row, "context")}
        return Sample(row.id, request, _answers(row.values.get("answers")))

    def score(self, samples: Sequence[Sample], predictions: Sequence[Prediction]) -> Scores:
        """Mean F1 of words and share of exact matches, the best over the accepted answers (torchmetrics' SQuAD)."""
        from torchmetrics.functional.text import squad  # imports torch, which by now has long been loaded

        def scores_of(sample: Sample, prediction: Prediction) -> tuple[float, float]:
            answers = {"text": list(sample.target), "answer_start": [0] * len(sample.target)}
            given: dict[str, Any] = {"prediction_text": str(prediction.output), "id": sample.id}
            result = squad(given, {"answers": answers, "id": sample.id})
            return float(result["f1"]) / 100, float(result["exact_match"]) / 100

        each = [None if s.target is None else scores_of(s, p) for s, p in zip(samples, predictions, strict=True)]
        scored = [pair for pair in each if pair is not None]
        if not scored:
            return without_quality(("f1", "exact_match"), len(samples), NO_REFERENCES)
        values = {"f1": fmean(f1 for f1, _ in scored), "exact_match": fmean(exact for _, exact in scored)}
        rule = dict.fromkeys(values, library("torchmetrics", "SQuAD"))
        return Scores(values, [None if pair is None else pair[0] for pair in each], computed_by=rule)


def _answers(value: Any) -> list[str] | None:
    """Accepted answers as a source holds them: one text, a list of texts, or SQuAD's own columns; none is `[""]`."""
    answers = value.get("text") if isinstance(value, Mapping) else value
    if value is None:
        return None
    if isinstance(answers, str):
        return [answers]
    if isinstance(answers, list | tuple) and all(isinstance(answer, str) for answer in answers):
        return list(answers) or [""]
    raise BadRowError(f"answers {str(value)[:60]!r} are not texts")
