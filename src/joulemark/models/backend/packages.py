"""torch and transformers imported before a model is loaded, so that loading it is that alone.

A run that neither compiles nor quantizes has no use for most of what they bring: transformers imports torch's compiler
to mark functions for it, torch's distributed tensors (with sympy) and torchao to recognize theirs, scipy and
scikit-learn for losses of training and assisted generation. That is two thirds of the processor's seconds.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from joulemark.core.absent import hidden
from joulemark.core.model import Checkpoint, Settings
from joulemark.models.backend import compiler, quantization


def import_packages(checkpoint: Checkpoint, settings: Settings, device: str) -> None:
    """Imports torch, transformers and, where a run on this device may have a use for it, torchao.

    For a process whose only model this is: transformers remembers what it did not find. Only on a processor something
    is left out: what torch's builds for GPUs ask of its compiler was not tried.
    """
    import torch  # noqa: F401

    if device == "cpu" and plain(checkpoint, settings):
        compiler.defer()
        with _alone():
            _import_transformers()
    else:
        quantization.preload()
        _import_transformers()


def plain(checkpoint: Checkpoint, settings: Settings) -> bool:
    """Whether nothing is compiled or quantized, nor the model one whose code imports all of it anyway."""
    if settings.compile or settings.cache == "static" or settings.precision in quantization.COMPUTED:
        return False
    if checkpoint.trust_remote_code or "unet" in checkpoint.shape:  # its own code; diffusers
        return False
    return checkpoint.path is None or not _brings_more(checkpoint.path)


def _brings_more(folder: Path) -> bool:
    """Whether it is a pipeline of diffusers, or whoever published the weights quantized them."""
    config = folder / "config.json"
    if not config.is_file():
        return True
    return "quantization_config" in config.read_text(encoding="utf-8", errors="replace")


def _import_transformers() -> None:
    from transformers import AutoConfig, AutoTokenizer, modeling_layers, processing_utils  # noqa: F401
    from transformers.generation import utils  # noqa: F401


@contextmanager
def _alone() -> Iterator[None]:
    """Within it transformers finds no torchao, scipy or scikit-learn, and a torch that was built for one process."""
    import torch

    available = torch.distributed.is_available
    torch.distributed.is_available = lambda: False
    try:
        with hidden("torchao", "scipy", "sklearn"):
            yield
    finally:
        torch.distributed.is_available = available
