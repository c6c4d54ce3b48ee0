"""What several processes take together: what is their own is added up, a page of a file that they share counts once."""

import subprocess
import sys

import pytest

from benchmarks import memory

pytestmark = [pytest.mark.processes, pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")]

MB = 1_000_000
FILE_MB, CHILD = (
    24,
    """
import mmap, sys
with open(sys.argv[1], "rb") as file:
    shared = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
read, own = sum(shared[::4096]), bytes([1]) * int(sys.argv[2])
print("ready", flush=True)
sys.stdin.read()
""",
)


@pytest.fixture
def two(tmp_path):
    """Two processes that have read one file by mapping it, and filled 10 and 40 MB of their own."""
    file = tmp_path / "shared"
    file.write_bytes(b"x" * FILE_MB * MB)
    started = [
        subprocess.Popen(
            [sys.executable, "-c", CHILD, file, str(own_mb * MB)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        for own_mb in (10, 40)
    ]
    try:
        for process in started:
            assert process.stdout.readline() == b"ready\n"
        yield [process.pid for process in started]
    finally:
        for process in started:
            process.communicate()


def test_a_shared_file_counts_once_and_what_is_a_processs_own_each_time(two):
    (own, files), (other, _) = (memory.resident(pid) for pid in two)
    assert sum(kb for stretch, kb in files.items() if stretch[2].endswith("shared")) == pytest.approx(
        FILE_MB * MB / 1024, rel=0.01
    )
    assert (other - own) * 1024 / MB == pytest.approx(30, abs=2)
    alone, both = sum(memory.together_mb([pid]) for pid in two), memory.together_mb(two)
    assert (own + other) * 1024 / MB + FILE_MB < both < alone - FILE_MB


def test_a_process_that_has_ended_takes_nothing():
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    assert memory.together_mb([process.pid]) == 0


def test_children_of_children_are_of_the_family():
    run = "import subprocess, sys; subprocess.run([sys.executable, '-c', {!r}])"
    code = run.format(run.format("print(1, flush=True); input()"))
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        found = memory.family(process.pid)
        process.communicate(b"\n")
    assert len(found) == 3
    assert found[0] == process.pid
