"""CodeCarbon as a meter: the GPU's counter, RAPL where CodeCarbon may read it, else a model of the CPU, and RAM watts.

What is known of CodeCarbon 3.3.2 (its source, read whole; docs/decisions/meters.md names the version to re-read with):

- One tracker, opened long before the first window, tasks only: mixing `start` with `start_task` drops energy, and the
  first task of a process takes about 2 s.
- `start_task` starts a thread that polls once a second, without an option against it; it is replaced by one that does
  nothing (`_NoScheduler`), and `open` checks that a task starts no other thread. Energy does not need it: counters are
  read at the two ends, and the CPU's load is the mean between them.
- CPU without RAPL: TDP x (0.1 + 0.9 load^3), load the busy share of all cores from start to stop, in steps of
  10 ms x cores: below 0.1 s it says little. The TDP of an unknown processor is 4 W a thread; on Apple's it is 85 W.
- RAM: constant watts, guessed from the amount of memory unless `hardware.ram_w` is given.
- Emissions are not taken from here: Joulemark computes them from the site. The zone only fills a required argument,
  and a carbon intensity of zero keeps CodeCarbon from looking one up.
- macOS: no password is ever asked for. With psutil present CodeCarbon models Apple's processors and never calls
  powermetrics (resource_tracker.py, `_try_platform_cpu_backend`).
"""

import logging
import os
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from joulemark.core.errors import UserError
from joulemark.core.machine import Hardware
from joulemark.core.measurement import Capability, Reading
from joulemark.core.units import J_PER_KWH
from joulemark.hardware import host
from joulemark.meters import nvml, rapl

REHEARSAL_S = 0.3  # of the throw-away task on a GPU: a few ticks of its counter
CONFIG_FILE = ".codecarbon.config"


class _NoScheduler:
    """A scheduler that never runs, in place of the one that polls once a second."""

    def start(self) -> None:
        """Does nothing."""

    def stop(self) -> None:
        """Does nothing."""


@dataclass
class CodeCarbon:
    """Reads GPU, CPU and RAM through one CodeCarbon tracker, task by task.

    Methods: gpu `counter`, or `sampled` where the card has none and CodeCarbon takes one power reading at the end for
    the whole stretch; cpu `rapl` or `estimated`; ram `constant`. `gpu_j` is None unless the hardware is NVIDIA's,
    then it is that card alone, or the sum of the run's several. `zone` fills a required argument and has no influence
    on any number.
    """

    zone: str = "FRA"
    name: str = field(default="codecarbon", init=False)
    capability: ClassVar[Capability] = Capability(
        {"gpu": ("counter", "sampled"), "cpu": ("rapl", "sampled", "estimated"), "ram": ("sampled", "constant")},
        trust=40,
    )
    _tracker: Any = field(default=None, init=False, repr=False)
    _cards: tuple[Any, ...] = field(default=(), init=False, repr=False)
    _running: bool = field(default=False, init=False, repr=False)

    def open(self, hardware: Hardware) -> None:
        """Starts the tracker, points it at the run's cards, and does a task to throw away: about 2 s.

        Raises UserError for a stray CodeCarbon configuration, a card it cannot find, or MIG mode.
        """
        _refuse_stray_configuration()
        indices: list[int] = []
        if hardware.device == "cuda":
            driver = nvml.driver(self.name, hardware)
            indices = [int(driver.nvmlDeviceGetIndex(card)) for card in nvml.find(driver, self.name, hardware)]
        self._tracker = _tracker(self.zone, indices, hardware)
        self._cards = _only_cards(self._tracker, hardware)
        self._rehearse()

    def start(self) -> None:
        """Begins a task; the work may begin when it returns."""
        if self._running:
            raise RuntimeError("meter codecarbon: start while a task is running")
        self._tracker.start_task()
        self._running = True

    def stop(self) -> Reading:
        """The joules of the task. Raises RuntimeError where CodeCarbon returns nothing, or nothing for the GPU."""
        if not self._running:
            raise RuntimeError("meter codecarbon: stop without start")
        self._running = False
        task = self._tracker.stop_task()
        if task is None or not task.duration > 0:
            raise RuntimeError("meter codecarbon: CodeCarbon returned no result for the window")
        method = _methods(self._tracker, self._cards, task.duration)
        # It rounds its own factor: joules of counters come back 8e-7 too high
        joules: dict[str, Any] = {c: float(getattr(task, f"{c}_energy")) * J_PER_KWH for c in method}
        if "gpu" in method and not joules["gpu"] > 0:
            raise RuntimeError(
                f"meter codecarbon: 0 J for the GPU in {task.duration:.3g} s; the window is shorter than the "
                "counter's tick (protocol.window_s=10) or the card cannot be read"
            )
        return Reading(self.name, float(task.duration), method=method, **{f"{c}_j": j for c, j in joules.items()})

    def close(self) -> None:
        """Releases the tracker. It holds no thread, lock or file, and its own stop would only measure again."""
        self._tracker, self._cards = None, ()
        self._running = False

    def _rehearse(self) -> None:
        """A discarded task: takes the cost of the first start, and shows that no thread runs inside a task."""
        before = set(threading.enumerate())
        self.start()
        started = [thread.name for thread in set(threading.enumerate()) - before]
        time.sleep(REHEARSAL_S if self._cards else 0.01)
        self.stop()
        if started:
            raise RuntimeError(f"meter codecarbon: this CodeCarbon starts threads inside a task: {started}")


