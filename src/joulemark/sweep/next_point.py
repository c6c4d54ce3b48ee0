"""Which point a worker measures next: all where the budget holds them, else around the best, then what TPE proposes."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from joulemark.analysis.advice import CHEAPER
from joulemark.sweep import memory, pareto
from joulemark.sweep.budget import Budget, BudgetState
from joulemark.sweep.candidates import Candidates
from joulemark.sweep.feeding import MOST, Feeding, FeedingPlan, Walk
from joulemark.sweep.finalists import by_objectives, finalists, may_meet
from joulemark.sweep.objectives import Goals
from joulemark.sweep.space import Point, Space, batch, without_batch
from joulemark.sweep.study import Study
from joulemark.sweep.trial_state import FEEDING, FULL, SCREENING, StudyState, TrialResult

# Proposals in a row that are known already, before one that is not is drawn
PATIENCE = 10


@dataclass(frozen=True)
class SearchPlan:
    """All that decides a search.

    Attributes:
        space: the points
        reference: measured first; ratios and losses are relative to it
        goals: objectives and constraints
        full: overrides of a run by its own protocol, without the point's
        finals: overrides of the full stage beyond these
        finals_of_reference: and of the reference's trial
        screening: those of the screening stage; None measures all points in full
        finalists: the most points that get the full protocol after screening
        budget: the whole study's
        memory: which batch sizes fit
        seed: of the search
        feeding: what the second stage may try; None: there is none
        preliminary: whether the full stage is itself a screening, whose results decide nothing
    """

    space: Space
    reference: Point
    goals: Goals
    full: tuple[str, ...]
    screening: tuple[str, ...] | None
    finalists: int
    budget: Budget
    memory: memory.Memory
    seed: int = 0
    feeding: FeedingPlan | None = None
    preliminary: bool = False
    finals: tuple[str, ...] = ()
    finals_of_reference: tuple[str, ...] = ()

    def overrides(self, stage: str, point: Point) -> tuple[str, ...]:
        """Those of a stage, without the point's."""
        if stage == FEEDING and self.feeding is not None:
            return self.feeding.overrides
        own = self.finals_of_reference if point == self.reference else ()
        return (*self.full, *self.finals, *own) if stage == FULL else self.screening or ()


