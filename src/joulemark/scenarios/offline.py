"""All requests at once: the *offline* scenario of the MLPerf Inference rules, whose result is the throughput."""

from dataclasses import dataclass, field

from joulemark.core.quantities import Positive
from joulemark.core.serving import Limits, Schedule


@dataclass(frozen=True)
class Offline:
    """Every request is there when the traffic begins; the engine may answer them in any order.

    Attributes:
        limits: what an answer must keep to count as good
        timeout_s: s after which a request counts as timed out
        max_duration_s: s of traffic at most
    """

    limits: Limits = field(default_factory=Limits)
    timeout_s: Positive = 3600.0
    max_duration_s: Positive = 3600.0

    def schedule(self, samples: int, seed: int) -> Schedule:
        """Each input once, all at the beginning."""
        return Schedule(requests=samples, at_s=[0.0] * samples)
