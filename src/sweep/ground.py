"""What is left to look at: the points of the space that are neither known nor too large for the card's memory."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from src.sweep import memory as boundary
from src.sweep.space import BATCH, Point, Space, batch, without_batch
from src.sweep.study import Study
from src.trial import Outcome


@dataclass
class Ground:
    """The space as one pass of the study goes through it. `words` are the full protocol's, without a point's."""

    space: Space
    words: Sequence[str]
    memory: boundary.Memory
    study: Study
    stage: str
    left_out: dict[Point, str] = field(default_factory=dict)

    def open(self) -> list[Point]:
        """The points that can be measured now; those too large are left out here, with the reason."""
        known = self.study.known(self.stage)
        found = []
        for point in self.space.points:
            fails, size = self._memory(without_batch(point)).fails, batch(point)
            if point in known or point in self.left_out:
                continue
            if fails is not None and size is not None and size >= fails:
                self.left_out[point] = f"out of memory at {BATCH}={fails}"
            else:
                found.append(point)
        return found

    def every(self) -> Iterator[Point]:
        """Every open point, each group of batch sizes by doubling and bisection first, then those in between."""
        for group in dict.fromkeys(without_batch(point) for point in self.space.points):
            while (point := self._next_size(group)) is not None:
                yield point
            for point in self.open():
                if without_batch(point) == group:
                    yield point

    def unbisected(self) -> Point | None:
        """The next size of a group in which memory was short and the boundary is not found yet."""
        for group in dict.fromkeys(without_batch(point) for point in self.space.points):
            if self._memory(group).fails is not None and (point := self._next_size(group)) is not None:
                return point
        return None

    def groups(self) -> Mapping[Point, list[Point]]:
        """The points of each group of other words than the batch size, the smallest batch first."""
        found: dict[Point, list[Point]] = {}
        for point in sorted(self.space.points, key=self.space.rank):
            found.setdefault(without_batch(point), []).append(point)
        return found

    def tell(self, point: Point, outcome: Outcome) -> None:
        """Remembers whether the point's batch size fitted in memory, and leaves out what its surroundings refused."""
        size, ended = batch(point), boundary.ran_out(outcome.error)
        if size is not None and (outcome.status == "finished" or ended == size):
            self.memory.tell(self._case(without_batch(point)), size, outcome.status == "finished")
        if outcome.status == "refused":  # what surrounds it, not the point: asked again by the next session
            self.left_out[point] = outcome.error or "refused"

    def _next_size(self, group: Point) -> Point | None:
        """The point of a group by which its memory's boundary is found; None where it is found, or known."""
        own = {size: point for point in self.open() if without_batch(point) == group and (size := batch(point))}
        measured = [
            size
            for point, one in self.study.known(self.stage).items()
            if one.finished and without_batch(point) == group and (size := batch(point))
        ]
        known = boundary.Known(max(measured, default=None), self._memory(group).fails)
        size = boundary.next_size(list(own), known)
        return None if size is None else own[size]

    def _memory(self, group: Point) -> boundary.Known:
        return self.memory.known(self._case(group))

    def _case(self, group: Point) -> tuple[str, ...]:
        """What decides about memory: the run's words, but for how and where it is recorded."""
        kept = [word for word in self.words if not word.startswith(("protocol", "sweep_id", "site", "meter"))]
        return (*(word for word in kept if not word.startswith(("tracking_uri", BATCH))), *group)
