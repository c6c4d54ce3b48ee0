"""Tensors on their way between host and device while both work.

host     prepare ─ pinned memory ┐                    ┌ pinned memory ─ read
                                 copy                 copy, then an event, which alone is waited for
device                           └─── forward pass ───┘

A copy to or from other memory of the host would wait for all that the device was given before. What is prepared on the
device itself has a queue of its own (own_stream.py).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

from joulemark.core.model import Steps


@dataclass(frozen=True)
class Arriving:
    """What a model gave, on its way to the host.

    Attributes:
        value: the output, its tensors in pinned memory of the host, which are filled once the events have happened
        events: one for each device that a tensor comes from
    """

    value: Any
    events: tuple[Any, ...]

    def arrived(self) -> Any:
        """The output on the host; returns when its own copies are done, whatever the device was given after them."""
        for event in self.events:
            event.synchronize()
        return self.value


def overlapping(predictor: Any, device: str, threads: int = 1) -> Steps:
    """The steps of a Predictor (stages.py), of which none waits for another batch's where the device is a GPU."""
    if not device.startswith("cuda"):
        return Steps(predictor.prepare, predictor.infer, predictor.read, threads)
    return Steps(
        prepare=lambda inputs: pinned(predictor.prepare(inputs)),
        infer=lambda prepared: arriving(predictor.infer(prepared)),
        read=lambda output: predictor.read(output.arrived()),
        threads=threads,
    )


def to_device(tensor: Any, device: Any, dtype: Any = None) -> Any:
    """The tensor there, in this number format where one is given; of pinned memory nobody waits for the copy."""
    if not tensor.is_pinned():
        return tensor.to(device) if dtype is None else tensor.to(device, dtype)
    moved = tensor.to(device, non_blocking=True)
    return moved if dtype is None else moved.to(dtype)


def pinned(value: Any) -> Any:
    """The same with its tensors of the host in pinned memory. MemoryError where there is no more of that."""

    def pin(tensor: Any) -> Any:
        if tensor.device.type != "cpu" or tensor.is_pinned():
            return tensor
        try:
            return tensor.pin_memory()
        except RuntimeError as error:
            if "out of memory" not in str(error):
                raise
            raise MemoryError(f"no pinned memory of the host for {tensor.nbytes:,} bytes") from error

    return mapped(value, pin)


def arriving(output: Any) -> Arriving:
    """Begins to bring what a model gave to the host, once the device has done it."""
    import torch

    devices = set()

    def begin(tensor: Any) -> Any:
        if tensor.device.type != "cuda":
            return tensor
        devices.add(tensor.device)
        return torch.empty_like(tensor, device="cpu", pin_memory=True).copy_(tensor, non_blocking=True)

    value = mapped(output, begin)
    return Arriving(value, tuple(_event(device) for device in devices))


def _event(device: Any) -> Any:
    """An event behind all that the device was given; whoever waits for it sleeps, and leaves the core to others."""
    import torch

    event = torch.cuda.Event(blocking=True)
    event.record(torch.cuda.current_stream(device))
    return event


def mapped(value: Any, change: Callable[[Any], Any]) -> Any:
    """The value with `change` made to each tensor in it: in tuples, mappings, dataclasses, and lists that begin so."""
    import torch

    if isinstance(value, torch.Tensor):
        return change(value)
    if isinstance(value, Mapping):
        return {key: mapped(inner, change) for key, inner in value.items()}
    if isinstance(value, tuple):
        return tuple(mapped(inner, change) for inner in value)
    if isinstance(value, list) and value and (isinstance(value[0], torch.Tensor) or is_dataclass(value[0])):
        return [mapped(inner, change) for inner in value]
    if is_dataclass(value) and not isinstance(value, type):
        held = {each.name: getattr(value, each.name) for each in fields(value)}
        return replace(value, **{name: mapped(one, change) for name, one in held.items() if isinstance(one, Mapping)})
    return value
