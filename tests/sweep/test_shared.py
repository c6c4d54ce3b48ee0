"""Screening trials that need one loaded model share a process, and nothing of what a trial promises is lost by that."""

import os
import signal
import sys
from dataclasses import dataclass, field, replace
from math import inf
from threading import Timer

import pytest

from joulemark.analysis.flags import CARRY_OVER
from joulemark.analysis.verdict import agree
from joulemark.core import paths
from joulemark.core.errors import UserError
from joulemark.measure.resident import shared_key
from joulemark.sweep import doubtful
from joulemark.sweep.budget import Budget
from joulemark.sweep.carry_over import Check, judged
from joulemark.sweep.result import carried_over, checked
from joulemark.sweep.search import Search
from joulemark.sweep.shared import SharedTrials
from joulemark.sweep.space import Dimension
from joulemark.sweep.storage import open_study
from joulemark.sweep.trial import Outcome
from joulemark.sweep.trial_state import CHECK, DOUBTED, SCREENING, TrialResult
from tests.sweep.landscape import Machine, plan, wanted
from tests.sweep.test_feeding import feeding

WH = "energy/total_wh_per_1k"
SMALL = (Dimension("batch_size", ("1", "2", "8", "64")), Dimension("precision", ("fp32", "bf16")))
POINTS = 8


@dataclass
class Processes:
    """The landscape measured in processes of one precision each; `last`: by how much their last figures differ."""

    machine: Machine = field(default_factory=Machine)
    last: float = 1.01
    loads: list[tuple[str, ...]] = field(default_factory=list)
    made: list[tuple[str, ...]] = field(default_factory=list)
    closed: int = 0
    alive: bool = False

    def __call__(self, overrides, limit_s):
        if not self.alive:
            self.alive, self.made = True, []
            self.loads.append(shared_key(overrides))
        if shared_key(overrides) != self.loads[-1]:
            return None
        self.made.append(tuple(overrides))
        return replace(self.machine(overrides, limit_s), process=f"process {len(self.loads)}")

    @property
    def to_check(self):
        return self.alive and len(self.made) > 1

    def check(self, limit_s):
        first = self.machine(self.made[0], limit_s)
        self.machine.requests.pop()
        last = replace(first, metrics={**first.metrics, WH: first.metrics[WH] * self.last})
        return Check(f"process {len(self.loads)}", self.made[0], first, last)

    def close(self):
        self.closed += self.alive
        self.alive = False


def small(tmp_path, **more):
    return plan(tmp_path, dimensions=SMALL, **more)


@dataclass
class Alone(Machine):
    """Processes of their own, for which no shared one may hold the card; `level`: what they give over the landscape."""

    processes: Processes | None = None
    level: float = 1.0

    def __call__(self, overrides, limit_s):
        assert not self.processes.alive
        outcome = super().__call__(overrides, limit_s)
        if "protocol=screening" not in overrides:
            return outcome
        return replace(outcome, metrics={**outcome.metrics, WH: outcome.metrics[WH] * self.level})


def through(tmp_path, processes, the_plan=None, session="study", level=1.0):
    the_plan, messages = the_plan or small(tmp_path), []
    machine = Alone(processes=processes, level=level)
    study = open_study(None, tmp_path, session, the_plan.space.dimensions, the_plan.goals, the_plan.seed)
    search = Search(the_plan, study, machine, messages.append, shared=processes)
    search.reference()
    search.points()
    search.results()
    return search, study, machine, messages


def test_points_of_one_load_follow_each_other_in_one_process(tmp_path):
    processes = Processes()
    _, study, machine, messages = through(tmp_path, processes)
    assert len(processes.machine.requests) == POINTS - 1
    assert len(processes.loads) == len(set(processes.loads)) == len(SMALL[1].values)
    assert processes.closed == len(SMALL[1].values)
    # reference and finalists are processes of their own
    assert all("protocol=standard" in overrides for overrides in machine.requests)
    assert len(machine.requests) == 1 + 1
    assert sum(message.startswith("carry-over: first") for message in messages) == len(SMALL[1].values)
    assert len(study.checks()) == len(SMALL[1].values)


def test_the_model_of_a_process_was_tried_with_batches_before_it_serves_single_requests(tmp_path):
    processes = Processes()
    through(tmp_path, processes)
    of_bf16 = [point for point in processes.machine.points("screening") if "precision=bf16" in point]
    assert of_bf16[0] == ("batch_size=2", "precision=bf16")
    assert ("batch_size=1", "precision=bf16") in of_bf16


