"""A small Hub on loopback: the answers of the real one's interface that a download and a stream ask for.

Repositories are dicts from a file's path to its bytes, under the ids that the real Hub uses.
"""

import hashlib
import json
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlparse

SHA = "1" * 40

Files = Mapping[str, bytes]


@contextmanager
def hub(
    models: Mapping[str, Files], datasets: Mapping[str, Files] | None = None, gated: Sequence[str] = ("o/gated",)
) -> Iterator[str]:
    """The endpoint of a Hub with these repositories, while the context lasts; `o/down` is out of order.

    A gated repository describes itself to all and gives its files to those with a token; `o/guarded` does not say that
    it is gated.
    """
    repositories = {"models": models, "datasets": datasets or {}}
    behind = tuple(gated)

    class Handler(_Handler):
        held = repositories
        gated = behind

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def environment_of(endpoint: str, home: Path, **more: str) -> dict[str, str]:
    """This process's environment for a command that uses a Hub, with a cache and a store of its own in `home`.

    Nobody is logged in there, unless `more` has a token.
    """
    return {
        **{name: value for name, value in os.environ.items() if name != "HF_TOKEN"},
        "HF_ENDPOINT": endpoint, "HF_HOME": str(home / "hf"), "HF_HUB_DISABLE_XET": "1", "HF_HUB_OFFLINE": "0",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1", "MLFLOW_TRACKING_URI": f"sqlite:///{home}/mlflow.db", **more,
    }  # fmt: skip


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    held: Mapping[str, Mapping[str, Files]]
    gated: tuple[str, ...]

    def do_GET(self) -> None:
        parts = [unquote(part) for part in urlparse(self.path).path.strip("/").split("/")]
        if parts[0] == "api":
            self._api(parts[1], "/".join(parts[2:4]), parts[4:])
        elif parts[0] == "datasets":
            self._file("datasets", "/".join(parts[1:3]), "/".join(parts[5:]))
        else:
            self._file("models", "/".join(parts[:2]), "/".join(parts[4:]))

    do_HEAD = do_GET  # noqa: N815 - http.server's own naming

    def do_POST(self) -> None:
        """`paths-info`: what is known of the named paths."""
        parts = [unquote(part) for part in urlparse(self.path).path.strip("/").split("/")]
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        files = self._files(parts[1], "/".join(parts[2:4]))
        if files is None:
            return
        if "json" in self.headers.get("Content-Type", ""):
            asked = json.loads(body)["paths"]
        else:
            asked = parse_qs(body.decode()).get("paths", [])
        entries = [entry for entry in _tree(files, recursive=True) if entry["path"] in asked]
        self._json(entries)

    def _api(self, kind: str, repository: str, rest: list[str]) -> None:
        files = self._files(kind, repository)
        if files is None:
            return None
        if rest[:1] == ["auth-check"]:
            return None if self._shut(repository, self.gated) else self._json({})
        if rest[:1] == ["tree"]:
            query = parse_qs(urlparse(self.path).query)
            recursive = query.get("recursive", ["False"])[0].lower() == "true"
            entries, folder = _tree(files, recursive=True), "/".join(rest[2:])
            inside = [e for e in entries if not folder or e["path"].startswith(f"{folder}/")]
            depth = folder.count("/") + 1 if folder else 0
            return self._json([e for e in inside if recursive or e["path"].count("/") == depth])
        if rest[:1] == ["revision"] and rest[1] not in ("main", SHA, "refs/convert/parquet"):
            return self._answer(404, b"", {"X-Error-Code": "RevisionNotFound"})
        siblings = [{"rfilename": path} for path in files]
        about = {"id": repository, "sha": SHA, "siblings": siblings, "private": False, "tags": []}
        about["gated"] = "auto" if repository in self.gated else False
        return self._json({**about, "downloads": 0, "lastModified": "2026-01-01T00:00:00.000Z"})

    def _files(self, kind: str, repository: str) -> Files | None:
        """The repository's files; None once a refusal was sent."""
        if repository == "o/down":
            self._answer(503, b"")
        elif repository not in self.held.get(kind, {}):
            self._answer(401, b"", {"X-Error-Code": "RepoNotFound"})
        else:
            return self.held[kind][repository]
        return None

    def _shut(self, repository: str, gated: Sequence[str]) -> bool:
        """Whether the repository is behind terms that nobody with a token has accepted; the refusal is then sent."""
        if repository not in gated or self.headers.get("Authorization"):
            return False
        self._answer(401, b"", {"X-Error-Code": "GatedRepo", "X-Error-Message": "Access is restricted."})
        return True

    def _file(self, kind: str, repository: str, path: str) -> None:
        files = self._files(kind, repository)
        if files is None or self._shut(repository, (*self.gated, "o/guarded")):
            return None
        if path not in files:
            return self._answer(404, b"", {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": SHA})
        body, status, extra = files[path], 200, {}
        wanted = self.headers.get("Range", "")
        if wanted.startswith("bytes="):
            first, last = wanted.removeprefix("bytes=").split("-")
            end = min(int(last or len(body)), len(body) - 1)
            extra = {"Content-Range": f"bytes {first}-{end}/{len(body)}"}
            body, status = body[int(first) : end + 1], 206
        tag = hashlib.sha256(files[path]).hexdigest()
        return self._answer(status, body, {"ETag": f'"{tag}"', "X-Repo-Commit": SHA, "Accept-Ranges": "bytes", **extra})

    def _json(self, value: Any) -> None:
        self._answer(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _answer(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *words: Any) -> None:
        """Says nothing: the tests' own output is enough."""


def _tree(files: Files, recursive: bool) -> list[dict[str, Any]]:
    """Files and the folders above them, as the Hub lists a tree."""
    found = {}
    for path, body in files.items():
        parts = path.split("/")
        for depth in range(1, len(parts)):
            folder = "/".join(parts[:depth])
            found[folder] = {"type": "directory", "path": folder, "oid": "0" * 40, "size": 0}
        found[path] = {"type": "file", "path": path, "size": len(body), "oid": hashlib.sha256(body).hexdigest()[:40]}
    return list(found.values())
