"""What the runs of one process share: the card's lock, the inputs, the recorder, and with several runs the model.

A run of its own is the only one of its process. Those of a sweep's screening that need one and the same model follow
each other in one (cli/shared_process.py): the second one finds all of this there.
"""

from contextlib import ExitStack
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING

from joulemark.config.run import Run
from joulemark.core.task import Inputs

if TYPE_CHECKING:
    from joulemark.hardware.gpu_state import GpuMonitor
    from joulemark.store.recorder import Recorder
    from joulemark.store.spool import Spool


class Measuring:
    """Enter it around the runs of the process.

    Attributes:
        resident: the loaded model and the opened meters; None for one run, which keeps nothing
        recorder: what tells the store; None before the first run
    """

    def __init__(self, several: bool = False) -> None:
        from joulemark.measure.resident import Resident

        self.resident: Resident | None = Resident() if several else None
        self.recorder: Recorder | None = None
        self._gpu: GpuMonitor | None = None
        self._prepared: tuple[Run, Inputs] | None = None
        self._stack = ExitStack()

    def __enter__(self) -> "Measuring":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        from joulemark.measure.loading import close_meters

        self._stack.__exit__(kind, error, trace)
        if self.resident is not None:
            close_meters(self.resident.meters)

    @property
    def process(self) -> str | None:
        """The id of the first record where there are several runs, empty before it; None where there is one."""
        return None if self.resident is None else self.resident.process or ""

    def prepared(self, run: Run) -> tuple[Run, Inputs]:
        """The inputs read and the weights' files on this machine, once: all that may need a network."""
        if self._prepared is None:
            self._prepared = _prepared(run)
        first, inputs = self._prepared
        return replace(run, model=first.model), inputs

    def recording(self, run: Run, spool: "Spool") -> "Recorder":
        """The recorder with this run's spool; the GPU's lock is held from the first one on.

        Raises:
            UserError: another process measures on the GPU
        """
        from joulemark.hardware.gpu_lock import held
        from joulemark.store.recorder import Recorder

        if self.recorder is None:
            self._stack.enter_context(held(run.hardware, run.procedure.lock_wait_s or 0.0))
            self.recorder = Recorder(spool, run.tracking_uri, run.task.name, run.procedure.stall_s)
            self._stack.enter_context(self.recorder)
        else:
            self.recorder.begin(spool)
        return self.recorder

    def gpu(self, run: Run) -> "GpuMonitor":
        """The state of the run's cards."""
        from joulemark.hardware.gpu_state import GpuMonitor
        from joulemark.measure.instruments import Clock

        if self._gpu is None:
            self._gpu = GpuMonitor(run.hardware, Clock().now)
        return self._gpu


def _prepared(run: Run) -> tuple[Run, Inputs]:
    """The inputs read and the weights' files on this machine: all that may need a network, before anything begins."""
    from joulemark.models.backend.checkpoint import fetch

    # A file with a broken row is refused before gigabytes are downloaded; without a network the model's id is named
    inputs = run.task.samples(run.samples, run.seed) if run.dataset.id is None else None
    if run.engine.needs.weights:
        run = replace(run, model=replace(run.model, checkpoint=fetch(run.model.checkpoint)))  # type: ignore[type-var]
    return run, run.task.samples(run.samples, run.seed) if inputs is None else inputs
