"""AMD's GPUs, by the energy accumulator that amdsmi reads.

Built from amdsmi's documentation ("Power Queries", amdsmi_get_energy_count: accumulator x resolution in µJ) and
readings in that form; not tried on a card. The accumulator's unit was wrong in some releases (Zeus leaves it out where
it disagrees with the power), so `open` compares the two before anything is believed. `hardware=rocm` finds the card
(hardware/gpus.py).
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from joulemark.core.errors import UserError
from joulemark.core.machine import Hardware
from joulemark.core.measurement import Capability, Reading

J_PER_UJ = 1e-6
REHEARSAL_S = 0.5  # over which the accumulator is compared with the power
MAX_RATIO = 5.0  # largest accepted ratio: idle power varies, a wrong unit is 15 or 1,000 times off
POWERS = ("socket_power", "current_socket_power", "average_socket_power")  # one of them a number, by card and release


@dataclass
class Amd:
    """Reads the joules of one AMD GPU, by its UUID, from its accumulator; method `counter`.

    `driver` is the amdsmi module; None imports it in `open`. Nothing runs between `start` and `stop`.
    """

    driver: Any = None
    clock: Callable[[], float] = time.perf_counter
    sleep: Callable[[float], None] = time.sleep
    name: str = field(default="amd", init=False)
    capability: ClassVar[Capability] = Capability({"gpu": ("counter",)}, trust=95, vendor="amd")
    _smi: Any = field(default=None, init=False, repr=False)
    _card: Any = field(default=None, init=False, repr=False)
    _began: tuple[float, float] | None = field(default=None, init=False, repr=False)

    def open(self, hardware: Hardware) -> None:
        """Finds the GPU and checks its accumulator against its power; UserError where they disagree."""
        if hardware.device != "rocm" or hardware.uuid is None:
            raise UserError(f"meter=amd reads AMD GPUs and hardware={hardware.name} has none; type meter=codecarbon")
        self._smi = _amdsmi() if self.driver is None else self.driver
        self._card = self._handle(hardware.uuid)
        try:
            began_s, before_j = self.clock(), self._read_j()
            self.sleep(REHEARSAL_S)
            watts = (self._read_j() - before_j) / (self.clock() - began_s)
            power_w = self._power_w()
        except self._smi.AmdSmiException as error:
            raise UserError(
                f"meter=amd: {hardware.uuid} has no energy counter ({error}); type meter=codecarbon"
            ) from None
        if power_w is None or not power_w / MAX_RATIO < watts < power_w * MAX_RATIO:
            reference = "no power to compare it with" if power_w is None else f"{power_w:g} W by its power"
            raise UserError(
                f"meter=amd: the energy counter gives {watts:.3g} W and the card {reference}: this amdsmi or GPU is "
                "unreliable; type meter=codecarbon"
            )

    def start(self) -> None:
        """Reads the accumulator; the work may begin when it returns."""
        value = self._read_j()
        self._began = self.clock(), value

    def stop(self) -> Reading:
        """The joules since `start`; RuntimeError where the accumulator stood still or went backwards: never a zero."""
        if self._began is None:
            raise RuntimeError("meter amd: stop without start")
        (began_s, before_j), self._began = self._began, None
        duration_s = self.clock() - began_s
        joules = self._read_j() - before_j
        if not joules > 0:
            what = "stood still" if joules == 0 else "went backwards: the driver was reset during the run"
            raise RuntimeError(f"meter amd: the GPU's energy counter {what} ({joules:.6g} J in {duration_s:.3g} s)")
        return Reading(self.name, duration_s, gpu_j=joules, method={"gpu": "counter"})

    def close(self) -> None:
        """Releases the GPU; amdsmi stays loaded for other parts of the process."""
        self._card = self._began = None

    def _handle(self, uuid: str) -> Any:
        try:
            self._smi.amdsmi_init()
            cards = {self._smi.amdsmi_get_gpu_device_uuid(h): h for h in self._smi.amdsmi_get_processor_handles()}
        except self._smi.AmdSmiException as error:
            raise UserError(
                f"meter=amd: amdsmi cannot reach the driver ({error}); amd-smi list shows the cards"
            ) from None
        if uuid not in cards:
            raise UserError(f"meter=amd: amdsmi does not show {uuid}; it shows {', '.join(cards) or 'no card'}")
        return cards[uuid]

    def _read_j(self) -> float:
        count = self._smi.amdsmi_get_energy_count(self._card)
        ticks = count["energy_accumulator"] if "energy_accumulator" in count else count["power"]  # before ROCm 6.2.1
        return float(ticks * count["counter_resolution"]) * J_PER_UJ

    def _power_w(self) -> float | None:
        """The GPU's power in W; None where it reports none ("N/A")."""
        info = self._smi.amdsmi_get_power_info(self._card)
        return next((float(info[name]) for name in POWERS if isinstance(info.get(name), int | float)), None)


def _amdsmi() -> Any:
    try:
        import amdsmi
    except (ImportError, OSError):  # the package looks for the driver's library as it is imported
        raise UserError(
            "meter=amd needs the package amdsmi of the ROCm that is installed; type pip install /opt/rocm/share/amd_smi"
        ) from None
    return amdsmi
