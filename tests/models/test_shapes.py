"""Every YAML of conf/model: what random weights are built from is the real architecture."""

import json
from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from src.core import Checkpoint

ROOT = Path(__file__).parents[2]
PUBLISHED = ROOT.parent / "shared" / "data" / "study" / "architectures.json"


def nodes() -> dict[str, dict[str, Any]]:
    """Each model of conf/model in each of its sizes, composed as a run composes it."""
    found: dict[str, dict[str, Any]] = {}
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        for file in sorted((ROOT / "conf" / "model").glob("*.yaml")):
            node: Any = OmegaConf.to_container(compose(f"model/{file.stem}").model)
            for size in node["sizes"] or [None]:
                sized = OmegaConf.merge(node, node["sizes"][size]) if size else OmegaConf.create(node)
                found[f"{file.stem}-{size}" if size else file.stem] = OmegaConf.to_container(sized)  # type: ignore[assignment]
    return found


NODES = nodes()
SHAPED = [name for name, node in NODES.items() if node["shape"] and node["parameters"]]
KNOWN_TASKS = {file.stem for file in (ROOT / "conf" / "task").glob("*.yaml")}


def count(node: dict[str, Any]) -> int:
    """Parameters of the bare model, without a head, as model cards count them; nothing is allocated.

    Models that see and speak are two joined ones and counted whole.
    """
    import torch
    import transformers

    from src.models.pipelines import modules
    from src.models.weights import draw, open_config

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
    assert set(node["tasks"]) <= KNOWN_TASKS
    assert node["role"] in ("general", "specialist")
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


@pytest.mark.parametrize("name", SHAPED)
def test_the_published_number_is_the_studys(name: str) -> None:
    if not PUBLISHED.is_file():
        pytest.skip("needs ../shared/data/study/architectures.json, which lies beside the checkout")
    by_id = {row["model"].split("/")[-1]: row for row in json.loads(PUBLISHED.read_text())}
    row = by_id.get(NODES[name]["checkpoint"].split("/")[-1])
    if row is None:
        pytest.skip("not among the study's models")
    assert NODES[name]["parameters"] == row["published_params" if row["match"] else "computed_params"]


@pytest.mark.weights
def test_flan_t5_at_random_has_a_head_of_its_own_as_the_real_one_has() -> None:
    import torch

    from src.models.weights import open_weights
    from tests.models import tiny

    model = open_weights("AutoModelForSeq2SeqLM", tiny.random("t5"), "cpu", "fp32")
    assert model.get_output_embeddings().weight is not model.get_input_embeddings().weight
    assert model.get_output_embeddings().weight.std() > 0.1
    bloom = open_weights("AutoModelForCausalLM", tiny.random("bloom"), "cpu", "fp32")
    assert bloom.get_output_embeddings().weight is bloom.get_input_embeddings().weight
    again = open_weights("AutoModelForCausalLM", tiny.random("bloom"), "cpu", "fp32")
    assert all(torch.equal(a, b) for a, b in zip(bloom.parameters(), again.parameters(), strict=True))
