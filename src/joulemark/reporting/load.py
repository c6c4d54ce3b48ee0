"""`load=…`: which served setting carries so many requests per second within the limits, and what a day of it costs.

From the served runs of the report, each a process under its load: those that differ by their load alone are a curve,
and curves that may be ranked together are one answer.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any

from joulemark.analysis.serving import process as served
from joulemark.analysis.serving.curve import Curve, LoadProcess, MeasuredLoad
from joulemark.analysis.serving.load import LoadChoice, LoadCost, choose
from joulemark.core.coerce import typed
from joulemark.core.errors import UserError
from joulemark.core.paths import program
from joulemark.core.serving import LIMITS, ONE_OF, PERCENTILES, Limits
from joulemark.reporting.answers import NONE, Answers
from joulemark.reporting.cells import merged
from joulemark.reporting.constraints import Constraints
from joulemark.reporting.entry import Entry
from joulemark.reporting.quality_limit import quality_limit
from joulemark.reporting.violations import violations

FACTORS = (0.5, 1.0, 2.0)  # of the load: what is asked for, and what half and double of it would cost
MOST_PER_S = 1e9


@dataclass(frozen=True)
class Served:
    """Curves that may be ranked together.

    Attributes:
        task: what is asked
        title: what they share
        curves: one a setting and card
        entries: by the key of a curve, the entry of its processes of the lowest load
        open_loop: whether requests come at a rate of their own; users who wait ask for no rate
    """

    task: str
    title: str
    curves: tuple[Curve, ...]
    entries: Mapping[str, Entry]
    open_loop: bool


@dataclass(frozen=True)
class LoadAnswer:
    """What to take for a load among some curves.

    Attributes:
        served: the curves
        choices: for half the load, the load, and double
        unfit: curves that a constraint excludes, each with the reasons
        by_quality: whether the quality of some is known
    """

    served: Served
    choices: tuple[LoadChoice, ...]
    unfit: Mapping[str, Sequence[str]] = field(default_factory=dict)
    by_quality: bool = False

    @property
    def choice(self) -> LoadChoice:
        """The choice for the load that was asked for."""
        return self.choices[FACTORS.index(1.0)]

    def entry(self, cost: LoadCost) -> Entry:
        """The entry of a setting."""
        return self.served.entries[cost.curve.key]

    def money_per_day(self, cost: LoadCost) -> tuple[float, str] | None:
        """What a day costs at the site's price, and its currency; None without a price."""
        entry = self.entry(cost)
        price = entry.metrics.get("cost/per_1k")
        if price is None or cost.wh_per_day is None:
            return None
        return price / entry.energy * cost.wh_per_day, entry.currency or ""

    def grams_per_day(self, cost: LoadCost) -> float | None:
        """What a day emits at the site's factor, g CO2e; None without a zone."""
        entry = self.entry(cost)
        grams = entry.metrics.get("emissions/g_per_1k")
        return None if grams is None or cost.wh_per_day is None else grams / entry.energy * cost.wh_per_day


def limits(values: Mapping[str, Any] | None) -> Limits:
    """The limits of a composed configuration; UserError for one that cannot be."""
    made = typed(Limits, {key: value for key, value in (values or {}).items() if value is not None}, "limits")
    for name in LIMITS:
        bound = getattr(made, name)
        if bound is not None and not 0 < bound < float("inf"):
            raise UserError(f"limits.{name}={bound:g}: seconds, above 0")
    if made.percentile not in PERCENTILES:
        raise UserError(f"limits.percentile={made.percentile:g}: {ONE_OF}")
    return made


def check(load_per_s: float | None) -> None:
    """Refuses a load that is none: UserError."""
    if load_per_s is not None and not 0 < load_per_s <= MOST_PER_S:
        raise UserError(f"load={load_per_s:g}: requests per second, above 0")


def curves(entries: Sequence[Entry]) -> tuple[Served, ...]:
    """The curves of the served runs among the entries of single processes that decide something."""
    known: dict[tuple[str, ...], list[tuple[Entry, LoadProcess]]] = defaultdict(list)
    for entry in entries:
        if entry.served and entry.ranked and (process := served.process(entry.run_id, entry.metrics, entry.rate)):
            engine = entry.engine if "|engine=" in entry.key else ""
            known[(entry.task, entry.curve, engine, entry.prompt or "")].append((entry, process))
    return tuple(_served(key, pairs) for key, pairs in sorted(known.items(), key=lambda item: item[0]))


