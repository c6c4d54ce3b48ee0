"""Many runs of one command: all are checked, each is a process of its own, and every end of one is reported."""

import json
import os
import re
import signal
import subprocess
import sys
from threading import Thread
from types import SimpleNamespace

import psutil
import pytest
from hydra import initialize_config_dir

from joulemark.cli.multirun import launch
from joulemark.core.errors import UserError
from joulemark.core.paths import CONF
from joulemark.sweep.multirun import ThisMachine, checked, varying
from tests.cli.test_suite import running
from tests.paths import ROOT
from tests.sweep.test_trial import measuring, program, wait_for  # noqa: F401

JOBS = [["batch_size=1", "seed=0"], ["batch_size=2", "seed=0"], ["batch_size=3", "seed=0"]]

# Stands where cli/run.py stands: says which overrides it had, and ends as its batch size bids
SAYS = """
overrides = dict(override.split("=") for override in sys.argv[1:])
with open("done", "a") as file: file.write(overrides["batch_size"])
ends = {"1": ("finished", 0), "2": ("failed", 1), "3": ("finished", 0)}
status, code = ends[overrides["batch_size"]]
print(json.dumps({"status": status, "run_id": "r" + overrides["sweep_id"], "error": "broke" if code else None,
                  "flags": ["not_converged"], "metrics": {"energy/total_wh_per_1k": 1.0, "quality/primary": 0.5}}))
sys.exit(code)
"""


@pytest.fixture
def saved(monkeypatch):
    """What would have become the sweep's own run in MLflow."""
    calls = []
    monkeypatch.setattr("joulemark.store.sweeps.save_sweep", lambda *overrides: calls.append(overrides) or "parent")
    return calls


def without_times(err):
    """The lines of progress; how long the rest takes depends on the machine."""
    return [re.sub(r", about [^ ]+ \w+ left", "", line) for line in err.splitlines()]


def launched(jobs, **options):
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return launch(jobs, **options)


def test_a_run_that_fails_is_a_row_and_the_next_one_begins(program, saved, capsys):  # noqa: F811
    folder = program(SAYS)
    outcomes, code = launched(JOBS, sweep_id="mine")
    out, err = capsys.readouterr()
    assert (folder / "done").read_text() == "123"
    assert (code, [outcome.status for outcome in outcomes]) == (1, ["finished", "failed", "finished"])
    assert without_times(err) == [
        "3 runs to make: 2 min to 9 min of measuring, and starting each",
        "1 of 3  batch_size=1", "2 of 3  batch_size=2", "3 of 3  batch_size=3",
    ]  # fmt: skip
    *lines, last = out.splitlines()
    answer, table = lines[: lines.index("")], lines[lines.index("") + 1 :]
    assert answer[:2] == [
        "text classification: embedded_classifier batch_size=1 takes the least of 2: 1.00 Wh per 1,000, accuracy 0.500 "
        "(not established)",
        "1 of 3 failed: embedded_classifier batch_size=2: broke",
    ]
    assert lines[-1] == "Make a page of these runs: joulemark report sweep_id=mine"
    assert table[0].split() == "model batch_size quality Wh per 1,000 ± processes estimated p95 s status".split()
    assert [line.split()[1] for line in table[1:4]] == ["1", "2", "3"]
    assert "text_classification, embedded_classifier batch_size=2 failed: broke" in table
    summary = json.loads(last)
    assert (summary["status"], summary["sweep_id"], summary["run_id"], summary["left"]) == (
        "failed",
        "mine",
        "parent",
        0,
    )
    ((_, task, status, _, sweep),) = saved
    assert (task, status, sweep.tags) == ("text_classification", "failed", {"sweep_id": "mine"})
    assert not sweep.again  # the same id typed twice is two tables
    assert sweep.table.startswith(f"**{answer[0]}**\n")
    assert "\n| model | batch_size | quality |" in sweep.table
    assert [run["run_id"] for run in summary["runs"]] == ["rmine"] * 3
    assert summary["runs"][1]["error"] == "broke"
    assert summary["runs"][1]["flags"] == ["not_converged"]


