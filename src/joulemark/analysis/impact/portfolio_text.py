"""A portfolio in words and as a table: which side takes less for this mix, and where the order turns."""

from joulemark.analysis.impact.amount import Amount, interval
from joulemark.analysis.impact.break_even import Turn
from joulemark.analysis.impact.portfolio import Plan, Portfolio
from joulemark.analysis.impact.workload_mix import HOURS_A_DAY
from joulemark.core.formatting import UNKNOWN, listed, rounded
from joulemark.core.markdown import Table

POLICY = {"stay": "all stay loaded", "swap": "loaded in rounds"}
BASIS = (
    "Idle power is that of one device, paid once, and cancels between the sides; calls are net of it. Memory is the "
    "sum of the models' peaks. Intervals are added end to end."
)


def sentences(found: Portfolio) -> tuple[str, ...]:
    """The answer first, then where the order turns, then what must be said beside it."""
    if found.reasons:
        return ("Which side takes less cannot be said.", *(_sentence(reason) for reason in found.reasons))
    return (
        _verdict(found),
        _turns(found),
        *_parts(found),
        *_quality(found),
        *(_sentence(note) for note in found.notes),
    )


def _verdict(found: Portfolio) -> str:
    jobs, names = found.mix, {"A": found.a.name, "B": found.b.name}
    calls = f"{rounded(jobs.calls_per_day, 4)} calls a day ({_shares(found)})"
    if found.verdict == "unknown":
        return f"For {calls} there is no verdict: an interval is not known."
    if found.verdict == "tie":
        return f"For {calls} {names['A']} and {names['B']} tie: their intervals meet."
    less, more = (found.plan(side) for side in (found.verdict, "B" if found.verdict == "A" else "A"))
    assert less is not None
    assert more is not None
    return (
        f"For {calls}: less with {names[less.side]}, {interval(less.work)} a day above idle, than with "
        f"{names[more.side]}, {interval(more.work)}."
    )


def _shares(found: Portfolio) -> str:
    return listed([f"{share:.0%} {task.replace('_', ' ')}" for task, share in found.mix.shares.items()])


def _turns(found: Portfolio) -> str:
    if found.turns is None:
        return "Where the order turns cannot be said."
    if not found.turns:
        return "There is no break-even: the order is the same for any number of calls."
    least = min((most for most in found.capacity if most is not None), default=None)
    said = [f"{_turn(one)}{_beyond(one.at, least)}" for one in found.turns]
    return f"The order turns at {listed(said)}."


def _turn(one: Turn) -> str:
    at = f"{rounded(one.at, 3)} calls a day"
    if one.low is None:
        return at
    end = "without an upper end" if one.high is None else f"to {rounded(one.high, 3)}"
    return f"{at} ({rounded(one.low, 3)} {end})"


def _beyond(at: float, most: float | None) -> str:
    return ", more than one device can answer" if most is not None and at > most else ""


def _parts(found: Portfolio) -> list[str]:
    """The idle power beside all that the calls add: what keeping the card on costs, whoever answers."""
    one = found.plan("A")
    if one is None or one.idle.mean <= 0:
        return []
    on = "around the clock" if found.mix.hours_on == HOURS_A_DAY else f"{found.mix.hours_on:g} hours a day"
    return [f"Being on {on} takes {interval(one.idle)} a day, whichever side answers."]


def _quality(found: Portfolio) -> list[str]:
    """How well each side answers, task by task; nothing where neither is known."""
    said = []
    for task in found.mix.shares:
        a, b = (side.by_task[task].quality for side in (found.a, found.b))
        if a is not None or b is not None:
            said.append(f"{task.replace('_', ' ')} {rounded(a, 3)} against {rounded(b, 3)}")
    return [f"Quality, {found.a.name} against {found.b.name}: {'; '.join(said)}."] if said else []


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def table(found: Portfolio) -> Table:
    """Each side under each policy: Wh a day by what they are for; the chosen ones are marked."""
    heads = ("", "policy", "idle", "calls", "loading", "in all, a day", "at work")
    names = {"A": found.a.name, "B": found.b.name}
    rows = tuple(_row(found, one, names[one.side]) for one in found.plans)
    return Table(f"A day of {found.mix.name or 'this mix'}", heads, rows, BASIS)


def _span(hours: float) -> str:
    """Hours in the unit in which they are read easily."""
    size, unit = next((pair for pair in ((1.0, "h"), (1 / 60, "min")) if hours >= pair[0]), (1 / 3600, "s"))
    return f"{rounded(hours / size)} {unit}"


def _row(found: Portfolio, one: Plan, name: str) -> tuple[str, ...]:
    mark = " (chosen)" if found.chosen[one.side] == one.policy and len(found.plans) > 2 else ""
    busy = UNKNOWN if one.busy_hours is None else _span(one.busy_hours)
    parts: tuple[Amount, ...] = (one.idle, one.calls, one.loads, one.wh)
    return (f"{one.side}: {name}", f"{POLICY[one.policy]}{mark}", *(interval(part) for part in parts), busy)
