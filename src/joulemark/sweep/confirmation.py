"""A sweep's finalists and its reference as cells: fresh processes of each, taken in turn after the search.

None of the search's own processes count: the recommended setting was chosen for how low they came out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from joulemark.analysis import verdict
from joulemark.analysis.flags import undeciding
from joulemark.analysis.ranking import rank
from joulemark.analysis.verdict import Verdict
from joulemark.core import stats
from joulemark.core.cell import Cell
from joulemark.core.errors import UserError
from joulemark.core.stats import Difference
from joulemark.sweep import confirmed
from joulemark.sweep.budget import RUN_WH
from joulemark.sweep.busy import Measure, Report
from joulemark.sweep.cost import after, payback
from joulemark.sweep.result import SweepResult
from joulemark.sweep.space import Point, merged
from joulemark.sweep.trial import Outcome

RECOMMENDED, REFERENCE = "recommended", "reference"


@dataclass(frozen=True)
class Confirmation:
    """What fresh processes say of the recommended setting against the reference.

    Attributes:
        recommended: its energies, Wh per 1,000 inferences, one a process that counts
        reference: the same of the reference
        left_out: each process that decides nothing, with the reason
        verdict: of the recommended setting (A) against the reference (B)
        saving: reference less recommended, Wh per 1,000; None without values
        others: the energies of the other finalists, by their settings
        points: the setting of each cell, by the names above
        cost_wh: metered energy of the sweep and of these processes, Wh; None where it is unknown
        stopped_by: the signal that stopped the processes; None where none did
    """

    recommended: Cell
    reference: Cell
    left_out: tuple[str, ...]
    verdict: Verdict
    saving: Difference | None
    cost_wh: float | None
    others: Mapping[str, Cell] = field(default_factory=dict)
    points: Mapping[str, Point] = field(default_factory=dict)
    stopped_by: str | None = None

    @property
    def payback(self) -> tuple[int | None, int | None]:
        """Inferences that pay the sweep back, by the ends of the saving's interval; None where it may never be."""
        return (None, None) if self.saving is None else payback(self.cost_wh, self.saving.low, self.saving.high)

    @property
    def cells(self) -> dict[Point, Cell]:
        """The processes that count of each setting."""
        by_name = {RECOMMENDED: self.recommended, REFERENCE: self.reference, **self.others}
        return {point: by_name[name] for name, point in self.points.items()}

    def sentences(self) -> list[str]:
        """The result in words."""
        result = self.verdict
        if result.established and result.ratio is not None:
            better = "less" if result.outcome == verdict.A else "MORE"
            lead = f"the reference takes {result.multiple} the recommended setting's energy: it costs {better}"
        else:
            lead = f"the recommended setting against the reference: {result.outcome}"
        return [
            f"confirmed in fresh processes: {lead}, {result.note}", *self._among(), *self._saving(), *self.left_out
        ]  # fmt: skip

    def _among(self) -> list[str]:
        """What the finalists come to among themselves, the error of the family held."""
        names = ["the recommended setting", *self.others]
        known = [(name, cell) for name, cell in zip(names, (self.recommended, *self.others.values()), strict=True)]
        known = [(name, cell) for name, cell in known if cell.values]
        if len(known) < 2:
            return []
        ranking = rank([cell for _, cell in known])
        lowest = f"of {len(known)} finalists {known[ranking.best][0]} takes least"
        if ranking.open:
            return [f"{lowest}, not established: three processes that count are needed of each"]
        tied = ", ".join(known[place][0] for place in ranking.tied)
        return [f"{lowest}, {f'tied with {tied}' if tied else 'established'} ({ranking.test})"]

    def _saving(self) -> list[str]:
        if self.saving is None or self.saving.low is None or self.saving.high is None:
            return []
        saving = f"{self.saving.difference:.3g} Wh per 1,000 ({self.saving.low:.3g} to {self.saving.high:.3g}, 95 %)"
        return [f"saving, {self.verdict}: {saving}, which pays the sweep back {after(*self.payback)}"]

    def as_json(self) -> dict[str, Any]:
        """What programs read."""
        return {
            "recommended_wh_per_1k": self.recommended.values,
            "reference_wh_per_1k": self.reference.values,
            "others_wh_per_1k": {name: cell.values for name, cell in self.others.items()},
            "left_out": self.left_out,
            "reference_over_recommended": asdict(self.verdict),
            "saving_wh_per_1k": None if self.saving is None else asdict(self.saving),
            "paid_back_after": self.payback,
        }