def test_runs_that_all_finish_exit_with_zero_under_an_id_of_their_own(program, saved, capsys):  # noqa: F811
    program(SAYS)
    assert launched([JOBS[0], JOBS[2]])[1] == 0
    first = json.loads(capsys.readouterr().out.splitlines()[-1])
    launched([JOBS[0]])
    second = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert first["status"] == "finished"
    assert first["sweep_id"] != second["sweep_id"]
    assert first["sweep_id"][0] == "s"


@pytest.mark.parametrize("key", ["tracking_uri", "++tracking_uri"])
def test_the_last_line_and_the_messages_on_the_way_hold_no_password(key, program, saved, capsys):  # noqa: F811
    program(SAYS)
    address = "postgresql+psycopg://someone:secret@127.0.0.1:1/runs"
    launched([["batch_size=1", f"{key}={address}"], ["batch_size=2", f"{key}={address}2"]])
    printed = capsys.readouterr()
    assert "secret" not in printed.out + printed.err
    assert (
        f"{key}=postgresql+psycopg://127.0.0.1:1/runs"
        in json.loads(printed.out.splitlines()[-1])["runs"][0]["overrides"]
    )


def test_a_store_that_fails_takes_nothing_from_the_last_line(program, monkeypatch, capsys):  # noqa: F811
    program(SAYS)

    def broken(*overrides):
        raise OSError("disk full")

    monkeypatch.setattr("joulemark.store.sweeps.save_sweep", broken)
    assert launched([JOBS[0]])[1] == 0
    out, err = capsys.readouterr()
    last = json.loads(out.splitlines()[-1])
    assert (last["status"], last["run_id"], last["runs"][0]["status"]) == ("finished", None, "finished")
    assert "the table is not recorded: disk full" in err


def test_a_signal_stops_the_run_that_goes_on_and_those_that_follow(program, saved, capsys):  # noqa: F811
    code = "def stop(number, frame): print(json.dumps({'status': 'interrupted', 'error': 'SIGTERM'})); sys.exit(143)\n"
    folder = program(code + "signal.signal(signal.SIGTERM, stop); Path('ready').touch(); time.sleep(60)")
    thread = Thread(target=lambda: (wait_for(folder / "ready"), os.kill(os.getpid(), signal.SIGTERM)))
    thread.start()
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    outcomes, code = launched(JOBS)
    thread.join()
    out, err = capsys.readouterr()
    assert (code, [outcome.status for outcome in outcomes]) == (143, ["interrupted"])
    assert "stopped by SIGTERM; 2 of 3 not begun" in err
    last = json.loads(out.splitlines()[-1])
    assert (last["status"], last["left"], len(last["runs"])) == ("interrupted", 2, 1)
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def test_invalid_overrides_refuse_all_runs_before_the_first(program):  # noqa: F811
    folder = program(SAYS)
    with pytest.raises(UserError, match=r"must be 1 or more \(run 2 of 2: batch_size=0\)$"):
        launched([["batch_size=1"], ["batch_size=0"]])
    assert not (folder / "done").exists()


def test_runs_are_the_same_by_what_they_do_and_not_by_their_overrides():
    with initialize_config_dir(str(CONF), version_base="1.3"):
        with pytest.raises(UserError, match="runs 1 and 3 are the same: seed=0; leave one out"):
            checked([[], ["seed=1"], ["seed=0"]])
        assert len(checked([["meter=wall", "meter.path=a.csv"], ["meter=wall", "meter.path=b.csv"]])) == 2


def test_what_varies_are_the_overrides_that_not_all_runs_share():
    assert varying([["a=1", "b=2"], ["a=1", "b=3", "c=4"]]) == [{"b": "2"}, {"b": "3", "c": "4"}]
    assert varying([["a=1"]]) == [{}]


