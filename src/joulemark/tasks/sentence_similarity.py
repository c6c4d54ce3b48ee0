"""Sentence similarity: how alike two sentences are in meaning; Spearman's correlation with human judgement."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from joulemark.core.errors import BadRowError
from joulemark.core.task import Inputs, Prediction, Sample, Scores
from joulemark.data.dataset import Dataset, Row, text_of


@dataclass(frozen=True)
class SentenceSimilarity:
    """Gives each pair of sentences a similarity in [-1, 1]; both are embedded, both are counted."""

    accepts: ClassVar[str] = "text_pair"
    gives: ClassVar[str] = "similarity"

    dataset: Dataset
    name: str = "sentence_similarity"
    unit: str = "pair"
    metric: str = "spearman"

    def samples(self, count: int, seed: int) -> Inputs:
        """The first `count` pairs, each with the judged similarity on the source's own scale."""
        return self.dataset.inputs(count, self._sample)

    def _sample(self, row: Row) -> Sample:
        score = row.values.get("score")
        try:
            target = None if score is None or score == "" else float(score)
        except (TypeError, ValueError):
            target = math.nan
        if target is not None and not math.isfinite(target):
            raise BadRowError(f"score {score!r} is not a number")
        return Sample(row.id, (text_of(row, "first"), text_of(row, "second")), target)

    def score(self, samples: Sequence[Sample], predictions: Sequence[Prediction]) -> Scores:
        """Spearman's rank correlation with the judgements (scipy); None with fewer than three, or all alike."""
        pairs = [(s.target, float(p.output)) for s, p in zip(samples, predictions, strict=True) if s.target is not None]
        truth, given = zip(*pairs, strict=True) if pairs else ((), ())
        if len(pairs) < 3 or len(set(truth)) == 1 or len(set(given)) == 1:
            return Scores({"spearman": None}, [None] * len(samples))
        from scipy.stats import spearmanr

        return Scores({"spearman": float(spearmanr(truth, given).statistic)}, [None] * len(samples))
