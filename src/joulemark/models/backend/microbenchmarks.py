"""The two acts that all inference is made of, each alone: matrix products, and moving bytes.

Values are random and never constant: the power of a GPU moves by up to two thirds with the values it works on
(arXiv 2212.08805), and zeros would be the coolest of all.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from joulemark.models.backend.weights import set_precision

# The side of the square matrices. A GPU needs thousands of rows to be full (measured on an H100: 8192). A processor
# without a half precision of its own does 1 GFLOP a second in it: at 1024 a product takes seconds, not minutes.
SIDE = {"cuda": 8192, "rocm": 8192, "cpu": 1024}

# Bytes of the array that is copied: beyond every cache (a large server's third level is 1 GB), and small beside memory.
COPY_BYTES = {"cuda": 4 * 2**30, "rocm": 4 * 2**30, "cpu": 2**30}


@dataclass(frozen=True)
class Kernel:
    """One act, done `count` times by `run(count)`, which returns when the device is done.

    `amount` is what one time does: FLOPs, a multiply-add as two, or bytes, those read and those written together.
    """

    amount: float
    run: Callable[[int], None]


def product(device: str, precision: str, side: int) -> Kernel:
    """The product of two square matrices of normally distributed values, in one of the precision words."""
    import torch

    torch.manual_seed(0)
    dtype = set_precision(precision)
    left, right = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))
    out = torch.empty_like(left)
    return Kernel(2.0 * side**3, _repeated(lambda: torch.mm(left, right, out=out), device))


def copy(device: str, size_bytes: int) -> Kernel:
    """A copy within the device's memory, of random bits: each byte is read once and written once."""
    import torch

    torch.manual_seed(0)
    source = torch.randint(-(2**31), 2**31 - 1, (size_bytes // 4,), dtype=torch.int32, device=device)
    target = torch.empty_like(source)
    return Kernel(2.0 * source.numel() * source.element_size(), _repeated(lambda: target.copy_(source), device))


def wake(device: str) -> None:
    """Opens the device for this process, as a loaded model does: a GPU that is open draws more when idle."""
    import torch

    torch.ones(1, device=device).sum().item()


def release() -> None:
    """Gives the memory of kernels that are gone back to the device."""
    import torch

    torch.cuda.empty_cache()


def _repeated(act: Callable[[], Any], device: str) -> Callable[[int], None]:
    import torch

    def run(count: int) -> None:
        with torch.inference_mode():
            for _ in range(count):
                act()
        if device.startswith("cuda"):
            torch.cuda.synchronize(device)

    return run
