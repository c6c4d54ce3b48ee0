"""Pictures as people see them: upright, in their own shades, on white; or the reason why not."""

import io
import json
import struct
import zlib

import numpy
import pytest
from PIL import Image

from joulemark.core.errors import BadRowError, UserError
from joulemark.data.dataset import Dataset
from joulemark.data.images import encoded_image
from joulemark.tasks.image_captioning import ImageCaptioning
from joulemark.tasks.image_classification import ImageClassification
from joulemark.tasks.object_detection import ObjectDetection

UPRIGHT = numpy.arange(6, dtype=numpy.uint8).reshape(2, 3) * 40  # two rows of three pixels
# EXIF orientation -> how the sensor's picture lies to the upright one
STORED = {
    1: UPRIGHT, 2: UPRIGHT[:, ::-1], 3: UPRIGHT[::-1, ::-1], 4: UPRIGHT[::-1],
    5: UPRIGHT.T, 6: numpy.rot90(UPRIGHT), 7: UPRIGHT[::-1, ::-1].T, 8: numpy.rot90(UPRIGHT, -1),
}  # fmt: skip


def file_of(image, kind="PNG", **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def turned(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return file_of(Image.fromarray(numpy.ascontiguousarray(STORED[orientation])), exif=exif)


def png16(values, color):
    """A PNG of 16 bits a channel, which Pillow writes for grey alone: color 0 grey, 2 RGB, 4 grey and alpha, 6 RGBA."""
    height, width = values.shape[:2]
    data = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    header = struct.pack(">IIBBBBB", width, height, 16, color, 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(data)), (b"IEND", b"")]
    chunks = [struct.pack(">I", len(d)) + t + d + struct.pack(">I", zlib.crc32(t + d)) for t, d in parts]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def shades(data):
    return numpy.asarray(encoded_image(data).open())


@pytest.mark.parametrize("orientation", STORED)
def test_a_picture_stands_upright_whichever_way_the_camera_was_held(orientation):
    image = encoded_image(turned(orientation))
    assert (shades(turned(orientation))[:, :, 0] == UPRIGHT).all()
    assert image.shape == (3, 2)


def test_it_is_turned_before_it_is_resized():
    wide = encoded_image(turned(6), size=(6, 4)).open()
    assert (numpy.asarray(wide)[::2, ::2, 0] == UPRIGHT).all()


def test_boxes_are_shares_of_the_picture_as_people_see_it(tmp_path):
    (tmp_path / "a.png").write_bytes(turned(6))
    row = {"image": "a.png", "objects": [{"bbox": [0, 0, 3, 1], "category": "cat"}]}
    (tmp_path / "a.jsonl").write_text(json.dumps(row))
    data = Dataset(
        "file", "x", {"image": "image", "objects": "objects"}, path=str(tmp_path / "a.jsonl"), labels=("cat",)
    )
    assert ObjectDetection(data, None).samples(1, 0).samples[0].target == [{"box": [0, 0, 1, 0.5], "label": "cat"}]


RAMP = numpy.arange(0, 65536, 257, dtype=numpy.uint16).reshape(16, 16)  # every shade of 8 bits, in 16


@pytest.mark.parametrize(
    "data",
    [
        file_of(Image.fromarray(RAMP)),
        file_of(Image.fromarray(RAMP), "TIFF"),
        b"P5 16 16 65535\n" + RAMP.astype(">u2").tobytes(),
        png16(numpy.stack([RAMP] * 3, -1), 2),
    ],
    ids=["grey PNG", "grey TIFF", "PGM", "RGB PNG"],
)
def test_sixteen_bits_are_scaled_to_eight_not_clipped(data):
    assert (shades(data)[:, :, 0].ravel() == range(256)).all()


def test_what_is_transparent_lies_on_white():
    pixels = numpy.zeros((1, 3, 4), dtype=numpy.uint8)
    pixels[0, :, 3] = 0, 255, 51
    seen = shades(file_of(Image.fromarray(pixels)))
    assert seen[0].tolist() == [[255] * 3, [0] * 3, [204] * 3]
    grey = Image.fromarray(pixels).convert("LA")
    assert shades(file_of(grey))[0].tolist() == seen[0].tolist()
    sixteen = png16(numpy.stack([numpy.zeros((1, 2)), numpy.array([[0, 65535]])], -1), 4)
    assert shades(sixteen)[0].tolist() == [[255] * 3, [0] * 3]


def test_the_colours_of_a_palette_are_read_and_its_transparent_entry_is_white():
    image = Image.fromarray(numpy.array([[0, 1]], dtype=numpy.uint8)).convert("P")
    image.putpalette([200, 10, 30, 0, 90, 0])
    assert shades(file_of(image))[0].tolist() == [[200, 10, 30], [0, 90, 0]]
    assert shades(file_of(image, transparency=0))[0].tolist() == [[255, 255, 255], [0, 90, 0]]
    assert shades(file_of(image, "GIF"))[0].tolist() == [[200, 10, 30], [0, 90, 0]]


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_cmyk_is_read_as_ink_on_white(kind):
    image = Image.new("CMYK", (8, 8), (0, 0, 0, 0))
    image.paste((0, 255, 255, 0), (0, 0, 8, 4))
    seen = shades(file_of(image, kind))
    assert seen[7, 7].min() > 250
    assert seen[0, 0, 0] > 250
    assert seen[0, 0, 1:].max() < 5


@pytest.mark.parametrize("mode", ["I", "F"])
def test_pixels_whose_white_is_unknown_are_not_usable(mode):
    with pytest.raises(BadRowError, match="pixels of 32 bits, whose white is unknown; save it with 8 or 16 bits"):
        encoded_image(file_of(Image.new(mode, (2, 2), 70_000), "TIFF"))


TASKS = [
    lambda data: ImageClassification(data, None, "", 1, 4),
    lambda data: ImageCaptioning(data, None, "", 1, 4),
    lambda data: ObjectDetection(data, None),
]


@pytest.mark.parametrize("make", TASKS)
def test_a_path_starts_from_the_folder_of_the_data_file(make, tmp_path, monkeypatch):
    (tmp_path / "data" / "images").mkdir(parents=True)
    (tmp_path / "data" / "images" / "a.png").write_bytes(turned(6))
    path = tmp_path / "data" / "mine.csv"
    path.write_text(f"image\nimages/a.png\n{path.parent}/images/a.png\n")
    monkeypatch.chdir(tmp_path)
    for typed in (str(path), "data/mine.csv"):
        samples = make(Dataset("file", "x", {"image": "image"}, path=typed)).samples(2, 0).samples
        assert [sample.input.shape for sample in samples] == [(3, 2)] * 2
    (tmp_path / "lost.csv").write_text("image\nimages/a.png\n")
    with pytest.raises(
        UserError, match=r"'images/a\.png', which is no file; a path starts from the folder of the data"
    ):
        make(Dataset("file", "x", {"image": "image"}, path="lost.csv")).samples(1, 0)


def test_a_parquet_holds_pictures_as_bytes_or_as_the_hub_nests_them(tmp_path):
    import pyarrow
    from pyarrow import parquet

    data = turned(6)
    (tmp_path / "a.png").write_bytes(data)
    nested = [{"bytes": data, "path": None}, {"bytes": None, "path": "a.png"}]
    for images in (nested, [data, data]):
        parquet.write_table(pyarrow.table({"image": images}), tmp_path / "a.parquet")
        dataset = Dataset("file", "x", {"image": "image"}, path=str(tmp_path / "a.parquet"))
        samples = ImageCaptioning(dataset, None, "", 1, 4).samples(2, 0).samples
        assert [sample.input.data for sample in samples] == [data, data]
