"""The device of a run, resolved through the driver alone: no torch is imported to refuse a wrong option.

CUDA orders devices fastest first, the driver by PCI bus. Everything here uses the driver's order, and only the
selected GPUs are visible to the run.
"""

import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from joulemark.core.errors import UserError
from joulemark.core.machine import Hardware
from joulemark.core.quantities import Amount
from joulemark.hardware.gpus import Gpu, amd_gpus, nvidia_gpus, text

PLAIN = (
    "fp32",
    "tf32",
    "bf16",
    "fp16",
)  # of weights and sums; the others are of the weights alone (models/quantization.py)
EVERYWHERE = ("fp32", "bf16", "fp16")
CPU_PRECISIONS = (*EVERYWHERE, "int8", "int4")
EVERY_PRECISION = (*PLAIN, "int8", "int4", "fp8")  # of another machine, which nobody here knows
DEVICES = ("auto", "cpu", "cuda", "rocm", "mps")


@dataclass(frozen=True)
class HardwareConf:
    """One entry of `conf/hardware`: what the user states about the machine; None is detected.

    Attributes:
        device: one of DEVICES
        index: a GPU's number, UUID or the beginning of one; a list spreads the model over several
        gpu: part of the GPU's name that must match, so that facts about one GPU are not used for another
        precisions: supported number formats
        power_limit_w: of one GPU, in W
        cpu_tdp_w: thermal design power of the processors, in W
        ram_w: assumed power of the memory, in W
    """

    device: str
    index: int | str | tuple[int | str, ...] = 0
    gpu: str | None = None
    precisions: tuple[str, ...] | None = None
    power_limit_w: Amount | None = None
    cpu_tdp_w: Amount | None = None
    ram_w: Amount | None = None


def resolve(name: str, conf: HardwareConf) -> Hardware:
    """The requested device of this machine.

    Raises:
        UserError: this machine lacks it. Another device is never substituted.
    """
    if conf.device not in DEVICES:
        raise UserError(f"hardware.device={conf.device} does not exist; choose from: {', '.join(DEVICES)}")
    device, gpus = _detected(conf.device)
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
    selected = _selected(name, conf, device, gpus)
    limits = [gpu.power_limit_w or conf.power_limit_w for gpu in selected]
    first = selected[0]
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
        beside=tuple((gpu.index, gpu.uuid) for gpu in selected[1:]),
    )


def unseen(name: str, conf: HardwareConf) -> Hardware:
    """The requested device of another machine, a cluster's node, as far as the options say; the node detects the rest.

    Raises:
        UserError: the options leave the device open, so the run could not be checked before it is submitted.
    """
    if conf.device not in ("cpu", "cuda", "rocm"):
        raise UserError(
            f"hardware={name} is detected on the node of the cluster that runs it; name what the nodes have: "
            "hardware=cpu, hardware=cuda, hardware=h100, …"
        )
    if conf.device == "cpu":
        return resolve(name, conf)
    indices = conf.index if isinstance(conf.index, tuple) else (conf.index,)
    if not indices:
        raise UserError("hardware.index=[] names no GPU; type hardware.index=0, or hardware.index=[0,1] for two")
    gpus = [(place if isinstance(index, str) else index, str(index)) for place, index in enumerate(indices)]
    return Hardware(
        name=name,
        device=conf.device,
        precisions=conf.precisions or (EVERYWHERE if conf.device == "rocm" else cuda_precisions((9, 0))),
        index=gpus[0][0],
        uuid=gpus[0][1],
        gpu_name=conf.gpu,
        power_limit_w=conf.power_limit_w,
        cpu_tdp_w=conf.cpu_tdp_w,
        ram_w=conf.ram_w,
        beside=tuple(gpus[1:]),
    )


def _detected(device: str) -> tuple[str, list[Gpu]]:
    """The device and its GPUs; `auto` is NVIDIA's, else AMD's, else the processor."""
    gpus = nvidia_gpus() if device in ("auto", "cuda") else []
    if device == "cuda" or gpus:
        return "cuda", gpus
    gpus = amd_gpus() if device in ("auto", "rocm") else []
    if device == "rocm" or gpus:
        return "rocm", gpus
    return ("cpu" if device == "auto" else device), []


