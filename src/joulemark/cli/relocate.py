"""joulemark relocate: after the project or its mlruns moved, the store finds the files of its runs again.

MLflow keeps absolute paths in its database. This finds the folder that they name, shows what it will change, and
rewrites them in one transaction after a copy of the database was made. Exit code 0, or 2 for a mistake in the options,
a run that is RUNNING, and a database that is not sqlite or of another MLflow.
"""

import sys
from pathlib import Path
from typing import Any

import hydra
from omegaconf import DictConfig, OmegaConf

from joulemark.cli import command_line, output
from joulemark.core import tracking
from joulemark.core.answer import Answer
from joulemark.core.coerce import flag
from joulemark.core.errors import UserError
from joulemark.core.formatting import many
from joulemark.core.paths import CONF
from joulemark.store import relocation
from joulemark.store.relocation import Move


@hydra.main(config_path=str(CONF), config_name="relocate", version_base="1.3")
def command(config: DictConfig) -> None:
    """The relocation that Hydra composed; leaves the process with its exit code."""
    command_line.leave(lambda: run(config))


def run(config: DictConfig) -> int:
    """Shows what changes, rewrites unless `dry_run`, prints one line of JSON; returns the exit code."""
    values: dict[str, Any] = OmegaConf.to_container(config, resolve=True)  # type: ignore[assignment]
    dry = flag("dry_run", values["dry_run"])
    uri = tracking.resolve(values["tracking_uri"])
    database = tracking.sqlite_path(uri)
    if database is None:
        raise UserError(
            f"tracking_uri={tracking.public(uri)} is not a sqlite file; only there do paths move with the folder"
        )
    old, new = (
        None if values[key] is None else Path(str(values[key])).expanduser().absolute() for key in ("from", "to")
    )
    move = relocation.plan(database, old, new)
    if move is not None:
        relocation.check(move)
    copy = None
    if move is not None and not dry:
        move, copy = relocation.relocate(database, old, new)
    output.show(answer(move, copy), None if move is None else lambda: show(move))
    output.last(_line(move, copy, database))
    return 0


def answer(move: Move | None, copy: Path | None) -> Answer:
    """Whether paths were wrong, what became of them, and how to undo that."""
    if move is None:
        return Answer(["every path of this store is right: nothing to change"])
    lost = move.runs - move.arrived - move.left_behind
    done = f"{many(move.values, 'path')} {'to change' if copy is None else 'changed'}: {move.old} is {move.new}"
    sure = [f"{lost} of {many(move.runs, 'run')} have their files in neither folder"] if lost else []
    then = ["nothing written: leave dry_run out"] if copy is None else [f"as it was before: {copy}"]
    return Answer([done], sure, then)


def show(move: Move) -> None:
    """Prints the old folder, the new one, and how many values of which column change."""
    print(f"from {move.old}\nto   {move.new}")
    for column, count in move.changes.items():
        if count:
            print(f"     {column}: {count}")
    lost = move.runs - move.arrived - move.left_behind
    if lost:
        print(f"! {lost} of {move.runs} runs have their files in neither folder; their paths change all the same")


def _line(move: Move | None, copy: Path | None, database: Path) -> dict[str, Any]:
    """What was done, for programs: `changed` is 0 where every path was right, and where nothing was written."""
    return {
        "database": str(database),
        "from": None if move is None else str(move.old),
        "to": None if move is None else str(move.new),
        "found": 0 if move is None else move.values,
        "changed": 0 if move is None or copy is None else move.values,
        "copy": None if copy is None else str(copy),
    }


def main() -> int:
    """The command; a user's mistake is one line on standard error and exit code 2."""
    return command_line.start(command, "relocate")


if __name__ == "__main__":
    sys.exit(main())
