"""GPU work of this process that goes on after the call which asked for it has returned."""

import sys
from collections.abc import Sequence


def wait_for_gpus(uuids: Sequence[str]) -> None:
    """Returns when these GPUs have done what this process gave them; at once where it has not used them by torch.

    torch is not imported, and no GPU is opened, for that.
    """
    torch = sys.modules.get("torch")
    if torch is None or not uuids or not torch.cuda.is_initialized():
        return
    for index in range(torch.cuda.device_count()):
        if f"GPU-{torch.cuda.get_device_properties(index).uuid}" in uuids and torch.cuda.memory_reserved(index):
            torch.cuda.synchronize(index)
