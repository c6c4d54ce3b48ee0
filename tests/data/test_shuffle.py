"""A random order of the rows: drawn from all of them, the same for the same seed."""

import json

import pytest

from joulemark.core.errors import UserError
from joulemark.core.task import Sample
from joulemark.data import hub
from joulemark.data.dataset import Dataset
from tests.composed import built

SORTED = [{"text": f"text {n}", "label": "negative" if n < 150 else "positive"} for n in range(300)]
FIELDS = {"text": "text", "label": "label"}


def read(dataset, count):
    return dataset.inputs(count, lambda row: Sample(row.id, row.values["text"], dataset.label(row))).samples


@pytest.fixture
def sorted_file(tmp_path):
    path = tmp_path / "sorted.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in SORTED))

    def dataset(shuffle, **changes):
        return Dataset("file", "x", FIELDS, **{"path": str(path), "shuffle": shuffle, **changes})

    return dataset


def test_rows_are_drawn_from_the_whole_file_and_keep_their_places(sorted_file):
    drawn = read(sorted_file(1), 100)
    assert {sample.target for sample in read(sorted_file(None), 100)} == {"negative"}
    assert {sample.target for sample in drawn} == {"negative", "positive"}
    assert len({sample.id for sample in drawn}) == 100
    for sample in drawn:
        assert sample.id == f"row {int(sample.input.split()[1]) + 1}"


def test_a_seed_gives_one_order_and_another_seed_another(sorted_file):
    assert read(sorted_file(1), 100) == read(sorted_file(1), 100)
    assert read(sorted_file(1), 100) != read(sorted_file(2), 100)
    assert read(sorted_file(0), 300) != read(sorted_file(None), 300)
    assert sorted(read(sorted_file(0), 300), key=str) == sorted(read(sorted_file(None), 300), key=str)


def test_rows_of_a_yaml_and_embedded_ones_are_shuffled_too():
    rows = Dataset("mine", "x", FIELDS, rows=tuple(SORTED), shuffle=3)
    assert {sample.target for sample in read(rows, 100)} == {"negative", "positive"}
    embedded = [read(Dataset("embedded", "text_classification", FIELDS, shuffle=seed), 50) for seed in (None, 3)]
    assert embedded[0] != embedded[1]


def test_going_round_again_keeps_the_order(sorted_file):
    twice = read(sorted_file(1, repeat=True), 600)
    assert twice[:300] == twice[300:]


@pytest.mark.data
def test_a_stream_of_the_hub_is_shuffled_through_a_buffer_over_several_of_its_parts(tmp_path, monkeypatch):
    import pyarrow
    from pyarrow import parquet

    (tmp_path / "data").mkdir()
    parquet.write_table(pyarrow.Table.from_pylist(SORTED), tmp_path / "data" / "train.parquet", row_group_size=20)
    monkeypatch.setattr(hub, "described", lambda *_: object())
    monkeypatch.setattr("joulemark.data.sources.SHUFFLE_BUFFER", 40)

    def drawn(shuffle):
        return read(Dataset("mine", "x", FIELDS, id=str(tmp_path), split="train", shuffle=shuffle), 60)

    assert {sample.target for sample in drawn(None)} == {"negative"}
    assert {sample.target for sample in drawn(1)} == {"negative", "positive"}
    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)
    assert len({sample.input for sample in drawn(1)}) == 60


def test_the_seed_is_typed_and_none_by_default(tmp_path):
    assert built("model=embedded_classifier", "task=text_classification").dataset.shuffle is None
    assert built("model=embedded_classifier", "task=text_classification", "task.shuffle=7").dataset.shuffle == 7
    for wrong in ("-1", "true", "yes", "1.5"):
        with pytest.raises(UserError, match=r"task\.shuffle=.*must be a seed, a whole number of 0 or more, or null"):
            built("model=embedded_classifier", "task=text_classification", f"task.shuffle={wrong}")


def test_a_column_that_is_typed_is_known_as_such(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("text,verdict\nfine film,positive\n")
    words = ("model=embedded_classifier", "task=text_classification", "task.dataset=file", f"task.path={path}")
    with pytest.raises(UserError, match=r"no column 'verdct' .*did you mean task\.fields\.label=verdict\?"):
        built(*words, "samples=1", "task.fields.label=verdct").task.samples(1, 0)
    assert built(*words, "samples=1").task.samples(1, 0).samples[0].target is None
