"""Spearman's rank correlation of some requests, each of which may count several times."""

from collections.abc import Sequence
from typing import Any, ClassVar


class RankCorrelation:
    """Of judgements and similarities: ranks are of what a resample holds, and ties share the mean of theirs."""

    metrics: ClassVar[tuple[str, ...]] = ("spearman",)

    def __init__(self, rows: Sequence[Sequence[float]]) -> None:
        """A row holds a judgement and a similarity."""
        import numpy

        self._groups = [numpy.unique(column, return_inverse=True) for column in numpy.asarray(rows, float).T]

    def __call__(self, counts: Any) -> Any:
        """As `WholeSet`: scipy's spearmanr of each resample."""
        import numpy

        (one, variance), (other, variance_of_other) = (self._ranks(counts, *group) for group in self._groups)
        covariance = numpy.einsum("ij,ij,ij->i", counts, one, other)
        with numpy.errstate(invalid="ignore", divide="ignore"):  # one value only: no ranks
            return (covariance / numpy.sqrt(variance * variance_of_other))[None]

    @staticmethod
    def _ranks(counts: Any, distinct: Any, group: Any) -> tuple[Any, Any]:
        """The rank of each request less the mean of all, and the sum of their squares."""
        import numpy

        order = numpy.argsort(group, kind="stable")
        starts = numpy.searchsorted(group[order], numpy.arange(len(distinct)))
        sizes = numpy.add.reduceat(counts[:, order], starts, axis=1)
        ranks = numpy.cumsum(sizes, axis=1) - (sizes - 1) / 2 - (counts.sum(axis=1, keepdims=True) + 1) / 2
        return ranks[:, group], numpy.einsum("ij,ij,ij->i", sizes, ranks, ranks)