def confirm(result: SweepResult, measure: Measure, report: Report) -> Confirmation | None:
    """Measures all finalists in turn until each has `repeats` processes that count, those of earlier sessions among
    them; what one gave is told to the study at once. None where nothing is recommended or is to be repeated.
    """
    best, count = result.recommendation.recommended, result.request.repeats
    if best is None or count < 2 or best.point == result.reference.point:
        return None
    points = {RECOMMENDED: best.point, REFERENCE: result.reference.point, **_others(result)}
    study = result.study
    made = {name: [] if study is None else confirmed.kept(study, point) for name, point in points.items()}
    if earlier := sum(map(len, made.values())):
        report(f"confirmed before: {earlier} processes of earlier sessions count")
    left_out: list[str] = []
    wasted_wh = 0.0
    for turn in range(1, count + 1):
        for name, point in points.items():
            if len(made[name]) >= turn:
                continue
            report(f"confirming  {name}, process {turn} of {count}")
            outcome = measure(_overrides(result, point), None)
            if outcome.stopped_by:
                return _confirmation(made, left_out, points, result, wasted_wh, outcome.stopped_by)
            doubt = undeciding(outcome.flags)
            if outcome.status != "finished" or outcome.metrics.get(verdict.ENERGY) is None or doubt:
                left_out.append(f"left out, {name} process {turn}: {doubt or outcome.error or outcome.status}")
                wasted_wh += outcome.metrics.get(RUN_WH) or 0.0
                continue
            made[name].append(outcome)
            try:
                if study is not None:
                    confirmed.keep(study, point, outcome)
            except UserError as error:  # its storage is gone: what was measured is still compared
                report(str(error))
    return _confirmation(made, left_out, points, result, wasted_wh, None)


def _others(result: SweepResult) -> dict[str, Point]:
    """The other settings on the front or tied with the recommended one, by name, as many as the sweep has finalists."""
    recommendation = result.recommendation
    known = {RECOMMENDED: recommendation.recommended, REFERENCE: result.reference}
    points = {each.point for each in known.values() if each is not None}
    others = {
        each.name: each.point for each in (*recommendation.front, *recommendation.tied) if each.point not in points
    }
    return dict(list(others.items())[: result.request.plan.finalists - 1])


def _overrides(result: SweepResult, point: Point) -> Sequence[str]:
    return merged(result.request.plan.full, point)


def _confirmation(
    made: Mapping[str, Sequence[Outcome]],
    left_out: list[str],
    points: Mapping[str, Point],
    result: SweepResult,
    wasted_wh: float,
    stopped_by: str | None,
) -> Confirmation:
    energies = {name: [outcome.metrics[verdict.ENERGY] for outcome in outcomes] for name, outcomes in made.items()}
    cells = {name: Cell(tuple(wh for wh in each if wh is not None)) for name, each in energies.items()}
    spent_wh = wasted_wh + sum(outcome.metrics.get(RUN_WH) or 0.0 for outcomes in made.values() for outcome in outcomes)
    recommended, reference = cells.pop(RECOMMENDED), cells.pop(REFERENCE)
    return Confirmation(
        recommended=recommended,
        reference=reference,
        left_out=tuple(left_out),
        verdict=verdict.between(recommended, reference),
        saving=stats.difference(reference.values, recommended.values),
        cost_wh=None if result.cost.wh is None else result.cost.wh + spent_wh,
        others=cells,
        points=points,
        stopped_by=stopped_by,
    )
