"""My use as sentences and as a table, with an evening's game."""

import math
from collections.abc import Callable

from joulemark.analysis import emissions as sites
from joulemark.analysis.impact import equivalences
from joulemark.analysis.impact.amount import Amount, interval
from joulemark.analysis.impact.usage import MyUse
from joulemark.core.formatting import UNKNOWN, mass_rounded, rounded, wh_rounded
from joulemark.core.machine import Site
from joulemark.core.markdown import Table
from joulemark.core.units import PER

LEAST_COIN = 0.01
EVENING_H = 3.0  # an evening's game, by definition here


def sentences(mine: MyUse) -> tuple[str, ...]:
    """The use as sentences, its energy first."""
    cost = mine.cost
    lines = [
        f"{rounded(mine.use.count, 4)} inferences a {mine.use.per} of {cost.model} ({cost.task}) on {cost.device} take "
        f"{interval(mine.week.wh)} a week and {interval(mine.year.wh)} a year.",
        *_site(mine),
        *_game(mine),
        *_caveats(mine),
    ]
    return tuple(lines)


def _site(mine: MyUse) -> list[str]:
    year, here = mine.year, mine.cost.site
    parts: list[str] = []
    if year.money is not None:
        parts.append(f"{_money(year.money.mean, here)} for electricity")
    if year.grams is not None:
        parts.append(f"{mass_rounded(year.grams.mean)} of CO2 equivalent")
    lines = [f"A year of it is {' and '.join(parts)}. Site: {sites.summary(here)}."] if parts else []
    missing = [f"{what} (site.{key}=…)" for what, key, value in (
        ("price", "price_per_kwh", year.money), ("zone", "zone", year.grams)) if value is None]  # fmt: skip
    if missing:
        lines.append(f"The run's site gives no {' and no '.join(missing)}, so that figure is left out.")
    if year.heat_wh is not None:
        grams = "" if year.heat_g is None else f" and {mass_rounded(year.heat_g.mean)}"
        lines.append(
            f"Its heat avoids {wh_rounded(year.heat_wh.mean)}{grams} of heating a year, taken off nothing above."
        )
    return lines


def _game(mine: MyUse) -> list[str]:
    game, week_wh = equivalences.named("game"), mine.week.wh.mean
    evening_wh = float(game.watts or 0.0) * EVENING_H
    if week_wh <= 0:
        return []
    ratio = week_wh / evening_wh
    beside = f"{rounded(ratio)} times as much as" if ratio >= 1 else f"1/{rounded(1 / ratio)} of"
    what = f"{EVENING_H:g} hours at {game.watts:g} W, {equivalences.BASES[game.basis]}"
    return [f"A week of it is {beside} an evening's game ({what}: {wh_rounded(evening_wh)})."]


def _caveats(mine: MyUse) -> list[str]:
    cost, lines = mine.cost, []
    if mine.idle_share is not None:
        lines.append(
            f"{mine.idle_share:.0%} of an inference's energy at batch {cost.batch_size} "
            "is idle (static) energy, drawn whether there is work or not."
        )
    if cost.batch_size > 1:
        lines.append(f"Measured at batch {cost.batch_size}: calls that come one at a time cost more each.")
    if mine.waiting_wh is not None and cost.idle_w is not None:
        lines.append(
            f"Kept loaded and waiting all week the GPU takes {wh_rounded(mine.waiting_wh)} more "
            f"({rounded(cost.idle_w, 3)} W), not in the figures above."
        )
    if cost.load_wh is not None and cost.per_1k.mean > 0:
        inferences = cost.load_wh / cost.per_1k.mean * PER
        lines.append(
            f"Loading the model once takes {wh_rounded(cost.load_wh)}, as much as {rounded(inferences)} inferences."
        )
    if mine.busy_share is not None and mine.busy_share > 1:
        lines.append(f"One device does not answer that many: it would take {math.ceil(mine.busy_share)} of them.")
    if cost.estimated_share:
        lines.append(f"{cost.estimated_share:.0%} of this energy was estimated, not measured.")
    return lines


def table(mine: MyUse) -> Table:
    """The use per week and per year, a line for each figure that is known."""
    here = mine.cost.site
    rows = [
        ("inferences", *(rounded(span.calls, 4) for span in (mine.week, mine.year))),
        ("energy of the components", *(interval(span.wh) for span in (mine.week, mine.year))),
    ]
    if here.pue != 1.0:
        rows.append(
            (f"with the building, PUE {here.pue:g}", *(interval(b.building_wh) for b in (mine.week, mine.year)))
        )
    for name, values in (
        ("money", [b.money and _range(b.money, lambda v: _money(v, here)) for b in (mine.week, mine.year)]),
        ("CO2 equivalent", [b.grams and _range(b.grams, mass_rounded) for b in (mine.week, mine.year)]),
        ("heating avoided (taken off nothing)", [b.heat_wh and interval(b.heat_wh) for b in (mine.week, mine.year)]),
    ):
        if all(values):
            rows.append((name, *(str(value) for value in values)))
    rows.append(
        ("as much as", *("; ".join(equivalences.sentences(b.wh.mean, 2)) or UNKNOWN for b in (mine.week, mine.year)))
    )
    return Table("My use", ("", "a week", "a year"), tuple(rows), " ".join(_caveats(mine)))


def _money(value: float, here: Site) -> str:
    """An amount as one pays it: what no coin pays is `below 0.01`."""
    amount = rounded(value, 3) if value >= LEAST_COIN or value == 0 else f"below {LEAST_COIN:g}"
    return f"{amount} {here.currency or '(currency not given)'}"


def _range(amount: Amount, text_of: Callable[[float], str]) -> str:
    if amount.low is None or amount.high is None or amount.low == amount.high:
        return text_of(amount.mean)
    mean, low, high = text_of(amount.mean), text_of(amount.low), text_of(amount.high)
    return mean if mean == low == high else f"{mean} ({low} to {high})"
