"""SCI, CSRD, AI Act, SPDX and AFNOR: each figure from its parts, and no statement of a run whose figure is none."""

import csv
import io
import json
import re
from dataclasses import replace
from decimal import Decimal

import pytest

from joulemark.analysis.embodied import Embodied
from joulemark.core.errors import UserError
from joulemark.core.machine import Hardware
from joulemark.core.measurement import Measurement
from joulemark.reporting.exports import build
from joulemark.reporting.exports import format as formats
from tests.reporting.exports.runs import FRANCE, OPTIONS, a_record, a_run, generated, measured

TOTAL_KWH = 3.55 / 3.6e6  # of one request
OURS = Embodied(gpu_kg=164.0, server_kg=5700.0, server_gpus=8, years=3.0, source="our supplier")
M_G = (164e3 + 5700e3 / 8) * 0.01 / (3 * 365 * 24 * 3600)  # of one request


def made(name, run, options=OPTIONS):
    (document,) = build.documents(name, [run], options)
    return document.document


def score(run):
    return json.loads(made("sci", run).text)["scores"][0]


def statement(run, options=OPTIONS):
    return {row["line"]: row for row in csv.DictReader(io.StringIO(made("csrd", run, options).text))}


def test_a_score_is_operational_and_embodied_emissions_of_one_token():
    result = score(generated(embodied=OURS))
    assert result["R"] == "token"
    assert result["E_kwh_per_unit"] == pytest.approx(TOTAL_KWH / 10)
    assert result["operational_g_per_unit"] == pytest.approx(TOTAL_KWH * 50 / 10)
    assert result["M_g_per_unit"] == pytest.approx(M_G / 10)
    assert result["sci_g_per_unit"] == pytest.approx((TOTAL_KWH * 50 + M_G) / 10)


def test_a_classifier_is_scored_by_the_inference():
    result = score(a_run(embodied=OURS))
    assert result["R"] == "inference"
    assert result["sci_g_per_unit"] == pytest.approx(TOTAL_KWH * 50 + M_G)


def test_the_energy_of_a_score_is_that_of_the_reserved_machine_and_says_how_much_of_it_was_measured():
    result = score(a_run(site=replace(FRANCE, utilization=0.5, spare=0.0, pue=1.2), embodied=OURS))
    assert result["E_kwh_per_unit"] == pytest.approx((TOTAL_KWH + 75 * 0.01 / 3.6e6) * 1.2)
    assert result["E_of_it_measured_kwh_per_unit"] == pytest.approx(TOTAL_KWH)
    assert result["M_g_per_unit"] == pytest.approx(2 * M_G)


def test_without_embodied_emissions_there_is_no_score_and_what_is_operational_stands_alone():
    result = score(a_run())
    assert (result["sci_g_per_unit"], result["M_g_per_unit"]) == (None, "not declared")
    assert result["operational_g_per_unit"] == pytest.approx(TOTAL_KWH * 50)
    assert any("type embodied=ecologits" in note for note in result["notes"])


def test_a_functional_unit_that_was_not_counted_is_null():
    result = score(generated(measurement=measured(units=0), embodied=OURS))
    assert (result["R"], result["sci_g_per_unit"], result["operational_g_per_unit"]) == (None, None, None)


@pytest.mark.parametrize("name", ["sci", "csrd"])
def test_a_statement_of_emissions_without_a_zone_is_refused_in_one_line(name):
    with pytest.raises(UserError, match=r"type site\.zone=FRA"):
        made(name, a_run(site=replace(FRANCE, zone=None, g_per_kwh=None)))


CLAIMS = [name for name in formats.names() if formats.named(name).CLAIM]


