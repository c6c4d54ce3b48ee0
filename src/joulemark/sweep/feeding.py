"""The second stage of a search: options that feed the device, tried one by one around the best point of the first.

    best point ── with its stages ──▶ what of a request's time each option removes at most (analysis/feeding.py)
    largest first ── one trial ─────▶ kept where it is better, else taken back; not tried where it removes little
    something was kept ─────────────▶ the batch sizes beside that of the point, as long as one is better

Each decision is read off the study, so that another session or worker goes on with the next one.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from joulemark.analysis import verdict
from joulemark.analysis.diagnosis import LARGE
from joulemark.sweep.finalists import by_objectives, may_meet, plainest
from joulemark.sweep.objectives import Goals, Metrics
from joulemark.sweep.space import BATCH, Point, RefusalOf, Space, batch, merged
from joulemark.sweep.trial_state import TrialResult

MOST = 6  # trials that a budget of trials keeps for this stage

# Lines of which a model can carry one, or there is nothing to try
LINES = (
    "preprocessing=fast",
    "preprocessing=device",
    "prefetch=1",
    "compile=cudagraphs",
    "cache=static compile=true",
    "batch_tokens=1024",
)


@dataclass(frozen=True)
class FeedingPlan:
    """What the second stage may try.

    Attributes:
        keys: the settings that it may change, beside those that the first stage searches
        overrides: of its trials, without a point's
        refusal_of: why a run is refused
    """

    keys: tuple[str, ...]
    overrides: tuple[str, ...]
    refusal_of: RefusalOf


@dataclass
class Walk:
    """Where the second stage is, by what is known.

    Attributes:
        point: the best point until now; None where the first stage has none
        wanted: the next to measure; None where nothing is left
        left: how many trials are to come, by what is known
        kept, taken_back: the lines of options that were tried, in order
        not_tried: the lines that remove too little, with the share of a request's time
    """

    point: Point | None = None
    wanted: Point | None = None
    left: int = 0
    kept: list[str] = field(default_factory=list)
    taken_back: list[str] = field(default_factory=list)
    not_tried: dict[str, float] = field(default_factory=dict)

    def sentences(self) -> list[str]:
        """What the stage came to: one sentence each for what was kept, taken back, and not tried."""
        small = [f"{line} (at most {share:.0%} of its time)" for line, share in self.not_tried.items()]
        said = ("better with", self.kept), ("no better with", self.taken_back), ("not tried, little to gain", small)
        return [f"feeding: {what}: {', '.join(lines)}" for what, lines in said if lines]


@dataclass(frozen=True)
class Feeding:
    """The second stage by what is known.

    Attributes:
        plan, space: what may be tried
        goals: objectives and constraints
        reference: the reference's metrics
        searched: results of the first stage
        fed: results of this one
        excluded: points that are not measured
    """

    plan: FeedingPlan
    space: Space
    goals: Goals
    reference: Metrics
    searched: Mapping[Point, TrialResult]
    fed: Mapping[Point, TrialResult]
    excluded: Collection[Point] = ()

    def walk(self) -> Walk:
        """All decisions that what is known allows, and the next point to measure."""
        walk = Walk(point=self._start())
        for point in self._trials(walk):
            if point not in self.fed:
                walk.wanted = point
                return walk
        walk.left = 0
        return walk

    def _start(self) -> Point | None:
        """The plainest point of the first stage that is nearly as low as the best one; None where none may do.

        As in what is recommended at the end, so that both mean the same point.
        """
        results = {
            point: self.searched[point]
            for point in self.space.points
            if point in self.searched and point not in self.excluded and self._meets(self.searched[point])
        }
        return plainest(by_objectives(results, self.goals), self.space)

    def _trials(self, walk: Walk) -> Iterator[Point]:
        """The points in the order in which they are decided; each is known when the next one is asked for."""
        if walk.point is None:
            return
        walk.left = 1
        yield walk.point
        if self._meets(self.fed[walk.point]):
            yield from self._moves(walk)
            if walk.kept:
                yield from self._sizes(walk)

    def _moves(self, walk: Walk) -> Iterator[Point]:
        while open_lines := self._open(walk):
            line, target = next(iter(open_lines.items()))
            walk.left = len(open_lines)
            yield target
            self._decide(walk, line, target)

    def _open(self, walk: Walk) -> dict[str, Point]:
        """The lines that are left to try from the present point, each with its target."""
        assert walk.point is not None
        known = {
            line: (share, target)
            for line, share in self.fed[walk.point].outcome.moves
            if line not in walk.taken_back and (target := self._target(walk.point, line)) is not None
        }
        walk.not_tried = {line: share for line, (share, _) in known.items() if share is not None and share < LARGE}
        return {line: target for line, (_, target) in known.items() if line not in walk.not_tried}

    def _sizes(self, walk: Walk) -> Iterator[Point]:
        """Larger batch sizes as long as the next one is better; else smaller ones."""
        sizes = sorted({size for point in self.space.points if (size := batch(point)) is not None})
        for smaller in (False, True):
            while (size := _beside(sizes, batch(walk.point or ()), smaller)) is not None:
                line, before = f"{BATCH}={size}", walk.point
                target = self._target(walk.point or (), line)
                if target is None:
                    break
                walk.left = 1
                yield target
                self._decide(walk, line, target)
                if walk.point == before:
                    break
            if walk.kept and walk.kept[-1].startswith(BATCH):
                return

    def _decide(self, walk: Walk, line: str, target: Point) -> None:
        """Keeps the target where it is better by more than a plainer setting is preferred by."""
        assert walk.point is not None
        goal, result = self.goals.objectives[0], self.fed[target]
        own, here = (goal.oriented(each.metrics) for each in (result, self.fed[walk.point]))
        better = self._meets(result) and own is not None and here is not None and own < here
        if better and own is not None and here is not None and not verdict.nearly_as_low(here, own):
            walk.point = target
            walk.kept.append(line)
        else:
            walk.taken_back.append(line)

    def _target(self, point: Point, line: str) -> Point | None:
        """The point with a line's options; None where they are not searched, change nothing, or are refused."""
        options = line.split()
        searched = {*self.plan.keys, *(dimension.key for dimension in self.space.dimensions)}
        if not {option.partition("=")[0] for option in options} <= searched:
            return None
        target = self.space.with_options(point, options)
        refused = target in self.excluded or self.plan.refusal_of(merged(self.plan.overrides, target)) is not None
        return None if refused or target == point else target

    def _meets(self, result: TrialResult) -> bool:
        return result.finished and may_meet(result, self.goals, self.reference)


def carried(keys: Collection[str], point: Sequence[str], refusal_of: RefusalOf) -> bool:
    """Whether the run of a point can carry any option of this stage, by its model, task and device."""
    return any(
        refusal_of(merged(point, line.split())) is None
        for line in LINES
        if {option.partition("=")[0] for option in line.split()} <= {*keys}
    )


def _beside(sizes: list[int], size: int | None, smaller: bool) -> int | None:
    """The next size in one direction; None where there is none."""
    if size is None:
        return None
    beyond = [each for each in sizes if (each < size if smaller else each > size)]
    return (max(beyond) if smaller else min(beyond)) if beyond else None
