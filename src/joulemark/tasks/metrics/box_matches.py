"""COCO's mean average precision of some images again, from matches of boxes that pycocotools made once.

Equal to pycocotools' own accumulation over those images, of which each may come several times, in about a millisecond
for a thousand images.
"""

from collections.abc import Sequence
from functools import cache
from math import nan
from typing import Any, ClassVar

OVERLAPS = 10  # thresholds of overlap, 0.5 to 0.95
RECALLS = 101  # thresholds of recall, 0 to 1
EPSILON = 2.0**-52  # pycocotools adds it to what a precision is divided by


class BoxMatches:
    """COCO's `map` and `map50` of some images, each of which may count several times, from matches made once.

    Precision is at its best where a detection is right, so only those are looked at: to every threshold of recall
    belongs the highest precision from the first right detection on that reaches it.
    """

    metrics: ClassVar[tuple[str, ...]] = ("map", "map50")

    def __init__(self, rows: Sequence[Sequence[float]]) -> None:
        """A row holds three numbers a detection, and three a category of which the image has objects.

        detection   category, score, 1 << place of each overlap at which it is right + 1 << 10 + place where ignored
        objects     category, 0, less their number
        """
        import numpy

        each = [numpy.asarray(row, float).reshape(-1, 3) for row in rows]
        images = numpy.repeat(numpy.arange(len(each)), [len(row) for row in each])
        categories, scores, codes = numpy.concatenate(each).T
        detected = codes >= 0
        self._classes = int(categories.max(initial=-1)) + 1
        self._count_objects(categories[~detected].astype(int), images[~detected], -codes[~detected], len(each))
        order = numpy.lexsort((-scores[detected], categories[detected]))  # by score, the first image first
        self._images = images[detected][order]
        self._place_matches(categories[detected].astype(int)[order], codes[detected].astype(int)[order])

    def _count_objects(self, categories: Any, images: Any, objects: Any, count: int) -> None:
        from scipy.sparse import csr_array

        self._objects = csr_array((objects, (images, categories)), shape=(count, self._classes))

    def _place_matches(self, categories: Any, codes: Any) -> None:
        """Where each detection that is right stands, one overlap after the other, and where its category begins."""
        import numpy

        starts = numpy.searchsorted(categories, numpy.arange(self._classes))
        right, ignored = (
            numpy.nonzero(codes >> numpy.arange(first, first + OVERLAPS)[:, None] & 1) for first in (0, OVERLAPS)
        )
        self._right, self._class = right[1], categories[right[1]]
        self._of_map50 = int((right[0] == 0).sum())
        self._from = starts[self._class]
        segments = right[0] * self._classes + self._class
        self._first = numpy.searchsorted(segments, segments)  # the first right one of its overlap and category
        self._apart = 2.0 * (OVERLAPS * self._classes - segments)  # a precision is at most 1
        self._ignored, size = ignored[1], len(codes)
        places = ignored[0] * size + ignored[1]
        self._ignored_until = numpy.searchsorted(places, right[0] * size + right[1])
        self._ignored_from = numpy.searchsorted(places, right[0] * size + self._from)

    def __call__(self, counts: Any) -> Any:
        """As `WholeSet`."""
        import numpy

        objects = counts @ self._objects  # a column a category
        return numpy.array([self._means(*pair) for pair in zip(counts, objects, strict=True)]).T

    def _means(self, counts: Any, objects: Any) -> tuple[float, float]:
        import numpy

        present = int((objects > 0).sum())
        if not present:
            return nan, nan
        detected = counts[self._images]
        until = _sums(detected)
        counted = until[self._right + 1] - until[self._from]
        if len(self._ignored):
            ignored = _sums(detected[self._ignored])
            counted -= ignored[self._ignored_until] - ignored[self._ignored_from]
        right = _sums(detected[self._right])
        found = right[1:] - right[self._first]
        best = numpy.maximum.accumulate((found / (counted + EPSILON) + self._apart)[::-1])[::-1] - self._apart
        reached = _thresholds(found / numpy.maximum(objects, 1)[self._class])
        before = numpy.zeros_like(reached)  # the thresholds that the right one before it reaches already
        before[1:] = reached[:-1]
        before[self._first == numpy.arange(len(before))] = 0
        points = best * (reached - before)
        whole = RECALLS * present
        return float(points.sum()) / (whole * OVERLAPS), float(points[: self._of_map50].sum()) / whole


def _sums(values: Any) -> Any:
    """The sum of all values before each place, and of all."""
    import numpy

    sums = numpy.zeros(len(values) + 1)
    numpy.cumsum(values, out=sums[1:])
    return sums


@cache
def _recalls() -> Any:
    """The thresholds of recall as pycocotools makes them, since floats decide which one is reached; and one beyond."""
    import numpy

    return numpy.append(numpy.linspace(0.0, 1.0, RECALLS), numpy.inf)


def _thresholds(recall: Any) -> Any:
    """How many thresholds each recall reaches: a search in them, but ten times as fast."""

    known = _recalls()
    below = (recall * 100).astype(int)
    return below + (known[below + 1] <= recall) - (known[below] > recall) + 1
