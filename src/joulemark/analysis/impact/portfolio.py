"""Portfolio: a mix of jobs on one card, answered by one general model or by specialists, and where the order turns.

    Wh per day = idle power x hours on            paid once, whatever is loaded
               + calls x net energy of a call     what a call adds to a card that is on anyway
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

PER = 1000  # inferences
POLICIES = ("stay", "swap")


@dataclass(frozen=True)
class Plan:
    """A side under one policy: what it takes a day, apart by what it is for, and how many calls the card can answer."""

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
    """Two sides of one mix: the plans that were reckoned, the chosen one of each side, the verdict and the turns.

    `turns` are the calls per day at which the two chosen plans take the same and their order turns, None where
    what loading takes is needed and was not read. `capacity` is how
    many calls a day the card answers on each side, None where that is unknown. `reasons` says why nothing can be
    said; then there are no plans and the verdict is `unknown`.
    """

    mix: Mix
    a: Side
    b: Side
    verdict: str
    plans: tuple[Plan, ...] = ()
    chosen: Mapping[str, str] = field(default_factory=dict)
    turns: tuple[Turn, ...] | None = ()
    capacity: tuple[float | None, float | None] = (None, None)
    reasons: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def plan(self, side: str, policy: str | None = None) -> Plan | None:
        """The plan of side `A` or `B`, the chosen one where no policy is named."""
        wanted = policy or self.chosen.get(side)
        return next((one for one in self.plans if (one.side, one.policy) == (side, wanted)), None)


def plan(jobs: Mix, side: Side, label: str, policy: str, idle_w: Amount, calls: float | None = None) -> Plan:
    """What a side takes a day under a policy, at the mix's calls per day or at others."""
    count = jobs.calls_per_day if calls is None else calls
    asked = {task: count * share for task, share in jobs.shares.items()}
    net = [(side.by_task[task].net or Amount(0.0)).times(asked[task] / PER) for task in asked]
    often = loaded(jobs, side, policy, count)
    loads = total(load_wh(side, model, idle_w).times(times) for model, times in often.items() if times > 0)
    seconds = [side.by_task[task].seconds for task in asked]
    busy = None if None in seconds else sum(s * n for s, n in zip(seconds, asked.values(), strict=True) if s) / 3600
    return Plan(label, policy, idle_w.times(jobs.hours_on), total(net), loads, busy)


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
        max(0.0, value.load_wh - idle_w.mean * (value.load_s or 0.0) / 3600)
        for value in side.by_task.values()
        if value.model == model and value.load_wh is not None
    ]
    return Amount.exact(max(read)) if read else Amount(0.0)


def _shares(jobs: Mix, side: Side) -> dict[str, float]:
    """The share of the calls that each model of a side answers."""
    found: dict[str, float] = {}
    for task, share in jobs.shares.items():
        model = side.by_task[task].model
        found[model] = found.get(model, 0.0) + share
    return found


def portfolio(jobs: Mix, a: Side, b: Side, card_bytes: int | None = None) -> Portfolio:
    """The mix answered by both sides; `card_bytes` is the card's memory, None where it is not known."""
    reasons = tuple(_reasons(jobs, (a, b)))
    if reasons:
        return Portfolio(jobs, a, b, "unknown", reasons=reasons)
    idle_w = idle_power([one for side in (a, b) for task, one in side.by_task.items() if task in jobs.shares])
    sides = {"A": a, "B": b}
    plans = tuple(
        plan(jobs, side, label, policy, idle_w) for label, side in sides.items() for policy in _policies(side)
    )
    chosen = {label: policy_of(side, card_bytes) for label, side in sides.items()}
    pair = {one.side: one for one in plans if chosen[one.side] == one.policy}

    return Portfolio(
        mix=jobs,
        a=a,
        b=b,
        verdict=verdict.lower(pair["A"].work, pair["B"].work),
        plans=plans,
        chosen=chosen,
        turns=None
        if any(_unread(jobs, sides[label], chosen[label]) for label in sides)
        else _turns(jobs, sides, chosen),
        capacity=(capacity(jobs, a), capacity(jobs, b)),
        notes=tuple(_notes(jobs, sides, chosen, card_bytes)),
    )


