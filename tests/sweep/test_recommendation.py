"""A whole sweep by its overrides, on a known landscape: what it prints, its cost, its exit code."""

import json
import re
import signal
import subprocess
import sys
from dataclasses import replace
from math import ceil, hypot

import pytest

from joulemark.cli import sweep
from joulemark.core.errors import UserError
from joulemark.sweep.budget import Budget
from joulemark.sweep.cost import cost_of
from joulemark.sweep.plan import SweepRequest
from joulemark.sweep.trial import Outcome
from joulemark.sweep.trial_state import TrialResult
from tests.paths import ROOT
from tests.sweep.landscape import REFERENCE, Machine, plan, truth, wanted


def swept(tmp_path, capsys, machine=None, typed=False, **more):
    request = SweepRequest("study", plan(tmp_path, **more), None, tmp_path, typed, ())
    code = sweep.run(request, machine or Machine())
    out = capsys.readouterr().out.splitlines()
    return code, out, json.loads(out[-1])


@pytest.fixture(autouse=True)
def signals():
    before = [(number, signal.getsignal(number)) for number in (signal.SIGINT, signal.SIGTERM)]
    yield
    for number, handler in before:
        signal.signal(number, handler)


def test_the_recommendation_is_the_least_energy_within_the_constraints_with_its_command(tmp_path, capsys):
    code, out, last = swept(tmp_path, capsys, goals=wanted({"quality": {"loss_rel": 0.01}, "p95": {"max": 0.05}}))
    assert code == 0
    assert last["recommended"]["overrides"] == ["batch_size=64", "precision=bf16"]
    assert last["recommended"]["command"] == "python -m src.run batch_size=64 model=m precision=bf16 protocol=standard"
    assert any("run it again: " + last["recommended"]["command"] in line for line in out)
    assert any("recommended: batch_size=64" in line and "quality loses at most 1 %" in line for line in out)


def test_the_cost_is_all_trials_and_says_when_it_is_paid_back(tmp_path, capsys):
    machine = Machine(memory={"fp16": 32})
    _, out, last = swept(tmp_path, capsys, machine)
    failed = 1
    trials = len(machine.requests)
    assert last["cost"]["trials"] == trials
    assert last["cost"]["wh"] == pytest.approx(0.5 * (trials - failed) + 0.1 * failed)
    saving = truth(1, "fp32")["energy/total_wh_per_1k"] - last["recommended"]["metrics"]["energy/total_wh_per_1k"]
    assert last["cost"]["saving_wh_per_1k"] == pytest.approx(saving)
    low, high = last["cost"]["saving_within_run"]
    assert low < saving < high
    assert last["cost"]["paid_back_after"] == [ceil(last["cost"]["wh"] / end * 1000) for end in (high, low)]
    assert last["cost"]["verdict"]["outcome"] == "not established"
    assert any("saving, indicated, not established: " in line for line in out)
    assert any("each setting was measured in one process" in line for line in out)


def test_a_trial_that_could_not_say_what_it_took_is_counted_as_unknown_never_as_nothing():
    results = [TrialResult(REFERENCE, "full", Outcome((), 0, "finished", metrics={"energy/run_wh": 2.0}))]
    results += [TrialResult(("batch_size=2",), "full", Outcome((), -9, "killed"))]
    cost = cost_of(results, {"energy/total_wh_per_1k": 3.0}, {"energy/total_wh_per_1k": 1.0})
    assert (cost.wh, cost.trials, cost.unknown, cost.paid_back_after) == (2.0, 2, 1, (None, None))
    assert cost.saving_in_words() == [
        "saving, not established: 2 Wh per 1,000 (no interval), which would pay the sweep back after an unknown number "
        "of inferences"
    ]
    assert "1 that ended before" in str(cost)
    assert cost_of(results[1:], {}, None).wh is None
    same = cost_of(results, {"energy/total_wh_per_1k": 1.0}, {"energy/total_wh_per_1k": 1.0})
    assert same.saving_in_words() == ["the recommended setting saves nothing against the reference"]
    assert cost_of(results, {"energy/total_wh_per_1k": None}, None).saving_wh_per_1k is None


