"""Runs on a cluster, without one: what is refused, what is watched, and what a lost job becomes."""

import signal
import subprocess
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
from hydra import initialize_config_dir

from joulemark.cli.multirun import launch
from joulemark.core.errors import UserError
from joulemark.core.paths import CONF
from joulemark.hardware import devices
from joulemark.hardware.devices import HardwareConf
from joulemark.sweep.cluster import node, place, ray, slurm, workers
from joulemark.sweep.trial import Outcome
from tests.sweep.test_trial import program, wait_for  # noqa: F401

STORE = "tracking_uri=http://tracker:5000"


@dataclass
class Fake:
    """A cluster that ends one job each time it is queried, with the outcomes it is given."""

    outcomes: list
    name: str = "Fake"
    cancelled: list = field(default_factory=list)
    closed: bool = False
    cards: int | None = None

    def submit(self, jobs, cards):
        self.cards, self.overrides = cards, [tuple(overrides) for overrides in jobs]
        return [f"j{number}" for number in range(len(jobs))]

    def ended(self, jobs):
        if self.cancelled:
            return dict.fromkeys(jobs)
        return {jobs[-1]: self.outcomes[int(jobs[-1][1:])]}

    def cancel(self, jobs):
        self.cancelled = list(jobs)

    def close(self):
        self.closed = True


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(place, "POLL_S", 0.0)
    monkeypatch.setattr("joulemark.store.sweeps.save_sweep", lambda *overrides: "parent")


def outcome(status="finished", **overrides):
    return Outcome(("a=1",), 0 if status == "finished" else 1, status, **overrides)


def launched(jobs, queue, cards=None):
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return launch([[*job, STORE] for job in jobs], "mine", place.Cluster(queue, cards))


def test_outcomes_stand_in_the_order_of_the_overrides_however_they_came(capsys):
    queue = Fake([outcome(), outcome(), outcome("killed", error="lost its node")])
    outcomes, code = launched([["hardware=cpu", f"seed={seed}"] for seed in (1, 2, 3)], queue)
    assert ([entry.status for entry in outcomes], code, queue.closed) == (["finished", "finished", "killed"], 1, True)
    out = capsys.readouterr().out
    assert "embedded_classifier seed=3 killed: lost its node" in out
    assert "hardware=cpu of the cluster's nodes" not in out  # nothing was measured, so no device is named


def test_a_signal_cancels_what_is_not_over_and_names_it(capsys):
    queue = Fake([outcome(), outcome(), outcome(stopped_by=None)])

    def stop():
        signal.raise_signal(signal.SIGINT)
        return {"j2": queue.outcomes[2]}

    answers = iter([stop])
    real = queue.ended
    queue.ended = lambda jobs: next(answers)() if not queue.cancelled and len(jobs) == 3 else real(jobs)
    outcomes, code = launched([["hardware=cpu", f"seed={seed}"] for seed in (1, 2, 3)], queue)
    assert (queue.cancelled, len(outcomes), code) == (["j0", "j1"], 1, 130)
    assert "stopped by SIGINT: cancels Fake job j0, j1" in capsys.readouterr().err


def test_a_job_gets_as_many_gpus_as_the_runs_overrides_name():
    queue = Fake([outcome()])
    launched([["hardware=cpu"]], queue)
    assert queue.cards == 0
    launched([["hardware=h100"]], queue)
    assert queue.cards == 1
    launched([["hardware=cuda", "hardware.index=[0,1]", "model=qwen3", "task=text_generation"]], queue)
    assert queue.cards == 2
    launched([["hardware=h100"]], queue, cards=4)
    assert queue.cards == 4


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["hardware=auto"], "name what the nodes have: hardware=cpu"),
        (["hardware=cpu", "precision=fp8"], "not supported by this cpu"),
        (["hardware=h100", "precision=fp9"], "did you mean precision=fp8"),
        (["hardware=mac"], "name what the nodes have"),
    ],
)
def test_what_can_be_judged_without_the_node_is_refused_before_anything_is_submitted(overrides, message):
    queue = Fake([outcome()])
    with pytest.raises(UserError, match=message):
        launched([overrides], queue)
    assert queue.cards is None


def test_a_file_is_no_store_for_several_machines():
    with (
        initialize_config_dir(str(CONF), version_base="1.3"),
        pytest.raises(UserError, match="is a file, which the nodes of a cluster cannot share"),
    ):
        launch([["hardware=cpu", "tracking_uri=sqlite:////shared/m.db"]], None, place.Cluster(Fake([])))


def test_a_card_that_is_not_here_is_taken_as_described():
    hardware = devices.unseen("h100", HardwareConf("cuda", index=(1, "GPU-a"), gpu="H100", power_limit_w=700.0))
    assert (hardware.device, hardware.gpu_name, hardware.beside, len(hardware.uuids)) == (
        "cuda",
        "H100",
        ((1, "GPU-a"),),
        2,
    )
    assert "fp8" in hardware.precisions
    with pytest.raises(UserError, match="names no GPU"):
        devices.unseen("h100", HardwareConf("cuda", index=()))


ENDS = """
def stop(number, frame):
    print(json.dumps({"status": "interrupted", "error": signal.Signals(number).name}))
    sys.exit(143)
for number in (signal.SIGINT, signal.SIGTERM): signal.signal(number, stop)
Path("ready").touch(); time.sleep(30)
"""


def test_a_job_that_slurm_warns_of_its_end_is_timed_out_with_its_record(program):  # noqa: F811
    folder = program(ENDS)
    before = psutil.Process().children()  # other tests' helpers, which are of no job

    def warn():
        wait_for(folder / "ready")
        run = [process for process in psutil.Process().children() if process not in before]
        for process in (*run, psutil.Process()):  # to every process of the job, the run first
            process.send_signal(node.TIME_IS_UP)

    thread = threading.Thread(target=warn)
    thread.start()
    result = node.under_slurm([])
    thread.join()
    assert (result.status, result.error) == ("timed_out", "the job's time was up: SIGTERM")