def test_what_a_process_left_behind_is_told_and_what_it_may_have_raised_is_measured_again_alone(tmp_path):
    processes = Processes(last=2.0)
    _, study, machine, messages = through(tmp_path, processes)
    assert len(processes.loads) == 1  # no other one follows
    first, *others = processes.machine.points("screening")
    assert first == ("batch_size=2", "precision=fp32")
    again = machine.points("screening")
    assert again[0] == first  # the check's own, in a process of its own
    # Half of the least one's 1.3 Wh may be the answer; half of 3.5 is above that, whatever the process added
    assert {point for point in again[1:] if "precision=fp32" in point} == {("batch_size=64", "precision=fp32")}
    (told,) = [message for message in messages if "disagree" in message]
    assert "in a process of its own 11: carry-over; what may be recommended is measured again" in told
    known = study.known(SCREENING)
    assert all(CARRY_OVER in known[point].outcome.flags for point in (first, *others) if point not in again[1:])
    doubted = [result for result in study.results() if result.outcome.status == DOUBTED]
    assert known["batch_size=64", "precision=fp32"].outcome.process is None
    assert not doubted  # beside the 0.4 of bf16 not even half of it may be


def test_a_process_that_changed_by_less_than_finalists_may_is_told_and_nothing_is_measured_again(tmp_path):
    processes = Processes(last=1.2)
    _, study, machine, messages = through(tmp_path, processes)
    assert machine.points("screening") == []
    assert sum("differ by less than 25%, the margin of finalists" in message for message in messages) == len(
        SMALL[1].values
    )
    assert not any(CARRY_OVER in result.outcome.flags for result in study.results())
    assert checked(study) == [
        "screening: 0 of 2 processes of several settings gave their first one's energy again at their end, "
        "2 within 25% of it"
    ]
    assert carried_over(study) == []


def test_no_trial_of_its_own_begins_while_a_process_holds_the_card(tmp_path):
    processes = Processes()
    _, _, machine, _ = through(tmp_path, processes, small(tmp_path, feeding=feeding()))
    assert machine.points("standard")[1] == ("batch_size=64", "precision=bf16")  # of the second stage: `Alone` refuses
    assert processes.closed == len(processes.loads)


def test_a_machine_that_changed_does_not_end_what_processes_share(tmp_path):
    processes = Processes(last=2.0)
    _, study, _, messages = through(tmp_path, processes, level=2.0)
    told = [message for message in messages if "disagree" in message]
    assert "in a process of its own 22: the machine changed" in told[0]
    assert len(processes.loads) > 1
    assert len(told) == 2  # none follows the second one that disagrees
    checks = [result for result in study.results() if result.stage == CHECK]
    assert len(checks) == 4  # each with the one in a process of its own


def test_none_follows_the_second_process_that_a_changed_machine_leaves_in_doubt(tmp_path):
    processes = Processes(last=2.0)
    formats = (SMALL[0], Dimension("precision", ("fp32", "tf32", "bf16")))
    _, _, _, messages = through(tmp_path, processes, plan(tmp_path, dimensions=formats), level=2.0)
    assert sum("disagree" in message for message in messages) == 2


def result(wh, place, process="p", status="finished"):
    outcome = Outcome((), 0, status, metrics={WH: wh, "latency/p95_s": 1.0}, process=process)
    return TrialResult((f"batch_size={place}",), SCREENING, outcome)


def test_within_reach_is_what_may_come_out_as_low_where_it_was_too_high_by_so_much():
    given = [result(1.0, 1), result(1.9, 2), result(3.0, 4), result(3.0, 8, "other"), result(9.0, 16, status="failed")]
    found = judged(given, {"p": 2.0}, wanted())
    assert [each.outcome.status for each in found] == [DOUBTED, DOUBTED, "finished", "finished", DOUBTED]
    assert [CARRY_OVER in each.outcome.flags for each in found] == [True, True, True, False, True]
    # Measured again at 2.2, so that 3.0 may be the least as well
    found = judged([*given, result(2.2, 1, None)], {"p": 2.0}, wanted())
    assert [each.outcome.status for each in found[:3]] == [DOUBTED] * 3


def test_a_study_of_an_earlier_version_says_of_no_process_how_far_it_is_off(tmp_path):
    the_plan = small(tmp_path)
    study = open_study(None, tmp_path, "study", the_plan.space.dimensions, the_plan.goals, the_plan.seed)
    study.study.set_user_attr("check old", [False, "they disagree"])
    study.study.set_user_attr("check well", [True, "they agree"])
    assert study.checks() == {"old": (False, "they disagree", inf), "well": (True, "they agree", None)}
    assert study.results() == []


def test_where_quality_is_an_objective_all_of_a_process_that_disagrees_is_measured_again(tmp_path):
    processes = Processes(last=2.0)
    _, _, machine, _ = through(tmp_path, processes, small(tmp_path, goals=wanted(objectives=("energy", "quality"))))
    assert {*processes.machine.points("screening")} <= {*machine.points("screening")[1:]}