@pytest.mark.parametrize(
    ("half", "other_half", "indicated"),
    [(0.4, 0.4, True), (0.6, 0.6, False), (1.1, 0.0, False), (0.0, 1.1, False), (None, 0.1, False)],
)
def test_a_saving_is_indicated_where_the_intervals_of_both_energies_leave_room_for_one(half, other_half, indicated):
    reference, own = (
        {"energy/total_wh_per_1k": wh, "energy/ci95_rel": None if by is None else by / wh, "energy/run_wh": 1.0}
        for wh, by in ((101.0, half), (100.0, other_half))
    )
    cost = cost_of([], reference, own)
    assert (cost.verdict.outcome, cost.verdict.indicated) == ("not established", "A" if indicated else None)
    assert cost.saving == ((None, None) if half is None else pytest.approx(
        (1 - hypot(half, other_half), 1 + hypot(half, other_half))
    ))  # fmt: skip


def test_a_saving_that_may_be_none_may_never_pay_back():
    metrics = {"energy/run_wh": 2.0}
    results = [TrialResult(REFERENCE, "full", Outcome((), 0, "finished", metrics=metrics))]
    sure, unsure = (
        cost_of(results, {"energy/total_wh_per_1k": 3.0, "energy/ci95_rel": by},
                {"energy/total_wh_per_1k": 1.0, "energy/ci95_rel": by}) for by in (0.1, 0.9)
    )  # fmt: skip
    assert re.search(r"after 8\d\d to 1,1\d\d inferences$", *sure.saving_in_words())
    assert sure.saving_in_words()[0].startswith("saving, indicated, not established: 2 Wh per 1,000 (1.68 to 2.32 by")
    assert unsure.saving_in_words()[0].startswith("saving, not established: 2 Wh per 1,000 (-0.846 to 4.85 by")
    assert unsure.saving_in_words()[0].endswith("after 413 inferences, or never")


def test_the_cost_says_how_much_of_the_trials_time_it_holds():
    metrics = {"energy/run_wh": 2.0, "energy/run_s": 60.0}
    results = [TrialResult(REFERENCE, "full", Outcome((), 0, "finished", metrics=metrics, seconds=90.0))]
    results += [TrialResult(("batch_size=2",), "full", Outcome((), -9, "killed", seconds=60.0))]
    assert "metered for 1 of their 2.5 min" in str(cost_of(results, {}, None))
    assert "of their" not in str(cost_of(results[1:], {}, None))


def test_a_setting_says_after_how_many_inferences_each_start_of_it_is_earned_back():
    results = [TrialResult(REFERENCE, "full", Outcome((), 0, "finished", metrics={"energy/run_wh": 2.0}))]
    before = {"energy/total_wh_per_1k": 3.0, "energy/load_wh": 0.1, "energy/warmup_wh": 0.5}
    compiled = cost_of(results, before, {"energy/total_wh_per_1k": 1.0, "energy/load_wh": 0.1, "energy/warmup_wh": 6.5})
    assert (compiled.start_wh, compiled.start_paid_back_after) == (6.0, 3000)
    assert "each start of the recommended setting takes 6 Wh more, paid back after about 3,000" in str(compiled)
    loading = cost_of(results, before, {"energy/total_wh_per_1k": 1.0, "energy/load_wh": 6.6, "energy/warmup_wh": 0.0})
    assert (loading.start_wh, loading.start_paid_back_after) == (6.0, 3000)
    for plain in ({"energy/warmup_wh": 0.6}, {"energy/warmup_wh": 0.1}, {}):
        assert "each start" not in str(cost_of(results, before, {"energy/total_wh_per_1k": 1.0, **plain}))
    assert cost_of(results, before, {"energy/total_wh_per_1k": 1.0}).start_paid_back_after is None


def test_out_of_memory_is_named_and_larger_sizes_are_excluded_with_the_reason(tmp_path, capsys):
    _, out, last = swept(tmp_path, capsys, Machine(memory={"fp16": 32}))
    assert any("out of memory at batch_size=64" in line for line in out)
    assert {tuple(entry["overrides"]) for entry in last["excluded"]} == {
        ("batch_size=128", "precision=fp16"),
        ("batch_size=256", "precision=fp16"),
    }


def test_constraints_that_no_setting_keeps_end_with_the_nearest_and_exit_code_1(tmp_path, capsys):
    code, out, last = swept(tmp_path, capsys, goals=wanted({"p95": {"max": 0.001}}), screening=False)
    assert (code, last["recommended"], last["status"]) == (1, None, "failed")
    assert last["nearest"][0]["overrides"] == ["batch_size=1", "precision=bf16"]
    assert any("violates: p95 at most 0.001 s" in line for line in out)


