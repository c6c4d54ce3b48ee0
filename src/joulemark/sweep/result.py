"""What a sweep came to, for people (a table and sentences) and for programs (the last line)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from joulemark.core.cell import Cell
from joulemark.sweep import front_table, quality_limit, recommendation, saved, stored
from joulemark.sweep.cost import SweepCost, cost_of
from joulemark.sweep.objectives import Goals
from joulemark.sweep.plan import SweepRequest
from joulemark.sweep.quality_limit import QualityLimit
from joulemark.sweep.recommendation import Recommendation
from joulemark.sweep.search import Search
from joulemark.sweep.space import Exclusion, Point
from joulemark.sweep.study import Study
from joulemark.sweep.trial_state import FULL, SCREENING, TrialResult

CARD_GAIN = "each card's sensor has a gain of its own (up to 5 %), so nearer results of two cards are indistinguishable"
MIXED = "results of other code, configuration or packages are among these (sweep.resume)"
SHARED = "processor and memory were counted with other workers' work on this machine; a GPU's figure is its own"


@dataclass(frozen=True)
class SoFar:
    """The table of a study that a signal stopped.

    Attributes:
        columns: the heads
        rows: the reference and the front of all that was measured, screening too
        sentences: below the table
    """

    columns: Sequence[str]
    rows: Sequence[tuple[str, ...]]
    sentences: Sequence[str]


@dataclass(frozen=True)
class SessionEnd:
    """How a session ended that gives no recommendation: a worker of several, or one that was stopped or failed.

    Attributes:
        exit_code: of the process
        last_line: what programs read
        so_far: what was measured until then; None where the reference is not, and of a worker of several
    """

    exit_code: int
    last_line: dict[str, Any]
    so_far: SoFar | None = None


@dataclass(frozen=True)
class SweepResult:
    """What a sweep came to.

    Attributes:
        request: the sweep that was requested
        recommendation: the front and the recommended setting
        reference: the reference's result
        goals: objectives and constraints that the reference has metrics for
        cost: of all trials
        trials: results of all trials, screening too
        sentences: below the table
        warnings: what speaks against it
        last_line: what programs read
        study: that it is of
        cells: fresh processes of the settings that were confirmed
    """

    request: SweepRequest
    recommendation: Recommendation
    reference: TrialResult
    goals: Goals
    cost: SweepCost
    trials: Sequence[TrialResult]
    sentences: Sequence[str]
    warnings: Sequence[str]
    last_line: dict[str, Any]
    study: Study | None = None
    cells: Mapping[Point, Cell] = field(default_factory=dict)

    @property
    def status(self) -> str:
        """`finished` where a setting is recommended, else `failed`."""
        return "finished" if self.recommendation.recommended else "failed"

    @property
    def exit_code(self) -> int:
        """0 where a setting is recommended, else 1."""
        return 0 if self.recommendation.recommended else 1

    @property
    def command(self) -> str:
        """The line that measures the recommended setting again; empty without one."""
        best = self.recommendation.recommended
        return "" if best is None else recommendation.again(best, self.request.plan.full)

    @property
    def columns(self) -> tuple[str, ...]:
        """The heads of the table."""
        return front_table.columns(self.goals)

    @property
    def rows(self) -> list[tuple[str, ...]]:
        """The cells of the table."""
        return front_table.rows(self.recommendation, self.reference, self.goals, self.cells)


def result_of(search: Search, request: SweepRequest, study: Study, reference: TrialResult) -> SweepResult:
    """The result of a search, from its study; saves the recommended setting where the request names a file for it."""
    full, plan = search.full(), request.plan
    limit = QualityLimit(reference, quality_limit.reader(request.tracking_uri))
    chosen = recommendation.recommend(full, reference, study.goals, plan.space, limit.excludes)
    trials = study.results()
    best = chosen.recommended
    cost = cost_of(trials, reference.metrics, best.metrics if best else None)
    lost = stored.gone(request.tracking_uri, trials)
    excluded = (*plan.space.excluded, *(Exclusion(point, 1, why) for point, why in search.excluded.items()))
    sentences = [
        *([] if full else ["no point got the full protocol: type a larger sweep.budget"]),
        *recommendation.sentences(chosen, study.goals, plan.full),
        *_excused(chosen, limit),
        *search.fed(),
        *saved.sentences(request, best),
        str(cost),
        *checked(study),
        *_ended_early(search.ended),
        *_failures(trials, search),
        *map(str, excluded),
    ]
    warnings = [
        *estimated(reference, best),
        *several(full.values()),
        *carried_over(study),
        *stored.warnings(request.tracking_uri, lost, trials),
    ]
    last_line = recommendation.last_line(
        chosen,
        reference,
        study.goals,
        cost,
        excluded,
        plan.full,
        lost,
        status="finished" if best else "failed",
        sweep_id=request.name,
        trials=len(trials),
        ended=search.ended,
    )
    return SweepResult(request, chosen, reference, study.goals, cost, trials, sentences, warnings, last_line, study)


def so_far(request: SweepRequest, study: Study, reference: TrialResult) -> SoFar:
    """What a study came to until a signal stopped it: nothing is recommended, and nothing is saved."""
    points, full, screened = request.plan.space.points, study.known(FULL), study.known(SCREENING)
    known = {point: full.get(point) or screened[point] for point in points if point in full or point in screened}
    front = recommendation.recommend(known, reference, study.goals, request.plan.space).front
    inside = sum(point in full for point in known)
    return SoFar(
        front_table.columns(study.goals),
        front_table.rows(Recommendation(front, None, ()), reference, study.goals, {}),
        [
            f"so far: {len(known)} of {len(points)} points, {inside} of them in the run's own protocol; nothing is "
            "recommended before the search ends",
            str(cost_of(study.results(), reference.metrics, None)),
        ],
    )


def _excused(chosen: Recommendation, limit: QualityLimit) -> list[str]:
    """What the recommended setting violates by its value, which is not established."""
    if chosen.recommended is None or not chosen.excused:
        return []
    violated = "; ".join(map(str, chosen.excused))
    return [f"not established to violate: {violated} ({limit.doubt(chosen.recommended)})"]


def _ended_early(ended: str | None) -> list[str]:
    """One sentence where something was left to measure."""
    if ended is None:
        return []
    remedy = "a larger one" if ended.endswith("is used") else "the same line"
    return [f"ended early: {ended}; {remedy} goes on from here"]


def checked(study: Study) -> list[str]:
    """One sentence about processes that measured several settings: how many gave their first one's energy again."""
    checks = study.checks()
    agreed = sum(agrees is True for agrees, _ in checks)
    said = f"screening: {agreed} of {len(checks)} processes of several settings gave their first one's energy"
    return [f"{said} again at their end"] if checks else []


