"""BoAmps: each report has the format's fields, by our transcription, CodeCarbon's classes and, if here, the schemas."""

import importlib.util
import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from joulemark.core.errors import UserError
from joulemark.core.measurement import Measurement
from joulemark.core.record_json import from_json
from joulemark.reporting.exports import build
from joulemark.reporting.exports.run import Run
from tests.paths import SHARED
from tests.reporting.exports.boamps_schema import REPORT
from tests.reporting.exports.runs import FRANCE, OPTIONS, STORED, a_record, a_run, generated, measured

jsonschema = pytest.importorskip("jsonschema")
PUBLISHED = SHARED / "data" / "boamps"
RECORDS = ("schema_1_generator", "schema_2_early_stopped", "schema_2_failed_out_of_memory", "schema_2_image_generation",
           "schema_2_interrupted", "schema_4_classification")  # fmt: skip


def report(run, options=OPTIONS):
    (made,) = build.documents("boamps", [run], options)
    return json.loads(made.document.text), made.document.left_out


def stored(name):
    return Run(from_json(json.loads((STORED / f"{name}.json").read_text())))


def with_energy():
    return [run for run in map(stored, RECORDS) if run.kwh("total") is not None]


def codecarbons_report():
    """CodeCarbon's own classes of the format, without importing CodeCarbon."""
    (folder,) = importlib.util.find_spec("codecarbon").submodule_search_locations
    path = Path(folder) / "output_methods" / "boamps" / "models.py"
    spec = importlib.util.spec_from_file_location("boamps_models", path)
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.BoAmpsReport


def test_every_stored_record_with_energy_gives_a_valid_report():
    runs = [*with_energy(), a_run(), generated()]
    assert len(runs) == 7  # of a run that failed while loading there is none
    for run in runs:
        jsonschema.Draft4Validator(REPORT).validate(report(run)[0])


def test_codecarbons_classes_of_the_format_read_a_report_and_write_it_again():
    made, _ = report(a_run())
    assert codecarbons_report().from_dict(made).to_dict() == made


@pytest.mark.skipif(not (PUBLISHED / "report_schema.json").is_file(), reason="BoAmps' schemas are not here")
def test_every_report_is_valid_by_the_published_schemas():
    from referencing import Registry, Resource
    from referencing.jsonschema import DRAFT4

    schemas = [json.loads(path.read_text()) for path in sorted(PUBLISHED.glob("*_schema.json"))]
    registry = Registry().with_resources((schema["id"], Resource(schema, DRAFT4)) for schema in schemas)
    whole = next(schema for schema in schemas if schema["title"] == "report")
    for run in [*with_energy(), a_run(), generated()]:
        jsonschema.Draft4Validator(whole, registry=registry).validate(report(run)[0])


def test_a_report_holds_the_energy_of_its_requests_and_the_idle_baseline_as_calibration():
    made, _ = report(a_run())
    (measure,) = made["measures"]
    assert measure["powerConsumption"] == pytest.approx(3 * 3550 / 3.6e6)
    assert (measure["measurementDuration"], made["task"]["nbRequest"]) == (30.0, 3000)
    assert measure["powerCalibrationMeasurement"] == pytest.approx(20 * 75 / 3.6e6)
    assert measure["durationCalibrationMeasurement"] == 20.0
    assert (measure["gpuTrackingMode"], measure["cpuTrackingMode"]) == ("counter", "rapl")
    assert made["task"]["measuredAccuracy"] == a_record().scores["primary"]
    assert made["environment"] == {"country": "FRA", "powerSourceCarbonIntensity": 50.0}


def test_quality_follows_the_interval_and_is_left_out_where_an_estimate_makes_it_unknown():
    assert report(a_run())[0]["quality"] == "high"  # ± 7 %
    one = replace(measured(), windows=measured().windows[:1])  # no spread
    made, left_out = report(a_run(measurement=one))
    assert "quality" not in made
    assert any(line.startswith("quality: left out") for line in left_out)
    limited = a_run(site=replace(FRANCE, estimated_limit=0.001))  # the memory alone is estimated, 1.4 %
    assert "quality" not in report(limited)[0]


def test_a_metric_other_than_accuracy_is_no_accuracy():
    assert "measuredAccuracy" not in report(generated())[0]["task"]


def test_where_the_machine_stands_is_asked_for_and_never_made_up():
    made, left_out = report(a_run(site=replace(FRANCE, zone=None)))
    assert "environment" not in made
    assert made["infrastructure"]["infraType"] == "other"
    assert any("type infra_type=" in line for line in left_out)
    assert any("type site.zone=FRA" in line for line in left_out)
    told, left_out = report(a_run(), replace(OPTIONS, infra_type="onPremise"))
    assert told["infrastructure"]["infraType"] == "onPremise"
    assert not any("infra_type" in line for line in left_out)
    with pytest.raises(UserError, match="infra_type=cloud does not exist"):
        report(a_run(), replace(OPTIONS, infra_type="cloud"))


def test_a_run_that_decides_nothing_is_a_draft_and_one_without_energy_is_refused():
    assert report(a_run())[0]["header"]["reportStatus"] == "final"
    made, left_out = report(a_run(flags=("preliminary",)))
    assert made["header"]["reportStatus"] == "draft"
    assert any("preliminary" in line for line in left_out)
    with pytest.raises(UserError, match="its energy is not available"):
        report(a_run(measurement=Measurement()))


def test_nothing_of_a_users_own_file_is_told():
    task = replace(a_record().task, dataset="file", source="/home/me/secret.csv")
    model = replace(a_record().model, checkpoint="/home/me/model", weights="/home/me/model")
    run = a_run(task=task, model=model, status="failed", error="row 3: the text of a patient")
    made, left_out = report(run)
    everything = json.dumps([made, left_out])
    assert "secret" not in everything
    assert "patient" not in everything
    assert "/home" not in everything
