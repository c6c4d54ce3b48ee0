"""What a record keeps of the latencies of very many batches: enough for every percentile, whatever their number."""

from array import array
from collections.abc import Sequence
from dataclasses import replace

from joulemark.core.measurement import Measurement, Window
from joulemark.core.ranks import MOST, spread


class Thinner:
    """Thins the measurements of one run; a window that was thinned before is the same object again."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Window, Window]] = {}  # the window itself too, so that its id stays its own

    def thinned(self, measured: Measurement) -> Measurement:
        """The measurement with at most so many latencies in each stretch; the same object where it has no more."""
        many = len(measured.batch_sizes) > MOST
        windows = tuple(self._window(window, measured.batch_sizes) for window in measured.windows)
        if not many and len(measured.warmup_batch_s) <= MOST and all(map(_same, windows, measured.windows)):
            return measured
        return replace(
            measured,
            windows=windows,
            warmup_batch_s=measured.warmup_batch_s[:MOST],
            batch_sizes=() if many else measured.batch_sizes,
        )

    def _window(self, window: Window, sizes: Sequence[int]) -> Window:
        if len(window.batch_s) <= MOST:
            return window
        if id(window) not in self._known:
            self._known[id(window)] = window, _thinned(window, sizes)
        return self._known[id(window)][1]


def _same(a: Window, b: Window) -> bool:
    return a is b


def _thinned(window: Window, sizes: Sequence[int]) -> Window:
    import numpy

    batch_s = numpy.asarray(window.batch_s)
    weights = numpy.tile(numpy.asarray(sizes), window.passes)
    mean_s = float(numpy.average(batch_s, weights=weights))
    # of the requests, not of the batches: these may be unequal, and what is kept has no sizes any more
    return replace(window, batch_s=spread(array("d", numpy.repeat(batch_s, weights)), MOST), mean_s=mean_s)
