"""From the timings of the requests to the traffic as a whole: times, rates, and how many kept the limits."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from joulemark.analysis.serving.columns import Columns
from joulemark.analysis.serving.gaps import Gaps
from joulemark.analysis.serving.limits import Kept, kept
from joulemark.core.ranks import spread
from joulemark.core.serving import Limits, Schedule
from joulemark.core.traffic import Timing, Traffic

REASONS_LISTED = 20  # that requests failed for; the others are counted together
FEWEST_TO_TELL = 20  # answers from which on growing latency shows
SIGNIFICANT = 2.0  # standard errors of a slope


def summary(
    timings: Sequence[Timing],
    known: Columns,
    limits: Limits,
    schedule: Schedule,
    gaps: Gaps | None = None,
    token_count: str | None = None,
    generator_cpu_s: float | None = None,
) -> Traffic:
    """The traffic of the timings, without its steady part and the division of its energy.

    Every request of the schedule has a timing, the unsent ones too. Times are those of answered requests; a request
    that failed or timed out is counted, and under way as long as it was. `known` are the timings as columns.
    """
    outcomes = Counter(each.outcome for each in timings)
    good, good_tokens, within = _good(known, limits)
    asked_per_s = asked(schedule)
    duration_s = duration(known)
    return Traffic(
        duration_s=duration_s,
        asked_per_s=asked_per_s,
        users=schedule.users,
        sent=sum(each.sent_s is not None for each in timings),
        answered=outcomes["answered"],
        failed=outcomes["failed"],
        timed_out=outcomes["timed_out"],
        interrupted=outcomes["interrupted"],
        unsent=outcomes["unsent"],
        reasons=_reasons(timings),
        good=good,
        good_tokens=good_tokens,
        within=within,
        input_tokens=_total(known.input_tokens[known.answered]),
        output_tokens=_total(known.output_tokens[known.answered]),
        token_count=token_count,
        ttft_s=_spread(known.ttft_s),
        tpot_s=_spread(known.tpot_s),
        itl_s=() if gaps is None else gaps.samples(),
        latency_s=_spread(known.latency_s),
        waiting_s=_mean(known.sent_s - known.due_s),
        mean_concurrency=_under_way_s(known) / duration_s if duration_s else None,
        busy_share=min(1.0, _busy_s(known) / duration_s) if duration_s else None,
        kept_up=None if asked_per_s is None else kept_up(known),
        generator_cpu_s=generator_cpu_s,
    )


def asked(schedule: Schedule) -> float | None:
    """Requests per second of an open loop's schedule, between the first and the last; None where they come at once."""
    at_s = schedule.at_s
    if at_s is None or len(at_s) < 2 or at_s[-1] <= at_s[0]:
        return None
    return (len(at_s) - 1) / (at_s[-1] - at_s[0])


def duration(known: Columns) -> float:
    """Seconds from the first request's coming to the end of the last; 0 where none was sent."""
    if not known.sent.any():
        return 0.0
    return max(0.0, float(known.finished_s[known.sent].max() - known.due_s.min()))


def kept_up(known: Columns) -> float | None:
    """The share of an open loop's rate that was kept up with.

    Behind a queue that grows each request waits longer than the one before: latency that grows by x s for each second
    of arrivals means that answers come at 1 / (1 + x) of the rate of the requests. Growth counts as far as it is
    beyond two standard errors of its slope, and not while the engine fills up: a median latency from the first request
    on, at most half of the arrivals.
    """
    import numpy

    if not known.answered.any():
        return None
    due_s, latency_s = known.due_s[known.answered], known.latency_s[known.answered]
    filling_s = min(float(numpy.median(latency_s)), float(due_s.max() - due_s.min()) / 2)
    filled = due_s >= due_s.min() + filling_s
    due_s, latency_s = due_s[filled], latency_s[filled]
    if len(due_s) < FEWEST_TO_TELL or due_s.max() <= due_s.min():
        return None
    (slope, _), covariance = numpy.polyfit(due_s - due_s.mean(), latency_s, 1, cov=True)
    growth = max(0.0, float(slope - SIGNIFICANT * numpy.sqrt(covariance[0, 0])))
    return float(known.answered.mean()) / (1 + growth)


def peak_concurrency(known: Columns) -> int:
    """The most requests that were under way at once."""
    import numpy

    if not known.sent.any():
        return 0
    sent, finished = numpy.sort(known.sent_s[known.sent]), numpy.sort(known.finished_s[known.sent])
    ended = numpy.searchsorted(finished, sent, side="right")  # one that ends as another begins is not beside it
    return int((numpy.arange(1, len(sent) + 1) - numpy.minimum(ended, numpy.arange(len(sent)))).max())


def _good(known: Columns, limits: Limits) -> tuple[int | None, int | None, dict[str, int]]:
    """Answers that kept every limit, their tokens, and how many kept each; without what cannot be known."""
    found = kept(known, limits)
    within = {name: int(each.kept.sum()) for name, each in found.items() if each.known}
    whole = _all(found, known)
    if not found or not whole.known:
        return None, None, within
    return int(whole.kept.sum()), _total(known.output_tokens[whole.kept]), within


def _all(found: dict[str, Kept], known: Columns) -> Kept:
    """Which answers kept every limit; one that broke any is known not to, whatever else is unknown of it."""
    keeps, unknown, breaks = known.answered.copy(), ~known.answered & False, ~known.answered
    for each in found.values():
        keeps &= each.kept
        unknown |= each.unknown
        breaks |= ~each.kept & ~each.unknown
    return Kept(keeps, unknown & ~breaks)


def _reasons(timings: Sequence[Timing]) -> dict[str, int]:
    counted = Counter(each.reason or "no reason given" for each in timings if each.outcome == "failed")
    listed = dict(counted.most_common(REASONS_LISTED))
    others = sum(counted.values()) - sum(listed.values())
    return listed | ({"other reasons": others} if others else {})


def _total(values: Any) -> int | None:
    """The sum of counts; None where one is unknown."""
    import numpy

    return None if numpy.isnan(values).any() else int(values.sum())


def _spread(values: Any) -> Sequence[float]:
    import numpy

    return spread(numpy.maximum(values[numpy.isfinite(values)], 0.0))


def _mean(values: Any) -> float | None:
    import numpy

    finite = values[numpy.isfinite(values)]
    return float(finite.mean()) if len(finite) else None


def _under_way_s(known: Columns) -> float:
    """Seconds under way of all requests together."""
    return float((known.finished_s - known.sent_s)[known.sent].sum())


def _busy_s(known: Columns) -> float:
    """Seconds in which at least one request was under way."""
    import numpy

    order = numpy.argsort(known.sent_s[known.sent], kind="stable")
    sent, finished = known.sent_s[known.sent][order], known.finished_s[known.sent][order]
    until = numpy.maximum.accumulate(finished) if len(finished) else finished
    return float((until - numpy.maximum(sent, numpy.concatenate(([-numpy.inf], until[:-1])))).clip(0).sum())
