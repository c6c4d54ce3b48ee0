"""What another process is started with shows no password: neither its arguments nor what a cluster keeps of it."""

import os
import pickle
import subprocess
import sys
from types import SimpleNamespace

import pytest

from joulemark.core.errors import UserError
from joulemark.sweep import trial, workers
from joulemark.sweep.cluster import slurm
from joulemark.sweep.concealed import Unseen, concealed, concealed_alike, in_environment

URI = "postgresql+psycopg://me:hunter2@db.example/runs"


@pytest.mark.parametrize("written", [URI, f"'{URI}'", f'"{URI}"'])
@pytest.mark.parametrize(("key", "name"), [("tracking_uri", "MLFLOW_TRACKING_URI"), ("storage", "JOULEMARK_STORAGE")])
def test_an_address_with_a_password_goes_by_the_environment(key, name, written):
    assert concealed(["samples=4", f"{key}={written}"]) == (["samples=4"], {name: URI})


@pytest.mark.parametrize("override", ["storage=postgresql://me@db/runs", "tracking_uri=sqlite:////a/b.db", "seed=1"])
def test_what_holds_no_secret_stays_where_it_was_typed(override):
    assert concealed([override]) == ([override], {})


def test_jobs_of_one_array_share_one_password():
    jobs = [[f"seed={seed}", f"tracking_uri={URI}"] for seed in (1, 2)]
    assert concealed_alike(jobs) == ([["seed=1"], ["seed=2"]], {"MLFLOW_TRACKING_URI": URI})
    with pytest.raises(UserError, match="one address for all"):
        concealed_alike([*jobs, ["seed=3", f"tracking_uri={URI}2"]])


def test_an_environment_is_lent_and_taken_back(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://mine")
    with in_environment({"MLFLOW_TRACKING_URI": URI, "JOULEMARK_STORAGE": URI}):
        assert os.environ["MLFLOW_TRACKING_URI"] == os.environ["JOULEMARK_STORAGE"] == URI
    assert os.environ["MLFLOW_TRACKING_URI"] == "http://mine"
    assert "JOULEMARK_STORAGE" not in os.environ


def test_a_carried_environment_shows_only_its_names():
    carried = pickle.loads(pickle.dumps(Unseen({"PGPASSWORD": "hunter2"})))
    assert carried == {"PGPASSWORD": "hunter2"}
    assert f"{carried!r}{carried}" == "Unseen(PGPASSWORD)Unseen(PGPASSWORD)"


def test_no_child_has_a_password_among_its_arguments(monkeypatch):
    started = []

    class Started(subprocess.Popen):
        def __init__(self, command, *, env, **further):
            started.append((command, env))
            super().__init__([sys.executable, "-c", ""], env=env, **further)

    monkeypatch.setattr(subprocess, "Popen", Started)
    outcome = trial.run(["seed=1", f"tracking_uri={URI}"], environment={"MLFLOW_TRACKING_URI": "http://other"})
    workers.start(["seed=1", f"storage={URI}", f"tracking_uri={URI}"]).communicate()
    for command, env in started:
        assert "hunter2" not in " ".join(command)
        assert env["MLFLOW_TRACKING_URI"] == URI
    assert started[1][1]["JOULEMARK_STORAGE"] == URI
    assert "hunter2" not in repr(outcome)


def test_slurm_gets_a_password_by_the_environment_and_keeps_none(monkeypatch, tmp_path):
    submitit = pytest.importorskip("submitit")
    submitted = []

    class Executor:
        def __init__(self, **_):
            pass

        update_parameters = __init__

        def map_array(self, function, jobs):
            submitted.append((pickle.dumps(jobs), os.environ["MLFLOW_TRACKING_URI"]))
            return [SimpleNamespace(job_id=str(number)) for number, _ in enumerate(jobs)]

    monkeypatch.setattr(submitit, "SlurmExecutor", Executor)
    monkeypatch.setattr(slurm.Slurm, "__post_init__", lambda self: None)
    queue = slurm.Slurm(slurm.SlurmConf(folder=str(tmp_path / "jobs")))
    queue.submit([[f"seed={seed}", f"tracking_uri={URI}"] for seed in (1, 2)], 0)
    ((kept, address),) = submitted
    assert b"hunter2" not in kept
    assert address == URI
    assert "hunter2" not in repr(queue._overrides)  # of a job that is lost they are its outcome's
    assert not (tmp_path / "jobs").stat().st_mode & 0o077