def _selected(name: str, conf: HardwareConf, device: str, gpus: list[Gpu]) -> list[Gpu]:
    """The requested GPUs by index, whatever order they were typed in."""
    if not gpus:
        vendor = "an NVIDIA GPU" if device == "cuda" else "an AMD GPU that the package amdsmi shows"
        raise UserError(f"hardware={name} needs {vendor} and this machine shows none; type hardware=cpu")
    indices = conf.index if isinstance(conf.index, tuple) else (conf.index,)
    if device == "rocm" and len(indices) > 1:
        raise UserError(f"hardware.index={list(indices)}: AMD GPUs are used one at a time; type hardware.index=0")
    selected = sorted((_gpu(index, gpus) for index in indices), key=lambda gpu: gpu.index)
    if not selected:
        raise UserError("hardware.index=[] names no GPU; type hardware.index=0, or hardware.index=[0,1] for two")
    for gpu, following in pairwise(selected):
        if gpu.uuid == following.uuid:
            raise UserError(f"hardware.index names GPU {gpu.index} ({gpu.uuid}) twice; name each GPU once")
        if gpu.name != following.name:
            raise UserError(
                f"hardware.index: GPU {gpu.index} is a '{gpu.name}' and GPU {following.index} a '{following.name}', "
                "whose power and precisions differ; name GPUs of one model"
            )
    if conf.gpu and conf.gpu.lower() not in selected[0].name.lower():
        raise UserError(
            f"hardware={name} is for a {conf.gpu}, GPU {selected[0].index} is '{selected[0].name}'; "
            f"type hardware={device}"
        )
    return selected


def _gpu(index: int | str, gpus: list[Gpu]) -> Gpu:
    """The GPU with a number, or with a UUID that begins as typed."""
    if isinstance(index, int):
        if not 0 <= index < len(gpus):
            raise UserError(f"hardware.index={index}: this machine shows {len(gpus)} GPU(s), counted from 0")
        return gpus[index]
    matches = [gpu for gpu in gpus if index and gpu.uuid.lower().startswith(index.lower())]
    if len(matches) != 1:
        options = ", ".join(gpu.uuid for gpu in matches or gpus)
        problem = "begins the UUIDs of several GPUs" if matches else "is the UUID of no GPU here"
        raise UserError(f"hardware.index={index} {problem}; type more of one of: {options}")
    return matches[0]


def cuda_precisions(capability: tuple[int, int]) -> tuple[str, ...]:
    """The number formats that a compute capability supports natively (CUDA C++ programming guide, arithmetic table).

    int8 and int4 are of the weights alone, with sums in bf16; fp8 is of weights and inputs (torchao 0.18).
    """
    if capability >= (8, 9):
        return (*PLAIN, "int8", "int4", "fp8")
    if capability >= (8, 0):
        return (*PLAIN, "int8", "int4")
    return ("fp32", "fp16") if capability >= (5, 3) else ("fp32",)


def isolate(hardware: Hardware) -> str:
    """Makes only the selected GPUs visible to this process and returns torch's device names, separated by commas.

    By number, not UUID: CodeCarbon 3.3.2 reads a UUID in CUDA_VISIBLE_DEVICES as no GPU at all.
    """
    if hardware.uuid is None:
        return hardware.device
    if hardware.device == "rocm":  # torch names it cuda too
        os.environ["HIP_VISIBLE_DEVICES"] = str(hardware.index)
        return "cuda:0"
    os.environ["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID"
    os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(str(index) for index in hardware.indices)
    return ",".join(f"cuda:{place}" for place, _ in enumerate(hardware.indices))


def gpu_state(hardware: Hardware) -> Mapping[str, Any]:
    """Driver, power limit, clocks, persistence, ECC and temperature of an NVIDIA GPU; None where not reported.

    With several GPUs: the first one's values, the sum of the power limits, and each GPU's values under `by_uuid`.
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

    def query(name: str, *arguments: Any) -> Any:
        try:
            value = getattr(pynvml, name)(*arguments)
        except pynvml.NVMLError:
            return None
        return text(value)

    return {
        "driver": query("nvmlSystemGetDriverVersion"),
        "sm_clock_mhz": query("nvmlDeviceGetClockInfo", handle, pynvml.NVML_CLOCK_SM),
        "memory_clock_mhz": query("nvmlDeviceGetClockInfo", handle, pynvml.NVML_CLOCK_MEM),
        "persistence": query("nvmlDeviceGetPersistenceMode", handle),
        "ecc": query("nvmlDeviceGetEccMode", handle),
        "mig": query("nvmlDeviceGetMigMode", handle),
        "temperature_c": query("nvmlDeviceGetTemperature", handle, pynvml.NVML_TEMPERATURE_GPU),
    }
