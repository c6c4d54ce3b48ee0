"""joulemark ingest FILE…: results that others published become runs, with what was counted stated in each.

Plain arguments are files or folders: CodeCarbon's emissions.csv, reports of optimum-benchmark, the AI Energy Score's
CSV, results of ML.ENERGY and AIPerf, and the 2023 study's data. Exit code 0, or 2 for a mistake in the options and a
file of unknown shape: then nothing is written. In a pipe the last line is JSON.
"""

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import hydra
from omegaconf import DictConfig, OmegaConf

from joulemark.analysis.external import cells, codecarbon, formats, study_tables
from joulemark.analysis.external.result import Contents
from joulemark.cli import command_line, output
from joulemark.cli.progress import to_stderr
from joulemark.core import markdown, tracking
from joulemark.core.answer import Answer
from joulemark.core.coerce import flag
from joulemark.core.errors import UserError
from joulemark.core.formatting import listed, many
from joulemark.core.paths import CONF, program
from joulemark.core.suggest import choose

MOST_LINES = 20  # about what was left out
ROWS = ("model", "task", "inferences")  # keys of `rows`; model and task are groups of other commands to Hydra


@hydra.main(config_path=str(CONF), config_name="ingest", version_base="1.3")
def command(config: DictConfig) -> None:
    """The ingestion that Hydra composed; leaves the process with its exit code."""
    command_line.leave(lambda: run(config))


def run(config: DictConfig) -> int:
    """Reads all files, writes what is new, prints what was left out and a line of JSON; returns the exit code."""
    values: dict[str, Any] = OmegaConf.to_container(config, resolve=True)  # type: ignore[assignment]
    dry, with_tables = (flag(key, values[key]) for key in ("dry_run", "tables"))
    if not values["files"]:
        raise UserError(f"no file to read; type {program('ingest')} FILE…")
    uri, rows = tracking.resolve(values["tracking_uri"]), values["rows"]
    task = rows["task"]
    known = sorted(path.stem for path in (CONF / "task").glob("*.yaml"))
    if task is not None and task not in known:
        raise UserError(choose("task", str(task), known))
    contents = formats.read([Path(str(file)).expanduser() for file in values["files"]])
    contents = codecarbon.completed(contents, rows["model"], task, count(rows["inferences"]))
    written = 0
    if not dry:
        from joulemark.store import external

        written = external.save_external(uri, contents.results, to_stderr)
    output.show(answer(contents, written, dry), lambda: show(contents))
    if with_tables:  # asked for, so shown wherever it is read
        for table in study_tables.tables(contents.results):
            print("\n" + "\n".join(markdown.table(table)))
    output.link()
    output.last(_line(contents, written, uri, dry))
    return 0


def answer(contents: Contents, written: int, dry: bool) -> Answer:
    """How much was read and is new, what was left out, and where it is to be seen."""
    formats = Counter(result.format for result in contents.results)
    read = listed([f"{many(number, 'result')} of {format}" for format, number in formats.items()] or ["no result"])
    known = len(contents.results) - written
    new = "nothing written" if dry else f"{written:,} written as runs" + (f", {known:,} there before" if known else "")
    left_out = contents.left_out
    more = [f"{many(len(left_out), 'line')} left out or doubtful: {left_out[0]}"] if left_out else []
    then = [f"next: {program('explore')} shows them on one page, {program('report')} in groups of their own"]
    return Answer([f"read {read}: {new}"], more, then * (written > 0))


def count(option: Any) -> int | None:
    """The number of inferences as typed; UserError for anything but a whole number."""
    if option is not None and (isinstance(option, bool) or cells.whole(option) is None):
        raise UserError(f"inferences={option} is not a whole number")
    return cells.whole(option)


def show(contents: Contents) -> None:
    """Prints what was left out, and how many results of which format there are."""
    for line in contents.left_out[:MOST_LINES]:
        print(f"! {line}")
    if len(contents.left_out) > MOST_LINES:
        print(f"! and {len(contents.left_out) - MOST_LINES} more")
    for format, number in Counter(result.format for result in contents.results).items():
        print(f"{format}: {number} results")


def _line(contents: Contents, written: int, uri: str, dry: bool) -> dict[str, Any]:
    """What was done, for programs; `known` are results that the store had, or that came twice."""
    return {
        "read": len(contents.results),
        "written": written,
        "known": None if dry else len(contents.results) - written,
        "left_out": len(contents.left_out),
        "tracking_uri": tracking.public(uri),
    }


def plain(arguments: Sequence[str]) -> list[str]:
    """The arguments as Hydra reads them: what is no key=value and no flag is a file; `task=…` is `rows.task=…`."""
    files = [
        argument
        for argument in arguments
        if not argument.startswith("-") and ("=" not in argument or Path(argument).exists())
    ]
    rest = [
        f"rows.{argument}" if argument.partition("=")[0] in ROWS else argument
        for argument in arguments
        if argument not in files
    ]
    quoted = ",".join("'" + argument.replace("'", "\\'") + "'" for argument in files)
    return [*rest, f"files=[{quoted}]"] if files else rest


def main() -> int:
    """The command; a user's mistake is one line on standard error and exit code 2."""
    sys.argv[1:] = plain(sys.argv[1:])
    return command_line.start(command, "ingest")


if __name__ == "__main__":
    sys.exit(main())
