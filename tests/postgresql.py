"""A real PostgreSQL of its own on loopback, which can be stopped and started in the middle of a test."""

import os
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest


@dataclass
class Server:
    """It refuses to run as root, so then another user runs it."""

    folder: Path
    programs: Path
    port: int
    _process: subprocess.Popen | None = field(default=None)

    @property
    def uri(self):
        return f"postgresql+psycopg://joule@127.0.0.1:{self.port}/postgres"

    @property
    def _as(self):
        return ["runuser", "-u", "nobody", "--"] if os.getuid() == 0 else []

    def make(self):
        if os.getuid() == 0:
            shutil.chown(self.folder, "nobody")
        words = [self.programs / "initdb", "-D", self.folder / "data", "-U", "joule", "--auth=trust", "--no-sync"]
        subprocess.run([*self._as, *map(str, words)], check=True, capture_output=True, cwd="/")

    def start(self):
        words = ["-D", self.folder / "data", "-p", self.port, "-k", self.folder, "-c", "fsync=off"]
        program = [*self._as, str(self.programs / "postgres"), *map(str, words)]
        self._process = subprocess.Popen(program, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/")
        ready = [str(self.programs / "pg_isready"), "-h", "127.0.0.1", "-p", str(self.port)]
        end = time.monotonic() + 60
        while subprocess.run(ready, capture_output=True).returncode:
            assert time.monotonic() < end, "PostgreSQL does not answer"
            time.sleep(0.2)

    def stop(self):
        """Cuts off whoever is connected, as a restart of the machine would."""
        postmaster = int((self.folder / "data" / "postmaster.pid").read_text().splitlines()[0])
        os.kill(postmaster, signal.SIGINT)
        self._process.wait(timeout=30)


@pytest.fixture
def database(tmp_path_factory):
    """The server itself; skipped where PostgreSQL's programs are absent."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    initdb = shutil.which("initdb") or (str(found[-1]) if found else None)
    if initdb is None:
        pytest.skip("this machine has no PostgreSQL server (apt install postgresql)")
    # the user who runs it cannot enter pytest's own folders
    folder = Path(subprocess.run(["mktemp", "-d"], capture_output=True, text=True, check=True).stdout.strip())
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = Server(folder, Path(initdb).resolve().parent, port)
    try:
        server.make()
        server.start()
        yield server
    finally:
        if (folder / "data" / "postmaster.pid").exists():
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgresql(database):
    """The server's address."""
    return database.uri
