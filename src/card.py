"""The card between windows, as its driver tells it: who else computes on it, how warm it is, what holds it back."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from src.core import Hardware, Look

# NVML's clock event reasons (nvml.h, nvmlClocksEventReasons): these slow a run down, so its joules are of another card
THROTTLED = {0x08: "hardware slowdown", 0x20: "thermal, by software", 0x40: "thermal, by hardware", 0x80: "power brake"}
POWER_CAP = 0x04  # the power limit holds the clock: normal at full load, and recorded


@dataclass
class Card:
    """One card under observation. `look` costs a few milliseconds and is never called inside a window.

    Which of the card's processes is this run's own: by its process id or, in a container, which hides those, the one
    that came up while the model loaded (`loaded` is to be called then).
    """

    hardware: Hardware
    clock: Callable[[], float]
    driver: Any = None
    _handle: Any = field(default=None, init=False)
    _before: frozenset[int] = field(default=frozenset(), init=False)
    _own: frozenset[int] = field(default=frozenset(), init=False)

    def open(self) -> None:
        """Finds the card and notes who is on it before this run is."""
        if self.hardware.uuid is None:
            return
        if self.driver is None:
            import pynvml

            self.driver = pynvml
        self.driver.nvmlInit()
        self._handle = self.driver.nvmlDeviceGetHandleByUUID(self.hardware.uuid)
        self._before = self._processes() or frozenset()

    def loaded(self) -> None:
        """Notes this run's own process: to be called once its model is on the card."""
        here = self._processes() or frozenset()
        fresh = here - self._before
        own = {os.getpid()} & here
        self._own = frozenset(own or (fresh if len(fresh) == 1 else ()))

    def look(self) -> Look | None:
        """The card now; None without one."""
        if self._handle is None:
            return None
        nvml = self.driver
        clock_mhz = self._ask("nvmlDeviceGetClockInfo", nvml.NVML_CLOCK_SM)
        power_mw = self._ask("nvmlDeviceGetPowerUsage")
        rates = self._ask("nvmlDeviceGetUtilizationRates")
        processes = self._processes()
        return Look(
            at_s=self.clock(),
            temperature_c=self._ask("nvmlDeviceGetTemperature", nvml.NVML_TEMPERATURE_GPU),
            sm_clock_hz=None if clock_mhz is None else clock_mhz * 1e6,
            power_w=None if power_mw is None else power_mw / 1000,
            utilization=None if rates is None else rates.gpu / 100,
            reasons=self._ask("nvmlDeviceGetCurrentClocksEventReasons"),
            others=None if processes is None else tuple(sorted(processes - self._own - {os.getpid()})),
        )

    def _processes(self) -> frozenset[int] | None:
        found = self._ask("nvmlDeviceGetComputeRunningProcesses")
        return None if found is None else frozenset(int(process.pid) for process in found)

    def _ask(self, name: str, *words: Any) -> Any:
        ask = getattr(self.driver, name, None)
        if ask is None:
            return None
        try:
            return ask(self._handle, *words)
        except self.driver.NVMLError:  # this card or driver does not tell
            return None
