"""What one device pays for a FLOP and for a byte, as `calibrate` measured it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from joulemark.core.quantities import Amount, Positive

PJ_PER_J = 1e12


@dataclass(frozen=True)
class Rate:
    """One kind of work, done for some seconds.

    Attributes:
        amount: FLOPs or bytes
        duration_s: seconds that it took
        gross_j: joules of the device meanwhile, idle power included
    """

    amount: Positive
    duration_s: Positive
    gross_j: Amount

    @property
    def per_s(self) -> float:
        """FLOPs or bytes a second."""
        return self.amount / self.duration_s

    @property
    def pj(self) -> float:
        """Gross picojoules of each FLOP or byte."""
        return self.gross_j / self.amount * PJ_PER_J

    def dynamic_pj(self, idle_w: float) -> float:
        """Picojoules of each FLOP or byte above what the idle device draws."""
        return (self.gross_j - idle_w * self.duration_s) / self.amount * PJ_PER_J


@dataclass(frozen=True)
class Calibration:
    """One device as it was measured; joules and seconds are kept, picojoules are computed on reading.

    Attributes:
        key: the GPU's UUID or the processor's name
        device: name of the device
        component: `gpu` or `cpu`
        meter: name of the meter that read it
        method: evidence of the readings, one of `core.measurement.METHODS`
        tick_s: interval of the counter; None where it has none
        idle_w: watts of the idle device
        products: rate of matrix products by precision, in FLOPs
        copy: rate of copying, bytes read and bytes written counted alike
        measured_at: date
        side: rows of the square matrices
        driver: version of the driver
        torch: version of torch
    """

    key: str
    device: str
    component: Literal["gpu", "cpu"]
    meter: str
    method: str
    tick_s: Amount | None
    idle_w: Amount
    products: Mapping[str, Rate]
    copy: Rate
    measured_at: str
    side: int
    driver: str | None = None
    torch: str | None = None

    @property
    def rates(self) -> Mapping[str, Rate]:
        """The products by precision, then the copy as `copy`."""
        return {**self.products, "copy": self.copy}
