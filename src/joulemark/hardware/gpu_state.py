"""The cards between windows, as their driver reports them: who computes there, how warm they are, what holds them."""

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import or_
from typing import Any

from joulemark.core.machine import Hardware
from joulemark.core.measurement import GpuState

# NVML's clock event reasons (nvml.h, nvmlClocksEventReasons): these slow a run down, so its joules are of another card
THROTTLED = {0x08: "hardware slowdown", 0x20: "thermal, by software", 0x40: "thermal, by hardware", 0x80: "power brake"}
POWER_CAP = 0x04  # the power limit holds the clock: normal at full load, and recorded


@dataclass
class GpuMonitor:
    """The GPUs of a run between its windows. `read` costs a few milliseconds each and is never called inside a window.

    Which of their processes is this run's own: by its process id or, in a container, which hides those, the one that
    came up while the model loaded (`model_loaded` is to be called then). Only NVIDIA's GPUs are read.
    """

    hardware: Hardware
    clock: Callable[[], float]
    driver: Any = None
    _handles: tuple[Any, ...] = field(default=(), init=False)
    _before: frozenset[int] = field(default=frozenset(), init=False)
    _own: frozenset[int] = field(default=frozenset(), init=False)

    def open(self) -> None:
        """Finds the cards and notes who is on them before this run is."""
        if self.hardware.device != "cuda":
            return
        if self.driver is None:
            import pynvml

            self.driver = pynvml
        self.driver.nvmlInit()
        self._handles = tuple(self.driver.nvmlDeviceGetHandleByUUID(uuid) for uuid in self.hardware.uuids)
        self._before = self._processes() or frozenset()

    def model_loaded(self, processes: Sequence[int] = ()) -> None:
        """Notes this run's own processes, a server's among them: to be called once its model is on the cards.

        A server that was there before, and whose ids a container hides, is the one process that was on the cards.
        """
        here = self._processes() or frozenset()
        fresh = here - self._before
        own = {os.getpid(), *processes} & here
        if processes and not own and not fresh and len(here) == 1:
            own = set(here)
        self._own = frozenset(own or (fresh if len(fresh) == 1 else ()))

    def read(self) -> GpuState | None:
        """The state of the GPUs now; None without one."""
        if not self._handles:
            return None
        nvml = self.driver
        clocks_mhz = self._reported("nvmlDeviceGetClockInfo", nvml.NVML_CLOCK_SM)
        rates = self._reported("nvmlDeviceGetUtilizationRates")
        reasons = self._reported("nvmlDeviceGetCurrentClocksEventReasons")
        processes = self._processes()
        return GpuState(
            at_s=self.clock(),
            temperature_c=max(self._reported("nvmlDeviceGetTemperature", nvml.NVML_TEMPERATURE_GPU), default=None),
            sm_clock_hz=min(clocks_mhz) * 1e6 if clocks_mhz else None,
            power_w=self.power_w(),
            utilization=max(rate.gpu for rate in rates) / 100 if rates else None,
            reasons=reduce(or_, reasons) if reasons else None,
            memory_bytes=self._together(memory.used for memory in self._reported("nvmlDeviceGetMemoryInfo")),
            others=None if processes is None else tuple(sorted(processes - self._own - {os.getpid()})),
        )

    def power_w(self) -> float | None:
        """Watts of the GPUs together now; None without one, or where a card does not report it."""
        together_mw = self._together(self._reported("nvmlDeviceGetPowerUsage"))
        return None if together_mw is None else together_mw / 1000

    def _together(self, values: Iterable[float]) -> float | None:
        """The sum over all cards; None where one does not report: the sum of some would look like that of all."""
        known = list(values)
        return sum(known) if known and len(known) == len(self._handles) else None

    def _processes(self) -> frozenset[int] | None:
        """The processes that compute on any of the cards; None where no card reports them."""
        processes = self._reported("nvmlDeviceGetComputeRunningProcesses")
        return frozenset(int(process.pid) for card in processes for process in card) if processes else None

    def _reported(self, name: str, *arguments: Any) -> list[Any]:
        """The value of each card that reports one."""
        values = (self._query(handle, name, *arguments) for handle in self._handles)
        return [value for value in values if value is not None]

    def _query(self, handle: Any, name: str, *arguments: Any) -> Any:
        query = getattr(self.driver, name, None)
        if query is None:
            return None
        try:
            return query(handle, *arguments)
        except self.driver.NVMLError:  # this card or driver does not report it
            return None