@pytest.mark.parametrize("name", CLAIMS)
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"status": "failed", "error": "out of memory"}, "it is failed: out of memory"),
        ({"status": "interrupted"}, "it is interrupted"),
        ({"flags": ("preliminary",)}, "it is preliminary"),
        ({"flags": ("contaminated",)}, "it is contaminated"),
        ({"measurement": Measurement()}, "its energy is not available"),
    ],
)
def test_a_claim_of_a_run_that_decides_nothing_is_refused(name, changes, reason):
    with pytest.raises(UserError, match=rf"cannot be exported as {name}: {reason}"):
        made(name, a_run(**changes))


def test_replayed_readings_are_no_claim():
    windows = tuple(
        replace(window, readings=tuple(replace(reading, method=dict.fromkeys(reading.method, "replayed"))
                                       for reading in window.readings))
        for window in measured().windows
    )  # fmt: skip
    with pytest.raises(UserError, match="replayed from a file"):
        made("ai_act", a_run(measurement=replace(measured(), windows=windows)))


def test_the_claims_are_the_statements_and_lists_and_no_table():
    assert CLAIMS == ["ai_act", "csrd", "energy_score", "sci", "spdx"]


@pytest.mark.parametrize(
    ("name", "phrases"),
    [
        ("boamps", ("publisher, licensing", "cloud: not in a record", "infraType: other", "environment: left out")),
        ("sci", ("M is not declared", "no idle time", "no machines that stand by", "no overhead of a building")),
        ("csrd", ("not declared and left empty: idle machines", "materials of the hardware", "which scope it is")),
        ("ai_act", ("training: its energy is neither measured here nor published",)),
        ("spdx", ("suppliedBy and releaseTime", "packageVersion: not in the record", "downloadLocation: not in")),
        ("codecarbon", ("country_name, region, cloud", "requests of a row: no column")),
        ("afnor", ("yours to write, since AFNOR's text is not in this program",)),
        ("boundary", ("embodied: not known",)),
    ],
)
def test_what_a_format_asks_for_and_nobody_knows_is_said(name, phrases):
    document = made(name, a_run(site=replace(FRANCE, zone=None), model=replace(a_record().model, revision=None)))
    for phrase in phrases:
        assert any(phrase in line for line in document.left_out), phrase
    assert not any("\n" in line for line in document.left_out)


def test_a_csrd_table_is_of_the_periods_requests_with_both_emissions_water_and_shares():
    site = replace(FRANCE, market_g_per_kwh=20.0, wue_l_per_kwh=1.8, wue_source_l_per_kwh=3.0, utilization=1.0)
    table = statement(a_run(site=site, embodied=OURS), replace(OPTIONS, requests=2_000_000))
    kwh = TOTAL_KWH * 2_000_000
    expected = {
        "energy consumption": kwh, "emissions, location-based": kwh * 0.05, "emissions, market-based": kwh * 0.02,
        "water consumption": kwh * 4.8 / 1000, "embodied emissions of the hardware, share": M_G * 2000,
        "share of the hardware's life": 0.01 * 2_000_000 / (3 * 365 * 24 * 3600),
    }  # fmt: skip
    assert {line: float(table[line]["value"]) for line in expected} == pytest.approx(expected)
    parts = [float(row["value"]) for line, row in table.items() if line.startswith("boundary:") and row["value"]]
    assert sum(parts) == pytest.approx(kwh)
    numbers = {"E1-5", "E1-6", "E3-4", "E5-4", "notes"}
    assert {row["disclosure requirement"] for row in table.values()} == numbers


def test_what_is_not_declared_is_empty_in_a_csrd_table_and_says_what_to_type():
    table = statement(a_run())
    for line in ("emissions, market-based", "water consumption", "embodied emissions of the hardware, share"):
        assert table[line]["value"] == ""
        assert "type " in table[line]["method"]
    assert "idle machines: waiting while reserved" in table["energy consumption"]["method"]


def test_the_ai_acts_paragraph_says_what_was_measured_how_and_that_training_is_not_known():
    text = made("ai_act", a_run()).text
    assert "Annex XI, Section 1, point 2(e)" in text
    assert "986 mWh (± 7" in text
    assert "GPU read from its hardware counter, CPU read from its hardware counter (RAPL)" in text
    assert "RAM estimated as a constant, not measured" in text
    assert "The energy of training was not measured by this program" in text


