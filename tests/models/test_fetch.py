"""Fetching from a Hub on loopback: what is downloaded, and what each refusal says."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.hub import SHA, hub

pytestmark = pytest.mark.servers

FILES = {
    "config.json": b"{}", "model.safetensors": b"weights", "tokenizer.json": b"{}", "merges.txt": b"a b",
    "pytorch_model.bin": b"pickle", "tf_model.h5": b"x", "onnx/model.safetensors": b"x", "modeling_x.py": b"x = 1",
}  # fmt: skip
REPOSITORIES = {
    "o/good": FILES,
    "o/pickled": {"config.json": b"{}", "pytorch_model.bin": b"pickle"},
    "o/pipeline": {"model_index.json": b"{}", "unet/model.safetensors": b"x", "unet/config.json": b"{}"},
}


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with hub(REPOSITORIES) as address:
        yield address


SCRIPT = """
import json, sys
from src.core import Checkpoint, UserError
from src.models.checkpoint import fetch
for words in json.loads(sys.argv[1]):
    try:
        found = fetch(Checkpoint(**words))
        files = sorted(str(p.relative_to(found.path)) for p in found.path.rglob("*") if p.is_file())
        print(json.dumps({"revision": found.revision, "files": files}))
    except UserError as error:
        print(json.dumps(str(error)))
"""


def ask(endpoint: str, home: Path, *checkpoints: dict[str, Any]) -> list[Any]:
    """What a fresh process gets for each checkpoint: its revision and files, or the refusal."""
    environment = {
        **os.environ, "HF_ENDPOINT": endpoint, "HF_HOME": str(home), "HF_HUB_DISABLE_XET": "1", "HF_HUB_OFFLINE": "0",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    }  # fmt: skip
    command = [sys.executable, "-c", SCRIPT, json.dumps(checkpoints)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
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
    assert pipeline["files"] == ["model_index.json", "unet/config.json", "unet/model.safetensors"]
    assert trusted["files"] == sorted([*good["files"], "modeling_x.py"])
    offline, unknown = ask("http://127.0.0.1:9", tmp_path, {"id": "o/pipeline"}, {"id": "o/other"})
    assert offline == pipeline
    assert "model.weights=random" in unknown


def test_each_mistake_is_one_line_that_says_what_to_do(endpoint: str, tmp_path: Path) -> None:
    refusals = ask(
        endpoint, tmp_path, {"id": "o/missing"}, {"id": "o/gated"}, {"id": "o/good", "revision": "nope"},
        {"id": "o/pickled"}, {"id": "o/down"},
    )  # fmt: skip
    for refusal, word in zip(
        refusals,
        ["check the spelling", "accept its terms", "revision nope does not exist", ".safetensors", "model=embedded"],
        strict=True,
    ):  # fmt: skip
        assert word in refusal
        assert "\n" not in refusal
