"""The navigation is the table of the landing page: a row is a chapter, its links are the pages, in that order."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

ROW = re.compile(r"^\| (\w[^|]*) \| (.+) \|$", re.MULTILINE)
LINK = re.compile(r"\]\(([\w/.-]+)\.md\)")
TABLE = "## The documentation"
LOOKED_UP, GROUPS = "Look up", "The groups of conf/"
GROUP = "reference/group-"


def chapters(landing: str) -> dict[str, list[str]]:
    """Caption -> pages by their paths in the checkout, without .md, of the landing page's text."""
    table = landing.partition(f"\n{TABLE}\n")[2].partition("\n## ")[0]
    return {row[1].capitalize(): LINK.findall(row[2]) for row in ROW.finditer(table)}


def faults(listed: Mapping[str, Sequence[str]], pages: Iterable[str]) -> list[str]:
    """What is wrong between the navigation and the `pages` that there are, a sentence each."""
    times, there = Counter(page for chapter in listed.values() for page in chapter), set(pages)
    return [
        *(f"{page}.md is in no row of README.md's table of pages" for page in sorted(there - times.keys())),
        *(f"{page}.md is in README.md's table of pages and does not exist" for page in sorted(times.keys() - there)),
        *(f"{page}.md is in README.md's table of pages {n} times" for page, n in sorted(times.items()) if n > 1),
    ]


def toctrees(listed: Mapping[str, Sequence[str]], generated: Sequence[str]) -> str:
    """The lists of pages that the landing page gets on the site: the generated ones follow what is looked up."""
    groups = [page for page in generated if page.startswith(GROUP)]
    trees = []
    for caption, pages in listed.items():
        others = [page for page in generated if page not in groups] if caption == LOOKED_UP else []
        trees += [toctree([*pages, *others], caption), *([toctree(groups, GROUPS)] if caption == LOOKED_UP else [])]
    return "".join(trees)


def toctree(pages: Sequence[str], caption: str = "") -> str:
    """One list of pages in the site's navigation, not shown on the page itself."""
    said = [f":caption: {caption}"] if caption else []
    return "\n".join(["", "```{toctree}", ":hidden:", ":maxdepth: 1", *said, "", *pages, "```", ""])
