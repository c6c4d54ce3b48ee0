"""Images as tensors from the first byte on: decoded by torchvision, resized and normalized by transformers on it.

host   files ── threads: decode, resize, normalize ── one tensor                       preprocessing=fast
card   files ── nvJPEG ── resize and normalize whole batches on the card               preprocessing=device
            └── threads of the host: what the card does not decode ┘

The pixels are not PIL's to the last bit (docs/feeding.md), so the settings of a run say who prepared.
"""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from joulemark.core.errors import UserError
from joulemark.data import jpeg
from joulemark.data.batching import split
from joulemark.models.backend import image_decoding, own_stream, worker_threads
from joulemark.models.backend.image_decoding import CARD, Decoded

LIBRARY = "torchvision"


def load_library(preprocessing: str) -> None:
    """Imports torchvision, which is there (config/compatibility looked); UserError where it does not load."""
    try:
        import torchvision  # noqa: F401
    except Exception as error:  # one built for another torch breaks in many ways
        import torch

        raise UserError(
            f"preprocessing={preprocessing}: torchvision does not load ({str(error).splitlines()[0]}); install the one "
            f"that was built for torch {torch.__version__}, or type preprocessing=transformers"
        ) from None


@dataclass(frozen=True)
class ImageTensors:
    """Calls that make the tensors of a batch, in the order of its images.

    Attributes:
        processor: transformers' image processor on torchvision
        device: where images are resized and normalized: `cpu`, or torch's name of a card
        threads: the host's threads
        workers: how many these are
        one_size: whether all images become one size, so that each thread can prepare a share of the batch to its end
        on_card: whether `device` is that of the model and is to decode, too
        pinned: whether the tensors lie where a card can read them by itself
        no_card_decoder: why the card does not decode; None where it does, or is not asked to
        beside: calls what the card is to do, apart from its other work
        counts: how many images each decoder has taken since the load
    """

    processor: Any
    device: str
    threads: ThreadPoolExecutor
    workers: int
    one_size: bool
    on_card: bool = False
    pinned: bool = False
    no_card_decoder: str | None = None
    beside: Callable[[own_stream.Work], Mapping[str, Any]] = own_stream.here
    counts: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, processor: Any, workers: int, one_size: bool, device: str, on_card: bool) -> "ImageTensors":
        """Ready for a model on `device`: threads are up, and where the card is to decode its decoder was tried."""
        threads = worker_threads.started(workers)
        if on_card:
            why = image_decoding.why_not_on(device)
            beside = own_stream.beside(device)
            return cls(processor, device, threads, workers, one_size, True, no_card_decoder=why, beside=beside)
        return cls(processor, "cpu", threads, workers, one_size, pinned=device.startswith("cuda"))

    def __call__(self, images: Sequence[Any]) -> Mapping[str, Any]:
        """The tensors of a batch, on `device`; what a decoder does not take another one does, and none is left out."""
        if self.one_size and not self.on_card:
            return self._shared(images)
        return self.beside(lambda: self._whole(images))

    def facts(self) -> dict[str, Any]:
        """What prepared, and how many images each decoder took: JSON values."""
        from importlib.metadata import version

        made: dict[str, Any] = {"library": LIBRARY, "version": version(LIBRARY), "device": self.device}
        made["decoded_by"] = dict(self.counts)
        if self.on_card:
            made["host_inputs"] = self.counts.total() - self.counts[CARD]
        if self.no_card_decoder is not None:
            made["no_card_decoder"] = self.no_card_decoder
        return {"preprocessing": made}

    def _whole(self, images: Sequence[Any]) -> Mapping[str, Any]:
        """The batch decoded, and then prepared in one."""
        decoded = self._decoded(images)
        self.counts.update(image.by for image in decoded)
        return self._processed(decoded)

    def _shared(self, images: Sequence[Any]) -> Mapping[str, Any]:
        """Each thread prepares shares of the batch to their end: two each, so that a slow core's is taken over."""
        shares = split(images, max(1, math.ceil(len(images) / (2 * self.workers))))
        pixels = []
        for share, decoders in self.threads.map(self._share, shares):
            pixels.append(share)
            self.counts.update(decoders)
        return {"pixel_values": _joined(pixels, self.pinned)}

    def _share(self, images: Sequence[Any]) -> tuple[Any, list[str]]:
        decoded = [image_decoding.on_host(image) for image in images]
        return self._processed(decoded)["pixel_values"], [image.by for image in decoded]

    def _decoded(self, images: Sequence[Any]) -> list[Decoded]:
        """Every image decoded, in order; the host's threads begin with theirs before the card is asked."""
        if not self.on_card or self.no_card_decoder is not None:
            return list(self.threads.map(image_decoding.on_host, images))
        turns = {place: turn for place, image in enumerate(images) if (turn := jpeg.orientation(image.data))}
        waited = {
            place: self.threads.submit(image_decoding.on_host, image)
            for place, image in enumerate(images)
            if place not in turns
        }
        on_card = image_decoding.on_card([(images[place], turn) for place, turn in turns.items()], self.device)
        if on_card is None:
            on_card = list(self.threads.map(image_decoding.on_host, [images[place] for place in turns]))
        taken = dict(zip(turns, on_card, strict=True))
        return [taken[place] if place in taken else waited[place].result() for place in range(len(images))]

    def _processed(self, decoded: Sequence[Decoded]) -> Mapping[str, Any]:
        tensors: Mapping[str, Any] = self.processor(
            images=[image.on(self.device) for image in decoded],
            device=self.device,
            input_data_format="channels_first",
            return_tensors="pt",
        )
        return tensors


def _joined(shares: Sequence[Any], pinned: bool) -> Any:
    """The shares as one tensor."""
    import torch

    if not pinned:
        return torch.cat(list(shares))
    shape = (sum(len(share) for share in shares), *shares[0].shape[1:])
    return torch.cat(list(shares), out=torch.empty(shape, dtype=shares[0].dtype, pin_memory=True))
