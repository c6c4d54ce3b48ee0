"""Several processes on one study: every point once in a pass, whoever dies, wherever the study is kept."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter

import pytest

from joulemark.sweep.budget import Budget, SpentError
from joulemark.sweep.result import several
from joulemark.sweep.storage import open_study
from joulemark.sweep.trial import Outcome
from tests.paths import ROOT
from tests.sweep.landscape import REFERENCE, Machine, plan, search
from tests.sweep.worker import NINE

pytestmark = pytest.mark.processes

pytest_plugins = ["tests.postgresql"]

BOTH = pytest.mark.parametrize("kept", ["journal", pytest.param("postgresql", marks=pytest.mark.servers)])


@pytest.fixture
def storage(kept, request):
    return request.getfixturevalue("postgresql") if kept == "postgresql" else "journal"


def started(folder, storage, *overrides, number=None):
    own = [] if number is None else [f"sweep.worker={number}"]
    return subprocess.Popen(
        [sys.executable, "-m", "tests.sweep.worker", str(folder), storage, *overrides, *own],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=(folder / f"err{number or ''}").open("a"),
        text=True,
    )


def ended(*processes):
    """The exit code and the last line of each."""
    outs = [process.communicate(timeout=120)[0] for process in processes]
    lasts = [json.loads(out.splitlines()[-1]) if out else {} for out in outs]
    return [(process.returncode, last) for process, last in zip(processes, lasts, strict=True)]


def logged(folder, event=None):
    path = folder / "log"
    lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    return [line for line in lines if event in (None, line[0])]


def times(folder, event):
    return Counter(tuple(overrides) for _, _, _, overrides, _ in logged(folder, event))


def until(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)


def all_measured(folder):
    """Nine points once in each pass, the reference in full alone, and the two finalists."""
    passes = Counter(overrides[-1] for overrides in times(folder, "ends"))
    assert passes == {"screening": 8, "standard": 3}
    assert set(times(folder, "ends").values()) == {1}


@BOTH
def test_three_workers_measure_every_point_once_in_each_stage_and_wait_for_each_other(tmp_path, storage):
    ends = ended(*(started(tmp_path, storage, number=number) for number in (1, 2, 3)))
    assert [code for code, _ in ends] == [0, 0, 0]
    all_measured(tmp_path)
    assert set(times(tmp_path, "begins").values()) == {1}
    assert len({pid for _, pid, *_ in logged(tmp_path)}) == 3
    of = {
        (event, overrides[-1]): [at for kind, _, at, own, _ in logged(tmp_path, event) if own[-1] == overrides[-1]]
        for event, _, _, overrides, _ in logged(tmp_path)
    }
    first, *finalists = sorted(of["begins", "standard"])
    assert first == min(at for _, _, at, *_ in logged(tmp_path))  # the reference, which the others wait for
    assert min(of["ends", "standard"]) < min(of["begins", "screening"])
    assert min(finalists) > max(of["ends", "screening"])
    # whoever comes later finds all there is, and gives the recommendation
    ((code, last),) = ended(started(tmp_path, storage))
    assert (code, last["trials"]) == (0, 11)
    assert len(logged(tmp_path, "begins")) == 11


@BOTH
def test_of_workers_that_claim_one_point_at_the_same_moment_exactly_one_goes_on(tmp_path, storage):
    uri, the_plan = (None if storage == "journal" else storage), plan(tmp_path, dimensions=NINE)
    studies = [open_study(uri, tmp_path, "race", NINE, the_plan.goals, 0) for _ in range(4)]
    for point in the_plan.space.points:
        together, got = threading.Barrier(len(studies)), []

        def claim(study, point=point, together=together, got=got):
            together.wait()
            got.append(study.claim(point, "screening"))

        threads = [threading.Thread(target=claim, args=[study]) for study in studies]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sum(claim_result is not None for claim_result in got) == 1
    assert len(studies[0].state().claims) == len(the_plan.space.points)


@BOTH
@pytest.mark.parametrize("trials", [6, 9])
def test_the_budget_is_the_whole_studys_and_claimed_trials_count(tmp_path, storage, trials):
    overrides = ("--trials", str(trials), "--finalists", "2")
    ends = ended(*(started(tmp_path, storage, *overrides, number=number) for number in (1, 2, 3)))
    assert [code for code, _ in ends] == [0, 0, 0]
    passes = Counter(overrides[-1] for overrides in times(tmp_path, "begins"))
    assert passes["screening"] == trials - 3
    assert passes.total() <= trials
    assert all("is used" in last["ended"] for _, last in ends)


@BOTH
def test_a_killed_workers_trial_is_measured_once_more_by_another(tmp_path, storage):
    first, second = (started(tmp_path, storage, "--seconds", "0.6", number=number) for number in (1, 2))
    until(lambda: sum(pid == first.pid for _, pid, *_ in logged(tmp_path, "begins")) > 1)
    first.kill()
    (_, (code, _)) = ended(first, second)
    assert code == 0
    all_measured(tmp_path)
    again = {overrides: count for overrides, count in times(tmp_path, "begins").items() if count > 1}
    assert list(again.values()) in ([2], [])  # none where it was killed between two trials
    if again:
        assert "lost with the worker" in (tmp_path / "err2").read_text()


def test_what_others_claimed_between_the_state_and_the_claim_counts_in_the_budget(tmp_path):
    the_plan, machine = plan(tmp_path, Budget(trials=2), NINE, screening=False), Machine()
    session, study = search(the_plan, machine, tmp_path)
    session.reference()
    before = study.state()
    _, second = search(the_plan, Machine(), tmp_path)
    second.claim(NINE_POINT, "full")
    with pytest.raises(SpentError):
        session._measured(("batch_size=128", "precision=fp32"), "full", before)
    assert len(machine.requests) == 1
    assert [claim.point for claim in study.state().claims] == [NINE_POINT]


def test_a_point_at_which_two_workers_died_is_not_measured_a_third_time(tmp_path):
    the_plan, point = plan(tmp_path, dimensions=NINE), NINE_POINT
    study = open_study(None, tmp_path, "study", NINE, the_plan.goals, 0)
    for status in ("interrupted", "killed"):
        claim, _ = study.claim(point, "screening")
        study.storage.set_trial_user_attr(claim.trial, "worker", {**claim.worker, "began": 1.0})
        assert study.close_lost() == 1
        assert study.close_lost() == 0
        assert study.results()[-1].outcome.status == status
    assert study.known("screening")[point].outcome.status == "killed"
    assert study.claim(point, "screening") is None
    assert study.claim(point, "full") is not None  # the other pass is another trial


NINE_POINT = ("batch_size=64", "precision=fp32")


def test_what_a_worker_reports_after_others_took_it_for_dead_is_kept(tmp_path):
    the_plan = plan(tmp_path, dimensions=NINE)
    study = open_study(None, tmp_path, "study", NINE, the_plan.goals, 0)
    claim, _ = study.claim(NINE_POINT, "screening")
    study.storage.set_trial_user_attr(claim.trial, "worker", {**claim.worker, "began": 1.0})
    study.close_lost()
    study.tell(claim, Outcome(NINE_POINT, 0, "finished", run_id="r", seconds=3.0))
    study.tell(claim, Outcome(NINE_POINT, 0, "finished", run_id="r", seconds=3.0))
    assert study.known("screening")[NINE_POINT].outcome.run_id == "r"


def measures(second, claim):
    """It is measuring still."""


def measured(second, claim):
    second.tell(claim, Outcome((), 0, "finished", metrics={}))


def steps_back(second, claim):
    second.release(claim)


def measures_elsewhere(second, claim):
    second.storage.set_trial_user_attr(claim.trial, "worker", {**claim.worker, "where": "another machine"})


@pytest.mark.parametrize(
    ("joins", "shared"), [(measures, True), (measured, True), (steps_back, False), (measures_elsewhere, False)]
)
def test_a_trial_during_which_somebody_joins_on_its_machine_is_shared_and_the_result_says_so(tmp_path, joins, shared):
    the_plan, machine = plan(tmp_path, Budget(trials=9), NINE, screening=False), Machine()
    second = open_study(None, tmp_path, "study", NINE, the_plan.goals, 0)

    def joined(overrides, limit_s):
        if len(machine.requests) == 1:  # the first trial beside nobody; the second one is joined
            joins(second, second.claim(NINE_POINT, "full")[0])
        return machine(overrides, limit_s)

    session, study = search(the_plan, joined, tmp_path)
    alone = session.reference()
    beside = session._measured(("batch_size=128", "precision=fp32"), "full", study.state())
    assert not any("shared_host=true" in overrides for overrides in machine.requests)  # neither knew when it began
    assert alone.outcome.flags == ()
    assert beside.outcome.flags == (("shared",) if shared else ())
    assert study.known("full")[beside.point].outcome.flags == beside.outcome.flags
    assert any("shared: in 1 of 2 results" in line for line in several([alone, beside])) is shared


def workers_of(folder):
    return {pid for _, pid, *_ in logged(folder)}


def alive(pid):
    try:
        return open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


@BOTH
def test_two_workers_of_one_parent_share_the_study_and_the_parent_recommends(tmp_path, storage):
    ((code, last),) = ended(started(tmp_path, storage, "--workers", "2"))
    assert (code, last["status"], last["trials"]) == (0, "finished", 11)
    all_measured(tmp_path)
    assert len(workers_of(tmp_path)) == 2
    assert all(shared for *_, shared in logged(tmp_path))
    printed = (tmp_path / "err").read_text()
    assert "worker 1: [" in printed
    assert "worker 2: [" in printed
    assert last["recommended"]["command"].count("shared_host") == 0


def test_the_parent_killed_ends_its_workers_and_the_same_line_goes_on(tmp_path):
    parent = started(tmp_path, "journal", "--workers", "2", "--seconds", "0.5")
    until(lambda: len(logged(tmp_path, "ends")) > 2 and len(workers_of(tmp_path)) == 2)
    time.sleep(0.2)  # into the next trial
    parent.kill()
    ended(parent)
    until(lambda: not any(map(alive, workers_of(tmp_path))), 30)
    assert len(logged(tmp_path, "ends")) < 11  # stopped, not left to themselves
    assert "Traceback" not in (tmp_path / "err").read_text()
    ((code, _),) = ended(started(tmp_path, "journal", "--workers", "2"))
    assert code == 0
    all_measured(tmp_path)


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_the_parent_hands_a_signal_on_and_the_same_line_goes_on(tmp_path, stop):
    parent = started(tmp_path, "journal", "--workers", "2", "--seconds", "0.5")
    until(lambda: len(logged(tmp_path, "ends")) > 2)
    parent.send_signal(stop)
    ((code, last),) = ended(parent)
    assert (code, last["status"]) == (128 + stop, "interrupted")
    assert not any(map(alive, workers_of(tmp_path)))
    ((code, _),) = ended(started(tmp_path, "journal", "--workers", "2"))
    assert code == 0
    all_measured(tmp_path)


def test_a_worker_killed_beside_another_is_named_and_costs_one_trial(tmp_path):
    parent = started(tmp_path, "journal", "--workers", "2", "--seconds", "0.5")
    until(lambda: len(logged(tmp_path, "ends")) > 2 and len(workers_of(tmp_path)) == 2)
    time.sleep(0.2)  # into the next trial
    os.kill(min(workers_of(tmp_path)), signal.SIGKILL)
    ((code, last),) = ended(parent)
    assert (code, last["status"], last["ended"]) == (0, "finished", None)
    assert "was killed by SIGKILL" in (tmp_path / "err").read_text()
    all_measured(tmp_path)


def test_all_workers_killed_leave_a_recommendation_of_what_there_is(tmp_path):
    parent = started(tmp_path, "journal", "--workers", "2", "--seconds", "0.5")
    until(lambda: len(logged(tmp_path, "ends")) > 2 and len(workers_of(tmp_path)) == 2)
    time.sleep(0.2)  # into the next trial
    for pid in workers_of(tmp_path):
        os.kill(pid, signal.SIGKILL)
    ((_, last),) = ended(parent)
    assert last["ended"] == "every worker died"
    assert last["reference"]["overrides"] == list(REFERENCE)
    ((code, _),) = ended(started(tmp_path, "journal"))
    assert code == 0
    all_measured(tmp_path)


@pytest.mark.servers
def test_a_database_that_is_away_for_a_while_loses_nothing(tmp_path, database):
    processes = [started(tmp_path, database.uri, "--seconds", "0.5", number=number) for number in (1, 2)]
    until(lambda: len(logged(tmp_path, "ends")) > 3)
    database.stop()
    time.sleep(4)
    until(
        lambda: "does not answer" in (tmp_path / "err1").read_text()
    )  # on a busy machine a trial outlasts four seconds
    database.start()
    assert [code for code, _ in ended(*processes)] == [0, 0]
    all_measured(tmp_path)
    assert set(times(tmp_path, "begins").values()) == {1}
    printed = (tmp_path / "err1").read_text()
    assert "does not answer" in printed
    assert "answers again after" in printed
