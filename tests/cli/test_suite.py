"""A grid of runs: which, in what overrides, and none twice."""

import csv
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing

import psutil
import pytest
import yaml
from hydra import initialize_config_dir

from joulemark.cli import suite
from joulemark.config.run import command
from joulemark.core.errors import UserError
from joulemark.core.paths import CONF
from joulemark.hardware import devices, host
from joulemark.sweep import grid
from joulemark.sweep.grid import Cell, Suite, jobs
from tests.paths import ROOT, SHARED

STUDY = SHARED / "data" / "study"
GRID = Suite(
    overrides=("protocol=smoke",),
    cells=(
        Cell("summarization", ("bloomz-7b1", "gpt2"), ("xsum", "samsum"), ("samples=7",)),
        Cell("text_generation", ("gpt2",)),
    ),
)


def test_a_grid_is_every_model_on_every_dataset_of_its_task():
    commands = [job.command for job in jobs(GRID, (), (), ())]
    assert len(commands) == 5
    assert commands[0] == (
        "python -m src.run model.size=7b1 model=bloomz protocol=smoke samples=7 task.dataset=xsum task=summarization"
    )
    assert commands[-1] == "python -m src.run model=gpt2 protocol=smoke task=text_generation"


def test_the_users_options_prevail_and_the_order_of_options_does_not_matter():
    (job,) = jobs(GRID, ("samples=9", "seed=1"), ("summarization",), ("bloomz",))[:1]
    assert "samples=9" in job.overrides
    assert "samples=7" not in job.overrides
    assert command(job.overrides) == command(job.overrides[::-1])
    assert command([*job.overrides, "tracking_uri=sqlite:///x.db"]) == job.command


@pytest.mark.parametrize(("tasks", "models"), [(("summarisation",), ()), ((), ("gpt3",))])
def test_a_task_or_model_that_the_suite_has_not_is_refused(tasks, models):
    with pytest.raises(UserError, match="does not exist; did you mean"):
        jobs(GRID, (), tasks, models)


@pytest.mark.parametrize("suite", sorted(path.stem for path in (CONF / "suite").glob("*.yaml")))
def test_every_suite_names_models_tasks_and_datasets_that_exist(suite):
    for cell in yaml.safe_load((CONF / "suite" / f"{suite}.yaml").read_text())["cells"]:
        task = yaml.safe_load((CONF / "task" / f"{cell['task']}.yaml").read_text())
        assert set(cell.get("datasets", ())) <= set(task["datasets"])
        for model in cell["models"]:
            name, _, size = model.partition("-")
            node = yaml.safe_load((CONF / "model" / f"{name}.yaml").read_text())
            assert not size or size in node["sizes"]


@pytest.mark.skipif(not STUDY.is_dir(), reason="the study's public data are not beside the project")
def test_the_study_suite_has_every_model_of_the_study_on_its_tasks_and_thirty_datasets():
    cells = yaml.safe_load((CONF / "suite" / "study.yaml").read_text())["cells"]
    ids = {}
    for cell in cells:
        for model in cell["models"]:
            name, _, size = model.partition("-")
            node = yaml.safe_load((CONF / "model" / f"{name}.yaml").read_text())
            ids.setdefault(cell["task"], set()).add(node["sizes"][size]["checkpoint"] if size else node["checkpoint"])
    with (STUDY / "models.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["hub_id_today_recalled"] for row in rows} == set.union(*ids.values())
    general = {row["hub_id_today_recalled"] for row in rows if row["kind"] == "multi-purpose"}
    for task in ("text_classification", "question_answering", "summarization"):
        assert general <= ids[task]
    assert sum(len(cell["datasets"]) for cell in cells) == 30


@pytest.mark.weights
def test_what_is_measured_is_not_measured_again_and_a_failed_run_does_not_stop_the_rest(tmp_path):
    def suite(*overrides):
        return subprocess.run(
            [sys.executable, "-m", "src.suite", "tasks=[text_classification]", *overrides],
            cwd=ROOT,
            env={**os.environ, "MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path}/mlflow.db"},
            capture_output=True,
            text=True,
        )

    # the general-purpose model has no room for its input beside what it generates; the specialist generates nothing
    overrides = 'overrides=["protocol=smoke","samples=4","model.context=1"]'
    first = suite(overrides)
    assert first.returncode == 1, first.stderr
    assert "no room for input" in first.stdout
    assert "accuracy" in first.stdout
    assert "measured before" not in first.stdout
    assert json.loads(first.stdout.splitlines()[-1]) == {"runs": 2, "failed": 1, "left": 0}
    retried = suite(overrides, f"table={tmp_path}/table.md")
    assert retried.returncode == 1
    assert retried.stdout.count("measured before") == 1  # the one that failed is tried again
    assert "measured before |" in (tmp_path / "table.md").read_text()
    known = suite(overrides, "models=[embedded_classifier]")
    assert known.returncode == 0, known.stderr
    assert known.stdout.count("measured before") == 1
    assert json.loads(known.stdout.splitlines()[-1]) == {"runs": 1, "failed": 0, "left": 0}


@pytest.mark.weights
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_suite_stops_its_run_which_leaves_its_record(number, code, tmp_path):
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    suite = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "joulemark.cli.suite",
            'overrides=["protocol=smoke","protocol.idle_s=60"]',
            "models=[embedded_tagger]",
        ],
        cwd=ROOT,
        env={**os.environ, "MLFLOW_TRACKING_URI": uri},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 120
    while not any("joulemark.store.recording" in line for line in running(uri)) and time.monotonic() < deadline:
        time.sleep(0.5)
    time.sleep(1)  # the run has begun; its idle baseline takes a minute
    os.killpg(suite.pid, number)  # as a terminal does: to all that belong to the command
    out, err = suite.communicate(timeout=55)
    assert suite.returncode == code
    assert f"stopped by {signal.Signals(number).name}; the same line goes on from here" in err
    assert json.loads(out.splitlines()[-1]) == {"runs": 0, "failed": 0, "left": 1}
    assert not running(uri)
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as store:
        assert store.execute("select status from runs").fetchall() == [("KILLED",)]


