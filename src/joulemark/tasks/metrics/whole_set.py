"""Metrics of the whole set of predictions, computed again from what is stored of each request.

kind        a row of numbers a request                                     its metrics
labels      codes of the reference and of the answer, -1 for none          f1_macro
entities    found, in the reference, in the answer; right tags, words      f1, precision, recall, accuracy
words       errors, words of the reference                                 wer, word_accuracy
overlap     sacrebleu's counts of n-grams, of BLEU and then of chrF        bleu, chrf
ranks       the judgement, the similarity                                  spearman
boxes       three numbers a detection and a category, as box_matches.py map, map50
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol

from joulemark.tasks.metrics.box_matches import BoxMatches
from joulemark.tasks.metrics.classification import MacroF1
from joulemark.tasks.metrics.correlation import RankCorrelation
from joulemark.tasks.metrics.entities import EntityCounts
from joulemark.tasks.metrics.overlap import NGramCounts
from joulemark.tasks.metrics.transcripts import WordErrors


class WholeSet(Protocol):
    """The metrics of some requests, each of which may count several times.

    Attributes:
        metrics: their names
    """

    metrics: ClassVar[tuple[str, ...]]

    def __init__(self, rows: Sequence[Any]) -> None:
        """`rows` are those of the requests, as the table above says."""

    def __call__(self, counts: Any) -> Any:
        """A row a metric and a column a resample: `counts` has a row a resample and a column a request, as floats.

        NaN where a resample has no value.
        """


KINDS: Mapping[str, type[WholeSet]] = {
    "labels": MacroF1,
    "entities": EntityCounts,
    "words": WordErrors,
    "overlap": NGramCounts,
    "ranks": RankCorrelation,
    "boxes": BoxMatches,
}


def values(of: WholeSet, count: int) -> dict[str, float]:
    """The metrics of all of `count` requests, each once; NaN for what has no value."""
    import numpy

    return dict(zip(of.metrics, of(numpy.ones((1, count)))[:, 0].tolist(), strict=True))
