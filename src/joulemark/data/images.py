"""Images as the bytes of their files: decoding and resizing are part of an inference, as for anybody's service."""

import hashlib
import io
import re
import struct
import zlib
from dataclasses import dataclass, field
from typing import Any

from joulemark.core.errors import BadRowError
from joulemark.data.dataset import bytes_of

# Errors of PIL and its decoders for a file that is not an image, or is truncated
UNREADABLE = (OSError, ValueError, SyntaxError, EOFError, IndexError, struct.error, zlib.error)


@dataclass(frozen=True)
class EncodedImage:
    """One encoded image, and the size in pixels (width, height) that the task brings it to; None leaves it alone."""

    data: bytes = field(repr=False)
    size: tuple[int, int] | None = None

    def open(self) -> Any:
        """The decoded PIL image in RGB, resized to the nearest pixels as the study did."""
        from PIL import Image

        image = Image.open(io.BytesIO(self.data)).convert("RGB")
        return image if self.size is None else image.resize(self.size, Image.Resampling.NEAREST)

    @property
    def shape(self) -> tuple[int, int]:
        """Width and height of the image as its source has it, before any resizing."""
        from PIL import Image

        size: tuple[int, int] = Image.open(io.BytesIO(self.data)).size
        return size

    def __str__(self) -> str:
        """The digest of the bytes: what a record says of an image."""
        return f"image {hashlib.sha256(self.data).hexdigest()[:16]}"


def encoded_image(value: Any, size: tuple[int, int] | None = None) -> EncodedImage:
    """The image in a row's field: bytes, `{bytes, path}` as datasets gives it undecoded, a file or an https address.

    Raises BadRowError where it does not decode to its end, or has more pixels than PIL's safety limit.
    """
    from PIL import Image

    address = isinstance(value, str) and value.startswith(("https://", "http://"))
    image = EncodedImage(_fetched(value) if address else bytes_of(value, "image"), size)
    try:
        image.open()
    except (*UNREADABLE, Image.DecompressionBombError) as error:
        raise BadRowError(f"the image does not decode ({_plain(error)})") from None
    return image


def _plain(error: Exception) -> str:
    # PIL names the buffer by its address in memory, another one each time
    return re.sub(r" ?<_io\.BytesIO object at 0x[0-9a-f]+>", "", str(error)) or type(error).__name__


def _fetched(address: str) -> bytes:
    import requests

    try:
        response = requests.get(address, timeout=10)
        response.raise_for_status()
    except requests.RequestException as error:
        raise BadRowError(f"{address} cannot be fetched ({type(error).__name__})") from None
    content: bytes = response.content
    return content
