"""The documentation's pages: their code blocks, their code spans, and the options that these name."""

import re
from dataclasses import dataclass
from pathlib import Path

from tests.paths import ROOT

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
OPTION = re.compile(r"(?:^|\s)['\"]?([+~]{0,2}[a-z_]+(?:[./][A-Za-z0-9_]+)*)=(?!=)")


@dataclass(frozen=True)
class Block:
    """A code block of a page."""

    page: str
    line: int
    language: str
    text: str

    def __str__(self):
        return f"{self.page}:{self.line}"


def blocks(page: Path):
    """The code blocks of a page, in order."""
    text = page.read_text(encoding="utf-8")
    for match in FENCE.finditer(text):
        yield Block(page.name, text.count("\n", 0, match.start()) + 1, match[1], match[2])


def spans(page: Path):
    """The code spans of a page, outside its blocks."""
    prose = FENCE.sub("", page.read_text(encoding="utf-8"))
    return [first or second for first, second in re.findall(r"``\s?(.+?)\s?``|`([^`\n]+)`", prose)]


def options(code: str):
    """The options that a piece of code names."""
    return OPTION.findall(code)