def test_a_cancelled_task_of_ray_ends_its_run_at_once(program):  # noqa: F811
    import _thread

    folder = program(ENDS)
    # what ray.cancel does: the mark alone, no signal
    thread = threading.Thread(target=lambda: (wait_for(folder / "ready"), _thread.interrupt_main()))
    thread.start()
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # as Ray's workers have it
    began = time.monotonic()
    try:
        result = node.under_ray([], {}, None)
    finally:
        thread.join()
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    assert (result.status, result.error) == ("interrupted", "SIGINT")
    assert time.monotonic() - began < 15


def test_rays_one_thread_is_not_the_runs(program, monkeypatch):  # noqa: F811
    program('print(json.dumps({"status": "failed", "error": os.environ.get("OMP_NUM_THREADS")}))')
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert node.under_ray([], {"OMP_NUM_THREADS": "3"}, None).error == "3"
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert node.under_ray([], {}, None).error is None


def test_a_task_of_ray_is_given_where_runs_go_and_no_run_of_anothers():
    own = {"MLFLOW_TRACKING_URI": "http://a", "MLFLOW_RUN_ID": "x", "HF_TOKEN": "t", "PATH": "/bin", "PGPASSFILE": "f"}
    assert sorted(ray.carried(own)) == ["HF_TOKEN", "MLFLOW_TRACKING_URI", "PGPASSFILE"]


def answers(monkeypatch, **outputs):
    """Slurm's commands, each of which prints this; None where it fails."""

    def run(command, **options):
        text = outputs.get(command[0])
        return SimpleNamespace(returncode=int(text is None), stdout=text or "", stderr=outputs.get("stderr", ""))

    monkeypatch.setattr(slurm, "subprocess", SimpleNamespace(run=run, TimeoutExpired=subprocess.TimeoutExpired))


def test_slurm_is_queried_by_squeue_and_then_by_sacct(monkeypatch):
    answers(monkeypatch, squeue="7_0|RUNNING\n", sacct="7_0|COMPLETED\n7_1|CANCELLED by 1000\n7_1.0|FAILED\n")
    assert slurm.states(["7_0", "7_1", "7_2"]) == {"7_0": "RUNNING", "7_1": "CANCELLED", "7_2": "UNKNOWN"}


def test_a_controller_that_does_not_reply_changes_no_job(monkeypatch):
    answers(monkeypatch, stderr="slurm_load_jobs error: Unable to contact slurm controller")
    assert slurm.states(["7"]) == {}


@pytest.mark.parametrize(
    ("state", "status"),
    [("NODE_FAIL", "killed"), ("PREEMPTED", "interrupted"), ("TIMEOUT", "timed_out"), ("OUT_OF_MEMORY", "killed")],
)
def test_a_job_that_slurm_ended_without_an_outcome_is_that_runs_outcome(monkeypatch, tmp_path, state, status):
    monkeypatch.setattr(slurm.Slurm, "__post_init__", lambda self: None)
    monkeypatch.setattr(slurm, "ARRIVAL_S", 0.0)
    answers(monkeypatch, squeue=f"7|{state}\n")
    (tmp_path / "out").touch()
    (tmp_path / "err").write_text("Traceback\nslurmstepd: error: it ended\n")
    queue = slurm.Slurm(slurm.SlurmConf())
    paths = SimpleNamespace(result_pickle=Path("none"), stdout=tmp_path / "out", stderr=tmp_path / "err")
    queue._jobs, queue._overrides = {"7": SimpleNamespace(paths=paths)}, {"7": ("a=1",)}
    (result,) = queue.ended(["7"]).values()
    assert (result.status, result.overrides) == (status, ("a=1",))
    assert f"({state}); standard error: slurmstepd: error: it ended" in result.error


def test_a_job_cancelled_before_it_began_is_no_row(monkeypatch, tmp_path):
    monkeypatch.setattr(slurm.Slurm, "__post_init__", lambda self: None)
    answers(monkeypatch, squeue="7|CANCELLED\n")
    queue = slurm.Slurm(slurm.SlurmConf())
    none = tmp_path / "none"
    queue._jobs["7"] = SimpleNamespace(paths=SimpleNamespace(result_pickle=none, stdout=none, stderr=none))
    assert queue.ended(["7"]) == {"7": None}


def test_an_absent_package_is_named_with_the_line_that_brings_it(monkeypatch):
    monkeypatch.setattr("joulemark.core.extras.find_spec", lambda name: None)
    with pytest.raises(
        UserError, match=r"needs the package submitit, .*; type (make setup|pip install 'joulemark\[slurm\]')$"
    ):
        slurm.Slurm(slurm.SlurmConf())


def test_a_workers_line_is_the_sweeps_without_where_it_runs():
    overrides = [
        "-m",
        "sweep=efficiency",
        "hydra/launcher=slurm",
        "hydra.launcher.partition=gpu",
        "+sweep.workers=2",
        "seed=1",
    ]
    assert workers.line(overrides, 1) == ["-m", "sweep=efficiency", "seed=1"]  # which answers at the end
    assert workers.line(overrides, 2) == ["-m", "sweep=efficiency", "seed=1", "sweep.worker=2"]


def test_the_end_of_each_worker_is_reported():
    queue = Fake([outcome(), outcome("failed", error="broke")])
    assert [end.exit_code for end in workers.run(workers.Submission([["-m"], ["-m"]], queue, 1), [], print)] == [0, 1]
    assert (queue.cards, queue.closed) == (1, True)
