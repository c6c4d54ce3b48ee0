"""Lines on standard error, progress and refusals: standard output belongs to tables and to the last line."""

import sys

from joulemark.core import tracking
from joulemark.core.formatting import visible


def to_stderr(sentence: str) -> None:
    """Prints one sentence at once; nothing in it acts on the terminal, and no address in it has a password."""
    print(visible(tracking.public_text(sentence)), file=sys.stderr, flush=True)


def refuse(error: object) -> int:
    """Prints why a command is refused; returns its exit code."""
    to_stderr(f"error: {error}")
    return 2
