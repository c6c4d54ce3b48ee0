"""Portfolio: a mix of jobs on one card, answered by one general-purpose model or by specialists.

    Wh per day = idle power x hours on            paid once, whatever is loaded
               + calls x dynamic energy of a call what a call adds to a card that is on anyway
               + loads x energy of a load         none for models that stay loaded around the clock

    stay  all models are in the card's memory: loaded once a day where the card is not on around the clock, else never
    swap  the jobs are collected and answered in rounds: each model that has jobs is loaded once a round

Both sides are on the same card, so its idle power is one number and cancels; the verdict is of the rest.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from joulemark.analysis import verdict
from joulemark.analysis.impact.amount import Amount, total
from joulemark.analysis.impact.break_even import Turn, ends, turns
from joulemark.analysis.impact.workload_mix import HOURS_A_DAY, Measured, Mix, Side
from joulemark.core.paths import program
from joulemark.core.units import PER, S_PER_HOUR

POLICIES = ("stay", "swap")


@dataclass(frozen=True)
class PolicyCost:
    """What a side takes a day under one policy, by what it is for.

    Attributes:
        side: `A` or `B`
        policy: one of POLICIES
        idle: idle energy of the card, Wh
        calls: dynamic energy of the calls, Wh
        loads: energy of loading, Wh
        busy_hours: hours that the card is at work; None where the time of a call is unknown
    """

    side: str
    policy: str
    idle: Amount
    calls: Amount
    loads: Amount
    busy_hours: float | None

    @property
    def work(self) -> Amount:
        """All but the idle power, which both sides share."""
        return total((self.calls, self.loads))

    @property
    def wh(self) -> Amount:
        """All of a day."""
        return total((self.idle, self.calls, self.loads))


@dataclass(frozen=True)
class Portfolio:
    """Two sides of one mix, with the cost of each under each policy and the verdict.

    Attributes:
        mix: the jobs
        a: the general-purpose side
        b: the specialists
        verdict: `A`, `B`, `tie` or `unknown`
        costs: what each side takes under each policy; empty where there are `reasons`
        chosen: the policy of each side
        turns: calls a day at which the order of the two chosen policies turns; None where the energy of a load that
            they need is not available
        capacity: calls a day that the card answers, for A and B; None where that is unknown
        reasons: why there is no verdict
        notes: caveats
    """

    mix: Mix
    a: Side
    b: Side
    verdict: str
    costs: tuple[PolicyCost, ...] = ()
    chosen: Mapping[str, str] = field(default_factory=dict)
    turns: tuple[Turn, ...] | None = ()
    capacity: tuple[float | None, float | None] = (None, None)
    reasons: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def cost(self, side: str, policy: str | None = None) -> PolicyCost | None:
        """The cost of side `A` or `B`, under the chosen policy where none is named."""
        wanted = policy or self.chosen.get(side)
        return next((cost for cost in self.costs if (cost.side, cost.policy) == (side, wanted)), None)


def policy_cost(
    jobs: Mix, side: Side, label: str, policy: str, idle_w: Amount, calls: float | None = None
) -> PolicyCost:
    """What a side takes a day under a policy, at the mix's calls per day or at others."""
    count = jobs.calls_per_day if calls is None else calls
    requested = {task: count * share for task, share in jobs.shares.items()}
    dynamic = [(side.by_task[task].dynamic or Amount(0.0)).times(requested[task] / PER) for task in requested]
    often = loaded(jobs, side, policy, count)
    loads = total(load_wh(side, model, idle_w).times(times) for model, times in often.items() if times > 0)
    seconds = [side.by_task[task].seconds for task in requested]
    busy = None if None in seconds else sum(s * n for s, n in zip(seconds, requested.values(), strict=True) if s) / 3600
    return PolicyCost(label, policy, idle_w.times(jobs.hours_on), total(dynamic), loads, busy)


def loaded(jobs: Mix, side: Side, policy: str, calls: float) -> dict[str, float]:
    """How often a day each model is loaded: never without a call, and never more often than there are calls.

    A side of one model has nothing to swap.
    """
    around_the_clock = jobs.hours_on == HOURS_A_DAY
    often = jobs.rounds_per_day if policy == "swap" and len(side.models) > 1 else 0.0 if around_the_clock else 1.0
    return {model: min(often, calls * share) for model, share in _shares(jobs, side).items()}


def load_wh(side: Side, model: str, idle_w: Amount) -> Amount:
    """What loading a model once adds to a card that is on anyway; the dearest of its runs where they differ.

    It is one reading, taken as it is. Where there is none it counts as nothing with an unknown interval, so that no
    verdict stands on it.
    """
    read = [
        max(0.0, value.load_wh - idle_w.mean * (value.load_s or 0.0) / S_PER_HOUR)
        for value in side.by_task.values()
        if value.model == model and value.load_wh is not None
    ]
    return Amount.exact(max(read)) if read else Amount(0.0)


def _shares(jobs: Mix, side: Side) -> dict[str, float]:
    """The share of the calls that each model of a side answers."""
    shares: dict[str, float] = {}
    for task, share in jobs.shares.items():
        model = side.by_task[task].model
        shares[model] = shares.get(model, 0.0) + share
    return shares


