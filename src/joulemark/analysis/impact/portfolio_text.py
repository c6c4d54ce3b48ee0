"""A portfolio as sentences and as a table: which side takes less for this mix, and where the order turns."""

from joulemark.analysis.impact.amount import Amount, interval
from joulemark.analysis.impact.break_even import Turn
from joulemark.analysis.impact.portfolio import PolicyCost, Portfolio
from joulemark.analysis.impact.workload_mix import HOURS_A_DAY
from joulemark.core.formatting import UNKNOWN, listed, rounded, spoken
from joulemark.core.markdown import Table

POLICY = {"stay": "all stay loaded", "swap": "loaded in rounds"}
BASIS = (
    "Idle power is that of one device, paid once, and cancels between the sides; calls are the dynamic energy "
    "above it. Memory is the sum of the models' peaks. Intervals are added end to end."
)


def sentences(portfolio: Portfolio) -> tuple[str, ...]:
    """The verdict first, then where the order turns, then the caveats."""
    if portfolio.reasons:
        return ("Which side takes less cannot be said.", *(_sentence(reason) for reason in portfolio.reasons))
    return (
        _verdict(portfolio),
        _turns(portfolio),
        *_parts(portfolio),
        *_quality(portfolio),
        *(_sentence(note) for note in portfolio.notes),
    )


def _verdict(portfolio: Portfolio) -> str:
    jobs, names = portfolio.mix, {"A": portfolio.a.name, "B": portfolio.b.name}
    calls = f"{rounded(jobs.calls_per_day, 4)} calls a day ({_shares(portfolio)})"
    if portfolio.verdict == "unknown":
        return f"For {calls} there is no verdict: an interval is not known."
    if portfolio.verdict == "tie":
        return f"For {calls} {names['A']} and {names['B']} tie: their intervals meet."
    less, more = (portfolio.cost(side) for side in (portfolio.verdict, "B" if portfolio.verdict == "A" else "A"))
    assert less is not None
    assert more is not None
    return (
        f"For {calls}: less with {names[less.side]}, {interval(less.work)} a day above idle, than with "
        f"{names[more.side]}, {interval(more.work)}."
    )


def _shares(portfolio: Portfolio) -> str:
    return listed([f"{share:.0%} {spoken(task)}" for task, share in portfolio.mix.shares.items()])


def _turns(portfolio: Portfolio) -> str:
    if portfolio.turns is None:
        return "Where the order turns cannot be said."
    if not portfolio.turns:
        return "There is no break-even: the order is the same for any number of calls."
    least = min((most for most in portfolio.capacity if most is not None), default=None)
    places = [f"{_turn(turn)}{_beyond(turn.at, least)}" for turn in portfolio.turns]
    return f"The order turns at {listed(places)}."


def _turn(turn: Turn) -> str:
    at = f"{rounded(turn.at, 3)} calls a day"
    if turn.low is None:
        return at
    end = "without an upper end" if turn.high is None else f"to {rounded(turn.high, 3)}"
    return f"{at} ({rounded(turn.low, 3)} {end})"


def _beyond(at: float, most: float | None) -> str:
    return ", more than one device can answer" if most is not None and at > most else ""


def _parts(portfolio: Portfolio) -> list[str]:
    """The idle power beside all that the calls add: what keeping the card on costs, whoever answers."""
    cost = portfolio.cost("A")
    if cost is None or cost.idle.mean <= 0:
        return []
    on = "around the clock" if portfolio.mix.hours_on == HOURS_A_DAY else f"{portfolio.mix.hours_on:g} hours a day"
    return [f"Being on {on} takes {interval(cost.idle)} a day, whichever side answers."]


def _quality(portfolio: Portfolio) -> list[str]:
    """How well each side answers, task by task; nothing where neither is known."""
    qualities = []
    for task in portfolio.mix.shares:
        a, b = (side.by_task[task].quality for side in (portfolio.a, portfolio.b))
        if a is not None or b is not None:
            qualities.append(f"{spoken(task)} {rounded(a, 3)} against {rounded(b, 3)}")
    return [f"Quality, {portfolio.a.name} against {portfolio.b.name}: {'; '.join(qualities)}."] if qualities else []


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def table(portfolio: Portfolio) -> Table:
    """Each side under each policy: Wh a day by what they are for; the chosen ones are marked."""
    heads = ("", "policy", "idle", "calls", "loading", "in all, a day", "at work")
    names = {"A": portfolio.a.name, "B": portfolio.b.name}
    rows = tuple(_row(portfolio, cost, names[cost.side]) for cost in portfolio.costs)
    return Table(f"A day of {portfolio.mix.name or 'this mix'}", heads, rows, BASIS)


def _span(hours: float) -> str:
    """Hours in the unit in which they are read easily."""
    size, unit = next((pair for pair in ((1.0, "h"), (1 / 60, "min")) if hours >= pair[0]), (1 / 3600, "s"))
    return f"{rounded(hours / size)} {unit}"


def _row(portfolio: Portfolio, cost: PolicyCost, name: str) -> tuple[str, ...]:
    mark = " (chosen)" if portfolio.chosen[cost.side] == cost.policy and len(portfolio.costs) > 2 else ""
    busy = UNKNOWN if cost.busy_hours is None else _span(cost.busy_hours)
    parts: tuple[Amount, ...] = (cost.idle, cost.calls, cost.loads, cost.wh)
    return (f"{cost.side}: {name}", f"{POLICY[cost.policy]}{mark}", *(interval(part) for part in parts), busy)