def carried_over(study: Study) -> list[str]:
    """One warning for each of these processes that did not."""
    again = "what may be recommended was measured again"
    return [f"{sentence}; {again}" for agrees, sentence in study.checks() if agrees is False]


def _failures(trials: Sequence[TrialResult], search: Search) -> list[str]:
    """One sentence for each point without a result, about its last trial."""
    explained = {trial.point for trial in trials if trial.finished} | set(search.excluded)
    failed = {trial.point: trial for trial in trials if trial.point not in explained}
    return [f"no result: {trial.name}: {trial.outcome.status}: {trial.outcome.error}" for trial in failed.values()]


def estimated(*results: TrialResult | None) -> list[str]:
    """One warning where a part of these results' energy is estimated: a ratio of estimates is an estimate."""
    shares = [share for result in results if result and (share := result.metrics.get("energy/estimated_share"))]
    if not shares:
        return []
    return [f"estimated: up to {max(shares):.0%} of the energies compared here was read by no sensor"]


def several(results: Iterable[TrialResult]) -> list[str]:
    """What several cards, workers and versions mean for the results: one warning for each."""
    results = list(results)
    cards = sorted({result.card for result in results if result.card})
    versions = {result.software for result in results}
    shared = sum("shared" in result.outcome.flags for result in results)
    return [
        *([f"{len(cards)} cards ({', '.join(cards)}): {CARD_GAIN}"] if len(cards) > 1 else []),
        *([f"mixed: {MIXED}"] if len(versions) > 1 else []),
        *([f"shared: in {shared} of {len(results)} results {SHARED}"] if shared else []),
    ]
