"""Markdown that a text from elsewhere cannot break: the only place that escapes and writes its tables."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from joulemark.core.formatting import visible


@dataclass(frozen=True)
class Table:
    """A table of texts, nothing escaped.

    Attributes:
        title: heading above it, empty for none
        columns: one heading a column
        rows: one text a column
        note: what the numbers are, below it
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""


def escaped(text: str) -> str:
    """A text on one line that is no tag, link or entity, whoever wrote it."""
    return " ".join(visible(text).replace("&", "&amp;").replace("<", "&lt;").replace("[", "\\[").split())


def cell(text: str) -> str:
    """The same within a table, whose bar would end the cell."""
    return escaped(text).replace("|", "\\|")


def literal(text: str, most: int = 300) -> str:
    """A text of an unknown file shown letter for letter: no emphasis, code or table either, cut at `most` letters."""
    return " ".join("".join(f"\\{letter}" if letter in "\\`*[]<>|" else letter for letter in visible(text)).split())[
        :most
    ]


def rows(columns: Sequence[str], lines: Sequence[Sequence[str]], right: Collection[str] = ()) -> list[str]:
    """A table's lines; the columns named in `right` are aligned to the right."""
    return [
        f"| {' | '.join(map(cell, columns))} |",
        "|" + "".join("---:|" if name in right else "---|" for name in columns),
        *(f"| {' | '.join(map(cell, line))} |" for line in lines),
    ]


def table(content: Table) -> list[str]:
    """A table's lines with its title above and its note below, and an empty line after each."""
    lines = [f"**{escaped(content.title)}**", ""] if content.title else []
    lines += [*rows(content.columns, content.rows), ""]
    return [*lines, escaped(content.note), ""] if content.note else lines
