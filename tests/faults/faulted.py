"""A run in a process of its own, and how each fault is done to it, to its recorder, its disk and its server."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import sqlalchemy

from tests.faults.cells import OWN, SIGNALS, WRITING, Outcome
from tests.paths import ROOT
from tests.postgresql import Server


@dataclass(frozen=True)
class Place:
    """Where cells are run.

    Attributes:
        folder: of what is written about them
        home: of the records
        uri: of the store
        server: that holds the store, None for a file
    """

    folder: Path
    home: Path
    uri: str
    server: Server | None = None

    @property
    def environment(self):
        own = {"JOULEMARK_HOME": str(self.home), "XDG_STATE_HOME": str(self.folder / "state"), "OMP_NUM_THREADS": "1"}
        return {**os.environ, **own, "MLFLOW_DISABLE_TELEMETRY": "true"}

    def spooled(self, record_id):
        """The folders in which a record waits."""
        roots = (self.home / "spool", self.folder / "state" / "joulemark" / "spool")
        return [root / record_id for root in roots if (root / record_id / "draft.json").is_file()]

    def sync(self):
        """Delivers what waits; what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "src.sync"], cwd=ROOT, env=self.environment, capture_output=True, text=True
        )
        return done.stdout + done.stderr


def run(cell, place):
    """Starts the run, does the fault at its stage, and waits until run and recorder are over."""
    folder = place.folder / cell.name
    folder.mkdir()
    act = cell.fault if cell.fault in OWN else "wait"
    out, err = folder / "out", folder / "err"
    with ExitStack() as until_done:
        there = until_done.enter_context(half_written(place.uri)) if cell.stage == WRITING else (folder / "at").exists
        process = _started(cell, place, folder, act)
        wait_until(lambda: there() or process.poll() is not None)
        family = psutil.Process(process.pid).children() if process.poll() is None else []
        if act == "wait":
            _do(cell.fault, process, family, place)
            (folder / "go").touch()
    code = process.wait(timeout=300)
    psutil.wait_procs([child for child in family if cell.fault != "recorder frozen" or not _kill(child)], timeout=200)
    lines = out.read_text().splitlines()
    last = json.loads(lines[-1]) if lines and lines[-1].startswith("{") else {}
    # A run beside this one may have delivered it by now
    waited = bool(place.spooled(cell.record_id)) or last.get("unsaved") is not None
    outcome = Outcome(code, last, out.read_text() + err.read_text(), waited)
    if cell.fault == "disk":
        outcome.left = [path for path in place.home.rglob("*") if path.is_file() and not path.stat().st_size]
        (place.home / "filler").unlink(missing_ok=True)
    return outcome


def _started(cell, place, folder, act):
    words = [sys.executable, "-m", "tests.faults.run", cell.stage, act, str(folder), place.uri]
    if cell.fault == "closed":
        words = ["sh", "-c", 'exec "$@" >&- 2>&-', "sh", *words]
    pipe = subprocess.PIPE if cell.fault == "reader" else None
    with open(folder / "out", "w") as output, open(folder / "err", "w") as errors:
        return subprocess.Popen(
            words, cwd=ROOT, env=place.environment, stdout=pipe or output, stderr=pipe or errors, preexec_fn=_plain
        )


def _plain():
    """The child's signals as a terminal's shell leaves them."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


@contextmanager
def half_written(uri):
    """Within it no metric gets into the store; whether a run waits for that, which is there by now, half told."""
    engine = sqlalchemy.create_engine(uri)
    waits = sqlalchemy.text("select count(*) from pg_locks where not granted")
    holder, watcher = engine.connect(), engine.connect()
    try:
        holder.execute(sqlalchemy.text("lock table metrics in share row exclusive mode"))
        yield lambda: bool(watcher.execute(waits).scalar())
    finally:
        for connection in (holder, watcher):  # ends them, whether or not the server is gone; and with them the lock
            connection.invalidate()
            connection.close()
        engine.dispose()


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
    elif fault in ("away", "restarted"):
        place.server.stop()
        if fault == "restarted":
            place.server.start()


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
