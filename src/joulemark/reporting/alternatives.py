"""The other choices beside a recommended one: what each would cost or save, and how sure that is."""

from collections.abc import Iterator

from joulemark.analysis.impact.amount import Amount
from joulemark.analysis.impact.usage import Use
from joulemark.analysis.quantity import GROSS
from joulemark.core.formatting import GRAMS, UNKNOWN, WH, Units, scaled
from joulemark.core.markdown import Table
from joulemark.core.units import PER
from joulemark.reporting import amounts
from joulemark.reporting.entry import Entry
from joulemark.reporting.own_use import SPAN, stated
from joulemark.reporting.recommendation import Recommendation
from joulemark.reporting.recommendation_text import pair_text

TIES = 8  # that are listed; the table of every run has all

COLUMNS = ("choice", "what it is", "energy per 1,000", "ratio and verdict", "emissions", "cost", "quality")


def table(recommendation: Recommendation, use: Use | None = None) -> Table | None:
    """A row for each alternative, the tied ones first; None where there is none."""
    rows = [_row(recommendation, entry, role, use) for entry, role in _alternatives(recommendation)]
    if not rows or recommendation.chosen is None:
        return None
    columns = [*COLUMNS, *([f"a {SPAN} of your use"] if use else [])]
    kept = [place for place in range(len(columns)) if any(row[place] not in ("", UNKNOWN) for row in rows)]
    more = len(recommendation.tied) - TIES
    notes = [f"{more} more tie."] if more > 0 else []
    notes += [f"Your use: {stated(use)}."] if use else []
    return Table(
        f"Alternatives, each against {recommendation.chosen.named}",
        [columns[place] for place in kept],
        [[row[place] for place in kept] for row in rows],
        " ".join(notes),
    )


def _alternatives(recommendation: Recommendation) -> Iterator[tuple[Entry, str]]:
    """Each alternative once, with what it is."""
    seen: set[str] = set()
    several = [(entry, "tied") for entry in recommendation.tied[:TIES]]
    single = (
        (recommendation.runner_up, "runner-up"),
        (recommendation.next_model, "next model"),
        (recommendation.better, "higher quality"),
        (recommendation.usual, "same model, batch 1, fp32"),
    )
    for entry, role in (*several, *single):
        if entry is not None and entry.run_id not in seen:
            seen.add(entry.run_id)
            yield entry, role
    if recommendation.refused is not None:
        entry, broken = recommendation.refused
        yield entry, f"not taken: {'; '.join(broken)}"


def _row(recommendation: Recommendation, entry: Entry, role: str, use: Use | None) -> list[str]:
    more = _more(recommendation, entry, 1.0)
    a_year = _more(recommendation, entry, use.calls(SPAN) / PER) if use else ()
    costs = (amounts.energy_text(entry), amounts.emissions_text(entry), amounts.cost_text(entry))
    energy, emissions, cost = (", ".join(part for part in pair if part) for pair in zip(costs, more, strict=True))
    pair = "" if entry.quality is None else pair_text(recommendation, entry)
    quality = f"{amounts.quality_text(entry)}{pair}"
    against = _against(recommendation, entry)
    return [entry.named, role, energy, against, emissions, cost, quality, "; ".join(part for part in a_year if part)]


def _more(recommendation: Recommendation, entry: Entry, times: float) -> tuple[str, str, str]:
    """How much more or less it takes in energy, emissions and money; empty where no difference is established."""
    chosen = recommendation.chosen
    assert chosen is not None
    kept = entry in recommendation.kept and recommendation.against(entry).established
    sure = kept and recommendation.group.quantity.name == GROSS

    def more(value: Amount | None, of_chosen: Amount | None, units: Units) -> str:
        if not sure or value is None or of_chosen is None or chosen.currency != entry.currency:
            return ""
        difference = (value.mean - of_chosen.mean) * times
        return f"{scaled(abs(difference), units)} {'more' if difference > 0 else 'less'}"

    return (
        more(amounts.energy(entry), amounts.energy(chosen), WH),
        more(amounts.emissions(entry), amounts.emissions(chosen), GRAMS),
        more(amounts.cost(entry), amounts.cost(chosen), amounts.coins(entry)),
    )


def _against(recommendation: Recommendation, entry: Entry) -> str:
    """How it stands against the recommended choice, in the verdict's words."""
    if entry not in recommendation.kept:
        return "no choice"
    result = recommendation.against(entry)
    ratio = "" if result.ratio is None else f"{result.multiple}, "
    return f"{ratio}{recommendation.standing(entry)}"
