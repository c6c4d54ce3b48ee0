"""Networks that are no plain transformers: a state-space model, a recurrent one and a mixture of experts."""

from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir

from joulemark.core.model import Settings
from joulemark.core.paths import CONF
from joulemark.models.causal_lm import CausalLM
from tests.models import tiny

pytestmark = pytest.mark.weights

OTHERS = ["mamba", "rwkv", "olmoe"]
TEXTS = ["good film", "a story of all the best music and never so dull", "he was so long " * 9]


@pytest.mark.parametrize("architecture", OTHERS)
def test_random_weights_write_the_whole_budget_greedily(architecture: str) -> None:
    loaded = CausalLM(tiny.random(architecture), "general_purpose").load(tiny.Ask(), "cpu", Settings())
    first = loaded.predict(TEXTS)
    assert [answer.output_tokens for answer in first] == [6] * len(TEXTS)
    assert first == loaded.predict(TEXTS)
    assert loaded.facts["output_length"] == "forced"


@pytest.mark.parametrize("architecture", OTHERS)
def test_a_model_says_whether_padding_changes_its_answers(architecture: str, tmp_path: Path) -> None:
    checkpoint = tiny.saved(tmp_path, architecture, "AutoModelForCausalLM")
    loaded = CausalLM(checkpoint, "general_purpose").load(tiny.Ask(), "cpu", Settings())
    alone = [loaded.predict([text])[0] for text in TEXTS]
    assert len({answer.output for answer in alone}) > 1
    with initialize_config_dir(str(CONF), version_base="1.3"):
        pads = compose(f"model/{architecture}").model.capabilities.get("pads", True)
    assert (loaded.predict(TEXTS) == alone) is pads
