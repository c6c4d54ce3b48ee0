"""The first rows of a sorted file are not like the rest, and the run says so; those of a file in any order are."""

import json
import random

import pytest

from joulemark.core import stats
from joulemark.core.task import Sample
from joulemark.data import first_rows
from joulemark.data.dataset import Dataset

CLASSES = ("business", "politics", "sport")


def written(path, labels):
    path.write_text("".join(json.dumps({"text": f"t{n}", "label": label}) + "\n" for n, label in enumerate(labels)))
    return path


def unlike(path, count, **changes):
    fields = {"text": "text", "label": "label"}
    dataset = Dataset(name="file", task="t", fields=fields, path=str(path), **changes)
    return dataset.inputs(count, lambda row: Sample(row.id, row.values["text"], dataset.label(row))).sampling_bias


def test_two_of_three_classes_among_the_first_rows_of_a_sorted_file_are_named(tmp_path):
    labels = [label for label in CLASSES for _ in range(100)]
    path = written(tmp_path / "a.jsonl", labels)
    assert unlike(path, 200) == "0 % of the first 200 rows are sport, of all 300 it is 33 %"
    assert unlike(path, 300) is None
    assert unlike(path, 200, shuffle=0) is None
    assert "business" in unlike(path, 100)


def test_nearly_sorted_counts_as_well_and_a_rare_class_may_be_absent_by_chance(tmp_path):
    mostly = ["politics", *["sport"] * 99, *["politics"] * 100]
    assert unlike(written(tmp_path / "a.jsonl", mostly), 100) is not None
    rare = ["sport", "politics"] * 100 + ["business"]
    assert unlike(written(tmp_path / "b.jsonl", rare), 100) is None


def test_a_file_in_random_order_is_hardly_ever_taken_for_a_sorted_one():
    draw = random.Random(0)
    labels = [draw.choice(CLASSES) for _ in range(600)]
    flagged = 0
    for _ in range(400):
        draw.shuffle(labels)
        flagged += first_rows.sampling_bias(labels[:100], labels, str) is not None
    assert flagged <= 3


@pytest.mark.parametrize("rest", ['{"text": "x"', '{"text": "x", "label": true}', '{"text": "x"}', '{"text": ["x"]}'])
def test_a_row_that_is_not_used_breaks_nothing(tmp_path, rest):
    path = written(tmp_path / "a.jsonl", ["sport", "politics"] * 20)
    path.write_text(f"{path.read_text()}{rest}\n")
    assert unlike(path, 20) is None


def test_only_a_file_that_is_read_quickly_is_looked_through(tmp_path, monkeypatch):
    import gzip

    path = written(tmp_path / "a.jsonl", [label for label in CLASSES for _ in range(100)])
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(path.read_bytes()))
    assert unlike(tmp_path / "a.jsonl.gz", 200) is None
    monkeypatch.setattr(first_rows, "LOOKED_AT_BYTES", 1000)
    assert unlike(path, 200) is None


def test_of_a_parquet_file_the_labels_alone_are_read(tmp_path):
    import pyarrow
    from pyarrow import parquet

    path = tmp_path / "a.parquet"
    columns = {"text": ["x"] * 300, "label": [label for label in CLASSES for _ in range(100)]}
    parquet.write_table(pyarrow.table(columns), path)
    assert "sport" in unlike(path, 200)
    assert list(first_rows.values_of(path, "label"))[:1] == ["business"]
    assert list(first_rows.values_of(path, "other")) == []


@pytest.mark.parametrize(
    ("held", "declared", "rows", "said"),
    [
        (2, 3, 1000, True),
        (2, 3, 100, False),  # it may be that rare
        (20, 1000, 1000, True),
        (632, 1000, 1000, False),
        (3, 3, 1000, False),
        (1, 1, 1000, False),
    ],
)
def test_few_of_the_labels_that_the_data_declares(held, declared, rows, said):
    assert (first_rows.few(held, declared, rows) is not None) == said


def test_the_chance_of_a_draw_is_exact():
    assert stats.drawn_p(0, 2, 1, 4) == pytest.approx(1.0)
    assert stats.drawn_p(2, 2, 2, 4) == pytest.approx(2 / 6)
