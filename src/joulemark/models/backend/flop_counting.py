"""What one call asks of the device: the FLOPs it does and the bytes of parameters it reads, counted op by op.

Whatever a call is made of (an encoder once, a decoder for every token, a denoiser for every step, the experts that a
router chose), each operation that takes a parameter is seen, so nothing has to be known of the architecture.
"""

from collections.abc import Callable, Sequence
from typing import Any

from joulemark.core.measurement import Work
from joulemark.models.backend.compilation import eagerly
from joulemark.models.backend.quantization import stored

# Operations that read only the rows they are asked for: their answer's bytes count, not the table's.
LOOKUPS = ("embedding", "index", "index_select", "gather")


def count(predict: Callable[[Sequence[Any]], Any], batch: Sequence[Any]) -> Work | None:
    """The work of one request of the batch, from one instrumented call, which is slow: never inside a window.

    None where `predict` shows no torch module (as `model`, or as parts of a diffusion `pipe`), or where the counter
    sees none of its parameters being read. What was compiled is counted as it was written, whose work is the same.
    """
    parameters = _parameters(predict)
    if not parameters:
        return None
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    # what the counter (torch 2.13) does not know: attention on the processor, a layer of experts, weights in 4 bits
    aten = torch.ops.aten
    known = {
        aten._scaled_dot_product_flash_attention_for_cpu: _attention_flops,
        aten._grouped_mm: _expert_flops,
        aten._weight_int4pack_mm: _int4_flops,
        aten._weight_int4pack_mm_for_cpu: _int4_flops,
    }
    flops, reads = FlopCounterMode(display=False, custom_mapping=known), _reads(parameters)
    # the counter follows what asks for gradients backwards, which breaks where none are kept
    asking = [parameter for parameter in parameters if parameter.requires_grad]
    try:
        for parameter in asking:
            parameter.requires_grad_(False)
        with eagerly(getattr(predict, "model", None)), flops, reads:
            predict(batch)
    finally:
        for parameter in asking:
            parameter.requires_grad_(True)
    if not reads.bytes_read:
        return None
    return Work(flops.get_total_flops() / len(batch), reads.bytes_read / len(batch))


def _attention_flops(query: Any, key: Any, value: Any, *args: Any, **others: Any) -> int:
    """Queries by keys, and the weights by the values, for shapes (batch, heads, positions, size); nothing masked out,
    as torch counts on a GPU."""
    from torch.utils.flop_counter import sdpa_flop_count

    return int(sdpa_flop_count(query, key, value))


def _expert_flops(rows: Any, weights: Any, *args: Any, **others: Any) -> int:
    """Each of (rows, in) by one of (experts, in, out)."""
    return int(2 * rows[0] * weights[1] * weights[2])


def _int4_flops(rows: Any, packed: Any, group: Any, scales: Any, *args: Any, **others: Any) -> int:
    """(rows, in) by (in, out), where scales and zeros have the shape (in / group, out, 2)."""
    return int(2 * rows[0] * rows[1] * scales[1])


def _experts_read(rows: Any, weights: Any, offs: Any, *args: Any, **others: Any) -> float:
    """The share of the experts that have rows; `offs` is where each one's rows end."""
    starts = offs.roll(1)
    starts[0] = 0
    return float((offs > starts).float().mean())


def _parameters(predict: Any) -> list[Any]:
    """Every parameter of the modules that a predictor holds."""
    model, pipe = getattr(predict, "model", None), getattr(predict, "pipe", None)
    if model is None and pipe is None:
        return []
    import torch

    parts = [model, *getattr(pipe, "components", {}).values()]
    return [p for part in parts if isinstance(part, torch.nn.Module) for p in part.parameters()]


def _address(tensor: Any) -> tuple[str, int]:
    """What the memory of a tensor and of its views is known by; on the device `meta`, which has none, its storage."""
    storage = tensor.untyped_storage()
    return ("storage", storage._cdata) if tensor.is_meta else ("memory", storage.data_ptr())


def _reads(parameters: Sequence[Any]) -> Any:
    """A dispatch mode that adds up the bytes of parameters that operations take, in `bytes_read`."""
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode
    from torch.utils._pytree import tree_leaves

    # held until the end: memory that is freed in between (a part moved to another dtype) must not come back as
    # somebody else's with an address that is known here
    held = [part.detach() for parameter in parameters for part in stored(parameter)]
    sizes = {_address(tensor): tensor.untyped_storage().nbytes() for tensor in held}

    def taken(values: Any) -> list[int]:
        """The bytes of each parameter, or view of one, among an operation's arguments; of an expanded one, its own."""
        tensors = [leaf for leaf in tree_leaves(values) if isinstance(leaf, torch.Tensor)]
        known = [(tensor, sizes.get(_address(tensor))) for tensor in tensors if tensor.numel()]
        return [min(tensor.numel() * tensor.element_size(), size) for tensor, size in known if size]

    class Reads(TorchDispatchMode):
        supports_higher_order_operators = True

        def __init__(self) -> None:
            super().__init__()
            self.bytes_read, self.held = 0, held

        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            kwargs = kwargs or {}
            if not isinstance(func, torch._ops.OpOverload):
                return func(*args, **kwargs)
            # In inference mode whole layers come here (aten::linear): they are taken apart, as FlopCounterMode does
            with self:
                out = func.decompose(*args, **kwargs)
            if out is not NotImplemented:
                return out
            out = func(*args, **kwargs)
            read = [] if func.is_view else taken((args, kwargs))
            if read and func._schema.name.removeprefix("aten::") in LOOKUPS:
                read = [out.numel() * out.element_size()]
            if func is torch.ops.aten._grouped_mm.default:
                read = [round(size * _experts_read(*args, **kwargs)) for size in read]
            self.bytes_read += sum(read)
            return out

    return Reads()
