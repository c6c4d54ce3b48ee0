"""How well a model's quality is known, and whether two models differ in it: from the scores of single requests.

share     every score is 0 or 1: Wilson's interval; two models on the same inputs are compared by McNemar's exact test
mean      other scores: bias-corrected accelerated bootstrap (BCa) of the mean, of the differences for two models
neither   a metric of the whole set (macro F1, BLEU, mAP, a correlation) has the interval that was computed when it was
          scored; two models are not compared by it as pairs
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isclose
from statistics import fmean

from joulemark.analysis import planning
from joulemark.core.record import Record
from joulemark.core.stats import LEVEL

PRIMARY = "primary"
RESAMPLES = 4000  # of a bootstrap: its ends then move by less than a tenth of the interval
WILSON = "Wilson's interval"
TOLERANCE = 1e-9  # between a stored quality and the mean of its scores

A_HIGHER, B_HIGHER, TIE, UNKNOWN = "A", "B", "tie", "unknown"


@dataclass(frozen=True)
class QualityInterval:
    """A quality with its 95 % interval over the inputs.

    Attributes:
        value: the primary metric
        low: the lower end
        high: the upper end
        n: inputs that were scored
        method: how the ends were computed
    """

    value: float
    low: float
    high: float
    n: int
    method: str


@dataclass(frozen=True)
class QualityDifference:
    """Whether two models answer the same inputs equally well.

    Attributes:
        outcome: `A` or `B`, whichever is higher, `tie` or `unknown`
        note: why, as half a sentence
        n: inputs that both answered and that were scored
        difference: quality of A less that of B; None where it is unknown
        low: the lower end of its 95 % interval; None where the test gives none
        high: the upper end
    """

    outcome: str
    note: str
    n: int = 0
    difference: float | None = None
    low: float | None = None
    high: float | None = None


def interval(record: Record) -> QualityInterval | None:
    """The interval of a record's primary metric; None where it has none."""
    value = record.scores.get(PRIMARY)
    if value is None or not _is_a_mean(record, value):
        return _of_the_whole_set(record)
    scores = list(_scores(record).values())
    if set(scores) <= {0.0, 1.0}:
        low, high = _wilson(int(sum(scores)), len(scores))
        return QualityInterval(value, low, high, len(scores), WILSON)
    ends = _bca(scores)
    return None if ends is None else QualityInterval(value, *ends, len(scores), "BCa bootstrap")


def difference(a: Record, b: Record) -> QualityDifference:
    """Which of two models answers the same inputs better, the inputs taken as pairs."""
    if not (_has_interval(a) and _has_interval(b)):
        return QualityDifference(UNKNOWN, "a quality that is not a mean over the inputs is not compared as pairs")
    pairs = _pairs(a, b)
    if not pairs:
        return QualityDifference(UNKNOWN, "they share no scored input")
    gap = fmean(first - second for first, second in pairs)
    binary = all(score in (0.0, 1.0) for pair in pairs for score in pair)
    return _mcnemar(pairs, gap) if binary else _paired_bootstrap(pairs, gap)


def surely_loses(record: Record, best: Record, share: float) -> bool | None:
    """Whether a model is established to lose more than a share of another's quality, the inputs taken as pairs.

    That the other is better at all must be established as well. None where the two cannot be compared.
    """
    result = difference(record, best)
    if result.outcome == UNKNOWN:
        return None
    if result.outcome != B_HIGHER:
        return False
    margins = [own - (1 - share) * other for own, other in _pairs(record, best)]
    ends = _bca(margins)
    return (fmean(margins) if ends is None else ends[1]) < 0


def surely_below(known: QualityInterval | None, limit: float) -> bool:
    """Whether a quality is established to be below a limit."""
    return known is not None and known.high < limit


def _of_the_whole_set(record: Record) -> QualityInterval | None:
    value, known = record.scores.get(PRIMARY), record.intervals.get(record.task.metric)
    if value is None or known is None or known.low is None or known.high is None:
        return None
    return QualityInterval(value, known.low, known.high, known.n, known.method)


def _is_a_mean(record: Record, value: float) -> bool:
    """Whether a primary metric is the mean of the scores of single requests."""
    every = [request.score for request in record.requests if request.score is not None]
    return bool(every) and isclose(fmean(every), value, abs_tol=TOLERANCE)


def _has_interval(record: Record) -> bool:
    """Whether `interval` has one, without its bootstrap."""
    value, scores = record.scores.get(PRIMARY), set(_scores(record).values())
    return value is not None and _is_a_mean(record, value) and (scores <= {0.0, 1.0} or len(scores) > 1)


def _mcnemar(pairs: Sequence[tuple[float, float]], gap: float) -> QualityDifference:
    from scipy.stats import binomtest  # over a second to import

    only_a, only_b = pairs.count((1.0, 0.0)), pairs.count((0.0, 1.0))
    if only_a + only_b and binomtest(only_a, only_a + only_b).pvalue < 1 - LEVEL:
        note = f"McNemar's exact test: {only_a} only A, {only_b} only B correct of {len(pairs)}"
        return QualityDifference(A_HIGHER if only_a > only_b else B_HIGHER, note, len(pairs), gap)
    return QualityDifference(TIE, _indistinguishable(pairs), len(pairs), gap)


def _paired_bootstrap(pairs: Sequence[tuple[float, float]], gap: float) -> QualityDifference:
    ends = _bca([first - second for first, second in pairs])
    if ends is None:
        return QualityDifference(TIE if gap == 0 else UNKNOWN, "every difference is the same", len(pairs), gap)
    low, high = ends
    if low <= 0 <= high:
        return QualityDifference(TIE, f"indistinguishable at n = {len(pairs)}", len(pairs), gap, low, high)
    note = "the 95 % interval of the paired difference leaves 0 out"
    return QualityDifference(A_HIGHER if gap > 0 else B_HIGHER, note, len(pairs), gap, low, high)


def _indistinguishable(pairs: Sequence[tuple[float, float]]) -> str:
    needed = planning.samples_needed(fmean(first for first, _ in pairs), fmean(second for _, second in pairs))
    more = f"; about {needed:,} samples would tell" if needed is not None and needed > len(pairs) else ""
    return f"indistinguishable at n = {len(pairs)}{more}"


def _wilson(correct: int, n: int) -> tuple[float, float]:
    from scipy.stats import binomtest

    ends = binomtest(correct, n).proportion_ci(LEVEL, method="wilson")
    return float(ends.low), float(ends.high)


def _bca(values: Sequence[float]) -> tuple[float, float] | None:
    """The ends of the interval of the mean; None where fewer than two values differ."""
    if len(set(values)) < 2:
        return None
    import numpy
    from scipy.stats import bootstrap

    ends = bootstrap(
        (numpy.asarray(values),), numpy.mean, n_resamples=RESAMPLES, batch=200, confidence_level=LEVEL, rng=0
    ).confidence_interval
    return float(ends.low), float(ends.high)


def _pairs(a: Record, b: Record) -> list[tuple[float, float]]:
    """The scores of both for each input that both answered."""
    of_a, of_b = _scores(a), _scores(b)
    return [(score, of_b[key]) for key, score in of_a.items() if key in of_b]


def _scores(record: Record) -> Mapping[str, float]:
    """The score of each scored input by its id; an input that came twice is evidence once."""
    return {request.id: request.score for request in record.requests if request.score is not None}
