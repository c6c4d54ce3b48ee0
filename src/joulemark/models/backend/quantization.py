"""Weights in few bits, through torchao: a model's linear layers after it was loaded, each where it lies.

word   weight                                    product                                   where
int8   8 bits, one scale a row                   in bf16, of the weight times its scale    CPU, compute capability 8.0
int4   4 bits, a scale and zero a group          in bf16, in a kernel that unpacks         CPU, compute capability 8.0
fp8    float8 e4m3, one scale a row              in float8, inputs rounded at each call    compute capability 8.9

All else (embeddings, the output embedding, norms, convolutions, a router's experts) stays in bf16, as with
transformers' own TorchAoConfig: outliers there cost most quality. What share of a model is quantized is in its facts.
"""

import logging
from typing import Any

from joulemark.core import extras
from joulemark.core.errors import UserError
from joulemark.models.backend import placement

# precision word -> what is computed in; everything that is not quantized is kept in it
COMPUTED = {"int8": "bfloat16", "int4": "bfloat16", "fp8": "bfloat16"}
# Weights of a row that share a scale in int4, the largest that divides the row: 128 is what GPTQ, AWQ and torchao take
GROUPS = (128, 64, 32)


def import_package() -> Any:
    """torchao, without its messages on compiled parts that do not fit this machine: none of them is used here.

    Raises:
        UserError: the extra `quantization` is not installed.
    """
    extras.require("precision=int8, int4 or fp8", "torchao")
    _import_quietly()
    import torchao.quantization

    return torchao.quantization


def preload() -> None:
    """Imports torchao where transformers does so when a model is loaded, in the time of loading."""
    if extras.installed("torchao"):
        from transformers.utils import is_torchao_available

        if is_torchao_available():  # packages.py leaves it out of runs that have no use for it
            _import_quietly()


def _import_quietly() -> None:
    for talker in ("torchao", "torch.utils._pytree"):
        logging.getLogger(talker).setLevel(logging.ERROR)
    import torchao.quantization  # noqa: F401


def quantize(model: Any, precision: str, device: str) -> None:
    """Puts the model's linear layers in the few bits of `precision`, in place; nothing for other words.

    UserError where no layer can be. The memory of the unquantized model is given back, and counted in no peak.
    """
    if precision not in COMPUTED:
        return
    import torch

    ao = import_package()
    _make_linear(model)
    kept = model.get_output_embeddings() if hasattr(model, "get_output_embeddings") else None

    def fits(module: Any, group: int | None) -> bool:
        if type(module) is not torch.nn.Linear or module is kept or module.weight.dtype != torch.bfloat16:
            return False
        rows, width = module.weight.shape
        # what the kernels take; torchao would leave such a layer as it is in silence, or break
        if (precision == "fp8" and (rows % 16 or width % 16)) or (
            precision == "int4" and device == "cpu" and rows % 16
        ):
            return False
        return group is None or group == next((size for size in GROUPS if width % size == 0), None)

    for group in GROUPS if precision == "int4" else (None,):
        ao.quantize_(
            model, _config(ao, precision, device, group), lambda module, name, group=group: fits(module, group)
        )
    if not quantized(model):
        raise UserError(
            f"precision={precision}: {type(model).__name__} has no linear layer that torchao could quantize; "
            "type precision=bf16"
        )
    placement.forget_peak(device)


def _config(ao: Any, precision: str, device: str, group: int | None) -> Any:
    # torchao would also set inductor's switches and torch's float32 precision, for the whole process
    plain = {"set_inductor_config": False}
    if precision == "int8":
        return ao.Int8WeightOnlyConfig(**plain)
    if precision == "fp8":
        from torchao.quantization.quantize_.common import KernelPreference

        # torch's own kernels, so that the same word means the same on a machine that has one more package
        return ao.Float8DynamicActivationFloat8WeightConfig(
            granularity=ao.PerRow(), kernel_preference=KernelPreference.TORCH, **plain
        )
    if device == "cpu":
        from torchao.prototype.quantization.int4.inference_workflow import PrototypeInt4WeightOnlyConfig

        return PrototypeInt4WeightOnlyConfig(group_size=group, **plain)
    # the packing of the kernel that torch itself brings; the plain one needs a further package
    return ao.Int4WeightOnlyConfig(group_size=group, int4_packing_format="tile_packed_to_4d", **plain)


def _make_linear(model: Any) -> None:
    """Replaces GPT-2's layers, which hold their weights the other way round, by linear ones of the same numbers."""
    import torch
    from transformers.pytorch_utils import Conv1D

    for parent in list(model.modules()):
        for name, layer in list(parent.named_children()):
            if isinstance(layer, Conv1D):
                made = torch.nn.Linear(layer.nx, layer.nf, device="meta")
                made.weight = torch.nn.Parameter(layer.weight.detach().t().contiguous(), requires_grad=False)
                made.bias = layer.bias
                setattr(parent, name, made)


def quantized(model: Any) -> list[Any]:
    """The parameters that are held in few bits."""
    return [parameter for parameter in model.parameters() if len(stored(parameter)) > 1]


def stored(parameter: Any) -> list[Any]:
    """The tensors in which a parameter is kept: itself, or packed bits and their scales."""
    if not hasattr(parameter, "__tensor_flatten__"):
        return [parameter]
    return [inner for name in parameter.__tensor_flatten__()[0] for inner in stored(getattr(parameter, name))]


def facts(model: Any) -> dict[str, int]:
    """How many of the model's numbers are in few bits, and in how many bytes all of it is kept."""
    return {
        "quantized_parameters": sum(weight.numel() for weight in quantized(model)),
        "parameter_bytes": sum(part.numel() * part.element_size() for p in model.parameters() for part in stored(p)),
    }
