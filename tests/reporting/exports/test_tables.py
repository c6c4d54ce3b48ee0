"""CSV exports: what is written is read back with the same numbers, and nothing that a row cannot say is written."""

import csv
import importlib.util
import io
import sys
from dataclasses import fields, replace
from datetime import datetime
from pathlib import Path

import pytest

from joulemark.analysis.external import codecarbon, external_run, formats
from joulemark.core.errors import UserError
from joulemark.core.measurement import Measurement
from joulemark.reporting.exports import build
from tests.reporting.exports.runs import FRANCE, H100, OPTIONS, a_record, a_run, generated, measured

SCORE_TASK = replace(a_record().task, samples=1000)


def scored(**changes):
    """A run as the entries of the AI Energy Score's list are."""
    settings = replace(a_record().settings, batch_size=1, precision="fp32")
    return a_run(**{"task": SCORE_TASK, "settings": settings, **changes})


def made(name, *runs, options=OPTIONS):
    (document,) = build.documents(name, list(runs), options)
    return document.document


def rows(document):
    return list(csv.DictReader(io.StringIO(document.text)))


def read_back(tmp_path, document):
    path = tmp_path / "exported.csv"
    path.write_text(document.text, encoding="utf-8")
    return formats.read([path])


def test_codecarbons_file_is_read_back_with_the_same_numbers(tmp_path):
    run = a_run()
    contents = codecarbon.completed(read_back(tmp_path, made("codecarbon", run)), "project_name", "t", run.requests)
    (result,) = contents.results
    read = external_run.metrics(result)
    names = [f"energy/{part}_wh_per_1k" for part in ("total", "gpu", "cpu", "ram")]
    assert {name: read[name] for name in names} == pytest.approx({name: run.metrics[name] for name in names})
    assert read["emissions/g_per_1k"] == pytest.approx(run.metrics["emissions/g_per_1k"])
    assert result.factor_g_per_kwh == pytest.approx(50.0)
    assert (result.model, result.hardware) == (run.checkpoint, "1 x NVIDIA H100 80GB HBM3")
    assert result.duration_s == 30.0
    assert result.began_s == pytest.approx(datetime.fromisoformat(run.record.started_at).timestamp(), abs=0.01, rel=0)
    assert contents.left_out == ()


def test_the_building_multiplies_codecarbons_energies_and_its_file_says_so(tmp_path):
    run = a_run(site=replace(FRANCE, pue=1.2))
    (result,) = read_back(tmp_path, made("codecarbon", run)).results
    assert result.total_j == pytest.approx(1.2 * 3 * 3550)
    assert result.emissions_g == pytest.approx(run.metrics["emissions/g_per_1k"] * 3)
    assert result.gpu_j + result.cpu_j + result.ram_j == pytest.approx(result.total_j)
    assert "PUE of 1.2" in result.boundary


def test_codecarbons_columns_are_those_of_the_version_that_is_installed():
    (folder,) = importlib.util.find_spec("codecarbon").submodule_search_locations
    path = Path(folder) / "output_methods" / "emissions_data.py"
    spec = importlib.util.spec_from_file_location("emissions_data", path)
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    head = made("codecarbon", a_run()).text.splitlines()[0]
    assert head == ",".join(field.name for field in fields(module.EmissionsData))


def test_codecarbons_emissions_are_empty_without_a_zone_and_a_run_without_energy_has_no_row(tmp_path):
    unknown = a_run(site=replace(FRANCE, zone=None, g_per_kwh=None))
    document = made("codecarbon", unknown, a_run(id="0" * 32, measurement=Measurement()))
    (row,) = rows(document)
    assert (row["emissions"], row["gpu_energy"] != "") == ("", True)
    assert any("type site.zone=FRA" in line for line in document.left_out)
    assert any("its energy is not available" in line for line in document.left_out)
    with pytest.raises(UserError, match="cannot be exported as codecarbon"):
        made("codecarbon", a_run(measurement=Measurement()))


def test_the_energy_score_is_read_back_with_the_same_numbers(tmp_path):
    speech = scored(task=replace(SCORE_TASK, name="speech_recognition", unit="clip"))
    runs = (scored(), speech)
    document = made("energy_score", *runs)
    assert [row["task"] for row in rows(document)] == ["text_classification", "asr"]  # as the list calls them
    contents = read_back(tmp_path, document)
    for run, result in zip(runs, contents.results, strict=True):
        read = external_run.metrics(result)
        assert read["energy/gpu_wh_per_1k"] == pytest.approx(run.metrics["energy/gpu_wh_per_1k"])
        assert (result.model, result.task) == (run.checkpoint, run.record.task.name)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"hardware": replace(H100, gpu_name="NVIDIA A100")}, "the device is NVIDIA A100"),
        ({"hardware": replace(H100, beside=((1, "GPU-2"),))}, "the device is 2 x"),
        ({"settings": replace(a_record().settings, batch_size=8)}, "batch 8"),
        ({"settings": replace(a_record().settings, batch_size=1, precision="bf16")}, "the precision is bf16"),
        ({"task": replace(SCORE_TASK, samples=100)}, "100 inputs"),
        ({"model": replace(a_record().model, weights="random")}, "the weights are random"),
        ({"task": replace(SCORE_TASK, name="text_generation", max_new_tokens=50)}, "answers have 50 tokens"),
    ],
)
def test_a_run_that_the_lists_boundary_does_not_hold_has_no_row_in_it(changes, reason):
    other = scored(**changes, id="0" * 32)
    document = made("energy_score", scored(), other)
    assert len(rows(document)) == 1
    assert any(reason in line for line in document.left_out)
    with pytest.raises(UserError, match="cannot be exported as energy_score"):
        made("energy_score", other)


def test_the_table_holds_every_metric_of_every_run_under_its_name_with_all_digits():
    first, second = a_run(), generated(id="0" * 32, status="failed", error="it broke")
    document = made("csv", first, second)
    table = rows(document)
    for run, row in zip((first, second), table, strict=True):
        written = {name: row[name] for name in run.metrics}
        assert written == {name: "" if value is None else repr(value) for name, value in run.metrics.items()}
    assert [row["status"] for row in table] == ["finished", "failed"]
    assert table[0]["method.gpu"] == "counter"
    assert any("it is failed: it broke" in line for line in document.left_out)


def test_a_text_is_no_formula_to_a_spreadsheet_and_a_folder_of_this_machine_is_not_told():
    model = replace(a_record().model, name="=1+1", checkpoint="/home/me/model", weights="/home/me/model")
    document = made("csv", a_run(model=model))
    assert rows(document)[0]["model"] == "'=1+1"
    assert rows(document)[0]["weights"] == "local"
    assert "/home" not in document.text


def test_the_boundarys_table_has_a_row_for_each_line_and_says_which_are_missing():
    run = a_run(site=replace(FRANCE, utilization=0.5, pue=1.3))
    document = made("boundary", run)
    table = rows(document)
    assert [row["line"] for row in table] == [line.name for line in run.boundary.lines]
    assert [row["value"] for row in table] == [
        "" if line.value is None else repr(line.value) for line in run.boundary.lines
    ]
    assert {row["line"] for row in table if row["measured"] == "yes"} == {"accelerator", "CPU and DRAM"}
    assert "embodied" in document.left_out[0]


def test_one_window_has_no_interval_and_its_cell_is_empty():
    run = a_run(measurement=replace(measured(), windows=measured().windows[:1]))
    assert rows(made("csv", run))[0]["energy/ci95_rel"] == ""
