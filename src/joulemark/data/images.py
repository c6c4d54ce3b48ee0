"""Images as the bytes of their files: decoding and resizing are part of an inference, as for anybody's service."""

import hashlib
import io
import re
import struct
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from joulemark.core.errors import BadRowError
from joulemark.data.media import STANDARD, Media, bytes_of

# Errors of PIL and its decoders for a file that is not an image, or is truncated
UNREADABLE = (OSError, ValueError, SyntaxError, EOFError, IndexError, struct.error, zlib.error)


@dataclass(frozen=True)
class EncodedImage:
    """One encoded image, and the size in pixels (width, height) that the task brings it to; None leaves it alone."""

    data: bytes = field(repr=False)
    size: tuple[int, int] | None = None

    def open(self) -> Any:
        """The decoded PIL image in RGB, upright, resized to the nearest pixels as the study did."""
        from PIL import Image

        image = in_rgb(self._upright())
        return image if self.size is None else image.resize(self.size, Image.Resampling.NEAREST)

    @property
    def shape(self) -> tuple[int, int]:
        """Width and height of the image as people see it, upright, before any resizing."""
        size: tuple[int, int] = self._upright().size
        return size

    @property
    def pixels(self) -> int:
        """How many pixels it has, as its header says."""
        width, height = self._stored().size
        return int(width * height)

    def _stored(self) -> Any:
        """The image as its file holds it, of which nothing but the header is read yet."""
        from PIL import Image

        Image.MAX_IMAGE_PIXELS = None  # the task's own limit holds instead, before anything is decoded
        return Image.open(io.BytesIO(self.data))

    def _upright(self) -> Any:
        """The image turned as its EXIF orientation says: cameras store every picture the way the sensor lies."""
        from PIL import ImageOps

        image = self._stored()
        ImageOps.exif_transpose(image, in_place=True)
        return image

    def __str__(self) -> str:
        """The digest of the bytes: what a record says of an image."""
        return f"image {hashlib.sha256(self.data).hexdigest()[:16]}"


def in_rgb(image: Any) -> Any:
    """A PIL image in 8-bit RGB: 16 bits are scaled, not clipped, and what is transparent lies on white.

    ValueError for pixels of 32 bits, whose white is stated nowhere.
    """
    from PIL import Image

    if image.mode.startswith("I;16") or (image.mode == "I" and image.format == "PPM"):
        import numpy

        image = Image.fromarray(
            (numpy.asarray(image) >> 8).astype("uint8")
        )  # the high byte, as PIL does for 16-bit RGB
    elif image.mode in ("I", "F"):
        raise ValueError("pixels of 32 bits, whose white is unknown; save it with 8 or 16 bits")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert("RGB")


def encoded_image(
    value: Any, size: tuple[int, int] | None = None, media: Media = STANDARD, folder: Path | None = None
) -> EncodedImage:
    """The image in a row's field: bytes, `{bytes, path}` as datasets gives it undecoded, a file or an https address.

    A path starts from `folder`, that of the data file; `media` says what else is allowed, and how many pixels.
    Raises BadRowError where it does not decode to its end, or has more pixels: that is known before it is decoded.
    """
    image = EncodedImage(bytes_of(value, "image", media, folder), size)
    try:
        if image.pixels > media.max_megapixels * 1e6:
            raise BadRowError(
                f"the image has {image.pixels / 1e6:.0f} megapixels, the most is {media.max_megapixels:g}; "
                "task.media.max_megapixels=… allows more"
            )
        image.open()
    except UNREADABLE as error:
        raise BadRowError(f"the image does not decode ({_plain(error)})") from None
    return image


def _plain(error: Exception) -> str:
    # PIL names the buffer by its address in memory, another one each time
    return re.sub(r" ?<_io\.BytesIO object at 0x[0-9a-f]+>", "", str(error)) or type(error).__name__
