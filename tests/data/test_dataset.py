"""Where inputs come from, and what a broken file gets."""

import json

import pytest

from joulemark.core.errors import UserError
from joulemark.core.task import Sample
from joulemark.data import files
from joulemark.data.dataset import Dataset, text_of


def of_file(path, **changes):
    values = {"name": "file", "task": "text_classification", "path": str(path)}
    return Dataset(**{**values, "fields": {"text": "text", "label": "label"}, "optional": ("label",), **changes})


def rows(dataset, count):
    """The first rows as a task reads them, with what it is to label and what it is to read."""
    return dataset.inputs(count, lambda row: Sample(row.id, text_of(row, "text"), dataset.label(row))).samples


def lines(path, *rows):
    path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def texts(tmp_path):
    return lines(tmp_path / "mine.jsonl", *({"text": f"text {i}", "label": "positive"} for i in range(5)))


def test_the_first_rows_come_in_order(texts):
    assert [sample.input for sample in rows(of_file(texts), 3)] == ["text 0", "text 1", "text 2"]


def test_too_few_rows_are_refused_unless_repeating_is_allowed(texts):
    with pytest.raises(UserError, match=r"has 5 rows, 8 are requested.*samples=5.*task\.repeat=true"):
        rows(of_file(texts), 8)
    assert [sample.input[-1] for sample in rows(of_file(texts, repeat=True), 8)] == list("01234012")


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_csv_and_parquet_give_the_same_rows_as_jsonl(tmp_path, texts, kind):
    import pandas

    frame = pandas.read_json(texts, lines=True)
    path = tmp_path / f"mine.{kind}"
    frame.to_csv(path, index=False) if kind == "csv" else frame.to_parquet(path)
    assert rows(of_file(path), 5) == rows(of_file(texts), 5)


def test_a_line_of_metadata_is_not_a_row(tmp_path):
    path = lines(tmp_path / "a.jsonl", {"_provenance": "somewhere", "_license": "x"}, {"text": "one"})
    assert [sample.input for sample in rows(of_file(path), 1)] == ["one"]


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.jsonl", b"", "a.jsonl is empty"),
        ("a.jsonl", b'{"text": "one"}\n{"text": ', "a.jsonl, row 2 is not JSON"),
        ("a.jsonl", b'{"text": "one"}\n\xff\xfe', r"a.jsonl, row 2 is not UTF-8 \(byte 0xff\); save it as UTF-8"),
        ("a.jsonl", b"[1, 2]", "row 1 is not a JSON object"),
        ("a.jsonl", b'{"txt": "one"}', r"row 1: has no field 'text' \(it has: txt\); .*task\.fields\.text="),
        ("a.jsonl", b'{"text": "  "}', "row 1: field 'text' is empty"),
        ("a.jsonl", b'{"text": 7}', "row 1: field 'text' is empty or not text"),
        ("a.csv", b"text,label\na,b\nc\n", r"a.csv, row 2 \(line 3\) has not as many fields"),
        ("a.parquet", b"not parquet", "a.parquet cannot be read as parquet"),
        ("a.txt", b"hello", "unknown kind of file; use .jsonl"),
    ],
)
def test_a_broken_file_is_named_with_its_row(tmp_path, name, content, says):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(UserError, match=says):
        rows(of_file(path), 2)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UserError, match=r"nowhere\.csv is not a file"):
        list(files.of_file(tmp_path / "nowhere.csv"))


def test_labels_may_be_numbers_or_words_and_a_hidden_one_is_unknown(tmp_path):
    path = lines(
        tmp_path / "a.jsonl",
        {"text": "a", "label": 1},
        {"text": "b", "label": "Negative"},
        {"text": "c", "label": -1},
        {"text": "d"},
    )
    dataset = of_file(path, labels=("negative", "positive"))
    assert [sample.target for sample in rows(dataset, 4)] == ["positive", "negative", None, None]


@pytest.mark.parametrize("label", [5, 2, -2])  # -1 is a hidden one
def test_a_label_outside_the_tasks_labels_is_refused_with_its_row(tmp_path, label):
    dataset = of_file(lines(tmp_path / "a.jsonl", {"text": "a", "label": label}), labels=("negative", "positive"))
    with pytest.raises(UserError, match=f"row 1: label {label} is not one of negative, positive"):
        rows(dataset, 1)


def test_blank_rows_are_dropped_only_where_they_are_layout(tmp_path):
    path = lines(tmp_path / "a.jsonl", {"text": ""}, {"text": "one"}, {"text": " "})
    layout = of_file(path, skip_blank=True).inputs(1, lambda row: Sample(row.id, row.values["text"]))
    assert [sample.input for sample in layout.samples] == ["one"]
    assert layout.skipped == ()
    with pytest.raises(UserError, match="row 1: field 'text' is empty"):
        rows(of_file(path), 2)


def test_one_unusable_row_is_skipped_and_named_however_few_the_rows_are(tmp_path):
    path = lines(tmp_path / "a.jsonl", {"text": "one"}, {"text": 7}, {"text": "two"})
    found = of_file(path).inputs(2, lambda row: Sample(row.id, text_of(row, "text")))
    assert [sample.id for sample in found.samples] == ["row 1", "row 3"]
    assert found.skipped == ("row 2: field 'text' is empty or not text",)
    with pytest.raises(UserError, match=r"has 2 rows that can be used \(row 2: .*\), 3 are requested: type samples=2"):
        rows(of_file(path), 3)


def test_a_few_unusable_rows_are_skipped_and_named_and_more_than_one_in_a_hundred_stop_the_run(tmp_path):
    def texts(bad):
        good = [{"text": f"text {i}"} for i in range(300)]
        return of_file(lines(tmp_path / f"{bad}.jsonl", *({"text": " "} for _ in range(bad)), *good))

    found = texts(2).inputs(200, lambda row: Sample(row.id, row.values["text"]))
    assert len(found.samples) == 200
    assert found.skipped == ("row 1: field 'text' is empty", "row 2: field 'text' is empty")
    with pytest.raises(UserError, match=r"row 1: field 'text' is empty \(3 such rows; at most 1 in 100"):
        rows(texts(3), 200)
