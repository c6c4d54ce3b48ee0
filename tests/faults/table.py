"""docs/reliability.md, from what came out."""

import platform
from datetime import date

from tests.faults.cells import WRITING, cells
from tests.faults.run import STAGES
from tests.paths import ROOT

PATH = ROOT / "docs" / "reliability.md"
COLUMNS = (*STAGES, WRITING)
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
    """Replaces the part of the page that lies between the two marks; cells that were not run now keep what they say."""
    before, _, rest = PATH.read_text(encoding="utf-8").partition(BEGIN)
    written, _, after = rest.partition(END)
    lines = [[part.strip() for part in line.split("|")[1:-1]] for line in written.splitlines() if line.startswith("|")]
    columns = lines[0][1:] if lines else []
    texts = {(line[0], stage): text for line in lines[2:] for stage, text in zip(columns, line[1:], strict=True)}
    texts |= {(cell.row, cell.stage): said(*outcome) for cell, outcome in found.items()}
    rows = [
        " | ".join([f"| {name}", *(texts.get((name, stage), "") for stage in COLUMNS)]) + " |"
        for name in dict.fromkeys(cell.row for cell in cells())
    ]
    head = f"| fault | {' | '.join(COLUMNS)} |\n|---|{'---|' * len(COLUMNS)}"
    when = f"{date.today():%Y-%m-%d}, {platform.system()} {platform.release().split('-')[0]}."
    table = "\n".join([head, *rows])
    PATH.write_text(f"{before}{BEGIN}\n{when}\n\n{table}\n\n{END}{after}", encoding="utf-8")
