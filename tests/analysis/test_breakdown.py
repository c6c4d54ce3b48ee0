"""Where the energy of a request goes: parts that sum to what was measured, and nothing that was not."""

from dataclasses import replace

import pytest

from joulemark.analysis import breakdown, description, named_metrics, result_table
from joulemark.analysis.breakdown import BETWEEN, BEYOND, BOUND, MODEL, POSTPROCESSING, PREPROCESSING, REST, TRANSFERS
from joulemark.core.measurement import Reading, Work
from joulemark.store import run_page
from tests.analysis.test_diagnosis import run

# 5e12 FLOP in bf16: 1.02 pJ each above idle at 679 TFLOP/s
WORK = Work(flops=5e12, bytes_read=0.0)
PHASES = {"preprocessing": 100.0, "model": 700.0, "postprocessing": 50.0}


def made(phases=PHASES, watts=400.0, work=WORK, **settings):
    record = run(watts, 0.5, phases, "bf16", work=work)
    return replace(record, settings=replace(record.settings, **settings))


def beside(record, cpu_w, method="estimated"):
    """The record with a processor of these watts beside its GPU, in every window."""

    def with_cpu(window):
        reading = Reading("codecarbon", window.duration_s, cpu_j=cpu_w * window.duration_s, method={"cpu": method})
        return replace(window, readings=(*window.readings, reading))

    measured = record.measurement
    stages = tuple(replace(stage, window=with_cpu(stage.window)) for stage in measured.stages)
    windows = tuple(map(with_cpu, measured.windows))
    return replace(record, measurement=replace(measured, windows=windows, stages=stages))


@pytest.mark.parametrize(
    "record",
    [
        made(),
        beside(made(), 90.0),
        made({"preprocessing": 700.0, "model": 700.0}),
        made({"preprocessing": 900.0, "model": 900.0}, prefetch=2),
        made({}),
        made(work=None),
        beside(made({"preprocessing": 100.0, "prefill": 200.0, "transfers": 30.0, "decode": 400.0}), 50.0, "rapl"),
        made(work=Work(1e15, 0.0)),
    ],
)
def test_the_parts_sum_to_the_measured_energy_of_a_request(record):
    known = breakdown.of(record)
    assert known.total_j == pytest.approx(named_metrics.metrics(record)["energy/total_wh_per_1k"] * 3.6)
    assert sum(part.joules or 0.0 for part in known.parts) == pytest.approx(known.total_j)


def test_each_part_is_known_as_it_was_found():
    known = breakdown.of(beside(made(), 90.0))
    bound = named_metrics.lower_bound_of(made()).total_j
    assert known.joules(BOUND) == pytest.approx(bound)
    assert known.joules(BEYOND) == pytest.approx(280.0 - bound)
    assert known.joules(PREPROCESSING, POSTPROCESSING) == pytest.approx(60.0)
    assert known.joules(BETWEEN) == pytest.approx(60.0)
    evidence = {part.name: part.evidence for part in known.parts}
    assert evidence == {
        BOUND: "estimated", BEYOND: "measured", PREPROCESSING: "measured", TRANSFERS: "n/a", POSTPROCESSING: "measured",
        BETWEEN: "measured", "processor and memory": "estimated",
    }  # fmt: skip


def test_what_no_window_told_apart_is_none_not_zero():
    known = breakdown.of(made({"preprocessing": 300.0, "model": 700.0}))
    absent = {part.name: part.joules for part in known.parts if part.evidence == "n/a"}
    assert absent == {TRANSFERS: None, POSTPROCESSING: None}
    unmeasured = breakdown.of(made({}))
    assert unmeasured.joules(BEYOND, MODEL, PREPROCESSING, BETWEEN) is None
    assert unmeasured.joules(REST) == pytest.approx(400.0 - unmeasured.joules(BOUND))


def test_without_a_calibration_the_model_is_one_part_and_no_bound_is_made_up():
    record = made()
    known = breakdown.of(replace(record, environment=replace(record.environment, calibration=None)))
    assert known.joules(BOUND, BEYOND) is None
    assert known.joules(MODEL) == pytest.approx(280.0)
    assert not known.bounded


def test_stages_that_overlap_leave_less_than_nothing_between_them_and_it_is_said():
    overlapping = breakdown.of(made({"preprocessing": 900.0, "model": 900.0}, prefetch=2))
    assert overlapping.joules(BETWEEN) == pytest.approx(-320.0)
    assert "between stages -80% (stages overlap, or cost more alone)" in breakdown.text(overlapping)


def test_stages_that_contradict_the_whole_are_no_parts_of_it():
    assert breakdown.of(made({"preprocessing": 900.0, "model": 900.0})) is None
    assert breakdown.of(made({"model": 100.0}, prefetch=2)) is None
    assert breakdown.of(replace(made(), measurement=replace(made().measurement, windows=()))) is None


def test_a_stage_whose_energy_is_not_available_leaves_the_rest_in_one():
    record = made()
    *seen, last = record.measurement.stages
    blind = replace(last, window=replace(last.window, readings=()))
    known = breakdown.of(replace(record, measurement=replace(record.measurement, stages=(*seen, blind))))
    assert known.joules(BEYOND, MODEL, BETWEEN) is None
    assert known.joules(REST) is not None


def test_one_line_says_it_on_the_terminal_in_the_description_and_in_the_tag():
    record = beside(made(), 90.0)
    metrics = named_metrics.metrics(record)
    line = breakdown.text(breakdown.of(record))
    assert line.startswith("GPU: lower bound of the model's work 1% (estimated), model beyond it 56%, preprocessing 8%")
    assert line.endswith("between stages 12%; processor and memory 18% (estimated)")
    assert ("energy of a request, by part", "490 J", line) in result_table.rows(record, metrics)
    assert line in description.markdown(record, metrics)
    assert run_page.tags(record, metrics)[breakdown.TAG] == line


def test_a_run_without_a_lower_bound_has_no_line_of_parts():
    record = made(work=None)
    metrics = named_metrics.metrics(record)
    assert "energy of a request, by part" not in [what for what, _, _ in result_table.rows(record, metrics)]
    assert breakdown.TAG not in run_page.tags(record, metrics)
