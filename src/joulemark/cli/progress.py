"""Lines on standard error, progress and refusals: standard output belongs to tables and to the last line."""

import sys
from collections.abc import Callable

from joulemark.core import tracking
from joulemark.core.errors import UserError
from joulemark.core.formatting import visible


def to_stderr(sentence: str) -> None:
    """Prints one sentence at once; nothing in it acts on the terminal, and no address in it has a password."""
    print(visible(tracking.public_text(sentence)), file=sys.stderr, flush=True)


def checked(run: Callable[[], int]) -> int:
    """The exit code of a command: its own, or 2 for a user's mistake, in one line."""
    try:
        return run()
    except UserError as error:
        return refuse(error)


def refuse(error: object) -> int:
    """Prints why a command is refused; returns its exit code."""
    to_stderr(f"error: {error}")
    return 2
