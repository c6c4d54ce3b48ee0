"""A pipeline's parts are whole, and what its safety checker blanks is counted."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from joulemark.core.errors import UserError
from joulemark.core.model import Checkpoint, Settings
from joulemark.core.task import Prediction, Sample
from joulemark.data.embedded import WEIGHTS
from joulemark.models.backend import judges
from joulemark.models.text_to_image import TextToImage
from tests.models import tiny

pytestmark = pytest.mark.weights

Change = Callable[[dict[str, Any]], dict[str, Any]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(WEIGHTS / "painter", tmp_path / "painter")
    return tmp_path / "painter"


def load(folder: Path) -> Any:
    return TextToImage(Checkpoint("mine", weights=str(folder)), "specialist").load(tiny.Ask(), "cpu", Settings())


def rewrite(folder: Path, part: str, change: Change) -> None:
    from safetensors.torch import load_file, save_file

    (file,) = (folder / part).glob("*.safetensors")
    save_file(change(load_file(file)), file, {"format": "pt"})


def without_one(tensors: dict[str, Any]) -> dict[str, Any]:
    return dict(sorted(tensors.items())[1:])


def with_a_stranger(tensors: dict[str, Any]) -> dict[str, Any]:
    return {**tensors, "extra.weight": next(iter(tensors.values())).clone()}


def with_nan(tensors: dict[str, Any]) -> dict[str, Any]:
    name = next(iter(tensors))
    return {**tensors, name: tensors[name] * float("nan")}


def reshaped(tensors: dict[str, Any]) -> dict[str, Any]:
    name = next(iter(tensors))
    return {**tensors, name: tensors[name].flatten()[:1].clone()}


CHANGES: dict[Change, str] = {
    without_one: "lacks 1 tensor",
    with_a_stranger: "holds 1 tensor (extra.weight)",
    with_nan: "holds NaN",
    reshaped: "shape",
}


@pytest.mark.parametrize("part", ["unet", "vae", "text_encoder"])
@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_each_part_is_whole_and_finite(part: str, change: Change, folder: Path) -> None:
    rewrite(folder, part, change)
    with pytest.raises(UserError) as caught:
        load(folder)
    assert CHANGES[change] in str(caught.value)
    assert part in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("part", ["tokenizer", "scheduler"])
def test_a_part_that_is_absent_is_refused(part: str, folder: Path) -> None:
    shutil.rmtree(folder / part)
    with pytest.raises(UserError, match=part):
        load(folder)


def test_an_image_is_the_same_whatever_else_is_drawn_with_it() -> None:
    painter = TextToImage(Checkpoint("painter", weights="embedded"), "specialist", steps=2)
    predict = painter.load(tiny.Ask(), "cpu", Settings()).predict
    prompts = ["a red square", "a blue circle above a green one", "a star"]
    import numpy

    for prompt, together in zip(prompts, predict(prompts), strict=True):
        (alone,) = predict([prompt])
        difference = numpy.asarray(together.output, int) - numpy.asarray(alone.output, int)
        assert abs(difference).max() <= 1


def test_what_the_safety_checker_blanks_is_counted_whole_and_in_stages() -> None:
    import torch

    painter = TextToImage(Checkpoint("painter", weights="embedded"), "specialist", steps=1)
    loaded = painter.load(tiny.Ask(), "cpu", Settings())
    assert loaded.judge([], []) == {}
    pipe = loaded.predict.pipe

    def checked(images: Any, *_: Any) -> tuple[Any, list[bool]]:
        hidden = [place != 1 for place in range(len(images))]
        return torch.stack([image * 0 if nsfw else image for image, nsfw in zip(images, hidden, strict=True)]), hidden

    checker = torch.nn.Module()
    checker.device, checker.dtype = pipe.device, pipe.dtype
    pipe.register_modules(safety_checker=checker)
    pipe.run_safety_checker = checked
    value: Any = ["a red square", "a blue circle", "a star"]
    whole = loaded.predict(value)
    for stage in loaded.stages:
        value = stage.run(value)
    for predictions in (whole, value):
        samples = [Sample("", "", None)] * len(predictions)
        assert judges.look(None, "cpu", True, samples, predictions) == {"blanked": 2.0}
        assert predictions[0].output.getextrema() == ((0, 0),) * 3


def test_images_without_a_checker_have_no_count() -> None:
    from PIL import Image

    image = Image.new("RGB", (2, 2))
    judges.mark_blanked([image], None)
    assert judges.look(None, "cpu", True, [], [Prediction(image, 1)]) == {"blanked": 0.0}
    assert judges.look(None, "cpu", False, [], [Prediction(image, 1)]) == {}
