"""Sentence similarity: how alike two sentences are in meaning; Spearman's correlation with human judgement."""

import math
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from joulemark.core.errors import BadRowError
from joulemark.core.task import (
    NO_REFERENCES,
    NOT_FINITE,
    Inputs,
    Prediction,
    Sample,
    Scores,
    Statistics,
    without_quality,
)
from joulemark.data.dataset import Dataset, Row, text_of
from joulemark.tasks.metrics.libraries import library


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
        """Spearman's rank correlation with the judgements (scipy), in [-1, 1].

        None with fewer than three pairs, where all are alike, and where one similarity is no number.
        """
        truth, given = array("d"), array("d")
        for sample, prediction in zip(samples, predictions, strict=True):
            if sample.target is not None:
                truth.append(sample.target)
                given.append(float(prediction.output))
        if (why := _undefined(truth, given)) is not None:
            return without_quality(("spearman",), len(samples), why)
        from scipy.stats import spearmanr

        return Scores(
            {"spearman": float(spearmanr(truth, given).statistic)},
            [None] * len(samples),
            computed_by={"spearman": library("scipy")},
            statistics=Statistics(
                "ranks", [*zip(truth, given, strict=True)], [sample.target is not None for sample in samples]
            ),
        )


def _undefined(truth: Sequence[float], given: Sequence[float]) -> str | None:
    """Why these pairs have no rank correlation; None where they have one."""
    if not truth:
        return NO_REFERENCES
    broken = sum(not math.isfinite(value) for value in given)
    if broken:
        return f"{broken} of {len(given)} similarities: {NOT_FINITE}"
    if len(truth) < 3:
        return f"a rank correlation needs three judged pairs or more, the data holds {len(truth)}"
    alike = "judgements" if len(set(truth)) == 1 else "similarities" if len(set(given)) == 1 else None
    return f"all {alike} are the same, so they have no ranks" if alike else None
