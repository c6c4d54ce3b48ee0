"""How a model is run: what cannot be is refused before torch, and what can be is recorded."""

import subprocess
import sys
from dataclasses import fields, replace

import pytest

from joulemark.config import compatibility, model_files, saved_settings
from joulemark.config.run_schema import RunSchema
from joulemark.core import extras
from joulemark.core.coerce import typed
from joulemark.core.errors import UserError
from joulemark.core.model import Capabilities, Settings
from joulemark.core.task import Inputs
from joulemark.hardware import devices
from joulemark.measure import calibration
from joulemark.measure.draft import draft
from joulemark.reporting import stored_entry
from joulemark.store import model_registry
from tests.composed import built
from tests.config.test_run import H100, choices

ALLOWED = {setting.name: setting.metadata["values"] for setting in fields(Settings)}
WRITES = ["model=smollm2", "task=text_generation", "model.weights=random"]


@pytest.fixture
def card(monkeypatch):
    monkeypatch.setattr(devices, "nvidia_gpus", lambda: [H100])
    monkeypatch.setattr(compatibility, "find_spec", lambda name: object())


@pytest.mark.parametrize(
    ("overrides", "says"),
    [
        (["attention=flash"], "attention=flash does not exist"),
        (["attention=flash_attention_2"], "needs a GPU, and this run is on the cpu; type attention=sdpa"),
        (["attention=eager", "model=mamba", "task=text_generation"], "model=mamba has no choice of attention"),
        (["attention=sdpa", "model=sd_turbo", "task=image_generation"], "model=sd_turbo has no choice of attention"),
        (["cache=statik"], "did you mean cache=static"),
        (["cache=static"], "model=embedded_classifier has no such cache; type cache=dynamic"),
        (["cache=static", "model=mamba", "task=text_generation"], "model=mamba has no such cache; type cache=dynamic"),
        (["cache=static", "model=whisper", "task=speech_recognition"], "model=whisper has no such cache"),
        (["compile=true", "model=whisper", "task=speech_recognition"], "model=whisper does not support torch.compile"),
        (["compile=grahps"], "compile=grahps does not exist; did you mean compile=graphs"),
        (["compile=1"], "compile=1 does not exist; choose from: cudagraphs, false, graphs, true"),
        (["compile=graphs"], "compile=graphs records CUDA graphs, and this run is on the cpu; type compile=true"),
        (["compile=cudagraphs"], "compile=cudagraphs records CUDA graphs, and .* on the cpu; type compile=false"),
        (["compile=cudagraphs", "model=whisper", "task=speech_recognition"], "has not been tried as CUDA graphs"),
        (["batch_tokens=-1"], "batch_tokens=-1: must be 0 or more"),
        (["pad_to_multiple_of=0"], "pad_to_multiple_of=0: must be 1 or more"),
        (["pad_to_multiple_of=8", "model=rwkv", "task=text_generation", "model.weights=hub"],
         "ignores the attention mask, so padding changes its predictions; type pad_to_multiple_of=1"),
        (["batch_tokens=512", "model=vit_base_224", "task=image_classification"], "has no batches of tokens; type"),
        (["batch_tokens=512", "scenario=offline"], "engine=transformers does not take batch_tokens=512"),
        (["compile=graphs", "model=whisper", "task=speech_recognition"], "model=whisper does not support torch"),
        (["precision=int8", "model=mamba", "task=text_generation"], "model=mamba computes with its weights"),
        (["precision=fp8"], "precision=fp8 is not supported by this cpu; choose from: bf16"),
    ],
)  # fmt: skip
def test_a_setting_that_cannot_be_is_refused_in_one_sentence(overrides, says):
    with pytest.raises(UserError, match=says) as refused:
        built(*overrides)
    assert "\n" not in str(refused.value)


def test_flash_attention_is_refused_without_its_package_and_in_full_precision(card, monkeypatch):
    overrides = [*WRITES, "attention=flash_attention_2"]
    assert built(*overrides, "precision=bf16").settings.attention == "flash_attention_2"
    with pytest.raises(UserError, match="cannot compute in precision=fp32; type precision=bf16"):
        built(*overrides)
    monkeypatch.setattr(compatibility, "find_spec", lambda name: None)
    with pytest.raises(UserError, match="needs the package flash_attn, which is not installed; type attention=sdpa"):
        built(*overrides, "precision=bf16")


