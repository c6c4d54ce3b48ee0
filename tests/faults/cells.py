"""Faults at the stages of a run: how each is done to real processes, and what must be there afterwards."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tests.faults.run import STAGES
from tests.paths import ROOT

MEASURED = ("stages", "scoring", "saving")  # stages at which every window is over
SIGNALS = {"SIGINT": 130, "SIGTERM": 143, "SIGHUP": 129}
# What the run does to itself: what its error begins with, and the name in the table
OWN = {
    "exception": ("an exception in a plugin", "ValueError: broke at"),
    "panic": ("a panic of a plugin in Rust (no `Exception`)", "PanicException: broke at"),
    "exit": ("`os._exit(0)` in a plugin", "os._exit(0) was called in"),
    "crash": ("a crash of native code", "the process was ended by SIGSEGV"),
    "hang": ("a hang (`protocol.stall_s`)", "hung: nothing went on for"),
}
OTHERS = {
    "killed": "SIGKILL of the run",
    "both": "SIGKILL of run and recorder",
    "recorder killed": "SIGKILL of the recorder",
    "recorder frozen": "SIGSTOP of the recorder",
    "reader": "the reader of both outputs goes away",
    "closed": "standard output and error closed from the start",
    "disk": "the disk of records and store full",
}
NAMES = {**{name: name for name in SIGNALS}, **OTHERS, **{act: name for act, (name, _) in OWN.items()}}


@dataclass(frozen=True)
class Cell:
    """One fault at one stage."""

    fault: str
    stage: str

    @property
    def name(self):
        return f"{self.fault}-{self.stage}".replace(" ", "-")

    @property
    def record_id(self):
        return hashlib.md5(f"{self.stage} {self.name}".encode()).hexdigest()


def cells():
    """Every fault at every stage where it can be: while it composes there is no recorder, and no watch at the end."""
    for fault in NAMES:
        for stage in STAGES:
            no_recorder = fault in ("both", "recorder killed", "recorder frozen", "hang") and stage == "compose"
            if not no_recorder and not (fault == "hang" and stage == "saving"):
                yield Cell(fault, stage)


@dataclass
class Outcome:
    """What a cell left: exit code, last line, what was printed, whether the record waited, and empty files."""

    code: int
    last: dict
    printed: str
    waited: bool = False
    left: list = field(default_factory=list)


@dataclass(frozen=True)
class Place:
    """Where cells are run.

    Attributes:
        folder: of what is written about them
        home: of the records
        uri: of the store
    """

    folder: Path
    home: Path
    uri: str

    @property
    def environment(self):
        own = {"JOULEMARK_HOME": str(self.home), "XDG_STATE_HOME": str(self.folder / "state"), "OMP_NUM_THREADS": "1"}
        return {**os.environ, **own, "MLFLOW_DISABLE_TELEMETRY": "true"}

    def spooled(self, record_id):
        """The folders in which a record waits."""
        roots = (self.home / "spool", self.folder / "state" / "joulemark" / "spool")
        return [root / record_id for root in roots if (root / record_id / "draft.json").is_file()]


def run(cell, place):
    """Starts the run, does the fault at its stage, and waits until run and recorder are over."""
    folder = place.folder / cell.name
    folder.mkdir()
    act = cell.fault if cell.fault in OWN else "wait"
    words = [sys.executable, "-m", "tests.faults.run", cell.stage, act, str(folder), place.uri]
    if cell.fault == "closed":
        words = ["sh", "-c", 'exec "$@" >&- 2>&-', "sh", *words]
    out, err = folder / "out", folder / "err"
    pipe = subprocess.PIPE if cell.fault == "reader" else None
    with open(out, "w") as output, open(err, "w") as errors:
        process = subprocess.Popen(
            words, cwd=ROOT, env=place.environment, stdout=pipe or output, stderr=pipe or errors, preexec_fn=_plain
        )
    wait_until(lambda: (folder / "at").exists() or process.poll() is not None)
    family = psutil.Process(process.pid).children() if process.poll() is None else []
    if act == "wait":
        _do(cell.fault, process, family, place)
        (folder / "go").touch()
    code = process.wait(timeout=300)
    psutil.wait_procs([child for child in family if cell.fault != "recorder frozen" or not _kill(child)], timeout=200)
    lines = out.read_text().splitlines()
    last = json.loads(lines[-1]) if lines and lines[-1].startswith("{") else {}
    outcome = Outcome(code, last, out.read_text() + err.read_text(), bool(place.spooled(cell.record_id)))
    if cell.fault == "disk":
        outcome.left = [path for path in place.home.rglob("*") if path.is_file() and not path.stat().st_size]
        (place.home / "filler").unlink(missing_ok=True)
    return outcome


def _plain():
    """The child's signals as a terminal's shell leaves them."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def _do(fault, process, family, place):
    if fault in SIGNALS:
        os.kill(process.pid, signal.Signals[fault])
    elif fault == "killed":
        process.kill()
    elif fault == "both":
        for child in family:
            child.suspend()  # it would see the end of the run
        process.kill()
        for child in family:
            child.kill()
    elif fault == "recorder killed":
        for child in family:
            child.kill()
    elif fault == "recorder frozen":
        for child in family:
            child.suspend()
    elif fault == "reader":
        process.stdout.close()
        process.stderr.close()
    elif fault == "disk":
        fill(place.home / "filler")


def fill(path):
    """Writes until the disk is full to its last byte."""
    with open(path, "wb", buffering=0) as file:
        for size in (1 << 16, 1 << 12, 1):
            try:
                while file.write(b"\0" * size):
                    pass
            except OSError:
                continue


def _kill(child):
    """A frozen recorder that the run has not ended; whether there was one."""
    try:
        child.kill()
    except psutil.NoSuchProcess:
        return True
    return False


def wait_until(condition, seconds=300):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"it did not happen within {seconds} s"
        time.sleep(0.1)


def expected(cell):
    """Status in the store and the beginning of its error, None for a run that is no record; and the exit codes."""
    if cell.fault == "disk" and cell.stage in ("compose", "meters"):  # its store cannot be made: refused
        return None, {2}
    if cell.stage == "compose":
        if cell.fault in ("reader", "closed"):
            return ("FINISHED", ""), {0}
        codes = {**{name: {-signal.Signals[name], code} for name, code in SIGNALS.items()}, "killed": {-9}}
        return None, codes.get(cell.fault, {0, 1, -11})
    if cell.stage == "saving":  # the record is whole: nothing that comes now changes it
        return ("FINISHED", ""), {"killed": {-9}, "both": {-9}, "crash": {-11}}.get(
            cell.fault, {1} if cell.fault in OWN else {0}
        )
    if cell.fault in SIGNALS:
        return ("KILLED", f"interrupted by {cell.fault}"), {SIGNALS[cell.fault]}
    if cell.fault == "killed":
        return ("FAILED", "killed by SIGKILL"), {-9}
    if cell.fault == "both":
        return ("FAILED", "the run ended without a word"), {-9}
    if cell.fault in OWN:
        codes = {"exit": {1}, "crash": {-11}, "hang": {-9}}
        return ("FAILED", OWN[cell.fault][1]), codes.get(cell.fault, {1})
    return ("FINISHED", ""), {0}
