"""joulemark explore: every run of the store and every result of other programs on one page that opens offline.

Prints where the page is; in a pipe the last line is JSON. Exit code 0, or 2 for a mistake in the options.
"""

import sys

import hydra
from omegaconf import DictConfig, OmegaConf

from joulemark.cli import command_line, output
from joulemark.cli.progress import to_stderr
from joulemark.core.answer import Answer
from joulemark.core.coerce import typed
from joulemark.core.formatting import many
from joulemark.core.paths import CONF
from joulemark.reporting.explorer.build import Explorer, ExplorerRequest, make


@hydra.main(config_path=str(CONF), config_name="explore", version_base="1.3")
def command(config: DictConfig) -> None:
    """The page that Hydra composed; leaves the process with its exit code."""
    values = OmegaConf.to_container(config, resolve=True)
    command_line.leave(lambda: show(make(typed(ExplorerRequest, values, ""), to_stderr)))  # type: ignore[arg-type]


def show(made: Explorer) -> int:
    """Prints how many rows the page has, where it is, and what programs read; returns the exit code."""
    counted = f"{many(made.own, 'run')} and {many(made.external, 'result')} of other programs"
    left_out = [f"{made.left_out:,} left out: written by a newer Joulemark"] if made.left_out else []
    output.show(Answer([counted], left_out))
    output.link(f"Open the page: {made.file}")
    output.last({"explorer": str(made.file), "runs": made.own, "external": made.external, "left_out": made.left_out})
    return 0


def main() -> int:
    """The command; a user's mistake is one line on standard error and exit code 2."""
    return command_line.start(command, "explore")


if __name__ == "__main__":
    sys.exit(main())
