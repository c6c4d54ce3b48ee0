"""What of conf/ works with a Hub: every way in which it may not, by name, and nothing is downloaded to find out."""

import json
import subprocess
import sys
import time

import pytest
import yaml
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from joulemark.cli.hub_requirements import requirements
from joulemark.config import fit, model_files
from joulemark.config.factories import model_of
from joulemark.core.errors import UserError
from joulemark.core.paths import CONF
from joulemark.models.backend.repository import values
from tests import repositories
from tests.hub import environment_of, hub
from tests.paths import ROOT
from tests.repositories import datasets, media

OPTIONS = {"tasks": [], "datasets": [], "models": [], "rows": 2, "limit_s": 120.0, "weights": False, "overrides": []}


def selected(**changes):
    return [(requirement.what, requirement.name) for requirement in requirements({**OPTIONS, **changes})]


@pytest.mark.processes
def test_every_dataset_and_every_size_of_every_model_that_lives_on_the_hub_is_checked():
    everything = selected()
    assert len(everything) == len(
        {(requirement.what, requirement.group, requirement.name) for requirement in requirements(OPTIONS)}
    )
    for path in (CONF / "task").glob("*.yaml"):
        for name, entry in yaml.safe_load(path.read_text())["datasets"].items():
            assert (("dataset", name) in everything) == ("id" in entry)
    for path in (CONF / "model").glob("*.yaml"):
        node = yaml.safe_load(path.read_text())
        labels = [f"{path.stem}-{size}" for size in node.get("sizes", ())] or [path.stem]
        for label in labels:
            assert (("model", label) in everything) == (not path.stem.startswith(("embedded", "hub")))


def test_the_ids_that_are_checked_are_those_that_a_run_would_fetch():
    with initialize_config_dir(str(CONF), version_base="1.3"):
        for requirement in requirements({**OPTIONS, "models": ["bloomz", "gpt2", "minilm_l6", "sd_1_5"]}):
            name, _, size = requirement.name.partition("-")
            node = OmegaConf.to_container(compose(f"model/{name}").model)
            model = model_of(node, name, size or None)
            tasks = tuple(fit.tasks_of(model.capabilities))
            assert (requirement.id, requirement.tasks, requirement.group) == (model.checkpoint.id, tasks, model.kind)


@pytest.mark.processes
def test_what_is_named_is_checked_and_nothing_else():
    assert selected(models=["gpt2"]) == [("model", "gpt2")]
    assert selected(models=["bloomz-7b1"]) == [("model", "bloomz-7b1")]
    assert len(selected(models=["bloomz"])) == 5
    assert selected(datasets=["xsum"]) == [("dataset", "xsum")]
    of_task = selected(tasks=["sentence_similarity"])
    assert ("dataset", "stsb") in of_task
    assert ("model", "minilm_l6") in of_task
    assert ("model", "gpt2") not in of_task
    assert selected(tasks=["image_captioning"], datasets=["coco"]) == [("dataset", "coco")]


@pytest.mark.parametrize(("key", "name"), [("tasks", "summary"), ("datasets", "xsun"), ("models", "gtp2")])
def test_a_name_that_conf_does_not_have_is_refused_with_the_nearest(key, name):
    with pytest.raises(UserError, match=f"{key}={name} does not exist; (did you mean|choose)"):
        selected(**{key: [name]})


def test_every_value_that_both_sides_state_is_compared_also_inside():
    shape = {"a": 1, "inner": {"b": 2, "missing": 3}, "absent": 4, "none": 5, "backbone": None}
    published = {"a": 1, "inner": {"b": 7}, "none": None, "backbone": "resnet50", "more": 9}
    assert list(values(shape, published)) == [("a", 1, 1), ("inner.b", 2, 7)]


@pytest.mark.weights  # transformers imports torch
def test_a_value_is_found_under_its_other_name_too():
    from transformers import GPT2Config

    assert list(values({"hidden_size": 32}, {"n_embd": 16}, GPT2Config(n_embd=16))) == [("hidden_size", 32, 16)]
    assert list(values({"num_labels": 3}, {}, GPT2Config(id2label={0: "a", 1: "b"}))) == [("num_labels", 3, 2)]
    # what the file says comes first: transformers ties every T5, whatever its file says
    assert list(values({"n_layer": 3}, {"n_layer": 3}, GPT2Config(n_layer=9))) == [("n_layer", 3, 3)]


def node(name):
    composed = model_files.node(name)
    sized = OmegaConf.merge(composed, composed["sizes"].get(composed["size"], {}))
    return OmegaConf.to_container(sized)


def repository(name, without=(), **changes):
    """The id of a model of conf/ and a repository that is as conf/ says, but for these changes of its configuration."""
    of, index, files = node(name), {"_class_name": "StableDiffusionPipeline"}, {}
    if "unet" in of["shape"]:
        for part, shape in of["shape"].items():
            index[part] = ["diffusers", "X"]
            file = "scheduler_config" if part == "scheduler" else "config"
            files[f"{part}/{file}.json"] = json.dumps({**shape, "_class_name": shape.get("type")}).encode()
            if part != "scheduler":
                files[f"{part}/model.safetensors"] = files[f"{part}/pytorch_model.bin"] = b"x"
        files["model_index.json"] = json.dumps(index).encode()
    else:
        config = {**of["shape"], **changes}
        files = dict.fromkeys(("model.safetensors", "tokenizer.json", "preprocessor_config.json"), b"{}")
        files["config.json"] = json.dumps(config).encode()
    return of["checkpoint"], {path: body for path, body in files.items() if path not in without}


