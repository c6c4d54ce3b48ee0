"""Which answers kept the limits of a scenario."""

from dataclasses import dataclass
from typing import Any

from joulemark.analysis.serving.columns import Columns
from joulemark.core.serving import LIMITS, Limits


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
    for name in LIMITS:
        limit = getattr(limits, name)
        if limit is None:
            continue
        value_s = getattr(known, name)
        trivial = known.answered & (known.output_tokens < 2) if name == "tpot_s" else numpy.zeros_like(known.answered)
        found[name] = Kept(trivial | (value_s <= limit), known.answered & numpy.isnan(value_s) & ~trivial)
    return found
