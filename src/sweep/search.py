"""The search: the reference, a short look at the points, and the full protocol for those near the front.

    reference ── full ──▶ what ratios and losses are relative to
    points ── screening ─▶ all of them where the budget holds them, else those that TPE proposes
    near the front ── full ─▶ results

A point that is known is looked up in the study, never measured twice. The budget is the whole study's.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from src.core import Interrupted, UserError
from src.sweep import finalists, front, memory
from src.sweep.budget import Budget, Purse, SpentError, counted
from src.sweep.finalists import compared
from src.sweep.goal import QUALITY, Goals
from src.sweep.ground import Ground
from src.sweep.space import Point, Space, laid, without_batch
from src.sweep.study import FULL, SCREENING, Study, Told
from src.trial import Outcome

Measure = Callable[[Sequence[str], float | None], Outcome]
Say = Callable[[str], None]

# Proposals in a row that are known already, before one that is not is drawn
PATIENCE = 10


@dataclass(frozen=True)
class Plan:
    """All that a search is: words, space, goals, budget.

    `full` and `screening` are the words of each pass without the point's; `screening` None measures all in full.
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


class Search:
    """One worker's way through the study."""

    def __init__(self, plan: Plan, study: Study, measure: Measure, say: Say) -> None:
        self._plan, self._study, self._measure, self._say = plan, study, measure, say
        self._stage = FULL if plan.screening is None else SCREENING
        self._purse = Purse(plan.budget, self._stage, plan.finalists)
        self._ground = Ground(plan.space, plan.full, plan.memory, study, self._stage)
        self.ended: str | None = None  # why the search stopped before its end

    @property
    def left_out(self) -> dict[Point, str]:
        """The points that this session does not measure, each with its reason."""
        return self._ground.left_out

    def reference(self) -> Told:
        """The reference in the full protocol; what becomes of it is the caller's to judge."""
        known = self._study.known(FULL).get(self._plan.reference)
        if known is not None:
            self._study.reference = known.metrics
        return known or self._measured(self._plan.reference, FULL)

    def points(self) -> None:
        """Looks at the points of the space, until all are known or the budget's part for it is used."""
        try:
            if self._exhaustive():
                for point in self._ground.every():
                    self._measured(point, self._stage)
            else:
                self._proposed()
        except SpentError as spent:
            self.ended = str(spent)

    def results(self) -> None:
        """The full protocol for the points near the front; points beyond it are not measured further."""
        if self._stage == FULL:
            return
        try:
            for point in self._finalists():
                if point not in self._study.known(FULL):
                    self._measured(point, FULL)
        except SpentError as spent:
            self.ended = str(spent)

    def full(self) -> dict[Point, Told]:
        """Every point of the space that was measured in full."""
        known = self._study.known(FULL)
        return {point: known[point] for point in self._plan.space.points if point in known}

    def judged(self, typed: bool) -> Goals:
        """The goals less limits that need a quality which the reference has not; UserError where they were typed."""
        goals, reference = self._study.goals, self._study.reference
        if not any(one.metric.startswith(QUALITY) and reference.get(one.metric) is None for one in goals.limits):
            return goals
        if typed:
            raise UserError("the reference's answers have no quality (no references in the data?): leave its limit out")
        self._say("left out: the limits of quality: the reference's answers have none")
        return replace(goals, limits=goals.without(QUALITY).limits)

    def _exhaustive(self) -> bool:
        """Whether the budget's trials hold every point of the space beside the reference and the results."""
        limit = self._purse.searched()
        return limit is None or len([p for p in self._plan.space.points if p != self._plan.reference]) <= limit

    def _finalists(self) -> list[Point]:
        known, goals = self._study.known(SCREENING), self._study.goals
        return finalists.finalists(self._plan.space.points, known, goals, self._study.reference, self._plan.finalists)

    def _proposed(self) -> None:
        """Measures what the sampler proposes; what is known is answered at once, so that it goes on elsewhere."""
        drawn, known_in_a_row = random.Random(self._plan.seed), 0
        for point in self._first():
            self._measured(point, self._stage)
        while open_points := self._ground.open():
            bisected = self._ground.unbisected()
            if bisected is not None:
                self._measured(bisected, self._stage)
                continue
            if known_in_a_row >= PATIENCE:
                point, known_in_a_row = drawn.choice(open_points), 0
                self._measured(point, self._stage)
                continue
            self._afford(self._stage)  # nothing is asked that is not measured
            trial, point = self._study.ask()
            if point in open_points:
                known_in_a_row = 0
                self._measured(point, self._stage, trial)
            else:
                known_in_a_row += 1
                self._study.again(trial, self._study.known(self._stage).get(point))

    def _first(self) -> Iterator[Point]:
        """The middle batch size of each group, then both ends of the best group: what chance would find late.

        Nothing where the budget holds too few trials for that.
        """
        groups = self._ground.groups()
        trials = self._purse.searched()
        if trials is not None and len(groups) > trials / 2:
            return
        middles = [points[(len(points) - 1) // 2] for points in groups.values()]
        yield from (point for point in middles if point in self._ground.open())
        known = self._study.known(self._stage)
        seen = compared({point: known[point] for point in middles if point in known}, self._plan.goals)
        kept = {
            point: one
            for point, one in seen.items()
            if finalists.kept(known[point], self._study.goals, self._study.reference)
        }
        for point in front.front(kept)[:1]:
            ends = groups[without_batch(point)]
            yield from (one for one in (ends[-1], ends[0]) if one in self._ground.open())

    def _measured(self, point: Point, stage: str, asked: object = None) -> Told:
        """Measures one point, as the trial that was asked for or one of its own, and writes down what became of it.

        SpentError before it begins, Interrupted after it ended.
        """
        limit_s = self._afford(stage)
        trial = asked or self._study.begin(point, stage)
        if asked:
            self._study.claim(trial, point, stage)
        base = self._plan.full if stage == FULL else self._plan.screening or ()
        outcome = self._measure(laid(base, point), limit_s)
        if point == self._plan.reference and stage == FULL:
            self._study.reference = outcome.metrics
        self._ground.tell(point, outcome)
        self._study.tell(trial, outcome)
        told = Told(point, stage, outcome)
        self._say(line(told, self._plan.goals, len(counted(self._study.told())), self._plan.budget.trials))
        if outcome.stopped_by or outcome.status == "interrupted":
            raise Interrupted(outcome.stopped_by or "SIGINT")
        return told

    def _afford(self, stage: str) -> float | None:
        return self._purse.afford(self._study.told(), stage, self._plan.reference)


def line(one: Told, goals: Goals, number: int, of: int | None) -> str:
    """One line of progress."""
    begun = f"[{number}{f'/{of}' if of else ''}] {one.stage}: {' '.join(one.point)}"
    if not one.finished:
        return f"{begun}: {one.outcome.status}: {one.outcome.error}"
    shown = [
        f"{goal.name} {found:.4g}" for goal in goals.objectives if (found := one.metrics.get(goal.metric)) is not None
    ]
    return f"{begun}: {', '.join(shown)}"
