"""Which device a run uses, found through the driver alone: torch is not imported to refuse a wrong word.

CUDA orders devices fastest first, the driver by PCI bus: everything here counts as the driver does, and the chosen
cards are the only ones the run can see.
"""

import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from joulemark.core.errors import UserError
from joulemark.core.machine import Hardware
from joulemark.hardware.gpus import Card, amd_cards, cards, text

PLAIN = ("fp32", "tf32", "bf16", "fp16")  # of the whole model; the others are of its weights (models/quantization.py)
EVERYWHERE = ("fp32", "bf16", "fp16")
CPU_PRECISIONS = (*EVERYWHERE, "int8", "int4")
DEVICES = ("auto", "cpu", "cuda", "rocm", "mps")


@dataclass(frozen=True)
class HardwareConf:
    """One choice of `conf/hardware`: what the user says about the machine; None is to be found out.

    `index` is a card's number, its UUID or the beginning of it; or a list of them, over which the model is spread.
    `gpu` is a part of the card's name that must be there, so that facts about one card are not used for another.
    `power_limit_w` is one card's.
    """

    device: str
    index: int | str | tuple[int | str, ...] = 0
    gpu: str | None = None
    precisions: tuple[str, ...] | None = None
    power_limit_w: float | None = None
    cpu_tdp_w: float | None = None
    ram_w: float | None = None


def resolve(name: str, conf: HardwareConf) -> Hardware:
    """The device the words mean on this machine; UserError if it is not there. Never another one in silence."""
    if conf.device not in DEVICES:
        raise UserError(f"hardware.device={conf.device} does not exist; choose from: {', '.join(DEVICES)}")
    device, found = _found(conf.device)
    if device == "mps" and (platform.system(), platform.machine()) != ("Darwin", "arm64"):
        raise UserError(f"hardware={name} needs a Mac with an Apple processor; type hardware=cpu")
    if device in ("cpu", "mps"):
        return Hardware(
            name=name,
            device=device,
            precisions=conf.precisions or (CPU_PRECISIONS if device == "cpu" else EVERYWHERE),
            cpu_tdp_w=conf.cpu_tdp_w,
            ram_w=conf.ram_w,
        )
    chosen = _chosen(name, conf, device, found)
    limits = [card.power_limit_w or conf.power_limit_w for card in chosen]
    first = chosen[0]
    return Hardware(
        name=name,
        device=device,
        precisions=conf.precisions or (cuda_precisions(first.capability) if first.capability else EVERYWHERE),
        index=first.index,
        uuid=first.uuid,
        gpu_name=first.name,
        power_limit_w=sum(known) if len(known := [w for w in limits if w is not None]) == len(limits) else None,
        cpu_tdp_w=conf.cpu_tdp_w,
        ram_w=conf.ram_w,
        beside=tuple((card.index, card.uuid) for card in chosen[1:]),
    )


def unseen(name: str, conf: HardwareConf) -> Hardware:
    """The device the words mean on another machine, a cluster's node, as far as they say; the node finds out the rest.

    UserError where the words leave the device open: what the run can do could then not be judged before it begins.
    """
    if conf.device not in ("cpu", "cuda", "rocm"):
        raise UserError(
            f"hardware={name} is found out where the run is, on a node of the cluster; say what the nodes have: "
            "hardware=cpu, hardware=cuda, hardware=h100, …"
        )
    if conf.device == "cpu":
        return resolve(name, conf)
    words = conf.index if isinstance(conf.index, tuple) else (conf.index,)
    if not words:
        raise UserError("hardware.index=[] names no GPU; type hardware.index=0, or hardware.index=[0,1] for two")
    cards = [(place if isinstance(word, str) else word, str(word)) for place, word in enumerate(words)]
    return Hardware(
        name=name,
        device=conf.device,
        precisions=conf.precisions or (EVERYWHERE if conf.device == "rocm" else cuda_precisions((9, 0))),
        index=cards[0][0],
        uuid=cards[0][1],
        gpu_name=conf.gpu,
        power_limit_w=conf.power_limit_w,
        cpu_tdp_w=conf.cpu_tdp_w,
        ram_w=conf.ram_w,
        beside=tuple(cards[1:]),
    )


def _found(device: str) -> tuple[str, list[Card]]:
    """The device that the word means here, and its cards: of `auto` NVIDIA's, else AMD's, else the processor."""
    found = cards() if device in ("auto", "cuda") else []
    if device == "cuda" or found:
        return "cuda", found
    found = amd_cards() if device in ("auto", "rocm") else []
    if device == "rocm" or found:
        return "rocm", found
    return ("cpu" if device == "auto" else device), []


