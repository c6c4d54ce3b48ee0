"""Where a model is: on one device, or its layers in turn over several cards.

cuda:0               all of it there
cuda:0,cuda:1        about the same bytes on each; a request passes from card to card, one of which works at a time

The name with commas is none of torch's: whoever hands it on unread is told so.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from joulemark.core.errors import UserError


def devices(device: str) -> list[str]:
    """torch's names of the cards that `device` stands for, or of the one device."""
    return device.split(",")


def spread(model: Any, devices: Sequence[str], free_bytes: Sequence[int]) -> dict[str, int]:
    """Which part of a model, built without memory (torch's `meta`), lies on which card: about the same bytes on each.

    UserError where it may not be parted, does not fit, or would leave a card empty. Neither the host's memory nor the
    disk is offered: a model that does not fit is refused, never half offloaded.
    """
    from accelerate import infer_auto_device_map
    from accelerate.utils import get_balanced_memory

    name, whole = type(model).__name__, sorted(model._no_split_modules or ())
    if not whole:
        raise UserError(
            f"{name} cannot be spread over {len(devices)} GPUs: it does not say between which of its layers it may be "
            "parted; type hardware.index=0"
        )
    room = get_balanced_memory(model, dict(enumerate(free_bytes)), no_split_module_classes=whole, dtype=model.dtype)
    device_map: dict[str, int] = infer_auto_device_map(model, room, no_split_module_classes=whole, dtype=model.dtype)
    if not set(device_map.values()) <= set(range(len(devices))):
        raise UserError(f"{name} does not fit in the free memory of {len(devices)} GPUs")
    used = len(set(device_map.values()))
    if used < len(devices):
        raise UserError(
            f"{name} is so small that its layers lie on {used} of {len(devices)} GPUs and the others would only idle; "
            f"type hardware.index=0{'' if used == 1 else f', or a list of {used}'}"
        )
    return device_map


def free_bytes(devices: Sequence[str]) -> list[int]:
    """The memory of each card that nobody has taken."""
    import torch

    return [torch.cuda.mem_get_info(name)[0] for name in devices]


def by_device(model: Any) -> dict[str, int]:
    """How many parameters lie on each device, tied ones once."""
    counts: Counter[str] = Counter()
    for parameter in model.parameters():
        counts[str(parameter.device)] += parameter.numel()
    return dict(counts)


def finished(device: str) -> None:
    """Returns when every card, or Apple's GPU, has done its work; at once without one."""
    if device == "cpu":
        return
    import torch

    for name in devices(device):
        torch.mps.synchronize() if device == "mps" else torch.cuda.synchronize(name)


def uuids(device: str) -> tuple[str, ...]:
    """The UUIDs of the NVIDIA cards on which torch works, as the driver writes them."""
    import torch

    reported = [str(torch.cuda.get_device_properties(name).uuid) for name in devices(device)]
    return tuple(uuid if uuid.startswith("GPU-") else f"GPU-{uuid}" for uuid in reported)


def watch_memory(device: str) -> Callable[[], int | None]:
    """A reader of the allocators' high-water marks in bytes, summed, from this call on.

    It gives None on the CPU, and on Apple's GPU, whose allocator keeps no mark.
    """
    if not device.startswith("cuda"):
        return lambda: None
    import torch

    torch.cuda.init()  # type: ignore[no-untyped-call]  # the allocator knows no device before
    for name in devices(device):
        torch.cuda.reset_peak_memory_stats(name)
    return lambda: sum(int(torch.cuda.max_memory_allocated(name)) for name in devices(device))


def forget_peak(device: str) -> None:
    """Gives freed memory back and begins the high-water marks anew, from what is taken now."""
    if not device.startswith("cuda"):
        return
    import torch

    torch.cuda.empty_cache()
    for name in devices(device):
        torch.cuda.reset_peak_memory_stats(name)
