"""joulemark compare A B: which of two runs costs less energy, or that they tie, or do not compare.

A and B are run ids (the beginning is enough) or record.json files. With `--max-regress 3%` A is the one to hold B
against, for use in CI. Exit code 0; 1 where B costs more than that, or answers worse than `--max-quality-loss`; 2 for
a mistake, for runs that do not compare, and where the question cannot be answered. The last line is JSON.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import NoReturn

from joulemark.analysis import caveats, description
from joulemark.analysis.comparison import Comparison, compare
from joulemark.analysis.regression import in_words, regression
from joulemark.core.errors import UserError
from joulemark.core.formatting import quantity
from joulemark.core.paths import program
from joulemark.core.record import Record
from joulemark.store.loading import load


class Parser(argparse.ArgumentParser):
    """Says a mistake in one line."""

    def error(self, message: str) -> NoReturn:
        """Raises UserError with the message, in place of a usage page."""
        raise UserError(f"{message}; {program('compare')} --help shows how")


def percent(text: str) -> float:
    """A share in [0, 1) from `3%` or `0.03`."""
    try:
        value = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        value = -1.0
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"{text} is no share; type 3% or 0.03")
    return value


def arguments(words: Sequence[str]) -> argparse.Namespace:
    """The options of the command; UserError for a mistake in them."""
    parser = Parser(prog=program("compare"), description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("a", metavar="A", help="run id, its beginning, or a record.json; the one to hold B against")
    parser.add_argument("b", metavar="B")
    parser.add_argument("--max-regress", type=percent, metavar="3%", help="exit code 1 where B costs more than this")
    parser.add_argument(
        "--max-quality-loss", type=percent, metavar="1%", help="exit code 1 where B loses more of A's quality than this"
    )
    parser.add_argument("--tracking-uri", help="default: MLFLOW_TRACKING_URI, else mlruns/mlflow.db")
    return parser.parse_args(words)


def show(a: Record, b: Record, comparison: Comparison) -> None:
    """Prints both runs, the reasons why they do not compare or else the difference with its interval and verdict."""
    from rich.table import Table

    from joulemark.core import console

    for name, record in (("A", a), ("B", b)):
        console.show(f"{name}  {description.title(record)}")
        for warning in (*caveats.foremost(record), *caveats.warnings(record)):
            console.show(f"   ! {warning}")
    table = Table(box=None, pad_edge=False)
    for column in ("", "A", "B", "A / B"):
        table.add_column(column, justify="left" if column == "" else "right", no_wrap=True)
    for name, (one, other) in comparison.rows.items():
        if one is not None or other is not None:
            ratio = f"{one / other:.3g}" if one and other and not comparison.reasons and "share" not in name else ""
            table.add_row(name, quantity(one), quantity(other), ratio)
    console.show(table)
    for reason in comparison.reasons:
        console.show(f"do not compare: {reason}")
    if comparison.difference is not None:
        difference = comparison.difference
        console.show(f"J per inference, A - B: {difference.difference:.4g}{_interval(difference.low, difference.high)}")
        if difference.ratio is not None:
            console.show(f"A / B: {difference.ratio:.4g}{_interval(difference.ratio_low, difference.ratio_high)}")
    console.show(f"verdict: {in_words(comparison)}: {comparison.note}")


def _interval(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"  ({low:.4g} to {high:.4g}, 95 %)"


def run(words: Sequence[str]) -> int:
    """Compares two runs and prints the result; returns the exit code."""
    options = arguments(words)
    a, b = load(options.a, options.tracking_uri)[1], load(options.b, options.tracking_uri)[1]
    comparison = compare(a, b)
    result = regression(comparison, options.max_regress, options.max_quality_loss)
    code = 2 if result.regressed is None else int(result.regressed)
    show(a, b, comparison)
    if result.message:
        print(result.message)
    last = {
        "verdict": comparison.verdict,
        "note": comparison.note,
        "reasons": comparison.reasons,
        "energy_j_per_inference": None if comparison.difference is None else asdict(comparison.difference),
        "metrics": {name: {"a": of_a, "b": of_b} for name, (of_a, of_b) in comparison.rows.items()},
        "exit": code,
    }
    print(json.dumps(last, allow_nan=False))
    return code


def main() -> int:
    """The command; a user's mistake is one line on standard error and exit code 2."""
    try:
        return run(sys.argv[1:])
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
