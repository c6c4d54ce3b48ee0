"""How well a model's quality is known, and whether two models differ in it: from the scores of single requests.

share     every score is 0 or 1: Wilson's interval; two models on the same inputs are compared by McNemar's exact test
mean      other scores: bias-corrected accelerated bootstrap (BCa) of the mean, of the differences for two models
neither   a metric of the whole set (macro F1, BLEU, mAP, a correlation) has no interval here, and decides nothing
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
TOLERANCE = 1e-9  # between a stored quality and the mean of its scores

MCNEMAR, BOOTSTRAP = "McNemar's exact test", "a paired bootstrap"

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
class Scored:
    """The scores of one run, input by input: what a pair of runs is judged by.

    Attributes:
        by_id: the score of each scored input by its id; an input that came twice is evidence once
        is_mean: whether the primary metric is the mean of the scores
    """

    by_id: Mapping[str, float]
    is_mean: bool = True

    @property
    def binary(self) -> bool:
        """Whether every score is 0 or 1, so that the mean is a share."""
        return set(self.by_id.values()) <= {0.0, 1.0}

    @property
    def judged(self) -> bool:
        """Whether the primary metric has an interval that these scores give."""
        return self.is_mean and (self.binary or len(set(self.by_id.values())) > 1)


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
        test: what established it; None where nothing is
    """

    outcome: str
    note: str
    n: int = 0
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    test: str | None = None


def scored(record: Record) -> Scored:
    """The scores of a record's inputs."""
    by_id = {request.id: request.score for request in record.requests if request.score is not None}
    value = record.scores.get(PRIMARY)
    return Scored(by_id, value is not None and _is_a_mean(record, value))


def interval(record: Record) -> QualityInterval | None:
    """The interval of a record's primary metric; None where it has none, or is not a mean over the inputs."""
    value, known = record.scores.get(PRIMARY), scored(record)
    if value is None or not known.is_mean:
        return None
    scores = list(known.by_id.values())
    if known.binary:
        low, high = _wilson(int(sum(scores)), len(scores))
        return QualityInterval(value, low, high, len(scores), "Wilson's interval")
    ends = _bca(scores)
    return None if ends is None else QualityInterval(value, *ends, len(scores), "BCa bootstrap")


def difference(a: Scored, b: Scored) -> QualityDifference:
    """Which of two models answers the same inputs better, the inputs taken as pairs."""
    if not (a.judged and b.judged):
        return QualityDifference(UNKNOWN, "a quality that is not a mean over the inputs has no interval")
    pairs = _pairs(a, b)
    if not pairs:
        return QualityDifference(UNKNOWN, "they share no scored input")
    gap = fmean(first - second for first, second in pairs)
    binary = all(score in (0.0, 1.0) for pair in pairs for score in pair)
    return _mcnemar(pairs, gap) if binary else _paired_bootstrap(pairs, gap)


def surely_loses(scores: Scored, best: Scored, share: float) -> bool | None:
    """Whether a model is established to lose more than a share of another's quality, on the same inputs as pairs.

    That the other is better at all must be established as well. None where the two are no pairs.
    """
    result = difference(scores, best)
    if result.outcome == UNKNOWN:
        return None
    if result.outcome != B_HIGHER:
        return False
    pairs = _pairs(scores, best)
    ends = _bca([own - (1 - share) * other for own, other in pairs])
    return fmean(own - (1 - share) * other for own, other in pairs) < 0 if ends is None else ends[1] < 0


def surely_below(known: QualityInterval | None, limit: float) -> bool:
    """Whether a quality is established to be below a limit."""
    return known is not None and known.high < limit


def _is_a_mean(record: Record, value: float) -> bool:
    """Whether a primary metric is the mean of the scores of single requests."""
    every = [request.score for request in record.requests if request.score is not None]
    return bool(every) and isclose(fmean(every), value, abs_tol=TOLERANCE)


def _pairs(a: Scored, b: Scored) -> list[tuple[float, float]]:
    return [(score, b.by_id[key]) for key, score in a.by_id.items() if key in b.by_id]


def _mcnemar(pairs: Sequence[tuple[float, float]], gap: float) -> QualityDifference:
    from scipy.stats import binomtest  # over a second to import

    only_a, only_b = pairs.count((1.0, 0.0)), pairs.count((0.0, 1.0))
    if only_a + only_b and binomtest(only_a, only_a + only_b).pvalue < 1 - LEVEL:
        note = f"{MCNEMAR}: {only_a} only A, {only_b} only B correct of {len(pairs)}"
        return QualityDifference(A_HIGHER if only_a > only_b else B_HIGHER, note, len(pairs), gap, test=MCNEMAR)
    return QualityDifference(TIE, _indistinguishable(pairs), len(pairs), gap)


def _paired_bootstrap(pairs: Sequence[tuple[float, float]], gap: float) -> QualityDifference:
    ends = _bca([first - second for first, second in pairs])
    if ends is None:
        return QualityDifference(TIE if gap == 0 else UNKNOWN, "every difference is the same", len(pairs), gap)
    low, high = ends
    if low <= 0 <= high:
        return QualityDifference(TIE, f"indistinguishable at n = {len(pairs)}", len(pairs), gap, low, high)
    note = "the 95 % interval of the paired difference leaves 0 out"
    return QualityDifference(A_HIGHER if gap > 0 else B_HIGHER, note, len(pairs), gap, low, high, BOOTSTRAP)


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
