"""What one process keeps between the runs that it measures: opened meters, the loaded model, its idle baseline.

    run 1   open meters ─ load ─ idle ─ warm up ─ windows ─ score
    run 2                               warm up ─ windows ─ score      the same model, other batches
    run 3                               warm up ─ windows ─ score

Only runs that differ in nothing but settings which the loaded model does not depend on may share one: `refusal` says
why another may not. Each has a record of its own, which names the first one's (`origin.shared_process`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from joulemark.analysis.early_stopping import WindowScatter, window_scatter
from joulemark.config.run import GIVEN, Run
from joulemark.core.measurement import Measurement, Meter
from joulemark.core.model import BATCHING, Loaded
from joulemark.core.serving import BATCH


@dataclass
class Resident:
    """The process's own; each run fills in what is not there yet.

    Attributes:
        run: the first run, whose settings the model was loaded with; None before it
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
        """Why the model that is loaded here cannot be measured with this run; None where it can."""
        return None if self.run is None else refusal(self.run, run)

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
    """Why a run cannot be measured on the model that another one loaded; None where it can.

    A compiled model keeps what it compiled for earlier shapes. A model that was loaded for batches of one was not tried
    with padded ones (models/backend/batches.py); the other way round it was.
    """
    if run.names.get("scenario", BATCH) != BATCH:
        return "what serves traffic is started for each run"
    if first.settings.compile or run.settings.compile:
        return f"compile={str(run.settings.compile).lower()} keeps what it compiled for other batches"
    if run.tracking_uri != first.tracking_uri:
        return "tracking_uri differs"
    before, now = _of_load(first), _of_load(run)
    if differing := next((key for key in {**before, **now} if before.get(key) != now.get(key)), None):
        return f"{differing} differs, which the loaded model or its inputs depend on"
    if first.settings.batch_size == 1 and run.settings.batch_size > 1:
        return "the model was loaded for batch_size=1, and not tried with padded batches"
    return None


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
    """All composed values of a run but those that only the batches, and a run's place among others, depend on."""
    return {key: value for key, value in run.config.items() if key not in (*BATCHING, *GIVEN)}