def answer(known: Served, load_per_s: float, kept: Limits, bounds: Constraints, answers: Answers = NONE) -> LoadAnswer:
    """What to take for a load among curves of open loops, under the report's constraints of quality and memory.

    The other constraints are of one load; of this one the limits tell the time, and the answer tells the energy.
    """
    entries = sorted(known.entries.values(), key=lambda entry: entry.compared.mean)
    by_quality = any(entry.quality is not None for entry in entries) or bounds.quality is not None
    judged = [
        entry for entry in entries if not bounds.violated(entry) and (entry.quality is not None or not by_quality)
    ]
    limit = quality_limit(judged, bounds, answers)
    reasons = {key: violations(entry, bounds, limit, by_quality) for key, entry in known.entries.items()}
    fit = [curve for curve in known.curves if not reasons[curve.key]]
    return LoadAnswer(
        known,
        tuple(choose(fit, load_per_s * factor, kept) for factor in FACTORS),
        {key: why for key, why in reasons.items() if why},
        by_quality,
    )


def doubts(entries: Sequence[Entry]) -> str:
    """Why served runs are no points of a curve, as text; empty where all of them are."""
    some = [entry.doubt for entry in entries if entry.served and not entry.ranked]
    reasons = sorted({reason for doubt in some for reason in doubt.split(", ")})
    return f"{len(some)} that decide nothing ({', '.join(reasons)})" if some else ""


def answered(
    known: Sequence[Served],
    load_per_s: float | None,
    kept: Limits,
    bounds: Constraints,
    answers: Answers = NONE,
    left_out: str = "",
) -> tuple[LoadAnswer, ...]:
    """What to take for a load, of each set of curves; none where no load was asked for.

    `left_out` says which served runs are no points.

    Raises:
        UserError: no run says what a load costs
    """
    if load_per_s is None:
        return ()
    able = [served for served in known if served.open_loop]
    if not able:
        some = [*(["those of users who wait"] if known else []), *([left_out] if left_out else [])]
        but = f" but {' and '.join(some)}" if some else ""
        raise UserError(
            f"load={load_per_s:g}: no served run here has a rate of its own{but}; measure some: "
            f"{program('run')} -m scenario=server scenario.rate=1,2,4, or sweep=serving"
        )
    return tuple(answer(served, load_per_s, kept, bounds, answers) for served in able)


def _served(key: tuple[str, ...], pairs: Sequence[tuple[Entry, LoadProcess]]) -> Served:
    cells: dict[tuple[object, ...], list[tuple[Entry, LoadProcess]]] = defaultdict(list)
    for entry, process in pairs:
        cells[(entry.setting, entry.card, entry.bare_cell)].append((entry, process))
    made, first = [], {}
    several = len({entry.card for entry, _ in pairs}) > 1
    for number, some in enumerate(cells.values()):
        curve, entry = _curve(str(number), some, several)
        made.append(curve)
        first[curve.key] = entry
    entry = pairs[0][0]
    engine = f"engine {key[2]}" if key[2] else ""
    parts = (f"scenario {entry.scenario}", engine, entry.device, entry.dataset and f"{entry.dataset} data",
             entry.protocol and f"protocol {entry.protocol}")  # fmt: skip
    open_loop = all(entry.rate is not None or served.ASKED in entry.metrics for entry, _ in pairs)
    return Served(entry.task, " · ".join(part for part in parts if part), tuple(made), first, open_loop)


def _curve(key: str, pairs: Sequence[tuple[Entry, LoadProcess]], several_cards: bool) -> tuple[Curve, Entry]:
    """The curve of one cell, and the entry of its lowest load."""
    loads: dict[object, list[tuple[Entry, LoadProcess]]] = defaultdict(list)
    for entry, process in pairs:
        loads[entry.rate if entry.rate is not None else entry.users or entry.key].append((entry, process))
    points = [(_rate([entry for entry, _ in some]), some) for some in loads.values()]
    points.sort(key=lambda point: point[0])
    entry = merged([entry for entry, _ in points[0][1]])[0]
    card = f", card {entry.card[:4]}" if several_cards and entry.card else ""
    measured = tuple(MeasuredLoad(rate, tuple(process for _, process in some)) for rate, some in points)
    return Curve(f"{entry.named}{card}", measured, entry.card, key), entry


def _rate(entries: Sequence[Entry]) -> float:
    rates = [served.rate(entry.metrics, entry.rate) for entry in entries]
    return fmean(rate for rate in rates if rate is not None)
