"""The study's raw data: what its files are of, and its tables to the printed digit."""

import csv

import pytest

from joulemark.analysis.external import external_run, formats, study_names, study_tables
from joulemark.analysis.external.result import ExternalResult
from joulemark.core.units import J_PER_KWH
from tests.paths import SHARED

FOLDER = SHARED / "data" / "study"
needs_data = pytest.mark.skipif(not (FOLDER / "models.csv").is_file(), reason="the study's raw data is not here")


@pytest.fixture(scope="module")
def results():
    return formats.read([FOLDER]).results


def rows(name):
    with (FOLDER / name).open(newline="") as file:
        return list(csv.DictReader(file))


@needs_data
def test_all_4170_rows_and_417_means_are_read(results):
    kinds = [result.facts["kind"] for result in results]
    assert (kinds.count("row"), kinds.count("mean")) == (4170, 417)
    assert len({result.digest for result in results}) == 4587
    assert all(result.boundary.startswith("eight A100s counted, seven of them idle") for result in results)


@needs_data
def test_each_row_falls_to_the_task_and_dataset_of_a_mean(results):
    def of(result):
        resized = result.facts["resized_640x480"]
        return result.model, result.task, result.dataset, result.facts["paradigm"], resized

    means = {of(result): result for result in results if result.facts["kind"] == "mean"}
    joules_of_rows: dict = {}
    for result in results:
        if result.facts["kind"] == "row":
            joules_of_rows.setdefault(of(result), []).append(result.total_j)
    assert set(joules_of_rows) == set(means)
    for key, joules in joules_of_rows.items():  # a row is loading and 1,000 inferences, and a little between
        apart = means[key].total_j + means[key].load_j
        assert sum(joules) / len(joules) == pytest.approx(apart, rel=0.05), key


@needs_data
def test_a_row_says_nothing_per_inference_since_loading_is_in_it(results):
    row = next(result for result in results if result.facts["kind"] == "row")
    assert not [name for name in external_run.metrics(row) if "per_1k" in name or "latency" in name]
    assert row.factor_g_per_kwh == pytest.approx(138.75, abs=0.01)


@needs_data
def test_a_mean_is_per_thousand_with_its_interval_and_quality(results):
    result = next(
        o for o in results if o.model == "google/flan-t5-xl" and o.dataset == "IMDB" and o.facts["kind"] == "mean"
    )
    metrics = external_run.metrics(result)
    assert metrics["energy/estimated_share"] == pytest.approx(0.45, abs=0.1)
    assert metrics["quality/primary"] == metrics["quality/accuracy"] == 0.9663
    assert 0 < metrics["energy/ci95_rel"] < 0.1
    assert metrics["emissions/g_per_1k"] < metrics["energy/total_wh_per_1k"]


@needs_data
def test_table_2_is_the_printed_one(results):
    table = study_tables.tables(results)[0]
    assert len(table.rows) == 10
    for row, printed in zip(table.rows, study_tables.printed().tasks, strict=True):
        assert row[2] == printed.mean_kwh
        assert row[3].split(" ")[0] == printed.sd_kwh
    recomputed = {row["task"]: row for row in rows("table2_reproduced.csv")}
    for task in recomputed:
        own = [o for o in study_tables.used(results) if o.facts["study_task"] == task]
        result = study_tables.pooled([o for o in own if o.facts["paradigm"] == study_names.SPECIAL], 57.0)
        assert result.kwh == pytest.approx(float(recomputed[task]["mean"]), rel=1e-9)
        assert result.sd_kwh == pytest.approx(float(recomputed[task]["std_over_runs"]), rel=1e-6)
        assert result.working_kwh == pytest.approx(float(recomputed[task]["est_active_gpu_kwh"]), rel=0.03)


@needs_data
def test_table_3_is_the_printed_one_but_for_one_cell(results):
    table = study_tables.tables(results)[1]
    differ = [row[0] for row in table.rows if "printed" in row[2] or "printed" in row[4]]
    assert len(table.rows) == 8
    assert differ == ["google/flan-t5-xl"]
    assert "8.09 (printed 8.08)" in [row[2] for row in table.rows]


@needs_data
def test_table_5_is_the_printed_one_from_its_printed_inputs(results):
    table = study_tables.tables(results)[2]
    same = [row[0] for row in table.rows if row[3].endswith("(as printed)")]
    assert same == ["bigscience/bloomz-7b1", "bigscience/bloomz-1b7", "bigscience/bloomz-560m"]
    exact = {row["model"]: row["parity_unrounded"] for row in rows("table5_parity.csv")}
    for row in table.rows:
        assert row[4] == f"{float(exact[row[0]]):,.0f}"


def a_mean(gpu_w, model="m", seconds=100.0, total_kwh=1.0):
    return ExternalResult(
        format="study", source="", digest=model, title="", boundary="", model=model, gpu_j=gpu_w * seconds,
        total_j=total_kwh * J_PER_KWH, duration_s=seconds, repeats=10, sd_j=0.0,
        facts={"kind": "mean", "used_in_paper": "true", "study_task": "summarization", "paradigm": "task-specific"},
    )  # fmt: skip


def test_the_working_gpu_is_all_eight_less_seven_that_drew_an_eighth_of_the_least():
    quiet, busy = a_mean(480.0, "quiet"), a_mean(700.0, "busy")
    idle = study_tables.least_idle_w([quiet, busy])
    assert idle == 60
    assert study_tables.working_j(quiet, idle) == 60 * 100
    assert study_tables.working_j(busy, idle) == (700 - 420) * 100


def test_pooled_is_the_mean_and_deviation_of_all_runs():
    result = study_tables.pooled([a_mean(480, "a", total_kwh=1.0), a_mean(480, "b", total_kwh=3.0)], 60.0)
    assert result.kwh == 2
    assert result.runs == 20
    assert result.models == 2
    assert result.sd_kwh == pytest.approx((20 / 19) ** 0.5)  # ten ones and ten threes


def test_what_is_printed_is_held_digit_by_digit():
    assert study_tables.agrees(0.0123, "0.012") == "0.012"
    assert study_tables.agrees(0.0128, "0.012") == "0.012 (cut; rounded 0.013)"
    assert study_tables.agrees(0.0141, "0.012") == "0.014 (printed 0.012)"
    assert study_tables.agrees(None, "0.012") == "n/a"


def test_without_gpu_energy_nothing_is_corrected():
    from dataclasses import replace

    blind = replace(a_mean(480.0), gpu_j=None)
    (table,) = study_tables.tables([blind])
    assert table.rows[0][-2:] == ("n/a", "n/a")
    assert "The working GPU is unknown" in table.note


def test_results_of_others_give_no_table_of_the_study():
    assert study_tables.tables([ExternalResult("codecarbon", "", "d", "t", "b")]) == []


@pytest.mark.parametrize(
    ("stem", "what"),
    [
        ("zeroshot_qa_squad2_bloomz", ("extractive QA", "SQuAD v2", "multi-purpose", False)),
        ("image_class_cifar100_resized", ("image classification", "CIFAR 100", "task-specific", True)),
        ("summarize_xsum_15", ("summarization", "XSum", "task-specific", False)),
        ("obj_detection_CPPE", ("object detection", "CPPE-5", "task-specific", False)),
    ],
)
def test_the_name_of_a_file_says_task_and_dataset(stem, what):
    result = study_names.of_file(stem)
    assert (result.task, result.dataset, result.paradigm, result.resized) == what
    assert study_names.of_file("notes") is None
    assert study_names.of_file("qa_unheard") is None
