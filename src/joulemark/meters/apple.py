"""Apple's processors, through the energy channels of IOReport as the package zeus-apple-silicon reads them: no root.

Built from that package's documentation (AppleEnergyMonitor, AppleEnergyMetrics) and readings in its form; not tried on
a Mac. Apple says that these figures are estimates and no ground to compare devices on (man powermetrics), so their
method is `estimated`, like CodeCarbon's own model of these processors, which only knows the load.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from joulemark.core.errors import UserError
from joulemark.core.machine import Hardware
from joulemark.core.measurement import Capability, Reading

J_PER_MJ = 1e-3
LABEL = "joulemark"
REHEARSAL_S = 0.5  # of the throw-away window: the channels move in steps


@dataclass
class Apple:
    """Reads the joules of an Apple processor's cores (cpu_j) and of its memory (ram_j), method `estimated`.

    `gpu_j` is None where the hardware is the CPU: then the GPU draws the screen, not the model. The neural engine has
    no component of its own and torch does not use it. `driver` is the zeus_apple_silicon module; None imports it in
    `open`.
    """

    driver: Any = None
    clock: Callable[[], float] = time.perf_counter
    sleep: Callable[[float], None] = time.sleep
    name: str = field(default="apple", init=False)
    capability: ClassVar[Capability] = Capability(
        dict.fromkeys(("gpu", "cpu", "ram"), ("estimated",)), trust=50, vendor="apple"
    )
    _monitor: Any = field(default=None, init=False, repr=False)
    _gpu: bool = field(default=False, init=False, repr=False)
    _began_s: float | None = field(default=None, init=False, repr=False)

    def open(self, hardware: Hardware) -> None:
        """Opens the channels and discards a first window; UserError where they are absent or do not move."""
        self._monitor = (_zeus() if self.driver is None else self.driver).AppleEnergyMonitor()
        self._gpu = hardware.device != "cpu"
        self._monitor.begin_window(LABEL)
        self.sleep(REHEARSAL_S)
        if not self._monitor.end_window(LABEL).cpu_total_mj:
            raise UserError("meter=apple: this Mac's energy channels do not report its CPU; type meter=codecarbon")

    def start(self) -> None:
        """Begins a window; the work may begin when it returns."""
        self._monitor.begin_window(LABEL)
        self._began_s = self.clock()

    def stop(self) -> Reading:
        """The joules since `start`, None for what the processor does not report; RuntimeError for a CPU without any."""
        if self._began_s is None:
            raise RuntimeError("meter apple: stop without start")
        duration_s, self._began_s = self.clock() - self._began_s, None
        energy = self._monitor.end_window(LABEL)
        if not energy.cpu_total_mj:
            raise RuntimeError(f"meter apple: no energy for the CPU in {duration_s:.3g} s: the window is too short")
        millijoules = {"gpu": energy.gpu_mj if self._gpu else None, "cpu": energy.cpu_total_mj, "ram": energy.dram_mj}
        joules = {component: value * J_PER_MJ for component, value in millijoules.items() if value is not None}
        return Reading(
            self.name,
            duration_s,
            method=dict.fromkeys(joules, "estimated"),
            **{f"{component}_j": value for component, value in joules.items()},
        )

    def close(self) -> None:
        """Releases the channels."""
        self._monitor, self._began_s = None, None


def _zeus() -> Any:
    try:
        import zeus_apple_silicon
    except ImportError:
        raise UserError(
            "meter=apple reads Apple's own processors, with the package zeus-apple-silicon; on such a Mac type "
            "pip install zeus-apple-silicon, elsewhere meter=codecarbon"
        ) from None
    return zeus_apple_silicon
