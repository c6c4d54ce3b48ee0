"""python -m src.ingest FILE…: results that others published become runs, with what was counted stated in each.

Plain words are files or folders: CodeCarbon's emissions.csv, reports of optimum-benchmark, the AI Energy Score's CSV,
and the 2023 study's data. Exit code 0, or 2 for a mistake in the words and a file of unknown shape: then nothing is
written. The last line of standard output is JSON.
"""

import json
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import hydra
from omegaconf import DictConfig, OmegaConf

from joulemark.analysis.external import cells, codecarbon, formats, study_tables
from joulemark.analysis.external.result import Found
from joulemark.analysis.impact.text import markdown
from joulemark.cli import command_line
from joulemark.config import hydra_errors
from joulemark.core import tracking
from joulemark.core.errors import UserError
from joulemark.core.paths import CONF, program
from joulemark.core.suggest import choose

SAID = 20  # lines about what was left out
ROWS = ("model", "task", "inferences")  # keys of `rows`; model and task are groups of other commands to Hydra


@hydra.main(config_path=str(CONF), config_name="ingest", version_base="1.3")
def command(config: DictConfig) -> None:
    """The ingestion that Hydra composed; leaves the process with its exit code."""
    hydra_errors.leave(lambda: run(config))


def run(config: DictConfig) -> int:
    """Reads all files, writes what is new, prints what was left out and a line of JSON; returns the exit code."""
    values: dict[str, Any] = OmegaConf.to_container(config, resolve=True)  # type: ignore[assignment]
    if not values["files"]:
        raise UserError(f"no file to read; type {program('ingest')} FILE…")
    uri, rows = tracking.resolve(values["tracking_uri"]), values["rows"]
    task = rows["task"]
    known = sorted(path.stem for path in (CONF / "task").glob("*.yaml"))
    if task is not None and task not in known:
        raise UserError(choose("task", str(task), known))
    found = formats.read([Path(str(word)) for word in values["files"]])
    found = codecarbon.told(found, rows["model"], task, count(rows["inferences"]))
    show(found)
    if values["tables"]:
        for table in study_tables.tables(found.results):
            print(f"\n{markdown(table)}")
    written = 0
    if not values["dry_run"]:
        from joulemark.store import external

        written = external.save_foreign(uri, found.results)
    print(_line(found, written, uri, values["dry_run"]))
    return 0


def count(word: Any) -> int | None:
    """The number of inferences as typed; UserError for anything but a whole number."""
    if word is not None and (isinstance(word, bool) or cells.whole(word) is None):
        raise UserError(f"inferences={word} is not a whole number")
    return cells.whole(word)


def show(found: Found) -> None:
    """Prints what was left out, and how many results of which format there are."""
    for line in found.left_out[:SAID]:
        print(f"! {line}")
    if len(found.left_out) > SAID:
        print(f"! and {len(found.left_out) - SAID} more")
    for format, number in Counter(one.format for one in found.results).items():
        print(f"{format}: {number} results")


def _line(found: Found, written: int, uri: str, dry: bool) -> str:
    """What was done as JSON; `known` are results that the store had, or that came twice."""
    return json.dumps(
        {
            "read": len(found.results),
            "written": written,
            "known": None if dry else len(found.results) - written,
            "left_out": len(found.left_out),
            "tracking_uri": tracking.public(uri),
        }
    )


def plain(words: Sequence[str]) -> list[str]:
    """The words as Hydra reads them: what is no key=value and no option is a file; `task=…` is `rows.task=…`."""
    files = [word for word in words if not word.startswith("-") and ("=" not in word or Path(word).exists())]
    rest = [f"rows.{word}" if word.partition("=")[0] in ROWS else word for word in words if word not in files]
    quoted = ",".join("'" + word.replace("'", "\\'") + "'" for word in files)
    return [*rest, f"files=[{quoted}]"] if files else rest


def main() -> int:
    """The command; every mistake of the user's is one line on standard error and exit code 2."""
    sys.argv[1:] = plain(sys.argv[1:])
    return command_line.start(command, "ingest")


if __name__ == "__main__":
    sys.exit(main())
