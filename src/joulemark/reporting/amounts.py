"""What 1,000 inferences of an entry take, with 95 % intervals: energy, and in proportion to it emissions and money."""

from joulemark.analysis.impact.amount import Amount
from joulemark.analysis.quantity import GROSS
from joulemark.core.formatting import GRAMS, UNKNOWN, Units, between, plus_minus
from joulemark.reporting import rescored
from joulemark.reporting.entry import Entry


def energy(entry: Entry) -> Amount:
    """Gross Wh."""
    return Amount.of(entry.energy, entry.half_width)


def emissions(entry: Entry) -> Amount | None:
    """Grams of CO2 equivalent at the entry's site; None where that is not known."""
    return _at_site(entry, rescored.GRAMS)


def cost(entry: Entry) -> Amount | None:
    """Money in the entry's currency; None where its site has no price."""
    return _at_site(entry, rescored.COST)


def _at_site(entry: Entry, metric: str) -> Amount | None:
    value = entry.metrics.get(metric)
    return None if value is None else energy(entry).times(value / entry.energy)


def coins(entry: Entry) -> Units:
    """The unit of its money."""
    return ((1.0, entry.currency or "(currency not given)"),)


def energy_text(entry: Entry) -> str:
    """Gross energy ± half of its interval."""
    return plus_minus(entry.energy, entry.half_width)


def compared_text(entry: Entry) -> str:
    """The energy by which it is ranked ± half of its interval, named where that is not all that was drawn."""
    compared = entry.compared
    above_idle = "" if entry.quantity.name == GROSS else f" {entry.quantity.name}"
    return f"{plus_minus(compared.mean, compared.half_width)}{above_idle}"


def dynamic_text(entry: Entry) -> str:
    """Energy above idle ± half of its interval."""
    return UNKNOWN if entry.dynamic is None else plus_minus(entry.dynamic.mean, entry.dynamic.half_width)


def emissions_text(entry: Entry) -> str:
    """Emissions ± half of their interval."""
    text = _text(entry, emissions(entry), GRAMS)
    return text if text == UNKNOWN else f"{text} CO2e"


def cost_text(entry: Entry) -> str:
    """Money ± half of its interval."""
    return _text(entry, cost(entry), coins(entry))


def quality_text(entry: Entry) -> str:
    """The task's metric with the ends of its interval over the inputs."""
    if entry.quality is None:
        return "random weights: none" if entry.random else UNKNOWN
    low, high = (entry.metrics.get(f"quality/ci95_{end}") for end in ("low", "high"))
    return between(entry.quality, low, high)


def _text(entry: Entry, amount: Amount | None, units: Units) -> str:
    if amount is None:
        return UNKNOWN
    half = None if entry.half_width is None else entry.half_width / entry.energy * amount.mean
    return plus_minus(amount.mean, half, units)
