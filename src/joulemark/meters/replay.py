"""Known watts in place of a sensor: for tests, and for machines that have none."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from joulemark.core.errors import UserError
from joulemark.core.machine import Hardware
from joulemark.core.measurement import COMPONENTS, Capability, Reading


@dataclass
class Replay:
    """Gives known watts times elapsed seconds as joules, method `replayed`; a component without watts stays None.

    Watts may be zero, not negative. With a clock of known times the joules are exact. `machine` is the host that has
    these watts, where that is not this one.
    """

    gpu_w: float | None = None
    cpu_w: float | None = None
    ram_w: float | None = None
    machine: str | None = None
    clock: Callable[[], float] = time.perf_counter
    name: str = field(default="replay", init=False)
    capability: ClassVar[Capability] = Capability(dict.fromkeys(COMPONENTS, ("replayed",)), trust=0)
    _began_s: float | None = field(default=None, init=False, repr=False)

    def open(self, hardware: Hardware) -> None:
        """Checks the watts; UserError without any, or below zero."""
        watts = self._watts()
        if not watts:
            raise UserError("meter=replay knows no watts; type meter.cpu_w=50 (or meter.gpu_w, meter.ram_w)")
        for component, value in watts.items():
            if not value >= 0:  # also refuses NaN
                raise UserError(f"meter.{component}_w={value}: watts are zero or more")

    def start(self) -> None:
        """Notes the time."""
        self._began_s = self.clock()

    def stop(self) -> Reading:
        """The joules since `start`."""
        if self._began_s is None:
            raise RuntimeError("meter replay: stop without start")
        duration_s, self._began_s = self.clock() - self._began_s, None
        watts = self._watts()
        joules: dict[str, Any] = {f"{component}_j": value * duration_s for component, value in watts.items()}
        return Reading(self.name, duration_s, **joules, method=dict.fromkeys(watts, "replayed"))

    def close(self) -> None:
        """Nothing to let go of."""
        self._began_s = None

    def _watts(self) -> dict[str, float]:
        return {c: value for c in COMPONENTS if (value := getattr(self, f"{c}_w")) is not None}