def test_a_check_whose_own_process_has_no_energy_blames_the_process():
    def gave(wh):
        return Outcome((), 0, "finished", metrics={WH: wh})

    assert Check("p", (), gave(1.0), gave(1.5), gave(1.52)).drifted
    assert not Check("p", (), gave(1.0), gave(1.5), gave(1.02)).drifted
    lost = Check("p", (), gave(1.0), gave(1.5), Outcome((), 1, "failed"))
    assert (lost.agrees, lost.drifted, lost.apart) == (False, False, 1.5)


def test_a_check_is_no_result_of_its_point_and_its_energy_is_part_of_the_cost(tmp_path):
    _, study, _, _ = through(tmp_path, Processes())
    checks = [result for result in study.results() if result.stage == CHECK]
    assert len(checks) == len(SMALL[1].values)
    assert all(check.metrics["energy/run_wh"] for check in checks)
    assert all(study.known(SCREENING)[check.point].stage != CHECK for check in checks)


def test_a_session_that_goes_on_measures_nothing_of_a_shared_process_twice(tmp_path):
    through(tmp_path, Processes())
    processes = Processes()
    _, _, machine, _ = through(tmp_path, processes)
    assert (processes.machine.requests, machine.requests) == ([], [])


def heads(messages):
    return [message.partition("]")[0] + "]" for message in messages if message.startswith("[")]


def test_the_count_in_brackets_is_of_what_there_is_to_do(tmp_path):
    two_points = (Dimension("batch_size", ("1", "8")), Dimension("precision", ("fp32",)))
    one = plan(tmp_path, dimensions=two_points, budget=Budget(trials=80))
    _, _, _, messages = through(tmp_path, Processes(), one, "one")
    assert heads(messages) == ["[1/3]", "[2/3, about 60 s left]", "[3/3]"]
    _, _, _, messages = through(tmp_path, Processes(), small(tmp_path, budget=Budget(trials=80)), "all")
    most = POINTS + 4  # any four of them may be recommended yet
    assert heads(messages)[0] == f"[1/{most}]"
    assert heads(messages)[1] == f"[2/{most}, about 10 min left]"
    assert heads(messages)[-1] == f"[{POINTS + 1}/{POINTS + 1}]"
    _, _, _, messages = through(tmp_path, Processes(), small(tmp_path, budget=Budget(trials=6), finalists=2), "few")
    assert heads(messages)[-1] == "[5/5]"  # one may be recommended, of two that the budget holds


def test_what_the_references_diagnosis_names_is_tried_first(tmp_path):
    processes = Processes()
    machine = Machine()

    def diagnosed(overrides, limit_s):
        return replace(machine(overrides, limit_s), tries=("batch_size=64", "precision=bf16 prefetch=2"))

    the_plan = small(tmp_path)
    study = open_study(None, tmp_path, "study", the_plan.space.dimensions, the_plan.goals, the_plan.seed)
    search = Search(the_plan, study, diagnosed, lambda sentence: None, shared=processes)
    search.reference()
    search.points()
    by_load = [point[1] for point in processes.machine.points("screening")]
    assert by_load == ["precision=bf16"] * 4 + ["precision=fp32"] * 3


def test_two_measurements_agree_within_their_intervals_or_what_the_screening_resolves():
    def metrics(wh, relative):
        return {WH: wh, "energy/ci95_rel": relative}

    assert agree(metrics(1.0, 0.1), metrics(1.13, 0.1))
    assert not agree(metrics(1.0, 0.1), metrics(1.17, 0.1))
    assert agree(metrics(1.0, 0.001), metrics(1.04, 0.001))
    assert not agree(metrics(1.0, 0.001), metrics(1.06, 0.001))
    # Intervals that hold a multiple as well tell nothing
    assert agree(metrics(1.0, 0.9), metrics(1.24, 0.9))
    assert agree(metrics(1.0, 0.9), metrics(1.3, 0.9)) is agree(metrics(1.3, 0.9), metrics(1.0, 0.9)) is None
    assert agree(metrics(1.0, 0.001), metrics(1.3, 0.001)) is False
    assert agree(metrics(1.0, None), metrics(None, None)) is None


