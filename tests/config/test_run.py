"""Every YAML of every group composes and builds; what cannot be is refused in one sentence."""

from dataclasses import fields
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from joulemark.cli.run import _params
from joulemark.core.coerce import typed
from joulemark.core.errors import UserError
from joulemark.core.paths import CONF
from joulemark.core.record_json import to_json
from joulemark.core.task import Inputs
from joulemark.hardware import devices, gpus
from joulemark.measure.draft import draft
from joulemark.sweep import grid
from tests.composed import built, node, pieced, tasks_of


def choices(group):
    names = sorted(path.stem for path in (CONF / group).glob("*.yaml"))
    return [name for name in names if (group, name) != ("model", "hub")]  # its checkpoint is typed


@pytest.fixture(autouse=True)
def no_cards(monkeypatch):
    monkeypatch.setattr(devices, "nvidia_gpus", list)


H100 = devices.Gpu(0, "GPU-1", "NVIDIA H100 80GB HBM3", (9, 0), 700.0)


@pytest.mark.processes
@pytest.mark.parametrize("name", choices("model"))
def test_every_model_builds_for_every_task_it_says_it_can_do(name):
    assert tasks_of(name)
    for task in tasks_of(name):
        assert pieced(name, task).task.name == task


def compose_only(name, *overrides):
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose(name, overrides=list(overrides))


@pytest.mark.parametrize("value", ["nowhere", "task", "samples.x", "."])
def test_a_reference_that_leads_to_no_value_is_refused_in_one_line(value):
    with pytest.raises(UserError) as error:
        built(f"attention=${{{value}}}")
    assert "\n" not in str(error.value)


def test_a_reference_is_followed_in_the_values_and_repeated_as_it_was_typed():
    run = built("samples=60", "batch_size=${samples}")
    assert (run.settings.batch_size, run.command.endswith("'batch_size=${samples}' samples=60")) == (60, True)


@pytest.mark.parametrize(
    ("overrides", "pieces"),
    [
        (["model=bloomz", "model.size=7b1", "task=summarization", "task.dataset=xsum"],
         ("bloomz", "summarization", "7b1", "xsum")),
        (["model=whisper", "task=speech_recognition"], ("whisper", "speech_recognition")),
        (["model=sdxl", "task=image_generation"], ("sdxl", "image_generation")),
    ],
)  # fmt: skip
def test_a_run_pieced_together_of_its_choices_is_the_run_that_the_command_composes(overrides, pieces):
    at_once, pieced_run = built(*overrides), pieced(*pieces)
    for attribute in fields(at_once):
        if attribute.name not in ("meters", "command"):  # made anew by each; the options as they were typed
            assert getattr(at_once, attribute.name) == getattr(pieced_run, attribute.name), attribute.name


@pytest.mark.processes
@pytest.mark.parametrize("name", choices("model"))
def test_every_size_of_a_model_builds_with_its_own_checkpoint(name):
    found_in = node("model", name)
    sizes = list(found_in.get("sizes") or {})
    ids = {pieced(name, tasks_of(name)[0], size).model.checkpoint.id for size in sizes}
    assert len(ids) == len(sizes)


def able(task):
    """A model of conf/ that can do the task."""
    return next(name for name in choices("model") if task in tasks_of(name))


@pytest.mark.processes
@pytest.mark.parametrize("name", choices("task"))
def test_every_task_has_its_own_module_name_and_every_dataset_builds(name):
    assert Path(CONF.parent, "src", "joulemark", "tasks", f"{name}.py").is_file()
    for dataset in node("task", name).datasets:
        if dataset != "file":
            assert pieced(able(name), name, dataset=dataset).dataset.name == dataset


@pytest.mark.processes
@pytest.mark.parametrize(
    ("group", "name"), [(g, n) for g in ("hardware", "meter", "protocol", "site") for n in choices(g)]
)
def test_every_other_choice_builds(group, name, monkeypatch):
    card = {"a100": "NVIDIA A100-SXM4-80GB", "rtx4090": "NVIDIA GeForce RTX 4090", "h200": "NVIDIA H200"}.get(
        name, H100.name
    )
    if name not in ("auto", "cpu", "laptop"):
        monkeypatch.setattr(devices, "nvidia_gpus", lambda: [devices.Gpu(0, "GPU-1", card, (9, 0), 700.0)])
    monkeypatch.setattr(devices, "amd_gpus", lambda: [devices.Gpu(0, "uuid-a", "AMD Instinct MI300X", None, None)])
    if name == "mac":
        monkeypatch.setattr("platform.system", lambda: "Darwin")
        monkeypatch.setattr("platform.machine", lambda: "arm64")
    overrides = ["meter=nvml"] if name == "ai_energy_score" else []
    assert built(f"{group}={name}", *overrides).names[group] == name


def test_without_options_the_embedded_default_runs():
    run = built()
    assert run.model.checkpoint.weights == "embedded"
    assert run.dataset.name == "embedded"
    assert (run.settings.batch_size, run.settings.precision, run.samples, run.seed) == (1, "fp32", 1000, 0)