# name -> the repository that stands for it, and its message
MODELS = {
    "gpt2": (repository("gpt2"), "values agree"),
    "whisper-tiny": (repository("whisper"), "values agree"),
    "sd_1_5": (repository("sd_1_5"), "values agree"),
    "distilgpt2": (repository("distilgpt2", model_type="opt"), "model_type is opt, conf/ says gpt2"),
    "bloomz-560m": (repository("bloomz", n_layer=23), "n_layer is 23, conf/ says 24"),
    "bert_base": (None, "does not exist on the Hub, or is private"),
    "roberta_base": (repository("roberta_base"), "is gated; accept its terms at https://huggingface.co/"),
    "distilbert_base": (repository("distilbert_base", ["model.safetensors"]), "has no .safetensors file"),
    "minilm_l6": (repository("minilm_l6", ["tokenizer.json"]), "no tokenizer"),
    "vit_base_224": (repository("vit_base_224", ["preprocessor_config.json"]), "no preprocessor"),
    "tiny_sd": (repository("tiny_sd", ["vae/model.safetensors"]), "its part 'vae' has no .safetensors file"),
}  # fmt: skip
DATASETS = {
    "xsum": "2 rows",
    "sst2": "2 rows, no reference",
    "samsum": "does not exist on the Hub, or is private",
    "imagenet": "is gated; accept its terms at https://huggingface.co/datasets/ILSVRC/imagenet-1k and set HF_TOKEN",
    "rotten_tomatoes": "row 0: has no field 'text' (it has: review, label)",
}
WORK = {"gpt2", "whisper-tiny", "sd_1_5", "xsum", "sst2"}


@pytest.fixture(scope="module")
def endpoint():
    held = {**datasets(rows=3), "ILSVRC/imagenet-1k": media(rows=3)["ILSVRC/imagenet-1k"]}
    held["cornell-movie-review-data/rotten_tomatoes"] = repositories._parquet(
        "", {"validation": {"review": ["a", "b"], "label": [0, 1]}}
    )
    del held["knkarthick/samsum"]
    models = dict(model for model, _ in MODELS.values() if model is not None)
    with hub(models, held, gated=("ILSVRC/imagenet-1k", MODELS["roberta_base"][0][0])) as address:
        yield address


def check(endpoint, home, *options, **more):
    command, environment = [sys.executable, "-m", "src.hub_check", *options], environment_of(endpoint, home, **more)
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)


@pytest.mark.servers
@pytest.mark.data
def test_the_table_says_of_each_whether_it_works_or_why_not_and_no_weights_are_downloaded(endpoint, tmp_path):
    done = check(endpoint, tmp_path, f"models=[{','.join(MODELS)}]", f"datasets=[{','.join(DATASETS)}]")
    assert done.returncode == 1, done.stderr
    print(done.stdout)
    *table, last = done.stdout.splitlines()
    summary = json.loads(last)
    assert (summary["checked"], summary["failed"]) == (
        len(MODELS) + len(DATASETS),
        len(MODELS) + len(DATASETS) - len(WORK),
    )
    reported = {row["name"]: row for row in summary["rows"]}
    for name, says in {**{name: says for name, (_, says) in MODELS.items()}, **DATASETS}.items():
        assert says in reported[name]["message"], reported[name]
        assert reported[name]["works"] == (name in WORK)
        (line,) = [line for line in table if f" {reported[name]['id']} " in line]
        assert f" {name} " in line
        assert (" yes " in line, " NO " in line) == (name in WORK, name not in WORK)
        assert reported[name]["message"] in line
    kept = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    assert "config.json" in kept
    assert not any(name.endswith((".safetensors", ".bin")) for name in kept)


@pytest.mark.servers
@pytest.mark.data
def test_with_a_token_what_is_gated_works_and_the_exit_code_says_that_all_does(endpoint, tmp_path):
    done = check(endpoint, tmp_path, "models=[roberta_base]", "datasets=[imagenet]", HF_TOKEN="hf_x")
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["failed"] == 0


@pytest.mark.processes
@pytest.mark.parametrize(("endpoint_", "offline"), [("http://127.0.0.1:9", "0"), ("http://192.0.2.1", "0"), ("", "1")])
def test_without_a_network_it_says_so_in_one_line_within_ten_seconds(endpoint_, offline, tmp_path):
    began = time.monotonic()
    done = check(endpoint_ or "http://127.0.0.1:9", tmp_path, HF_HUB_OFFLINE=offline)
    assert time.monotonic() - began < 10
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert "HF_HUB_OFFLINE is set" in done.stderr if offline == "1" else f"the Hub at {endpoint_}" in done.stderr
    assert done.stderr.startswith("error: no network: ")


@pytest.mark.processes
@pytest.mark.parametrize("option", ["rows=x", "rows=0", "model=[gpt2]"])
def test_a_mistake_in_the_options_is_one_line(option, tmp_path):
    done = check("http://127.0.0.1:9", tmp_path, option)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "network" not in done.stderr


@pytest.mark.servers
@pytest.mark.data
@pytest.mark.weights
def test_with_weights_each_model_is_loaded_and_predicts_and_leaves_no_record(tmp_path):
    models = dict([repositories.checkpoint("distilbert_sst2", tmp_path)])
    store = tmp_path / "mlflow.db"
    with hub(models, datasets(rows=3)) as address:
        done = check(address, tmp_path, "models=[distilbert_sst2,gpt2]", "weights=true",
                     MLFLOW_TRACKING_URI=f"sqlite:///{store}")  # fmt: skip
    reported = {row["name"]: (row["works"], row["message"]) for row in json.loads(done.stdout.splitlines()[-1])["rows"]}
    assert reported["distilbert_sst2"] == (True, "predicted 2 rows of text_classification")
    assert reported["gpt2"][0] is False
    assert "does not exist on the Hub" in reported["gpt2"][1]
    assert not store.exists()
