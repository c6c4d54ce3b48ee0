"""The overrides of a sweep, through Hydra and conf/sweep, to its plan."""

from contextlib import contextmanager

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser

from joulemark.core.errors import UserError
from joulemark.core.paths import CONF
from joulemark.hardware import devices
from joulemark.hardware.gpus import Gpu
from joulemark.sweep import plan, workers
from joulemark.sweep.rates import request as rates
from joulemark.sweep.space import require_searchable

pytestmark = pytest.mark.processes

OWN_REQUEST = ("none", "serving")  # the second has options of its own (test_rates.py)
NAMES = sorted(path.stem for path in (CONF / "sweep").glob("*.yaml") if path.stem not in OWN_REQUEST)
FAST = ("model=embedded_classifier", "hardware=cpu", "protocol=smoke")
PLAIN = ("cache=dynamic", "compile=false")  # options of efficiency that are not searched


@contextmanager
def hydra():
    with initialize_config_dir(str(CONF), version_base="1.3"):
        yield


def read(tmp_path, *overrides, sweep="efficiency"):
    with hydra():
        parsed = OverridesParser.create().parse_overrides([f"sweep={sweep}", *overrides])
        plain = [override.input_line for override in parsed if not override.is_sweep_override()]
        config = compose("run", overrides=plain, return_hydra_config=True)
        return plan.read(config, parsed, tmp_path)


def refusal(tmp_path, *overrides, sweep="efficiency"):
    with pytest.raises(UserError) as error:
        read(tmp_path, *overrides, sweep=sweep)
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("name", NAMES)
def test_every_sweep_of_the_folder_can_begin_and_chooses_the_sweeper(name, tmp_path):
    request = read(tmp_path, *FAST, "batch_size=1,8", sweep=name)
    assert len(request.plan.space.points) > 1
    with hydra():
        config = compose("run", overrides=[f"sweep={name}"], return_hydra_config=True)
    assert "joulemark_sweeper" in config.hydra.sweeper._target_


def test_engine_and_rate_are_searched_under_the_limits_of_the_scenario_that_the_sweep_chooses(tmp_path):
    request = read(tmp_path, *FAST, "scenario.limits.ttft_s=0.7", sweep="served")
    keys = [dimension.key for dimension in request.plan.space.dimensions]
    require_searchable("engine.pages", (), ())
    assert "scenario.rate" in keys
    assert "scenario=server" in request.plan.full
    bounds = {constraint.metric: constraint.value for constraint in request.plan.goals.constraints}
    assert bounds["serving/ttft_p99_s"] == 0.7
    assert request.plan.goals.objectives[0].metric == "energy/j_per_output_token"
    assert "says what is asked" in refusal(tmp_path, *FAST, "scenario.timeout_s=1,2", sweep="served")


def rate_request(tmp_path, *overrides):
    with hydra():
        parsed = OverridesParser.create().parse_overrides(["sweep=serving", *overrides])
        plain = [override.input_line for override in parsed if not override.is_sweep_override()]
        config = compose("run", overrides=plain, return_hydra_config=True)
        return rates.read(config, parsed, tmp_path)


def test_the_search_for_a_rate_is_of_one_setting_and_its_line_is_the_same_for_more_processes(tmp_path):
    first, more = (rate_request(tmp_path, *FAST, f"repeats={count}") for count in (1, 3))
    assert first.name == more.name
    assert (first.repeats, more.repeats) == (1, 3)
    assert first.limits.ttft_s == 2.0
    assert first.overrides(0) == ("scenario=server", *FAST, "scenario.rate=1", f"sweep_id={first.name}")
    assert rate_request(tmp_path, *FAST, "scenario=interactive").limits.ttft_s == 0.5


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (("scenario.rate=3",), "sweep.start=3"),
        (("model=embedded_classifier,embedded",), "give it one value"),
        (("scenario=offline",), "has no rate to search"),
        (("scenario=batch",), "has no rate to search"),
        (("scenario.limits.ttft_s=null", "scenario.limits.tpot_s=null"), "needs a limit"),
        (("sweep.resolution=0",), "sweep.resolution=0"),
        (("sweep.start=5", "sweep.most=2"), "sweep.start=5"),
    ],
)
def test_a_search_for_a_rate_that_cannot_be_is_refused_in_one_line(tmp_path, overrides, message):
    with pytest.raises(UserError) as error:
        rate_request(tmp_path, *FAST, *overrides)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


FEEDS = (
    *("preprocessing", "preprocessing_workers", "prefetch", "compile", "cache"),
    *("pad_to_multiple_of", "sort", "batch_tokens"),
)