def test_the_dataset_follows_the_weights_unless_it_is_named():
    assert built("model=bloomz", "task=summarization").dataset.id == "abisee/cnn_dailymail"
    assert built("model=bloomz", "task=summarization", "model.weights=random").dataset.name == "embedded"
    named = built("model=bloomz", "task=summarization", "task.dataset=xsum", "model.weights=random")
    assert named.dataset.id == "EdinburghNLP/xsum"


def test_an_option_of_the_task_that_is_typed_wins_over_what_its_dataset_sets():
    words = ["model=gpt2", "task=text_generation", "task.dataset=wikitext"]
    assert built(*words).task.prompt_words == 20
    assert built(*words, "task.prompt_words=7").task.prompt_words == 7


def test_a_size_brings_its_own_checkpoint_and_shape():
    run = built("model=bloomz", "model.size=7b1", "task=summarization")
    assert run.model.checkpoint.id == "bigscience/bloomz-7b1"
    assert run.model.checkpoint.shape["n_layer"] == 30
    assert run.label == "bloomz-7b1"


def test_the_chosen_leaves_are_flat_and_hold_no_road_not_taken():
    chosen = built("model=bloomz", "task=summarization", "batch_size=8").chosen
    assert chosen["batch_size"] == 8
    assert chosen["model.checkpoint"] == "bigscience/bloomz-560m"
    assert chosen["task.dataset"] == "cnn_dailymail"
    assert chosen["model"] == "bloomz"
    assert not [key for key in chosen if key.startswith(("model.sizes", "task.datasets"))]


SECRET = "postgresql+psycopg://me:secret@db.example/runs"


