"""A closed loop: users who each send the next request once the last is answered, and think in between.

With one user it is the *single stream* of the MLPerf Inference rules.
"""

from dataclasses import dataclass, field

from joulemark.core.quantities import Amount, Number, Positive
from joulemark.core.serving import Limits, Schedule


@dataclass(frozen=True)
class ClosedLoop:
    """So many users at once; an engine that is slow is asked less often, so its waiting does not pile up.

    Attributes:
        users: users at once
        think_time_s: mean s between an answer and its user's next request, exponentially distributed; 0: none
        limits: what an answer must keep to count as good
        timeout_s: s after which a request counts as timed out
        max_duration_s: s of traffic at most
    """

    users: Number
    think_time_s: Amount = 0.0
    limits: Limits = field(default_factory=Limits)
    timeout_s: Positive = 600.0
    max_duration_s: Positive = 3600.0

    def schedule(self, samples: int, seed: int) -> Schedule:
        """Each input once, in order, whichever user sends it; the same think times for the same seed."""
        think_time_s: list[float] = []
        if self.think_time_s:
            import numpy

            think_time_s = numpy.random.default_rng(seed).exponential(self.think_time_s, samples).tolist()
        return Schedule(requests=samples, users=min(self.users, samples), think_time_s=think_time_s)
