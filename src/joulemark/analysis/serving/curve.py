"""The measured loads of one model, engine, settings and card: requests per second -> watts, and limits kept or not.

Power at a measured load is as measured; between two it is on the straight line between them, which never overshoots;
below the lowest on that between the idle baseline, which is the load of nothing, and the lowest. Above the highest
nothing is said.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean

from joulemark.analysis import verdict
from joulemark.analysis.serving.overload import KEPT_UP
from joulemark.analysis.verdict import LimitVerdict
from joulemark.core.cell import Cell
from joulemark.core.serving import LIMITS, Limits

ANSWERED, RATE = "answered", "rate"  # that requests are answered, and that the engine keeps up with their rate
ROUNDING = 1e-9  # relative, within which two rates are one


@dataclass(frozen=True)
class LoadProcess:
    """One process that was measured under one load.

    Attributes:
        run_id: its run
        power_w: mean power of all components under that load, waiting included, W
        idle_w: their idle power, W; None where one of them has no baseline
        p50: medians by the names of LIMITS, s; None where unknown
        p90: 90th percentiles by the same names
        p99: 99th percentiles by the same names
        unanswered: share of its requests that got no answer, in [0, 1]
        kept_up: share of the rate that the engine kept up with, in [0, 1]; None where that cannot be known
        j_per_output_token: J, None where no tokens are counted
        j_per_request: J an answered request
    """

    run_id: str
    power_w: float
    idle_w: float | None = None
    p50: Mapping[str, float | None] = field(default_factory=dict)
    p90: Mapping[str, float | None] = field(default_factory=dict)
    p99: Mapping[str, float | None] = field(default_factory=dict)
    unanswered: float = 0.0
    kept_up: float | None = None
    j_per_output_token: float | None = None
    j_per_request: float | None = None


@dataclass(frozen=True)
class MeasuredLoad:
    """The processes of one load.

    Attributes:
        rate_per_s: requests per second, as asked, or as attained where no rate was asked
        processes: each fresh process that was measured under it
    """

    rate_per_s: float
    processes: tuple[LoadProcess, ...]

    def times(self, limit: str, percentile: float) -> Cell:
        """One of the PERCENTILES in every process; without values where one of them has none."""
        by_limit = {50.0: "p50", 90.0: "p90", 99.0: "p99"}[percentile]
        return _cell([getattr(process, by_limit).get(limit) for process in self.processes])

    def keeps(self, limits: Limits) -> "Passed":
        """Whether the load keeps the limits, by the process."""
        asked = {name: bound for name in LIMITS if (bound := getattr(limits, name)) is not None}
        by_limit = {name: verdict.within(self.times(name, limits.percentile), bound) for name, bound in asked.items()}
        allowed = 1 - limits.percentile / 100
        by_limit[ANSWERED] = verdict.within(_cell([each.unanswered for each in self.processes]), allowed)
        shares = [each.kept_up for each in self.processes if each.kept_up is not None]
        if shares:
            by_limit[RATE] = verdict.within(_cell([1 - share for share in shares]), 1 - KEPT_UP)
        return Passed(by_limit)


@dataclass(frozen=True)
class Passed:
    """Whether a load keeps each limit: those of LIMITS that are set, ANSWERED, and RATE where it is known."""

    by_limit: Mapping[str, LimitVerdict]

    @property
    def passes(self) -> bool:
        """Whether every limit is kept as far as was measured, by the mean of the processes; unknown is not kept."""
        return all(each.kept for each in self.by_limit.values())

    @property
    def established(self) -> bool:
        """Whether the processes are enough to say so, either way."""
        outcomes = [each.outcome for each in self.by_limit.values()]
        return verdict.EXCEEDED in outcomes or all(outcome == verdict.KEPT for outcome in outcomes)

    @property
    def broken(self) -> tuple[str, ...]:
        """The limits that are not kept."""
        return tuple(name for name, each in self.by_limit.items() if not each.kept)


@dataclass(frozen=True)
class Curve:
    """The measured loads of one model, engine, settings and card, ascending.

    Attributes:
        name: model, engine and settings as text
        loads: each measured load once
        card: digest of the card; None where that is of no matter
        key: what stands for it in a table or JSON
    """

    name: str
    loads: tuple[MeasuredLoad, ...]
    card: str | None = None
    key: str = ""

    def highest(self, limits: Limits) -> MeasuredLoad | None:
        """The highest load that keeps the limits, with every lower one that was measured; None without one."""
        found = None
        for load in self.loads:
            if not load.keeps(limits).passes:
                break
            found = load
        return found

    def power(self, rate_per_s: float) -> Cell | None:
        """Watts of one card under a load up to the highest measured one; None below the lowest without a baseline.

        Of processes of two loads, each value is of other processes: as many values as the load with fewer has.
        """
        at = next((load for load in self.loads if _same(load.rate_per_s, rate_per_s)), None)
        if at is not None:
            return Cell(tuple(process.power_w for process in at.processes), None, self.card)
        above = next((load for load in self.loads if load.rate_per_s > rate_per_s), None)
        if above is None:
            return None
        below = [load for load in self.loads if load.rate_per_s < rate_per_s]
        upper = [process.power_w for process in above.processes]
        if below:
            lower, start = [process.power_w for process in below[-1].processes], below[-1].rate_per_s
        else:
            pairs = [(each.idle_w, each.power_w) for each in above.processes if each.idle_w is not None]
            lower, upper, start = [idle for idle, _ in pairs], [watts for _, watts in pairs], 0.0
        share = (rate_per_s - start) / (above.rate_per_s - start)
        count = min(len(lower), len(upper))
        if count == 0:
            return None
        ends = [(fmean(lower[place::count]), fmean(upper[place::count])) for place in range(count)]
        return Cell(tuple(low + share * (high - low) for low, high in ends), None, self.card)

    def between(self, rate_per_s: float) -> tuple[float, ...]:
        """The measured loads that a power is of: one, or the two that it lies between; 0 is the idle baseline."""
        if any(_same(load.rate_per_s, rate_per_s) for load in self.loads):
            return (rate_per_s,)
        below = [load.rate_per_s for load in self.loads if load.rate_per_s < rate_per_s]
        above = [load.rate_per_s for load in self.loads if load.rate_per_s > rate_per_s]
        return (below[-1] if below else 0.0, *above[:1])


def _same(first: float, second: float) -> bool:
    return abs(first - second) <= ROUNDING * max(first, second)


def _cell(values: Sequence[float | None]) -> Cell:
    known = tuple(value for value in values if value is not None)
    return Cell(known) if len(known) == len(values) else Cell(())
