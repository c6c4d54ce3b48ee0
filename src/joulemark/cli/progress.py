"""Progress lines on standard error: standard output belongs to tables and to the last line."""

import sys


def to_stderr(sentence: str) -> None:
    """Prints one sentence at once."""
    print(sentence, file=sys.stderr, flush=True)
