"""A trial is a process of its own, and every end of it is reported."""

import os
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from threading import Thread

import psutil
import pytest

from joulemark.core import paths
from joulemark.sweep import trial
from tests.cli.test_run import recorded

pytestmark = pytest.mark.processes

SMOKE = ("protocol=smoke", "samples=4", "protocol.stage_s=0")
FINISHED = {"status": "finished", "run_id": "abc", "error": None, "flags": ["estimated"], "metrics": {"a": 1.0}}

# Stands where cli/run.py stands, so that what a process may do is done by a process
IGNORES = "signal.signal(signal.SIGTERM, signal.SIG_IGN); signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
COUNTS = """
got = []
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, lambda number, frame: got.append(signal.Signals(number).name))
Path('ready').touch()
end = time.monotonic() + 2
while time.monotonic() < end: time.sleep(0.1)
print(json.dumps({'status': 'interrupted', 'error': ' '.join(got)})); sys.exit(130)
"""


@pytest.fixture
def program(tmp_path, monkeypatch):
    """Puts a program in the place of cli/run.py, and returns the folder that it runs in."""

    def put(code):
        head = "import json, os, signal, sys, time\nfrom pathlib import Path\n"
        (tmp_path / "run.py").write_text(head + code)
        monkeypatch.setattr(
            paths, "module", lambda name, *overrides: [sys.executable, str(tmp_path / "run.py"), *overrides[1:]]
        )
        monkeypatch.chdir(tmp_path)
        return tmp_path

    return put


def wait_for(path, seconds=30):
    deadline = time.monotonic() + seconds
    while not path.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert path.exists()


def test_the_last_line_becomes_the_outcome(program):
    program(f"print('a table'); print(json.dumps({FINISHED!r}))")
    outcome = trial.run(["model=x"])
    assert (outcome.overrides, outcome.exit_code, outcome.status, outcome.error) == (("model=x",), 0, "finished", None)
    assert (outcome.run_id, outcome.metrics, outcome.flags, outcome.stopped_by) == (
        "abc",
        {"a": 1.0},
        ("estimated",),
        None,
    )


def test_a_run_that_was_measured_and_not_recorded_has_failed(program):
    program(f"print(json.dumps({ {**FINISHED, 'run_id': None, 'error': 'not recorded: full'}!r})); sys.exit(1)")
    outcome = trial.run([])
    assert (outcome.status, outcome.error, outcome.metrics) == ("failed", "not recorded: full", {"a": 1.0})


def test_a_run_that_failed_says_why(program):
    program("print(json.dumps({'status': 'failed', 'error': 'out of memory at batch_size=8'})); sys.exit(1)")
    outcome = trial.run([])
    assert (outcome.exit_code, outcome.status, outcome.error) == (1, "failed", "out of memory at batch_size=8")


def test_invalid_overrides_are_refused_with_their_sentence():
    outcome = trial.run(["model=blomz"])
    assert (outcome.exit_code, outcome.status) == (2, "refused")
    assert outcome.error.startswith("model=blomz does not exist; did you mean model=bloomz?")


def test_a_process_that_died_says_its_last_overrides(program):
    program("print('measuring', file=sys.stderr); sys.stderr.flush(); os.kill(os.getpid(), signal.SIGSEGV)")
    outcome = trial.run([])
    assert (outcome.exit_code, outcome.status) == (-11, "killed")
    assert outcome.error == "killed by SIGSEGV; standard error: measuring"


def test_an_exit_without_a_last_line_has_failed(program):
    program("print('no JSON'); print('Traceback', 'ValueError: broken', sep='\\n', file=sys.stderr); sys.exit(1)")
    assert trial.run([]).error == "exit code 1 without a last line; standard error: Traceback / ValueError: broken"


def test_a_trial_writes_into_a_run_of_its_own_whatever_its_parent_was_given(program, monkeypatch):
    program(
        "print(json.dumps({'status': 'failed', 'error': f\"{os.environ.get('MLFLOW_RUN_ID')} {os.environ['B']}\"}))"
    )
    monkeypatch.setenv("MLFLOW_RUN_ID", "a")
    monkeypatch.setenv("B", "b")
    assert trial.run([]).error == "None b"
    assert trial.run([], environment={"MLFLOW_RUN_ID": "c", "B": "d"}).error == "c d"


def test_the_parent_sleeps_while_it_waits(program):
    program(f"time.sleep(3); print(json.dumps({FINISHED!r}))")
    before, cpu_s = resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw, time.process_time()
    trial.run([], limit_s=60)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw - before < 30  # looking every 50 ms would be 60
    assert time.process_time() - cpu_s < 0.2


def test_a_trial_that_ignores_its_constraint_is_killed_with_all_its_processes(program):
    folder = program(
        IGNORES + "import subprocess\nchild = subprocess.Popen(['sleep', '300'])\n"
        "Path('child').write_text(str(child.pid)); time.sleep(300)"
    )
    outcome = trial.run([], limit_s=2, grace_s=0.5)
    assert (outcome.exit_code, outcome.status) == (-9, "timed_out")
    assert outcome.error.startswith("not done within 2 s")
    assert outcome.seconds < 10
    child = int((folder / "child").read_text())
    assert gone(child)


