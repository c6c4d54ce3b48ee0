"""Signals are handled in one module, and a library call leaves the user's handlers alone."""

import ast
import os
import signal
import subprocess
import sys
import threading

import pytest

from joulemark.core import signals
from joulemark.core.signals import STOPS, Interrupted
from joulemark.sweep import trial
from tests.paths import ROOT
from tests.sweep.test_trial import program, wait_for  # noqa: F401

CORE = ROOT / "src" / "joulemark" / "core"
SOURCES = [path for folder in ("src", "hydra_plugins") for path in sorted((ROOT / folder).rglob("*.py"))]
DOORS = {
    CORE / "signals.py": {"signal", "pthread_sigmask", "set_wakeup_fd"},
    CORE / "process_tree.py": {"prctl"},
}


@pytest.fixture
def handlers():
    """Restores the handlers that a test installs."""
    before = {number: signal.getsignal(number) for number in STOPS}
    yield before
    for number, handler in before.items():
        signal.signal(number, handler)


def test_one_module_handles_signals_and_one_ties_processes_to_their_parents():
    for path in SOURCES:
        elsewhere = set().union(*(names for door, names in DOORS.items() if door != path))
        for node in ast.walk(ast.parse(path.read_text())):
            imported = {alias.name for alias in node.names} if isinstance(node, ast.Import) else set()
            module = node.module if isinstance(node, ast.ImportFrom) else None
            assert not {*imported, module} & {"signal"} & elsewhere, f"{path} handles signals beside core/signals.py"
            named = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", None)
            assert named not in elsewhere - {"signal"}, f"{path}: {named}"


def test_the_first_stop_interrupts_and_a_second_does_not_break_its_record(handlers):
    signals.interrupt_on_stop()
    with pytest.raises(Interrupted, match="SIGTERM"):
        signal.raise_signal(signal.SIGTERM)
    signal.raise_signal(signal.SIGTERM)
    signal.raise_signal(signal.SIGINT)


def test_a_deferred_stop_waits_for_the_end_and_a_second_does_not(handlers):
    done = []

    def with_stops(count):
        signals.interrupt_on_stop()
        with signals.deferred():
            for _ in range(count):
                os.kill(os.getpid(), signal.SIGTERM)
            done.append(count)

    for count in (1, 2):
        with pytest.raises(Interrupted, match="SIGTERM"):
            with_stops(count)
    assert done == [1]


def test_handlers_of_the_users_own_are_not_deferred(handlers):
    received = []
    signal.signal(signal.SIGTERM, lambda number, frame: received.append(number))
    with signals.deferred():
        signal.raise_signal(signal.SIGTERM)
        assert received == [signal.SIGTERM]


def test_a_withheld_stop_comes_through_where_it_is_let_in_and_nowhere_else(handlers):
    done = []

    def before_it_is_let_in():
        with signals.Withheld() as stops:
            os.kill(os.getpid(), signal.SIGTERM)
            os.kill(os.getpid(), signal.SIGINT)  # of the parent, say
            done.append("noted whole")
            with stops.admitted():
                done.append("waited")

    def while_it_is_let_in():
        with signals.Withheld() as stops, stops.admitted():
            os.kill(os.getpid(), signal.SIGTERM)
            done.append("waited")

    def where_it_never_is():
        with signals.Withheld():
            os.kill(os.getpid(), signal.SIGTERM)
            done.append("to the end")

    for stretch in (before_it_is_let_in, while_it_is_let_in, where_it_never_is):
        signals.interrupt_on_stop()
        with pytest.raises(Interrupted, match="SIGTERM"):
            stretch()
        os.kill(os.getpid(), signal.SIGINT)  # what follows a stop breaks no record
    assert done == ["noted whole", "to the end"]


def test_handlers_are_as_they_were_after_a_stretch_that_no_stop_reached(handlers):
    signals.interrupt_on_stop()
    with signals.Withheld() as stops, stops.admitted():
        pass
    assert signal.getsignal(signal.SIGINT) is Interrupted.by


@pytest.mark.processes
def test_a_trial_that_a_library_starts_leaves_the_users_handlers_alone_and_ends_with_a_keyboard_interrupt(
    program,  # noqa: F811
    handlers,
):
    folder = program("Path('ready').write_text(str(os.getpid())); time.sleep(300)")
    seen = {}

    def press():
        wait_for(folder / "ready")
        seen.update({number: signal.getsignal(number) for number in STOPS})
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=press)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        trial.run([])
    thread.join()
    assert seen == handlers
    with pytest.raises(ProcessLookupError):
        os.kill(int((folder / "ready").read_text()), 0)


@pytest.mark.processes
def test_a_trial_runs_off_the_main_thread_with_and_without_forwarding(program):  # noqa: F811
    program("print(json.dumps({'status': 'finished', 'run_id': 'r'}))")
    outcomes = []
    for forward in (False, True):
        thread = threading.Thread(
            target=lambda forward=forward: outcomes.append(trial.run([], forward_signals=forward))
        )
        thread.start()
        thread.join()
    assert [outcome.status for outcome in outcomes] == ["finished", "finished"]


@pytest.mark.processes
def test_a_process_that_was_stopped_and_went_on_knows_it():
    script = (
        "import sys\n"
        "from joulemark.core.signals import Suspensions\n"
        "suspensions = Suspensions()\n"
        "print(suspensions(), flush=True)\n"
        "sys.stdin.readline()\n"
        "print(suspensions(), flush=True)\n"
    )
    child = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stdout.readline() == "0\n"
    os.kill(child.pid, signal.SIGSTOP)
    os.waitpid(child.pid, os.WUNTRACED)
    os.kill(child.pid, signal.SIGCONT)
    out, _ = child.communicate("go on\n")
    assert out == "1\n"
