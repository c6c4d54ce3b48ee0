"""Pages of the reference of what a run leaves: every metric and flag, by the tables of the pages that define them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from joulemark.analysis.audit import DOUBTFUL
from joulemark.analysis.flags import UNDECIDING

# Page -> heading of the column in its tables that defines a metric
METRICS = {"what-a-run-leaves.md": "metric", "serving.md": "metric"}
FLAGS = ("what-a-run-leaves.md", "flag")
UNITS = (
    ("g_per_1k", "g CO₂e per 1,000"),
    ("wh_per_1k", "Wh per 1,000"),
    ("per_1k", "per 1,000"),
    ("per_s", "1/s"),
    ("bytes", "bytes"),
    ("wh", "Wh"),
    ("s", "s"),
    ("w", "W"),
    ("rel", "share"),
    ("share", "share"),
)


@dataclass(frozen=True)
class Defined:
    """What a page defines in a row of a table: the names of its first column, what it says of them, and where."""

    names: tuple[str, ...]
    meaning: str
    page: str


def defined(docs: Path, page: str, heading: str) -> Iterator[Defined]:
    """The rows of every table of a page whose first column has that heading."""
    lines = (docs / page).read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines):
        cells = cells_of(line)
        if cells[:1] != [heading]:
            continue
        column = next((i for i, name in enumerate(cells) if name in ("meaning", "definition")), 1)
        for row in lines[number + 2 :]:
            if not row.startswith("|"):
                break
            names, meaning = cells_of(row)[0], cells_of(row)[column]
            yield Defined(tuple(re.findall(r"`([^`]+)`", names)), _moved(meaning, page), page)


def _moved(text: str, page: str) -> str:
    """A text of a page of docs/ whose links hold in reference/."""
    text = re.sub(r"\]\(#", f"](../docs/{page}#", text)
    return re.sub(r"\]\((?![a-z]+:|\.\./docs/)", "](../docs/", text)


def cells_of(line: str) -> list[str]:
    """The cells of a table's line; none of another line."""
    return [part.strip() for part in re.split(r"(?<!\\)\|", line)[1:-1]] if line.startswith("|") else []


def metrics(docs: Path) -> list[Defined]:
    """Every metric that the pages define; a row whose names end in `*` points to another table."""
    rows = [row for page, heading in METRICS.items() for row in defined(docs, page, heading)]
    return [row for row in rows if row.names and not any("*" in name for name in row.names)]


def flags(docs: Path) -> list[Defined]:
    """Every flag that the page defines."""
    return list(defined(docs, *FLAGS))


def metrics_page(docs: Path) -> str:
    """Every metric by name: unit, meaning, and the page that defines it."""
    rows = sorted((name, row) for each in metrics(docs) for name, row in ((name, each) for name in each.names))
    return "\n".join(
        [
            "# Metrics",
            "",
            "By name, as in the last line of a run, in MLflow and in `Record.metrics`; each leads to its definition.",
            "",
            "| metric | unit | meaning |",
            "|---|---|---|",
            *(f"| [`{name}`](../docs/{row.page}) | {unit(name)} | {row.meaning} |" for name, row in rows),
            "",
        ]
    )


def flags_page(docs: Path) -> str:
    """Every flag: what it means, whether it makes a run doubtful, and whether such a process decides anything."""
    rows = sorted((name, each.meaning) for each in flags(docs) for name in each.names)
    return "\n".join(
        [
            "# Flags",
            "",
            "What a reader must see beside the numbers. A run with a doubtful flag has the verdict `doubtful`; a "
            "process that decides nothing counts for no verdict of a comparison, sweep or report.",
            "",
            "| flag | meaning | verdict | decides |",
            "|---|---|---|---|",
            *(
                f"| `{name}` | {meaning} | {'doubtful' if name in DOUBTFUL else ''} "
                f"| {'nothing' if name in UNDECIDING else ''} |"
                for name, meaning in rows
            ),
            "",
        ]
    )


def unit(metric: str) -> str:
    """The unit in a metric's name; empty where it has none."""
    name = metric.rpartition("/")[2]
    if "j_per_" in name:
        return f"J per {name.partition('j_per_')[2].replace('_', ' ')}"
    return next((said for end, said in UNITS if name == end or name.endswith(f"_{end}")), "")
