"""Who is taken for dead, how long a storage may be away, and what a signal may not cut in two."""

import os
import subprocess
import sys

import pytest
from sqlalchemy.exc import OperationalError

from joulemark.core.errors import UserError
from joulemark.sweep import liveness
from joulemark.sweep.liveness import BEAT_S, GONE_S, Watch
from joulemark.sweep.storage import Patience, away, open_study
from joulemark.sweep.trial import Outcome
from tests.sweep.landscape import REFERENCE, SPACE, wanted

ELSEWHERE = {"where": "another machine", "host": "other", "pid": os.getpid(), "began": 0.0}


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


def test_a_process_of_this_machine_is_dead_when_it_is_gone_or_nobody_has_buried_it():
    watch = Watch()
    assert not watch.dead(1, liveness.this_worker(), 0)
    assert watch.dead(1, {**liveness.this_worker(), "began": 1.0}, 0)  # another process by that number
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    import psutil

    own = {**liveness.this_worker(), "pid": child.pid, "began": psutil.Process(child.pid).create_time()}
    assert not watch.dead(1, own, 0)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert watch.dead(1, own, 0)  # a zombie, which its parent has not waited for
    child.wait()
    assert watch.dead(1, own, 0)


def test_a_worker_elsewhere_lives_as_long_as_its_beats_go_on():
    clock = Clock()
    watch = Watch(clock)
    for second in range(0, 2000, 10):
        clock.now = float(second)
        assert not watch.dead(1, ELSEWHERE, second // int(BEAT_S))


def test_a_worker_elsewhere_is_dead_once_its_beat_stood_still_for_long_before_our_eyes():
    clock = Clock()
    watch = Watch(clock)
    seen = [watch.dead(1, ELSEWHERE, 7)]
    while clock.now < GONE_S:
        clock.now += 10.0
        seen.append(watch.dead(1, ELSEWHERE, 7))
    assert not any(seen[:-1])
    assert seen[-1]


def test_nobody_is_dead_for_the_time_in_which_nobody_checked():
    clock = Clock()
    watch = Watch(clock)
    assert not watch.dead(1, ELSEWHERE, 7)
    clock.now = 10 * GONE_S  # this worker measured, or the storage was away and no beat could be written
    assert not watch.dead(1, ELSEWHERE, 7)


def test_beats_are_written_while_something_else_sleeps():
    import time

    beats = []
    with liveness.beating(beats.append, every_s=0.02):
        time.sleep(0.2)
    count = len(beats)
    assert beats == list(range(1, count + 1))
    assert count > 2
    time.sleep(0.1)
    assert len(beats) == count


def broken(orig="psycopg"):
    error = type("Gone", (Exception,), {"__module__": orig})("the database system is shutting down")
    return OperationalError("SELECT 1", {}, error)


def patience(messages, clock):
    return Patience("storage=s", messages.append, sleep=clock.sleep, clock=clock)


def test_a_storage_that_comes_back_is_tried_again_and_both_are_reported():
    clock, messages, tries = Clock(), [], []

    def act():
        tries.append(clock.now)
        if clock.now < 30:
            raise broken()
        return "found"

    assert patience(messages, clock)(act) == "found"
    assert len(tries) < 15
    assert len(messages) == 2
    assert messages[0].startswith("storage=s does not answer")
    assert "answers again after 3" in messages[1]


def test_a_storage_that_stays_away_ends_in_one_line():
    clock, messages = Clock(), []

    def act():
        raise broken()

    with pytest.raises(UserError, match=r"has not answered for 300 s; .* the same line goes on"):
        patience(messages, clock)(act)
    assert 300 <= clock.now < 310


def test_other_errors_are_not_waited_for():
    assert away(broken())
    assert not away(ValueError("no"))
    assert not away(broken(orig="sqlite3"))  # no such table, a disk that is full: time does not mend it
    wrapped = RuntimeError("internal")
    wrapped.__cause__ = broken()
    assert away(wrapped)


def test_a_study_that_another_version_wrote_is_refused_in_one_line(tmp_path):
    study = open_study(None, tmp_path, "study", SPACE, wanted(), 0)
    claim, _ = study.claim(REFERENCE, "full")
    study.tell(claim, Outcome((), 0, "finished"))
    outcome = {"words": [], "exit_code": 0, "status": "finished", "flags": [], "metrics": {}}
    from optuna.trial import TrialState, create_trial

    worker = {"host": "h", "where": "w", "pid": 1, "began": 1.0, "card": None}
    attributes = {"point": list(REFERENCE), "stage": "full", "worker": worker, "token": "t", "outcome": outcome}
    study.study.add_trial(create_trial(state=TrialState.FAIL, user_attrs=attributes))
    with pytest.raises(UserError, match="another version") as error:
        study.state()
    assert "\n" not in str(error.value)
