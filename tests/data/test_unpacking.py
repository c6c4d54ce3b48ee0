"""A file of a few kilobytes that unpacks to gigabytes is refused before they are in memory."""

import gzip
import lzma
import resource

import pyarrow
import pytest
from pyarrow import parquet

from joulemark.core.errors import UserError
from joulemark.data import files, unpacking


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """The same rule at a thousandth of the size."""
    monkeypatch.setattr(unpacking, "FREE_BYTES", 256_000)


@pytest.mark.parametrize("line", [b"\n", b"x" * 100, b'[{"text":"' + b"x" * 90])
@pytest.mark.parametrize("pack", [gzip, lzma])
def test_a_packed_text_that_grows_without_measure_is_refused(tmp_path, pack, line):
    path = tmp_path / ("a.jsonl." + {gzip: "gz", lzma: "xz"}[pack])
    path.write_bytes(pack.compress(line * (10**7 // len(line))))
    with pytest.raises(UserError, match=r"unpacks to more than .* if that is meant, unpack it first|is not JSON"):
        list(files.of_file(path))


def test_a_packed_text_that_shrank_as_texts_do_is_read(tmp_path):
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(b"text,label\n" + b"".join(b"%d,a good film\n" % n for n in range(30_000))))
    assert len(list(files.of_file(path))) == 30_000


def test_a_parquet_whose_one_cell_is_a_bomb_is_refused_and_the_same_unpacked_is_read(tmp_path):
    table = pyarrow.table({"text": ["x" * 9_000_000, "a"]})
    parquet.write_table(table, tmp_path / "bomb.parquet", compression="zstd", use_dictionary=False)
    assert (tmp_path / "bomb.parquet").stat().st_size < 10_000
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(UserError, match="bytes of column 'text' unpack to 9 MB"):
        list(files.of_file(tmp_path / "bomb.parquet"))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 9_000
    parquet.write_table(table, tmp_path / "plain.parquet", compression="none")
    assert len(list(files.of_file(tmp_path / "plain.parquet"))) == 2
