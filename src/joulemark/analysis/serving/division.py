"""Power divided over time among the requests that were under way: one sweep from event to event.

    requests  ─┬──────┬────────────┬───┬─────────  two cumulated sums, J for each request under way and J for each token
               sent   first token  ended           per second, give a request's share by two differences: n log n

The sums are of integers, binary fractions of joules, so that nothing is lost where two large ones are subtracted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import fsum
from typing import Any

from joulemark.analysis.serving.columns import Columns
from joulemark.analysis.serving.power import Power

RATE_BITS, JOULE_BITS, PER_RATE_BITS = 40, 80, 100  # binary places of tokens/s, of joules, more of joules per token/s


@dataclass(frozen=True)
class Phases:
    """When each request was in prefill and decode, and how many tokens a second it then processed, as arrays.

    Attributes:
        sent_s: beginning of prefill
        first_s: its end, and the beginning of decode; the request's end where no first token is known
        ended_s: end of decode
        prefill: tokens/s of prefill
        decode: tokens/s of decode
        apart: whether the two are known of every answer
        by_tokens: whether tokens are counted
    """

    sent_s: Any
    first_s: Any
    ended_s: Any
    prefill: Any
    decode: Any
    apart: bool
    by_tokens: bool


def phases_of(known: Columns) -> Phases:
    """The phases of the requests that were under way.

    A request that was not answered has the tokens that it is known to have: none where that is unknown.
    """
    import numpy

    sent = known.sent
    began_s, ended_s, answered = known.sent_s[sent], known.finished_s[sent], known.answered[sent]
    ended_s = numpy.maximum(began_s, ended_s)
    streamed = numpy.isfinite(known.first_s[sent])
    first_s = numpy.where(streamed, numpy.clip(known.first_s[sent], began_s, ended_s), ended_s)
    tokens_in, tokens_out = known.input_tokens[sent], known.output_tokens[sent]
    counted = numpy.isfinite(tokens_in) & numpy.isfinite(tokens_out) & streamed
    apart = bool(answered.any() and streamed[answered].all())
    by_tokens = bool(answered.any() and counted[answered].all())
    prefill = _rate(tokens_in, first_s - began_s) * by_tokens
    decode = _rate(tokens_out - 1, ended_s - first_s) * by_tokens
    return Phases(began_s, first_s, ended_s, prefill, decode, apart, by_tokens)


def _rate(tokens: Any, seconds: Any) -> Any:
    """Tokens per second, none of those that are unknown or took no time."""
    import numpy

    known = numpy.isfinite(tokens) & (tokens > 0) & (seconds > 0)
    return numpy.where(known, tokens, 0.0) / numpy.where(known, seconds, 1.0)


def divided(phases: Phases, powers: Mapping[str, Power]) -> tuple[list[float], list[float], float]:
    """J of each request's prefill and decode, and J of the moments without any."""
    import numpy

    moments, places = _events(phases, powers)
    sent, first, ended = places
    change = numpy.zeros(len(moments), dtype=numpy.int64)
    numpy.add.at(change, sent, 1)
    numpy.add.at(change, ended, -1)
    under_way = numpy.cumsum(change)[:-1].tolist()
    rates = [[int(rate) for rate in (each * 2.0**RATE_BITS).tolist()] for each in (phases.prefill, phases.decode)]
    token_rate = _token_rate(len(moments), places, rates)
    idle_j, dynamic_j = _energy(moments, powers)
    unattributed_j = fsum(a + b for a, b, n in zip(idle_j, dynamic_j, under_way, strict=True) if not n)
    equal, by_tokens = [], []
    for idle, dynamic, requests, rate in zip(idle_j, dynamic_j, under_way, token_rate, strict=True):
        idle_part, dynamic_part = (int(joules * 2.0**JOULE_BITS) for joules in (idle, dynamic))
        equal.append((idle_part + (0 if rate else dynamic_part)) // requests if requests else 0)
        by_tokens.append((dynamic_part << PER_RATE_BITS) // rate if rate else 0)
    of_each = list(accumulate(equal, initial=0))
    of_rate = list(accumulate(by_tokens, initial=0))

    def joules(begin: Sequence[int], end: Sequence[int], rate: Sequence[int]) -> list[float]:
        return [
            (of_each[b] - of_each[a]) / (1 << JOULE_BITS)
            + r * (of_rate[b] - of_rate[a]) / (1 << JOULE_BITS + PER_RATE_BITS)
            for a, b, r in zip(begin, end, rate, strict=True)
        ]

    return joules(sent, first, rates[0]), joules(first, ended, rates[1]), unattributed_j


def _events(phases: Phases, powers: Mapping[str, Power]) -> tuple[Any, list[list[int]]]:
    """All moments of the window at which something changes, in order, and the places of the requests' among them."""
    import numpy

    power = next(iter(powers.values()))
    ends = float(power.at_s[0]), float(power.at_s[-1])
    clipped = [numpy.clip(each, *ends) for each in (phases.sent_s, phases.first_s, phases.ended_s)]
    moments = numpy.unique(numpy.concatenate([*clipped, ends]))
    return moments, [numpy.searchsorted(moments, each).tolist() for each in clipped]


def _token_rate(count: int, places: Sequence[Sequence[int]], rates: Sequence[Sequence[int]]) -> list[int]:
    """Tokens per second of all requests between each two moments, exactly."""
    change = [0] * count
    for (begin, end), rate in zip(((places[0], places[1]), (places[1], places[2])), rates, strict=True):
        for a, b, r in zip(begin, end, rate, strict=True):
            change[a] += r
            change[b] -= r
    return list(accumulate(change))[:-1]


def _energy(moments: Any, powers: Mapping[str, Power]) -> tuple[list[float], list[float]]:
    """J between each two moments: of idle power, never more than there was, and above it."""
    import numpy

    idle_j = dynamic_j = numpy.zeros(len(moments) - 1)
    for power in powers.values():
        joules = numpy.diff(power.until(moments)).clip(0)
        idle = numpy.minimum(joules, (power.idle_w or 0.0) * numpy.diff(moments))
        idle_j, dynamic_j = idle_j + idle, dynamic_j + (joules - idle)
    return idle_j.tolist(), dynamic_j.tolist()
