"""On a real Slurm and a real Ray of this machine: runs there are reported as runs made here.

`make test-cluster` runs these; each starts its cluster, an MLflow server and, for a sweep, PostgreSQL, and ends them.
"""

import json
import os
import pickle
import signal
import subprocess
import sys
import time

import psutil
import pytest

from joulemark.sweep.trial import Outcome
from tests import clusters
from tests.paths import ROOT
from tests.postgresql import database, postgresql  # noqa: F401
from tests.store.test_store import free_port, mlflow_server, wait_until

SMOKE = ("hardware=cpu", "protocol=smoke", "samples=4", "protocol.stage_s=0")

pytestmark = [pytest.mark.cluster, pytest.mark.servers, pytest.mark.weights]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder, port = tmp_path_factory.mktemp("mlflow"), free_port()
    with mlflow_server(port, folder):
        yield f"http://127.0.0.1:{port}"
    assert not runs_of(f":{port}"), "a run outlived its test"


@pytest.fixture(scope="module")
def slurm(logs):
    with clusters.slurm() as environment:
        yield (("hydra/launcher=slurm", f"hydra.launcher.folder={logs}"), environment)


@pytest.fixture(scope="module")
def logs(tmp_path_factory):
    return tmp_path_factory.mktemp("slurm")


@pytest.fixture(scope="module")
def ray():
    with clusters.ray() as (address, environment):
        yield (("hydra/launcher=ray", f"hydra.launcher.address={address}"), environment)


@pytest.fixture(params=["slurm", "ray"])
def place(request):
    """The overrides of a launcher and the environment in which it finds its cluster."""
    return request.getfixturevalue(request.param)


