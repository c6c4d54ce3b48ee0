"""Fetching from a Hub on loopback: what is downloaded, and what each refusal says."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import pytest

pytestmark = pytest.mark.servers

SHA = "1" * 40
FILES = {
    "config.json": b"{}", "model.safetensors": b"weights", "tokenizer.json": b"{}", "merges.txt": b"a b",
    "pytorch_model.bin": b"pickle", "tf_model.h5": b"x", "onnx/model.safetensors": b"x", "modeling_x.py": b"x = 1",
}  # fmt: skip
REPOSITORIES = {
    "o/good": FILES,
    "o/pickled": {"config.json": b"{}", "pytorch_model.bin": b"pickle"},
    "o/pipeline": {"model_index.json": b"{}", "unet/model.safetensors": b"x", "unet/config.json": b"{}"},
}


class Hub(BaseHTTPRequestHandler):
    """The few answers of the Hub's interface that a download asks for."""

    def do_GET(self) -> None:
        parts = urlparse(self.path).path.strip("/").split("/")
        repository = "/".join(parts[2:4] if parts[0] == "api" else parts[:2])
        if repository == "o/gated":
            return self._answer(403, b"", {"X-Error-Code": "GatedRepo"})
        if repository == "o/down":
            return self._answer(503, b"")
        if repository not in REPOSITORIES:
            return self._answer(401, b"", {"X-Error-Code": "RepoNotFound"})
        files = REPOSITORIES[repository]
        if parts[0] != "api":
            body = files["/".join(parts[4:])]
            return self._answer(200, body, {"ETag": f'"{len(body)}"', "X-Repo-Commit": SHA})
        if "tree" in parts:
            entries = [{"type": "file", "path": path, "size": len(body), "oid": "0"} for path, body in files.items()]
            return self._answer(200, json.dumps(entries).encode())
        if "revision" in parts and parts[-1] not in ("main", SHA):
            return self._answer(404, b"", {"X-Error-Code": "RevisionNotFound"})
        siblings = [{"rfilename": path} for path in files]
        return self._answer(200, json.dumps({"id": repository, "sha": SHA, "siblings": siblings}).encode())

    do_HEAD = do_GET  # noqa: N815 - http.server's own naming

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *words: Any) -> None:
        """Says nothing: the tests' own output is enough."""


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


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
        refusals, ["check the spelling", "accept its terms", "model.revision=nope", ".safetensors", "model=embedded"],
        strict=True,
    ):  # fmt: skip
        assert word in refusal
        assert "\n" not in refusal
