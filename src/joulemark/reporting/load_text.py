"""What to take for a load in sentences and tables, for the page, the Markdown summary and the terminal alike."""

from collections.abc import Sequence

from joulemark.analysis import verdict
from joulemark.analysis.serving.curve import ANSWERED, RATE, Passed
from joulemark.analysis.serving.load import LoadChoice, LoadCost
from joulemark.core.formatting import (
    JOULES,
    SECONDS,
    UNKNOWN,
    WATTS,
    digits,
    listed,
    many,
    mass_rounded,
    percent,
    rounded,
    scaled,
    spoken,
    times,
    wh_rounded,
)
from joulemark.core.markdown import Table
from joulemark.core.serving import Limits
from joulemark.reporting.load import LoadAnswer
from joulemark.reporting.recommendation_text import LEAD

NAMES = {"ttft_s": "time to first token", "tpot_s": "time per output token", "latency_s": "latency"}
BROKEN = {**NAMES, ANSWERED: "unanswered requests", RATE: "the rate itself, which it does not keep up with"}
NAMED = 3  # settings that are refused are named up to this many


def requests(rate: float) -> str:
    """A rate as text."""
    return f"{rounded(rate, 3)} request{'' if rate == 1 else 's'}/s"


def duration(value_s: float) -> str:
    """A limit as one says it: `30 ms`."""
    return scaled(value_s, SECONDS, lambda number: rounded(number, 3))


def kept(limits: Limits) -> str:
    """The limits as text; empty without one."""
    parts = [f"{name} at most {duration(bound)}" for key, name in NAMES.items() if (bound := getattr(limits, key))]
    return f"{listed(parts)} for {limits.percentile:g} % of the answers" if parts else ""


def question(answer: LoadAnswer) -> str:
    """What was asked for, in a few words."""
    limits = kept(answer.choice.limits) or "an engine that keeps up with them"
    return f"{requests(answer.choice.load_per_s)}, {limits}"


def headline(answer: LoadAnswer) -> str:
    """What to take, in one sentence."""
    chosen = answer.choice.chosen
    if chosen is None:
        return "No measured setting carries this load within the limits."
    return f"{LEAD[answer.choice.sure]} {chosen.curve.name}, on {cards(chosen)}."


def cards(cost: LoadCost) -> str:
    """How many cards, as text."""
    assert cost.cards is not None
    return many(cost.cards, "card")


def facts(answer: LoadAnswer) -> list[tuple[str, str]]:
    """What the chosen setting costs under the load, as (what, value); what is not available is left out."""
    chosen = answer.choice.chosen
    if chosen is None:
        return []
    money, grams = answer.money_per_day(chosen), answer.grams_per_day(chosen)
    idle = chosen.idle_w / chosen.power_w if chosen.idle_w is not None and chosen.power_w else None
    known = [
        ("energy a day, idle time included", wh_rounded(chosen.wh_per_day)),
        ("cost a day", UNKNOWN if money is None else f"{digits(money[0])} {money[1]}".strip()),
        ("cards", cards(chosen)),
        ("headroom to the limit", times(chosen.headroom)),
        ("mean power", scaled(chosen.power_w, WATTS)),
        ("of which idle power", percent(idle)),
        ("energy a request", scaled(chosen.j_per_request, JOULES)),
        ("emissions a day", UNKNOWN if grams is None else f"{mass_rounded(grams)} CO2e"),
    ]
    return [(what, value) for what, value in known if value != UNKNOWN]


def how_sure(answer: LoadAnswer) -> list[str]:
    """The evidence, and what it is of."""
    choice, chosen = answer.choice, answer.choice.chosen
    if chosen is None or chosen.highest is None or chosen.power is None:
        return [*refused(answer)]
    lines = [
        f"One card keeps the limits up to {requests(chosen.highest.rate_per_s)}: "
        f"{_evidence(chosen.highest.keeps(choice.limits))}. Nothing is said of a higher rate on it.",
        f"{_of_points(chosen)}, in {many(chosen.power.processes, 'process')}.",
    ]
    if not kept(choice.limits):
        lines.append(
            "No limit was given, so a rate passes where the engine keeps up with it: limits.ttft_s=… sets one."
        )
    if not answer.by_quality:
        lines.append("This is about energy alone: no run of these has a quality.")
    return [*lines, *_against(choice)]


def refused(answer: LoadAnswer) -> list[str]:
    """The settings that do not carry the load, each with the reason."""
    some = [
        *(f"{cost.curve.name}: {_why(cost, answer.choice.limits)}" for cost in answer.choice.refused),
        *(
            f"{next(curve.name for curve in answer.served.curves if curve.key == key)}: {'; '.join(why)}"
            for key, why in answer.unfit.items()
        ),
    ]
    more = [f"{len(some) - NAMED} more do not carry it either."] if len(some) > NAMED else []
    return [*(f"Not taken: {line}." for line in some[:NAMED]), *more]


