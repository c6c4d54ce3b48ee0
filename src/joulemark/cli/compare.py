"""joulemark compare A B: which of two settings costs less energy, or that they tie, or do not compare.

A and B are run ids (the beginning is enough), record.json files, or several of either with commas between them. A run
of the store stands for its cell: all processes of the same setting, software and card, unless --alone is typed or both
are of one cell. A verdict needs three processes a side (repeats=3). With `--max-regress 3%` A is the one to hold B
against, for use in CI; with `--needed 3%` it says how many processes a difference of that size takes on this machine.
Exit code 0; 1 where B costs more than that, or answers worse than `--max-quality-loss`; 3 where neither is
established; 2 for a mistake and for runs that do not compare. In a pipe the last line is JSON.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from joulemark.analysis import caveats, comparability, description, planning, verdict
from joulemark.analysis.comparison import METRICS, Comparison, compare
from joulemark.analysis.quantity import QUANTITIES
from joulemark.analysis.regression import Regression, in_words, regression
from joulemark.analysis.verdict import NOT_ESTABLISHED, PASSED, REGRESSED
from joulemark.cli import output, streams
from joulemark.cli.parser import Parser
from joulemark.cli.progress import checked
from joulemark.core.answer import Answer
from joulemark.core.cell import Cell
from joulemark.core.formatting import quantity
from joulemark.core.record import Record
from joulemark.store import loading

EXIT = {None: 0, PASSED: 0, REGRESSED: 1, NOT_ESTABLISHED: 3}
DO_NOT_COMPARE = 2


def percent(text: str) -> float:
    """A share in [0, 1) from `3%` or `0.03`."""
    try:
        value = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        value = -1.0
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"{text} is no share; type 3% or 0.03")
    return value


def arguments(argv: Sequence[str]) -> argparse.Namespace:
    """The options of the command; UserError for a mistake in them."""
    parser = Parser("compare", __doc__)
    parser.add_argument("a", metavar="A", help="run id, its beginning, or a record.json; the one to hold B against")
    parser.add_argument("b", metavar="B")
    parser.add_argument("--max-regress", type=percent, metavar="3%", help="exit code 1 where B costs more than this")
    parser.add_argument(
        "--max-quality-loss", type=percent, metavar="1%", help="exit code 1 where B loses more of A's quality than this"
    )
    parser.add_argument("--needed", type=percent, metavar="3%", help="how many processes such a difference takes here")
    parser.add_argument("--quantity", choices=tuple(QUANTITIES), help="default: gross, unless the host was shared")
    parser.add_argument("--across-engines", action="store_true", help="compare runs of two engines, too")
    parser.add_argument("--alone", action="store_true", help="these runs only, not their cells")
    parser.add_argument(
        "-v", action="store_true", help="everything, also on a terminal; --json adds the JSON line there"
    )
    parser.add_argument("--tracking-uri", help="default: MLFLOW_TRACKING_URI, else mlruns/mlflow.db")
    return parser.parse_args(argv)


def show(a: Sequence[Record], b: Sequence[Record], comparison: Comparison) -> None:
    """Prints both settings, why they do not compare or else their energies with the verdict and quality."""
    from rich.table import Table

    from joulemark.core import console

    for name, records, title in zip("AB", (a, b), description.titles([a[0], b[0]]), strict=True):
        processes = f"  ({len(records)} processes)" if len(records) > 1 else ""
        console.show(f"{name}  {title}{processes}")
        for warning in (*caveats.foremost(records[0]), *caveats.warnings(records[0])):
            console.show(f"   ! {warning}")
    table = Table(box=None, pad_edge=False)
    for column in ("", "A", "B", "A / B"):
        table.add_column(column, justify="left" if column == "" else "right", no_wrap=True)
    for name in METRICS:
        of_a, of_b = comparison.rows[name]
        if of_a is not None or of_b is not None:
            ratio = f"{of_a / of_b:.3g}" if of_a and of_b and not comparison.reasons and "share" not in name else ""
            table.add_row(name, quantity(of_a), quantity(of_b), ratio)
    console.show(table)
    for reason in comparison.reasons:
        console.show(f"do not compare: {reason}")
    if not comparison.reasons:
        _show_verdict(comparison)
    console.show(f"verdict: {in_words(comparison)}: {comparison.note}")


def answer(
    a: Sequence[Record], b: Sequence[Record], comparison: Comparison, gate: Regression, needed: dict[str, Any] | None
) -> Answer:
    """The verdict and both energies, what the verdict rests on, and what would establish more."""
    sides = [f"{name}  {title}" for name, title in zip("AB", description.titles([a[0], b[0]]), strict=True)]
    if comparison.reasons:
        return Answer([f"A and B do not compare: {comparison.reasons[0]}", *sides], comparison.reasons[1:])
    held = [f"{gate.outcome}: {gate.message}"] if gate.message else []
    energies = [f"{side}: {_in_words(cell)}" for side, cell in zip(sides, comparison.cells, strict=True)]
    pair = comparison.quality
    left_out = [f"left out: {'; '.join(comparison.left_out)}"] if comparison.left_out else []
    sure = [comparison.note, *left_out, f"compared: {comparison.quantity} energy, {comparison.quantity_reason}"]
    more = ["next: repeats=3 for each of the two, in turn; --needed 3% says how many a difference takes"]
    then = [needed["note"]] if needed else more * (comparison.verdict == verdict.NOT_ESTABLISHED)
    quality = f"quality: {pair.outcome}: {pair.note}"
    return Answer([*held, _verdict(comparison), *energies, quality], sure, then)


def _verdict(comparison: Comparison) -> str:
    """The outcome with the ratio of B over A, where there is one."""
    result, said = comparison.energy, in_words(comparison)
    if result is None or result.ratio is None:
        return said
    return f"{said}: B takes {result.multiple} the energy of A"


def _show_verdict(comparison: Comparison) -> None:
    from joulemark.core import console

    console.show(f"compared: {comparison.quantity} energy, {comparison.quantity_reason}")
    for name, cell in zip("AB", comparison.cells, strict=True):
        console.show(f"   {name}: {_in_words(cell)}")
    for left_out in comparison.left_out:
        console.show(f"   left out, {left_out}")
    result = comparison.energy
    if result is not None and result.ratio is not None:
        ends = "" if result.least is None else f"  ({result.least:.4g} to {result.most:.4g}, 95 % between processes)"
        console.show(f"B / A: {result.ratio:.4g}{ends}")
    console.show(f"quality: {comparison.quality.outcome}: {comparison.quality.note}")


def _in_words(cell: Cell) -> str:
    estimate = cell.estimate
    if estimate is None:
        return "no process that counts"
    kind = "between processes" if cell.processes > 1 else "within the run"
    half = "" if estimate.half_width is None else f" ± {estimate.half_width:.2g} {kind}"
    return f"{estimate.mean:.4g}{half} Wh per 1,000, {cell.processes} process{'es' if cell.processes > 1 else ''}"


def run(argv: Sequence[str]) -> int:
    """Compares two settings and prints the result; returns the exit code."""
    options = arguments(argv)
    a, b = loading.sides(options.a, options.b, options.tracking_uri, options.alone)
    comparison = compare(a, b, options.quantity, options.across_engines)
    result = regression(comparison, options.max_regress, options.max_quality_loss)
    code = DO_NOT_COMPARE if comparison.reasons else EXIT[result.outcome]
    needed = None if options.needed is None else _needed(_known(options, a[0], comparison), options.needed)
    output.show(answer(a, b, comparison, result, needed), lambda: show(a, b, comparison))
    output.link()
    output.last(_last_line(comparison, result, needed, code))
    return code


def _known(options: argparse.Namespace, record: Record, comparison: Comparison) -> Sequence[Cell]:
    """Every cell of the task that the store holds of this card; of files, and without a store, these two."""
    from joulemark.core import tracking
    from joulemark.store import cells

    if Path(options.a.split(",")[0]).expanduser().is_file():
        return comparison.cells
    uri = tracking.resolve(options.tracking_uri)
    return cells.remembered(uri, comparability.card(record), record.task.name).cells


def _needed(cells: Sequence[Cell], share: float) -> dict[str, Any]:
    """How many processes a side a difference of this share takes, by the scatter of cells measured here."""
    known = planning.scatter(cells)
    if known is None:
        note = "needed: unknown, since no setting was measured in two processes here; type repeats=3 first"
        return {"share": share, "processes": None, "note": note}
    count = planning.processes_needed(known, share)
    times = f"more than {planning.MOST_PROCESSES}" if count is None else str(count)
    note = f"needed for {share:.2%}: {times} processes a side (repeats={times}), at {known}, found four times of five"
    return {"share": share, "processes": count, "between_processes_cv": known.sd_log, "note": note}


def _last_line(comparison: Comparison, result: Regression, needed: dict[str, Any] | None, code: int) -> dict[str, Any]:
    return {
        "verdict": comparison.verdict,
        "note": comparison.note,
        "reasons": comparison.reasons,
        "quantity": comparison.quantity,
        "quantity_reason": comparison.quantity_reason,
        "energy": None if comparison.energy is None else asdict(comparison.energy),
        "processes": [cell.processes for cell in comparison.cells],
        "wh_per_1k": [cell.values for cell in comparison.cells],
        "left_out": comparison.left_out,
        "quality": asdict(comparison.quality),
        "gate": result.outcome,
        "needed": needed,
        "metrics": {name: {"a": of_a, "b": of_b} for name, (of_a, of_b) in comparison.rows.items()},
        "exit": code,
    }


def main() -> int:
    """The command; a user's mistake is one line on standard error and exit code 2."""
    streams.make_sturdy()
    return checked(lambda: run(output.taken(sys.argv[1:])))


if __name__ == "__main__":
    sys.exit(main())
