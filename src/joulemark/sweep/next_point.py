"""Which point a worker measures next: all of them where the budget holds them, else those that TPE proposes."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from joulemark.sweep import finalists, memory, pareto
from joulemark.sweep.budget import Budget, Purse
from joulemark.sweep.candidates import Ground
from joulemark.sweep.finalists import compared
from joulemark.sweep.objectives import Goals
from joulemark.sweep.space import Point, Space, without_batch
from joulemark.sweep.study import Study
from joulemark.sweep.trial_state import FULL, SCREENING, View

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


class Choice:
    """One worker's choices. `stage` is the pass in which all points are looked at."""

    def __init__(self, plan: Plan, study: Study) -> None:
        self._plan, self._study = plan, study
        self.stage = FULL if plan.screening is None else SCREENING
        self.purse = Purse(plan.budget, self.stage, plan.finalists)
        self.ground = Ground(plan.space, plan.full, plan.memory, self.stage)
        self._drawn, self._known_in_a_row = random.Random(plan.seed), 0

    def finalist(self, seen: View) -> Point | None:
        """A point near the front that nobody has measured in full."""
        points, most = self._plan.space.points, self._plan.finalists
        known, goals = seen.known(SCREENING), self._study.goals
        done = {*seen.known(FULL), *seen.claimed(FULL), *self.ground.left_out}
        chosen = finalists.finalists(points, known, goals, self._study.reference, most)
        return next((point for point in chosen if point not in done), None)

    def next(self, seen: View) -> Point | None:
        """The next point to look at; None where none is left for this worker now. SpentError before it is chosen."""
        limit = self.purse.searched()
        if limit is None or len([p for p in self._plan.space.points if p != self._plan.reference]) <= limit:
            return self.ground.next(seen)
        points = self.ground.open(seen)
        if not points:
            return None
        return self._first(points, seen) or self.ground.unbisected(points, seen) or self._proposed(points, seen)

    def _first(self, points: Sequence[Point], seen: View) -> Point | None:
        """The middle batch size of each group, then the best group, its ends first: what chance would find late.

        None where the budget holds too few trials for that.
        """
        groups = {key: sorted(group, key=self._plan.space.rank) for key, group in self.ground.groups().items()}
        trials = self.purse.searched()
        if trials is not None and 3 * len(groups) > 2 * trials:
            return None
        middles = [group[(len(group) - 1) // 2] for group in groups.values()]
        if found := next((point for point in middles if point in points), None):
            return found
        known, goals = seen.known(self.stage), self._study.goals
        results = compared({point: known[point] for point in middles if point in known}, self._plan.goals)
        kept = {p: one for p, one in results.items() if finalists.kept(known[p], goals, self._study.reference)}
        if not kept:
            return None
        best = pareto.front(kept)[0]
        return _widest(groups[without_batch(best)], points, [*known, *seen.claimed(self.stage)])

    def _proposed(self, points: Sequence[Point], seen: View) -> Point:
        """What the sampler proposes; what is known is answered at once, so that it goes on elsewhere."""
        self.purse.afford(seen, self.stage, self._plan.reference)  # nothing is asked that is not measured
        while self._known_in_a_row < PATIENCE:
            point = self._study.propose()
            if point in points:
                self._known_in_a_row = 0
                return point
            self._known_in_a_row += 1
            self._study.repeat(point)
        self._known_in_a_row = 0
        return self._drawn.choice(points)


def _widest(group: Sequence[Point], points: Sequence[Point], seen: Sequence[Point]) -> Point | None:
    """The open point of a group that lies farthest from those that were looked at, the largest batch first."""
    places = [place for place, point in enumerate(group) if point in seen]
    away = {p: min(abs(place - one) for one in places) for place, p in enumerate(group) if p in points and places}
    return max(reversed(away), key=lambda point: away[point], default=None)
