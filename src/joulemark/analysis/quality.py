"""How well a model's quality is known, and whether two models differ in it: from the scores of single requests.

share     every score is 0 or 1: Wilson's interval; two models on the same inputs are compared by McNemar's exact test
mean      other scores: bias-corrected accelerated bootstrap (BCa) of the mean, of the differences for two models; above
          20,000 inputs the normal approximation
neither   a metric of the whole set (macro F1, BLEU, mAP, a correlation) has the interval that was computed when it was
          scored; two models are compared by a paired bootstrap, which computes it again for the same requests of both
"""

from dataclasses import dataclass, replace
from math import isclose, sqrt
from statistics import NormalDist
from typing import Any

from joulemark.analysis import planning, requests, whole_set
from joulemark.analysis.requests import Scored
from joulemark.core import bootstrap
from joulemark.core.record import Record, RequestSummary
from joulemark.core.stats import LEVEL

PRIMARY = "primary"
RESAMPLES = 4000  # of a bootstrap: its ends then move by less than a tenth of the interval
AT_ONCE = 200  # of these in memory
MOST_RESAMPLED = 20_000  # values of a bootstrap
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
        difference: quality of A less that of B on these inputs; None where it is unknown
        low: the lower end of its 95 % interval; None where the test gives none
        high: the upper end
        p: of no difference, which decides; None where it is an interval that does
    """

    outcome: str
    note: str
    n: int = 0
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None


def interval(record: Record) -> QualityInterval | None:
    """The interval of a record's primary metric; None where it has none."""
    value, known = record.scores.get(PRIMARY), requests.summary(record)
    if value is None or whole_set.is_primary(record) or not _is_a_mean(known, value):
        return _of_the_whole_set(record)
    if record.request_summary is None:
        scored = requests.scored_inputs(record)
        assert scored is not None  # a record without a summary holds its requests
        known = completed(known, scored)
    if known.interval is None:
        return None
    return QualityInterval(value, *known.interval, known.inputs, known.method or "")


def completed(counted: RequestSummary, scored: Scored) -> RequestSummary:
    """The summary of requests with the interval of the mean of their scores, from one score an input."""
    _, scores = scored
    if not len(scores):
        return counted
    correct = int(scores.sum()) if _binary(scores) else None
    ends, method = (_wilson(correct, len(scores)), WILSON) if correct is not None else _of_mean(scores)
    return replace(
        counted, inputs=len(scores), correct=correct, interval=ends, method=method if ends is not None else None
    )


def difference(a: Record, b: Record) -> QualityDifference:
    """Which of two models answers the same inputs better, the inputs taken as pairs."""
    if whole_set.kept(a) and whole_set.kept(b):
        return _of_whole_sets(a, b)
    pairs = _pairs(a, b)
    return QualityDifference(UNKNOWN, pairs) if isinstance(pairs, str) else _judged(*pairs)


def surely_loses(record: Record, best: Record, share: float) -> bool | None:
    """Whether a model is established to lose more than a share of another's quality, the inputs taken as pairs.

    That the other is better at all must be established as well. None where the two cannot be compared.
    """
    outcome = difference(record, best).outcome
    if outcome != B_HIGHER:
        return None if outcome == UNKNOWN else False
    ends = margin(record, best, share)
    return ends is not None and ends[1] < 0


def surely_keeps(record: Record, best: Record, share: float) -> bool:
    """Whether a model is established to lose no more than a share of another's quality, the inputs taken as pairs."""
    ends = margin(record, best, share)
    return ends is not None and ends[0] >= 0


def margin(record: Record, best: Record, share: float) -> tuple[float, float] | None:
    """The 95 % interval of a quality less what another's is without a share of it; None where it has none."""
    if whole_set.kept(record) and whole_set.kept(best):
        result = whole_set.difference(record, best, 1 - share)
        known = None if isinstance(result, str) else result[1]
        return None if known is None or known.low is None or known.high is None else (known.low, known.high)
    pairs = _pairs(record, best)
    if isinstance(pairs, str):
        return None
    own, other = pairs
    margins = own - (1 - share) * other
    ends, _ = _of_mean(margins)
    return ends or (float(margins.mean()),) * 2


def _of_whole_sets(a: Record, b: Record) -> QualityDifference:
    result = whole_set.difference(a, b)
    if isinstance(result, str):
        return QualityDifference(UNKNOWN, result)
    n, gap = result
    if gap.p is None or (gap.low == gap.high and gap.value):
        return QualityDifference(UNKNOWN, f"{a.task.metric} of {n} requests as pairs: {gap.method}", n, gap.value)
    ends = (n, gap.value, gap.low, gap.high, gap.p)
    if gap.p >= 1 - LEVEL:
        return QualityDifference(TIE, f"indistinguishable at n = {n} (p = {gap.p:.2g}, {gap.method})", *ends)
    return QualityDifference(A_HIGHER if gap.value > 0 else B_HIGHER, f"p = {gap.p:.2g}, {gap.method}", *ends)


def _pairs(a: Record, b: Record) -> tuple[Any, Any] | str:
    """The scores of both for each input that both answered; why they are no pairs, as half a sentence."""
    for name, record in (("A", a), ("B", b)):
        if (why := _no_mean(record)) is not None:
            return f"{name}: {why}"
    of_a, of_b = requests.scored_inputs(a), requests.scored_inputs(b)
    if of_a is None or of_b is None:
        return f"requests.parquet of {'A' if of_a is None else 'B'} is not beside its record, or not readable"
    if not all(map(_spread, (of_a, of_b))):
        return "a quality that is not a mean over the inputs has no interval"
    pairs = _paired(of_a, of_b)
    return pairs if len(pairs[0]) else "they share no scored input"


