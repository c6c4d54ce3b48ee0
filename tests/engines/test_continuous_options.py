"""What continuous batching cannot do is refused in one line, before anything heavy is imported."""

import re
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest

from joulemark.core.errors import UserError
from joulemark.core.machine import Hardware
from joulemark.core.model import Checkpoint, Settings
from joulemark.engines.continuous import Continuous
from joulemark.engines.settings import check_settings
from joulemark.models.causal_lm import CausalLM
from tests.fakes import CPU
from tests.models import tiny
from tests.paths import ROOT

LLAMA = CausalLM(Checkpoint("x", weights="random", shape={"model_type": "llama"}), "general_purpose")
BLOOM = CausalLM(tiny.random("bloom"), "general_purpose")
EMBEDDED = CausalLM(Checkpoint("general", weights="embedded"), "general_purpose")
TWO = Hardware("two", "cuda", ("bf16",), uuid="GPU-a", beside=((1, "GPU-b"),))


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"pages": 0}, "engine.pages=0 must be at least 1"),
        ({"page_tokens": 3}, "engine.page_tokens=3 must be at least 4"),
        ({"memory_share": 1.5}, "engine.memory_share=1.5 must be a share above 0 and at most 1"),
        ({"scheduler": "fastest"}, "engine.scheduler=fastest is not one of fifo, prefill_first"),
    ],
)
def test_an_option_out_of_range_is_refused(option: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=f"^{re.escape(message)}$"):
        Continuous(**option)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"precision": "int8"}, "engine=continuous does not take precision=int8; type precision=fp32 or tf32 or bf16"),
        ({"batch_size": 8}, "engine=continuous does not take batch_size=8; type batch_size=1"),
        ({"compile": True}, "engine=continuous does not take compile=true; type compile=false"),
        ({"cache": "static"}, "engine=continuous does not take cache=static; type cache=dynamic"),
    ],
)
def test_a_setting_of_fixed_batches_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=f"^{re.escape(message)}"):
        check_settings(Continuous(), Settings(**settings))
    check_settings(Continuous(), Settings())


def test_what_it_cannot_page_or_spread_is_refused_before_it_is_loaded() -> None:
    engine = Continuous()
    engine.check(LLAMA, tiny.Ask(), CPU)
    for model, hardware, message in (
        (BLOOM, CPU, "a bloom has no attention that reads pages; type engine=transformers, or model=embedded_llama"),
        (EMBEDDED, CPU, "a bloom has no attention that reads pages; type engine=transformers, or model=embedded_llama"),
        (LLAMA, TWO, "runs on one GPU; type hardware.index=0"),
    ):
        with pytest.raises(UserError, match=re.escape(message)):
            engine.check(model, tiny.Ask(), hardware)
    for option in ("cuda_graphs", "overlap"):
        with pytest.raises(UserError, match=rf"engine.{option}=true needs a GPU; type engine.{option}=null"):
            replace(engine, **{option: True}).check(LLAMA, tiny.Ask(), CPU)


def test_every_option_has_its_line_in_the_file_and_its_name_in_transformers() -> None:
    text = (ROOT / "conf" / "engine" / "continuous.yaml").read_text()
    in_file = re.findall(r"^(\w+): null # ", text, re.MULTILINE)
    assert in_file == list(Continuous().options)
    code = "from joulemark.models.backend.continuous_batching import OPTIONS; print(sorted(OPTIONS))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(sorted(Continuous().options))


def test_a_description_brings_no_torch() -> None:
    code = "import sys; import joulemark.engines.continuous as c; c.Continuous(); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
