"""joulemark hub_check: every model and dataset of conf/ against the live Hub, and a table of what works.

Of a dataset the first two rows are read as a run reads them; of a checkpoint only its list of files and its
configuration, unless `weights=true` has each one loaded and asked. Exit code 0 when all works, 1 when something does
not, 2 for a mistake in the options or no network.
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import hydra
from hydra.core.config_store import ConfigStore
from omegaconf import DictConfig, OmegaConf

from joulemark.cli import command_line
from joulemark.cli.hub_requirements import HubCheckResult, checked, questions
from joulemark.core import signals
from joulemark.core.paths import CONF
from joulemark.data import hub


@dataclass
class HubCheckSchema:
    """What `conf/hub_check.yaml` may hold; Hydra checks names and types against it (it must not be frozen)."""

    tasks: list[str] = field(default_factory=list)
    datasets: list[str] = field(default_factory=list)
    models: list[str] = field(default_factory=list)
    rows: int = 2
    limit_s: float = 120.0
    weights: bool = False
    overrides: list[str] = field(default_factory=list)


ConfigStore.instance().store(name="hub_check_schema", node=HubCheckSchema)


@hydra.main(config_path=str(CONF), config_name="hub_check", version_base="1.3")
def main_command(config: DictConfig) -> None:
    """The check that Hydra composed; leaves the process with its exit code."""
    try:
        command_line.leave(lambda: run(config))
    except KeyboardInterrupt:
        sys.exit(signals.exit_code("SIGINT"))


def run(config: DictConfig) -> int:
    """Asks every question and prints the table; returns the exit code."""
    options: dict[str, Any] = OmegaConf.to_container(config, resolve=True)  # type: ignore[assignment]
    todo = questions(options)
    hub.require_network()
    answers = []
    for number, question in enumerate(todo, start=1):
        print(f"[{number}/{len(todo)}] {question.what} {question.name}: {question.id}", file=sys.stderr, flush=True)
        answers.append(checked(question, None if options["weights"] else options["limit_s"]))
    show(answers)
    failed = sum(not answer.works for answer in answers)
    print(json.dumps({"checked": len(answers), "failed": failed, "rows": [asdict(answer) for answer in answers]}))
    return 1 if failed else 0


def show(answers: Sequence[HubCheckResult]) -> None:
    """Prints one line for each answer, those of one task or kind together."""
    from rich.table import Table

    from joulemark.core import console

    table = Table(box=None, pad_edge=False)
    for name in ("", "name", "on the Hub", "works", ""):
        table.add_column(name, no_wrap=bool(name), overflow="fold")
    before = ""
    for answer in answers:
        group = f"{answer.what}s: {answer.group}"
        table.add_row(
            "" if group == before else group, answer.name, answer.id, "yes" if answer.works else "NO", answer.message
        )
        before = group
    console.show(table)


def main() -> int:
    """The command; a user's mistake is one line on standard error and exit code 2."""
    return command_line.start(main_command, "hub_check")


if __name__ == "__main__":
    sys.exit(main())
