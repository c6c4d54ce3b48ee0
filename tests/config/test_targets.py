"""Code is named by a file of the program's or the user's conf/ alone, and is a class of what it is chosen for."""

import sys

import pytest

from joulemark.config import model_files, sensors, targets, typed_options
from joulemark.core.errors import UserError
from tests.composed import built

CALLED = []


def called(*_, **__):
    CALLED.append("called")


class Outsider:
    def __init__(self, **_):
        called()


@pytest.fixture(autouse=True)
def nothing_called():
    CALLED.clear()
    yield
    assert not CALLED


@pytest.mark.parametrize(
    "override",
    [
        f"meter.sensors=[{{_target_: {__name__}.called}}]",
        f"meter.sensors=[{{'_target_': {__name__}.called}}]",
        f"++meter.path={{_target_: {__name__}.called}}",
        f"model._target_={__name__}.Outsider",
        f"++task._target_={__name__}.Outsider",
        f"+hydra.callbacks.x={{_target_: {__name__}.Outsider}}",
        f"hydra.launcher._target_={__name__}.Outsider",
        "hydra.searchpath=[file:///tmp]",
        "hydra/job_logging=default",
        "++hydra.job_logging.handlers=1",
        "hydra.job.env_set={LD_PRELOAD: /tmp/x.so}",
        "model=../../../tmp/planted",
        "model=gpt2,../../../tmp/planted",
        "meter@meter.x='../planted'",
        "+hydra/launcher=../../planted",
    ],
)
def test_an_option_names_no_code_and_reaches_no_folder(override):
    with pytest.raises(UserError) as refused:
        built(override)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "override",
    ["task.path=../rows.csv", "out=../report", "tracking_uri=sqlite:///../x.db", "hydra/launcher=slurm", "model=a/b",
     "hydra.launcher.partition=gpu", "hydra.sweep.dir=../x", "task.prompt='… and so on'",
     "hydra.sweeper.max_batch_size=1"],
)  # fmt: skip
def test_an_option_sets_values_as_before(override):
    typed_options.check([override])


@pytest.mark.parametrize(
    "override", ["~batch_size=null", "~model.checkpoint", "~task.dataset=x", "~early_stop_against"]
)
def test_what_a_run_needs_cannot_be_taken_away(override):
    key = override.lstrip("~").partition("=")[0]
    with pytest.raises(UserError, match=key.replace(".", r"\.")) as refused:
        built(override)
    assert "\n" not in str(refused.value)


def test_a_dimension_of_a_sweep_can_be_taken_away():
    typed_options.check(["~sweep.space.compile", "~tuned"])


@pytest.mark.parametrize("override", ["=null", "+=1", "~=x", "="])
def test_an_option_without_a_key_is_one_line(override):
    with pytest.raises(UserError, match="is not key=value"):
        typed_options.check([override])


def test_what_an_interpolation_makes_is_no_way_round(monkeypatch):
    monkeypatch.setenv("PLANTED", f"[{{_target_: {__name__}.called}}]")
    with pytest.raises(UserError, match="a class is named in a YAML of conf/meter"):
        built('meter.sensors="${oc.decode:${oc.env:PLANTED}}"')


@pytest.mark.parametrize(
    ("kind", "target"),
    [
        ("meter", "joulemark.config.saved_settings.write"),
        ("meter", "joulemark.meters.nvml.os.system"),
        ("meter", "joulemark.meters.trace.subprocess.Popen"),
        ("meter", "joulemark.meters.nvml.UserError"),
        ("model", "joulemark.meters.nvml.Nvml"),
        ("task", "joulemark.models.causal_lm.CausalLM"),
        ("task", "joulemark.tasks.summarization.Scores"),
        ("task", ["joulemark.tasks.summarization.Summarization"]),
    ],
)
def test_a_target_is_a_class_of_its_own_kind(kind, target):
    with pytest.raises(UserError, match=f"{kind}._target_="):
        targets.class_of({"_target_": target}, kind)


def test_a_module_that_no_yaml_names_is_not_even_imported(tmp_path, monkeypatch):
    (tmp_path / "planted_module.py").write_text("raise SystemExit('imported')")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(UserError):
        targets.class_of({"_target_": "planted_module.Anything"}, "model")
    assert "planted_module" not in sys.modules


def test_a_parameter_of_a_meter_is_a_value_however_it_is_written():
    node = {"_target_": "joulemark.meters.wall.Wall", "path": {"_target_": f"{__name__}.called"}}
    (meter,) = sensors.meters_of([node])
    assert meter.path == node["path"]
    with pytest.raises(UserError, match="_args_"):
        sensors.meters_of([{**node, "_args_": [1]}])


def test_no_name_of_an_architecture_leads_out_of_its_folder():
    assert model_files.exists("architecture/mamba")
    assert not model_files.exists("architecture/../../model/bloomz")
