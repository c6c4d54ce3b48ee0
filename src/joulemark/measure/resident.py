"""What one process keeps between the runs that it measures: opened meters, the loaded model, its idle baseline.

    run 1   open meters ─ load ─ idle ─ warm up ─ windows ─ score
    run 2                               warm up ─ windows ─ score      the same model, other batches
    run 3                 load ──────── warm up ─ windows ─ score      fed otherwise, or in another number format

Only runs that differ in nothing but how the model is fed, and in its number format, may share a process: `refusal` says
why another may not. Each has a record of its own, which names the first one's (`origin.shared_process`).
"""

import gc
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from joulemark.analysis.early_stopping import WindowScatter, window_scatter
from joulemark.config.run import Run
from joulemark.config.run_schema import GIVEN
from joulemark.core.measurement import Measurement, Meter
from joulemark.core.model import BATCHING, Loaded
from joulemark.core.serving import BATCH
from joulemark.hardware.devices import PLAIN

# Settings that enter a load and leave nothing behind: the process loads the model anew for another value
RELOADED = ("precision", "preprocessing", "preprocessing_workers", "pad_to_multiple_of", "compile")
UNCOMPILED = (False, "cudagraphs")  # values of `compile` that leave nothing behind once their model is gone


@dataclass
class Resident:
    """The process's own; each run fills in what is not there yet.

    Attributes:
        run: the first run; None before it
        loaded_for: the run whose settings the model was loaded with; None before it is on its device
        process: id of its record
        meters: opened, most trusted first
        absent: meter -> why it cannot be read here
        device: torch's name of the device
        loaded: the model; None before it is on its device
        idle: the idle baseline's measurement; None before it was measured
        idle_at_s: when its runs' clock read that
        measured: what each run of the process gave
    """

    run: Run | None = None
    loaded_for: Run | None = None
    process: str | None = None
    meters: Sequence[Meter] = ()
    absent: Mapping[str, str] = field(default_factory=dict)
    device: str = ""
    loaded: Loaded | None = None
    idle: Measurement | None = None
    idle_at_s: float = 0.0
    measured: list[Measurement] = field(default_factory=list)

    def begin(self, run: Run, record_id: str) -> None:
        """Notes the first run of the process."""
        if self.run is None:
            self.run, self.process = run, record_id

    def refusal(self, run: Run) -> str | None:
        """Why this process cannot measure a run; None where it can."""
        return None if self.run is None else refusal(self.run, run)

    def keep(self, loaded: Loaded, run: Run) -> None:
        """Notes the model that was loaded for a run."""
        self.loaded, self.loaded_for = loaded, run

    def release(self, run: Run) -> None:
        """Takes the model off the device where it does not serve a run, whose own is then loaded there."""
        if self.loaded_for is None or not stale(self.loaded_for, run):
            return
        from joulemark.models.backend import placement

        self.loaded = self.loaded_for = None
        gc.collect()
        placement.forget_peak(self.device)

    def again(self) -> Loaded:
        """The loaded model, its memory's high-water mark and what it counts begun anew."""
        from joulemark.models.backend import placement

        assert self.loaded is not None
        placement.forget_peak(self.device)
        counted, until_now = self.loaded.later_facts, self.loaded.later_facts()
        return replace(
            self.loaded,
            peak_memory_bytes=placement.watch_memory(self.device),
            later_facts=lambda: since(until_now, counted()),
        )

    def start(self, now_s: float) -> Measurement:
        """What a further run begins with: the baseline of the process, and how old that is."""
        if self.idle is None:
            return Measurement()
        return Measurement(idle=self.idle.idle, idle_age_s=now_s - self.idle_at_s)

    def noted(self, measured: Measurement, now_s: float) -> Measurement:
        """What a run has measured until now, after its baseline was noted; with why one window was enough for it."""
        if self.idle is None and measured.idle:
            self.idle, self.idle_at_s = Measurement(idle=measured.idle), now_s
        if not measured.stopped_early or len(measured.windows) > 1 or self.scatter is None:
            return measured
        return replace(measured, window_half_rel=self.scatter.half_rel)

    @property
    def scatter(self) -> WindowScatter | None:
        """How far windows scatter here, by the runs until now."""
        return window_scatter(self.measured)


def refusal(first: Run, run: Run) -> str | None:
    """Why a run cannot be measured in the process of another one; None where it can.

    The compiler keeps what it compiled for earlier shapes, and torchao what it registered, whatever becomes of a model.
    """
    if run.names.get("scenario", BATCH) != BATCH:
        return "what serves traffic is started for each run"
    if compiled := next((each for each in (first, run) if each.settings.compile not in UNCOMPILED), None):
        return f"compile={str(compiled.settings.compile).lower()} keeps what it compiled for other batches"
    before, now = first.settings.precision, run.settings.precision
    if before != now and not {before, now} <= {*PLAIN}:
        return f"precision={now} differs, and quantized weights are loaded in processes of their own"
    if run.tracking_uri != first.tracking_uri:
        return "tracking_uri differs"
    own, other = _of_load(first), _of_load(run)
    if differing := next((key for key in {**own, **other} if own.get(key) != other.get(key)), None):
        return f"{differing} differs, which the loaded model or its inputs depend on"
    return None


def stale(loaded_for: Run, run: Run) -> bool:
    """Whether a model that was loaded for one run does not serve another one of its process.

    Recorded graphs are those of one setting: at most 64 are kept. A model that was loaded for batches of one was not
    tried with padded ones (models/backend/batches.py); the other way round it was.
    """
    before, now = loaded_for.settings, run.settings
    recorded = "cudagraphs" in (before.compile, now.compile)
    untried = before.batch_size == 1 and now.batch_size > 1
    return recorded or untried or any(getattr(before, name) != getattr(now, name) for name in RELOADED)


def since(before: Any, now: Any) -> Any:
    """Facts of one run: what is counted less what earlier runs of the process had counted."""
    if isinstance(now, Mapping):
        known = before if isinstance(before, Mapping) else {}
        return {key: since(known.get(key), value) for key, value in now.items()}
    counts = isinstance(now, int) and isinstance(before, int) and not isinstance(now, bool)
    return now - before if counts else now


def shared_key(overrides: Sequence[str]) -> tuple[str, ...]:
    """The overrides less those in which runs on one loaded model may differ: equal ones can probably share it."""
    return tuple(each for each in overrides if each.lstrip("+").partition("=")[0] not in (*BATCHING, *GIVEN))


def _of_load(run: Run) -> dict[str, object]:
    """All composed values of a run but those that a process may change, and those of a run's place among others."""
    return {key: value for key, value in run.config.items() if key not in (*BATCHING, *RELOADED, *GIVEN)}
