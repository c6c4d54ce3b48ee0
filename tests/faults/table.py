"""docs/reliability.md, from what came out."""

import platform
from datetime import date

from tests.faults.cells import NAMES
from tests.faults.run import STAGES
from tests.paths import ROOT

PATH = ROOT / "docs" / "reliability.md"
BEGIN, END = "<!-- written by make test-faults -->\n", "<!-- end of what it writes -->\n"


def said(outcome, runs):
    """One cell: what the store holds in the end, and by whom it was told."""
    if isinstance(outcome, Exception):
        return f"broken: {type(outcome).__name__}"
    if not runs:
        return f"nothing begun, {outcome.code}"
    statuses = ", ".join(run.info.status.lower() for run in runs)
    return f"{statuses}{', waited' if outcome.waited else ''}, {outcome.code}"


def write(found):
    """Replaces the part of the page that lies between the two marks."""
    rows = [
        " | ".join([f"| {name}", *(_cell(found, fault, stage) for stage in STAGES)]) + " |"
        for fault, name in NAMES.items()
    ]
    head = f"| fault | {' | '.join(STAGES)} |\n|---|{'---|' * len(STAGES)}"
    when = f"{date.today():%Y-%m-%d}, {platform.system()} {platform.release().split('-')[0]}, {len(found)} cells."
    before, _, rest = PATH.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    table = "\n".join([head, *rows])
    PATH.write_text(f"{before}{BEGIN}\n{when}\n\n{table}\n\n{END}{after}", encoding="utf-8")


def _cell(found, fault, stage):
    for cell, (outcome, runs) in found.items():
        if (cell.fault, cell.stage) == (fault, stage):
            return said(outcome, runs)
    return ""
