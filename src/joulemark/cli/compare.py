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
from pathlib import Path
from typing import NoReturn

from joulemark.analysis import caveats, description
from joulemark.analysis.comparison import Comparison, compare
from joulemark.core import tracking
from joulemark.core.errors import UserError
from joulemark.core.formatting import quantity
from joulemark.core.paths import program
from joulemark.core.record import Record
from joulemark.core.record_json import from_json


class Parser(argparse.ArgumentParser):
    """Says a mistake in one line."""

    def error(self, message: str) -> NoReturn:
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


def read(word: str, uri: str | None) -> Record:
    """The record of a file or of a run in the store; UserError where there is none."""
    path = Path(word)
    if path.is_file():
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            return from_json(values.get("record", values))  # one that was set aside has its params beside it
        except (OSError, ValueError, AttributeError) as error:
            raise UserError(f"{word} cannot be read as a record: {error}") from None
    if path.suffix == ".json" or path.parent != Path("."):
        raise UserError(f"{word} is not a file; type a record.json, or the beginning of a run's id")
    from joulemark.store import reading

    ((_, record),) = reading.recorded(tracking.resolve(uri), [word])
    return record


def judge(found: Comparison, max_regress: float | None, max_quality_loss: float | None) -> tuple[int, str]:
    """The exit code, and what it stands on in words where something was asked.

    B regresses where it costs more by more than the limit and the verdict is A: what ties is noise.
    """
    if found.reasons:
        return 2, ""
    said, code = [], 0
    if max_quality_loss is not None:
        a, b = found.rows["quality/primary"]
        if a is None or b is None or a <= 0:
            return 2, "quality cannot be held against a limit: one of the runs has none"
        lost = (a - b) / a
        code = 1 if lost > max_quality_loss else code
        said.append(f"quality: B loses {lost:.2%}, {max_quality_loss:.2%} is accepted")
    if max_regress is not None:
        if found.verdict == "unknown" or found.found is None:
            return 2, f"energy cannot be held against a limit: {found.note}"
        more = 1 / found.found.ratio - 1 if found.found.ratio else None
        if more is None:
            return 2, "energy cannot be held against a limit: it is not above zero in one of the runs"
        code = 1 if found.verdict == "A" and more > max_regress else code
        said.append(f"energy: B costs {more:+.2%} ({_word(found)}), {max_regress:.2%} is accepted")
    return code, "; ".join(said)


def show(a: Record, b: Record, found: Comparison) -> None:
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
    for name, (one, other) in found.rows.items():
        if one is not None or other is not None:
            ratio = f"{one / other:.3g}" if one and other and not found.reasons and "share" not in name else ""
            table.add_row(name, quantity(one), quantity(other), ratio)
    console.show(table)
    for reason in found.reasons:
        console.show(f"do not compare: {reason}")
    if found.found is not None:
        gap = found.found
        console.show(f"J per inference, A - B: {gap.difference:.4g}{_interval(gap.low, gap.high)}")
        if gap.ratio is not None:
            console.show(f"A / B: {gap.ratio:.4g}{_interval(gap.ratio_low, gap.ratio_high)}")
    console.show(f"verdict: {_word(found)}: {found.note}")


def _word(found: Comparison) -> str:
    return f"{found.verdict} costs less" if found.verdict in ("A", "B") else found.verdict


def _interval(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"  ({low:.4g} to {high:.4g}, 95 %)"


def run(words: Sequence[str]) -> int:
    """Compares two runs and prints what was found; returns the exit code."""
    asked = arguments(words)
    a, b = read(asked.a, asked.tracking_uri), read(asked.b, asked.tracking_uri)
    found = compare(a, b)
    code, said = judge(found, asked.max_regress, asked.max_quality_loss)
    show(a, b, found)
    if said:
        print(said)
    last = {
        "verdict": found.verdict,
        "note": found.note,
        "reasons": found.reasons,
        "energy_j_per_inference": None if found.found is None else asdict(found.found),
        "metrics": {name: {"a": one, "b": other} for name, (one, other) in found.rows.items()},
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
