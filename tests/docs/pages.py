"""The documentation's pages: their code blocks, what is to be done with each, their code spans, and the options named.

A comment on the line before a block says what the tests do with it: `<!-- run -->` run it, `<!-- file: NAME -->` it is
that file, `<!-- not run: WHY -->` leave it. Without one its lines are composed, or parsed; a block of text is a text.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from tests.paths import ROOT

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCE = re.compile(r"(?:^<!-- ([^\n]*) -->\n)?^```(\w*)[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
OPTION = re.compile(r"(?:^|\s)['\"]?([+~]{0,2}[a-z_]+(?:[./][A-Za-z0-9_]+)*)=(?!=)")
SHELL, FILE, RUN, NOT_RUN = ("", "sh", "bash", "console"), "file: ", "run", "not run: "


@dataclass(frozen=True)
class Block:
    """A code block of a page: where it begins, its language, the comment before it, its text."""

    page: str
    line: int
    language: str
    note: str
    text: str

    def __str__(self):
        return f"{self.page}:{self.line}"

    @property
    def commands(self):
        """The lines of a shell block, without comments."""
        lines = (re.sub(r"(^|\s)#\s.*", "", line).strip() for line in self.text.splitlines())
        return [line for line in lines if line]


def blocks(page: Path):
    """The code blocks of a page, in order."""
    text = page.read_text(encoding="utf-8")
    return [
        Block(page.name, text.count("\n", 0, match.start()) + 1, match[2], match[1] or "", match[3])
        for match in FENCE.finditer(text)
    ]


def files(page: Path):
    """The files that a page shows, by name."""
    return {b.note.removeprefix(FILE): b.text for b in blocks(page) if b.note.startswith(FILE)}


def code(page: Path):
    """What a page says to type: its code spans, and the lines of its shell blocks."""
    return [*spans(page), *(block.text for block in blocks(page) if block.language in SHELL)]


def spans(page: Path):
    """The code spans of a page, outside its blocks."""
    prose = FENCE.sub("", page.read_text(encoding="utf-8"))
    return [first or second for first, second in re.findall(r"``\s?(.+?)\s?``|`([^`\n]+)`", prose)]


def options(code: str):
    """The options that a piece of code names."""
    return OPTION.findall(code)