@pytest.mark.weights
def test_a_real_sweep_leaves_runs_under_one_id_and_nothing_in_the_working_directory(tmp_path):
    uri, before = f"sqlite:///{tmp_path}/mlflow.db", set(ROOT.iterdir())
    done = subprocess.run(
        [sys.executable, "-m", "src.run", "-m", "model=embedded,embedded_classifier", "protocol=smoke", "samples=4",
         "protocol.stage_s=0", "model.context=1", f"tracking_uri={uri}"],
        cwd=ROOT, capture_output=True, text=True, env={**os.environ, "TMPDIR": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    last = json.loads(done.stdout.splitlines()[-1])
    assert [run["status"] for run in last["runs"]] == ["refused", "finished"]
    assert "no room for input" in last["runs"][0]["error"]  # which only the tokenizer knows
    assert "estimated" in last["runs"][1]["flags"]
    assert last["runs"][1]["metrics"]["latency/p95_s"] > 0
    assert set(ROOT.iterdir()) == before
    assert not list(tmp_path.glob("joulemark-*/multirun.yaml"))
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=uri)
    parent = client.get_run(last["run_id"])
    assert (parent.data.tags["kind"], parent.data.tags["sweep_id"]) == ("sweep", last["sweep_id"])
    assert parent.info.status == "FAILED"
    assert "| embedded_classifier |" in parent.data.tags["mlflow.note.content"]
    assert not parent.data.metrics
    kept = client.get_run(last["runs"][1]["run_id"]).data
    assert kept.tags["sweep_id"] == last["sweep_id"]
    assert "sweep_id" not in kept.tags["command"]
    assert "sweep_id" not in kept.params


@pytest.mark.weights
def test_ctrl_c_reaches_a_real_run_which_leaves_its_record(tmp_path):
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    sweep = subprocess.Popen(
        [sys.executable, "-m", "src.run", "-m", "batch_size=1,2", "protocol=smoke", "protocol.idle_s=60"],
        cwd=ROOT, env={**os.environ, "MLFLOW_TRACKING_URI": uri}, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, start_new_session=True,
    )  # fmt: skip
    measuring(uri, psutil.Process(sweep.pid))
    os.killpg(sweep.pid, signal.SIGINT)  # as a terminal does: to all that belong to the command
    out, err = sweep.communicate(timeout=55)
    assert sweep.returncode == 130, err
    last = json.loads(out.splitlines()[-1])
    assert (last["status"], last["left"]) == ("interrupted", 1)
    (stopped,) = last["runs"]
    assert (stopped["status"], stopped["stopped_by"]) == ("interrupted", "SIGINT"), stopped
    from mlflow import MlflowClient

    assert MlflowClient(tracking_uri=uri).get_run(last["runs"][0]["run_id"]).info.status == "KILLED"
    assert not running(uri)


def test_how_long_traffic_takes_is_not_made_up():
    served, batch = (SimpleNamespace(names={"scenario": name}, procedure=None) for name in ("server", "batch"))
    said = "2 runs to make; how long the rest takes is told once the first has ended"
    assert ThisMachine().ahead([batch, served]) == said


def test_repeats_are_fresh_processes_taken_in_turn_and_one_row_of_the_table(program, saved, capsys):  # noqa: F811
    folder = program(SAYS)
    jobs = [["batch_size=1", "repeats=3"], ["batch_size=3", "repeats=3"]]
    outcomes, code = launched(jobs, sweep_id="mine")
    out, err = capsys.readouterr()
    assert (folder / "done").read_text() == "131313"
    assert (code, len(outcomes)) == (0, 6)
    assert without_times(err)[:4] == [
        "6 runs to make: 4 min to 17 min of measuring, and starting each",
        "1 of 6  batch_size=1  process 1 of 3", "2 of 6  batch_size=3  process 1 of 3",
        "3 of 6  batch_size=1  process 2 of 3",
    ]  # fmt: skip
    rows = [line for line in out.splitlines() if line.startswith("embedded_classifier")]
    assert len(rows) == 2
    assert not any(override.startswith("repeats") for outcome in outcomes for override in outcome.overrides)


@pytest.mark.parametrize("value", ["0", "-1", "2.5", "many", "101"])
def test_a_number_of_repeats_that_cannot_be_is_refused(value):
    with pytest.raises(UserError, match=f"repeats={value}: must be a whole number from 1 to 100"):
        launched([["batch_size=1", f"repeats={value}"]])


def test_every_setting_gets_as_many_processes():
    with pytest.raises(UserError, match="type one number"):
        launched([["repeats=2"], ["repeats=3"]])
