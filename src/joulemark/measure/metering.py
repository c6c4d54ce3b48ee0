"""Any code of the user's under the meters of this machine: training, another framework, a client of a local server.

enter: wait for the GPUs ─ meters start ─┐                 ┌─ wait for the GPUs ─ meters stop :exit
                                         └─ the user's code ┘
"""

import warnings
import weakref
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType

from joulemark.analysis import energy_metrics
from joulemark.analysis import readings as energy
from joulemark.config.run import Run
from joulemark.core import stats
from joulemark.core.errors import UserError
from joulemark.core.measurement import COMPONENTS, Measurement, Reading, Window
from joulemark.hardware.gpu_lock import held
from joulemark.measure.instruments import Clock, Instruments
from joulemark.measure.loading import open_meters
from joulemark.models.backend.synchronization import wait_for_gpus


@dataclass
class MeteredWindow:
    """What one `with` block took; all is None until the block has ended without an error.

    Attributes:
        joules: energy of all components that were read, J; None where none was
        joules_by_component: `gpu`, `cpu`, `ram` -> J; None for a component that no meter reads
        evidence: component -> how its energy is known: `counter`, `rapl`, `sampled`, `estimated`, `constant`
        duration_s: the block's own time, s
        interval: 95 % interval (low, high), J, of the mean of this meter's windows up to this one; None for the first:
            a single stretch has no spread
        readings: each meter's own view, most trusted first
        not_available: meter -> why it cannot be read here
    """

    joules: float | None = None
    joules_by_component: Mapping[str, float | None] | None = None
    evidence: Mapping[str, str | None] | None = None
    duration_s: float | None = None
    interval: tuple[float, float] | None = None
    readings: Sequence[Reading] = ()
    not_available: Mapping[str, str] | None = None


class CodeMeter:
    """Meters one stretch of code after another; the sensors are opened before the first and kept open.

    Enter it as often as the code is repeated, so that its windows have an interval. Within a block it holds the lock
    of its GPUs: a run of Joulemark on one of them waits or is refused.

    Raises:
        UserError: on entry, for a second one meanwhile, a GPU that is being measured, and where no sensor is read
    """

    def __init__(self, run: Run, clock: Clock | None = None) -> None:
        self._run = run
        self._clock = clock or Clock()
        self._instruments: Instruments | None = None
        self._not_available: Mapping[str, str] = {}
        self._windows: list[Window] = []
        self._block: ExitStack | None = None

    def __enter__(self) -> MeteredWindow:
        """Waits for the GPUs and starts the meters.

        Raises:
            UserError: for a second entry at the same time, a GPU that is being measured, and where no sensor is read
        """
        if self._block is not None:
            raise UserError("this meter is running already: end its block first, or make another with jm.meter()")
        instruments = self._opened()
        uuids = self._run.hardware.uuids
        with ExitStack() as block:
            block.enter_context(held(self._run.hardware, self._run.procedure.lock_wait_s or 0.0))
            wait_for_gpus(uuids)
            self._readings = block.enter_context(instruments.running())
            self._block = block.pop_all()
        self._window = MeteredWindow(not_available=self._not_available)
        self._began_s = self._clock.now()
        return self._window

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Waits for the GPUs and reads the meters; a block that raised leaves its window empty."""
        assert self._block is not None
        block, self._block = self._block, None
        if kind is None:
            wait_for_gpus(self._run.hardware.uuids)
        duration_s = self._clock.now() - self._began_s
        block.__exit__(kind, error, trace)
        if kind is None:
            self._fill(self._window, duration_s, tuple(self._readings))

    def _opened(self) -> Instruments:
        if self._instruments is None:
            meters, self._not_available = open_meters(self._run)
            self._instruments = Instruments(meters=meters, clock=self._clock)
            weakref.finalize(self, _close, [meter.close for meter in meters])
        return self._instruments

    def _fill(self, window: MeteredWindow, duration_s: float, readings: tuple[Reading, ...]) -> None:
        measured = Window(
            duration_s=duration_s, readings=readings, passes=1, requests=1, units=1, batch_s=(duration_s,)
        )
        self._windows.append(measured)
        alone = Measurement(windows=(measured,))
        for line in self._run.export.window(alone):
            warnings.warn(line, stacklevel=4)
        window.duration_s = duration_s
        window.readings = readings
        window.joules = energy_metrics.total_j(alone)
        window.joules_by_component = {name: energy_metrics.component_j(alone, name) for name in COMPONENTS}
        window.evidence = energy_metrics.methods(alone)
        totals = energy.total_j_per_request(Measurement(windows=tuple(self._windows)))
        estimate = stats.estimate([joules for joules in totals if joules is not None])
        if estimate is not None and estimate.half_width is not None:
            window.interval = (estimate.mean - estimate.half_width, estimate.mean + estimate.half_width)


def _close(closers: Sequence[Callable[[], None]]) -> None:
    for close in closers:
        close()
