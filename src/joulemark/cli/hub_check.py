"""joulemark hub_check: every model and dataset of conf/ against the live Hub, and a table of what works.

Of a dataset the first two rows are read as a run reads them; of a checkpoint only its list of files and its
configuration, unless `weights=true` has each one loaded and run. Exit code 0 when all works, 1 when something does
not, 2 for a mistake in the options or no network.
"""

import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import hydra
from hydra.core.config_store import ConfigStore
from omegaconf import DictConfig, OmegaConf

from joulemark.cli import command_line, output
from joulemark.cli.hub_requirements import HubCheckResult, checked, requirements
from joulemark.cli.progress import to_stderr
from joulemark.core import signals
from joulemark.core.answer import Answer
from joulemark.core.coerce import several
from joulemark.core.paths import CONF
from joulemark.core.progress import time_left
from joulemark.data import hub


@dataclass
class HubCheckSchema:
    """What `conf/hub_check.yaml` may hold; Hydra checks names and types against it (it must not be frozen)."""

    tasks: Any = field(default_factory=list)
    datasets: Any = field(default_factory=list)
    models: Any = field(default_factory=list)
    rows: int = 2
    limit_s: float = 120.0
    weights: bool = False
    overrides: Any = field(default_factory=list)


ConfigStore.instance().store(name="hub_check_schema", node=HubCheckSchema)


@hydra.main(config_path=str(CONF), config_name="hub_check", version_base="1.3")
def main_command(config: DictConfig) -> None:
    """The check that Hydra composed; leaves the process with its exit code."""
    try:
        command_line.leave(lambda: run(config))
    except KeyboardInterrupt:
        sys.exit(signals.exit_code("SIGINT"))


def run(config: DictConfig) -> int:
    """Makes every check and prints the table; returns the exit code."""
    options: dict[str, Any] = OmegaConf.to_container(config, resolve=True)  # type: ignore[assignment]
    options |= {key: several(options[key]) for key in ("tasks", "datasets", "models", "overrides")}
    todo = requirements(options)
    hub.require_network()
    results: list[HubCheckResult] = []
    began_s = time.monotonic()
    for number, requirement in enumerate(todo, start=1):
        took_s = [(time.monotonic() - began_s) / len(results)] if results else []
        about = time_left(took_s, len(todo) - len(results))
        to_stderr(f"[{number}/{len(todo)}{about}] {requirement.what} {requirement.name}: {requirement.id}")
        results.append(checked(requirement, None if options["weights"] else options["limit_s"]))
    failed = [result for result in results if not result.works]
    output.show(answer(results, failed), lambda: show(results))
    output.link()
    output.last({"checked": len(results), "failed": len(failed), "rows": [asdict(result) for result in results]})
    return 1 if failed else 0


def answer(results: Sequence[HubCheckResult], failed: Sequence[HubCheckResult]) -> Answer:
    """How many work, and each that does not with its reason."""
    counted = f"{len(results) - len(failed)} of {len(results)} work on the Hub"
    return Answer([counted, *(f"{result.what} {result.name} ({result.id}): {result.message}" for result in failed)])


def show(results: Sequence[HubCheckResult]) -> None:
    """Prints one line for each result, those of one task or kind together."""
    from rich.table import Table

    from joulemark.core import console

    table = Table(box=None, pad_edge=False)
    for name in ("", "name", "on the Hub", "works", ""):
        table.add_column(name, no_wrap=bool(name), overflow="fold")
    before = ""
    for result in results:
        group = f"{result.what}s: {result.group}"
        table.add_row(
            "" if group == before else group, result.name, result.id, "yes" if result.works else "NO", result.message
        )
        before = group
    console.show(table)


def main() -> int:
    """The command; a user's mistake is one line on standard error and exit code 2."""
    return command_line.start(main_command, "hub_check")


if __name__ == "__main__":
    sys.exit(main())
