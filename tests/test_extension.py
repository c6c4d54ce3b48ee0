"""A task, a kind of model, a sensor or a checkpoint is one file and one YAML: written in a folder, then run.

Each test writes only the addition's own files, those of docs/own-parts.md, into an empty folder and starts the real
command. Nothing else is registered, imported or edited.
"""

import json
import os
import subprocess
import sys

import pytest

from joulemark.analysis import readings as readings_of
from joulemark.core.errors import UserError
from joulemark.core.paths import PACKAGE
from joulemark.store.reading import record_of
from tests.composed import built
from tests.docs import pages
from tests.paths import ROOT

FILES = pages.files(ROOT / "docs" / "own-parts.md")
NAMES = {
    "task": ("translation.py", "conf/task/translation.yaml"),
    "kind": ("keyword_rule.py", "conf/model/keywords.yaml"),
    "sensor": ("thermometer.py", "conf/meter/thermometer.yaml"),
    "checkpoint": ("conf/model/short_context.yaml",),
}
ADDITIONS = {addition: {name: FILES[name] for name in names} for addition, names in NAMES.items()}

LINES = {"task": (50, 16), "kind": (30, 9), "sensor": (35, 3), "checkpoint": (8,)}


@pytest.fixture
def add(tmp_path):
    """Writes the files of one addition into an empty folder, with its YAML under conf/."""

    def write(*names):
        for name in names:
            for path, text in ADDITIONS[name].items():
                (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
                (tmp_path / path).write_text(text)
        return tmp_path

    return write


def run(folder, *words, cwd=ROOT, command=("-m", "src.run"), config_dir=True):
    """The record of one run, and its last line, of a command that knows the folder by --config-dir and PYTHONPATH."""
    options = ["--config-dir", str(folder / "conf")] if config_dir else []
    own = [str(folder), *([str(PACKAGE.parent), str(ROOT)] if cwd != ROOT else [])]
    done = subprocess.run(
        [sys.executable, *command, *options, *words, "protocol=smoke", "protocol.idle_s=0.1", "samples=4",
         f"tracking_uri=sqlite:///{folder / 'mlflow.db'}"],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(own), "JOULEMARK_HOME": str(folder / "mlruns")},
        capture_output=True,
        text=True,
        timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, f"{done.stderr}{done.stdout[-2000:]}"
    return json.loads(done.stdout.strip().splitlines()[-1])


@pytest.mark.parametrize("name", ADDITIONS)
def test_an_addition_is_at_most_one_file_and_one_yaml_of_few_lines(name):
    counts = tuple(text.count("\n") for text in ADDITIONS[name].values())
    assert all(count <= limit for count, limit in zip(counts, LINES[name], strict=True)), counts


@pytest.mark.weights
def test_a_translation_task_with_a_metric_of_its_own_runs(add):
    last = run(add("task"), "model=embedded", "task=translation", "meter=replay")
    assert (last["status"], last["task"]) == ("finished", "translation")
    assert 0 <= last["metrics"]["quality/chrf"] <= 1
    assert last["metrics"]["quality/primary"] == last["metrics"]["quality/chrf"]


@pytest.mark.weights
def test_a_kind_of_model_runs_without_weights(add):
    words = ("model=keywords", "task=text_classification", "task.dataset=embedded", "meter=replay")
    last = run(add("kind"), *words)
    assert (last["status"], last["model"]) == ("finished", "keywords")
    assert last["metrics"]["quality/accuracy"] is not None
    assert "random_weights" not in last["flags"]


@pytest.mark.weights
def test_a_sensor_is_found_by_auto_and_its_trust_decides(add):
    folder = add("sensor")
    last = run(folder)
    assert last["status"] == "finished"
    record = record_of(f"sqlite:///{folder / 'mlflow.db'}", last["run_id"])
    readings = record.measurement.windows[0].readings
    assert "codecarbon" in [reading.meter for reading in readings]
    assert readings_of.source(readings, "cpu").meter == "thermometer"


@pytest.mark.weights
def test_a_checkpoint_of_a_known_kind_is_a_few_lines_of_yaml(add):
    last = run(add("checkpoint"), "model=short_context", "task=summarization", "meter=replay")
    assert (last["status"], last["model"]) == ("finished", "short_context")
    assert last["metrics"]["quality/rouge1"] is not None


@pytest.mark.weights
def test_the_conf_of_the_current_folder_is_found_without_an_option(add):
    folder = add("task", "kind", "sensor", "checkpoint")
    words = ("model=short_context", "task=translation")
    last = run(folder, *words, cwd=folder, command=("-m", "joulemark", "run"), config_dir=False)
    assert (last["status"], last["model"], last["task"]) == ("finished", "short_context", "translation")


@pytest.fixture
def beside(add, monkeypatch):
    """This process in a folder whose conf/ and modules hold the translation task."""
    folder = add("task")
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(str(folder))


@pytest.mark.parametrize("model", ["embedded", "gpt2", "bloomz", "t5", "flan_t5", "mamba"])
def test_every_model_that_reads_and_writes_text_does_the_new_task(beside, model):
    assert built(f"model={model}", "task=translation").task.name == "translation"


@pytest.mark.parametrize("model", ["resnet_18", "distilbert_sst2", "whisper", "bart_large_cnn"])
def test_a_model_of_another_input_output_or_training_is_refused(beside, model):
    with pytest.raises(UserError, match=f"model={model} cannot do task=translation"):
        built(f"model={model}", "task=translation")