class NextPoint:
    """One worker's choice of points.

    Attributes:
        stage: in which the space is searched
        feeding_stage: in which the options around the best point are tried
    """

    def __init__(self, plan: SearchPlan, study: Study, shares: bool = False) -> None:
        self._plan, self._study = plan, study
        self.stage = FULL if plan.screening is None else SCREENING
        self.feeding_stage = FULL if plan.screening is None else FEEDING
        kept = MOST if plan.feeding is not None else 0
        self.budget_state = BudgetState(plan.budget, self.stage, plan.finalists, kept)
        self.candidates = Candidates(plan.space, plan.full, plan.memory, self.stage, shares=shares)
        self._random, self._known_in_a_row = random.Random(plan.seed), 0

    def finalist(self, state: StudyState) -> Point | None:
        """A point near the front that nobody has measured in full."""
        return next(iter(self.finalists(state)), None)

    def finalists(self, state: StudyState) -> list[Point]:
        """The points near the front by what is known now that nobody has measured in full."""
        known, goals = self.screened(state), self._study.goals
        done = {*state.known(FULL), *state.claimed(FULL), *self.candidates.excluded}
        chosen = finalists([*known], known, goals, self._study.reference, self._plan.finalists)
        return [point for point in chosen if point not in done]

    def screened(self, state: StudyState) -> dict[Point, TrialResult]:
        """What is known of the points of both stages of the search: of one in both what the second gave."""
        first, second = state.known(self.stage), state.known(self.feeding_stage)
        inside = {point: first[point] for point in self._plan.space.points if point in first}
        fed = {result.point for result in state.results if result.stage == self.feeding_stage} - {self._plan.reference}
        return inside | {point: second[point] for point in fed if point in second}

    def leader(self, state: StudyState) -> Point | None:
        """The best point of the first stage, whose stages the second one needs; None where they are known."""
        walk = self.walk(state)
        return walk.point if walk.wanted == walk.point and walk.point not in state.claimed(FULL) else None

    def fed(self, state: StudyState) -> Point | None:
        """The next point of the second stage; None where none is left for this worker now."""
        walk = self.walk(state)
        waits = walk.wanted == walk.point or walk.wanted in state.claimed(self.feeding_stage)
        return None if waits else walk.wanted

    def walk(self, state: StudyState) -> Walk:
        """Where the second stage is; it begins once the first one is over."""
        plan, study = self._plan, self._study
        if plan.feeding is None:
            return Walk()
        searched, fed = state.known(self.stage), state.known(self.feeding_stage)
        excluded = self.candidates.excluded
        return Feeding(plan.feeding, plan.space, study.goals, study.reference, searched, fed, excluded).walk()

    def left(self, state: StudyState) -> int:
        """How many points the search may measure yet in its own stage, by what is known now."""
        others = len([point for point in self.candidates.open(state) if point != self._plan.reference])
        most = self.budget_state.search_trials()
        begun = {*state.known(self.stage), *state.claimed(self.stage)} - {self._plan.reference}
        return others if most is None else max(0, min(others, most - len(begun)))

    def next(self, state: StudyState) -> Point | None:
        """The next point of the search; None where none is left for this worker now. SpentError where the budget is."""
        most, budget = self.budget_state.search_trials(), self._plan.budget
        others = [point for point in self._plan.space.points if point != self._plan.reference]
        all_fit = most is None or len(others) <= most
        if all_fit and budget.minutes is None and budget.wh is None:
            return self.candidates.next(state)
        points = self.candidates.open(state)
        if not points:
            return None
        likely = self.candidates.unbisected(points, state) or self._around_best(points, state)
        return likely or (self.candidates.next(state) if all_fit else self._proposed(points, state))

    def _around_best(self, points: Sequence[Point], state: StudyState) -> Point | None:
        """One option at a time from the best point by the first objective: its largest batch, where a device is full
        and options show what they save, of the reference in a number format that costs less; each other value of each
        other option, what was never measured before what was beside another point; the batch sizes that lie farthest
        from those measured. None where all of these are known.
        """
        known, goals = state.known(self.stage), self._study.goals
        possible = {
            point: known[point]
            for point in self._plan.space.points
            if point in known and known[point].finished and may_meet(known[point], goals, self._study.reference)
        }
        best = next(iter(pareto.front(by_objectives(possible, goals))), self._plan.reference)
        group = sorted((each for each in self._plan.space.points if _same(each, best)), key=self._plan.space.rank)
        if best == self._plan.reference and group and (cheaper := _in_a_cheaper_format(group[-1], points)):
            return cheaper
        if group and group[-1] in points:
            return group[-1]
        begun = [*known, *state.claimed(self.stage)]
        tried = {override for point in begun for override in point}
        beside = [point for point in points if batch(point) == batch(best) and len({*point} - {*best}) == 1]
        return min(beside, key=lambda point: len({*point} - tried) == 0, default=_farthest(group, points, begun))

    def _proposed(self, points: Sequence[Point], state: StudyState) -> Point:
        """What the sampler proposes; what is known is reported to it at once, so that it proposes another point."""
        self.budget_state.seconds_left(
            state, self.stage, self._plan.reference
        )  # nothing is proposed that is not measured
        while self._known_in_a_row < PATIENCE:
            point = self._study.propose()
            if point in points:
                self._known_in_a_row = 0
                return point
            self._known_in_a_row += 1
            self._study.repeat(point)
        self._known_in_a_row = 0
        return self._random.choice(points)


def _same(point: Point, other: Point) -> bool:
    return without_batch(point) == without_batch(other)


def _in_a_cheaper_format(point: Point, points: Sequence[Point]) -> Point | None:
    """The open point that differs in the number format alone, the one that most often saves most first."""
    other = {changed.pop(): each for each in points if len(changed := {*each} - {*point}) == 1}
    own = (override.partition("=")[2] for override in point if override.startswith("precision="))
    cheaper = CHEAPER.get(next(own, ""), ())
    return next((other[override] for each in cheaper if (override := f"precision={each}") in other), None)


def _farthest(group: Sequence[Point], points: Sequence[Point], measured: Sequence[Point]) -> Point | None:
    """The open point of a group that lies farthest from those that are measured, the largest batch first."""
    places = [place for place, point in enumerate(group) if point in measured]
    distances = {
        point: min(abs(place - measured_place) for measured_place in places)
        for place, point in enumerate(group)
        if point in points and places
    }
    return max(reversed(distances), key=lambda point: distances[point], default=None)
