"""Which answers kept the limits of a scenario, and whether a load keeps them as a whole."""

from dataclasses import dataclass
from typing import Any

from joulemark.analysis.serving.columns import Columns
from joulemark.core.serving import Limits
from joulemark.core.traffic import Traffic

NAMES = ("ttft_s", "tpot_s", "latency_s")


@dataclass(frozen=True)
class Kept:
    """Whether each request kept a limit, as arrays of truth values.

    Attributes:
        kept: answered, and known to have kept it
        unknown: answered, and nobody can tell
    """

    kept: Any
    unknown: Any

    @property
    def known(self) -> bool:
        """Whether it is known of every answer."""
        return not self.unknown.any()


def kept(known: Columns, limits: Limits) -> dict[str, Kept]:
    """By limit that binds: which requests kept it.

    An answer of one token keeps every limit of the time per token, since it has no token after the first.
    """
    import numpy

    found = {}
    for name in NAMES:
        limit = getattr(limits, name)
        if limit is None:
            continue
        value_s = getattr(known, name)
        trivial = known.answered & (known.output_tokens < 2) if name == "tpot_s" else numpy.zeros_like(known.answered)
        found[name] = Kept(trivial | (value_s <= limit), known.answered & numpy.isnan(value_s) & ~trivial)
    return found


def keeps(traffic: Traffic, limits: Limits) -> bool | None:
    """Whether as many of all requests as the percentile asks kept each limit; None without limits or where unknown.

    One that failed, timed out or was never sent kept none.
    """
    names = [name for name in NAMES if getattr(limits, name) is not None]
    if not names or any(name not in traffic.within for name in names):
        return None
    requests = traffic.answered + traffic.failed + traffic.timed_out + traffic.unsent
    return requests > 0 and all(traffic.within[name] * 100 >= limits.percentile * requests for name in names)
