"""Whole runs of checkpoints by their ids, as a user types them, against a Hub on loopback."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.hub import SHA, environment_of, hub
from tests.paths import ROOT
from tests.repositories import checkpoint, datasets, media, stand_in

# up to two runs a test, each a process of half a minute, and more where others use the machine
pytestmark = [pytest.mark.servers, pytest.mark.data, pytest.mark.weights, pytest.mark.timeout(900)]
FEW = ["samples=4", "protocol=smoke", "hardware=cpu"]
CLASSIFIER, SUMMARIZER, GENERATOR, IMAGES = "me/classifier", "me/summarizer", "me/generator", "me/images"


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory):
    """A Hub whose checkpoints have ids that no file of conf/model names."""
    folder = tmp_path_factory.mktemp("checkpoints")
    models = {
        CLASSIFIER: checkpoint("distilbert_sst2", folder)[1],
        SUMMARIZER: checkpoint("flan_t5", folder)[1],
        GENERATOR: checkpoint("gpt2", folder)[1],
        IMAGES: stand_in("resnet_18")[1],
    }
    with hub(models, {**datasets(rows=40), **media(rows=12)}) as address:
        yield address


@pytest.fixture
def environment(endpoint, tmp_path):
    return environment_of(endpoint, tmp_path)


@pytest.fixture(scope="module")
def both(endpoint, tmp_path_factory):
    """A list of an embedded model and one by its id, measured: the environment, and how the command ended."""
    environment = environment_of(endpoint, tmp_path_factory.mktemp("both"))
    return environment, run(environment, "-m", f"model=embedded_classifier,{CLASSIFIER}", "task=text_classification")


def run(environment, *options):
    """The command in a process of its own, as it is typed in a shell."""
    line = [sys.executable, "-m", "src.run", *options, *FEW]
    return subprocess.run(line, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600)


def record_of(environment, run_id):
    from mlflow import artifacts

    uri = environment["MLFLOW_TRACKING_URI"]
    path = artifacts.download_artifacts(run_id=run_id, artifact_path="record.json", tracking_uri=uri)
    return json.loads(Path(path).read_text())


# A sequence classifier by its id is in the list of models below
@pytest.mark.parametrize(
    ("options", "task", "kind"),
    [
        ([f"model={SUMMARIZER}"], "summarization", "seq2seq_lm"),
        (["model=hub", f"model.checkpoint={GENERATOR}"], "text_generation", "causal_lm"),
        ([f"model={IMAGES}"], "image_classification", "image_classifier"),
    ],
)
def test_a_checkpoint_is_measured_by_its_id_with_the_kind_of_its_own_configuration(environment, options, task, kind):
    done = run(environment, *options, f"task={task}")
    assert done.returncode == 0, done.stderr
    last = json.loads(done.stdout.strip().splitlines()[-1])
    checkpoint_id = options[-1].partition("=")[2]
    assert (last["status"], last["model"], last["task"]) == ("finished", checkpoint_id, task)
    record = record_of(environment, last["run_id"])
    model = record["model"]
    assert (model["checkpoint"], model["revision"], model["kind"]) == (checkpoint_id, SHA, kind)
    assert (model["weights"], record["request_summary"]["count"]) == ("hub", 4)


def test_ids_and_names_stand_in_one_list_of_models(both):
    environment, done = both
    assert done.returncode == 0, done.stderr
    last = json.loads(done.stdout.strip().splitlines()[-1])
    records = [record_of(environment, entry["run_id"]) for entry in last["runs"]]
    assert [record["model"]["checkpoint"] for record in records] == ["classifier", CLASSIFIER]
    model = records[1]["model"]
    assert (model["revision"], model["kind"], model["weights"]) == (SHA, "sequence_classifier", "hub")
    assert CLASSIFIER in done.stdout


def test_an_id_in_a_list_that_the_hub_does_not_have_refuses_all_runs_in_one_line(environment):
    done = run(environment, "-m", "model=embedded_classifier,o/nothing", "task=text_classification")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: model.checkpoint=o/nothing does not exist on the Hub")
    assert done.stderr.count("\n") == 1


def test_a_cached_checkpoint_is_measured_by_its_id_without_a_network(both):
    environment, first = both
    assert first.returncode == 0, first.stderr
    options = [f"model={CLASSIFIER}", "task=text_classification", "task.dataset=embedded"]
    for gone in ({"HF_ENDPOINT": "http://127.0.0.1:9"}, {"HF_HUB_OFFLINE": "1"}):
        done = run({**environment, **gone}, *options)
        assert done.returncode == 0, done.stderr
        record = record_of(environment, json.loads(done.stdout.strip().splitlines()[-1])["run_id"])
        model = record["model"]
        assert (model["checkpoint"], model["revision"], model["kind"]) == (CLASSIFIER, SHA, "sequence_classifier")


def test_a_checkpoint_that_is_not_cached_is_refused_in_one_line_without_a_network(environment):
    done = run({**environment, "HF_HUB_OFFLINE": "1"}, f"model={SUMMARIZER}", "task=summarization")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"error: model.checkpoint={SUMMARIZER} is not cached and the Hub cannot be reached")
    assert done.stderr.count("\n") == 1
