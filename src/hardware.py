"""Which device a run uses, found through the driver alone: torch is not imported to refuse a wrong word.

CUDA orders devices fastest first, the driver by PCI bus: everything here counts as the driver does, and the chosen
card is the only one the run can see.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from src.core import Hardware, UserError

CPU_PRECISIONS = ("fp32", "bf16", "fp16")


@dataclass(frozen=True)
class HardwareConf:
    """One choice of `conf/hardware`: what the user says about the machine; None is to be found out.

    `gpu` is a part of the card's name that must be there, so that facts about one card are not used for another.
    """

    device: str
    index: int = 0
    gpu: str | None = None
    precisions: tuple[str, ...] | None = None
    power_limit_w: float | None = None
    cpu_tdp_w: float | None = None
    ram_w: float | None = None


@dataclass(frozen=True)
class Card:
    """One NVIDIA card as the driver describes it."""

    index: int
    uuid: str
    name: str
    capability: tuple[int, int]
    power_limit_w: float | None


def resolve(name: str, conf: HardwareConf) -> Hardware:
    """The device the words mean on this machine; UserError if it is not there. Never another one in silence."""
    if conf.device not in ("auto", "cpu", "cuda"):
        raise UserError(f"hardware.device={conf.device} does not exist; choose from: auto, cpu, cuda")
    found = [] if conf.device == "cpu" else cards()
    if conf.device == "cpu" or (conf.device == "auto" and not found):
        return Hardware(
            name=name,
            device="cpu",
            precisions=conf.precisions or CPU_PRECISIONS,
            cpu_tdp_w=conf.cpu_tdp_w,
            ram_w=conf.ram_w,
        )
    card = _chosen(name, conf, found)
    return Hardware(
        name=name,
        device="cuda",
        precisions=conf.precisions or cuda_precisions(card.capability),
        index=card.index,
        uuid=card.uuid,
        gpu_name=card.name,
        power_limit_w=card.power_limit_w or conf.power_limit_w,
        cpu_tdp_w=conf.cpu_tdp_w,
        ram_w=conf.ram_w,
    )


def _chosen(name: str, conf: HardwareConf, found: list[Card]) -> Card:
    if not found:
        raise UserError(f"hardware={name} needs an NVIDIA GPU and this machine shows none; type hardware=cpu")
    if not 0 <= conf.index < len(found):
        raise UserError(f"hardware.index={conf.index}: this machine shows {len(found)} GPU(s), counted from 0")
    card = found[conf.index]
    if conf.gpu and conf.gpu.lower() not in card.name.lower():
        raise UserError(f"hardware={name} is for a {conf.gpu}, GPU {card.index} is '{card.name}'; type hardware=cuda")
    return card


def cuda_precisions(capability: tuple[int, int]) -> tuple[str, ...]:
    """What the tensor cores of a compute capability do natively (CUDA C++ programming guide, arithmetic table)."""
    if capability >= (8, 0):
        return ("fp32", "tf32", "bf16", "fp16")
    return ("fp32", "fp16") if capability >= (5, 3) else ("fp32",)


def cards() -> list[Card]:
    """The NVIDIA cards this process may use, in the driver's order; none without a driver.

    CUDA_VISIBLE_DEVICES, as Slurm sets it, hides the others; it may hold indices or UUIDs.
    """
    try:
        import pynvml
    except ImportError:
        return []
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:  # no driver: there is no card to use, which is an answer
        return []
    found = []
    for index in range(pynvml.nvmlDeviceGetCount()):
        handle = pynvml.nvmlDeviceGetHandleByIndex(index)
        uuid = _text(pynvml.nvmlDeviceGetUUID(handle))
        name = _text(pynvml.nvmlDeviceGetName(handle))
        try:
            limit_w = pynvml.nvmlDeviceGetEnforcedPowerLimit(handle) / 1000
        except pynvml.NVMLError:
            limit_w = None
        capability = tuple(pynvml.nvmlDeviceGetCudaComputeCapability(handle))
        found.append(Card(index, uuid, name, capability, limit_w))
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    return found if visible is None else _visible(found, visible)


def _visible(found: list[Card], visible: str) -> list[Card]:
    words = [word.strip() for word in visible.split(",") if word.strip()]
    return [card for word in words for card in found if word == str(card.index) or card.uuid.startswith(word)]


def isolate(hardware: Hardware) -> str:
    """Lets this process see the chosen card only and returns torch's name for the device.

    By its number, not its UUID: CodeCarbon 3.3.2 reads a UUID in CUDA_VISIBLE_DEVICES as no card at all.
    """
    if hardware.device == "cpu":
        return "cpu"
    os.environ["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID"
    os.environ["CUDA_VISIBLE_DEVICES"] = str(hardware.index)
    return "cuda:0"


def gpu_state(hardware: Hardware) -> Mapping[str, Any]:
    """The card's driver, power limit, clocks, persistence, ECC and temperature; None for what it does not tell."""
    if hardware.uuid is None:
        return {}
    import pynvml

    pynvml.nvmlInit()
    handle = pynvml.nvmlDeviceGetHandleByUUID(hardware.uuid)

    def ask(name: str, *words: Any) -> Any:
        try:
            value = getattr(pynvml, name)(*words)
        except pynvml.NVMLError:
            return None
        return _text(value)

    return {
        "driver": ask("nvmlSystemGetDriverVersion"),
        "power_limit_w": hardware.power_limit_w,
        "sm_clock_mhz": ask("nvmlDeviceGetClockInfo", handle, pynvml.NVML_CLOCK_SM),
        "memory_clock_mhz": ask("nvmlDeviceGetClockInfo", handle, pynvml.NVML_CLOCK_MEM),
        "persistence": ask("nvmlDeviceGetPersistenceMode", handle),
        "ecc": ask("nvmlDeviceGetEccMode", handle),
        "mig": ask("nvmlDeviceGetMigMode", handle),
        "temperature_c": ask("nvmlDeviceGetTemperature", handle, pynvml.NVML_TEMPERATURE_GPU),
    }


def _text(value: Any) -> Any:
    return value.decode() if isinstance(value, bytes) else value
