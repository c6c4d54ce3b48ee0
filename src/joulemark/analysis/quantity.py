"""Which energy is compared: gross, or dynamic where a GPU mostly waits on a host that others use as well.

There gross energy is mostly that of being on for as long as the others make it wait.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import fmean

from joulemark.core.errors import UserError

# What is compared -> the metric, and that of its within-run interval
QUANTITIES = {
    "gross": ("energy/total_wh_per_1k", "energy/ci95_rel"),
    "dynamic": ("energy/dynamic_wh_per_1k", "energy/dynamic_ci95_rel"),
}
GROSS, DYNAMIC = QUANTITIES

UTILIZATION = "utilization/gpu"  # the metric of a GPU's busy share
BUSY_SHARE = 0.5  # of a GPU, below which most of its gross energy is that of being on
SHARED = frozenset({"shared", "contaminated", "host_busy"})  # flags of a host that others used as well


@dataclass(frozen=True)
class Quantity:
    """What a comparison is of.

    Attributes:
        name: `gross` or `dynamic`
        reason: why that one, as half a sentence
    """

    name: str = GROSS
    reason: str = "all that was drawn while it ran"

    @property
    def metric(self) -> str:
        """The metric that holds it, Wh per 1,000 inferences."""
        return QUANTITIES[self.name][0]

    @property
    def relative(self) -> str:
        """The metric that holds half of its within-run interval over its mean."""
        return QUANTITIES[self.name][1]


ALL_THAT_WAS_DRAWN = Quantity()


def shared(flags: Iterable[str]) -> bool:
    """Whether the flags of a run say that others used its host."""
    return not SHARED.isdisjoint(flags)


def choose(busy_shares: Iterable[float | None], on_shared_host: bool, typed: str | None = None) -> Quantity:
    """What is compared of some processes, by how busy the GPU of each was; what was typed is taken.

    Raises:
        UserError: what was typed is none of QUANTITIES
    """
    if typed is not None:
        if typed not in QUANTITIES:
            raise UserError(f"quantity={typed}: must be {' or '.join(QUANTITIES)}")
        return Quantity(typed, "as asked")
    busy = [share for share in busy_shares if share is not None]
    if on_shared_host and busy and fmean(busy) < BUSY_SHARE:
        reason = f"the host is shared and the GPU was busy for {fmean(busy):.0%}: gross is mostly waiting for it"
        return Quantity(DYNAMIC, reason)
    return ALL_THAT_WAS_DRAWN
