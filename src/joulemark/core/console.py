"""Tables and lines on standard output, whose last line belongs to programs."""

import sys

from rich.console import Console
from rich.table import Table

from joulemark.core.formatting import visible

# Columns of a pipe: more than any line has
UNFOLDED = 10_000


def show(*parts: Table | str) -> None:
    """Prints tables and lines to standard output; piped output is not folded, since a pipe has no width.

    A line runs on at a terminal's edge, too, so that a command in it can be copied whole. No colours: what would act
    on the terminal came from a name in a store or a file, and is shown instead.
    """
    width = None if sys.stdout.isatty() else UNFOLDED
    console = Console(width=width, markup=False, highlight=False, color_system=None)
    with console.capture() as shown:
        for part in parts:
            console.print(part, soft_wrap=isinstance(part, str))
    for line in shown.get().split("\n")[:-1]:
        print(visible(line.rstrip()))  # the table's last column is padded to its longest cell
