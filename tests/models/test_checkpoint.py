"""Finding the weights: every mistake is one line that says what to type, and nothing imports torch."""

import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from joulemark.core.errors import UserError
from joulemark.core.model import Checkpoint, Settings
from joulemark.data.embedded import WEIGHTS
from joulemark.data.hub import within
from joulemark.models.backend.checkpoint import fetch
from tests.hub import environment_of

FETCH = """
import sys
from joulemark.core.model import Checkpoint; from joulemark.core.errors import UserError
from joulemark.models.backend.checkpoint import fetch
try:
    print(fetch(Checkpoint({id!r})).path)
except UserError as error:
    print(error)
assert "torch" not in sys.modules and "transformers" not in sys.modules
"""


@pytest.mark.processes
def test_without_a_network_one_line_comes_fast_and_names_the_ways_on(tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound and not listening: a connection is refused
        endpoint = f"http://127.0.0.1:{unused.getsockname()[1]}"
        environment = environment_of(endpoint, tmp_path)
        began = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-c", FETCH.format(id="bigscience/bloomz-560m")],
            env=environment, capture_output=True, text=True,
        )  # fmt: skip
    assert time.monotonic() - began < 10
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == 1
    for word in ("bigscience/bloomz-560m", "model.weights=random", "model=embedded"):
        assert word in done.stdout


def test_waiting_for_a_name_lookup_has_an_end() -> None:
    with pytest.raises(TimeoutError):
        within(0.05, lambda: time.sleep(5))
    assert within(5, lambda: 7) == 7
    with pytest.raises(KeyError):
        within(5, lambda: {}["missing"])


def test_random_weights_need_no_file_but_a_shape() -> None:
    checkpoint = Checkpoint("x", weights="random", shape={"model_type": "gpt2"})
    assert fetch(checkpoint) is checkpoint
    with pytest.raises(UserError, match=r"model\.shape"):
        fetch(Checkpoint("x", weights="random"))


def test_a_folder_must_hold_a_config_and_safetensors(tmp_path: Path) -> None:
    def refusal() -> str:
        with pytest.raises(UserError) as caught:
            fetch(Checkpoint("x", weights=str(tmp_path / "weights")))
        assert "\n" not in str(caught.value)
        return str(caught.value)

    assert "does not exist" in refusal()
    (tmp_path / "weights").mkdir()
    assert "config.json" in refusal()
    (tmp_path / "weights" / "config.json").write_text("{}")
    assert "safetensors" in refusal()
    (tmp_path / "weights" / "model.safetensors").write_bytes(b"")
    found = fetch(Checkpoint("x", weights=str(tmp_path / "weights"), revision="main"))
    assert found.path == tmp_path / "weights"
    assert found.revision is None


def test_a_pipeline_in_a_folder_with_one_part_in_an_old_format_is_refused_by_its_name(tmp_path: Path) -> None:
    folder = tmp_path / "weights"
    shutil.copytree(WEIGHTS / "painter", folder)
    assert fetch(Checkpoint("x", weights=str(folder))).path == folder
    (folder / "vae" / "diffusion_pytorch_model.safetensors").rename(folder / "vae" / "diffusion_pytorch_model.bin")
    with pytest.raises(UserError, match=r"folder: its part 'vae' has no \.safetensors file.*model\.allow_pickle=true"):
        fetch(Checkpoint("x", weights=str(folder)))
    assert fetch(Checkpoint("x", weights=str(folder), allow_pickle=True)).path == folder


@pytest.mark.weights
def test_with_the_flag_a_pipeline_of_both_formats_loads(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file

    from joulemark.models.backend.pipelines import open_pipeline

    folder = tmp_path / "weights"
    shutil.copytree(WEIGHTS / "painter", folder)
    for part, name in (("vae", "diffusion_pytorch_model"), ("text_encoder", "pytorch_model")):
        (safe,) = (folder / part).glob("*.safetensors")
        torch.save(load_file(safe), folder / part / f"{name}.bin")
        safe.unlink()
    mixed = open_pipeline(fetch(Checkpoint("x", weights=str(folder), allow_pickle=True)), "cpu", Settings())
    whole = open_pipeline(fetch(Checkpoint("painter", weights="embedded")), "cpu", Settings())
    for part in ("unet", "vae", "text_encoder"):
        loaded, expected = getattr(mixed, part).state_dict(), getattr(whole, part).state_dict()
        assert all(torch.equal(loaded[name], value) for name, value in expected.items())


def test_an_embedded_checkpoint_that_does_not_ship_is_refused() -> None:
    with pytest.raises(UserError, match="built-in checkpoint 'nothing' does not exist"):
        fetch(Checkpoint("nothing", weights="embedded"))


def test_a_word_that_is_no_id_is_refused() -> None:
    with pytest.raises(UserError, match="owner/name"):
        fetch(Checkpoint("not an id"))