@pytest.mark.parametrize(
    ("overrides", "elsewhere"),
    [([f"tracking_uri={SECRET}"], "sqlite:////a.db"), ([f"++tracking_uri={SECRET}"], "sqlite:////a.db"), ([], SECRET)],
)
def test_a_password_in_the_uri_reaches_no_part_of_the_run(overrides, elsewhere, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", elsewhere)
    run = built(*overrides)
    assert run.tracking_uri == SECRET  # by which the store is opened
    assert run.config["tracking_uri"] == run.chosen["tracking_uri"] == "postgresql+psycopg://db.example/runs"
    record = draft(run, Inputs(()))
    assert "secret" not in str((run.config, run.chosen, run.command, record, _params(run), to_json(record)))


def test_where_a_sweep_keeps_its_study_is_no_part_of_its_runs():
    run = built(f"storage={SECRET}")
    record = draft(run, Inputs(()))
    for kept in (run.config, run.chosen, record.config, _params(run)):
        assert "storage" not in kept
        assert "secret" not in str(kept)


def test_a_zone_brings_its_factor_and_a_given_factor_wins():
    assert built("site.zone=FRA").site.g_per_kwh == pytest.approx(56.039)
    assert built("site.zone=FRA", "site.g_per_kwh=10").site.g_per_kwh == 10
    assert built().site.g_per_kwh is None


def test_a_files_columns_are_named_by_options(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("review,stars\nfine film,positive\n")
    run = built(
        "task.dataset=file", f"task.path={path}", "task.fields.text=review", "task.fields.label=stars", "samples=1"
    )
    assert [(s.input, s.target) for s in run.task.samples(1, 0).samples] == [("fine film", "positive")]


@pytest.mark.parametrize(
    ("overrides", "says"),
    [
        (["model=distilbert_sst2", "task=summarization"], "has text in and text out; it does: text_classification"),
        (["model=bloomz", "model.size=7b"], r"model\.size=7b does not exist; did you mean model\.size=7b1\?"),
        (["model=gpt2", "model.size=xl"], r"model=gpt2 comes in one size"),
        (["precision=tf32"], "precision=tf32 is not supported by this cpu; choose from: .*fp32"),
        (["precision=f16"], "did you mean precision=fp16"),
        (["hardware=cuda"], "hardware=cuda needs an NVIDIA GPU and this machine shows none; type hardware=cpu"),
        (["hardware=h100"], "this machine shows none"),
        (["site.zone=FRANC"], r"did you mean site\.zone=FRA \(France\)"),
        (["batch_size=0"], "batch_size=0: must be 1 or more"),
        (["sort=lenght"], "sort=lenght does not exist; did you mean sort=length"),
        (["samples=-3"], "samples=-3: must be 1 or more"),
        (["protocol.idle_parts=0"], r"protocol\.idle_parts=0: must be 1 or more; no baseline is protocol\.idle_s=0"),
        (["protocol.window_s=-1"], r"protocol\.window_s=-1: must be 0 or more"),
        (["protocol.warmup_max_s=nan"], r"protocol\.warmup_max_s=nan: must be 0 or more, and finite"),
        (["protocol.idle_s=inf"], r"protocol\.idle_s=inf: must be 0 or more, and finite"),
        (["protocol.converge_batches=0"], r"protocol\.converge_batches=0: must be 1 or more"),
        (["protocol.stage_requests=0"], r"protocol\.stage_requests=0: must be 1 or more"),
        (["protocol.stall_s=0"], r"protocol\.stall_s=0: every run would end at once"),
        (["protocol.max_windows=2"], r"protocol\.min_windows=3 is more than protocol\.max_windows=2; type both"),
        (["protocol.window_s=long"], r"protocol\.window_s=long is not a number"),
        (["model.weights=nowhere"], r"choose from: embedded, hub, none, random, or an existing folder"),
        (["task.dataset=sst"], r"did you mean task\.dataset=sst2"),
        (["task.dataset=file"], "task.dataset=file and task.path=FILE go together"),
        (["task.path=x.csv"], "go together"),
        (["model=gpt2", "model.weights=embedded", "task=text_generation"], "does not ship with Joulemark"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_in_one_sentence(overrides, says):
    with pytest.raises(UserError, match=says) as refused:
        built(*overrides)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("overrides", "says"),
    [
        (["protocol=study", "precision=bf16", "batch_size=8"], "only with batch_size=1 precision=fp32; type that"),
        (["protocol=ai_energy_score"], "only with meter=nvml"),
        (["protocol=ai_energy_score", "meter=nvml", "precision=fp16"], "only with precision=fp32"),
        (
            ["protocol=ai_energy_score", "meter=nvml", "model=gpt2", "task=text_generation", "task.max_new_tokens=9"],
            "for task=text_generation only with precision=fp16 task.max_new_tokens=10",
        ),
    ],
)  # fmt: skip
def test_a_protocol_refuses_options_under_which_its_figures_would_not_compare(overrides, says):
    with pytest.raises(UserError, match=says):
        built(*overrides)


def test_what_a_protocol_requires_can_be_had_and_is_no_param_of_the_run(monkeypatch):
    monkeypatch.setattr(devices, "nvidia_gpus", lambda: [H100])
    overrides = ["protocol=ai_energy_score", "meter=nvml", "model=gpt2", "task=text_generation", "precision=fp16"]
    assert built(*overrides).settings.precision == "fp16"
    assert not [key for key in built(*overrides).chosen if "requires" in key]
    for name in choices("protocol"):
        for wanted in (compose_only("run", f"protocol={name}").protocol.get("requires") or {}).values():
            assert set(wanted) <= set(built(*overrides).chosen)


def test_a_model_that_ignores_the_attention_mask_runs_with_batches_of_one():
    with pytest.raises(
        UserError, match="model=rwkv ignores the attention mask, so padded batches change its predictions"
    ):
        built("model=rwkv", "task=summarization", "batch_size=2")
    assert built("model=rwkv", "task=summarization").settings.batch_size == 1
    assert built("model=rwkv", "task=summarization", "batch_size=2", "model.weights=random").settings.batch_size == 2


@pytest.mark.processes
@pytest.mark.parametrize("suite", choices("suite"))
def test_every_cell_of_a_suite_is_a_run_that_builds(suite, monkeypatch):
    monkeypatch.setattr(devices, "nvidia_gpus", lambda: [H100])
    cells = OmegaConf.to_container(OmegaConf.load(CONF / "suite" / f"{suite}.yaml"))
    every = grid.jobs(typed(grid.Suite, cells, "suite"), (), (), ())
    first = {job.task: job for job in reversed(every)}
    assert len(every) == len({job.command for job in every})
    for job in first.values():
        assert built(*job.overrides).task.name == job.task


def test_a_name_for_one_card_is_not_used_for_another(monkeypatch):
    monkeypatch.setattr(devices, "nvidia_gpus", lambda: [H100])
    with pytest.raises(UserError, match="hardware=a100 is for a A100, GPU 0 is 'NVIDIA H100"):
        built("hardware=a100")
    assert built("hardware=h100").hardware.uuid == "GPU-1"


def test_a_card_does_the_precisions_of_its_generation():
    assert devices.cuda_precisions((9, 0)) == ("fp32", "tf32", "bf16", "fp16", "int8", "int4", "fp8")
    assert devices.cuda_precisions((8, 9)) == devices.cuda_precisions((9, 0))
    assert devices.cuda_precisions((8, 0)) == ("fp32", "tf32", "bf16", "fp16", "int8", "int4")
    assert devices.cuda_precisions((7, 5)) == ("fp32", "fp16")


def test_hidden_cards_are_not_counted(monkeypatch):
    four = [devices.Gpu(i, f"GPU-{i}abc", "X", (9, 0), None) for i in range(4)]
    assert [card.index for card in gpus._visible(four, "2,0")] == [2, 0]
    assert [card.index for card in gpus._visible(four, "GPU-3abc")] == [3]
    assert gpus._visible(four, "") == []


def test_a_sweeps_screening_and_a_trial_of_the_set_up_are_preliminary():
    assert [built(f"protocol={name}").procedure.preliminary for name in ("screening", "smoke", "demo", "standard")] == [
        True, True, False, False,
    ]  # fmt: skip