def started(place, *overrides):
    launcher, environment = place
    return subprocess.Popen(
        [sys.executable, "-m", "src.run", "-m", *launcher, *overrides],
        cwd=ROOT, env={**environment, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip


def ended(command, seconds=240):
    out, err = command.communicate(timeout=seconds)
    assert out, err
    *table, last = out.splitlines()
    return json.loads(last), "\n".join(table), err


def runs_of(*overrides):
    """The processes of single runs that have all these in their overrides."""
    processes = []
    for process in psutil.process_iter():
        try:
            line = process.cmdline()
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
        if (
            line[1:4] == ["-m", "joulemark", "run"]
            and "-m" not in line[4:]
            and all(override in " ".join(line) for override in overrides)
        ):
            processes.append(process)
    return processes


def measuring(*overrides):
    """The run with these overrides, once it is quiet: it reads its idle baseline."""
    wait_until(lambda: runs_of(*overrides), 90)
    (run,) = runs_of(*overrides)
    time.sleep(5)
    wait_until(lambda: max(run.cpu_percent(1.0) for _ in range(3)) < 15, 90)
    return run


def status_of(server, run):
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=server).get_run(run).info.status


def test_a_grid_on_a_cluster_is_one_table_and_every_run_is_recorded(place, server, logs):
    before = list(logs.iterdir())
    last, table, err = ended(started(place, *SMOKE, "batch_size=1,2,4", f"tracking_uri={server}"))
    assert (last["status"], last["left"]) == ("finished", 0), err
    assert [run["status"] for run in last["runs"]] == ["finished"] * 3
    assert [f"batch_size={size}" in run["overrides"] for run, size in zip(last["runs"], (1, 2, 4), strict=True)] == [
        True
    ] * 3
    assert [status_of(server, run["run_id"]) for run in last["runs"]] == ["FINISHED"] * 3
    assert status_of(server, last["run_id"]) == "FINISHED"
    assert table.count("embedded_classifier  ") == 3
    assert list(logs.iterdir()) == before  # nobody needs the logs of runs that finished


def test_a_job_of_the_same_number_from_an_earlier_slurm_gives_it_no_outcome(tmp_path, monkeypatch):
    pytest.importorskip("submitit")
    from joulemark.sweep.cluster.slurm import Slurm, SlurmConf

    for name, says in (("sbatch", "Submitted batch job 1"), ("squeue", "1|RUNNING"), ("srun", ""), ("scancel", "")):
        (tmp_path / name).write_text(f"#!/bin/sh\necho '{says}'\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    earlier, later = (Slurm(SlurmConf(folder=str(tmp_path / "logs"))) for _ in range(2))
    for queue in (earlier, later):
        assert list(queue.submit([["a=1"]], 0)) == ["1"]
        if queue is earlier:
            left = Outcome(("a=1",), 1, "failed", "it broke")
            queue._jobs["1"].paths.result_pickle.write_bytes(pickle.dumps(("success", left)))
    assert earlier.ended(["1"]) == {"1": left}
    assert later.ended(["1"]) == {}


def test_a_run_that_dies_on_its_node_is_a_row_and_the_others_go_on(place, server):
    command = started(place, *SMOKE, "protocol.idle_s=15", "batch_size=1,2,4", f"tracking_uri={server}")
    measuring(server.rpartition(":")[2], "batch_size=2").send_signal(signal.SIGKILL)
    last, _, err = ended(command)
    assert [run["status"] for run in last["runs"]] == ["finished", "killed", "finished"], err
    assert last["runs"][1]["error"].startswith("killed by SIGKILL")
    assert (last["status"], command.returncode) == ("failed", 1)


def test_ctrl_c_cancels_what_is_on_the_cluster_and_says_so(place, server):
    command = started(place, *SMOKE, "protocol.idle_s=120", "batch_size=1,2,4", f"tracking_uri={server}")
    measuring(server.rpartition(":")[2], "batch_size=1")
    measuring(server.rpartition(":")[2], "batch_size=2")
    os.killpg(command.pid, signal.SIGINT)
    last, _, err = ended(command, 90)
    assert (last["status"], last["left"], command.returncode) == ("interrupted", 1, 130), err
    assert [run["status"] for run in last["runs"]] == ["interrupted"] * 2
    assert [status_of(server, run["run_id"]) for run in last["runs"]] == ["KILLED"] * 2
    assert "stopped by SIGINT: cancels" in err


def test_a_job_that_slurm_ends_is_a_row_with_slurms_state(slurm, server):
    command = started(slurm, *SMOKE, "protocol.idle_s=40", "batch_size=1,2,4", f"tracking_uri={server}")
    port = server.rpartition(":")[2]
    run = measuring(port, "batch_size=1")
    second = measuring(port, "batch_size=2")
    job = f"{run.environ()['SLURM_ARRAY_JOB_ID']}_{run.environ()['SLURM_ARRAY_TASK_ID']}"
    subprocess.run(["scancel", job], env=slurm[1], check=True)
    # its job's own process, so that nothing is left to tell
    second.parent().send_signal(signal.SIGKILL)
    last, _, err = ended(command)
    assert [run["status"] for run in last["runs"]] == ["interrupted", "failed", "finished"], err
    assert last["runs"][0]["error"].startswith(f"Slurm job {job} was cancelled; interrupted by SIGTERM")
    assert "left no outcome (FAILED)" in last["runs"][1]["error"]
    assert status_of(server, last["runs"][0]["run_id"]) == "KILLED"


def test_a_job_whose_time_is_up_leaves_its_record(slurm, server):
    # Slurm may warn a minute earlier than requested
    constraints = ("hydra.launcher.timeout_min=2", "hydra.launcher.signal_delay_s=10")
    command = started(slurm, *SMOKE, "protocol.idle_s=240", "batch_size=1,2", *constraints, f"tracking_uri={server}")
    last, _, err = ended(command)
    assert [run["status"] for run in last["runs"]] == ["timed_out"] * 2, err
    assert [status_of(server, run["run_id"]) for run in last["runs"]] == ["KILLED"] * 2


def test_workers_of_a_sweep_on_a_cluster_share_one_study(place, server, postgresql):  # noqa: F811
    overrides = (
        "sweep=efficiency",
        "batch_size=1,2,4",
        "precision=fp32",
        f"storage={postgresql}",
        f"tracking_uri={server}",
    )
    last, out, err = ended(started(place, *SMOKE, *overrides, "sweep.workers=2"))
    assert (last["status"], last["workers"]) == ("finished", [0, 0]), err
    assert "recommended: batch_size=" in out  # the recommendation, which the first worker gave
    import optuna

    (name,) = optuna.get_all_study_names(postgresql)
    trials = optuna.load_study(study_name=name, storage=postgresql).trials
    attributes = [trial.user_attrs for trial in trials if "outcome" in trial.user_attrs]
    measured = {entry["point"][0] for entry in attributes if entry["outcome"]["status"] == "finished"}
    assert measured == {"batch_size=1", "batch_size=2", "batch_size=4"}
