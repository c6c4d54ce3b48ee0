"""The lower bound of a request's energy (roofline), from a calibration of the device.

A calibration is measured once by `joulemark calibrate` and kept by the device's name:

    mlruns/calibration/GPU-….json     an NVIDIA card, by UUID: two cards of one kind differ by several per cent
                       cpu-….json     a processor, by its name

Joules and seconds are kept; picojoules, gross and dynamic, are computed when it is read.
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
from joulemark.core.machine import REMOTE, Hardware
from joulemark.core.measurement import Work
from joulemark.core.paths import program
from joulemark.core.private_files import private_files
from joulemark.hardware import host


@dataclass(frozen=True)
class LowerBound:
    """The least energy that one request can take on a device.

    Attributes:
        flop_j: joules of its FLOPs above idle
        byte_j: joules of its bytes above idle
        flop_s: seconds of its FLOPs at the device's peak rate
        byte_s: seconds of its bytes at the device's peak rate
        idle_w: watts of the idle device, for the longer of the two
    """

    flop_j: float
    byte_j: float
    flop_s: float
    byte_s: float
    idle_w: float

    @property
    def total_j(self) -> float:
        """Gross joules."""
        return self.flop_j + self.byte_j + self.idle_w * max(self.flop_s, self.byte_s)


def of(work: Work | None, calibration: Calibration | None, precision: str) -> LowerBound | None:
    """The lower bound of one request, gross; None where its work or the device's rate in this precision is unknown.

    Joules add where seconds overlap: every FLOP and every byte is paid for, and the idle power for as long as the
    slower of the two takes (Choi, Bedard, Fowler and Vuduc, "A roofline model of energy", IPDPS 2013). So where bytes
    alone decide, the bound is bytes times the gross joules of a byte. Activations and caches are not counted.
    """
    if work is None or calibration is None or precision not in calibration.products:
        return None
    product, copy = calibration.products[precision], calibration.copy
    return LowerBound(
        flop_j=work.flops * product.dynamic_pj(calibration.idle_w) / PJ_PER_J,
        byte_j=work.bytes_read * copy.dynamic_pj(calibration.idle_w) / PJ_PER_J,
        flop_s=work.flops / product.per_s,
        byte_s=work.bytes_read / copy.per_s,
        idle_w=calibration.idle_w,
    )


def key(hardware: Hardware) -> str | None:
    """What a device's calibration is kept by: a GPU's UUID, a processor's name; None where it tells no name.

    None for several cards, too: what one pays for a FLOP is not what a model pays that waits for each in turn; for
    Apple's GPU, which has no counter; and for another machine.
    """
    if hardware.beside or hardware.device in ("mps", REMOTE):
        return None
    if hardware.uuid is not None:
        return hardware.uuid
    name = host.cpu_name()
    return f"cpu-{name}" if name else None


def place(name: str, folder: Path | None = None) -> Path:
    """The file of a key."""
    return (folder or paths.home() / "calibration") / f"{re.sub(r'[^A-Za-z0-9.-]+', '-', name).strip('-')}.json"


def save(calibration: Calibration, folder: Path | None = None) -> Path:
    """Keeps the calibration in place of the device's older one; returns its file. OSError leaves the older one."""
    path = place(calibration.key, folder)
    fresh = path.with_suffix(".part")
    with private_files():
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            fresh.write_text(json.dumps(asdict(calibration), indent=1) + "\n")
            fresh.replace(path)
        finally:
            fresh.unlink(missing_ok=True)
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
