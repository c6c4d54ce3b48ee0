"""How much a packed file may unpack to: a few kilobytes that become gigabytes are refused before they fill the memory.

Texts shrink to a tenth or a fiftieth. The limit is on what unpacks to MOST_TIMES its size and more than FREE_BYTES.
Who has such a file unpacks it himself: an unpacked one is read as it is.
"""

import io
from pathlib import Path
from typing import Any

from joulemark.core.errors import UserError

MOST_TIMES = 200
FREE_BYTES = 256 * 10**6


def too_much(packed: int, unpacked: int) -> bool:
    """Whether so many bytes come of so few that nobody meant them to."""
    return unpacked > FREE_BYTES and unpacked > MOST_TIMES * packed


class Unpacked(io.RawIOBase):
    """The bytes of an opened packed file; UserError once they are too many for its size."""

    def __init__(self, inner: Any, path: Path, packed: int) -> None:
        self._inner, self._path, self._packed, self._read = inner, path, packed, 0

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fills the buffer with what comes next."""
        data = self._inner.read(len(buffer))
        buffer[: len(data)] = data
        self._read += len(data)
        if too_much(self._packed, self._read):
            raise UserError(
                f"{self._path} has {self._packed} bytes and unpacks to more than {FREE_BYTES / 1e6:.0f} MB, "
                f"{MOST_TIMES} times as many; if that is meant, unpack it first"
            )
        return len(data)

    def close(self) -> None:
        """Closes the packed file as well."""
        self._inner.close()
        super().close()


def check_parquet(path: Path, about: Any) -> None:
    """UserError for a column of which a few bytes become gigabytes; `about` is the file's own metadata."""
    for group in range(about.num_row_groups):
        columns = about.row_group(group)
        for index in range(columns.num_columns):
            column = columns.column(index)
            if too_much(column.total_compressed_size, column.total_uncompressed_size):
                raise UserError(
                    f"{path}: {column.total_compressed_size} bytes of column '{column.path_in_schema}' unpack to "
                    f"{column.total_uncompressed_size / 1e6:.0f} MB; if that is meant, write it without compression"
                )