def test_constraints_that_no_screened_setting_keeps_still_name_the_nearest(tmp_path, capsys):
    code, _, last = swept(tmp_path, capsys, goals=wanted({"p95": {"max": 0.001}}))
    assert code == 1
    assert last["nearest"][0]["overrides"] == ["batch_size=1", "precision=bf16"]


def test_a_budget_that_ends_the_search_is_reported(tmp_path, capsys):
    code, out, last = swept(tmp_path, capsys, budget=Budget(trials=9))
    assert code == 0
    assert last["trials"] <= 9
    assert "ended early" in "\n".join(out)


def test_a_reference_that_fails_ends_the_sweep_in_one_line(tmp_path, capsys):
    with pytest.raises(UserError, match="reference batch_size=1 precision=fp32 failed: out of memory"):
        swept(tmp_path, capsys, Machine(memory={"fp32": 0}))


def test_an_objective_that_the_reference_lacks_ends_the_sweep(tmp_path, capsys):
    with pytest.raises(UserError, match="no latency/p95_s"):
        swept(tmp_path, capsys, Machine(metrics={"latency/p95_s": None}))


def test_a_stopped_sweep_ends_with_the_signals_exit_code_and_the_same_line_goes_on(tmp_path, capsys):
    machine = Machine(stop_after=5)
    code, out, last = swept(tmp_path, capsys, machine)
    assert (code, last["status"]) == (130, "interrupted")
    assert out[0].startswith("so far: ")  # the answer first, then the table so far
    assert any(line.startswith("batch_size=1 precision=fp32 (reference)") for line in out)
    assert any("(screening)" in line for line in out)
    assert any("so far: 5 of 36 points, 1 of them in the run's own protocol" in line for line in out)
    assert not any("recommended:" in line for line in out)
    machine.stop_after = None
    code, _, last = swept(tmp_path, capsys, machine)
    assert code == 0
    assert len(machine.requests) == len(set(machine.requests))


def test_estimated_energy_is_marked_as_such(tmp_path, capsys):
    _, out, _ = swept(tmp_path, capsys, Machine(metrics={"energy/estimated_share": 0.25}))
    assert any("estimated" in line and "25%" in line for line in out[:-1])
    _, out, _ = swept(tmp_path / "read", capsys, Machine(metrics={"energy/estimated_share": 0.0}))
    assert not any("estimated" in line for line in out[:-1])


def test_only_full_measurements_are_results(tmp_path, capsys):
    class Screened(Machine):
        def __call__(self, overrides, limit_s):
            outcome = super().__call__(overrides, limit_s)
            better = {**outcome.metrics, "energy/total_wh_per_1k": 1e-6}
            return replace(outcome, metrics=better) if "protocol=screening" in overrides else outcome

    _, _, last = swept(tmp_path, capsys, Screened())
    assert all(entry["metrics"]["energy/total_wh_per_1k"] > 0.1 for entry in last["front"])


def refused(*overrides):
    done = subprocess.run(
        [sys.executable, "-m", "joulemark.cli.run", *overrides], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert (done.returncode, done.stdout) == (2, "")
    *warnings, line = done.stderr.splitlines()
    assert all(warning.startswith("! ") for warning in warnings)  # that a typed password can be seen
    return line


@pytest.mark.processes
def test_a_sweep_without_m_says_to_type_it():
    assert "type -m" in refused("sweep=efficiency", "model=embedded_classifier")
    assert "storage" in refused("storage=sqlite:///x.db")


@pytest.mark.processes
def test_a_storage_that_is_invalid_reached_is_one_line_without_its_password():
    uri = "postgresql+psycopg://someone:secret@127.0.0.1:1/none"
    line = refused("-m", "sweep=efficiency", "hardware=cpu", "batch_size=1,2", "precision=fp32", f"storage={uri}")
    assert "storage=postgresql+psycopg://127.0.0.1:1/none cannot be used" in line
    assert "secret" not in line
    assert "someone" not in line


def test_what_changes_the_outputs_is_not_searched_where_nobody_says_how_good_they_are(tmp_path):
    planned = plan(tmp_path, goals=wanted({"quality": {"loss_rel": 0.01}}))
    machine = Machine(metrics={"quality/primary": None})
    request = SweepRequest("study", planned, None, tmp_path, False, (), task_options=("task.steps",))
    with pytest.raises(UserError, match=r"task\.steps changes the task's outputs, and the reference's have no quality"):
        sweep.run(request, machine)
    assert len(machine.requests) == 1  # the reference alone
