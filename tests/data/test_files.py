"""What a file of rows may look like: whatever its encoding, packing and separators, the same rows or one line."""

import bz2
import gzip
import json
import lzma

import pytest

from joulemark.core.errors import UserError
from joulemark.data.files import of_file

ROWS = [{"text": 'naïve, "quoted"; 二\nlines', "label": "positive"}, {"text": "bad", "label": "negative"}]
LINES = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS)


def table(separator: str, end: str = "\n") -> str:
    quoted = [[f'"{value.replace(chr(34), chr(34) * 2)}"' for value in row.values()] for row in ROWS]
    return end.join(separator.join(fields) for fields in [["text", "label"], *quoted]) + end


READ = {
    "UTF-8": ("a.jsonl", LINES.encode()),
    "marked UTF-8": ("a.jsonl", LINES.encode("utf-8-sig")),
    "marked UTF-16": ("a.jsonl", LINES.encode("utf-16")),
    "UTF-16 without a mark": ("a.jsonl", LINES.encode("utf-16-be")),
    "UTF-32": ("a.jsonl", LINES.encode("utf-32")),
    "blank lines": ("a.jsonl", LINES.replace("\n", "\n\n  \n").encode()),
    "lines that end as in Windows": ("a.jsonl", LINES.replace("\n", "\r\n").encode()),
    "ndjson": ("a.ndjson", LINES.encode()),
    "lines called json": ("a.json", LINES.encode()),
    "an array": ("a.json", json.dumps(ROWS).encode()),
    "an array over lines": ("a.json", json.dumps(ROWS, indent=2).encode("utf-8-sig")),
    "an array called jsonl": ("a.jsonl", ("\n" + json.dumps(ROWS)).encode()),
    "commas": ("a.csv", table(",").encode()),
    "semicolons": ("a.csv", table(";").encode()),
    "tabs": ("a.csv", table("\t").encode()),
    "bars": ("a.csv", table("|").encode()),
    "tsv": ("a.tsv", table("\t").encode()),
    "upper case": ("A.CSV", table(",").encode()),
    "a marked csv": ("a.csv", table(",").encode("utf-8-sig")),
    "a csv in UTF-16, as spreadsheets export it": ("a.csv", table("\t").encode("utf-16")),
    "a csv of Windows": ("a.csv", table(",", "\r\n").encode()),
    "a csv with blank lines": ("a.csv", table(",", "\n\n").encode()),
    "spaces after separators": ("a.csv", table(", ").encode()),
    "gz": ("a.jsonl.gz", gzip.compress(LINES.encode("utf-16"))),
    "csv.gz": ("a.csv.gz", gzip.compress(table(";").encode())),
    "bz2": ("a.jsonl.bz2", bz2.compress(LINES.encode())),
    "xz": ("a.tsv.xz", lzma.compress(table("\t").encode())),
}

GZ = gzip.compress(LINES.encode() * 99)