def test_the_second_stage_may_change_what_is_neither_typed_nor_searched(tmp_path):
    standard = ("model=embedded_classifier", "hardware=cpu", "samples=64")
    whole = read(tmp_path, *standard, "batch_size=8,32").plan
    assert whole.feeding.keys == FEEDS
    # the screening's protocol measures no stages, and these tell what each option may remove
    assert whole.feeding.overrides == (*whole.screening, "protocol.stage_s=0.5")
    assert not any(override.startswith("protocol.stage_s") for override in whole.full)
    typed = read(tmp_path, *standard, "batch_size=8,32", "prefetch=0", "sort=none,length").plan
    assert typed.feeding.keys == tuple(key for key in FEEDS if key not in ("prefetch", "sort"))
    assert [dimension.key for dimension in typed.space.dimensions] == ["batch_size", "precision", "sort"]
    assert read(tmp_path, *standard, "batch_size=8,32", "sweep.feeding=[]").plan.feeding is None
    assert "sweep.feeding=prefetc does not exist" in refusal(tmp_path, *standard, "sweep.feeding=[prefetc]")


def test_a_run_that_can_carry_no_option_has_no_second_stage(tmp_path):
    painter = read(
        tmp_path, "model=embedded_painter", "task=image_generation", "hardware=cpu", "samples=8", sweep="image"
    )
    assert painter.plan.feeding is None


def test_a_run_that_is_a_screening_itself_measures_stages_and_shares_processes(tmp_path):
    request = read(tmp_path, "model=embedded_classifier", "hardware=cpu", "protocol=screening", "batch_size=8,32")
    assert request.plan.screening is None
    assert request.plan.full == request.plan.feeding.overrides
    assert "protocol.stage_s=0.5" in request.plan.full
    assert request.plan.preliminary
    assert request.shared_process


def test_full_measurements_of_the_search_are_shorter_than_the_protocol_that_its_command_has(tmp_path):
    own = ("model=embedded_classifier", "hardware=cpu", "samples=64", "batch_size=8,32")
    plan = read(tmp_path, *own).plan
    assert plan.finals == ("protocol.window_s=5.0", "protocol.stage_s=1.0")
    assert plan.finals_of_reference == ("protocol.ci95_rel=0.05",)
    assert plan.overrides("full", plan.space.points[1]) == (*plan.full, *plan.finals)
    assert plan.overrides("full", plan.reference) == (*plan.full, *plan.finals, *plan.finals_of_reference)
    assert not any(override.startswith("protocol.") for override in plan.full)
    typed = read(tmp_path, *own, "protocol.window_s=20", "protocol.ci95_rel=0.01").plan
    assert (typed.finals, typed.finals_of_reference) == (("protocol.stage_s=1.0",), ())
    assert "sweep.finals=wndow_s does not exist" in refusal(tmp_path, *own, "+sweep.finals.wndow_s=1")


def test_a_list_of_overrides_replaces_a_dimension_and_a_single_override_fixes_it(tmp_path):
    request = read(tmp_path, *FAST, "batch_size=1,3", "precision=bf16")
    assert [(dimension.key, dimension.values) for dimension in request.plan.space.dimensions] == [
        ("batch_size", ("1", "3"))
    ]
    assert "precision=bf16" in request.plan.full
    assert request.plan.reference == ("batch_size=1", "precision=fp32")  # the study's setting all the same


def test_a_reference_that_the_fixed_overrides_hold_is_a_point_of_the_space(tmp_path):
    request = read(tmp_path, *FAST, "batch_size=1,3", "precision=fp32")
    assert request.plan.reference in request.plan.space.points


def test_the_overrides_of_the_sweep_are_not_those_of_its_runs(tmp_path):
    request = read(
        tmp_path, *FAST, "batch_size=1,8", "sweep.seed=3", "+sweep.constraints.p99_s.max=1", "storage=sqlite:///x.db"
    )
    assert request.plan.full[:3] == FAST
    assert not any(override.startswith(("sweep=", "sweep.", "storage", "+")) for override in request.plan.full)
    assert request.storage == "sqlite:///x.db"
    assert request.plan.seed == 3


def test_what_the_device_cannot_is_excluded_with_its_reason(tmp_path):
    request = read(tmp_path, *FAST, *PLAIN, "batch_size=1,8", "precision=fp32,tf32")
    (line,) = request.plan.space.excluded
    assert line.overrides == ("precision=tf32",)
    assert "not supported by this cpu" in line.reason
    assert "nothing is left" in refusal(tmp_path, *FAST, "precision=tf32,int9")


def test_a_model_that_cannot_pad_keeps_to_batches_of_one(tmp_path, monkeypatch):
    model = ("model=bloom_560m", "+model.capabilities.pads=false")
    overrides = (*model, "task=text_generation", "hardware=cpu", "protocol=smoke")
    request = read(tmp_path, *overrides, *PLAIN, "batch_size=1,8,16", "precision=fp32")
    assert request.plan.space.points == (("batch_size=1",),)
    assert all("padded" in line.reason for line in request.plan.space.excluded)


