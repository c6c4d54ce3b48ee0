"""Tables and lines on standard output, whose last line belongs to programs."""

import sys

from rich.console import Console
from rich.table import Table

# Columns of a pipe: more than any line has
UNFOLDED = 10_000


def show(*parts: Table | str) -> None:
    """Prints tables and lines to standard output; piped output is not folded, since a pipe has no width.

    A line runs on at a terminal's edge, too, so that a command in it can be copied whole.
    """
    console = Console(width=None if sys.stdout.isatty() else UNFOLDED, markup=False, highlight=False)
    with console.capture() as shown:
        for part in parts:
            console.print(part, soft_wrap=isinstance(part, str))
    for line in shown.get().splitlines():
        print(line.rstrip())  # the table's last column is padded to its longest cell
