"""One encoded image to a tensor of 8-bit RGB, (3, height, width), upright and of the task's size, by whoever can.

nvJPEG on the card takes plain JPEG files (`joulemark.data.jpeg`), torchvision's decoder on the host too. Whatever else
there is, PIL opens as it does without any of this: PNG, grey, CMYK, 16 bits, what is transparent.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from joulemark.data import jpeg
from joulemark.data.images import EncodedImage

CARD, HOST, OTHER = "nvjpeg", "torchvision", "pil"  # names of the decoders, as a record has them

# EXIF orientation -> whether rows become columns, then the axes that are mirrored; EXIF 2.32, 4.6.5.1
TURNS: dict[int, tuple[bool, tuple[int, ...]]] = {
    1: (False, ()),
    2: (False, (2,)),
    3: (False, (1, 2)),
    4: (False, (1,)),
    5: (True, ()),
    6: (True, (2,)),
    7: (True, (1, 2)),
    8: (True, (1,)),
}


@dataclass(frozen=True)
class Decoded:
    """One image.

    Attributes:
        pixels: uint8 (3, height, width), upright, wherever it was decoded
        size: width and height that the task brings it to; None leaves it alone
        by: the decoder
    """

    pixels: Any
    size: tuple[int, int] | None
    by: str

    def on(self, device: str) -> Any:
        """The pixels on a device, of the task's size: they are brought there first and resized there."""
        return resized(self.pixels.to(device, non_blocking=True), self.size)


def on_host(image: EncodedImage) -> Decoded:
    """The image decoded by this thread: a plain JPEG by torchvision, anything else, and what that refuses, by PIL."""
    turn = jpeg.orientation(image.data)
    if turn is not None:
        from torchvision.io import ImageReadMode, decode_jpeg

        try:
            return Decoded(turned(decode_jpeg(_bytes(image), mode=ImageReadMode.RGB), turn), image.size, HOST)
        except RuntimeError:
            pass  # libjpeg's reasons to refuse are more than PIL's
    import numpy
    import torch

    # PIL brings it to the task's size itself, by the same rule
    return Decoded(torch.from_numpy(numpy.array(image.open())).permute(2, 0, 1), None, OTHER)


def on_card(images: Sequence[tuple[EncodedImage, int]], device: str) -> list[Decoded] | None:
    """Plain JPEG files with their orientation, decoded on the card; None where it refuses one of them.

    torch.OutOfMemoryError where the card has no room: another decoder would need that, too.
    """
    import torch
    from torchvision.io import ImageReadMode, decode_jpeg

    if not images:
        return []
    files = [_bytes(image) for image, _ in images]
    try:
        decoded = decode_jpeg(files, mode=ImageReadMode.RGB, device=device)
    except torch.OutOfMemoryError:
        raise
    except RuntimeError:
        return None
    return [
        Decoded(turned(pixels, turn), image.size, CARD) for pixels, (image, turn) in zip(decoded, images, strict=True)
    ]


def why_not_on(device: str) -> str | None:
    """Why the card does not decode, in one line; None where it does: tried with a picture of one colour."""
    import torch
    from PIL import Image
    from torchvision.io import decode_jpeg

    file = io.BytesIO()
    Image.new("RGB", (64, 48), (200, 100, 50)).save(file, "JPEG")
    try:
        decode_jpeg([_bytes(EncodedImage(file.getvalue()))], device=device)
    except torch.OutOfMemoryError:
        raise
    except RuntimeError as error:  # torchvision was built without nvJPEG, or the card is not NVIDIA's
        return str(error).strip().splitlines()[0]
    return None


def turned(pixels: Any, turn: int) -> Any:
    """The pixels as people see them, of an image that was stored as its EXIF orientation says."""
    columns, mirrored = TURNS[turn]
    upright = pixels.transpose(1, 2) if columns else pixels
    return upright.flip(mirrored) if mirrored else upright


def resized(pixels: Any, size: tuple[int, int] | None) -> Any:
    """The pixels of the nearest places, as PIL chooses them: the middle of each new pixel falls into one old."""
    width, height = pixels.shape[2], pixels.shape[1]
    if size is None or tuple(size) == (width, height):
        return pixels
    import torch

    rows, columns = (
        ((torch.arange(new, dtype=torch.float64) + 0.5) * (old / new)).long().to(pixels.device)
        for old, new in ((height, size[1]), (width, size[0]))
    )
    return pixels[:, rows][:, :, columns]


def _bytes(image: EncodedImage) -> Any:
    import torch

    return torch.frombuffer(bytearray(image.data), dtype=torch.uint8)  # a copy: torch wants to be able to write
