"""The file that a field of a row holds or names: what a row may make the program read, and how much of it.

A row chooses nothing by itself. It may hold the bytes, or the path of a regular file below the folder of its data file,
links resolved. Addresses, and paths that lead elsewhere, are for those who ask for them.
"""

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from joulemark.core.errors import BadRowError
from joulemark.core.quantities import Positive
from joulemark.data import fetching

MB = 10**6


@dataclass(frozen=True)
class Media:
    """What `task.media` allows the rows of a task, and its limits.

    Attributes:
        fetch: whether a field may be an http(s) address, which is fetched while the inputs are read
        hosts: hosts that are fetched from although their address is private, loopback or link-local
        anywhere: whether a path may lead out of the folder of the data file
        max_mb: most megabytes of one image or sound
        max_megapixels: most pixels of one image, in millions, decoded
        max_s: longest sound, seconds
    """

    fetch: bool = False
    hosts: tuple[str, ...] = ()
    anywhere: bool = False
    max_mb: Positive = 64
    max_megapixels: Positive = 64
    max_s: Positive = 3600

    @property
    def max_bytes(self) -> int:
        """Most bytes of one image or sound."""
        return int(self.max_mb * MB)


STANDARD = Media()


def bytes_of(value: Any, what: str, media: Media = STANDARD, folder: Path | None = None) -> bytes:
    """The file in a row's field: bytes, `{bytes, path}` as datasets gives it undecoded, a path, or an address.

    A path starts from the folder of the data file; without one, of rows of the Hub, none is opened. BadRowError where
    there is no file, or one that is not allowed; `what` names what it should be.
    """
    if isinstance(value, Mapping):
        if "array" in value:
            raise BadRowError(f"holds no {what}, but an array of samples; give the file's bytes or its path")
        value = value.get("bytes") or value.get("path")
    if isinstance(value, bytes):
        return _within(value, what, media)
    if not isinstance(value, str):
        raise BadRowError(f"holds no {what}, but {type(value).__name__} {str(value)[:60]!r}")
    if value.startswith(("https://", "http://")):
        if not media.fetch:
            raise BadRowError(f"the {what} is an address, and nothing is fetched unless you type task.media.fetch=true")
        return _within(fetching.fetched(value, media.max_bytes, media.hosts), what, media)
    try:
        return _within(_read(_found(value, what, media, folder), what, media), what, media)
    except (OSError, ValueError, RuntimeError) as error:  # no permission, too long for a path, a NUL, no such home
        raise BadRowError(f"the {what} cannot be read ({getattr(error, 'strerror', None) or error})") from None


def _found(value: str, what: str, media: Media, folder: Path | None) -> Path:
    """The regular file that a path leads to; BadRowError for one that is none, or lies where no row may lead."""
    if folder is None and not media.anywhere:
        raise BadRowError(f"holds no {what}, but str {value[:60]!r}; a row that comes from no file opens none here")
    home = (folder or Path()).resolve()
    path = Path(value).expanduser()
    file = (home / path).resolve()
    if not media.anywhere and not file.is_relative_to(home):
        raise BadRowError(
            f"the {what} {value[:60]!r} leads out of the data file's folder; if you trust the rows, "
            "type task.media.anywhere=true"
        )
    if not file.is_file():
        start = "" if folder is None or path.is_absolute() else "; a path starts from the folder of the data file"
        raise BadRowError(f"holds no {what}, but str {value[:60]!r}, which is no file{start}")
    return file


def _read(file: Path, what: str, media: Media) -> bytes:
    """The file's bytes, a byte more than the most at most; no pipe or device is waited for."""
    handle = os.open(file, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with open(handle, "rb") as opened:
        about = os.fstat(handle)
        if not stat.S_ISREG(about.st_mode) or about.st_size == 0:  # files that a kernel makes up have no size
            raise BadRowError(f"the {what} {file.name[:60]!r} is empty, or no file that can be copied")
        return opened.read(media.max_bytes + 1)


def _within(data: bytes, what: str, media: Media) -> bytes:
    if len(data) > media.max_bytes:
        raise BadRowError(f"the {what} has more than {media.max_mb:g} MB; task.media.max_mb=… allows more")
    return data
