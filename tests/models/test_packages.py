"""What a run imports of torch and transformers: less where nothing is compiled or quantized, with the same results."""

import json
import subprocess
import sys
from dataclasses import replace

import pytest

from joulemark.core.model import Checkpoint, Settings
from joulemark.models.backend import packages
from tests.paths import ROOT

CHECKPOINT = Checkpoint(id="x", weights="random", shape={"model_type": "bert"})

LOADED = """
import json, sys
from hydra import initialize_config_dir
from joulemark.config.compose import composed
from joulemark.core.paths import CONF
from joulemark.models.backend import checkpoint, compiler, flop_counting, packages

with initialize_config_dir(str(CONF), version_base="1.3"):
    run = composed(["model=embedded_classifier", "task=text_classification", "samples=4"])
ready = checkpoint.fetch(run.model.checkpoint)
if sys.argv[1] in ("plain", "cuda"):
    packages.import_packages(ready, run.settings, "cpu" if sys.argv[1] == "plain" else "cuda")
    before = set(sys.modules)
from dataclasses import replace
loaded = replace(run.model, checkpoint=ready).load(run.task, "cpu", run.settings)
inputs = [sample.input for sample in run.task.samples(4, 0).samples]
answers = [each.output for each in loaded.predict(inputs)]
work = flop_counting.count(loaded.predict, inputs)
heavy = {"torchao", "scipy", "sklearn", "torch.distributed.tensor", "torch._inductor", "pandas"}
heavy = sorted(heavy & set(sys.modules)) + ["torch._dynamo"] * compiler.imported()
import torch
print(json.dumps({
    "heavy": heavy, "answers": answers, "work": [work.flops, work.bytes_read] if hasattr(work, "flops") else str(work),
    "parts": sorted(name for name in set(sys.modules) - before if name.count(".") == 1 and "transformers" in name)
    if sys.argv[1] == "plain" else [],
    "distributed": torch.distributed.is_available(),
    "compiled": torch.compile(lambda x: x + 1, backend="eager")(torch.ones(1)).item(),
    "imported": compiler.imported(),
}))
"""


def loaded(how):
    """What a process says that imported it `how`, loaded the built-in classifier and asked it."""
    done = subprocess.run([sys.executable, "-c", LOADED, how], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.weights
@pytest.mark.processes
def test_a_plain_run_answers_the_same_without_compiler_torchao_and_what_training_needs():
    plain, whole = loaded("plain"), loaded("whole")
    assert plain["heavy"] == []
    assert {"torch._dynamo", "scipy"} <= set(whole["heavy"])
    assert (plain["answers"], plain["work"]) == (whole["answers"], whole["work"])
    assert plain["parts"] == []  # nothing of transformers' own is left to the loading of the model
    assert {"torch._dynamo", "scipy"} <= set(loaded("cuda")["heavy"])  # nothing is left out for a GPU
    assert plain["distributed"]  # hidden from transformers alone
    assert (plain["compiled"], plain["imported"]) == (2, True)  # it is there for whoever asks


@pytest.mark.parametrize(
    "settings",
    [
        {"compile": True},
        {"compile": "graphs"},
        {"cache": "static"},
        *({"precision": p} for p in ("int8", "int4", "fp8")),
    ],
)
def test_what_is_compiled_or_quantized_takes_all(settings):
    assert packages.plain(CHECKPOINT, Settings())
    assert not packages.plain(CHECKPOINT, Settings(**settings))


def test_a_models_own_code_a_pipeline_and_quantized_weights_take_all(tmp_path):
    assert not packages.plain(replace(CHECKPOINT, trust_remote_code=True), Settings())
    assert not packages.plain(replace(CHECKPOINT, shape={"unet": {}}), Settings())
    there = replace(CHECKPOINT, weights="hub", path=tmp_path)
    assert not packages.plain(there, Settings())  # a pipeline's configurations lie in its parts
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    assert packages.plain(there, Settings())
    (tmp_path / "config.json").write_text('{"model_type": "bert", "quantization_config": {"quant_method": "torchao"}}')
    assert not packages.plain(there, Settings())
