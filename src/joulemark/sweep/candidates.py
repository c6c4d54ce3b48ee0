"""Which points are left to measure: those of the space that are neither known nor too large for the card's memory."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from joulemark.config.run_schema import GIVEN
from joulemark.measure.resident import shared_key
from joulemark.sweep.memory import Known, Memory, next_size, ran_out
from joulemark.sweep.space import BATCH, Point, Space, batch, without_batch
from joulemark.sweep.trial import Outcome
from joulemark.sweep.trial_state import StudyState

# Options that do not change what fits in memory
IRRELEVANT = ("protocol", "site", "meter", "tracking_uri", *GIVEN)


@dataclass
class Candidates:
    """The space as one stage of the study goes through it.

    Attributes:
        space: all points
        overrides: the full protocol's, without a point's
        memory: what this machine remembers of batch sizes
        stage: `screening` or `full`
        excluded: points that this session does not measure, by their reason
        shares: whether points of one loaded model share a process: they then follow each other, and batch 1 comes
            after a larger one, since a model that was tried with padded batches serves it, too
        tries: lines of options that the reference's diagnosis names: groups that have them come first
    """

    space: Space
    overrides: Sequence[str]
    memory: Memory
    stage: str
    excluded: dict[Point, str] = field(default_factory=dict)
    shares: bool = False
    tries: tuple[str, ...] = ()

    def open(self, state: StudyState) -> list[Point]:
        """The points that this worker may begin; those too large for memory are excluded here, with the reason."""
        known, claimed = state.known(self.stage), state.claimed(self.stage)
        fails = {group: self._memory(group, state).fails for group in self.groups()}
        points = []
        for point in self.space.points:
            too_large, size = fails[without_batch(point)], batch(point)
            if point in known or point in claimed or point in self.excluded:
                continue
            if too_large is not None and size is not None and size >= too_large:
                self.excluded[point] = f"out of memory at {BATCH}={too_large}"
            else:
                points.append(point)
        return points

    def next(self, state: StudyState) -> Point | None:
        """The next of all open points, each group of batch sizes by doubling and bisection first, then those between.

        Groups that no other worker measures come first: two would both reach the same end of memory.
        """
        busy_groups = {without_batch(point) for point in state.claimed(self.stage)}
        points = self.open(state)
        for group in sorted(self.groups(), key=lambda group: group in busy_groups):
            inside = [point for point in points if without_batch(point) == group]
            if inside:
                return self._next_size(group, inside, state) or inside[0]
        return None

    def unbisected(self, points: Sequence[Point], state: StudyState) -> Point | None:
        """The next size of a group that ran out of memory and whose boundary is not found yet."""
        for group in self.groups():
            inside = [point for point in points if without_batch(point) == group]
            if self._memory(group, state).fails is not None and (point := self._next_size(group, inside, state)):
                return point
        return None

    def groups(self) -> dict[Point, list[Point]]:
        """The points of each combination of options other than the batch size.

        What the diagnosis names comes first, then the order of the space; groups of one loaded model follow each other.
        """
        groups: dict[Point, list[Point]] = {}
        for point in self.space.points:
            groups.setdefault(without_batch(point), []).append(point)
        if not self.shares and not self.tries:
            return groups
        ordered = sorted(groups, key=self._named)
        loads = list(dict.fromkeys(map(shared_key, ordered)))
        return {group: groups[group] for group in sorted(ordered, key=lambda group: loads.index(shared_key(group)))}

    def _named(self, group: Point) -> int:
        """The place of the first line of the diagnosis whose searched options the group has; the last one without."""
        searched = {override for dimension in self.space.dimensions for override in dimension.overrides}
        lines = [{each for each in line.split() if each in searched and batch([each]) is None} for line in self.tries]
        return next((place for place, line in enumerate(lines) if line and line <= set(group)), len(lines))

    def tell(self, point: Point, outcome: Outcome) -> None:
        """Remembers whether the point's batch size fitted in memory, and excludes a point that was refused."""
        size, out_of_memory_at = batch(point), ran_out(outcome.error)
        if size is not None and (outcome.status == "finished" or out_of_memory_at == size):
            self.memory.add(self._case(without_batch(point)), size, outcome.status == "finished")
        if outcome.status == "refused":  # because of the surroundings: the next session measures it
            self.excluded[point] = outcome.error or "refused"

    def _next_size(self, group: Point, inside: Sequence[Point], state: StudyState) -> Point | None:
        """The point of a group by which its memory's boundary is found; None where it is known."""
        by_size = {size: point for point in inside if (size := batch(point))}
        fitted = [
            size
            for point, result in state.known(self.stage).items()
            if result.finished and without_batch(point) == group and (size := batch(point))
        ]
        known = Known(max(fitted, default=None), self._memory(group, state).fails)
        alone = self.shares and known == Known() and len(by_size) > 1
        size = next_size([size for size in by_size if size > 1 or not alone], known)
        return None if size is None else by_size[size]

    def _memory(self, group: Point, state: StudyState) -> Known:
        """What this machine remembers of the group, and what the study's workers elsewhere ran into."""
        known = self.memory.known(self._case(group))
        for result in state.results:
            size = batch(result.point)
            in_group = without_batch(result.point) == group
            if size is not None and in_group and ran_out(result.outcome.error) == size:
                known = known.with_trial(size, False)
        return known

    def _case(self, group: Point) -> tuple[str, ...]:
        """What decides about memory: the run's overrides, but for how and where it is recorded."""
        relevant = (override for override in self.overrides if not override.startswith((*IRRELEVANT, BATCH)))
        return (*relevant, *group)
