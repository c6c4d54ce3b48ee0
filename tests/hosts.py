"""Hosts of their own on this machine: spaces of network, processes and names, each on a cable that can be pulled."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.paths import ROOT

PREFIX = "198.18.113"  # for tests of devices (RFC 2544): no host of a network has it
NETWORK = f"{PREFIX}.0/24"
SERVER = f"{PREFIX}.254"  # this machine, as every host sees it


@dataclass(frozen=True)
class Host:
    """One host with a disk of its own: what is written under its folder outlives it.

    Attributes:
        name: of the host and of its network's space
        number: from 0, of its cable's addresses
        folder: its disk
    """

    name: str
    number: int
    folder: Path

    @property
    def home(self):
        """Of its records."""
        return self.folder / "home"

    @property
    def spooled(self):
        """The folders of records that wait there, or are being made."""
        return [path.parent for path in self.folder.rglob("draft.json")]

    def start(self, *words, log):
        """A process on it; killing that ends all that it started, as a power cut does."""
        own = {"HOME": self.folder, "JOULEMARK_HOME": self.home, "XDG_STATE_HOME": self.folder / "state"}
        line = ["unshare", "--uts", "--pid", "--fork", "--mount-proc", "--kill-child", "sh", "-c",
                f'hostname {self.name}; exec "$@"', "sh", sys.executable, "-m", *words]  # fmt: skip
        with open(self.folder / f"{log}.out", "w") as out, open(self.folder / f"{log}.err", "w") as err:
            return subprocess.Popen(
                ["ip", "netns", "exec", self.name, *line],
                cwd=ROOT, env={**os.environ, **{key: str(value) for key, value in own.items()}, "OMP_NUM_THREADS": "1"},
                stdin=subprocess.DEVNULL, stdout=out, stderr=err,
            )  # fmt: skip

    def said(self, log):
        """What a process of it printed."""
        return "".join((self.folder / f"{log}.{each}").read_text() for each in ("out", "err"))

    def pull(self):
        """Nothing reaches it from here on, and nothing comes from it."""
        _ip("link", "set", self._cable, "down")

    def plug(self):
        """It is reached again."""
        _ip("link", "set", self._cable, "up")

    def _connect(self):
        here, there = (f"{PREFIX}.{4 * self.number + at}" for at in (1, 2))
        _ip("link", "add", self._cable, "type", "veth", "peer", "name", "eth0", "netns", self.name)
        _ip("addr", "add", f"{here}/30", "dev", self._cable)
        self.plug()
        _ip("-n", self.name, "addr", "add", f"{there}/30", "dev", "eth0")
        for device in ("lo", "eth0"):
            _ip("-n", self.name, "link", "set", device, "up")
        _ip("-n", self.name, "route", "add", "default", "via", here)

    def _end(self):
        """Ends what still runs there, which would keep the host's network, and takes it away."""
        for pid in _ip("netns", "pids", self.name).split():
            with suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        with suppress(subprocess.CalledProcessError):  # it was not there yet
            _ip("link", "del", self._cable)
        _ip("netns", "del", self.name)

    @property
    def _cable(self):
        return f"v-{self.name}"[:15]


@contextmanager
def hosts(folder: Path, count: int) -> Iterator[list[Host]]:
    """So many hosts, which reach this machine as SERVER; skipped where the system lets nobody make them."""
    if os.getuid() or shutil.which("ip") is None or shutil.which("unshare") is None:
        pytest.skip("spaces of network and processes need root, ip (apt install iproute2) and unshare")
    if PREFIX in subprocess.run(["ip", "-4", "addr"], capture_output=True, text=True).stdout:
        pytest.skip(f"this machine has an address in {NETWORK}, which the hosts of the test need")
    made = [Host(f"jm{os.getpid()}{'abcdefgh'[number]}", number, folder / f"host{number}") for number in range(count)]
    with ExitStack() as until_done:
        try:
            _ip("addr", "add", f"{SERVER}/32", "dev", "lo")
            until_done.callback(_ip, "addr", "del", f"{SERVER}/32", "dev", "lo")
            for host in made:
                host.folder.mkdir()
                _ip("netns", "add", host.name)
                until_done.callback(host._end)
                host._connect()
        except subprocess.CalledProcessError as error:
            pytest.skip(f"this system lets nobody make spaces of network: {error.stderr.strip()}")
        yield made


def _ip(*words):
    return subprocess.run(["ip", *words], check=True, capture_output=True, text=True).stdout