def _turns(jobs: Mix, sides: Mapping[str, Side], chosen: Mapping[str, str]) -> tuple[Turn, ...]:
    """Where the order of the two chosen plans turns; the idle power is the same on both sides and cancels."""

    def works(calls: float) -> list[Amount]:
        return [plan(jobs, sides[label], label, chosen[label], Amount(0.0), calls).work for label in sides]

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
    found = turns(apart, corners)
    if len(found) != 1 or any(one.low is None for one in works(found[0])):
        return tuple(Turn(at) for at in found)
    rising = apart(found[0] * 1.001) > 0
    return (ends(found[0], rising, turns(least, corners), turns(most, corners)),)


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
    ends = [end for one in read for end in (one.low, one.high) if end is not None]
    mean = sum(one.mean for one in read) / len(read)
    whole = len(ends) == 2 * len(read)
    return Amount(mean, min(ends) if whole else None, max(ends) if whole else None)


def capacity(jobs: Mix, side: Side) -> float | None:
    """How many calls of the mix the card answers in the hours that it is on, without the time of loading."""
    seconds = [side.by_task[task].seconds for task in jobs.shares]
    each = sum((s or 0.0) * share for s, share in zip(seconds, jobs.shares.values(), strict=True))
    return None if None in seconds or each <= 0 else jobs.hours_on * 3600 / each


def _corners(jobs: Mix, side: Side, policy: str) -> Iterable[float]:
    """The calls per day from which a model is loaded as often as it ever is."""
    most = loaded(jobs, side, policy, float("inf"))
    return [times / share for (model, share), times in zip(_shares(jobs, side).items(), most.values(), strict=True)]


def _reasons(jobs: Mix, sides: Sequence[Side]) -> Iterable[str]:
    """Why nothing can be said of the mix."""
    devices = {value.device for side in sides for value in side.by_task.values()}
    if len(devices) > 1:
        yield f"the runs are of different devices ({', '.join(sorted(devices))}), which do not compare"
    for side in sides:
        for task in jobs.shares:
            one = side.by_task.get(task)
            if one is None:
                yield f"no run of {task} for {side.name}; measure one: {program('run')} model=… task={task}"
            elif one.net is None or one.idle_w is None:
                yield f"{one.model} on {task} has no idle baseline, so no net energy; type protocol=standard"


def _notes(jobs: Mix, sides: Mapping[str, Side], chosen: Mapping[str, str], card_bytes: int | None) -> Iterable[str]:
    """What must be said beside the numbers."""
    estimated = [value.estimated_share or 0.0 for side in sides.values() for value in side.by_task.values()]
    if max(estimated) > 0:
        yield f"up to {max(estimated):.0%} of these energies was estimated, not read"
    for label, side in sides.items():
        if len(side.models) > 1 and (side.memory_bytes is None or card_bytes is None):
            yield f"{label}: whether its {len(side.models)} models fit in memory together is unknown; taken to fit"
        unread = _unread(jobs, side, chosen[label])
        if unread:
            yield f"{label}: what loading {', '.join(unread)} takes was not read, so there is no verdict"
        most = capacity(jobs, side)
        if most is not None and jobs.calls_per_day > most:
            asked = f"{jobs.calls_per_day:,.0f}"
            yield f"{label}: one device answers about {most:,.0f} calls of this mix a day, not {asked}"


def _unread(jobs: Mix, side: Side, policy: str) -> list[str]:
    """The models that the policy loads and whose loading was not read."""
    often = loaded(jobs, side, policy, float("inf"))
    return [model for model, times in often.items() if times > 0 and load_wh(side, model, Amount(0.0)).low is None]
