"""The GPUs of this machine as their drivers list them: NVIDIA's by NVML, AMD's by amdsmi.

AMD's part follows amdsmi's documentation; not tried on a GPU.
"""

import importlib
import os
from dataclasses import dataclass
from typing import Any

from joulemark.core.errors import UserError


@dataclass(frozen=True)
class Gpu:
    """One GPU as its driver describes it.

    Attributes:
        index: number by which the framework selects it
        uuid: the driver's unique id
        name: marketing name
        capability: CUDA compute capability (major, minor); None for an AMD GPU
        power_limit_w: enforced limit in W; None where the driver does not report it
    """

    index: int
    uuid: str
    name: str
    capability: tuple[int, int] | None
    power_limit_w: float | None


def nvidia_gpus() -> list[Gpu]:
    """The NVIDIA GPUs this process may use, in the driver's order; empty without a driver.

    CUDA_VISIBLE_DEVICES, as Slurm sets it, hides the others; it holds indices or UUIDs.
    """
    try:
        import pynvml
    except ImportError:
        return []
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:  # no driver, so no GPU
        return []
    gpus: list[Gpu] = []
    for number in range(pynvml.nvmlDeviceGetCount()):
        try:
            handle = pynvml.nvmlDeviceGetHandleByIndex(number)
        except pynvml.NVMLError_NoPermission:  # of another job: its control group (Slurm's, for one) excludes us
            continue
        index = len(gpus)  # CUDA counts only those it may open
        uuid = text(pynvml.nvmlDeviceGetUUID(handle))
        name = text(pynvml.nvmlDeviceGetName(handle))
        try:
            limit_w = pynvml.nvmlDeviceGetEnforcedPowerLimit(handle) / 1000
        except pynvml.NVMLError:
            limit_w = None
        capability = tuple(pynvml.nvmlDeviceGetCudaComputeCapability(handle))
        gpus.append(Gpu(index, uuid, name, capability, limit_w))
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    return gpus if visible is None else _visible(gpus, visible)


def _visible(gpus: list[Gpu], visible: str) -> list[Gpu]:
    ids = [part.strip() for part in visible.split(",") if part.strip()]
    return [gpu for id in ids for gpu in gpus if id == str(gpu.index) or gpu.uuid.startswith(id)]


def amd_gpus(driver: Any = None) -> list[Gpu]:
    """The AMD GPUs this process may use, numbered as HIP does; empty without amdsmi or its driver.

    HIP_VISIBLE_DEVICES hides the others. `driver` is the amdsmi module; None imports it.

    Raises:
        UserError: several GPUs whose HIP numbers are unknown; one might compute while another is metered.
    """
    if driver is None:
        try:
            driver = importlib.import_module("amdsmi")
        except (ImportError, OSError):  # the package looks for the driver's library as it is imported
            return []
    try:
        driver.amdsmi_init()
        handles = driver.amdsmi_get_processor_handles()
        gpus = [_amd_gpu(driver, handle, alone=len(handles) == 1) for handle in handles]
    except driver.AmdSmiException:  # no driver, so no GPU
        return []
    visible = os.environ.get("HIP_VISIBLE_DEVICES")
    if len(gpus) > 1 and (renumbers := next((n for n in RENUMBERS if os.environ.get(n)), None)):
        raise UserError(
            f"{renumbers}={os.environ[renumbers]} numbers the AMD GPUs differently from amdsmi; "
            f"type HIP_VISIBLE_DEVICES=… in its place, or hardware=cpu"
        )
    gpus.sort(key=lambda gpu: gpu.index)
    return gpus if visible is None else _visible(gpus, visible)


RENUMBERS = ("ROCR_VISIBLE_DEVICES", "CUDA_VISIBLE_DEVICES")  # which HIP also obeys


def _amd_gpu(driver: Any, handle: Any, alone: bool) -> Gpu:
    index = 0
    if not alone:
        if not hasattr(driver, "amdsmi_get_gpu_enumeration_info"):
            raise UserError(
                "this amdsmi does not report the HIP numbers of several AMD GPUs (ROCm 6.4 and later does); "
                "type hardware=cpu, or update ROCm"
            )
        index = int(driver.amdsmi_get_gpu_enumeration_info(handle)["hip_id"])
    name = driver.amdsmi_get_gpu_asic_info(handle)["market_name"]
    # the power limit is not read: its unit is W or µW, depending on the amdsmi release
    return Gpu(index, driver.amdsmi_get_gpu_device_uuid(handle), name, None, None)


def text(value: Any) -> Any:
    """A driver's string, which some bindings return as bytes."""
    return value.decode() if isinstance(value, bytes) else value
