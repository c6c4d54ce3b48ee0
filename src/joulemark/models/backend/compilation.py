"""A model's forward pass compiled by torch (inductor): the warm-up pays, the windows run what came of it.

whole forward      one graph for inputs of any length (dynamic shapes), so that a longer text does not compile again
graphs             the same, each shape recorded as a CUDA graph (mode reduce-overhead) and then replayed
cudagraphs         nothing is compiled: each shape of the forward pass recorded as a CUDA graph (cuda_graphs.py)
cache=static       transformers' own way: prefill stays as it is, each further token runs a graph of fixed shapes; on a
                   GPU it is recorded whole as a CUDA graph (mode reduce-overhead)
"""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import wraps
from typing import Any

from joulemark.core.model import Settings
from joulemark.models.backend import compiler, cuda_graphs
from joulemark.models.backend.cuda_graphs import Graphs


def compile_forward(model: Any, settings: Settings) -> None:
    """Has the model compile its forward pass at its first call; nothing where the settings do not ask, or where it is
    the decoding that is compiled."""
    if settings.compile == "graphs":
        _record(model)
    elif settings.compile == "cudagraphs":
        model.forward = Graphs(model.forward, cuda_graphs.recorder(model.device, model.config.model_type))
    elif settings.compile and settings.cache != "static":
        model.compile(dynamic=True)


def _record(model: Any) -> None:
    """Has the model replay CUDA graphs of its forward pass, whose results are copied out of them.

    A graph writes each answer into the same memory: a result that is kept, as a stage's is for the next one, would
    become that of a later call. torch.compiler.cudagraph_mark_step_begin, torch's documentation of CUDAGraph Trees.
    """
    import torch
    from torch.utils._pytree import tree_map

    compiled = torch.compile(model.forward, mode="reduce-overhead", dynamic=True)

    @wraps(model.forward)
    def forward(*args: Any, **options: Any) -> Any:
        torch.compiler.cudagraph_mark_step_begin()
        output = compiled(*args, **options)
        return tree_map(lambda value: value.clone() if isinstance(value, torch.Tensor) else value, output)

    model.forward = forward


def of_decoding(settings: Settings, device: str) -> dict[str, Any]:
    """What of a generation config says whether decoding from a static cache is compiled.

    Unasked, transformers would compile it on a GPU.
    """
    if not (settings.compile and settings.cache == "static"):
        return {"disable_compile": True}
    from transformers import CompileConfig

    # mode=default: what reduce-overhead adds are CUDA graphs
    config = CompileConfig(mode=_mode(settings, device), fullgraph=False, dynamic=None)
    config._compile_all_devices = True
    return {"disable_compile": False, "compile_config": config}


def facts(settings: Settings, device: str) -> dict[str, Any]:
    """What is compiled and in which of torch's modes, as JSON values; nothing without `compile`."""
    if not settings.compile:
        return {}
    if settings.compile == "cudagraphs":
        return {"recorded": "forward"}
    part = "decoding" if settings.cache == "static" else "forward"
    return {"compiled": part, "compile_mode": _mode(settings, device)}


def later_facts(model: Any) -> dict[str, int]:
    """How many CUDA graphs were recorded, and how many calls ran without one; nothing without `compile=cudagraphs`."""
    graphs = model.forward
    return {"cuda_graphs": len(graphs), "eager_calls": graphs.eager_calls} if isinstance(graphs, Graphs) else {}


def _mode(settings: Settings, device: str) -> str:
    decoding = settings.cache == "static" and device.startswith("cuda")
    return "reduce-overhead" if settings.compile == "graphs" or decoding else "default"


@contextmanager
def eagerly(model: Any) -> Iterator[None]:
    """Runs what was compiled or recorded as it was written: for calls outside the windows, whose shapes would be
    compiled anew, and for counting operations, which a graph hides."""
    import torch

    forward = getattr(model, "forward", None)
    uncompiled = torch.compiler.set_stance("force_eager") if compiler.imported() else nullcontext()
    with uncompiled, forward.off() if isinstance(forward, Graphs) else nullcontext():
        yield