def portfolio(jobs: Mix, a: Side, b: Side, card_bytes: int | None = None) -> Portfolio:
    """The mix answered by both sides; `card_bytes` is the card's memory, None where it is not known."""
    reasons = tuple(_reasons(jobs, (a, b)))
    if reasons:
        return Portfolio(jobs, a, b, "unknown", reasons=reasons)
    idle_w = idle_power([run for side in (a, b) for task, run in side.by_task.items() if task in jobs.shares])
    sides = {"A": a, "B": b}
    costs = tuple(
        policy_cost(jobs, side, label, policy, idle_w) for label, side in sides.items() for policy in _policies(side)
    )
    chosen = {label: policy_of(side, card_bytes) for label, side in sides.items()}
    pair = {cost.side: cost for cost in costs if chosen[cost.side] == cost.policy}

    return Portfolio(
        mix=jobs,
        a=a,
        b=b,
        verdict=verdict.lower(pair["A"].work, pair["B"].work),
        costs=costs,
        chosen=chosen,
        turns=None
        if any(_without_load_energy(jobs, sides[label], chosen[label]) for label in sides)
        else _turns(jobs, sides, chosen),
        capacity=(capacity(jobs, a), capacity(jobs, b)),
        notes=tuple(_notes(jobs, sides, chosen, card_bytes)),
    )


def _turns(jobs: Mix, sides: Mapping[str, Side], chosen: Mapping[str, str]) -> tuple[Turn, ...]:
    """Where the order of the two chosen policies turns; the idle power is the same on both sides and cancels."""

    def works(calls: float) -> list[Amount]:
        return [policy_cost(jobs, sides[label], label, chosen[label], Amount(0.0), calls).work for label in sides]

    def apart(calls: float) -> float:
        a, b = works(calls)
        return a.mean - b.mean

    def least(calls: float) -> float:
        a, b = works(calls)
        return (a.low or 0.0) - (b.high or 0.0)

    def most(calls: float) -> float:
        a, b = works(calls)
        return (a.high or 0.0) - (b.low or 0.0)

    corners = [at for label in sides for at in _corners(jobs, sides[label], chosen[label])]
    crossings = turns(apart, corners)
    if len(crossings) != 1 or any(work.low is None for work in works(crossings[0])):
        return tuple(Turn(at) for at in crossings)
    rising = apart(crossings[0] * 1.001) > 0
    return (ends(crossings[0], rising, turns(least, corners), turns(most, corners)),)


def policy_of(side: Side, card_bytes: int | None) -> str:
    """All stay loaded where the sum of their peak memory fits the card, or where nothing says that it does not."""
    if side.memory_bytes is None or card_bytes is None:
        return "stay"
    return "stay" if len(side.models) == 1 or side.memory_bytes <= card_bytes else "swap"


def _policies(side: Side) -> tuple[str, ...]:
    return POLICIES if len(side.models) > 1 else ("stay",)


def idle_power(runs: Sequence[Measured]) -> Amount:
    """The card's idle power with a context: the mean of all runs' readings, from the lowest end to the highest."""
    read = [run.idle_w for run in runs if run.idle_w is not None]
    ends = [end for power in read for end in (power.low, power.high) if end is not None]
    mean = sum(power.mean for power in read) / len(read)
    whole = len(ends) == 2 * len(read)
    return Amount(mean, min(ends) if whole else None, max(ends) if whole else None)


def capacity(jobs: Mix, side: Side) -> float | None:
    """How many calls of the mix the card answers in the hours that it is on, without the time of loading."""
    seconds = [side.by_task[task].seconds for task in jobs.shares]
    each = sum((s or 0.0) * share for s, share in zip(seconds, jobs.shares.values(), strict=True))
    return None if None in seconds or each <= 0 else jobs.hours_on * S_PER_HOUR / each


def _corners(jobs: Mix, side: Side, policy: str) -> Iterable[float]:
    """The calls per day from which a model is loaded as often as it ever is."""
    most = loaded(jobs, side, policy, float("inf"))
    return [times / share for (model, share), times in zip(_shares(jobs, side).items(), most.values(), strict=True)]


def _reasons(jobs: Mix, sides: Sequence[Side]) -> Iterable[str]:
    """Why there is no verdict on the mix."""
    devices = {value.device for side in sides for value in side.by_task.values()}
    if len(devices) > 1:
        yield f"the runs are of different devices ({', '.join(sorted(devices))}), which do not compare"
    for side in sides:
        for task in jobs.shares:
            run = side.by_task.get(task)
            if run is None:
                yield f"no run of {task} for {side.name}; measure one: {program('run')} model=… task={task}"
            elif run.dynamic is None or run.idle_w is None:
                yield f"{run.model} on {task} has no idle baseline, so no dynamic energy; type protocol=standard"


def _notes(jobs: Mix, sides: Mapping[str, Side], chosen: Mapping[str, str], card_bytes: int | None) -> Iterable[str]:
    """The caveats."""
    estimated = [value.estimated_share or 0.0 for side in sides.values() for value in side.by_task.values()]
    if max(estimated) > 0:
        yield f"up to {max(estimated):.0%} of these energies was estimated, not measured"
    for label, side in sides.items():
        if len(side.models) > 1 and (side.memory_bytes is None or card_bytes is None):
            yield f"{label}: whether its {len(side.models)} models fit in memory together is unknown; taken to fit"
        lacking = _without_load_energy(jobs, side, chosen[label])
        if lacking:
            yield f"{label}: what loading {', '.join(lacking)} takes is not available, so there is no verdict"
        most = capacity(jobs, side)
        if most is not None and jobs.calls_per_day > most:
            requested = f"{jobs.calls_per_day:,.0f}"
            yield f"{label}: one device answers about {most:,.0f} calls of this mix a day, not {requested}"


def _without_load_energy(jobs: Mix, side: Side, policy: str) -> list[str]:
    """The models that the policy loads and whose energy of loading is not available."""
    often = loaded(jobs, side, policy, float("inf"))
    return [model for model, times in often.items() if times > 0 and load_wh(side, model, Amount(0.0)).low is None]
