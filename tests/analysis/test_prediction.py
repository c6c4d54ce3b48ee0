"""What an unmeasured model is predicted to cost: as far off as the error that was learnt says, not more certain."""

import random
from dataclasses import replace
from math import exp

import pytest

from joulemark.analysis import prediction
from joulemark.analysis.prediction import FEWEST, Lesson, predict
from joulemark.core.measurement import Work
from joulemark.core.model import Capabilities, Settings
from tests.analysis.test_diagnosis import H100, TEXT, run


def lessons(ratios, bounds=None, guess=1.0):
    """One model for each ratio of measured over lower bound, whose work was guessed too high by a factor."""
    return [
        Lesson(f"m{place}", bound, bound * guess, bound * ratio)
        for place, (ratio, bound) in enumerate(zip(ratios, bounds or [1.0] * len(ratios), strict=True))
    ]


def test_a_model_that_was_held_out_lies_in_its_interval_as_often_as_that_says():
    chance = random.Random(1)
    for models in (4, 6, 12):
        held = 0
        for _ in range(300):
            drawn = [3.0 * exp(chance.gauss(0.0, 0.3)) for _ in range(models + 1)]
            bounds = [exp(chance.uniform(-3.0, 3.0)) for _ in drawn]
            made = predict(bounds[0], lessons(drawn[1:], bounds[1:]))
            held += made.low <= drawn[0] * bounds[0] <= made.high
        assert held / 300 >= 0.92, models


def test_models_that_are_all_as_far_above_their_bound_predict_exactly():
    made = predict(2.0, lessons([3.0] * FEWEST, [0.1, 1.0, 10.0, 100.0]))
    assert (made.joules, made.low, made.high) == pytest.approx((6.0, 6.0, 6.0))
    assert (made.ratio, made.models, made.left_out) == (3.0, FEWEST, FEWEST)


def test_the_ratio_is_a_median_over_models_and_repeats_of_one_are_one_lesson():
    often = [replace(lesson, model="m0") for lesson in lessons([9.0] * 20)]
    made = predict(1.0, [*often, *lessons([2.0, 3.0, 4.0])[1:], *lessons([2.0] * 4)[3:]])
    assert made.models == 4
    assert made.ratio == pytest.approx(3.5)


def test_too_few_models_give_a_prediction_without_an_interval_and_none_gives_none():
    made = predict(1.0, lessons([2.0, 3.0, 4.0]))
    assert (made.joules, made.low, made.high, made.left_out) == (3.0, None, None, 3)
    assert predict(1.0, lessons([2.0])).left_out == 0
    assert predict(1.0, []) is None


def test_work_that_was_guessed_wrong_for_the_measured_models_widens_the_interval():
    ratios = [2.8, 2.9, 3.0, 3.1, 3.2]
    sure, unsure = predict(1.0, lessons(ratios)), predict(1.0, lessons(ratios, guess=2.0))
    assert sure.joules == unsure.joules
    assert unsure.error > 2 * sure.error
    unknown = [replace(lesson, expected_j=None) for lesson in lessons(ratios)]
    assert predict(1.0, unknown).error is None


def test_settings_of_one_class_differ_by_half_or_twice_the_batch_and_nothing_else():
    eight = Settings(batch_size=8)
    assert [prediction.same_class(Settings(batch_size=size), eight) for size in (3, 4, 16, 17)] == [
        False, True, True, False
    ]  # fmt: skip
    for change in ({"precision": "bf16"}, {"compile": True}, {"preprocessing": "fast"}, {"prefetch": 2}):
        assert not prediction.same_class(replace(eight, **change), eight)


@pytest.mark.parametrize(
    "change",
    [
        {"status": "failed"},
        {"flags": ("contaminated",)},
        {"flags": ("preliminary",)},
        {"settings": Settings(batch_size=5, precision="bf16")},
        {"task": "max_new_tokens"},
        {"measurement": "work"},
        {"scenario": "server"},
        {"engine": "continuous"},
    ],
)
def test_only_sound_runs_of_the_same_task_and_class_teach(change):
    record = run(400.0, 0.5, {"model": 1000.0}, "bf16", work=Work(1e12, 1e9))
    assert prediction.teaches(replace(record, flags=("not_converged",)), record)
    other = {
        "task": lambda: replace(record.task, max_new_tokens=7),
        "measurement": lambda: replace(record.measurement, work=None),
        "scenario": lambda: replace(record.scenario, name="server"),
        "engine": lambda: replace(record.engine, name="continuous"),
    }
    changed = {name: other[name]() if name in other else value for name, value in change.items()}
    assert not prediction.teaches(replace(record, **changed), record)


def test_what_a_run_teaches_is_priced_by_one_calibration_and_an_estimate_teaches_nothing():
    record = run(400.0, 0.5, {"model": 1000.0}, "bf16", work=Work(1e12, 1e9))
    taught = prediction.lessons([record], H100, {record.id: Work(2e12, 2e9)})
    (device,), (whole,) = taught["gpu"], taught["total"]
    assert device.measured_j == whole.measured_j == pytest.approx(400.0)
    assert device.expected_j == pytest.approx(2 * device.bound_j)
    assert prediction.lessons([record], H100, None)["gpu"][0].expected_j == pytest.approx(device.bound_j)
    assert prediction.lessons([record], H100, {})["gpu"][0].expected_j is None
    (window,) = record.measurement.windows
    guessed = replace(window, readings=(replace(window.readings[0], method={"gpu": "estimated"}),))
    estimated = replace(record, measurement=replace(record.measurement, windows=(guessed,)))
    assert prediction.lessons([estimated], H100, None) == {"gpu": [], "total": []}


def test_lengths_are_those_that_the_model_read_with_their_padding_and_unknown_ones_stay_unknown():
    rows = tuple(replace(TEXT, input_tokens=tokens, output_tokens=4) for tokens in (10, 30))
    record = run(400.0, 0.5, {}, batch=2, requests=rows, capabilities=Capabilities())
    assert prediction.lengths(record) == (30.0, 4.0)
    assert prediction.lengths(replace(record, settings=replace(record.settings, sort="length"))) == (20.0, 4.0)
    images = replace(record, requests=(replace(TEXT, input_tokens=None, output_tokens=None),))
    assert prediction.lengths(images) == (None, None)
