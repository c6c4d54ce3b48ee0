"""joulemark rescore: another site laid over past runs, without running them; what was measured stays as it is.

The metrics go to the same run under names of their own, `rescored/LABEL/emissions/g_per_1k` and so on, and the site
with the date into the tag `rescored.LABEL`. A label holds one site for good: another one under it is refused. Exit
code 0, or 2 for a mistake in the options.
"""

import json
import sys
from collections.abc import Sequence
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from joulemark.analysis import emissions, energy_metrics, named_metrics
from joulemark.cli import command_line
from joulemark.config.factories import site_of
from joulemark.core import tracking
from joulemark.core.errors import UserError
from joulemark.core.formatting import quantity
from joulemark.core.machine import Site
from joulemark.core.paths import CONF
from joulemark.store import rescoring
from joulemark.store.rescoring import Rescored

# What a site makes of a run's joules, as the table heads it; a metric that neither site gives has no column
COLUMNS = {
    "emissions/g_per_1k": "g CO2e: before | after",
    "cost/per_1k": "cost: before | after",
    "heat/credit_wh_per_1k": "heating avoided, Wh: before | after",
}


@hydra.main(config_path=str(CONF), config_name="rescore", version_base="1.3")
def command(config: DictConfig) -> None:
    """The rescoring that Hydra composed; leaves the process with its exit code."""
    command_line.leave(lambda: run(config, str(HydraConfig.get().runtime.choices["site"])))


def run(config: DictConfig, name: str) -> int:
    """Rescores the chosen runs, writes unless `dry_run`, prints the table and one line of JSON; the exit code."""
    values: dict[str, Any] = OmegaConf.to_container(config, resolve=True)  # type: ignore[assignment]
    site = site_of(values["site"], name)
    label, ids = rescoring.label_of(values["label"], site), _ids(values["runs"])
    uri = tracking.resolve(values["tracking_uri"])
    runs = rescoring.rescore(uri, ids, values["tasks"], site, label)
    written = 0 if values["dry_run"] else rescoring.write(uri, runs, site, label)
    show(runs, site, label)
    print(json.dumps({"runs": len(runs), "written": written, "label": label}))
    return 0


def _ids(option: Any) -> list[str]:
    ids: list[str] = list(option) if isinstance(option, list) else [option]
    for prefix in ids:
        if not isinstance(prefix, str):  # an id of digits, or with one e, is a number to YAML
            raise UserError(f"runs={prefix} was read as a number; quote it: 'runs=[\"…\"]'")
    return ids


def show(runs: Sequence[Rescored], site: Site, label: str) -> None:
    """Prints both values of every metric and run, before | after, and their warnings first."""
    from rich.table import Table

    from joulemark.core import console

    for run in runs:
        share = energy_metrics.estimated_share(run.record.measurement)
        if share is not None and share > site.estimated_limit:
            console.show(f"! estimated: {run.run_id[:8]}: {share:.0%} of this energy was estimated, not measured")
    console.show(f"after ({label}): {emissions.summary(site)}")
    table = Table(box=None, pad_edge=False)
    for name in ("run", "model", "task"):
        table.add_column(name, overflow="fold")
    columns = {name: heading for name, heading in COLUMNS.items() if any(_known_of(run, name) for run in runs)}
    for heading in ("Wh per 1,000", *columns.values()):
        table.add_column(heading, justify="right", overflow="fold")
    for run in runs:
        wh = named_metrics.metrics(run.record)["energy/total_wh_per_1k"]
        row = [run.run_id[:8], run.record.model.name, run.record.task.name, quantity(wh)]
        table.add_row(*row, *(_cell(run, name, site) for name in columns))
    console.show(table)


def _known_of(run: Rescored, name: str) -> bool:
    return run.before[name] is not None or run.after[name] is not None


def _cell(run: Rescored, name: str, site: Site) -> str:
    before, after = (run.record.site.currency, site.currency) if name == "cost/per_1k" else (None, None)
    return f"{quantity(run.before[name], before)} | {quantity(run.after[name], after)}"


def main() -> int:
    """The command; a user's mistake is one line on standard error and exit code 2."""
    return command_line.start(command, "rescore")


if __name__ == "__main__":
    sys.exit(main())