# Stands where cli/shared_process.py stands
PROGRAM = """
import json, os, signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
first = None
for line in sys.stdin:
    given = dict(each.split("=", 1) for each in json.loads(line)["overrides"])
    if first not in (None, given["precision"]):
        print(json.dumps({"other_load": "precision differs"}), flush=True); continue
    used, first = first is not None, given["precision"]
    does = given.get("does", "")
    if does == "dies" or (does == "dies_used" and used): os.kill(os.getpid(), signal.SIGKILL)
    if does == "hangs": time.sleep(60)
    print("a table", flush=True)
    last = {"status": "finished", "run_id": "r", "flags": [], "process": str(os.getpid()),
            "metrics": {"energy/total_wh_per_1k": 1.0, "energy/ci95_rel": 0.01, "energy/run_wh": 0.1}}
    if does == "memory" and used:
        print(json.dumps({**last, "status": "failed", "error": "out of memory at batch_size=8"}), flush=True)
        sys.exit(1)
    print(json.dumps(last), flush=True)
"""


@pytest.fixture
def trials(tmp_path, monkeypatch):
    (tmp_path / "process.py").write_text(PROGRAM)
    monkeypatch.setattr(paths, "module", lambda name, *more: [sys.executable, str(tmp_path / "process.py")])
    messages = []
    made = SharedTrials(messages.append, grace_s=5)
    made.messages = messages
    yield made
    made.close()


FP32 = ("precision=fp32", "early_stop_against=[{}]")


@pytest.mark.processes
def test_one_process_measures_one_model_and_leaves_another_to_the_next(trials):
    first, second = (trials([*FP32, f"batch_size={size}"], None) for size in (2, 4))
    assert (first.status, second.status) == ("finished", "finished")
    assert first.process == second.process is not None
    assert trials(["precision=bf16"], None) is None
    check = trials.check(None)
    assert check.agrees
    assert check.overrides == (*FP32, "batch_size=2")
    assert check.last.overrides == ("precision=fp32", "batch_size=2")  # measured to its end
    trials.close()
    assert not trials.alive
    assert trials(["precision=bf16"], None).process != first.process
    assert trials.check(None) is None  # of one setting nothing can have been carried over


@pytest.mark.processes
def test_a_crash_is_its_own_points_result_and_the_next_one_gets_a_fresh_process(trials):
    dead = trials([*FP32, "does=dies"], None)
    assert (dead.status, dead.exit_code) == ("killed", -9)
    assert not trials.alive
    assert trials(FP32, None).status == "finished"


@pytest.mark.processes
@pytest.mark.parametrize("does", ["dies_used", "memory"])
def test_what_breaks_a_process_that_was_used_is_measured_once_more_alone(trials, does):
    first = trials(FP32, None)
    again = trials([*FP32, f"does={does}"], None)
    assert again.status == "finished"
    assert again.process != first.process
    assert again.metrics["energy/run_wh"] == pytest.approx(0.2 if does == "memory" else 0.1)
    assert "once more, alone" in trials.messages[0]


@pytest.mark.processes
def test_a_limit_ends_the_process_with_its_point(trials):
    trials(FP32, None)
    late = trials([*FP32, "does=hangs"], 0.5)
    assert late.status == "timed_out"
    assert not trials.alive


@pytest.mark.processes
def test_a_stop_reaches_the_process_once_and_ends_the_sweeps_wait(trials):
    Timer(0.5, os.kill, (os.getpid(), signal.SIGTERM)).start()
    stopped = trials([*FP32, "does=hangs"], None)
    assert (stopped.status, stopped.stopped_by) == ("interrupted", "SIGTERM")


def test_the_runs_of_a_process_whose_check_disagrees_are_tagged_anew(tmp_path):
    the_plan, given = small(tmp_path), []
    study = open_study(None, tmp_path, "study", the_plan.space.dimensions, the_plan.goals, the_plan.seed)
    processes = Processes(last=2.0)
    search = Search(the_plan, study, Machine(), [].append, shared=processes, doubted=given.append)
    search.reference()
    search.points()
    (results,) = given
    assert {result.outcome.process for result in results} == {"process 1"}
    assert len(results) == len(processes.made)


def test_a_tag_is_added_once_and_others_stay(tmp_path, monkeypatch):
    from joulemark.store import additions, reading

    tags = {"a": "preliminary, shared_process", "b": f"{CARRY_OVER}, preliminary"}

    def refuses(uri, run_id, metrics, added):
        if run_id == "c":
            raise UserError("the store is away")
        tags[run_id] = added["flags"]

    monkeypatch.setattr(additions, "add", refuses)
    monkeypatch.setattr(reading, "tag", lambda uri, run_id, name: tags.get(run_id))
    results = [TrialResult((), SCREENING, Outcome((), 0, "finished", run_id=each)) for each in ("a", "b", "c", None)]
    messages = []
    doubtful.tag_anew("sqlite:///x.db", messages.append, results)
    assert tags == {"a": f"{CARRY_OVER}, preliminary, shared_process", "b": f"{CARRY_OVER}, preliminary"}
    assert messages == [f"not tagged as {CARRY_OVER}: run c: the store is away"]
    doubtful.tag_anew(None, messages.append, results)
