"""A real PostgreSQL of its own on loopback, which can be stopped and started in the middle of a test."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest


@dataclass
class Server:
    """It refuses to run as root, so then another user runs it.

    Attributes:
        folder: of its data
        programs: the folder of PostgreSQL's programs
        port: that it listens on
        networks: whose hosts it lets in beside this one
    """

    folder: Path
    programs: Path
    port: int
    networks: tuple[str, ...] = ()
    _process: subprocess.Popen | None = field(default=None)

    @property
    def uri(self):
        return self.uri_at("127.0.0.1")

    def uri_at(self, address, database="postgres"):
        """As a host sees it that reaches this one by another address."""
        return f"postgresql+psycopg://joule@{address}:{self.port}/{database}"

    def add(self, database):
        """One more database."""
        words = ["-h", "127.0.0.1", "-p", self.port, "-U", "joule", database]
        subprocess.run([str(self.programs / "createdb"), *map(str, words)], check=True, capture_output=True)

    @property
    def _as(self):
        return ["runuser", "-u", "nobody", "--"] if os.getuid() == 0 else []

    def make(self):
        if os.getuid() == 0:
            shutil.chown(self.folder, "nobody")
        words = [self.programs / "initdb", "-D", self.folder / "data", "-U", "joule", "--auth=trust", "--no-sync"]
        subprocess.run([*self._as, *map(str, words)], check=True, capture_output=True, cwd="/")
        with (self.folder / "data" / "pg_hba.conf").open("a") as file:
            file.writelines(f"host all all {network} trust\n" for network in self.networks)

    def start(self):
        """Returns once it answers, as one that is running does at once."""
        if self._answers():
            return
        words = ["-D", self.folder / "data", "-p", self.port, "-k", self.folder, "-c", "fsync=off"]
        words += ["-h", "*" if self.networks else "127.0.0.1"]
        program = [*self._as, str(self.programs / "postgres"), *map(str, words)]
        with open(self.folder / "log", "a") as log:
            self._process = subprocess.Popen(program, stdout=log, stderr=log, cwd="/")
        end = time.monotonic() + 180
        while not self._answers():
            assert time.monotonic() < end, "PostgreSQL does not answer"
            time.sleep(0.2)

    def stop(self):
        """Cuts off whoever is connected, as a restart of the machine would."""
        postmaster = int((self.folder / "data" / "postmaster.pid").read_text().splitlines()[0])
        os.kill(postmaster, signal.SIGINT)
        self._process.wait(timeout=180)

    def _answers(self):
        ready = [str(self.programs / "pg_isready"), "-h", "127.0.0.1", "-p", str(self.port)]
        return subprocess.run(ready, capture_output=True).returncode == 0


def programs() -> Path | None:
    """The folder of PostgreSQL's programs; None where they are absent."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    initdb = shutil.which("initdb") or (found[-1] if found else None)
    return None if initdb is None else Path(initdb).resolve().parent


@contextmanager
def served(networks=()) -> Iterator[Server]:
    """A server while the context lasts; skipped where PostgreSQL's programs are absent."""
    if programs() is None:
        pytest.skip("this machine has no PostgreSQL server (apt install postgresql)")
    # the user who runs it cannot enter pytest's own folders
    folder = Path(subprocess.run(["mktemp", "-d"], capture_output=True, text=True, check=True).stdout.strip())
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = Server(folder, programs(), port, tuple(networks))
    try:
        server.make()
        server.start()
        yield server
    finally:
        if (folder / "data" / "postmaster.pid").exists():
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def database():
    """The server itself."""
    with served() as server:
        yield server


@pytest.fixture
def postgresql(database):
    """The server's address."""
    return database.uri
