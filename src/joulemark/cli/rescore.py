"""joulemark rescore: another site laid over past runs, without running them; what was measured stays as it is.

The metrics go to the same run under names of their own, `rescored/LABEL/emissions/g_per_1k` and so on, and the site
with the date into the tag `rescored.LABEL`. A label holds one site for good: another one under it is refused. Exit
code 0, or 2 for a mistake in the options.
"""

import sys
from collections.abc import Sequence
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from joulemark.analysis import description, emissions, energy_metrics, named_metrics
from joulemark.cli import command_line, output
from joulemark.config import option_help
from joulemark.config.factories import site_of
from joulemark.core import tracking
from joulemark.core.answer import Answer
from joulemark.core.coerce import flag, several
from joulemark.core.errors import UserError
from joulemark.core.formatting import many, quantity
from joulemark.core.machine import Site
from joulemark.core.paths import CONF, program
from joulemark.core.suggest import choose
from joulemark.store import rescoring
from joulemark.store.rescoring import Rescored

# What a site makes of a run's joules, as the table heads it; a metric that neither site gives has no column
COLUMNS = {
    "emissions/g_per_1k": "g CO2e: before | after",
    "cost/per_1k": "cost: before | after",
    "heat/credit_wh_per_1k": "heating avoided, Wh: before | after",
}

SPOKEN = {
    "emissions/g_per_1k": ("emissions", "g CO2e"),
    "cost/per_1k": ("cost", None),  # None: the site's currency
    "heat/credit_wh_per_1k": ("heating avoided", "Wh"),
}
# What of a site makes figures
TELLING = ("g_per_kwh", "price_per_kwh", "heat_reuse")


@hydra.main(config_path=str(CONF), config_name="rescore", version_base="1.3")
def command(config: DictConfig) -> None:
    """The rescoring that Hydra composed; leaves the process with its exit code."""
    command_line.leave(lambda: run(config, str(HydraConfig.get().runtime.choices["site"])))


def run(config: DictConfig, name: str) -> int:
    """Rescores the chosen runs, writes unless `dry_run`, prints the table and one line of JSON; the exit code."""
    values: dict[str, Any] = OmegaConf.to_container(config, resolve=True)  # type: ignore[assignment]
    dry = flag("dry_run", values["dry_run"])
    site = site_of(values["site"], name)
    if not any(getattr(site, fact) is not None for fact in TELLING):
        raise UserError("a site without a zone, a price or a use of its heat changes nothing: type site.zone=FRA")
    label, ids = rescoring.label_of(values["label"], site), _ids(values["runs"])
    uri = tracking.resolve(values["tracking_uri"])
    runs = rescoring.rescore(uri, ids, _tasks(values["tasks"]), site, label)
    written = 0 if dry else rescoring.write(uri, runs, site, label)
    output.show(answer(runs, site, label, written), lambda: show(runs, site, label))
    output.link()
    output.last({"runs": len(runs), "written": written, "label": label})
    return 0


def answer(runs: Sequence[Rescored], site: Site, label: str, written: int) -> Answer:
    """What the site makes of these runs, from the least to the most, and where that is to be found."""
    if not runs:
        return Answer(["no finished run to rescore"], then=[f"measure one: {program('run')}"])
    lines = [f"{many(len(runs), 'run')} at {emissions.summary(site)}"]
    for name, (what, unit) in SPOKEN.items():
        known = sorted(value for run in runs if (value := run.after[name]) is not None)
        if known:
            ends = dict.fromkeys(f"{value:.4g}" for value in (known[0], known[-1]))
            lines.append(f"{what}: {' to '.join(ends)} {unit or site.currency or ''} per 1,000")
    shares = [energy_metrics.estimated_share(run.record.measurement) or 0.0 for run in runs]
    if doubted := sum(share > site.estimated_limit for share in shares):
        lines.append(f"of {doubted} of them more of the energy is estimated than the site accepts")
    where = f"written beside the figures of {many(written, 'run')}, as rescored/{label}/…"
    rest = len(runs) - written
    return Answer(
        lines, [where if written else "nothing written", *([f"{rest} were not written"] if rest and written else [])]
    )


def _ids(option: Any) -> list[str]:
    ids: list[str] = several(option)
    for prefix in ids:
        if not isinstance(prefix, str):  # an id of digits, or with one e, is a number to YAML
            raise UserError(f"runs={prefix} was read as a number; quote it: 'runs=[\"…\"]'")
    return ids


def _tasks(option: Any) -> list[str]:
    """The tasks as typed; UserError, before anything is read, for one that there is not."""
    known = option_help.choices("task")
    for task in (tasks := [str(each) for each in several(option)]):
        if task not in known:
            raise UserError(choose("tasks", task, known))
    return tasks


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
    for name in ("run", "what was measured"):
        table.add_column(name, overflow="fold")
    columns = {name: heading for name, heading in COLUMNS.items() if any(_known_of(run, name) for run in runs)}
    for heading in ("Wh per 1,000", *columns.values()):
        table.add_column(heading, justify="right", overflow="fold")
    for run, title in zip(runs, description.titles([run.record for run in runs]), strict=True):
        wh = named_metrics.metrics(run.record)["energy/total_wh_per_1k"]
        row = [run.run_id[:8], title, quantity(wh)]
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