def test_the_ai_acts_paragraph_names_every_component_that_is_in_its_figure():
    text = made("ai_act", a_run(hardware=Hardware("auto", "cpu", ("fp32",)))).text  # the GPU was read all the same
    assert "GPU read from its hardware counter" in text


def test_a_published_training_energy_is_quoted_with_its_source():
    model = replace(a_record().model, checkpoint="bigscience/bloomz-7b1")
    document = made("ai_act", a_run(model=model))
    assert "51,686 kWh and 7,571 kWh of fine-tuning, as published" in document.text
    assert document.left_out == ()


def package(run):
    graph = json.loads(made("spdx", run).text)["@graph"]
    return graph, next(element for element in graph if element["type"] == "ai_AIPackage")


def test_an_spdx_document_holds_the_energy_of_one_inference_as_a_decimal_of_kilowatt_hours():
    _, element = package(a_run())
    (description,) = element["ai_energyConsumption"]["ai_inferenceEnergyConsumption"]
    assert description["ai_energyUnit"] == "kilowattHour"
    assert re.fullmatch(r"-?\d+(\.\d*)?", description["ai_energyQuantity"])  # as xsd:decimal: no exponent
    assert float(Decimal(description["ai_energyQuantity"])) == pytest.approx(TOTAL_KWH)


def test_every_element_of_an_spdx_document_is_there_and_points_to_one_that_is():
    graph, element = package(a_run())
    ids = {each.get("spdxId") or each["@id"] for each in graph}
    assert len(ids) == len(graph)
    pointed = [reference for each in graph for key in ("creationInfo", "rootElement", "element", "createdBy")
               for reference in ([each[key]] if isinstance(each.get(key), str) else each.get(key, ()))]  # fmt: skip
    assert set(pointed) <= ids
    created = next(each for each in graph if each["type"] == "CreationInfo")
    assert (created["specVersion"], created["created"]) == ("3.0.1", "2026-11-30T12:00:00Z")
    assert "software_downloadLocation" not in element  # embedded weights lie nowhere
    hub = replace(a_record().model, weights="hub", checkpoint="org/model", revision="abc")
    told = package(a_run(model=hub))[1]
    assert told["software_downloadLocation"] == "https://huggingface.co/org/model"
    assert told["software_packageVersion"] == "abc"


def test_spdxs_own_bindings_read_the_document_and_find_all_that_they_ask_for():
    from spdx_python_model import v3_0_1 as spdx

    hub = replace(a_record().model, weights="hub", checkpoint="org/model", revision="abc")
    for run in (a_run(), a_run(model=hub), a_run(scores={})):
        objects = spdx.SHACLObjectSet()
        spdx.JSONLDDeserializer().read(io.StringIO(made("spdx", run).text), objects)  # kinds, enumerations, patterns
        spdx.JSONLDSerializer().write(objects, io.BytesIO())  # what is required is there
        (element,) = objects.foreach_type(spdx.ai_AIPackage)
        (description,) = element.ai_energyConsumption.ai_inferenceEnergyConsumption
        assert description.ai_energyQuantity == pytest.approx(TOTAL_KWH)
        assert not objects.missing_ids


def test_afnors_page_leaves_the_practices_to_their_reader_and_shows_the_evidence():
    document = made("afnor", a_run(flags=("preliminary",)))
    for number in (13, 23, 25, 31):
        assert f"| {number} |  |" in document.text
    assert "986 mWh" in document.text
    assert "preliminary" in document.text
    assert any("yours to write" in line for line in document.left_out)


def test_a_text_from_elsewhere_is_no_markup_in_a_page():
    model = replace(a_record().model, checkpoint="<script>|x")
    for name in ("afnor", "ai_act"):
        assert "<script>" not in made(name, a_run(model=model)).text
