"""The command from options to MLflow, with real weights, a real database and real signals."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from joulemark.analysis import named_metrics
from joulemark.core.errors import UserError
from joulemark.core.measurement import Capability
from joulemark.measure import runner
from joulemark.measure.draft import draft
from tests.composed import built
from tests.paths import ROOT
from tests.stores import runs_of

SMOKE = ("protocol=smoke", "protocol.idle_s=0.1")

# design.md's table: the names a program may rely on
METRICS = {
    "energy/total_wh_per_1k", "energy/gpu_wh_per_1k", "energy/cpu_wh_per_1k", "energy/ram_wh_per_1k",
    "energy/gpu_dynamic_wh_per_1k", "energy/ci95_rel", "energy/estimated_share", "energy/j_per_unit",
    "energy/j_per_correct",
    "energy/load_wh", "emissions/g_per_1k", "latency/mean_s", "latency/p50_s", "latency/p90_s", "latency/p95_s",
    "latency/p99_s", "latency/ttft_s", "throughput/requests_per_s", "throughput/units_per_s", "quality/primary",
    "power/gpu_mean_w", "power/idle_w", "utilization/gpu", "utilization/cpu", "memory/gpu_peak_bytes",
    "energy/wall_wh_per_1k", "energy/wall_share",
}  # fmt: skip


@pytest.fixture
def store(tmp_path):
    return f"sqlite:///{tmp_path / 'mlflow.db'}"


def command(store, *options):
    return [sys.executable, "-m", "src.run", *options, f"tracking_uri={store}"]


def run(store, *overrides, **options):
    return subprocess.run(command(store, *overrides), cwd=ROOT, capture_output=True, text=True, timeout=240, **options)


def recorded(store):
    """The one run in the store, and its record.json."""
    runs = runs_of(store)
    import mlflow

    assert len(runs) == 1
    mlflow.set_tracking_uri(store)
    path = mlflow.artifacts.download_artifacts(
        run_id=runs[0].info.run_id, artifact_path="record.json", tracking_uri=store
    )
    return runs[0], json.loads(Path(path).read_text())


@pytest.mark.weights
def test_without_options_the_embedded_model_runs_to_a_record_in_mlflow(store):
    done = run(store, *SMOKE)
    assert done.returncode == 0, done.stderr
    last = json.loads(done.stdout.strip().splitlines()[-1])
    assert last["status"] == "finished"
    assert (last["model"], last["task"], last["url"]) == ("embedded_classifier", "text_classification", None)
    assert set(last["metrics"]) >= METRICS
    assert last["metrics"]["quality/primary"] > 0.5
    assert last["metrics"]["energy/total_wh_per_1k"] > 0
    assert last["metrics"]["energy/gpu_wh_per_1k"] is None
    logged, record = recorded(store)
    assert logged.info.run_id == last["run_id"]
    assert logged.info.status == "FINISHED"
    assert logged.data.tags["method.cpu"] in ("estimated", "rapl")
    assert logged.data.params["batch_size"] == "1"
    assert "energy/gpu_wh_per_1k" not in logged.data.metrics
    assert record["status"] == "finished"
    assert len(record["measurement"]["windows"]) == 1


def measured(*options):
    """The record of a run that is measured in this process, and its metrics: importing torch once is enough."""
    made = built(*SMOKE, *options)
    inputs = made.task.samples(made.samples, made.seed)
    record = runner.bench(made, draft(made, inputs), inputs.samples, lambda step, record: None)
    return record, named_metrics.metrics(record)


@pytest.mark.weights
@pytest.mark.parametrize("task", ["text_classification", "text_generation", "summarization"])
def test_the_general_embedded_model_does_all_three_tasks_by_prompt(task):
    record, metrics = measured("model=embedded", f"task={task}", "batch_size=4")
    assert record.status == "finished", record.traceback
    assert metrics["quality/primary"] > 0.2
    assert (metrics.get("quality/perplexity") is not None) == (task == "text_generation")


@pytest.mark.weights
def test_a_users_own_file_is_measured_and_scored(tmp_path):
    path = tmp_path / "mine.jsonl"
    rows = [
        {"review": "the food was wonderful", "verdict": "positive"},
        {"review": "the staff was rude", "verdict": "negative"},
    ]
    path.write_text("\n".join(map(json.dumps, rows * 10)))
    record, metrics = measured(
        "task.dataset=file", f"task.path={path}", "task.fields.text=review", "task.fields.label=verdict"
    )
    assert record.status == "finished", record.traceback
    assert metrics["quality/primary"] is not None


@pytest.mark.weights
@pytest.mark.parametrize(
    ("number", "status", "mlflow_status", "code"),
    [
        (signal.SIGTERM, "interrupted", "KILLED", 143),
        (signal.SIGINT, "interrupted", "KILLED", 130),
        (signal.SIGKILL, "failed", "FAILED", -9),
    ],
)
def test_a_run_that_is_stopped_leaves_one_record_with_what_was_measured(store, number, status, mlflow_status, code):
    options = (
        "samples=20",
        "protocol.window_s=0.5",
        "protocol.idle_s=0.1",
        "protocol.ci95_rel=0",
        "protocol.max_windows=500",
    )
    process = subprocess.Popen(
        command(store, *options),
        cwd=ROOT,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    for line in process.stderr:
        if line.strip() == "measuring":
            break
    time.sleep(4)
    os.kill(process.pid, number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == code, err
    if number == signal.SIGKILL:
        wait_for(lambda: Path(store.removeprefix("sqlite:///")).exists() and recorded_status(store) == "FAILED")
    else:
        assert json.loads(out.strip().splitlines()[-1])["status"] == status
    logged, record = recorded(store)
    assert logged.info.status == mlflow_status
    assert record["status"] == status
    assert record["error"]
    assert record["measurement"]["windows"]


def recorded_status(store):
    try:
        return recorded(store)[0].info.status
    except Exception:  # not there yet
        return None


def wait_for(condition):
    for _ in range(100):
        if condition():
            return
        time.sleep(0.2)
    raise AssertionError("it did not happen within 20 s")


@pytest.mark.weights
def test_a_run_out_of_memory_is_a_failed_record_that_names_the_batch_size(store, tmp_path):
    path = tmp_path / "long.jsonl"
    path.write_text("\n".join(json.dumps({"prompt": f"{i} " + "word " * 900}) for i in range(800)))
    limit = 12 * 2**30

    done = run(
        store, *SMOKE, "model=gpt2", "task=text_generation", "model.weights=random", "task.dataset=file",
        f"task.path={path}", "samples=800", "batch_size=800",
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)),
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert json.loads(done.stdout.strip().splitlines()[-1])["status"] == "failed"
    logged, record = recorded(store)
    assert logged.info.status == "FAILED"
    assert "out of memory at batch_size=800" in record["error"]


@pytest.mark.processes
def test_a_refused_meter_is_one_line_also_after_the_recorder_has_ended(store, tmp_path):
    # The recorder holds our standard error: communicate() returns when it, too, has let go of it
    missing = "tests.cli.test_run.Missing"
    (tmp_path / "meter").mkdir()
    (tmp_path / "meter" / "missing.yaml").write_text(f"_target_: {missing}\n")
    done = run(store, "--config-dir", str(tmp_path), *SMOKE, "meter=missing")
    assert done.returncode == 2
    lines = [line for line in done.stderr.splitlines() if line.strip() and line != "meters"]
    assert lines == ["error: meter=missing: not here"]


class Missing:
    """A meter that is on no machine, found at once: the recorder is still connecting."""

    name = "missing"
    capability = Capability({"cpu": ("sampled",)}, trust=50)

    def open(self, hardware):
        raise UserError("meter=missing: not here")

    start = stop = open

    def close(self):
        pass
