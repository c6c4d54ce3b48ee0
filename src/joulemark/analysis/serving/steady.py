"""The steady part of a traffic: when the engine was as full as it gets, by the rule of the ML.ENERGY benchmark.

It begins when as many requests as are under way at most have their first token, and ends when all but so many have
ended: without filling up and without running dry. The whole run, with its idle time, stands beside it.
"""

from collections.abc import Mapping

from joulemark.analysis.serving.columns import Columns
from joulemark.analysis.serving.power import Power
from joulemark.core.traffic import SteadyWindow


def steady_window(
    known: Columns, concurrency: int, powers: Mapping[str, Power]
) -> tuple[SteadyWindow | None, str | None]:
    """The steady part at that concurrency, or why there is none.

    `concurrency` is the engine's own where it is full, the users of a closed loop, else the most requests that were
    under way at once. Tokens come evenly from the first to the last of an answer.
    """
    import numpy

    first_s = numpy.sort(known.first_s[known.sent & numpy.isfinite(known.first_s)])
    ended_s = numpy.sort(known.finished_s[known.sent])
    if concurrency < 1 or not len(ended_s):
        return None, "no request was under way"
    if not len(first_s):
        return None, "answers come whole: no first token is known"
    if len(first_s) < concurrency or len(ended_s) <= concurrency:
        return None, f"too few requests: {len(ended_s)} at a concurrency of {concurrency}"
    start_s, end_s = float(first_s[concurrency - 1]), float(ended_s[len(ended_s) - concurrency - 1])
    if end_s <= start_s:
        return None, f"it was over before {concurrency} requests had their first token: send more requests"
    tokens = _tokens(known, start_s, end_s)
    if tokens is None:
        return None, "the tokens of answers are not counted"
    finished_s = known.finished_s[known.answered]
    window = SteadyWindow(
        start_s=start_s,
        end_s=end_s,
        requests=int(((finished_s > start_s) & (finished_s <= end_s)).sum()),
        output_tokens=round(tokens),
        joules={component: power.between(start_s, end_s) for component, power in powers.items()},
        method={component: power.method for component, power in powers.items()},
    )
    return window, None


def _tokens(known: Columns, start_s: float, end_s: float) -> float | None:
    """Tokens that came between two moments; None where an answer's are not counted."""
    import numpy

    begun = known.sent & numpy.isfinite(known.first_s)
    first_s, last_s, tokens = known.first_s[begun], known.finished_s[begun], known.output_tokens[begun]
    if numpy.isnan(tokens).any() or numpy.isnan(known.output_tokens[known.answered]).any():
        return None
    lasted_s = last_s - first_s
    overlap_s = (numpy.minimum(last_s, end_s) - numpy.maximum(first_s, start_s)).clip(0)
    at_first = (first_s >= start_s) & (first_s <= end_s)
    at_once = numpy.where(lasted_s > 0, numpy.minimum(tokens, 1), tokens)  # the others come evenly after the first
    share = overlap_s / numpy.where(lasted_s > 0, lasted_s, 1)
    return float((at_once * at_first + (tokens - at_once) * share).sum())
