"""My use: what so many inferences a day, week, month or year take on this card, with the run's own site.

    use.count=30 use.per=week  ->  Wh, money and grams per week and per year, beside an evening's game

Energy is gross, as measured at the run's batch size; being on between the calls is not in it; a caveat says so.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from joulemark.analysis import emissions as sites
from joulemark.analysis import verdict
from joulemark.analysis.impact.amount import Amount
from joulemark.core.errors import UserError
from joulemark.core.machine import Site
from joulemark.core.record import Record
from joulemark.core.suggest import choose
from joulemark.core.units import J_PER_WH, PER, S_PER_DAY

DAYS = {"day": 1.0, "week": 7.0, "month": 365 / 12, "year": 365.0}


@dataclass(frozen=True)
class Use:
    """So many inferences in a span of time; a month is a twelfth of 365 days.

    Attributes:
        count: inferences, above 0
        per: `day`, `week`, `month` or `year`
    """

    count: float
    per: str

    def calls(self, span: str) -> float:
        """How many that is in another span."""
        return self.count * DAYS[span] / DAYS[self.per]


def use(count: Any, per: Any) -> Use:
    """The use that the options `use.count` and `use.per` ask for; UserError for what cannot be."""
    if isinstance(count, bool) or not isinstance(count, int | float) or not math.isfinite(count) or count <= 0:
        raise UserError(f"use.count={count}: type how many inferences, a number above 0, such as use.count=30")
    if per not in DAYS:
        raise UserError(choose("use.per", str(per), DAYS))
    return Use(float(count), per)


@dataclass(frozen=True)
class Cost:
    """What one run says of an inference, and where: all that a use is computed from.

    Attributes:
        model: name of the model
        task: name of the task
        device: name of the device
        batch_size: requests per forward pass
        per_1k: gross energy, Wh per 1,000 inferences
        site: the record's site
        idle_wh_per_1k: idle (static) part of it, Wh per 1,000 inferences; None is unknown, as below
        idle_w: idle power of the GPU with the model loaded, W
        load_wh: energy of loading the model once, Wh
        per_s: inferences a second
        estimated_share: share of the energy that was estimated, in [0, 1]
    """

    model: str
    task: str
    device: str
    batch_size: int
    per_1k: Amount
    site: Site
    idle_wh_per_1k: float | None = None
    idle_w: float | None = None
    load_wh: float | None = None
    per_s: float | None = None
    estimated_share: float | None = None


def cost(record: Record, metrics: Mapping[str, float | None]) -> Cost | None:
    """What a record says of an inference; None where its energy is not available. `metrics` are its named ones."""
    energy = verdict.energy_estimate(metrics)
    if energy is None:
        return None
    return Cost(
        model=record.model.name,
        task=record.task.name,
        device=record.device_name,
        batch_size=record.settings.batch_size,
        per_1k=Amount.of(energy.mean, energy.half_width),
        site=record.site,
        idle_wh_per_1k=metrics.get("energy/idle_wh_per_1k"),
        idle_w=metrics.get("power/idle_w"),
        load_wh=metrics.get("energy/load_wh"),
        per_s=metrics.get("throughput/requests_per_s"),
        estimated_share=metrics.get("energy/estimated_share"),
    )


@dataclass(frozen=True)
class SpanTotal:
    """What a use takes in one span; None where the site does not tell.

    Attributes:
        span: `week` or `year`
        calls: inferences
        wh: energy of the components, Wh
        building_wh: energy with the building's overhead (PUE), Wh: the basis of grams and money
        grams: emissions, grams of CO2 equivalent
        money: cost in the site's currency
        heat_wh: heating avoided, Wh: a credit, subtracted from nothing
        heat_g: emissions of that heating, grams of CO2 equivalent
    """

    span: str
    calls: float
    wh: Amount
    building_wh: Amount
    grams: Amount | None
    money: Amount | None
    heat_wh: Amount | None
    heat_g: Amount | None


@dataclass(frozen=True)
class MyUse:
    """A use on one card.

    Attributes:
        use: the inferences
        cost: what one run says of an inference
        week: what a week takes
        year: what a year takes
    """

    use: Use
    cost: Cost
    week: SpanTotal
    year: SpanTotal

    @property
    def idle_share(self) -> float | None:
        """The share of an inference's energy that is idle (static), in [0, 1]; None without an idle baseline."""
        idle = self.cost.idle_wh_per_1k
        return None if idle is None or self.cost.per_1k.mean <= 0 else min(1.0, idle / self.cost.per_1k.mean)

    @property
    def busy_share(self) -> float | None:
        """The share of the time that the card is at work for this use; above 1 one card is not enough."""
        return self.use.calls("day") / self.cost.per_s / S_PER_DAY if self.cost.per_s else None

    @property
    def waiting_wh(self) -> float | None:
        """The GPU's Wh a week of waiting, model loaded, whenever it is not at work; None where that is unknown."""
        if self.cost.idle_w is None or self.busy_share is None:
            return None
        return self.cost.idle_w * DAYS["week"] * 24 * max(0.0, 1 - self.busy_share)


def my_use(use: Use, cost: Cost) -> MyUse:
    """The use on the card and at the site of a run."""
    return MyUse(use, cost, _total(use, cost, "week"), _total(use, cost, "year"))


def _total(use: Use, cost: Cost, span: str) -> SpanTotal:
    calls = use.calls(span)
    wh = cost.per_1k.times(calls / PER)

    def at_site(name: str) -> Amount | None:
        """A figure of the site, which is in proportion to the energy, with the energy's interval."""
        per_wh = sites.metrics(J_PER_WH / PER, cost.site)[name]  # of 1 Wh: a thousand inferences of a mWh each
        return None if per_wh is None else wh.times(per_wh)

    return SpanTotal(
        span=span,
        calls=calls,
        wh=wh,
        building_wh=wh.times(cost.site.pue),
        grams=at_site("emissions/g_per_1k"),
        money=at_site("cost/per_1k"),
        heat_wh=at_site("heat/credit_wh_per_1k"),
        heat_g=at_site("heat/credit_g_per_1k"),
    )