def test_graphs_are_for_a_card_and_for_models_that_predict_in_one_pass(card, monkeypatch):
    monkeypatch.setattr(compatibility.shutil, "which", lambda compiler: compiler)
    assert built("hardware=cuda", "compile=graphs").settings.compile == "graphs"
    with pytest.raises(UserError, match=r"model=smollm2 writes token by token, .*; type cache=static compile=true"):
        built(*WRITES, "hardware=cuda", "compile=graphs")
    with pytest.raises(UserError, match=r"model=mamba writes token by token, .*; type compile=true"):
        built("model=mamba", "task=text_generation", "hardware=cuda", "compile=graphs")
    two = [H100, replace(H100, index=1, uuid="GPU-2")]
    monkeypatch.setattr(devices, "nvidia_gpus", lambda: two)
    with pytest.raises(UserError, match="compile=graphs is not supported over several GPUs; type compile=true"):
        built("model=bert_base", "task=masked_language_modelling", "hardware=cuda", "hardware.index=[0,1]",
              "compile=graphs")  # fmt: skip


def test_graphs_of_what_is_not_compiled_need_no_compiler(card, monkeypatch):
    monkeypatch.setattr(compatibility.shutil, "which", lambda compiler: None)
    monkeypatch.setattr(compatibility, "find_spec", lambda name: None)
    assert built("hardware=cuda", "compile=cudagraphs").settings.compile == "cudagraphs"
    with pytest.raises(UserError, match=r"model=smollm2 writes token by token, .*; type cache=static compile=true"):
        built(*WRITES, "hardware=cuda", "compile=cudagraphs")


def test_compiling_is_refused_without_a_compiler(monkeypatch, card):
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.delenv("CC", raising=False)
    requested = []
    monkeypatch.setattr(compatibility.shutil, "which", lambda compiler: requested.append(compiler))
    with pytest.raises(UserError, match=r"compile=true needs a compiler \(g\+\+, clang\+\+, c\+\+, or CXX=…\)"):
        built("hardware=cpu", "compile=true")
    with pytest.raises(UserError, match=r"needs a compiler \(gcc, clang, cc, or CC=…\)"):
        built("hardware=cuda", "compile=true")
    monkeypatch.setenv("CXX", "mine++")
    monkeypatch.setattr(
        compatibility.shutil, "which", lambda compiler: compiler if compiler in ("mine++", "gcc") else None
    )
    assert built("hardware=cpu", "compile=true").settings.compile
    assert built("hardware=cuda", "compile=true").settings.compile
    monkeypatch.setattr(compatibility, "find_spec", lambda name: None)
    with pytest.raises(UserError, match="needs the package triton"):
        built("hardware=cuda", "compile=true")


def test_fp8_is_for_cards_that_have_it_and_few_bits_have_no_energy_lower_bound(monkeypatch):
    for capability, can in (((9, 0), True), ((8, 9), True), ((8, 0), False)):
        card = devices.Gpu(0, "GPU-1", "some card", capability, 300.0)
        monkeypatch.setattr(devices, "nvidia_gpus", lambda card=card: [card])
        assert ("fp8" in built("hardware=cuda").hardware.precisions) is can
        assert calibration.precisions(built("hardware=cuda").hardware) == ["fp32", "tf32", "bf16", "fp16"]


@pytest.mark.processes
def test_a_setting_is_refused_before_torch_is_imported():
    code = (
        "import sys; from tests.composed import built; from joulemark.core.errors import UserError\n"
        "try: built('attention=flash_attention_2')\n"
        "except UserError: print('torch' in sys.modules or 'transformers' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_preprocessing_workers_are_for_models_that_read_images_and_at_most_as_many_as_cores(monkeypatch):
    monkeypatch.setattr(compatibility.host, "cores", lambda: 4)
    seeing = ("model=vit_base_224", "task=image_classification", "model.weights=random")
    assert built(*seeing, "preprocessing_workers=4").settings.preprocessing_workers == 4
    with pytest.raises(UserError, match="this process may use 4 cores; type preprocessing_workers=4"):
        built(*seeing, "preprocessing_workers=5")
    with pytest.raises(UserError, match=r"model=embedded_classifier reads no images .*; type preprocessing_workers=1"):
        built("preprocessing_workers=2")
    with pytest.raises(UserError, match="preprocessing_workers=0: must be 1 or more"):
        built(*seeing, "preprocessing_workers=0")


def test_threads_that_prepare_texts_each_need_a_batch_to_prepare_ahead(monkeypatch):
    monkeypatch.setattr(compatibility.host, "cores", lambda: 4)
    fast = ("preprocessing=fast", "preprocessing_workers=3")
    assert built(*fast, "prefetch=2").settings.prefetch == 2
    with pytest.raises(UserError, match=r"one at a time with prefetch=0; type preprocessing_workers=1 or prefetch=3"):
        built(*fast)
    with pytest.raises(UserError, match=r"type preprocessing_workers=1 or preprocessing=fast"):
        built("preprocessing_workers=3", "prefetch=3")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["prefetch=2", "model=bloomz", "task=text_generation"], "prepares no batch while it works on another"),
        (["prefetch=-1"], "prefetch=-1: must be 0 or more"),
        (["prefetch=2", "scenario=server", "scenario.rate=1"], "engine=transformers does not take prefetch=2"),
        (["preprocessing=device"], "model=embedded_classifier has transformers, fast"),
    ],
)
def test_a_way_of_feeding_that_a_model_or_an_engine_does_not_have_is_refused_in_one_line(words, says):
    with pytest.raises(UserError, match=says) as refused:
        built(*words)
    assert "\n" not in str(refused.value)


