"""Fixed batches, one after the other: no requests arrive, and nobody waits."""

from dataclasses import dataclass, field

from joulemark.core.quantities import Positive
from joulemark.core.serving import Limits, Schedule


@dataclass(frozen=True)
class Batch:
    """The scenario of a run whose inputs are all there: the next batch follows at once."""

    limits: Limits = field(default_factory=Limits)
    timeout_s: Positive = 1.0
    max_duration_s: Positive = 1.0

    def schedule(self, samples: int, seed: int) -> Schedule | None:
        """None: nothing arrives."""
        return None
