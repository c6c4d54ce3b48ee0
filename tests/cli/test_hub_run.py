"""From the Hub to the record: real client code against a Hub on loopback that holds the real ids."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from joulemark.config import fit
from joulemark.core.coerce import typed
from joulemark.core.model import Capabilities
from joulemark.data.request_table import RequestTable
from tests.hub import SHA, environment_of, hub
from tests.paths import ROOT
from tests.repositories import BUILT, CHECKPOINTS, STAND_INS, built, checkpoint, datasets, media, sentence, stand_in

pytestmark = [pytest.mark.servers, pytest.mark.data]
TASKS = {path.stem: yaml.safe_load(path.read_text()) for path in sorted((ROOT / "conf" / "task").glob("*.yaml"))}


def nodes():
    """Every model of conf/ that the tests' Hub holds, as it is composed, its size's values laid over it."""
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        for model in (*CHECKPOINTS, *STAND_INS, *BUILT):
            node = OmegaConf.to_container(compose(f"model/{model}").model)
            yield model, {**node, **node["sizes"].get(node["size"], {})}


NODES = dict(nodes())


def first_task(model):
    """A task that the model can do; text classification where it can, whose dataset the Hub of the tests holds."""
    tasks = fit.tasks_of(typed(Capabilities, NODES[model]["capabilities"], "model.capabilities"))
    return "text_classification" if "text_classification" in tasks else tasks[0]


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory):
    folder = tmp_path_factory.mktemp("checkpoints")
    models = dict(
        [
            *(checkpoint(model, folder) for model in CHECKPOINTS),
            *(stand_in(model) for model in STAND_INS),
            *(built(model, folder) for model in BUILT),
        ]
    )
    held = {**datasets(rows=1100), **media(rows=60)}
    shut = dict.fromkeys(("o/gated", "o/guarded"), held["EdinburghNLP/xsum"])
    with hub(models, {**held, **shut}) as address:
        yield address


@pytest.fixture
def environment(endpoint, tmp_path):
    return environment_of(endpoint, tmp_path)


SAMPLES = """
import json, sys
from hydra import compose, initialize_config_dir
from joulemark.config.run import build
from joulemark.core.paths import CONF
from joulemark.core.errors import UserError
with initialize_config_dir(str(CONF), version_base="1.3"):
    for overrides in json.loads(sys.argv[1]):
        config = compose("run", overrides)
        names = {override.split("=")[0]: override.split("=")[1] for override in overrides if "." not in override}
        try:
            found = build(config, {"hardware": "cpu", "protocol": "standard", "site": "unknown", **names})
            samples = found.task.samples(3, 0).samples
            print(json.dumps([[sample.id, sample.input, sample.target] for sample in samples], default=str))
        except UserError as error:
            print(json.dumps(str(error)))
