"""The GPU's own energy counter, read at the moments it ticks.

    start: wait ─ tick, read ┐                      ┌ read, tick ─ wait :stop
                             └──── the work ────────┘

NVML counts mJ since the driver was loaded (nvmlDeviceGetTotalEnergyConsumption, Volta and later) and refreshes the
number every 20 to 100 ms. Read at any other moment it is stale by up to one tick at either end.

    start: tick of A, tick of B ┐                      ┌ tick of A, tick of B :stop
                                └──── the work ────────┘

Of several cards each has a stretch of its own, from its tick to its tick, all of which hold the work. Their joules add
up, and the reading's duration is the mean of the stretches: what is longer than the work is later taken off at the idle
power of all cards together, which is exact for cards whose idle power is the same. Otherwise it is off by at most the
difference of two stretches (a tick, 0.1 s) times that of two cards' idle power: for 10 W a joule in a window.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import fmean, median
from typing import Any, ClassVar

from joulemark.core.errors import UserError
from joulemark.core.machine import Hardware
from joulemark.core.measurement import Capability, Reading

TICKS = 5  # intervals of which `open` takes the median
PAUSE_S = 0.001  # between two reads of the counter; a read itself takes about 4 ms on an H100
PATIENCE_S = 2.0  # no card is known to tick slower than every 0.1 s


@dataclass
class Nvml:
    """Reads the joules of the run's NVIDIA cards from their counters, tick to tick, method `counter`.

    `tick_s` is the counter's interval in seconds as measured by `open`, the longest of several, None before. `driver`
    is the pynvml module; None imports it in `open`. Nothing runs between `start` and `stop`.
    """

    driver: Any = None
    clock: Callable[[], float] = time.perf_counter
    sleep: Callable[[float], None] = time.sleep
    name: str = field(default="nvml", init=False)
    capability: ClassVar[Capability] = Capability({"gpu": ("counter",)}, trust=100, vendor="nvidia")
    tick_s: float | None = field(default=None, init=False)
    _nvml: Any = field(default=None, init=False, repr=False)
    _cards: dict[str, Any] = field(default_factory=dict, init=False, repr=False)
    _began: dict[str, tuple[float, int]] = field(default_factory=dict, init=False, repr=False)
    _since_us: int = field(default=0, init=False, repr=False)

    def open(self, hardware: Hardware) -> None:
        """Finds each card by its UUID and times its counter's tick.

        Raises UserError without a driver or the card, in MIG mode, or where a card has no counter.
        """
        self._nvml = driver(self.name, hardware) if self.driver is None else self.driver
        self._cards = dict(zip(hardware.uuids, find(self._nvml, self.name, hardware), strict=True))
        self.tick_s = max(self._interval(card, hardware) for card in self._cards.values())

    def start(self) -> None:
        """Waits for a tick and reads; the work may begin when it returns."""
        self._since_us = time.time_ns() // 1000  # the driver's own samples carry Unix time
        self._began = {uuid: self._tick(card) for uuid, card in self._cards.items()}

    def stop(self) -> Reading:
        """The joules of each card between its tick of `start` and its next one, summed.

        Raises RuntimeError where the counter stands still or went backwards (the driver was reset): never a zero.
        """
        if not self._began:
            raise RuntimeError("meter nvml: stop without start")
        began, self._began = self._began, {}
        parts, stretches = {}, []
        for uuid, card in self._cards.items():
            start_s, start_mj = began[uuid]
            stop_s, stop_mj = self._tick(card)
            if stop_mj < start_mj:
                raise RuntimeError(_BACKWARDS.format(start_mj, stop_mj))
            parts[uuid] = (stop_mj - start_mj) / 1000
            stretches.append(stop_s - start_s)
        shares = [self._utilization_since(card, self._since_us) for card in self._cards.values()]
        known = [share for share in shares if share is not None]
        return Reading(
            meter=self.name,
            duration_s=fmean(stretches),
            gpu_j=sum(parts.values()),
            method={"gpu": "counter"},
            gpu_utilization=fmean(known) if len(known) == len(shares) else None,
            gpu_j_by_uuid=parts if len(parts) > 1 else {},
        )

    def close(self) -> None:
        """Releases the GPUs; NVML itself stays loaded for other parts of the process."""
        self._cards, self._began = {}, {}

    def _interval(self, card: Any, hardware: Hardware) -> float:
        """The seconds between two ticks of the card's counter; UserError where it has none that moves."""
        try:
            self._read(card)
        except self._nvml.NVMLError as error:
            raise UserError(
                f"meter=nvml: {hardware.gpu_name or hardware.uuid} has no energy counter ({error}); "
                "type meter=trace or meter=codecarbon, which sample the power instead"
            ) from None
        try:
            ticks = [self._tick(card)[0] for _ in range(TICKS + 1)]
        except RuntimeError as error:  # some virtual GPUs have a counter that never moves
            raise UserError(f"{error}; type meter=trace or meter=codecarbon") from None
        return median(after - before for before, after in pairwise(ticks))

    def _utilization_since(self, card: Any, timestamp_us: int) -> float | None:
        """The mean GPU utilisation in [0, 1] that the driver itself sampled since then; None where it reports none.

        `timestamp_us` is Unix time in microseconds. The driver's buffer holds the last seconds only, so over a longer
        stretch this is the utilisation of its end.
        """
        try:
            _, samples = self._nvml.nvmlDeviceGetSamples(card, self._nvml.NVML_GPU_UTILIZATION_SAMPLES, timestamp_us)
        except self._nvml.NVMLError:  # not supported, or no sample since then
            return None
        # with nothing new some drivers hand out blank samples instead of an error: they carry no time
        shares = [sample.sampleValue.uiVal / 100 for sample in samples if sample.timeStamp > timestamp_us]
        return fmean(shares) if shares else None

    def _read(self, card: Any) -> int:
        return int(self._nvml.nvmlDeviceGetTotalEnergyConsumption(card))

    def _tick(self, card: Any) -> tuple[float, int]:
        """The time and value of the card's counter just after its next change."""
        before, began = self._read(card), self.clock()
        while self.clock() - began < PATIENCE_S:
            self.sleep(PAUSE_S)
            value = self._read(card)
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


def find(nvml: Any, meter: str, hardware: Hardware) -> list[Any]:
    """NVML's handle of each of the hardware's cards, by UUID; UserError without driver or card, or in MIG mode."""
    needs_card(meter, hardware)
    return [_whole(nvml, meter, uuid) for uuid in hardware.uuids]


def _whole(nvml: Any, meter: str, uuid: str) -> Any:
    """The handle of one card that is not sliced.

    In MIG mode the counter is the whole card's: the joules of one slice cannot be known from its neighbours'.
    """
    try:
        nvml.nvmlInit()
        card = nvml.nvmlDeviceGetHandleByUUID(uuid)
    except nvml.NVMLError as error:
        raise UserError(
            f"meter={meter}: the NVIDIA driver does not show {uuid} ({error}); "
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
    if hardware.device != "cuda":
        raise UserError(f"meter={meter} reads NVIDIA GPUs and hardware={hardware.name} has none; type meter=codecarbon")
