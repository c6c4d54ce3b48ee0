"""Images prepared by torchvision, on the host or on the card: transformers' pixels but for one level, and none lost."""

import io
import threading
from collections import Counter
from dataclasses import replace
from importlib.util import find_spec

import numpy
import pytest
import torch
from omegaconf import OmegaConf
from PIL import Image

from joulemark.core.errors import UserError
from joulemark.core.model import Checkpoint, Settings
from joulemark.core.paths import CONF
from joulemark.data import jpeg
from joulemark.data.images import EncodedImage
from joulemark.models.backend import image_decoding, image_tensors, preprocessing, worker_threads
from joulemark.models.backend.image_decoding import CARD, HOST, OTHER, Decoded
from joulemark.models.backend.image_tensors import ImageTensors
from tests.composed import built

pytestmark = pytest.mark.weights

needs_torchvision = pytest.mark.skipif(find_spec("torchvision") is None, reason="torchvision is not installed")
needs_card = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")

LEVEL = 1 / 255
# Levels of 255: nvJPEG spreads the halved colours of a file over its pixels otherwise than libjpeg (docs/feeding.md)
NVJPEG_MEAN = 2.5
PROCESSORS = sorted(
    path.stem for path in (CONF / "model" / "processor").glob("*.yaml") if "Image" in path.read_text(encoding="utf-8")
)