def gone(pid, seconds=10):
    """Whether a process that was killed is dead within so long: the kernel kills a group one after the other."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.02)
    return False


def test_a_run_that_is_done_before_its_constraint_is_not_ended_by_it(program):
    program(f"print(json.dumps({FINISHED!r}))")
    assert trial.run([], limit_s=30).status == "finished"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_goes_on_to_the_trial_once_and_loses_nothing(program, number):
    folder = program(COUNTS)
    before = signal.getsignal(number)

    def press_twice():
        wait_for(folder / "ready")
        for _ in range(2):
            os.kill(os.getpid(), number)
            time.sleep(0.3)

    thread = Thread(target=press_twice)
    thread.start()
    outcome = trial.run([], forward_signals=True)
    thread.join()
    assert (outcome.status, outcome.error, outcome.stopped_by) == ("interrupted", number.name, number.name)
    assert signal.getsignal(number) == before


def test_a_trial_that_was_stopped_alone_stops_the_rest_too(program):
    program("os.kill(os.getpid(), signal.SIGTERM)")
    outcome = trial.run([])
    assert (outcome.status, outcome.stopped_by) == ("interrupted", "SIGTERM")


def test_a_trial_that_ended_well_after_a_signal_keeps_its_numbers_and_the_rest_is_stopped(program):
    folder = program(
        IGNORES + f"Path('ready').touch(); time.sleep(1); print(json.dumps({FINISHED!r}))",
    )
    thread = Thread(target=lambda: (wait_for(folder / "ready"), os.kill(os.getpid(), signal.SIGINT)))
    thread.start()
    outcome = trial.run([], forward_signals=True)
    thread.join()
    assert (outcome.status, outcome.metrics, outcome.stopped_by) == ("finished", {"a": 1.0}, "SIGINT")


@pytest.mark.skipif(sys.platform != "linux", reason="the signal at a parent's death is Linux's")
def test_a_trial_does_not_outlive_a_parent_that_is_killed(program):
    folder = program(
        "signal.signal(signal.SIGTERM, lambda number, frame: (Path('signalled').touch(), sys.exit()))\n"
        "Path('ready').write_text(str(os.getpid())); time.sleep(300)"
    )
    code = (
        "import sys; from joulemark.core import paths; from joulemark.sweep import trial\n"
        "paths.module = lambda name, *overrides: [sys.executable, 'run.py']; trial.run([])"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], cwd=folder)
    wait_for(folder / "ready")
    parent.kill()
    parent.wait()
    wait_for(folder / "signalled")


@pytest.mark.weights
def test_a_run_that_is_killed_is_closed_in_mlflow_when_the_trial_returns(tmp_path):
    store = f"sqlite:///{tmp_path}/mlflow.db"
    thread = Thread(target=lambda: measuring(store).kill())
    thread.start()
    outcome = trial.run([*SMOKE, "protocol.idle_s=60"], environment={"MLFLOW_TRACKING_URI": store})
    thread.join()
    assert (outcome.exit_code, outcome.status) == (-9, "killed")
    assert outcome.error.startswith("killed by SIGKILL; standard error: ")
    assert recorded(store)[0].info.status == "FAILED"


@pytest.mark.weights
def test_a_run_whose_every_process_is_sent_sigterm_is_interrupted_and_leaves_none(tmp_path):
    store = f"sqlite:///{tmp_path}/mlflow.db"
    images = ["model=embedded_image_classifier", "task=image_classification", "preprocessing_workers=2"]
    below = []

    def ask():
        run = measuring(store)
        below.extend(run.children(recursive=True))
        for process in (*reversed(below), run):  # as a cluster does; the run is the last to hear of it
            process.send_signal(signal.SIGTERM)

    thread = Thread(target=ask)
    thread.start()
    outcome = trial.run([*SMOKE, *images, "protocol.idle_s=60"], environment={"MLFLOW_TRACKING_URI": store})
    thread.join()
    assert len(below) >= 3  # the server that forks, and two that preprocess images
    assert (outcome.status, outcome.error) == ("interrupted", "interrupted by SIGTERM")
    assert recorded(store)[0].info.status == "KILLED"
    leave(below)


@pytest.mark.weights
def test_a_run_past_its_constraint_leaves_its_record(tmp_path):
    store = f"sqlite:///{tmp_path}/mlflow.db"
    outcome = trial.run([*SMOKE, "protocol.idle_s=120"], environment={"MLFLOW_TRACKING_URI": store}, limit_s=30)
    assert (outcome.exit_code, outcome.status) == (143, "timed_out")
    assert recorded(store)[0].info.status == "KILLED"


def measuring(store, parent=None):
    """The process below this one that measures, once it does nothing for three seconds: it reads its idle baseline."""
    path = Path(store.removeprefix("sqlite:///"))
    wait_for(path, 120)  # its recorder connects
    deadline, quiet = time.monotonic() + 120, 0
    children = filter(living, (parent or psutil.Process()).children())
    (process,) = (child for child in children if "joulemark" in child.cmdline())
    while quiet < 3 and time.monotonic() < deadline:
        quiet = quiet + 1 if process.cpu_percent(1.0) < 10 and experiments(path) else 0
    return process


def living(process):
    """Whether a process does anything still: one that nobody buried does not."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def leave(processes, seconds=30):
    """Returns once none of them does anything any more."""
    deadline = time.monotonic() + seconds
    while any(map(living, processes)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(living, processes))


def experiments(path):
    """Whether a recorder has made its task's experiment: it is ready then, and is given drafts."""
    with closing(sqlite3.connect(path)) as store:
        try:
            return store.execute("select name from experiments where name != 'Default'").fetchall()
        except sqlite3.OperationalError:  # no table yet
            return []
