"""Files that are whole or not there: what a reader finds was written to its end, and lies on the disk."""

import os
from contextlib import suppress
from pathlib import Path

PRIVATE = 0o600


def write(path: Path, text: str) -> None:
    """Writes a whole file in place of the one that is there; OSError leaves that one as it was, and nothing beside it.

    Only its owner may read it.
    """
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, PRIVATE)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(fresh, path)
    except BaseException:
        with suppress(OSError):
            fresh.unlink()
        raise
    _sync_folder(path.parent)


def append(path: Path, line: str) -> None:
    """Adds one line; OSError, of a full disk say, takes a part of it away again."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, PRIVATE)
    try:
        length = os.fstat(handle).st_size
        try:
            data = memoryview(f"{line}\n".encode())
            while data:
                data = data[os.write(handle, data) :]
            os.fsync(handle)
        except OSError:
            with suppress(OSError):
                os.ftruncate(handle, length)
            raise
    finally:
        os.close(handle)


def _sync_folder(folder: Path) -> None:
    with suppress(OSError):  # some file systems sync no folder
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
