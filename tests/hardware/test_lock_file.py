"""One process at a time, whoever's it is; a file that another user put in its place is refused and left alone."""

import os
import stat
import subprocess
import sys

import pytest

from joulemark.core.errors import UserError
from joulemark.core.machine import Hardware
from joulemark.hardware import gpu_lock, lock_file

CARD = Hardware("cuda", "cuda", ("fp32",), index=0, uuid="GPU-1")
HOLDING = """
import sys, time
from pathlib import Path
from joulemark.hardware.lock_file import held
with held(Path(sys.argv[1]), 0.0):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_of_two_processes_one_waits_and_is_told_by_whom(tmp_path):
    path = tmp_path / "joulemark-GPU-1.lock"
    other = subprocess.Popen([sys.executable, "-c", HOLDING, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    other.stdout.readline()
    with (
        pytest.raises(UserError, match=f"is being measured by process {other.pid};"),
        gpu_lock.held(CARD, 0.0, tmp_path),
    ):
        pass
    other.kill()
    other.wait()
    with gpu_lock.held(CARD, 0.0, tmp_path):  # the system let go of it
        assert path.read_text() == str(os.getpid())
    assert [path] == list(tmp_path.iterdir())
    assert path.read_text() == ""


def test_another_user_may_lock_it_whatever_the_umask(tmp_path):
    before = os.umask(0o077)
    try:
        with lock_file.held(tmp_path / "a.lock", 0.0):
            pass
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.lock").stat().st_mode) == 0o666


@pytest.mark.parametrize("put", ["link", "hard link", "folder", "pipe"])
def test_what_another_put_in_its_place_is_refused_and_left_alone(tmp_path, put):
    victim, path = tmp_path / "victim", tmp_path / "a.lock"
    victim.write_text("mine")
    victim.chmod(0o600)
    {"link": lambda: path.symlink_to(victim), "hard link": lambda: path.hardlink_to(victim), "folder": path.mkdir,
     "pipe": lambda: os.mkfifo(path)}[put]()  # fmt: skip
    with pytest.raises(UserError, match=r"a\.lock"), lock_file.held(path, 0.0):
        pass
    assert victim.read_text() == "mine"
    assert stat.S_IMODE(victim.stat().st_mode) == 0o600


def test_what_the_file_says_of_its_holder_is_shown_only_as_a_number(tmp_path):
    path = tmp_path / "a.lock"
    with lock_file.held(path, 0.0):
        path.write_text("\x1b[2J")
        with pytest.raises(lock_file.HeldError, match=r"^unknown$"), lock_file.held(path, 0.0):
            pass


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="needs root, to become another user")
def test_a_second_user_takes_a_lock_that_the_first_one_made(monkeypatch):
    """In a folder for all, where Linux (fs.protected_regular) lets nobody create what is another's."""
    monkeypatch.delenv("JOULEMARK_LOCKS", raising=False)
    path = lock_file.folder() / f"joulemark-test-{os.getpid()}.lock"
    try:
        with lock_file.held(path, 0.0):
            pass
        os.chown(path, 65534, 65534)
        program = (
            "import os, sys\nfrom pathlib import Path\nfrom joulemark.hardware.lock_file import held\nos.setuid(1)\n"
        )
        program += "with held(Path(sys.argv[1]), 0.0): print('held')"
        done = subprocess.run([sys.executable, "-c", program, path], capture_output=True, text=True)
        assert done.stdout == "held\n", done.stderr
    finally:
        path.unlink()