def _chosen(name: str, conf: HardwareConf, device: str, found: list[Card]) -> list[Card]:
    """The cards that are meant, by their numbers: the order in which they were typed says nothing."""
    if not found:
        maker = "an NVIDIA GPU" if device == "cuda" else "an AMD GPU that the package amdsmi shows"
        raise UserError(f"hardware={name} needs {maker} and this machine shows none; type hardware=cpu")
    words = conf.index if isinstance(conf.index, tuple) else (conf.index,)
    if device == "rocm" and len(words) > 1:
        raise UserError(f"hardware.index={list(words)}: of AMD's cards one is used at a time; type hardware.index=0")
    chosen = sorted((_card(word, found) for word in words), key=lambda card: card.index)
    if not chosen:
        raise UserError("hardware.index=[] names no GPU; type hardware.index=0, or hardware.index=[0,1] for two")
    for card, other in pairwise(chosen):
        if card.uuid == other.uuid:
            raise UserError(f"hardware.index names GPU {card.index} ({card.uuid}) twice; name each card once")
        if card.name != other.name:
            raise UserError(
                f"hardware.index: GPU {card.index} is a '{card.name}' and GPU {other.index} a '{other.name}', whose "
                "power and precisions differ; name cards of one kind"
            )
    if conf.gpu and conf.gpu.lower() not in chosen[0].name.lower():
        raise UserError(
            f"hardware={name} is for a {conf.gpu}, GPU {chosen[0].index} is '{chosen[0].name}'; type hardware={device}"
        )
    return chosen


def _card(word: int | str, found: list[Card]) -> Card:
    """The card of a number, or of a UUID as far as it was typed."""
    if isinstance(word, int):
        if not 0 <= word < len(found):
            raise UserError(f"hardware.index={word}: this machine shows {len(found)} GPU(s), counted from 0")
        return found[word]
    fitting = [card for card in found if word and card.uuid.lower().startswith(word.lower())]
    if len(fitting) != 1:
        shown = ", ".join(card.uuid for card in fitting or found)
        what = "begins the UUIDs of several GPUs" if fitting else "is the UUID of no GPU here"
        raise UserError(f"hardware.index={word} {what}; type more of one of: {shown}")
    return fitting[0]


def cuda_precisions(capability: tuple[int, int]) -> tuple[str, ...]:
    """What the tensor cores of a compute capability do natively (CUDA C++ programming guide, arithmetic table).

    int8 and int4 are those of weights alone, computed in bf16; fp8 is that of weights and inputs (torchao 0.18).
    """
    if capability >= (8, 9):
        return (*PLAIN, "int8", "int4", "fp8")
    if capability >= (8, 0):
        return (*PLAIN, "int8", "int4")
    return ("fp32", "fp16") if capability >= (5, 3) else ("fp32",)


def isolate(hardware: Hardware) -> str:
    """Lets this process see the chosen cards only and returns torch's name of the device: of several, with commas.

    By their numbers, not their UUIDs: CodeCarbon 3.3.2 reads a UUID in CUDA_VISIBLE_DEVICES as no card at all.
    """
    if hardware.uuid is None:
        return hardware.device
    if hardware.device == "rocm":  # torch calls its device cuda all the same
        os.environ["HIP_VISIBLE_DEVICES"] = str(hardware.index)
        return "cuda:0"
    os.environ["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID"
    os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(str(index) for index in hardware.indices)
    return ",".join(f"cuda:{place}" for place, _ in enumerate(hardware.indices))


def gpu_state(hardware: Hardware) -> Mapping[str, Any]:
    """The card's driver, power limit, clocks, persistence, ECC and temperature; None for what it does not tell.

    Of several cards those of the first, the sum of the limits, and each one's own under `by_uuid`. NVIDIA's only.
    """
    if hardware.device != "cuda":
        return {}
    import pynvml

    pynvml.nvmlInit()
    states = {uuid: _state(pynvml, uuid) for uuid in hardware.uuids}
    own = {**states[hardware.uuids[0]], "power_limit_w": hardware.power_limit_w}
    return {**own, "by_uuid": states} if hardware.beside else own


def _state(pynvml: Any, uuid: str) -> dict[str, Any]:
    handle = pynvml.nvmlDeviceGetHandleByUUID(uuid)

    def ask(name: str, *words: Any) -> Any:
        try:
            value = getattr(pynvml, name)(*words)
        except pynvml.NVMLError:
            return None
        return text(value)

    return {
        "driver": ask("nvmlSystemGetDriverVersion"),
        "sm_clock_mhz": ask("nvmlDeviceGetClockInfo", handle, pynvml.NVML_CLOCK_SM),
        "memory_clock_mhz": ask("nvmlDeviceGetClockInfo", handle, pynvml.NVML_CLOCK_MEM),
        "persistence": ask("nvmlDeviceGetPersistenceMode", handle),
        "ecc": ask("nvmlDeviceGetEccMode", handle),
        "mig": ask("nvmlDeviceGetMigMode", handle),
        "temperature_c": ask("nvmlDeviceGetTemperature", handle, pynvml.NVML_TEMPERATURE_GPU),
    }
