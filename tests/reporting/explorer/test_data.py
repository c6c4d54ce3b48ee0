"""What an explorer's page holds of runs: unknown stays empty, names stay text, nothing of private data or paths."""

import base64
import json
import math
import re
import struct
from dataclasses import replace

import pytest

from joulemark.reporting.explorer import encoding
from joulemark.reporting.explorer.build import data
from joulemark.reporting.explorer.columns import NUMBERS, TEXTS
from joulemark.reporting.render import digest
from tests.reporting.explorer.rows import a_foreign_run, a_page, some
from tests.reporting.runs import a_run

CODES = {1: "B", 2: "H", 4: "I"}


def decoded(column, count):
    """The values of a column as the page's script reads them; None for an unknown number."""
    if "singles" in column:
        values = struct.unpack(f"<{count}f", base64.b64decode(column["singles"]))
        return [None if math.isnan(value) else value for value in values]
    codes = struct.unpack(f"<{count}{CODES[column['width']]}", base64.b64decode(column["at"]))
    return [column["values"][code] for code in codes]


def shown(runs):
    """What the page holds of each run, by the column's name."""
    held = data(runs, "")
    columns = {each["name"]: decoded(each, len(runs)) for each in [*held["texts"], *held["numbers"]]}
    kinds = {name: decoded(kind | {"values": [False, True]}, len(runs)) for name, kind in held["kinds"].items()}
    return [{name: values[at] for name, values in {**columns, **kinds}.items()} for at in range(len(runs))]


def test_what_is_unknown_is_empty_and_never_zero():
    bare = replace(a_run(), metrics={}, params={}, tags={"record.id": "1", "status": "finished", "model": "bare"})
    row, known = shown([bare, a_run(metrics={"emissions/g_per_1k": 3.0}, scenario__rate="2", scenario="server")])
    assert {row[column.name] for column in NUMBERS if column.name in row} - {row["began"]} == {None}
    assert (known["total_wh_per_1k"], known["g_per_1k"], known["rate_per_s"]) == (1.0, 3.0, 2.0)
    assert "users" not in known  # no run knows it: no column


def test_a_zero_that_was_measured_stays_a_zero():
    assert shown([a_run(quality=0.0), a_run(quality=None)])[0]["quality"] == 0.0


def test_a_result_that_counts_the_gpu_alone_has_no_total_and_no_settings_it_does_not_state():
    row = shown([a_foreign_run(), a_run()])[0]
    assert row["gpu_wh_per_1k"] == 1.0
    assert [row[name] for name in ("total_wh_per_1k", "batch_size", "quality", "p50_s", "began")] == [None] * 5
    assert [row[name] for name in ("precision", "weights", "preliminary", "scenario")] == [""] * 4
    assert row["source"] == "ai energy score"
    assert row["external"] is True


def test_each_row_says_how_each_component_is_known_and_unknown_is_no_evidence():
    theirs, ours, bare = shown(
        [a_foreign_run(methods={"gpu": "counter"}), a_run(method__gpu="counter", method__cpu="estimated"), a_run()]
    )
    assert theirs["evidence"] == "gpu counter"
    assert ours["evidence"] == "gpu counter, cpu estimated"
    assert bare["evidence"] == ""


def test_random_weights_have_no_quality_whatever_was_stored():
    row = shown([a_run(quality=0.99, weights="random", metrics={"energy/j_per_correct": 1.0}), a_run()])[0]
    assert row["quality"] is None
    assert row.get("j_per_correct") is None
    assert row["random"] is True


@pytest.mark.parametrize(
    ("changes", "doubt"),
    [
        ({}, False),
        ({"flags": "shared"}, False),
        ({"flags": "shared, preliminary"}, True),
        ({"verdict": "failed"}, True),
        ({"status": "failed"}, True),
    ],
)
def test_runs_that_decide_nothing_are_marked(changes, doubt):
    assert shown([a_run(**changes)])[0]["doubtful"] is doubt


def test_every_row_is_there_and_equal_values_are_written_once():
    runs = some(300)
    rows = shown(runs)
    assert [row["total_wh_per_1k"] for row in rows] == [float(number + 1) for number in range(300)]
    (model,) = [column for column in data(runs, "")["texts"] if column["name"] == "model"]
    assert model["values"] == ["model_0", "model_1", "model_2"]


def test_no_path_command_or_error_is_on_the_page():
    told = a_run(command="python -m src.run task.path=/home/me/patients.csv", status="failed", dataset="file")
    told = replace(told, tags={**told.tags, "error": "row 3: Jane Doe"})
    page = a_page([told, a_foreign_run()])
    assert not [secret for secret in ("patients", "Jane", "/home/", "scores.csv") if secret in page]


def test_names_are_text_wherever_they_stand():
    evil = "</script><script>window.broken=1</script><img src=x>"
    page = a_page([a_run(evil, device=evil)], title=evil)
    assert evil not in page
    assert "&lt;img src=x&gt;" in page


def test_the_policy_names_the_two_scripts_alone_and_allows_no_request():
    page = a_page([a_run()])
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', page)
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    assert len(scripts) == 2
    rules = policy.replace("&#39;", "'").split("; ")
    assert rules[0] == "default-src 'none'"
    assert rules[-1].split()[1:] == [digest(script) for script in scripts]


def test_numbers_keep_seven_digits_and_whole_ones_all():
    values = [0.1234567 * number for number in range(1, 6000)]
    column = encoding.numbers(values)
    assert all(math.isclose(a, b, rel_tol=1e-7) for a, b in zip(decoded(column, len(values)), values, strict=True))
    exact = [float(1_790_000_000 + number) for number in range(6000)]
    assert decoded(encoding.numbers(exact), 6000) == exact


def test_a_number_that_is_not_finite_is_unknown():
    assert decoded(encoding.numbers([math.inf, 1.0, math.nan]), 3) == [None, 1.0, None]
    assert encoding.numbers([None, math.nan]) is None


def test_ids_come_back_as_they_are_stored():
    assert len(base64.b64decode(encoding.ids(["0" * 31 + "a", "f" * 32])["bytes"])) == 32
    for odd in (["A" * 32], ["short"], ["not hexadecimal"]):
        assert encoding.ids(odd) == {"values": odd}


def test_columns_have_names_of_their_own_and_the_data_is_json():
    names = [column.name for column in (*TEXTS, *NUMBERS)]
    assert len(set(names)) == len(names)
    json.dumps(data([*some(20), a_foreign_run()], ""), allow_nan=False)
