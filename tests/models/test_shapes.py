"""Every YAML of conf/model: what random weights are built from is the real architecture."""

import csv
import json
from typing import Any

import pytest
from omegaconf import OmegaConf

from joulemark.config import fit, model_files
from joulemark.config.factories import made_model
from joulemark.core.coerce import typed
from joulemark.core.model import Capabilities, Checkpoint, Settings
from tests.paths import ROOT, SHARED

PUBLISHED = SHARED / "data" / "study"


def nodes() -> dict[str, dict[str, Any]]:
    """Each model of conf/model in each of its sizes, merged as a run composes it."""
    found: dict[str, dict[str, Any]] = {}
    for name in model_files.names():
        if name == "hub":  # its checkpoint is typed
            continue
        node = model_files.node(name)
        for size in node["sizes"] or [None]:
            sized = OmegaConf.merge(node, node["sizes"][size]) if size else OmegaConf.create(node)
            found[f"{name}-{size}" if size else name] = OmegaConf.to_container(sized)  # type: ignore[assignment]
    return found


NODES = nodes()
SHAPED = [name for name, node in NODES.items() if node["shape"] and node["parameters"]]


def count(node: dict[str, Any]) -> int:
    """Parameters of the bare model, without a head, as model cards count them; nothing is allocated.

    Models that see and speak are two joined ones and counted whole.
    """
    import torch
    import transformers

    from joulemark.models.backend.pipelines import modules
    from joulemark.models.backend.weights import draw, open_config

    with torch.device("meta"):
        if "unet" in node["shape"]:
            parts = list(modules(node["shape"]).values())
        else:
            checkpoint = Checkpoint("x", weights="random", shape=node["shape"])
            whole = node["shape"]["model_type"] in ("blip-2", "vision-encoder-decoder")
            auto = transformers.AutoModelForImageTextToText if whole else transformers.AutoModel
            parts = [draw(auto, checkpoint, open_config(checkpoint), "meta", torch.float32)]
    return sum(parameter.numel() for part in parts for parameter in part.parameters())


@pytest.mark.parametrize("name", NODES)
def test_a_model_names_its_checkpoint_and_tasks_that_exist(name: str) -> None:
    node = NODES[name]
    assert node["checkpoint"] != "???"
    assert fit.tasks_of(typed(Capabilities, node["capabilities"], "model.capabilities"))
    assert node["role"] in ("general_purpose", "specialist")
    assert node["weights"] == "embedded" or node["shape"], "random weights need a shape"


@pytest.mark.parametrize("name", sorted({name.split("-")[0] for name in NODES}))
def test_a_file_begins_with_where_the_model_comes_from(name: str) -> None:
    first, *rest = (ROOT / "conf" / "model" / f"{name}.yaml").read_text().splitlines()
    assert first.startswith("# ")
    assert "huggingface.co" in first or "src/embedded" in first
    assert rest


@pytest.mark.weights
@pytest.mark.parametrize("name", SHAPED)
def test_a_shape_has_the_published_number_of_parameters(name: str) -> None:
    assert count(NODES[name]) == NODES[name]["parameters"]


class _LoadedError(Exception):
    """Raised in place of loading: carries the class that would be loaded."""


class _Ask:
    """As much of a task as a model needs to say what it loads."""

    name = metric = unit = "x"
    prompt = "{text}"
    min_new_tokens = max_new_tokens = 10


