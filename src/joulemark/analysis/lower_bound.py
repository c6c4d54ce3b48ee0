"""What one device pays for a FLOP and for a byte, measured once by `python -m src.calibrate` and kept by its name.

    mlruns/calibration/GPU-….json     an NVIDIA card, by UUID: two cards of one kind differ by several per cent
                       cpu-….json     a processor, by its name

Joules and seconds are kept; pJ, and what is net of idle, are computed when it is read.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from joulemark.core import paths
from joulemark.core.errors import UserError
from joulemark.core.machine import Hardware
from joulemark.core.measurement import Work
from joulemark.core.paths import program
from joulemark.hardware import host

PJ_PER_J = 1e12


@dataclass(frozen=True)
class Rate:
    """One kind of work, done for some seconds: its amount in FLOPs or bytes, and the gross joules of the device."""

    amount: float
    duration_s: float
    gross_j: float

    @property
    def per_s(self) -> float:
        """FLOPs or bytes a second."""
        return self.amount / self.duration_s

    @property
    def pj(self) -> float:
        """Gross picojoules for each FLOP or byte."""
        return self.gross_j / self.amount * PJ_PER_J

    def net_pj(self, idle_w: float) -> float:
        """Picojoules for each FLOP or byte above what the idle device draws."""
        return (self.gross_j - idle_w * self.duration_s) / self.amount * PJ_PER_J


@dataclass(frozen=True)
class Calibration:
    """One device as it was measured: `key` is the GPU's UUID or the processor's name, `method` one of core.METHODS.

    `component` is `gpu` or `cpu`; `tick_s` the interval of the counter, None where it has none; `products` has a rate
    for each precision; `copy` counts bytes read and bytes written alike.
    """

    key: str
    device: str
    component: str
    meter: str
    method: str
    tick_s: float | None
    idle_w: float
    products: Mapping[str, Rate]
    copy: Rate
    measured_at: str
    side: int
    driver: str | None = None
    torch: str | None = None


@dataclass(frozen=True)
class Floor:
    """The least that one request can cost on a device: the joules of its FLOPs and of its bytes above idle, the seconds
    that each take at the device's best, and the idle power for the longer of the two."""

    flop_j: float
    byte_j: float
    flop_s: float
    byte_s: float
    idle_w: float

    @property
    def total_j(self) -> float:
        return self.flop_j + self.byte_j + self.idle_w * max(self.flop_s, self.byte_s)


def floor(work: Work | None, known: Calibration | None, precision: str) -> Floor | None:
    """The energy floor of one request, gross; None where its work or the device's price in this precision is unknown.

    Joules add where seconds overlap: every FLOP and every byte is paid for, and the idle power for as long as the
    slower of the two takes (Choi, Bedard, Fowler and Vuduc, "A roofline model of energy", IPDPS 2013). So where bytes
    alone decide, the floor is bytes times the gross joules of a byte. Activations and caches are not counted: a floor.
    """
    if work is None or known is None or precision not in known.products:
        return None
    product, copy = known.products[precision], known.copy
    return Floor(
        flop_j=work.flops * product.net_pj(known.idle_w) / PJ_PER_J,
        byte_j=work.bytes_read * copy.net_pj(known.idle_w) / PJ_PER_J,
        flop_s=work.flops / product.per_s,
        byte_s=work.bytes_read / copy.per_s,
        idle_w=known.idle_w,
    )


def key(hardware: Hardware) -> str | None:
    """What a device's calibration is kept by: a GPU's UUID, a processor's name; None where it tells no name.

    None for several cards, too: what one pays for a FLOP is not what a model pays that waits for each in turn; and for
    Apple's GPU, which has no counter.
    """
    if hardware.beside or hardware.device == "mps":
        return None
    if hardware.uuid is not None:
        return hardware.uuid
    name = host.cpu_name()
    return f"cpu-{name}" if name else None


def place(name: str, folder: Path | None = None) -> Path:
    """The file of a key."""
    return (folder or paths.home() / "calibration") / f"{re.sub(r'[^A-Za-z0-9.-]+', '-', name).strip('-')}.json"


def save(calibration: Calibration, folder: Path | None = None) -> Path:
    """Keeps the calibration in place of the device's older one; returns its file."""
    path = place(calibration.key, folder)
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".part")
    fresh.write_text(json.dumps(asdict(calibration), indent=1) + "\n")
    fresh.replace(path)
    return path


def kept(hardware: Hardware, folder: Path | None = None) -> Calibration | None:
    """The device's calibration; None where it has none. UserError where its file is broken."""
    name = key(hardware)
    path = place(name, folder) if name else None
    if path is None or not path.exists():
        return None
    try:
        return read(json.loads(path.read_text()))
    except ValueError as error:
        raise UserError(
            f"{path} is no calibration ({str(error).splitlines()[0]}); type {program('calibrate')}"
        ) from None


def read(values: Mapping[str, Any] | None) -> Calibration | None:
    """A calibration from its JSON values, as a record carries them; None for none, ValueError for anything else."""
    if values is None:
        return None
    from pydantic import TypeAdapter

    return TypeAdapter(Calibration).validate_python(dict(values))