def test_models_are_a_dimension_whose_first_is_the_reference(tmp_path):
    request = read(
        tmp_path, "model=embedded_classifier,embedded", *FAST[1:], *PLAIN, "batch_size=1,8", "precision=fp32"
    )
    keys = [dimension.key for dimension in request.plan.space.dimensions]
    assert keys == ["batch_size", "model"]
    assert len(request.plan.space.points) == 4
    assert "model=embedded_classifier" in request.plan.reference


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (("task=text_classification,summarization",), "task cannot be searched"),
        (("protocol=smoke,demo",), "protocol cannot be searched"),
        (("sweep.objectives=[]",), "is empty"),
        (("sweep.objectives=[quality/acuracy]",), "did you mean sweep.objectives=quality/accuracy"),
        (("sweep.budget.trials=0",), "sweep.budget.trials=0"),
        (("sweep.budget.wh=-1",), "sweep.budget.wh=-1"),
        (("sweep.budget.trials=few",), "sweep.budget.trials=few"),
        (("sweep.finalists=0",), "sweep.finalists=0"),
        (("sweep.workers=0",), "sweep.workers=0: must be 1 or more, or auto"),
        (("sweep.workers=two",), "sweep.workers=two: must be 1 or more, or auto"),
        (("sweep.workers=2", "storage=sqlite:///x.db"), "sqlite holds one worker"),
        (("sweep.busy=wiat",), "did you mean sweep.busy=wait"),
        (("shared_host=true,false",), "shared_host cannot be searched"),
        (("sweep.space.batch_size=8",), "a list of values"),
        (("sweep.space.batch_size=[]",), "has no values"),
        (("sweep.space.batch_size=[8,8]",), "twice"),
        (("+sweep.space.batch_sise=[8]",), "did you mean sweep.space=batch_size"),
        (("sweep.constraints.quality.loss_rel=1",), "a share"),
        (("sweep.screening=screning",), "did you mean protocol=screening"),
        (("+sweep.spaces={}",), "sweep.spaces=… does not exist"),
    ],
)
def test_what_is_no_valid_sweep_is_refused_in_one_line(overrides, message, tmp_path):
    base = [
        override
        for override in FAST
        if override.partition("=")[0] not in {typed.partition("=")[0] for typed in overrides}
    ]
    assert message in refusal(tmp_path, *base, *overrides)


RANDOM = ("model=gpt2", "model.weights=random", "task=text_generation", "hardware=cpu", "protocol=smoke")


def test_random_weights_drop_the_constraint_of_the_file_and_refuse_a_typed_one(tmp_path):
    request = read(tmp_path, *RANDOM, "batch_size=1,8", "precision=fp32")
    assert not any(metric.startswith("quality") for metric in request.plan.goals.metrics)
    assert any("random weights" in note for note in request.notes)
    for overrides in ("sweep.constraints.quality.loss_rel=0.1", "sweep.objectives=[energy,quality]"):
        assert "random weights" in refusal(tmp_path, *RANDOM, "batch_size=1,8", overrides)


def test_screening_keeps_the_inputs_and_changes_the_protocol_alone(tmp_path):
    overrides = ("model=embedded_classifier", "hardware=cpu", "batch_size=1,8", "protocol.window_s=20")
    request = read(tmp_path, *overrides)
    assert request.plan.screening is not None
    assert "protocol=screening" in request.plan.screening
    assert "samples=1000" in request.plan.screening
    assert not any(override.startswith("protocol.") for override in request.plan.screening)
    assert "protocol.window_s=20" in request.plan.full
    assert read(tmp_path, *FAST, "samples=50", "batch_size=1,8").plan.screening is None  # smoke is as short


def test_the_same_line_is_the_same_study_and_another_line_another(tmp_path):
    overrides = (*FAST, "batch_size=1,8", "sweep.space.precision=[fp32]")
    name = read(tmp_path, *overrides).name
    assert read(tmp_path, *reversed(overrides)).name == name
    for same in ("sweep.budget.trials=9", "tracking_uri=sqlite:///x.db", "storage=sqlite:///y.db", "sweep.finalists=2"):
        assert read(tmp_path, *overrides, same).name == name
    for changes in (
        "samples=9",
        "sweep.seed=1",
        "sweep.constraints.p95.max=1",
        "sweep.objectives=[p95]",
        "precision=fp32",
    ):
        assert read(tmp_path, *overrides, changes).name != name


def test_what_changes_outputs_is_searched_only_where_quality_is_a_goal(tmp_path):
    overrides = (
        "model=embedded_classifier",
        "hardware=cpu",
        "protocol=smoke",
        "sweep.allow_task_options=[task.max_new_tokens]",
    )
    assert read(tmp_path, *overrides, "task.max_new_tokens=2,4", "batch_size=1", "precision=fp32")
    line = refusal(tmp_path, *overrides, "task.max_new_tokens=2,4", "sweep.constraints.quality.loss_rel=null")
    assert "changes the task's outputs" in line


