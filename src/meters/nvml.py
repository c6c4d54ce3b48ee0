"""The GPU's own energy counter, read at the moments it ticks.

    start: wait ─ tick, read ┐                      ┌ read, tick ─ wait :stop
                             └──── the work ────────┘

NVML counts mJ since the driver was loaded (nvmlDeviceGetTotalEnergyConsumption, Volta and later) and refreshes the
number every 20 to 100 ms. Read at any other moment it is stale by up to one tick at either end.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import fmean, median
from typing import Any

from src.core import Hardware, Reading, UserError

TICKS = 5  # intervals of which `open` takes the median
PAUSE_S = 0.001  # between two looks at the counter; a look itself takes about 4 ms on an H100
PATIENCE_S = 2.0  # no card is known to tick slower than every 0.1 s


@dataclass
class Nvml:
    """Reads the joules of one NVIDIA card from its counter, tick to tick, method `counter`.

    `tick_s` is the counter's interval in seconds as measured by `open`, None before. `driver` is the pynvml module;
    None imports it in `open`. Nothing runs between `start` and `stop`.
    """

    driver: Any = None
    clock: Callable[[], float] = time.perf_counter
    sleep: Callable[[float], None] = time.sleep
    name: str = field(default="nvml", init=False)
    tick_s: float | None = field(default=None, init=False)
    _nvml: Any = field(default=None, init=False, repr=False)
    _card: Any = field(default=None, init=False, repr=False)
    _began: tuple[float, int] | None = field(default=None, init=False, repr=False)
    _since_us: int = field(default=0, init=False, repr=False)

    def open(self, hardware: Hardware) -> None:
        """Finds the card by its UUID and times the counter's tick.

        Raises UserError without a driver or the card, in MIG mode, or where the card has no counter.
        """
        self._nvml = driver(self.name, hardware) if self.driver is None else self.driver
        self._card = find(self._nvml, self.name, hardware)
        try:
            self._read()
        except self._nvml.NVMLError as error:
            raise UserError(
                f"meter=nvml: {hardware.gpu_name or hardware.uuid} has no energy counter ({error}); "
                "type meter=trace or meter=codecarbon, which sample the power instead"
            ) from None
        try:
            ticks = [self._tick()[0] for _ in range(TICKS + 1)]
        except RuntimeError as error:  # some virtual GPUs have a counter that never moves
            raise UserError(f"{error}; type meter=trace or meter=codecarbon") from None
        self.tick_s = median(after - before for before, after in pairwise(ticks))

    def start(self) -> None:
        """Waits for a tick and reads; the work may begin when it returns."""
        self._since_us = time.time_ns() // 1000  # the driver's own samples carry Unix time
        self._began = self._tick()

    def stop(self) -> Reading:
        """The joules between the tick of `start` and the next one.

        Raises RuntimeError where the counter stands still or went backwards (the driver was reset): never a zero.
        """
        if self._began is None:
            raise RuntimeError("meter nvml: stop without start")
        (start_s, start_mj), self._began = self._began, None
        stop_s, stop_mj = self._tick()
        if stop_mj < start_mj:
            raise RuntimeError(_BACKWARDS.format(start_mj, stop_mj))
        return Reading(
            meter=self.name,
            duration_s=stop_s - start_s,
            gpu_j=(stop_mj - start_mj) / 1000,
            method={"gpu": "counter"},
            gpu_utilization=self._utilization_since(self._since_us),
        )

    def close(self) -> None:
        """Lets go of the card; NVML itself stays loaded, other parts of the process use it."""
        self._card = self._began = None

    def _utilization_since(self, timestamp_us: int) -> float | None:
        """The mean GPU utilisation in [0, 1] that the driver itself sampled since then; None if it tells none.

        `timestamp_us` is Unix time in microseconds. The driver's buffer holds the last seconds only, so over a longer
        stretch this is the utilisation of its end.
        """
        try:
            _, samples = self._nvml.nvmlDeviceGetSamples(
                self._card, self._nvml.NVML_GPU_UTILIZATION_SAMPLES, timestamp_us
            )
        except self._nvml.NVMLError:  # not supported, or no sample since then
            return None
        # with nothing new some drivers hand out blank samples instead of an error: they carry no time
        shares = [sample.sampleValue.uiVal / 100 for sample in samples if sample.timeStamp > timestamp_us]
        return fmean(shares) if shares else None

    def _read(self) -> int:
        return int(self._nvml.nvmlDeviceGetTotalEnergyConsumption(self._card))

    def _tick(self) -> tuple[float, int]:
        """The time and value of the counter just after its next change."""
        before, began = self._read(), self.clock()
        while self.clock() - began < PATIENCE_S:
            self.sleep(PAUSE_S)
            value = self._read()
            now = self.clock()
            if value < before:
                raise RuntimeError(_BACKWARDS.format(before, value))
            if value != before:
                return now, value
        raise RuntimeError(f"meter nvml: the GPU's energy counter stood still at {before} mJ for {PATIENCE_S:g} s")


_BACKWARDS = "meter nvml: the GPU's energy counter went backwards, {} to {} mJ: the driver was reset during the run"


def driver(meter: str, hardware: Hardware) -> Any:
    """The pynvml module; UserError where it is not installed."""
    needs_card(meter, hardware)
    try:
        import pynvml
    except ImportError:
        raise UserError(f"meter={meter} needs the package nvidia-ml-py; type pip install nvidia-ml-py") from None
    return pynvml


def find(nvml: Any, meter: str, hardware: Hardware) -> Any:
    """NVML's handle of the hardware's card, by UUID; UserError without driver or card, or in MIG mode.

    In MIG mode the counter is the whole card's: the joules of one slice cannot be told from its neighbours'.
    """
    needs_card(meter, hardware)
    try:
        nvml.nvmlInit()
        card = nvml.nvmlDeviceGetHandleByUUID(hardware.uuid)
    except nvml.NVMLError as error:
        raise UserError(
            f"meter={meter}: the NVIDIA driver does not show {hardware.uuid} ({error}); "
            "nvidia-smi -L lists the cards; without one type hardware=cpu"
        ) from None
    try:
        mig = nvml.nvmlDeviceGetMigMode(card)[0] == nvml.NVML_DEVICE_MIG_ENABLE
    except nvml.NVMLError:  # a card that cannot be sliced
        mig = False
    if mig:
        index = nvml.nvmlDeviceGetIndex(card)
        raise UserError(
            f"meter={meter}: GPU {index} is in MIG mode and counts the energy of all its slices together; "
            f"type sudo nvidia-smi -i {index} -mig 0, or hardware.index=… for another card"
        )
    return card


def needs_card(meter: str, hardware: Hardware) -> None:
    """UserError where the run's hardware is no NVIDIA card."""
    if hardware.uuid is None:
        raise UserError(f"meter={meter} reads NVIDIA GPUs and hardware={hardware.name} has none; type meter=codecarbon")
