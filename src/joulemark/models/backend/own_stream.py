"""Work of the card for the next batch, apart from what it is doing for this one.

All that is given to the card without a word goes into one queue. With `prefetch` another thread has put a forward pass
there, and whoever prepares the next batch would wait for the end of it.
"""

from collections.abc import Callable, Mapping
from typing import Any

Work = Callable[[], Mapping[str, Any]]


def here(work: Work) -> Mapping[str, Any]:
    """Work of the host, done at once."""
    return work()


def beside(device: str) -> Callable[[Work], Mapping[str, Any]]:
    """A caller of work that makes named tensors: in a queue of its own on a card, and as it is on the host.

    What it returns is done, and may be used in the card's common queue.
    """
    if not device.startswith("cuda"):
        return here
    import torch

    stream, common = torch.cuda.Stream(device), torch.cuda.default_stream(device)

    def call(work: Work) -> Mapping[str, Any]:
        with torch.cuda.stream(stream):
            made = work()
        stream.synchronize()
        for tensor in made.values():
            tensor.record_stream(common)  # its memory goes to nobody else before the forward pass has read it
        return made

    return call
