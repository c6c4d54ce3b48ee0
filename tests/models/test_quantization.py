"""Weights in few bits: smaller, read as such, and the answers nearly what they were."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from joulemark.core.errors import UserError
from joulemark.core.model import Settings
from joulemark.models.backend import flop_counting, quantization
from joulemark.models.causal_lm import CausalLM
from joulemark.models.seq2seq_lm import Seq2SeqLM
from tests.composed import built
from tests.models import tiny

pytestmark = pytest.mark.weights

KINDS = [("bloom", CausalLM), ("gpt2", CausalLM), ("olmoe", CausalLM), ("t5", Seq2SeqLM), ("bart", Seq2SeqLM)]
FEW = ["int8", "int4"]


def loaded(words: list[str], precision: str) -> Any:
    run = built(*words, f"precision={precision}", "samples=200")
    return run, run.model.load(run.task, "cpu", run.settings)


@pytest.mark.parametrize("precision", FEW)
@pytest.mark.parametrize(("architecture", "kind"), KINDS)
def test_every_architecture_answers_with_its_linear_layers_in_few_bits(
    architecture: str, kind: Any, precision: str
) -> None:
    found = kind(tiny.random(architecture), "general_purpose").load(tiny.Ask(), "cpu", Settings(precision))
    assert [answer.units for answer in found.predict(["good film", "a story"])] == [6, 6]
    assert 0 < found.facts["quantized_parameters"] < found.facts["parameters"]
    assert found.facts["dtype"] == "bfloat16"
    assert json.loads(json.dumps(found.facts)) == found.facts


@pytest.mark.parametrize(("precision", "share"), [("int8", 0.98), ("int4", 0.9)])
def test_the_embedded_classifier_keeps_its_labels_in_few_bits(precision: str, share: float) -> None:
    run, plain = loaded(["model=embedded_classifier"], "fp32")
    _, few = loaded(["model=embedded_classifier"], precision)
    inputs = [sample.input for sample in run.task.samples(200, 0).samples]
    expected, given = ([answer.output for answer in one.predict(inputs)] for one in (plain, few))
    same = sum(a == b for a, b in zip(expected, given, strict=True)) / len(inputs)
    print(precision, "agreement", same, few.facts)
    assert same >= share
    assert few.facts["parameter_bytes"] < 4 * plain.facts["parameters"] / 2


def test_a_layer_is_held_in_its_bits_and_the_output_embedding_is_left() -> None:
    import torch

    for precision, bits in (("int8", 8), ("int4", 4)):
        model = (
            CausalLM(tiny.random("bloom"), "general_purpose").load(tiny.Ask(), "cpu", Settings(precision)).predict.model
        )
        layer = model.transformer.h[0].mlp.dense_h_to_4h
        packed = quantization.stored(layer.weight)[0]
        assert packed.numel() * packed.element_size() * 8 == bits * layer.in_features * layer.out_features
        assert type(model.get_output_embeddings().weight.data) is torch.Tensor
        assert model.get_output_embeddings().weight is model.get_input_embeddings().weight


def test_gpt2s_layers_say_the_same_the_other_way_round() -> None:
    import torch

    ids = torch.arange(4, 30)[None]
    model = CausalLM(tiny.random("gpt2"), "general_purpose").load(tiny.Ask(), "cpu", Settings()).predict.model
    with torch.inference_mode():
        before = model(input_ids=ids).logits
        quantization._make_linear(model)
        assert "Conv1D" not in str(model)
        assert torch.allclose(model(input_ids=ids).logits, before, atol=1e-5)


@pytest.mark.parametrize(("precision", "bytes_a_weight"), [("int8", 1.0), ("int4", 0.5)])
def test_work_counts_the_bits_that_are_read_and_the_flops_that_are_done(precision: str, bytes_a_weight: float) -> None:
    import torch

    class Predict:
        def __init__(self, precision: str) -> None:
            self.model = torch.nn.Sequential(torch.nn.Linear(256, 512, bias=False)).to(torch.bfloat16)
            quantization.quantize(self.model, precision, "cpu")

        def __call__(self, batch: Any) -> Any:
            with torch.inference_mode():
                return self.model(torch.zeros(len(batch), 256, dtype=torch.bfloat16))

    plain, few = (flop_counting.count(Predict(word), [0, 0]) for word in ("bf16", precision))
    assert plain.bytes_read * 2 == 2 * 256 * 512
    assert few.flops == plain.flops == 2 * 256 * 512
    weights = bytes_a_weight * 256 * 512
    assert weights <= few.bytes_read * 2 <= weights * 1.2  # and their scales


def test_a_model_without_linear_layers_is_refused_and_one_with_a_head_alone_is_not() -> None:
    import torch

    with pytest.raises(UserError, match=r"precision=int8: Conv2d has no linear layer .*; type precision=bf16"):
        quantization.quantize(torch.nn.Conv2d(3, 3, 3).to(torch.bfloat16), "int8", "cpu")
    run = built("model=resnet_18", "task=image_classification", "model.weights=random", "precision=int8", "samples=1")
    found = run.model.load(run.task, "cpu", run.settings)
    assert len(found.predict([sample.input for sample in run.task.samples(1, 0).samples])) == 1
    assert found.facts["quantized_parameters"] == 512 * 1000


def test_quantizing_leaves_the_processs_own_switches_alone() -> None:
    code = (
        "import torch, torch._inductor.config as c\n"
        "from joulemark.core.model import Settings\n"
        "from joulemark.models.causal_lm import CausalLM; from tests.models import tiny\n"
        "before = dict(c.get_config_copy())\n"
        "for word in ('int8', 'int4'):\n"
        "    CausalLM(tiny.random('bloom'), 'general_purpose').load(tiny.Ask(), 'cpu', Settings(word))\n"
        "print(before == dict(c.get_config_copy()), torch.backends.cuda.matmul.fp32_precision)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path.cwd())
    assert done.stdout.split() == ["True", "ieee"]
    assert "Failed to load" not in done.stderr


def test_the_embedded_painter_draws_with_its_denoiser_in_few_bits() -> None:
    words = ["model=embedded_painter", "task=image_generation", "task.steps=1"]
    run, found = loaded(words, "int8")
    prompts = [sample.input for sample in run.task.samples(1, 0).samples]
    assert len(found.predict(prompts)) == 1
    assert found.facts["quantized_parameters"] > 0