def loads_table(answer: LoadAnswer) -> Table:
    """What half the load, the load, and double would take and cost."""
    columns: tuple[str, ...] = ("load", "take", "cards", "power", "a day", "cost a day", "a request", "headroom")
    rows: list[tuple[str, ...]] = [
        (requests(choice.load_per_s), *_row(answer, choice.chosen)) for choice in answer.choices
    ]
    columns, rows = _priced(answer, columns, rows)
    note = (
        "Power is that of measured loads, between two of them on a straight line; a load above the highest that keeps "
        "the limits takes more cards, each with an equal share."
    )
    return Table("Half the load, the load, and double", columns, rows, note)


def settings_table(answer: LoadAnswer) -> Table:
    """Every setting under the load, the least power first."""
    columns: tuple[str, ...] = (
        "setting",
        "cards",
        "power",
        "a day",
        "cost a day",
        "a request",
        "highest rate on a card",
        "evidence",
    )
    rows: list[tuple[str, ...]] = [
        (
            cost.curve.name,
            *_row(answer, cost)[1:-1],
            requests(cost.highest.rate_per_s) if cost.highest else UNKNOWN,
            _evidence(cost.highest.keeps(answer.choice.limits)) if cost.highest else "",
        )
        for cost in answer.choice.costs
    ]
    rows += [(cost.curve.name, *[""] * 6, _why(cost, answer.choice.limits)) for cost in answer.choice.refused]
    columns, rows = _priced(answer, columns, rows)
    return Table(f"Every setting at {requests(answer.choice.load_per_s)}", columns, rows)


def _priced(
    answer: LoadAnswer, columns: tuple[str, ...], rows: list[tuple[str, ...]]
) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """The table without its costs where no site gives a price."""
    if any(answer.money_per_day(cost) is not None for choice in answer.choices for cost in choice.costs):
        return columns, rows
    place = columns.index("cost a day")
    return columns[:place] + columns[place + 1 :], [row[:place] + row[place + 1 :] for row in rows]


def _row(answer: LoadAnswer, cost: LoadCost | None) -> tuple[str, ...]:
    if cost is None:
        return ("no measured setting carries it", *[""] * 6)
    money = answer.money_per_day(cost)
    return (
        cost.curve.name,
        f"{cost.cards:,}",
        scaled(cost.power_w, WATTS),
        wh_rounded(cost.wh_per_day),
        UNKNOWN if money is None else f"{digits(money[0])} {money[1]}".strip(),
        scaled(cost.j_per_request, JOULES),
        times(cost.headroom),
    )


def _evidence(passed: Passed) -> str:
    """How well it is known that a load keeps the limits."""
    notes = [each.note for each in passed.by_limit.values() if not each.established]
    return notes[0] if notes else next((each.note for each in passed.by_limit.values()), "")


def _of_points(cost: LoadCost) -> str:
    share = "" if cost.cards == 1 else f", {requests(cost.load_per_s / (cost.cards or 1))} on each card,"
    if len(cost.between) == 1:
        return f"The power at this load{share} is as measured"
    low, high = cost.between
    first = "the idle baseline" if low == 0 else f"that at {requests(low)}"
    return f"The power at this load{share} lies on the straight line between {first} and that at {requests(high)}"


def _against(choice: LoadChoice) -> Sequence[str]:
    """The next setting, by the one verdict, and the family's test."""
    if len(choice.costs) < 2:
        return ["No other setting that was measured carries this load."]
    first, second = choice.costs[:2]
    assert first.power is not None
    assert second.power is not None
    lead = verdict.between(first.power, second.power)
    ratio = f"{lead.multiple} the power, " if lead.ratio is not None else ""
    lines = [f"The next, {second.curve.name}: {ratio}{lead.outcome if lead.outcome != 'A' else 'more'} ({lead.note})."]
    if choice.test is not None:
        lines.append(f"Judged by {choice.test}, the error of all comparisons together held at 5 %.")
    if choice.open:
        lines.append(
            f"{len(choice.open)} not established against it: three processes of each load are needed, repeats=3."
        )
    return lines


def _why(cost: LoadCost, limits: Limits) -> str:
    """Why a setting does not carry the load, with what its lowest load breaks."""
    broken = cost.curve.loads[0].keeps(limits).broken if cost.highest is None and cost.curve.loads else ()
    lowest = f": at {requests(cost.curve.loads[0].rate_per_s)} it breaks {listed([BROKEN[n] for n in broken])}"
    return f"{cost.unknown}{lowest if broken else ''}"


def task(answer: LoadAnswer) -> str:
    """The task as text."""
    return spoken(answer.served.task)
