"""Some of very many values: enough for every percentile, whatever their number."""

from array import array
from collections.abc import Sequence

MOST = 20_000  # values: the 99th percentile is then that of a rank within a hundredth of a percent


def spread(values: Sequence[float], most: int = MOST) -> Sequence[float]:
    """The values in ascending order; of more than `most` so many, evenly spread over their ranks."""
    import numpy

    ordered = numpy.sort(numpy.asarray(values, dtype=float))
    if len(ordered) > most:
        ordered = ordered[((numpy.arange(most) + 0.5) * len(ordered) / most).astype(int)]
    return array("d", ordered.tobytes())
