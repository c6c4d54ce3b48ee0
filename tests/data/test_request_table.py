"""The file of a run's requests gives back what was written, in pieces, and is whole or not there."""

from dataclasses import replace

import pytest

from joulemark.core.errors import UserError
from joulemark.core.record import Request
from joulemark.data import request_table
from joulemark.data.request_table import RequestTable, RequestWriter

ROWS = [
    Request("a", "positive", "negative", 0.0, 1, 0.25, 7, None, True),
    Request("b", "lone \ud800 half", None, None, 3, 0.5),
    Request(
        "c",
        "",
        "ü\n",
        1.0,
        2,
        1e-9,
        0,
        5,
        due_s=0.5,
        sent_s=0.6,
        first_token_s=0.7,
        finished_s=0.8,
        outcome="answered",
        energy_j=12.5,
        prefill_j=2.5,
        reasoning_tokens=3,
    ),
]


def written(folder, rows):
    (folder / "files").mkdir()
    with RequestWriter(folder / "files") as writer:
        for row in rows:
            writer.add(row)
    return writer.path


def test_rows_come_back_as_they_were_however_they_are_asked_for(tmp_path, monkeypatch):
    monkeypatch.setattr(request_table, "AT_ONCE", 2)
    table = RequestTable(written(tmp_path, ROWS))
    marked = [ROWS[0], Request("b", "lone ? half", None, None, 3, 0.5), ROWS[2]]
    assert len(table) == 3
    assert list(table) == marked
    assert [table[place] for place in (2, 0, -2)] == [marked[2], marked[0], marked[1]]
    assert table[1:] == marked[1:]
    assert list(request_table.scores(table.path)) == [("a", 0.0), ("c", 1.0)]
    with pytest.raises(IndexError):
        table[3]


def test_statistics_come_back_as_they_were_and_a_file_of_before_them_has_none(tmp_path):
    from pyarrow import parquet

    kept = [replace(row, statistics=of) for row, of in zip(ROWS, ((1.0, -2.5, 1e15), None, ()), strict=True)]
    path = written(tmp_path, kept)
    assert [row.statistics for row in request_table.rows(path)] == [(1.0, -2.5, 1e15), None, ()]
    assert [(key, tuple(of)) for key, of in request_table.statistics(path)] == [("a", (1.0, -2.5, 1e15)), ("c", ())]
    parquet.write_table(parquet.read_table(path).drop_columns(["statistics"]), path)
    assert list(request_table.statistics(path)) == []
    assert [row.statistics for row in RequestTable(path)] == [None] * 3


def test_nothing_lies_in_the_folder_of_files_before_all_rows_do(tmp_path):
    (tmp_path / "files").mkdir()
    with pytest.raises(ValueError, match="broke"), RequestWriter(tmp_path / "files") as writer:  # noqa: PT012
        writer.add(ROWS[0])
        raise ValueError("broke")
    assert [path.name for path in tmp_path.rglob("*")] == ["files"]


@pytest.mark.parametrize("content", [b"", b"no table", b"PAR1 cut"])
def test_a_file_that_is_no_table_of_requests_is_refused_in_one_line(tmp_path, content):
    path = tmp_path / "requests.parquet"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"requests\.parquet cannot be read") as error:
        list(request_table.rows(path))
    assert "\n" not in str(error.value)


def test_a_file_of_before_has_none_in_the_columns_that_came_later(tmp_path):
    import pyarrow
    from pyarrow import parquet

    path = written(tmp_path, ROWS)
    older = parquet.read_table(path).drop_columns(list(request_table.LATER))
    assert isinstance(older, pyarrow.Table)
    parquet.write_table(older, path)
    first, _, last = RequestTable(path)
    assert first == ROWS[0]
    assert last == Request("c", "", "ü\n", 1.0, 2, 1e-9, 0, 5)
    assert RequestTable(path)[2] == last


def test_a_table_of_something_else_is_refused_by_the_column_that_it_lacks(tmp_path):
    import pyarrow
    from pyarrow import parquet

    parquet.write_table(pyarrow.table({"id": ["a"]}), tmp_path / "requests.parquet")
    with pytest.raises(UserError, match="has no column output"):
        list(RequestTable(tmp_path / "requests.parquet"))


def test_a_file_that_a_full_disk_lets_nobody_begin_leaves_nothing(tmp_path, monkeypatch):
    from pyarrow import parquet

    def full(path, *_, **__):
        path.touch()
        raise OSError("No space left on device")

    monkeypatch.setattr(parquet, "ParquetWriter", full)
    with pytest.raises(OSError, match="No space"):
        written(tmp_path, ROWS)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
