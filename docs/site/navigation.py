"""Which pages the site has, in which order; a page of docs/ that is in no list is under "More pages"."""

from collections.abc import Mapping, Sequence
from pathlib import Path

# Caption -> pages by their paths in the checkout, without .md; one that is not there (yet) is left out
PAGES: Mapping[str, Sequence[str]] = {
    "Start": ("docs/tutorial", "docs/install", "docs/windows", "docs/macos", "docs/docker", "docs/example-report"),
    "How to": (
        "docs/hub-checkpoint",
        "docs/own-data",
        "docs/own-parts",
        "docs/sweeps",
        "docs/serving",
        "docs/cluster",
        "docs/report",
        "docs/explorer",
        "docs/ci-gate",
        "docs/notebook",
        "docs/python",
        "docs/export",
        "docs/ingest",
        "docs/predict",
    ),
    "Reference": ("docs/options", "docs/what-a-run-leaves", "docs/environment"),
    "Reference: the groups of conf/": (),
    "What is behind the figures": (
        "docs/measurement",
        "docs/feeding",
        "docs/impact",
        "docs/study",
        "docs/reliability",
        "docs/security",
    ),
    "The project": ("CONTRIBUTING", "CHANGELOG", "docs/decisions/README"),
}
LOOKED_UP, GROUPS = "Reference", "Reference: the groups of conf/"
GROUP = "reference/group-"


def toctrees(source: Path, generated: Sequence[str]) -> str:
    """The lists of pages that README.md gets on the site, of those that are in `source`."""
    listed = {page for pages in PAGES.values() for page in pages}
    there = {f"docs/{path.stem}" for path in (source / "docs").glob("*.md")}
    chapters = {caption: list(pages) for caption, pages in PAGES.items()}
    chapters[LOOKED_UP] += [page for page in generated if not page.startswith(GROUP)]
    chapters[GROUPS] = [page for page in generated if page.startswith(GROUP)]
    if others := sorted(there - listed):
        chapters["More pages"] = others
    return "".join(
        toctree([page for page in pages if (source / f"{page}.md").is_file()], caption)
        for caption, pages in chapters.items()
    )


def toctree(pages: Sequence[str], caption: str = "") -> str:
    """One list of pages in the site's navigation, not shown on the page itself."""
    said = [f":caption: {caption}"] if caption else []
    return "\n".join(["", "```{toctree}", ":hidden:", ":maxdepth: 1", *said, "", *pages, "```", ""])