def running(uri):
    """The processes that have this store in their environment."""
    commands = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("MLFLOW_TRACKING_URI") == uri:
                commands.append(process.cmdline())
        except (psutil.AccessDenied, psutil.NoSuchProcess, psutil.ZombieProcess):
            continue
    return commands


@pytest.mark.processes
@pytest.mark.parametrize(
    ("overrides", "says"),
    [
        (["suite=stdy"], "suite=stdy does not exist; did you mean suite=study? choose from"),
        (["+suite=study"], "type suite=… instead of +suite=…"),
        (["-m"], "leave -m out"),
        (["hardware=cpu"], """type 'overrides=["hardware=…"]'"""),
        (["tasks=[summarisation]"], "did you mean tasks=summarization?"),
        (["table=/no/such/folder/table.md"], "there is no folder /no/such/folder"),
        (["table=/proc"], "table=/proc is a folder; type table=/proc/table.md"),
        (["table=/proc/table.md"], "table=/proc/table.md: No such file or directory; type table=FILE"),
        (["tasks=summarisation"], "did you mean tasks=summarization?"),
        (["rerun=no"], "rerun=no is not true or false"),
        (['overrides=["hardware=cpy"]'], "did you mean hardware=cpu?"),
        (['overrides=["hardware=h100"]'], "this machine shows none"),
    ],
)
def test_a_mistake_is_one_line(overrides, says, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "src.suite", *overrides, f"tracking_uri=sqlite:///{tmp_path}/mlflow.db"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), done.stderr
    assert says in done.stderr


def test_a_run_counts_as_measured_only_on_the_device_that_it_would_use(monkeypatch):
    from joulemark.store.reading import Kept  # MLflow enters here

    card = devices.Gpu(0, "GPU-1", "NVIDIA H100 80GB HBM3", (9, 0), 700.0)
    monkeypatch.setattr(devices, "nvidia_gpus", lambda: [card])
    job = grid.Job("text_classification", "embedded", ("model=embedded", "task=text_classification"))
    on_cpu = grid.Job("text_classification", "embedded", (*job.overrides, "hardware=cpu"))
    kept = {entry.options: [Kept({"quality/primary": 1.0}, {})] for entry in (job, on_cpu)}
    for device, expected in (("NVIDIA H100 80GB HBM3", [job]), (host.cpu_name() or "cpu", [on_cpu])):
        monkeypatch.setattr(
            "joulemark.store.reading.finished",
            lambda uri, device_name, device=device: kept if device_name == device else {},
        )
        suite._device.cache_clear()
        with initialize_config_dir(str(CONF), version_base="1.3"):
            before = suite._measured_before("sqlite:///x.db", [job, on_cpu])
        assert [command for command, rows in before.items() if rows] == [entry.command for entry in expected]
    suite._device.cache_clear()
