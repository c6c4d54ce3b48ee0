"""One's own use of each recommendation, `use.count=30 use.per=week`: its energy, emissions and money a year.

In proportion to the figures of 1,000 inferences, with their intervals, at the site that the report is of.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from joulemark.analysis.impact.amount import Amount, interval
from joulemark.analysis.impact.usage import Use
from joulemark.analysis.impact.usage_text import LEAST_COIN
from joulemark.core.formatting import GRAMS, UNKNOWN, Units, rounded
from joulemark.core.units import PER
from joulemark.reporting import amounts, impact
from joulemark.reporting.entry import Entry
from joulemark.reporting.recommendation import Recommendation

SPAN = "year"


@dataclass(frozen=True)
class OwnUse:
    """What a use of one setting takes in a year; None where the site does not tell.

    Attributes:
        use: the inferences
        entry: the setting
        wh: gross energy of the components, Wh
        grams: emissions, grams of CO2 equivalent
        money: cost, in the entry's currency
    """

    use: Use
    entry: Entry
    wh: Amount
    grams: Amount | None
    money: Amount | None


def of(use: Use, entry: Entry) -> OwnUse:
    """A year of a use of one setting."""
    share = use.calls(SPAN) / PER

    def in_a_year(amount: Amount | None) -> Amount | None:
        return None if amount is None else amount.times(share)

    wh = amounts.energy(entry).times(share)
    return OwnUse(use, entry, wh, in_a_year(amounts.emissions(entry)), in_a_year(amounts.cost(entry)))


def uses(recommendations: Sequence[Recommendation], options: Mapping[str, Any]) -> dict[str, OwnUse]:
    """By the group's id, the use of its recommended setting; nothing where no use was stated."""
    wanted = impact.requested_use(options)
    if wanted is None:
        return {}
    return {each.group.id: of(wanted, each.chosen) for each in recommendations if each.chosen is not None}


def stated(use: Use) -> str:
    """The use as it was typed: `30 inferences a week`."""
    return f"{rounded(use.count, 4)} inference{'' if use.count == 1 else 's'} a {use.per}"


def facts(own: OwnUse) -> list[tuple[str, str]]:
    """What a year of it takes, as (what, value); what is not known is left out."""
    grams, money = own.grams, own.money
    known = [
        ("energy", interval(own.wh)),
        ("emissions", UNKNOWN if grams is None else f"{interval(grams, units=GRAMS)} CO2e"),
        ("cost", UNKNOWN if money is None else _paid(money, amounts.coins(own.entry))),
    ]
    return [(f"{what} a {SPAN} of your use", value) for what, value in known if value != UNKNOWN]


def _paid(money: Amount, coins: Units) -> str:
    """An amount as one pays it: what no coin pays is `below 0.01`."""
    most = money.mean if money.high is None else money.high
    return f"below {LEAST_COIN:g} {coins[0][1]}" if most < LEAST_COIN else interval(money, units=coins)


def as_json(own: OwnUse) -> dict[str, Any]:
    """The use and what it takes for programs, each with the ends of its 95 % interval."""
    return {
        "inferences_per_year": own.use.calls(SPAN),
        "wh_per_year": _ends(own.wh),
        "g_per_year": _ends(own.grams),
        "cost_per_year": _ends(own.money),
        "currency": own.entry.currency,
    }


def _ends(amount: Amount | None) -> dict[str, float | None] | None:
    return None if amount is None else {"mean": amount.mean, "low": amount.low, "high": amount.high}
