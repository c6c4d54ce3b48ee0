"""A forward pass recorded as CUDA graphs, one for each shape of its inputs, and replayed without the host's launches.

inputs ── shape recorded? ── yes ─────────────────────────▶ copied in ── replayed ── outputs copied out
               └─ no ── fewer than MOST? ── yes ── recorded ──┘
                                └─ no ── run as it is written, and counted

A graph reads and writes the same memory at each replay: its inputs are copied there, its outputs from there, so that a
result which is kept, as a stage's is for the next one, stays what it was. Graphs share one pool of memory: what lies in
it between two replays are the outputs alone. torch.cuda.CUDAGraph, torch's notes on CUDA semantics, "CUDA Graphs".
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import update_wrapper
from typing import Any

from joulemark.core.errors import UserError

MOST = 64  # graphs kept of one model; each holds its outputs and its launches in the GPU's memory
BEFORE = 2  # calls before one is recorded: libraries choose their kernels and take their memory in the first
MASK = "attention_mask"

# Runs a call so that it is recorded; what repeats it, and its output, whose memory each repetition writes
Record = Callable[[Callable[[], Any]], tuple[Callable[[], None], Any]]
Shape = tuple[Any, ...]


@dataclass(frozen=True)
class Graph:
    """One recorded call: `inputs` and `output` are the memory that `replay` reads and writes."""

    inputs: Sequence[Any]
    output: Any
    replay: Callable[[], None]


class Graphs:
    """A forward pass in place of which graphs of it are replayed, at most so many; called like the forward pass.

    Attributes:
        eager_calls: calls that ran as they are written, since their shape was one too many
    """

    def __init__(self, forward: Callable[..., Any], record: Record, most: int = MOST) -> None:
        self._forward, self._record, self._most = forward, record, most
        self._graphs: dict[Shape, Graph] = {}
        self._off = False
        self.eager_calls = 0
        update_wrapper(self, forward)  # its signature says which inputs the model takes

    def __len__(self) -> int:
        return len(self._graphs)

    def __call__(self, *args: Any, **options: Any) -> Any:
        if self._off:
            return self._forward(*args, **options)
        import torch

        shape = _shape(args, options)
        if shape not in self._graphs and len(self._graphs) >= self._most:
            self.eager_calls += 1
            return self._forward(*args, **options)
        with torch.inference_mode():  # memory made within it is written within it alone
            if (graph := self._graphs.get(shape)) is None:
                graph = self._graphs[shape] = self._recorded(args, options)
            for place, value in zip(graph.inputs, _tensors(args, options), strict=True):
                place.copy_(value)
            graph.replay()
            return _copied(graph.output)

    @contextmanager
    def off(self) -> Iterator[None]:
        """Within it the forward pass runs as it is written."""
        before, self._off = self._off, True
        try:
            yield
        finally:
            self._off = before

    def _recorded(self, args: Sequence[Any], options: Mapping[str, Any]) -> Graph:
        own_args = [_own(value) for value in args]
        own_options = {name: _own(value) for name, value in options.items()}
        if _is_tensor(own_options.get(MASK)):
            # transformers leaves a mask out that masks nothing, but when it is recorded, for it cannot know: the calls
            # before are to run the kernels of a masked one too
            own_options[MASK][:1, :1] = 0
        replay, output = self._record(lambda: self._forward(*own_args, **own_options))
        return Graph(_tensors(own_args, own_options), _kept(output), replay)


def recorder(device: Any, name: str) -> Record:
    """Records on a stream of its own with memory of its own, which all graphs of a model share.

    `name` is the model's, for the UserError where it cannot be recorded: where it waits for a value of the GPU, or
    takes one from the host.
    """
    import torch

    stream, pool = torch.cuda.Stream(device), torch.cuda.graph_pool_handle()

    def record(call: Callable[[], Any]) -> tuple[Callable[[], None], Any]:
        current = torch.cuda.current_stream(device)
        stream.wait_stream(current)
        with torch.cuda.stream(stream):
            for _ in range(BEFORE):
                call()
        current.wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        try:
            # thread_local: what another thread does meanwhile, as preparing the next batch, is none of the graph's
            with torch.cuda.graph(graph, pool=pool, stream=stream, capture_error_mode="thread_local"):
                output = call()
        except RuntimeError as error:  # the end of the recording breaks too, after what broke within
            raise _refusal(error.__context__ or error, name) from None
        return graph.replay, output

    return record


def _refusal(cause: BaseException, name: str) -> BaseException:
    """What is raised for a call that could not be recorded; memory that ran out is no matter of recording."""
    if type(cause).__name__ == "OutOfMemoryError":
        return cause
    reason = next(iter(str(cause).strip().splitlines()), type(cause).__name__)
    return UserError(
        f"compile=cudagraphs: a {name} cannot be recorded as a CUDA graph ({reason}); type compile=graphs or "
        "compile=false"
    )


def _is_tensor(value: Any) -> bool:
    import torch

    return isinstance(value, torch.Tensor)


def _shape(args: Sequence[Any], options: Mapping[str, Any]) -> Shape:
    """What a recorded call can be replayed for: the tensors' shapes and types, and all other values."""
    values = ((value.shape, value.dtype) if _is_tensor(value) else repr(value) for value in (*args, *options.values()))
    return (len(args), *options, *values)


def _tensors(args: Sequence[Any], options: Mapping[str, Any]) -> list[Any]:
    return [value for value in (*args, *options.values()) if _is_tensor(value)]


def _own(value: Any) -> Any:
    """A tensor's copy, which is the graph's; any other value itself."""
    return value.clone() if _is_tensor(value) else value


def _kept(output: Any) -> Any:
    """The output without what is neither a tensor nor plain: a cache would hold its memory as long as the graph."""
    from torch.utils._pytree import tree_map

    return tree_map(
        lambda value: value if _is_tensor(value) or isinstance(value, bool | int | float | str) else None, output
    )


def _copied(output: Any) -> Any:
    from torch.utils._pytree import tree_map

    return tree_map(_own, output)