def _refuse_stray_configuration() -> None:
    """UserError for a configuration file or variable that CodeCarbon would apply by itself."""
    for path in dict.fromkeys((Path.cwd() / CONFIG_FILE, Path.home() / CONFIG_FILE)):
        if path.exists():
            raise UserError(f"meter=codecarbon: {path} would change what is measured; move it away, or type meter=nvml")
    stray = sorted(key for key in os.environ if key.lower().startswith("codecarbon_"))
    if stray:
        raise UserError(f"meter=codecarbon: {stray[0]} would change what is measured; type unset {' '.join(stray)}")


def _tracker(zone: str, indices: list[int], hardware: Hardware) -> Any:
    """A tracker that has probed the machine: task mode, no files, network or thread, no log below an error."""
    from codecarbon import OfflineEmissionsTracker
    from codecarbon.core.cpu import is_rapl_available

    logging.getLogger("codecarbon").setLevel(logging.ERROR)  # its constructor logs before it reads log_level
    tracker = OfflineEmissionsTracker(
        country_iso_code=zone,
        force_carbon_intensity_g_co2e_kwh=0.0,
        tracking_mode="machine",
        # integer NVML indices: a UUID is matched against nothing (`lstrip("MIG-")`) and reads 0 J
        gpu_ids=indices,
        # a forced power turns RAPL off: a model does not stand in for a sensor that is there
        force_cpu_power=None if is_rapl_available() else hardware.cpu_tdp_w,
        force_ram_power=hardware.ram_w,
        pue=1.0,
        wue=0.0,
        output_methods=[],
        log_level="error",
        allow_multiple_runs=True,  # its lock is one per machine; Joulemark's own is one per card
    )
    if getattr(tracker, "run_id", None) is None:  # set last; the constructor swallows whatever went wrong before
        raise RuntimeError("meter codecarbon: CodeCarbon's tracker could not be made (does the working folder exist?)")
    tracker._scheduler_monitor_power = _NoScheduler()
    with _processor_named(host.cpu_name()):
        tracker.get_detected_hardware()  # the slow probing
    return tracker


@contextmanager
def _processor_named(name: str | None) -> Iterator[None]:
    """Within it py-cpuinfo gives the processor's name as the kernel does, where it does.

    To find the same name it would start a process that counts the processor's cycles: over half a second of one core.
    """
    import cpuinfo  # type: ignore[import-untyped, unused-ignore]

    found = cpuinfo.get_cpu_info
    if name:
        cpuinfo.get_cpu_info = lambda: {"brand_raw": name}
    try:
        yield
    finally:
        cpuinfo.get_cpu_info = found


def _only_cards(tracker: Any, hardware: Hardware) -> tuple[Any, ...]:
    """CodeCarbon's devices of the chosen cards, after seeing that it counts those and no other; none without a GPU."""
    from codecarbon.external.hardware import GPU

    if hardware.device != "cuda":
        # gpu_ids=[] means none to the first tracker of a process and all to the second (hardware_cache.py)
        tracker._hardware = [part for part in tracker._hardware if not isinstance(part, GPU)]
        return ()
    part = next((part for part in tracker._hardware if isinstance(part, GPU)), None)
    if part is None:
        raise UserError("meter=codecarbon finds GPUs by the program nvidia-smi, which is not in PATH; type meter=nvml")
    chosen = [device for device in part.devices.devices if device.gpu_index in part._get_gpu_ids()]
    if sorted(device._uuid for device in chosen) != sorted(hardware.uuids):
        which = f"{', '.join(hardware.uuids)} as the {'cards' if hardware.beside else 'one card'} to count"
        raise UserError(f"meter=codecarbon does not see {which}; type meter=nvml")
    return tuple(chosen)


def _methods(tracker: Any, cards: Sequence[Any], duration_s: float) -> Mapping[str, str]:
    """By what evidence CodeCarbon read each component in the task just ended."""
    methods = {"ram": "constant", "cpu": "sampled"}  # boards with power meters of their own: one reading at the end
    if cards:
        methods["gpu"] = "sampled" if any(card._use_power_fallback for card in cards) else "counter"
    for part in tracker._hardware:
        kind, mode = type(part).__name__, getattr(part, "_mode", None)
        if kind == "CPU" and mode in ("cpu_load", "constant"):
            methods["cpu"] = "estimated"
        if kind == "CPU" and mode in ("intel_rapl", "windows_emi"):
            methods["cpu"] = "rapl"
            files = getattr(part._intel_interface, "_rapl_files", [])
            if any(file.sample_skipped for file in files):
                raise RuntimeError("meter codecarbon: a RAPL counter could not be read; CodeCarbon counts it as 0 J")
            wraps_at_j = min((float(file.max_energy_reading) * J_PER_KWH for file in files), default=float("inf"))
            if duration_s > wraps_at_j / rapl.CEILING_W:  # may have wrapped more than once: not known
                del methods["cpu"]
        if kind == "Raspberry" and part.chip_part == "RAM":
            methods["ram"] = "sampled"
    return methods
