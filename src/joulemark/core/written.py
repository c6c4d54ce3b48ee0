"""What is written where an option says: one line, with what to type instead, where that cannot be."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from joulemark.core.errors import UserError
from joulemark.core.private_files import private_files


@contextmanager
def writing(option: str, place: Path, instead: str) -> Iterator[None]:
    """Within it private files are written below `place`; UserError where they cannot be, so type option=`instead`."""
    try:
        with private_files():
            yield
    except OSError as error:
        why = error.strerror or error
        raise UserError(f"{option}={place}: {why}; type {option}={instead}, one that can be written") from None
