"""The GPUs of this machine, as their drivers tell it: NVIDIA's by NVML, AMD's by amdsmi.

AMD's part is built from amdsmi's documentation and readings in that form; not tried on a card.
"""

import importlib
import os
from dataclasses import dataclass
from typing import Any

from joulemark.core.errors import UserError


@dataclass(frozen=True)
class Card:
    """One GPU as its driver describes it; `capability` is CUDA's, None of an AMD card."""

    index: int
    uuid: str
    name: str
    capability: tuple[int, int] | None
    power_limit_w: float | None


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
    found: list[Card] = []
    for number in range(pynvml.nvmlDeviceGetCount()):
        try:
            handle = pynvml.nvmlDeviceGetHandleByIndex(number)
        except pynvml.NVMLError_NoPermission:  # another job's: a control group, Slurm's say, keeps this process from it
            continue
        index = len(found)  # CUDA counts those that it may open
        uuid = text(pynvml.nvmlDeviceGetUUID(handle))
        name = text(pynvml.nvmlDeviceGetName(handle))
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


def amd_cards(driver: Any = None) -> list[Card]:
    """AMD's cards that this process may use, by the numbers that HIP gives them; none without amdsmi or its driver.

    HIP_VISIBLE_DEVICES hides the others. `driver` is the amdsmi module; None imports it. UserError where there are
    several and amdsmi does not say which is which to HIP: then one might run while another is counted.
    """
    if driver is None:
        try:
            driver = importlib.import_module("amdsmi")
        except (ImportError, OSError):  # the package looks for the driver's library as it is imported
            return []
    try:
        driver.amdsmi_init()
        handles = driver.amdsmi_get_processor_handles()
        found = [_amd_card(driver, handle, alone=len(handles) == 1) for handle in handles]
    except driver.AmdSmiException:  # no driver: there is no card to use, which is an answer
        return []
    visible = os.environ.get("HIP_VISIBLE_DEVICES")
    if len(found) > 1 and (renumbers := next((n for n in RENUMBERS if os.environ.get(n)), None)):
        raise UserError(
            f"{renumbers}={os.environ[renumbers]} gives the AMD cards other numbers than amdsmi's; "
            f"type HIP_VISIBLE_DEVICES=… in its place, or hardware=cpu"
        )
    found.sort(key=lambda card: card.index)
    return found if visible is None else _visible(found, visible)


RENUMBERS = ("ROCR_VISIBLE_DEVICES", "CUDA_VISIBLE_DEVICES")  # what HIP obeys beside its own variable


def _amd_card(driver: Any, handle: Any, alone: bool) -> Card:
    index = 0
    if not alone:
        if not hasattr(driver, "amdsmi_get_gpu_enumeration_info"):
            raise UserError(
                "this amdsmi does not tell which number HIP gives each of several AMD cards (ROCm 6.4 and later does); "
                "type hardware=cpu, or update ROCm"
            )
        index = int(driver.amdsmi_get_gpu_enumeration_info(handle)["hip_id"])
    name = driver.amdsmi_get_gpu_asic_info(handle)["market_name"]
    # its limit is not read: amdsmi's releases tell it in watts or in microwatts
    return Card(index, driver.amdsmi_get_gpu_device_uuid(handle), name, None, None)


def text(value: Any) -> Any:
    """What a driver's binding may give as bytes, as a string."""
    return value.decode() if isinstance(value, bytes) else value
