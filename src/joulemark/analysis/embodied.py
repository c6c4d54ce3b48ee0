"""Embodied emissions: what making the hardware emitted, and the part of it that a request reserves.

    M = TE x (TiR / EL) x (RR / ToR)

Total embodied emissions, time reserved over expected lifespan, resources reserved over all of the machine's (Software
Carbon Intensity, ISO/IEC 21031, "Embodied emissions"). Nothing here is measured, and nothing is assumed: without the
user's figures there are none.
"""

from dataclasses import dataclass

from joulemark.core.errors import UserError
from joulemark.core.machine import Hardware
from joulemark.core.quantities import Amount, Number, Positive
from joulemark.core.record import Record
from joulemark.core.units import S_PER_YEAR

G_PER_KG = 1000.0


@dataclass(frozen=True)
class Embodied:
    """What making a machine emitted, as the user says; None is unknown and stays unknown.

    Attributes:
        gpu_kg: kg of CO2 equivalent of one GPU
        server_kg: kg of CO2 equivalent of one server without its GPUs
        server_gpus: GPUs of that server
        server_cores: logical cores of that server, as a run on its processors reserves them
        years: expected lifespan
        source: who says so
    """

    gpu_kg: Amount | None = None
    server_kg: Amount | None = None
    server_gpus: Number | None = None
    server_cores: Number | None = None
    years: Positive | None = None
    source: str | None = None

    @property
    def declared(self) -> bool:
        """Whether anything is said of what the hardware emitted."""
        return self.gpu_kg is not None or self.server_kg is not None


NOT_DECLARED = Embodied()


def checked(embodied: Embodied) -> Embodied:
    """The same; UserError for emissions without a lifespan, of which no share of time can be taken."""
    if embodied.declared and embodied.years is None:
        raise UserError("embodied.gpu_kg and embodied.server_kg need a lifespan; type embodied.years=…")
    return embodied


def share_g(total_kg: float, reserved_s: float, years: float, resource_share: float = 1.0) -> float:
    """Grams of the embodied emissions of a device that a reservation of it takes."""
    return total_kg * G_PER_KG * reserved_s / (years * S_PER_YEAR) * resource_share


def server_share(hardware: Hardware, embodied: Embodied, usable_cores: int | None) -> float | None:
    """The share of the server that a run reserves: its GPUs of all of them, else the cores it may use; None: unknown.

    What a run sees of its host may be a virtual machine, so how large the server is must be said.

    Raises:
        UserError: fewer GPUs or cores in the server than the run used
    """
    on_gpu = bool(hardware.uuids or hardware.gpu_name)
    key, whole = ("server_gpus", embodied.server_gpus) if on_gpu else ("server_cores", embodied.server_cores)
    used = max(1, len(hardware.uuids)) if on_gpu else usable_cores
    if whole is None or used is None:
        return None
    if used > whole:
        raise UserError(f"embodied.{key}={whole}: the run used {used} of its server")
    return used / whole


def of_request(record: Record, embodied: Embodied, reserved_s: float) -> tuple[float | None, tuple[str, ...]]:
    """Grams of embodied emissions of one request, and what they hold or why there are none."""
    if not embodied.declared or embodied.years is None:
        return None, ("not declared: type embodied=ecologits, or embodied.gpu_kg= embodied.server_kg= embodied.years=",)
    grams, notes = 0.0, [f"{embodied.source or 'given by the user'}, used for {embodied.years:g} years"]
    gpus, known = (len(record.hardware.uuids) or int(record.hardware.gpu_name is not None)), False
    if gpus and embodied.gpu_kg is not None:
        grams, known = grams + share_g(gpus * embodied.gpu_kg, reserved_s, embodied.years), True
        notes.append(f"{gpus} x {record.hardware.gpu_name or 'GPU'} of {embodied.gpu_kg:g} kg")
    elif gpus:
        notes.append("GPU not declared: type embodied.gpu_kg=…")
    share = server_share(record.hardware, embodied, record.environment.usable_cores)
    if embodied.server_kg is None:
        notes.append("server not declared: type embodied.server_kg=…")
    elif share is None:
        size = "server_gpus" if gpus else "server_cores"
        notes.append(f"server left out, since the share of it is unknown: type embodied.{size}=…")
    else:
        grams, known = grams + share_g(embodied.server_kg, reserved_s, embodied.years, share), True
        notes.append(f"{share:.3g} x a server of {embodied.server_kg:g} kg")
    return (grams if known else None), tuple(notes)
