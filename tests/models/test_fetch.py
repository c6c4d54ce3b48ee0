"""Fetching from a Hub on loopback: what is downloaded, and what each refusal says."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.hub import SHA, environment_of, hub

pytestmark = pytest.mark.servers

FILES = {
    "config.json": b"{}", "model.safetensors": b"weights", "tokenizer.json": b"{}", "merges.txt": b"a b",
    "pytorch_model.bin": b"pickle", "tf_model.h5": b"x", "onnx/model.safetensors": b"x", "modeling_x.py": b"x = 1",
}  # fmt: skip
REPOSITORIES = {
    "o/good": FILES,
    "o/pickled": {"config.json": b"{}", "pytorch_model.bin": b"pickle"},
    "o/pipeline": {
        "model_index.json": b"""{"_class_name": "P", "unet": ["diffusers", "U"], "safety_checker": [null, null],
            "scheduler": ["diffusers", "S"]}""",
        "unet/model.safetensors": b"x",
        "unet/model.fp16.safetensors": b"x",
        "unet/config.json": b"{}",
        "scheduler/scheduler_config.json": b"{}",
        "vae_decoder/config.json": b"{}",
        "vae_decoder/model.onnx": b"x",
        "safety_checker/config.json": b"{}",
        "safety_checker/pytorch_model.bin": b"x",
        "other.safetensors": b"x",
    },
    "o/half": {
        "model_index.json": b'{"unet": ["diffusers", "U"], "vae": ["diffusers", "V"], "text": ["transformers", "T"]}',
        **{f"{part}/config.json": b"{}" for part in ("unet", "vae", "text")},
        "unet/model.safetensors": b"x",
        "vae/diffusion_pytorch_model.bin": b"x",
        "vae/diffusion_pytorch_model.fp16.safetensors": b"x",
        "text/pytorch_model.bin": b"x",
        "text/openvino_model.bin": b"x",
    },
    "o/trained": {"config.json": b"{}", "training_args.bin": b"x", "tf_model.h5": b"x"},
    "o/sharded": {"config.json": b"{}", "model-1.safetensors": b"x", "model-2.safetensors": b"x"},
    "o/bare": {"model.safetensors": b"x"},
    "o/gated": FILES,
    "o/guarded": FILES,
}


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with hub(REPOSITORIES) as address:
        yield address


SCRIPT = """
import json, sys
from joulemark.core.model import Checkpoint; from joulemark.core.errors import UserError
from joulemark.models.backend.checkpoint import fetch
for words in json.loads(sys.argv[1]):
    try:
        found = fetch(Checkpoint(**words))
        files = sorted(str(p.relative_to(found.path)) for p in found.path.rglob("*") if p.is_file())
        print(json.dumps({"revision": found.revision, "files": files}))
    except UserError as error:
        print(json.dumps(str(error)))
"""


def ask(endpoint: str, home: Path, *checkpoints: dict[str, Any], **more: str) -> list[Any]:
    """What a fresh process gets for each checkpoint: its revision and files, or the refusal."""
    command = [sys.executable, "-c", SCRIPT, json.dumps(checkpoints)]
    done = subprocess.run(command, env=environment_of(endpoint, home, **more), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_only_safetensors_and_what_goes_with_them_are_downloaded_and_kept_for_later(
    endpoint: str, tmp_path: Path
) -> None:
    good = {"revision": SHA, "files": ["config.json", "merges.txt", "model.safetensors", "tokenizer.json"]}
    plain, pipeline, again, trusted = ask(
        endpoint, tmp_path, {"id": "o/good"}, {"id": "o/pipeline"}, {"id": "o/good", "revision": SHA},
        {"id": "o/good", "trust_remote_code": True},
    )  # fmt: skip
    assert plain == again == good
    assert pipeline["files"] == [
        "model_index.json", "scheduler/scheduler_config.json", "unet/config.json", "unet/model.safetensors",
    ]  # fmt: skip
    assert trusted["files"] == sorted([*good["files"], "modeling_x.py"])

    offline, unknown = ask("http://127.0.0.1:9", tmp_path, {"id": "o/pipeline"}, {"id": "o/other"})
    assert offline == pipeline
    assert "model.weights=random" in unknown


def test_a_copy_that_lacks_a_shard_is_not_taken_for_the_checkpoint_when_the_hub_is_away(
    endpoint: str, tmp_path: Path
) -> None:
    sharded = {"id": "o/sharded"}
    (whole,) = ask(endpoint, tmp_path, sharded)
    assert ask("http://127.0.0.1:9", tmp_path, sharded) == [whole]
    next(tmp_path.rglob("model-2.safetensors")).unlink()
    (refusal,) = ask("http://127.0.0.1:9", tmp_path, sharded)
    assert "the cached copy is incomplete" in refusal


def test_each_mistake_is_one_line_that_says_what_to_do(endpoint: str, tmp_path: Path) -> None:
    terms = "accept its terms at https://huggingface.co/o/"
    says = {
        "o/missing": "check the spelling",
        "o/gated": f"{terms}gated and set HF_TOKEN",
        "o/guarded": f"{terms}guarded and set HF_TOKEN",  # refused only when a file is asked for
        "o/pickled": "has no .safetensors file; .* model.allow_pickle=true",
        "o/half": "model.checkpoint=o/half: its parts 'vae', 'text' have no .safetensors .* model.allow_pickle=true",
        "o/bare": "has no config.json",
        "o/down": "model=embedded",
    }
    wrong = [*({"id": one} for one in says), {"id": "o/good", "revision": "nope"},
             {"id": "o/trained", "allow_pickle": True}]  # fmt: skip
    refusals = ask(endpoint, tmp_path, *wrong)
    for refusal, word in zip(
        refusals, [*says.values(), "revision nope does not exist", "neither a .safetensors nor a .bin"], strict=True
    ):
        assert isinstance(refusal, str), f"not refused: {word}"
        assert re.search(word, refusal), refusal
        assert "\n" not in refusal


def test_with_the_flag_each_part_comes_in_the_safest_format_that_it_has(endpoint: str, tmp_path: Path) -> None:
    pickled, half = ask(
        endpoint, tmp_path, *({"id": one, "allow_pickle": True} for one in ("o/pickled", "o/half"))
    )  # fmt: skip
    assert pickled["files"] == ["config.json", "pytorch_model.bin"]
    assert [file for file in half["files"] if not file.endswith(".json")] == [
        "text/pytorch_model.bin", "unet/model.safetensors", "vae/diffusion_pytorch_model.bin",
    ]  # fmt: skip


def test_a_token_opens_what_is_gated_and_one_without_the_right_is_told_so(
    endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_x")
    (found,) = ask(endpoint, tmp_path, {"id": "o/gated"}, HF_TOKEN="hf_x")
    assert "model.safetensors" in found["files"]
    from joulemark.data import hub as asking

    assert "with the account whose token you use" in str(asking.gated("model", "o/gated", "model.checkpoint"))