CARDS = [Gpu(n, f"GPU-{n}", "NVIDIA H100 80GB HBM3", (9, 0), 700.0) for n in (0, 1)]


@pytest.mark.parametrize("overrides", [("storage=postgresql+psycopg://host/db",), ("sweep.worker=1",)])
def test_workers_on_cards_of_one_product_share_a_study_and_a_line_alone_keeps_to_its_card(
    tmp_path, monkeypatch, overrides
):
    line = ("model=embedded_classifier", "hardware=cuda", "protocol=smoke", "batch_size=1,8", "precision=fp32")
    monkeypatch.setattr(devices, "gpu_state", lambda device: {})
    names = {False: set(), True: set()}
    for card in CARDS:
        monkeypatch.setattr(devices, "nvidia_gpus", lambda card=card: [card])
        names[False].add(read(tmp_path, *line).name)
        together = read(tmp_path, *line, *overrides)
        names[True].add(together.name)
        assert together.card == card.uuid
    assert len(names[False]) == 2
    assert len(names[True]) == 1
    monkeypatch.setattr(devices, "nvidia_gpus", lambda: CARDS)
    monkeypatch.setattr(workers, "nvidia_gpus", lambda: CARDS)
    request = read(tmp_path, *line, "sweep.workers=auto")
    assert {request.name} == names[True]
    assert [environment["CUDA_VISIBLE_DEVICES"] for environment in request.workers] == ["GPU-0", "GPU-1"]


def test_who_measures_is_no_part_of_a_studys_name_and_a_workers_line_is_the_parents(tmp_path):
    overrides = (*FAST, "batch_size=1,8", "precision=fp32")
    request = read(tmp_path, *overrides, "sweep.workers=2")
    own = [
        override
        for override in workers.overrides_of(request.overrides, 2, shared=True)
        if not override.startswith("sweep=")
    ]
    of_worker = read(tmp_path, *own)
    assert (of_worker.name, of_worker.worker, of_worker.workers) == (request.name, 2, ({},))
    assert any(override.lower() == "shared_host=true" for override in of_worker.plan.full)
    assert not any("shared" in override for override in request.plan.full)
    for same in ("sweep.busy=wait", "sweep.workers=3"):
        assert read(tmp_path, *overrides, same).name == request.name


PAINTER = ("model=embedded_painter", "task=image_generation", "hardware=cpu", "protocol=smoke")


def test_steps_are_searched_beside_the_pipelines_own_and_only_then_reported(tmp_path):
    request = read(tmp_path, *PAINTER, "precision=fp32", sweep="image")
    assert request.plan.reference == ("batch_size=1",)
    assert request.plan.reference in request.plan.space.points
    assert request.task_options == ()
    request = read(tmp_path, *PAINTER, "precision=fp32", "task.steps=2,4", sweep="image")
    assert set(request.plan.reference) == {"batch_size=1", "task.steps=null"}
    assert request.task_options == ("task.steps",)
    assert {point[1] for point in request.plan.space.points} == {"task.steps=2", "task.steps=4"}
    fixed = read(tmp_path, *PAINTER, "precision=fp32", "task.steps=2", sweep="image")
    assert "task.steps=2" in fixed.plan.full
    assert fixed.plan.reference == ("batch_size=1",)
    line = refusal(tmp_path, *PAINTER, "task.steps=2,4", "sweep.constraints.quality.loss_rel=null", sweep="image")
    assert "task.steps changes the task's outputs" in line


def test_a_typed_value_that_is_invalid_is_excluded_of_a_list_and_refused_alone(tmp_path):
    request = read(tmp_path, *FAST, *PLAIN, "batch_size=1,8", "precision=fp32,fp8")
    assert {point[1] for point in request.plan.space.points} == {"precision=fp32"}
    (line,) = [str(excluded) for excluded in request.plan.space.excluded]
    assert line.startswith("excluded: precision=fp8 (2 points): precision=fp8 is not supported by this cpu")
    assert "precision=fp8 is not supported by this cpu" in refusal(tmp_path, *FAST, "batch_size=1,8", "precision=fp8")
    assert "nothing is left to search: precision=fp8 is not" in refusal(
        tmp_path, *FAST, "batch_size=1,8", "precision=fp8,fp9"
    )


def test_graphs_are_excluded_of_a_deep_sweep_where_there_is_no_card(tmp_path):
    request = read(tmp_path, *FAST, "batch_size=1,8", "precision=fp32", sweep="deep")
    assert any(excluded.overrides == ("compile=graphs",) for excluded in request.plan.space.excluded)
