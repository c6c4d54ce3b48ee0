"""Poisson arrivals: the *server* scenario of the MLPerf Inference rules, and with tighter limits the *interactive* one.

The loop is open: a slow engine does not slow the requests, and one that waits counts its waiting.
"""

from dataclasses import dataclass, field
from math import ceil

from joulemark.core.errors import UserError
from joulemark.core.quantities import Amount, Positive
from joulemark.core.serving import Limits, Schedule

MOST_REQUESTS = 10_000_000


@dataclass(frozen=True)
class Poisson:
    """Requests that come independently of each other and of the engine, so many a second on average.

    Attributes:
        rate: mean requests per second
        min_duration_s: s over which requests come, at least: inputs come again where there are too few
        limits: what an answer must keep to count as good
        timeout_s: s after which a request counts as timed out
        max_duration_s: s of traffic at most, which ends it where no engine keeps up
    """

    rate: Positive
    min_duration_s: Amount = 0.0
    limits: Limits = field(default_factory=Limits)
    timeout_s: Positive = 600.0
    max_duration_s: Positive = 3600.0

    def schedule(self, samples: int, seed: int) -> Schedule:
        """The inputs in order, again and again until the time is over; the same moments for the same seed.

        Raises:
            UserError: the rate asks for more requests than fit in memory
        """
        requests = max(samples, ceil(min(self.rate * self.min_duration_s, 1e18)))
        if requests > MOST_REQUESTS:
            raise UserError(
                f"scenario.rate={self.rate:g}: {requests:,} requests in {self.min_duration_s:g} s, at most "
                f"{MOST_REQUESTS:,}; type a lower rate, or scenario.min_duration_s=0"
            )
        import numpy

        gaps = numpy.random.default_rng(seed).exponential(1 / self.rate, requests)
        return Schedule(requests=requests, at_s=numpy.cumsum(gaps).tolist())