def whole(name: str, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The torch modules, heads included, that the model's kind loads; nothing is allocated."""
    import torch
    import transformers

    from joulemark.models.backend import pipelines, weights

    def instead(*words: Any) -> Any:
        raise _LoadedError(words[0])

    monkeypatch.setattr(weights, "open_weights", instead)
    monkeypatch.setattr(pipelines, "open_pipeline", instead)
    node = {key: value for key, value in NODES[name].items() if key != "sizes"}
    model = made_model({**node, "weights": "random", "seed": 0}, name)
    with pytest.raises(_LoadedError) as stop:
        model.load(_Ask(), "cpu", Settings())  # type: ignore[arg-type]
    auto = stop.value.args[0]
    with torch.device("meta"):
        if not isinstance(auto, str):
            return list(pipelines.modules(node["shape"]).values())
        config = weights.open_config(model.checkpoint)
        return [weights.draw(getattr(transformers, auto), model.checkpoint, config, "meta", torch.float32)]


# Counts that are published rounded: no less and no more than these, heads included
ROUNDED = {
    "deta_swin_large": (210e6, 220e6),  # only a close kin can be built: the study counts 217,683,380 for DETA itself
    "efficientnet_b7": (65.5e6, 66.5e6),  # 66M: arXiv 1905.11946, table 2
    "olmoe": (6.85e9, 6.95e9),  # 6.9B: arXiv 2409.02060, table 1
    "qwen3-0.6b": (0.55e9, 0.65e9),  # these three on their pages of the Hub
    "qwen3-1.7b": (1.65e9, 1.75e9),
    "qwen3-8b": (8.15e9, 8.25e9),
    "rwkv-169m": (168.5e6, 169.5e6),  # these three in their names
    "rwkv-430m": (429.5e6, 430.5e6),
    "rwkv-3b": (2.5e9, 3.5e9),
    "wav2vec2_base": (94.35e6, 94.45e6),  # 94.4M: its page on the Hub
    "whisper-large_v3": (1.53e9, 1.56e9),  # 1550M: arXiv 2212.04356, table 1
}
# What the study counted otherwise, as their YAMLs say
MISCOUNTED = {"distilbart_xsum", "keyphrase_distilbert", "vit_gpt2_coco"}


@pytest.mark.weights
@pytest.mark.parametrize("name", [name for name, node in NODES.items() if node["weights"] != "embedded"])
def test_every_model_is_built_at_full_shape_with_the_head_of_its_kind(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    node, parts = NODES[name], whole(name, monkeypatch)
    found = sum(parameter.numel() for part in parts for parameter in part.parameters())
    if name in ROUNDED:
        least, most = ROUNDED[name]
        assert least < found < most
    else:
        assert node["parameters"], "a count is published for every other model"
        # a head, or a pooler that a head does without, is at most a small part; a vocabulary's matrix may be untied
        assert 0.95 * node["parameters"] < found < 1.45 * node["parameters"]
    labels = dict(getattr(parts[0].config, "id2label", None) or {})
    if node.get("labels"):
        assert set(node["labels"]) <= set(labels.values())
    if fit.tasks_of(typed(Capabilities, node["capabilities"], "model.capabilities")) == ["text_classification"]:
        named = {(node["labels"] or {}).get(label, label.lower()) for label in labels.values()}
        assert {"negative", "positive"} <= named <= {"negative", "neutral", "positive"}


@pytest.mark.parametrize("name", SHAPED)
def test_the_published_number_is_the_studys(name: str) -> None:
    if not PUBLISHED.is_dir():
        pytest.skip("needs ../shared/data/study, which lies beside the checkout")
    shapes = {row["model"]: row for row in json.loads((PUBLISHED / "architectures.json").read_text())}
    with (PUBLISHED / "models.csv").open() as file:
        known = {row["hub_id_today_recalled"]: row for row in csv.DictReader(file)}
    row = known.get(NODES[name]["checkpoint"])
    if row is None:
        pytest.skip("not among the study's models")
    shape = shapes.get(row["id_in_data"])
    if shape and not shape["match"]:  # published rounded, or wrong
        assert NODES[name]["parameters"] == shape["computed_params"]
    else:
        assert (NODES[name]["parameters"] == int(row["num_parameters"])) is (name not in MISCOUNTED)


@pytest.mark.weights
def test_flan_t5_at_random_has_a_head_of_its_own_as_the_real_one_has() -> None:
    import torch

    from joulemark.models.backend.weights import open_weights
    from tests.models import tiny

    model = open_weights("AutoModelForSeq2SeqLM", tiny.random("t5"), "cpu", Settings())
    assert model.get_output_embeddings().weight is not model.get_input_embeddings().weight
    assert model.get_output_embeddings().weight.std() > 0.1
    bloom = open_weights("AutoModelForCausalLM", tiny.random("bloom"), "cpu", Settings())
    assert bloom.get_output_embeddings().weight is bloom.get_input_embeddings().weight
    again = open_weights("AutoModelForCausalLM", tiny.random("bloom"), "cpu", Settings())
    assert all(torch.equal(a, b) for a, b in zip(bloom.parameters(), again.parameters(), strict=True))