REFUSED = {
    "latin 1": ("a.csv", "text\nna\xefve".encode("latin-1"), r"a\.csv, row 1 is not UTF-8 \(byte 0xef\); save it as"),
    "a header in latin 1": ("a.csv", b"t\xeate\n1", "the header is not UTF-8"),
    "latin 1 in JSON": ("a.jsonl", b'{"a": 1}\n{"a": "\xe9"}', r"row 2 is not UTF-8 \(byte 0xe9\)"),
    "half a UTF-16": (
        "a.jsonl",
        LINES.encode("utf-16")[:-1],
        "is not text in utf-16-le: truncated data; save it as UTF-8",
    ),
    "a trailing comma": ("a.jsonl", b'{"a": 1},\n', "row 1 is not JSON: .*write one object a line with no comma after"),
    "an array cut off": ("a.json", b'[{"a": 1},\n', "begins as a JSON array and is none"),
    "an array of numbers": ("a.json", b"[1, 2]", "row 1 is not a JSON object"),
    "one name twice": ("a.jsonl", b'{"a": 1, "a": 2}', "row 1 is not JSON: it has 'a' twice"),
    "one column twice": ("a.csv", b"a,b,a\n1,2,3\n", r"a\.csv has two columns 'a'; rename one"),
    "one column twice but for spaces": ("a.csv", b"a, a\n1,2\n", "has two columns 'a'"),
    "a row too long": (
        "a.csv",
        b"a\none, two\n",
        r"row 1 \(line 2\) has not as many fields as the header: 2, not 1; put",
    ),
    "an open quote": ("a.csv", b'a,b\n1,"2\n', r"after row 0 \(line 2\): unexpected end of data; put a field"),
    "a quote within": ("a.csv", b'a,b\n1,"say "no" here"\n', r"after row 0 .*a quote within it as"),
    "a line for Excel": ("a.csv", b"sep=;\na;b\n", "a line that only Excel reads, sep=;: take it away"),
    "a workbook": ("a.csv", b"PK\x03\x04....", "is a zip archive, as a workbook"),
    "a parquet by another name": ("a.csv", b"PAR1....", r"is parquet: rename it to end in \.parquet"),
    "a gz by another name": ("a.csv", GZ, r"is packed by gzip: rename it to end in \.gz"),
    "no gz": ("a.jsonl.gz", LINES.encode(), "cannot be read: Not a gzipped file"),
    "a gz cut off": ("a.jsonl.gz", GZ[: len(GZ) // 2], "cannot be read: Compressed file ended"),
    "an xz cut off": ("a.csv.xz", lzma.compress(b"text\n" + b"one\n" * 99)[:40], "cannot be read: "),
    "no kind at all": ("a.xlsx", b"PK", r"unknown kind of file; use \.jsonl, .*packed \(\.gz"),
    "a zip": ("a.zip", b"PK\x03\x04", "unknown kind of file"),
}


@pytest.mark.parametrize("case", READ)
def test_the_rows_are_the_same_however_they_are_written(tmp_path, case):
    name, content = READ[case]
    (tmp_path / name).write_bytes(content)
    assert [row for _, row in of_file(tmp_path / name)] == ROWS


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_read_is_refused_in_one_line_that_says_what_to_do(tmp_path, case):
    name, content, says = REFUSED[case]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=says) as caught:
        list(of_file(tmp_path / name))
    assert "\n" not in str(caught.value)


def test_a_folder_is_refused_with_the_files_in_it(tmp_path):
    (tmp_path / "mine.csv").write_text("a\n")
    (tmp_path / "notes.txt").write_text("a\n")
    with pytest.raises(UserError, match=r"is a folder; name a file in it: mine\.csv$"):
        of_file(tmp_path)


def test_a_field_may_be_as_long_as_it_likes(tmp_path):
    (tmp_path / "a.csv").write_text(f'text,label\n"{"word " * 60_000}",positive\n')
    assert [len(row["text"]) for _, row in of_file(tmp_path / "a.csv")] == [300_000]


@pytest.mark.parametrize("content", ["text,label\n", "text;label", "\n", " \n\n"])
def test_a_header_alone_has_no_rows(tmp_path, content):
    (tmp_path / "a.csv").write_text(content)
    assert list(of_file(tmp_path / "a.csv")) == []


def test_a_column_without_a_name_is_left_out_as_the_index_that_pandas_writes(tmp_path):
    (tmp_path / "a.csv").write_text(",text,\n0,good,\n")
    assert list(of_file(tmp_path / "a.csv")) == [("row 1", {"text": "good"})]


def test_a_parquet_may_hold_one_name_once(tmp_path):
    import pyarrow
    from pyarrow import parquet

    parquet.write_table(
        pyarrow.Table.from_arrays([pyarrow.array(["a"])] * 2, names=["text"] * 2), tmp_path / "a.parquet"
    )
    with pytest.raises(UserError, match="has two columns 'text'"):
        list(of_file(tmp_path / "a.parquet"))