def test_threads_prepare_what_processes_do_not_and_torchvision_is_asked_for_by_name(monkeypatch):
    monkeypatch.setattr(compatibility.host, "cores", lambda: 4)
    monkeypatch.setattr(extras, "installed", lambda module: True)
    finding = ("model=detr_resnet_50", "task=object_detection", "model.weights=random", "preprocessing_workers=4")
    with pytest.raises(UserError, match=r"type preprocessing_workers=1 or preprocessing=fast$"):
        built(*finding)
    assert built(*finding, "preprocessing=fast").settings.preprocessing_workers == 4
    hearing = ("model=whisper", "task=speech_recognition", "model.weights=random", "preprocessing=fast")
    assert built(*hearing, "preprocessing_workers=4").settings.preprocessing == "fast"
    with pytest.raises(UserError, match="preprocessing=device needs a GPU, and this run is on the cpu; type prepro"):
        built(*finding, "preprocessing=device")

    monkeypatch.setattr(extras, "installed", lambda module: module != "torchvision")
    with pytest.raises(
        UserError, match=r"^preprocessing=fast needs the package torchvision, .* pip install 'joulemark\[vision\]'$"
    ):
        built(*finding, "preprocessing=fast")
    assert built(*hearing).settings.preprocessing == "fast"  # sounds need torch alone


def test_every_setting_reaches_schema_run_record_params_saved_settings_report_and_registry():
    run = built()
    record = draft(run, Inputs())
    schema = {option.name: option.default for option in fields(RunSchema)}
    for setting in fields(Settings):
        name, default = setting.name, setting.default
        assert (
            schema[name] == getattr(run.settings, name) == run.chosen[name] == getattr(record.settings, name) == default
        )
        assert name in saved_settings.SETTINGS
        assert name in stored_entry.PARAMS
        assert name in model_registry.PARAMS
        assert not setting.metadata["values"] or default in setting.metadata["values"]
    assert stored_entry.PLAIN == {
        "sort": "none",
        "attention": "auto",
        "cache": "dynamic",
        "compile": "False",
        "preprocessing": "transformers",
        "preprocessing_workers": "1",
        "prefetch": "0",
        "pad_to_multiple_of": "1",
        "batch_tokens": "0",
    }


@pytest.mark.processes
def test_a_setting_that_is_added_needs_no_other_line():
    """The seven places that listed the settings are read again from a `Settings` with one field more."""
    code = (
        "import dataclasses, joulemark.core.model as model\n"
        "added = ('clock', str, dataclasses.field(default='base', "
        "metadata={'meaning': 'x', 'values': ('base', 'boost'), 'synonyms': {}}))\n"
        "model.Settings = dataclasses.make_dataclass('Settings', [added], bases=(model.Settings,), frozen=True)\n"
        "from joulemark.config import option_help, saved_settings; from joulemark.core.errors import UserError\n"
        "from joulemark.core.task import Inputs; from joulemark.measure.draft import draft\n"
        "from joulemark.reporting import stored_entry; from joulemark.store import model_registry\n"
        "from tests.composed import built\n"
        "run = built('clock=boost')\n"
        "print(run.settings.clock, run.chosen['clock'], draft(run, Inputs()).settings.clock)\n"
        "print(saved_settings.settings(['clock=boost']), 'clock' in stored_entry.PARAMS, stored_entry.PLAIN['clock'])\n"
        "print('clock' in model_registry.PARAMS)\n"
        "print(*(option for option in option_help.options('run') if option.key == 'clock'))\n"
        "try: built('clock=bost')\n"
        "except UserError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "boost boost boost",
        "{'clock': 'boost'} True base",
        "True",
        "Option(key='clock', default='base', meaning='x')",
        "clock=bost does not exist; did you mean clock=boost? choose from: base, boost",
    ]


@pytest.mark.parametrize("name", choices("model"))
def test_every_model_says_which_attentions_it_leaves_to_choose(name):
    attentions = typed(Capabilities, model_files.node(name)["capabilities"], "capabilities").attentions
    assert attentions[0] == "auto"
    assert set(attentions) <= set(ALLOWED["attention"])
