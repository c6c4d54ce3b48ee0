"""Labels, columns and characters: read as what they say, or refused with what to type."""

import json
from decimal import Decimal

import pytest

from joulemark.core.errors import BadRowError, UserError
from joulemark.core.task import Sample
from joulemark.data.dataset import Dataset, text_of
from joulemark.data.fields import named, whole

FEELINGS = ("negative", "positive")


def file_of(path, *rows, **changes):
    path.write_text("\n".join(json.dumps(row) for row in rows))
    given = {"fields": {"text": "text", "label": "label"}, "optional": ("label",), "labels": FEELINGS, **changes}
    return Dataset("file", "x", path=str(path), **given)


def targets(dataset, count):
    found = dataset.inputs(count, lambda row: Sample(row.id, text_of(row, "text"), dataset.label(row)))
    return [sample.target for sample in found.samples]


@pytest.mark.parametrize("value", [1, 1.0, "1", "1.0", "1.", " 1 ", "Positive", " POSITIVE\t", Decimal("1.0")])
def test_a_label_is_a_name_or_a_place_however_it_is_written(value):
    assert named(value, FEELINGS) == "positive"


@pytest.mark.parametrize("value", [1, 1.0, "1", "1.0"])
def test_a_number_that_is_a_labels_name_is_that_label_not_its_place(value):
    assert named(value, ("1", "2", "3")) == "1"


@pytest.mark.parametrize("value", [True, "True", "true"])
def test_a_truth_value_is_a_name_and_no_place(value):
    assert named(value, ("false", "true")) == "true"
    assert named(value, ("True", "False")) == "True"
    with pytest.raises(BadRowError, match="is not one of spam, ham; a truth value names none: write the name"):
        named(value, ("spam", "ham"))


@pytest.mark.parametrize("value", ["1.5", 1.5, "2", float("inf"), "1e0", [1], "", None])
def test_what_is_no_label_is_refused(value):
    with pytest.raises(BadRowError, match="is not one of negative, positive"):
        named(value, FEELINGS)


def test_numbers_without_names_are_refused_with_what_to_type():
    with pytest.raises(BadRowError, match=r"label 3 is not one of .*type \+task\.datasets\.NAME\.labels=\[…\]"):
        named(3, ())
    assert named(" Cat ", ()) == "Cat"


def test_a_null_label_is_unknown_and_so_is_a_hidden_one(tmp_path):
    rows = [{"text": "a", "label": value} for value in (None, "", " ", float("nan"), -1, "-1", "-1.0", 1)]
    assert targets(file_of(tmp_path / "a.jsonl", *rows), 8) == [None] * 7 + ["positive"]


def test_whole_numbers_are_read_from_text_and_floats():
    assert [whole(value) for value in ("7", "-7.00", 7.0, True, "7.5", "seven", float("nan"))] == [
        7, -7, 7, None, None, None, None,
    ]  # fmt: skip


def test_a_column_that_was_typed_must_exist(tmp_path):
    row = {"text": "a", "verdict": "positive"}
    fields = {"text": "text", "label": "verdct"}
    with pytest.raises(UserError, match=r"has no column 'verdct' \(task\.fields\.label\); did you mean task\.fields\."):
        targets(file_of(tmp_path / "a.jsonl", row, fields=fields, typed=("label",)), 1)
    assert targets(file_of(tmp_path / "a.jsonl", row, fields=fields), 1) == [None]
    right = file_of(tmp_path / "a.jsonl", row, {"text": "b"}, fields={**fields, "label": "verdict"}, typed=("label",))
    assert targets(right, 2) == ["positive", None]  # one row may lack it


def test_a_typed_input_column_is_refused_with_the_nearest_name(tmp_path):
    dataset = file_of(tmp_path / "a.jsonl", {"review": "a"}, fields={"text": "reveiw"}, typed=("text",))
    with pytest.raises(UserError, match=r"name the right one with task\.fields\.text=review"):
        targets(dataset, 1)


def test_a_column_that_differs_in_case_alone_is_not_taken_for_a_missing_one(tmp_path):
    with pytest.raises(
        UserError, match=r"no column 'label' .*did you mean task\.fields\.label=Label\? it has: text, La"
    ):
        targets(file_of(tmp_path / "a.jsonl", {"text": "a", "Label": 1}), 1)


@pytest.mark.parametrize("field", ["text", "label", "id"])
def test_half_a_character_makes_a_row_unusable_by_name(tmp_path, field):
    rows = [{"id": f"n{n}", "text": f"a good film {n}", "label": "positive"} for n in range(8)]
    rows[0][field] = "a good \ud83d film"
    found = file_of(tmp_path / "a.jsonl", *rows).inputs(7, lambda row: Sample(row.id, row.values["text"]))
    assert [sample.id for sample in found.samples] == [f"n{n}" for n in range(1, 8)]
    assert found.skipped == (
        f"row 1: field '{field}' holds a lone surrogate (U+D83D at character 8), which is half of a character",
    )


def test_half_a_character_is_seen_within_a_list_and_a_whole_one_is_left_alone(tmp_path):
    dataset = file_of(
        tmp_path / "a.jsonl", {"text": ["\U0001f389", "x"]}, {"text": ["\ud83c"]}, {"text": {"a": ["\udf89"]}},
    )  # fmt: skip
    with pytest.raises(UserError, match=r"row 2: field 'text' holds a lone surrogate .*\(2 such rows"):
        dataset.inputs(3, lambda row: Sample(row.id, row.values["text"]))


def test_a_row_whose_id_is_null_is_named_by_its_place(tmp_path):
    dataset = file_of(tmp_path / "a.jsonl", {"id": None, "text": "a"}, {"id": 7, "text": "b"})
    found = dataset.inputs(2, lambda row: Sample(row.id, row.values["text"]))
    assert [sample.id for sample in found.samples] == ["row 1", "7"]
