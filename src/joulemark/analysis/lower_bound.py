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
from joulemark.core.calibration import PJ_PER_J, Calibration
from joulemark.core.errors import UserError
from joulemark.core.machine import Hardware
from joulemark.core.measurement import Work
from joulemark.core.paths import program
from joulemark.hardware import host


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
        flop_j=work.flops * product.dynamic_pj(known.idle_w) / PJ_PER_J,
        byte_j=work.bytes_read * copy.dynamic_pj(known.idle_w) / PJ_PER_J,
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