"""


# a model that can do the task, where bloomz cannot
ABLE = {
    "task=token_classification": "bert_base_ner",
    "task=masked_language_modelling": "bert_base",
    "task=image_classification": "resnet_18",
    "task=object_detection": "yolos_tiny",
    "task=image_captioning": "vit_gpt2",
    "task=image_generation": "sd_1_5",
    "task=sentence_similarity": "minilm_l6",
    "task=speech_recognition": "whisper",
}
# Nothing to judge by: hidden labels, no tags, a mask that hides nothing
UNJUDGED = {"sst2", "imagenet", "record"}


def samples(environment, *options):
    """The first three samples of each list of options, or the refusal, from one fresh process."""
    requests = [[f"model={ABLE.get(choice[0], 'bloomz')}", "hardware=cpu", *choice] for choice in options]
    done = subprocess.run(
        [sys.executable, "-c", SAMPLES, json.dumps(requests)], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_every_dataset_of_every_task_gives_its_first_rows_with_what_to_read_and_a_reference(environment):
    options = [
        [f"task={task}", f"task.dataset={name}"]
        for task, node in TASKS.items()
        for name, entry in node["datasets"].items()
        if "id" in entry and name != "red_caps"  # its images are addresses: see test_tasks
    ]
    for (task, dataset), rows in zip(options, samples(environment, *options), strict=True):
        assert len(rows) == 3, f"{dataset}: {rows}"
        name = dataset.partition("=")[2]
        for _, text, target in rows:
            assert str(text).strip()
            unjudged = name in UNJUDGED or (name == "bookcorpus" and task == "task=masked_language_modelling")
            # a short text has nothing after its prompt to compare with
            judged = target is not None
            assert judged != unjudged or task == "task=text_generation", f"{task} {name}: {target}"
            if task == "task=text_generation":
                assert len(text.split()) <= 20
            if task == "task=text_classification" and not unjudged:
                assert target in ("negative", "positive")
        if dataset in ("task.dataset=cnn_dailymail", "task.dataset=xsum"):
            assert [text for _, text, _ in rows] == [sentence(i) for i in range(3)]
        if dataset == "task.dataset=oscar":
            assert rows[0][1].startswith(sentence(0)[:20])


def test_what_the_hub_does_not_hold_is_one_line_that_names_the_way_on(environment):
    refusals = samples(
        environment,
        ["task=summarization", "task.datasets.xsum.id=o/missing", "task.dataset=xsum"],
        ["task=summarization", "task.datasets.xsum.split=nowhere", "task.dataset=xsum"],
        ["task=summarization", "task.datasets.cnn_dailymail.config=4.0.0", "task.dataset=cnn_dailymail"],
        ["task=summarization", "task.dataset=xsum", "task.fields.text=article"],
        ["task=summarization", "task.datasets.xsum.id=o/gated", "task.dataset=xsum"],
        ["task=summarization", "task.datasets.xsum.id=o/guarded", "task.dataset=xsum"],  # says so only of its files
    )
    terms = "is gated; accept its terms at https://huggingface.co/datasets/o/"
    for refusal, says in zip(
        refusals,
        ("check the spelling", "nowhere", "4.0.0", "has no field 'article'", f"{terms}gated and set HF_TOKEN",
         f"{terms}guarded and set HF_TOKEN"),
        strict=True,
    ):  # fmt: skip
        assert isinstance(refusal, str)
        assert says in refusal
        assert "\n" not in refusal


@pytest.mark.weights
@pytest.mark.timeout(900)  # a thousand inferences take a minute, and more where others use the machine
def test_the_command_goes_from_download_to_mlflow(environment):
    # the README's own command with its thousand inferences, once and in batches: it would go on for minutes
    once = ["protocol.min_windows=1", "protocol.max_windows=1", "protocol.warmup_max_s=5"]
    brief = [
        "batch_size=32",
        "protocol.window_s=0",
        "protocol.idle_s=0.5",
        "protocol.idle_parts=1",
        "protocol.stage_s=0",
    ]
    options = ["model=bloomz", "task=summarization", *once, *brief]
    done = subprocess.run(
        [sys.executable, "-m", "src.run", *options],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=880,
    )
    print(done.stdout)
    assert done.returncode == 0, done.stderr
    last = json.loads(done.stdout.strip().splitlines()[-1])
    assert (last["status"], last["model"], last["task"]) == ("finished", "bloomz-560m", "summarization")
    assert last["metrics"]["energy/total_wh_per_1k"] > 0
    assert last["metrics"]["quality/rouge1"] is not None

    from mlflow import MlflowClient, artifacts

    uri = environment["MLFLOW_TRACKING_URI"]
    run = MlflowClient(tracking_uri=uri).get_run(last["run_id"])
    assert run.info.status == "FINISHED"
    assert run.data.params["model.checkpoint"] == "bigscience/bloomz-560m"
    folder = Path(artifacts.download_artifacts(run_id=last["run_id"], tracking_uri=uri))
    record = json.loads((folder / "record.json").read_text())
    assert record["model"]["revision"] == SHA
    assert record["task"]["source"] == "abisee/cnn_dailymail"
    assert record["task"]["samples"] == 1000
    requests = list(RequestTable(folder / "requests.parquet"))
    assert len(requests) == record["request_summary"]["count"] == 1000
    assert all(10 <= request.output_tokens <= 15 for request in requests)


# Checkpoints of other kinds than bloomz, whole with their tokenizers; test_hub_id_run.py has whole runs of such
WHOLE = ("flan_t5", "bart_large_cnn", "distilbert_sst2")

KINDS = """
import json, sys
from hydra import compose, initialize_config_dir
from joulemark.config.run import build
from joulemark.core.paths import CONF
from joulemark.core.model import Settings
with initialize_config_dir(str(CONF), version_base="1.3"):
    for overrides in json.loads(sys.argv[1]):
        names = {override.split("=")[0]: override.split("=")[1] for override in overrides if "." not in override}
        run = build(compose("run", overrides), {"hardware": "cpu", "protocol": "standard", "site": "unknown", **names})
        samples = run.task.samples(3, 0).samples
        loaded = run.model.load(run.task, "cpu", Settings())
        found = loaded.predict([sample.input for sample in samples])
        scores = run.task.score(samples, found).values
        print(json.dumps([loaded.facts["revision"], len(found), scores.get(run.task.metric)]))
"""


@pytest.mark.weights
def test_every_kind_comes_from_the_hub_and_does_its_task(environment):
    few = {"sd_1_5": ["task.steps=2"], "whisper": ["task.max_new_tokens=12"]}
    options = [
        [f"model={model}", f"task={first_task(model)}", "hardware=cpu", *few.get(model, [])]
        for model in (*STAND_INS, *BUILT, *WHOLE)
    ]
    done = subprocess.run(
        [sys.executable, "-c", KINDS, json.dumps(options)], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    results = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(revision, count) for revision, count, _ in results] == [(SHA, 3)] * len(options)
    assert None not in [score for _, _, score in results[-len(WHOLE) :]]


def test_the_hub_of_the_tests_holds_a_checkpoint_of_every_kind():
    held = {NODES[model]["_target_"] for model in (*CHECKPOINTS, *STAND_INS, *BUILT)}
    kinds = [path for path in (ROOT / "conf" / "model" / "kind").glob("*.yaml") if path.stem != "checkpoint"]
    assert held == {yaml.safe_load(path.read_text())["_target_"] for path in kinds}
    assert {NODES[model]["checkpoint"] for model in BUILT} == {repository for repository, _, _ in BUILT.values()}
