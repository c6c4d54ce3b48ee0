"""The search: the reference, a short look at the points, and the full protocol for those near the front.

    reference ── full ──▶ what ratios and losses are relative to
    points ── screening ─▶ all of them where the budget holds them, else those that TPE proposes
    near the front ── full ─▶ results

A point that is known is looked up in the study, never measured twice. The budget is the whole study's.
"""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from src.core import Interrupted, UserError
from src.sweep import front, memory
from src.sweep.goal import QUALITY, SHORT, Goals
from src.sweep.space import BATCH, Point, Space, batch, without_batch
from src.sweep.study import FULL, SCREENING, UNDONE, Study, Told
from src.trial import Outcome

Measure = Callable[[Sequence[str], float | None], Outcome]
Say = Callable[[str], None]

# The share of minutes and Wh that the search leaves for the results
RESERVED = 0.3
# Proposals in a row that are known already, before one that is not is drawn
PATIENCE = 10
# Points that get the full protocol where none keeps the limits
NEAREST = 2


@dataclass(frozen=True)
class Budget:
    """The most that the study may take; None: no limit."""

    trials: int | None = None
    minutes: float | None = None
    wh: float | None = None


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


class SpentError(Exception):
    """The budget does not hold another trial; says which part of it."""


class Search:
    """One worker's way through the study."""

    def __init__(self, plan: Plan, study: Study, measure: Measure, say: Say) -> None:
        self._plan, self._study, self._measure, self._say = plan, study, measure, say
        self._stage = FULL if plan.screening is None else SCREENING
        self.left_out: dict[Point, str] = {}
        self.ended: str | None = None  # why the search stopped before its end

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
                for point in self._every():
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
            for point in self.finalists():
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

    def finalists(self) -> list[Point]:
        """The points that may be on the front within their intervals, as the screening saw them.

        Where none keeps the limits the nearest to them, so that it is a full measurement that says how far it is.
        """
        known = self._study.known(SCREENING)
        inside = {point: known[point] for point in self._plan.space.points if point in known}
        within = {point: one for point, one in inside.items() if one.finished and self._kept(one)}
        if within:
            return front.near(compared(within, self._plan.goals), self._plan.finalists)
        finished = [point for point, one in inside.items() if one.finished]
        return sorted(finished, key=lambda point: self._over(inside[point]))[: min(NEAREST, self._plan.finalists)]

    def _over(self, one: Told) -> float:
        """By how much a result passes its limits, all together."""
        return sum(max(0.0, by) for by in self._study.goals.excesses(one.metrics, self._study.reference).values())

    def _kept(self, one: Told) -> bool:
        """Whether a result keeps every limit, by its interval at least where the metric has one."""
        over = self._study.goals.excesses(one.metrics, self._study.reference)
        spare = one.metrics.get("energy/ci95_rel") or 0.0
        return all(by <= (spare if limit.metric == SHORT["energy"] else 0.0) for limit, by in over.items())

    def _exhaustive(self) -> bool:
        """Whether the budget's trials hold every point of the space beside the reference and the results."""
        limit = self._search_trials()
        return limit is None or len([p for p in self._plan.space.points if p != self._plan.reference]) <= limit

    def _search_trials(self) -> int | None:
        """How many trials the search may use: the budget less the reference and the full measurements."""
        trials = self._plan.budget.trials
        if trials is None:
            return None
        return max(0, trials - 1 - (0 if self._stage == FULL else self._plan.finalists))

    def _every(self) -> Iterator[Point]:
        """Every unknown point, each group of batch sizes by doubling and bisection first, then those in between."""
        for group in dict.fromkeys(without_batch(point) for point in self._plan.space.points):
            while (point := self._next_size(group)) is not None:
                yield point
            for point in self._open():
                if without_batch(point) == group:
                    yield point

    def _next_size(self, group: Point) -> Point | None:
        """The point of a group by which its memory's boundary is found; None where it is found, or known."""
        own = {size: point for point in self._open() if without_batch(point) == group and (size := batch(point))}
        measured = [
            size
            for point, one in self._study.known(self._stage).items()
            if one.finished and without_batch(point) == group and (size := batch(point))
        ]
        known = memory.Known(max(measured, default=None), self._memory(group).fails)
        size = memory.next_size(list(own), known)
        return None if size is None else own[size]

    def _open(self) -> list[Point]:
        """The points that are neither known nor too large; those too large are left out here, with the reason."""
        known = self._study.known(self._stage)
        found = []
        for point in self._plan.space.points:
            fails, size = self._memory(without_batch(point)).fails, batch(point)
            if point in known or point in self.left_out:
                continue
            if fails is not None and size is not None and size >= fails:
                self.left_out[point] = f"out of memory at {BATCH}={fails}"
            else:
                found.append(point)
        return found

    def _proposed(self) -> None:
        """Measures what the sampler proposes; what is known is answered at once, so that it goes on elsewhere."""
        drawn, known_in_a_row = random.Random(self._plan.seed), 0
        for point in self._first():
            self._measured(point, self._stage)
        while open_points := self._open():
            bisected = self._unbisected()
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
        groups: dict[Point, list[Point]] = {}
        for point in sorted(self._plan.space.points, key=self._plan.space.rank):
            groups.setdefault(without_batch(point), []).append(point)
        trials = self._search_trials()
        if trials is not None and len(groups) > trials / 2:
            return
        middles = [points[(len(points) - 1) // 2] for points in groups.values()]
        yield from (point for point in middles if point in self._open())
        known = self._study.known(self._stage)
        seen = compared({point: known[point] for point in middles if point in known}, self._plan.goals)
        kept = {point: one for point, one in seen.items() if self._kept(known[point])}
        for point in front.front(kept)[:1]:
            ends = groups[without_batch(point)]
            yield from (one for one in (ends[-1], ends[0]) if one in self._open())

    def _unbisected(self) -> Point | None:
        """The next size of a group in which memory was short and the boundary is not found yet."""
        for group in dict.fromkeys(without_batch(point) for point in self._plan.space.points):
            if self._memory(group).fails is not None and (point := self._next_size(group)) is not None:
                return point
        return None

    def _memory(self, group: Point) -> memory.Known:
        return self._plan.memory.known(self._words(group))

    def _words(self, group: Point) -> tuple[str, ...]:
        """What decides about memory: the run's words, but for how and where it is recorded."""
        kept = [word for word in self._plan.full if not word.startswith(("protocol", "sweep_id", "site", "meter"))]
        return (*(word for word in kept if not word.startswith(("tracking_uri", BATCH))), *group)

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
        size, ended = batch(point), memory.ran_out(outcome.error)
        if size is not None and (outcome.status == "finished" or ended == size):
            self._plan.memory.tell(self._words(without_batch(point)), size, outcome.status == "finished")
        if point == self._plan.reference and stage == FULL:
            self._study.reference = outcome.metrics
        self._study.tell(trial, outcome)
        if outcome.status == "refused":  # what surrounds it, not the point: asked again by the next session
            self.left_out[point] = outcome.error or "refused"
        told = Told(point, stage, outcome)
        self._say(line(told, self._plan.goals, len(self._counted()), self._plan.budget.trials))
        if outcome.stopped_by or outcome.status == "interrupted":
            raise Interrupted(outcome.stopped_by or "SIGINT")
        return told

    def _counted(self) -> list[Told]:
        return [one for one in self._study.told() if one.outcome.status not in UNDONE]

    def _afford(self, stage: str) -> float | None:
        """How long the next trial may take; SpentError where the budget holds none."""
        budget, told = self._plan.budget, self._study.told()
        searching = stage != FULL or self._stage == FULL
        searched = self._search_trials()
        counted = self._counted()
        if budget.trials is not None and len(counted) >= budget.trials:
            raise SpentError(f"the budget of {budget.trials} trials is used")
        mine = [one for one in counted if one.stage == stage and one.point != self._plan.reference]
        if stage != FULL and searched is not None and len(mine) >= searched:
            raise SpentError(f"the search's part of the budget, {searched} of {budget.trials} trials, is used")
        share = 1.0 if stage == FULL or not searching else 1.0 - RESERVED
        if budget.wh is not None and sum(wh(one) or 0.0 for one in told) >= budget.wh * share:
            raise SpentError(
                f"{'the' if share == 1 else 'the part for the search of the'} budget of {budget.wh:g} Wh is used"
            )
        if budget.minutes is None:
            return None
        left_s = budget.minutes * 60 * share - sum(one.outcome.seconds for one in told)
        if left_s <= 0:
            raise SpentError(
                f"{'the' if share == 1 else 'the search part of the'} budget of {budget.minutes:g} min is used"
            )
        return left_s


def wh(one: Told) -> float | None:
    """The metered Wh of a trial; None where it did not live to say."""
    return one.metrics.get("energy/run_wh")


def laid(words: Sequence[str], point: Sequence[str]) -> tuple[str, ...]:
    """The words with the point's laid over them."""
    return tuple({word.partition("=")[0]: word for word in (*words, *point)}.values())


def compared(told: Mapping[Point, Told], goals: Goals) -> dict[Point, front.Result]:
    """Each result by the objectives, less being better; those that lack one are not in it."""
    found = {}
    for point, one in told.items():
        values = [goal.oriented(one.metrics) for goal in goals.objectives]
        spread = one.metrics.get("energy/ci95_rel")
        halves = [
            abs(value) * spread if goal.metric == SHORT["energy"] and spread is not None and value is not None else None
            for goal, value in zip(goals.objectives, values, strict=True)
        ]
        if all(value is not None for value in values):
            found[point] = front.Result(tuple(value for value in values if value is not None), tuple(halves))
    return found


def line(one: Told, goals: Goals, number: int, of: int | None) -> str:
    """One line of progress."""
    begun = f"[{number}{f'/{of}' if of else ''}] {one.stage}: {' '.join(one.point)}"
    if not one.finished:
        return f"{begun}: {one.outcome.status}: {one.outcome.error}"
    shown = [
        f"{goal.name} {found:.4g}" for goal in goals.objectives if (found := one.metrics.get(goal.metric)) is not None
    ]
    return f"{begun}: {', '.join(shown)}"