def _judged(a: Any, b: Any) -> QualityDifference:
    gap = float((a - b).mean())
    return _mcnemar(a, b, gap) if _binary(a) and _binary(b) else _paired_bootstrap(a, b, gap)


def surely_below(known: QualityInterval | None, limit: float) -> bool:
    """Whether a quality is established to be below a limit."""
    return known is not None and known.high < limit


def _of_the_whole_set(record: Record) -> QualityInterval | None:
    value, known = record.scores.get(PRIMARY), record.intervals.get(record.task.metric)
    if value is None or known is None or known.low is None or known.high is None:
        return None
    return QualityInterval(value, known.low, known.high, known.n, known.method)


def _is_a_mean(known: RequestSummary, value: float) -> bool:
    """Whether a primary metric is the mean of the scores of single requests."""
    return known.mean is not None and isclose(known.mean, value, abs_tol=TOLERANCE)


def _no_mean(record: Record) -> str | None:
    """Why a primary metric is no mean of the scores of single requests; None where it is one."""
    value, metric = record.scores.get(PRIMARY), record.task.metric
    if value is None:
        return "it has no quality"
    if whole_set.is_primary(record):
        return f"{metric} is of the whole set, and the run kept nothing to compute it again for the requests of both"
    return None if _is_a_mean(requests.summary(record), value) else f"{metric} is no mean of the scores of its requests"


def _spread(scored: Scored) -> bool:
    """Whether these scores have an interval: shares always, other scores from two inputs on."""
    return _binary(scored[1]) or len(scored[1]) > 1


def _binary(scores: Any) -> bool:
    return bool(((scores == 0.0) | (scores == 1.0)).all())


def _paired(a: Scored, b: Scored) -> tuple[Any, Any]:
    """The scores of both for each input that both answered, in the order of the first."""
    import numpy

    _, of_a, of_b = numpy.intersect1d(a[0], b[0], assume_unique=True, return_indices=True)
    order = numpy.argsort(of_a)
    return a[1][of_a[order]], b[1][of_b[order]]


def _mcnemar(a: Any, b: Any, gap: float) -> QualityDifference:
    from scipy.stats import binomtest  # over a second to import

    only_a, only_b = int((a > b).sum()), int((b > a).sum())
    if only_a + only_b and binomtest(only_a, only_a + only_b).pvalue < 1 - LEVEL:
        note = f"McNemar's exact test: {only_a} only A, {only_b} only B correct of {len(a)}"
        return QualityDifference(A_HIGHER if only_a > only_b else B_HIGHER, note, len(a), gap)
    return QualityDifference(TIE, _indistinguishable(a, b), len(a), gap)


def _paired_bootstrap(a: Any, b: Any, gap: float) -> QualityDifference:
    ends, _ = _of_mean(a - b)
    if ends is None:
        return QualityDifference(TIE if gap == 0 else UNKNOWN, "every difference is the same", len(a), gap)
    low, high = ends
    if low <= 0 <= high:
        return QualityDifference(TIE, f"indistinguishable at n = {len(a)}", len(a), gap, low, high)
    note = "the 95 % interval of the paired difference leaves 0 out"
    return QualityDifference(A_HIGHER if gap > 0 else B_HIGHER, note, len(a), gap, low, high)


def _indistinguishable(a: Any, b: Any) -> str:
    needed = planning.samples_needed(float(a.mean()), float(b.mean()))
    more = f"; about {needed:,} samples would tell" if needed is not None and needed > len(a) else ""
    return f"indistinguishable at n = {len(a)}{more}"


def _wilson(correct: int, n: int) -> tuple[float, float]:
    """Source: Newcombe 1998, method 3, as scipy's binomtest computes it."""
    z = _normal_quantile()
    middle, half = (2 * correct + z**2), z * sqrt(4 * correct * (n - correct) / n + z**2)
    low, high = ((middle + end) / (2 * (n + z**2)) for end in (-half, half))
    return (low if correct else 0.0), (high if correct < n else 1.0)


def _normal_quantile() -> float:
    """The normal distribution's quantile at 95 %, two-sided."""
    return NormalDist().inv_cdf((1 + LEVEL) / 2)


def _of_mean(values: Any) -> tuple[tuple[float, float] | None, str]:
    """The ends of the interval of the mean, and how they were computed; None where fewer than two values differ.

    With this many values the mean is normally distributed and the bootstrap gives the same ends: it would only take
    minutes, and gigabytes.
    """
    if values.min() == values.max():
        return None, ""
    if len(values) > MOST_RESAMPLED:
        half = _normal_quantile() * float(values.std(ddof=1)) / sqrt(len(values))
        mean = float(values.mean())
        return (mean - half, mean + half), "normal approximation"

    def means(places: Any) -> Any:
        return values[places].mean(axis=-1)[None]

    distribution = bootstrap.resampled(means, len(values), RESAMPLES, AT_ONCE)
    return bootstrap.bca_ends(means, len(values), distribution, AT_ONCE)[0], "BCa bootstrap"
