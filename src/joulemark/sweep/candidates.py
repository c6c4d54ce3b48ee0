"""What is left to look at: the points of the space that are neither known nor too large for the card's memory."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from joulemark.config.run import GIVEN
from joulemark.sweep import memory as boundary
from joulemark.sweep.space import BATCH, Point, Space, batch, without_batch
from joulemark.sweep.trial import Outcome
from joulemark.sweep.trial_state import View

# Words that decide nothing about memory
BESIDE = ("protocol", "site", "meter", "tracking_uri", *GIVEN)


@dataclass
class Ground:
    """The space as one pass of the study goes through it. `words` are the full protocol's, without a point's."""

    space: Space
    words: Sequence[str]
    memory: boundary.Memory
    stage: str
    left_out: dict[Point, str] = field(default_factory=dict)

    def open(self, seen: View) -> list[Point]:
        """The points that this worker may begin; those too large are left out here, with the reason."""
        known, claimed = seen.known(self.stage), seen.claimed(self.stage)
        fails = {group: self._memory(group, seen).fails for group in self.groups()}
        found = []
        for point in self.space.points:
            limit, size = fails[without_batch(point)], batch(point)
            if point in known or point in claimed or point in self.left_out:
                continue
            if limit is not None and size is not None and size >= limit:
                self.left_out[point] = f"out of memory at {BATCH}={limit}"
            else:
                found.append(point)
        return found

    def next(self, seen: View) -> Point | None:
        """The next of all open points, each group of batch sizes by doubling and bisection first, then those between.

        Groups in which no other worker is come first: two would both run into the same end of memory.
        """
        taken = {without_batch(point) for point in seen.claimed(self.stage)}
        points = self.open(seen)
        for group in sorted(self.groups(), key=lambda group: group in taken):
            inside = [point for point in points if without_batch(point) == group]
            if inside:
                return self._next_size(group, inside, seen) or inside[0]
        return None

    def unbisected(self, points: Sequence[Point], seen: View) -> Point | None:
        """The next size of a group in which memory was short and the boundary is not found yet."""
        for group in self.groups():
            inside = [point for point in points if without_batch(point) == group]
            if self._memory(group, seen).fails is not None and (point := self._next_size(group, inside, seen)):
                return point
        return None

    def groups(self) -> dict[Point, list[Point]]:
        """The points of each group of other words than the batch size, in the order of the space."""
        found: dict[Point, list[Point]] = {}
        for point in self.space.points:
            found.setdefault(without_batch(point), []).append(point)
        return found

    def tell(self, point: Point, outcome: Outcome) -> None:
        """Remembers whether the point's batch size fitted in memory, and leaves out what its surroundings refused."""
        size, ended = batch(point), boundary.ran_out(outcome.error)
        if size is not None and (outcome.status == "finished" or ended == size):
            self.memory.tell(self._case(without_batch(point)), size, outcome.status == "finished")
        if outcome.status == "refused":  # what surrounds it, not the point: asked again by the next session
            self.left_out[point] = outcome.error or "refused"

    def _next_size(self, group: Point, inside: Sequence[Point], seen: View) -> Point | None:
        """The point of a group by which its memory's boundary is found; None where it is found, or known."""
        own = {size: point for point in inside if (size := batch(point))}
        measured = [
            size
            for point, one in seen.known(self.stage).items()
            if one.finished and without_batch(point) == group and (size := batch(point))
        ]
        known = boundary.Known(max(measured, default=None), self._memory(group, seen).fails)
        size = boundary.next_size(list(own), known)
        return None if size is None else own[size]

    def _memory(self, group: Point, seen: View) -> boundary.Known:
        """What this machine remembers of the group, and what the study's workers elsewhere ran into."""
        known = self.memory.known(self._case(group))
        for one in seen.told:
            size = batch(one.point)
            if size is not None and without_batch(one.point) == group and boundary.ran_out(one.outcome.error) == size:
                known = known.with_(size, False)
        return known

    def _case(self, group: Point) -> tuple[str, ...]:
        """What decides about memory: the run's words, but for how and where it is recorded."""
        kept = (word for word in self.words if not word.startswith((*BESIDE, BATCH)))
        return (*kept, *group)
