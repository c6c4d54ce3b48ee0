"""The header of a JPEG says whether every decoder makes the same picture of it, and which way it lies."""

import io

import numpy
import pytest
from PIL import Image

from joulemark.data.images import EncodedImage
from joulemark.data.jpeg import orientation

PICTURE = Image.fromarray(numpy.random.default_rng(0).integers(0, 255, (24, 40, 3), dtype="uint8"))


def file_of(image=PICTURE, kind="JPEG", **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def turned(value):
    exif = Image.Exif()
    exif[0x0112] = value
    return exif


def with_segment(data, marker, content):
    """The file with one more segment, before all others."""
    return data[:2] + bytes((0xFF, marker)) + (len(content) + 2).to_bytes(2) + content + data[2:]


@pytest.mark.parametrize(
    "options",
    [{}, {"progressive": True}, {"subsampling": 0}, {"optimize": True}, {"quality": 5}, {"comment": b"x" * 999}],
)
def test_a_colour_jpeg_is_plain_however_it_was_saved(options):
    assert orientation(file_of(**options)) == 1


@pytest.mark.parametrize("value", range(1, 9))
def test_it_lies_as_its_exif_says(value):
    assert orientation(file_of(exif=turned(value))) == value


@pytest.mark.parametrize("value", [0, 9, 65535])
def test_an_orientation_that_there_is_not_turns_nothing_as_in_pillow(value):
    data = file_of(exif=turned(value))
    assert orientation(data) == 1
    assert EncodedImage(data).shape == PICTURE.size


def test_the_orientation_of_xmp_counts_where_exif_has_none_as_in_pillow():
    xmp = b'http://ns.adobe.com/xap/1.0/\x00<x:xmpmeta><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'
    data = with_segment(file_of(), 0xE1, xmp)
    assert EncodedImage(data).shape == PICTURE.size[::-1]
    assert orientation(data) == 6


@pytest.mark.parametrize(
    "data",
    [
        file_of(kind="PNG"),
        file_of(kind="WEBP"),
        file_of(kind="BMP"),
        file_of(PICTURE.convert("L")),
        file_of(PICTURE.convert("CMYK")),
        file_of(keep_rgb=True),
        with_segment(file_of(), 0xEE, b"Adobe\x00\x64\x00\x00\x00\x00\x00"),
        file_of().replace(b"\xff\xc0", b"\xff\xc9", 1),
        b"",
        b"no picture",
    ],
    ids=["png", "webp", "bmp", "grey", "cmyk", "rgb", "rgb by adobe", "arithmetic", "empty", "text"],
)
def test_whatever_else_there_is_is_left_to_who_opens_everything(data):
    assert orientation(data) is None


def test_a_file_that_is_cut_anywhere_breaks_nothing():
    data = file_of(exif=turned(6))
    header = data.index(b"\xff\xda")
    assert all(orientation(data[:end]) in (None, 6) for end in range(header))


@pytest.mark.filterwarnings("ignore")  # Pillow's, of EXIF that is corrupt
def test_a_header_of_random_bytes_breaks_nothing():
    data = bytearray(file_of(exif=turned(3)))
    random = numpy.random.default_rng(1)
    for _ in range(500):
        broken = bytearray(data)
        for place in random.integers(2, 200, 4):
            broken[place] = random.integers(256)
        assert orientation(bytes(broken)) in (None, *range(1, 9))