def photo(seed, size=(160, 120), kind="JPEG", mode="RGB", **options):
    """A file whose picture is smooth, as of a camera, and of the size that the tasks ask for."""
    noise = numpy.random.default_rng(seed).integers(0, 255, (size[1] // 16, size[0] // 16, 3), dtype="uint8")
    file = io.BytesIO()
    Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC).convert(mode).save(file, kind, **options)
    return EncodedImage(file.getvalue())


def turned(value):
    exif = Image.Exif()
    exif[0x0112] = value
    return exif


def mixed():
    """Files that different decoders take, in an order that tells them apart."""
    return [
        photo(0), photo(1, kind="PNG"), photo(2, exif=turned(6)), photo(3, mode="L"), photo(4, (120, 160)),
        photo(5, mode="CMYK"), replace(photo(6), size=(64, 48)), photo(7, progressive=True),
    ]  # fmt: skip


class Passing:
    """A processor that does nothing but put images of any size into one tensor: the first pixel of each."""

    def __call__(self, images, **options):
        return {"pixel_values": torch.stack([image[:, 0, 0] for image in images])}


def tensors(workers=3, **options):
    threads = worker_threads.started(workers)
    return ImageTensors(Passing(), "cpu", threads, workers, **{"one_size": True, **options})


def by_pil(image):
    """Stands for a decoder where there is no torchvision: PIL's picture, said to be the host's of plain files."""
    pixels = torch.from_numpy(numpy.array(image.open())).permute(2, 0, 1)
    return Decoded(pixels, None, OTHER if jpeg.orientation(image.data) is None else HOST)


def card_by_pil(images, device):
    return [replace(by_pil(image), by=CARD) for image, _ in images]


@pytest.fixture
def _decoders(monkeypatch):
    monkeypatch.setattr(image_decoding, "on_host", by_pil)
    monkeypatch.setattr(image_decoding, "on_card", card_by_pil)


EXPECTED = {HOST: 5, OTHER: 3}


@pytest.mark.usefixtures("_decoders")
@pytest.mark.parametrize(
    ("options", "decoders"),
    [
        ({}, EXPECTED),
        ({"one_size": False}, EXPECTED),
        ({"on_card": True}, {CARD: 5, OTHER: 3}),
        ({"on_card": True, "no_card_decoder": "built without"}, EXPECTED),
    ],
    ids=["shares", "whole batches", "card", "a card that does not decode"],
)
def test_every_image_is_prepared_once_in_its_own_place_whoever_decodes(options, decoders):
    made, batch = tensors(**options), mixed()
    expected = torch.stack([by_pil(image).pixels[:, 0, 0] for image in batch])
    assert torch.equal(made(batch)["pixel_values"], expected)
    assert made.counts == Counter(decoders)
    assert torch.equal(made(batch[::-1])["pixel_values"], expected.flip(0))
    assert made.counts.total() == 2 * len(batch)


@pytest.mark.usefixtures("_decoders")
def test_a_file_that_the_card_refuses_is_decoded_by_the_host_and_counted(monkeypatch):
    monkeypatch.setattr(image_decoding, "on_card", lambda images, device: None)
    made, batch = tensors(on_card=True), mixed()
    assert torch.equal(made(batch)["pixel_values"], torch.stack([by_pil(image).pixels[:, 0, 0] for image in batch]))
    assert made.counts == Counter(EXPECTED)


@pytest.mark.usefixtures("_decoders")
def test_the_facts_say_who_prepared_and_how_many_the_host_decoded_instead(monkeypatch):
    monkeypatch.setattr("importlib.metadata.version", lambda name: "0.28.0")
    made = tensors(on_card=True)
    made(mixed())
    assert made.facts() == {
        "preprocessing": {
            "library": "torchvision", "version": "0.28.0", "device": "cpu", "decoded_by": {CARD: 5, OTHER: 3},
            "host_inputs": 3,
        }
    }  # fmt: skip
    without = tensors(on_card=True, no_card_decoder="torchvision was built without nvJPEG")
    without(mixed())
    assert without.facts()["preprocessing"]["no_card_decoder"] == "torchvision was built without nvJPEG"
    assert without.facts()["preprocessing"]["host_inputs"] == 8
    assert "host_inputs" not in tensors().facts()["preprocessing"]


@pytest.mark.usefixtures("_decoders")
@pytest.mark.parametrize("options", [{}, {"one_size": False}, {"on_card": True}])
def test_what_breaks_in_a_thread_is_what_the_call_says_and_the_next_call_goes_on(options):
    made = tensors(**options)
    with pytest.raises(OSError, match="cannot identify image file"):
        made([photo(0), EncodedImage(b"no image"), photo(1)])
    assert len(made([photo(0)])["pixel_values"]) == 1


def test_threads_are_all_up_compute_alone_and_leave_the_callers_own_number_as_it_was():
    own = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        pool = worker_threads.started(3)
        together = threading.Barrier(3)
        numbers = pool.map(lambda _: (together.wait(5), torch.get_num_threads())[1], range(3))
        assert list(numbers) == [1, 1, 1]
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(own)


def test_threads_that_do_not_come_up_are_said_in_one_line(monkeypatch):
    def full(*arguments, **options):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", full)
    with pytest.raises(
        RuntimeError, match=r"preprocessing_workers=2: they did not come up \(can't start new thread\);"
    ):
        worker_threads.started(2)


@pytest.mark.parametrize("value", range(1, 9))
def test_a_picture_is_turned_as_pillow_turns_it(value):
    stored = numpy.arange(3 * 4 * 3, dtype="uint8").reshape(3, 4, 3)
    file = io.BytesIO()
    Image.fromarray(stored).save(file, "PNG", exif=turned(value))
    upright = numpy.asarray(EncodedImage(file.getvalue()).open())
    made = image_decoding.turned(torch.from_numpy(stored).permute(2, 0, 1), value)
    assert torch.equal(made, torch.from_numpy(upright.copy()).permute(2, 0, 1))


@pytest.mark.parametrize("size", [(640, 480), (7, 3), (33, 90), (1, 1), (101, 77), (50, 38)])
def test_a_picture_is_brought_to_the_tasks_size_by_the_same_nearest_pixels_as_pillow(size):
    stored = numpy.random.default_rng(0).integers(0, 255, (77, 101, 3), dtype="uint8")
    wanted = numpy.array(Image.fromarray(stored).resize(size, Image.Resampling.NEAREST))
    made = image_decoding.resized(torch.from_numpy(stored).permute(2, 0, 1), size)
    assert torch.equal(made, torch.from_numpy(wanted).permute(2, 0, 1))


def test_a_torchvision_that_does_not_load_is_one_line_that_says_what_to_type(monkeypatch):
    import builtins

    usual = builtins.__import__

    def broken(name, *arguments, **options):
        if name == "torchvision":
            raise RuntimeError("operator torchvision::nms does not exist")
        return usual(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", broken)
    with pytest.raises(
        UserError, match=r"nms does not exist\); install the one .* or type preprocessing=transformers$"
    ):
        image_tensors.load_library("fast")


# With the real torchvision, which this project's own environment has not: it must be built for the torch that is there


def processor_of(name, **changes):
    options = OmegaConf.to_container(OmegaConf.load(CONF / "model" / "processor" / f"{name}.yaml"))
    return Checkpoint("random", weights="random", processor={**options, **changes})


def prepared(checkpoint, how, images, device="cpu", one_size=True, workers=2):
    made = preprocessing.images(
        checkpoint, Settings(preprocessing=how, preprocessing_workers=workers if how != "transformers" else 1), device,
        one_size,
    )  # fmt: skip
    return made.tensors(images), made.facts()


def differences(one, other, checkpoint):
    """The largest and the mean difference in levels of 255: what one level makes is the processor's to say."""
    whole = [Image.new("RGB", (64, 64), shade) for shade in ("black", "white")]
    black, white = preprocessing.open_images(checkpoint)(images=whole, return_tensors="pt")["pixel_values"]
    step = (white - black).amax(dim=(1, 2))[None, :, None, None] * LEVEL
    apart = (one.cpu() - other.cpu()).abs() / step
    return float(apart.max()), float(apart.mean())


@needs_torchvision
@pytest.mark.parametrize("name", PROCESSORS)
def test_the_pixels_of_the_host_are_those_of_transformers_but_for_some_levels_of_255(name):
    checkpoint, one_size = processor_of(name), "detr" not in name and "yolos" not in name
    images = [photo(seed, (640, 480)) for seed in range(3)]
    usual, _ = prepared(checkpoint, "transformers", images, one_size=one_size)
    fast, facts = prepared(checkpoint, "fast", images, one_size=one_size)
    assert fast["pixel_values"].dtype == torch.float32
    assert facts["preprocessing"]["decoded_by"] == {HOST: 3}
    largest, mean = differences(usual["pixel_values"], fast["pixel_values"], checkpoint)
    print(f"{name}: largest {largest:.2f}, mean {mean:.5f} levels of 255")
    assert largest <= 2.1
    assert mean < 0.1
    if "pixel_mask" in usual:
        assert torch.equal(usual["pixel_mask"], fast["pixel_mask"])


@needs_torchvision
def test_images_of_several_sizes_are_padded_and_masked_as_transformers_does():
    checkpoint = processor_of("detr_800", size={"shortest_edge": 64, "longest_edge": 120})
    images = [photo(0), photo(1, (120, 160)), photo(2, (160, 160), kind="PNG")]
    usual, _ = prepared(checkpoint, "transformers", images, one_size=False)
    fast, _ = prepared(checkpoint, "fast", images, one_size=False)
    assert torch.equal(usual["pixel_mask"], fast["pixel_mask"])
    assert differences(usual["pixel_values"], fast["pixel_values"], checkpoint)[0] <= 2.1


@needs_torchvision
def test_whatever_file_it_is_the_host_makes_pillows_picture_of_it():
    for image in mixed():
        made = image_decoding.on_host(image)
        wanted = torch.from_numpy(numpy.array(image.open())).permute(2, 0, 1)
        assert made.by == (OTHER if jpeg.orientation(image.data) is None else HOST)
        assert int((made.on("cpu").int() - wanted.int()).abs().max()) <= 1  # of libjpeg and libjpeg


@needs_torchvision
def test_the_way_of_the_card_gives_the_pixels_of_the_host_where_both_are_one():
    checkpoint = processor_of("vit_224")
    processor = preprocessing.open_images(checkpoint, "torchvision")
    made = ImageTensors(processor, "cpu", worker_threads.started(2), 2, one_size=True, on_card=True)
    host, _ = prepared(checkpoint, "fast", mixed())
    assert torch.equal(made(mixed())["pixel_values"], host["pixel_values"])
    assert made.counts == Counter({CARD: 5, OTHER: 3})  # torchvision decodes a list of files on the CPU as well


@needs_torchvision
@pytest.mark.parametrize(
    ("model", "task"),
    [
        ("embedded_image_classifier", "image_classification"),
        ("embedded_detector", "object_detection"),
        ("embedded_captioner", "image_captioning"),
    ],
)
def test_trained_models_predict_the_same_from_either_pixels(model, task):
    count = 64
    run = built(f"model={model}", f"task={task}", f"samples={count}", "batch_size=16", "model.weights=embedded")
    samples = run.task.samples(count, 0).samples
    scores, outputs = {}, {}
    for how in ("transformers", "fast"):
        loaded = run.model.load(run.task, "cpu", replace(run.settings, preprocessing=how))
        inputs = [sample.input for sample in samples]
        predictions = [one for begin in range(0, count, 16) for one in loaded.predict(inputs[begin : begin + 16])]
        scores[how] = run.task.score(samples, predictions).values[run.task.metric]
        outputs[how] = [one.output for one in predictions]
    print(f"{task}: {scores}")
    assert scores["fast"] == pytest.approx(scores["transformers"], abs=0.01)
    if task != "object_detection":  # boxes are numbers
        assert sum(one != other for one, other in zip(*outputs.values(), strict=True)) <= count / 50


@needs_torchvision
@needs_card
@pytest.mark.parametrize("name", PROCESSORS)
def test_the_pixels_of_the_card_are_those_of_transformers_but_for_some_levels_of_255(name):
    checkpoint, one_size = processor_of(name), "detr" not in name and "yolos" not in name
    images = [photo(seed, (640, 480)) for seed in range(8)] + [photo(9, (640, 480), kind="PNG")]
    usual, _ = prepared(checkpoint, "transformers", images, one_size=one_size)
    card, facts = prepared(checkpoint, "device", images, "cuda:0", one_size)
    assert card["pixel_values"].device.type == "cuda"
    largest, mean = differences(usual["pixel_values"], card["pixel_values"], checkpoint)
    print(f"{name}: largest {largest:.2f}, mean {mean:.4f} levels of 255, {facts}")
    assert facts["preprocessing"]["host_inputs"] == 1
    assert mean < NVJPEG_MEAN


@needs_torchvision
@needs_card
def test_the_card_makes_of_every_file_what_the_host_makes_of_it():
    batch = mixed()
    checkpoint = processor_of("vit_224")
    host, _ = prepared(checkpoint, "fast", batch)
    card, facts = prepared(checkpoint, "device", batch, "cuda:0")
    assert facts["preprocessing"]["decoded_by"] == {CARD: 5, OTHER: 3}
    largest, mean = differences(host["pixel_values"], card["pixel_values"], checkpoint)
    print(f"largest {largest:.2f}, mean {mean:.4f} levels of 255")
    assert mean < NVJPEG_MEAN
