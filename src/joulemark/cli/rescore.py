"""python -m src.rescore: another site laid over past runs, without running them; what was measured stays as it is.

The figures go to the same run under names of their own, `rescored/LABEL/emissions/g_per_1k` and so on, and the site
with the date into the tag `rescored.LABEL`. A label holds one site for good: another one under it is refused. Exit
code 0, or 2 for a mistake in the words.
"""

import json
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from joulemark.analysis import emissions, named_metrics, zones
from joulemark.cli import command_line
from joulemark.config import hydra_errors
from joulemark.config.factories import site_of
from joulemark.core import tracking
from joulemark.core.errors import UserError
from joulemark.core.machine import Site
from joulemark.core.paths import CONF
from joulemark.core.record import Record

LABEL = re.compile(r"[A-Za-z0-9_.-]+")  # what MLflow takes in a name, but for what would part it

# What a site makes of a run's joules, as the table heads it; a figure that neither site gives has no column
FIGURES = {
    "emissions/g_per_1k": "g CO2e: before | after",
    "cost/per_1k": "cost: before | after",
    "heat/credit_wh_per_1k": "heating spared, Wh: before | after",
}


@dataclass(frozen=True)
class Rescored:
    """One run with its figures at its own site and at another."""

    run_id: str
    record: Record
    before: Mapping[str, float | None]
    after: Mapping[str, float | None]


def rescored(run_id: str, record: Record, other: Site) -> Rescored:
    """The record's figures at both sites, from the same joules."""
    joules = named_metrics.total_j(record.measurement)
    return Rescored(run_id, record, emissions.metrics(joules, record.site), emissions.metrics(joules, other))


@hydra.main(config_path=str(CONF), config_name="rescore", version_base="1.3")
def command(config: DictConfig) -> None:
    """The rescoring that Hydra composed; leaves the process with its exit code."""
    hydra_errors.leave(lambda: run(config, str(HydraConfig.get().runtime.choices["site"])))


def run(config: DictConfig, name: str) -> int:
    """Rescores the chosen runs, writes unless `dry`, prints the table and one line of JSON; returns the exit code."""
    values: dict[str, Any] = OmegaConf.to_container(config, resolve=True)  # type: ignore[assignment]
    other = site_of(values["site"], name)
    label, ids = _label(values["label"], other), _ids(values["runs"])
    uri = tracking.resolve(values["tracking_uri"])
    from joulemark.store import additions, reading  # MLflow enters here, after the words are checked

    done = [rescored(run_id, record, other) for run_id, record in reading.recorded(uri, ids, values["tasks"])]
    known = [_known(reading.tag(uri, one.run_id, f"rescored.{label}"), other, label, one.run_id) for one in done]
    written = 0
    if not values["dry"]:
        for one, is_there in zip(done, known, strict=True):
            if not is_there:
                additions.add(uri, one.run_id, figures(one, label), {f"rescored.{label}": _tag(other)})
                written += 1
    show(done, other, label)
    print(json.dumps({"runs": len(done), "written": written, "label": label}))
    return 0


def figures(one: Rescored, label: str) -> dict[str, float | None]:
    """The new figures under the names that they have in the run."""
    return {f"rescored/{label}/{name}": value for name, value in one.after.items()}


def _label(word: str | None, other: Site) -> str:
    label = emissions.label(other) if word is None else str(word)
    if not LABEL.fullmatch(label):
        raise UserError(f"label={label}: letters, digits, dots, dashes and underscores only; type label=…")
    return label


def _ids(words: Any) -> list[str]:
    ids: list[str] = list(words) if isinstance(words, list) else [words]
    for word in ids:
        if not isinstance(word, str):  # an id of digits, or with one e, is a number to YAML
            raise UserError(f"runs={word} was read as a number; quote it: 'runs=[\"…\"]'")
    return ids


def _tag(other: Site) -> str:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return json.dumps({"site": asdict(other), "zones": zones.version(), "at": now})


def _known(tag: str | None, other: Site, label: str, run_id: str) -> bool:
    """Whether the run has this site's figures under the label; UserError where it has another's."""
    if tag is None:
        return False
    if json.loads(tag)["site"] == asdict(other):
        return True
    raise UserError(f"run {run_id[:12]} has another site's figures under label={label}; type another label=…")


def show(done: Sequence[Rescored], other: Site, label: str) -> None:
    """Prints both figures of every run, before | after, and what must be said of them first."""
    from rich.table import Table

    from joulemark.core import console

    for one in done:
        share = named_metrics.estimated_share(one.record.measurement)
        if share is not None and share > other.estimated_limit:
            console.show(f"! estimated: {one.run_id[:8]}: {share:.0%} of this energy was estimated, not read")
    console.show(f"after ({label}): {emissions.words(other)}")
    table = Table(box=None, pad_edge=False)
    for name in ("run", "model", "task"):
        table.add_column(name, overflow="fold")
    shown = {name: heading for name, heading in FIGURES.items() if any(_known_of(one, name) for one in done)}
    for heading in ("Wh per 1,000", *shown.values()):
        table.add_column(heading, justify="right", overflow="fold")
    for one in done:
        wh = named_metrics.metrics(one.record)["energy/total_wh_per_1k"]
        row = [one.run_id[:8], one.record.model.name, one.record.task.name, _digits(wh)]
        table.add_row(*row, *(_cell(one, name, other) for name in shown))
    console.show(table)


def _known_of(one: Rescored, name: str) -> bool:
    return one.before[name] is not None or one.after[name] is not None


def _cell(one: Rescored, name: str, other: Site) -> str:
    was, now = (one.record.site.currency, other.currency) if name == "cost/per_1k" else (None, None)
    return f"{_digits(one.before[name], was)} | {_digits(one.after[name], now)}"


def _digits(value: float | None, unit: str | None = None) -> str:
    return "-" if value is None else f"{value:.4g} {unit or ''}".strip()


def main() -> int:
    """The command; every mistake of the user's is one line on standard error and exit code 2."""
    return command_line.start(command, "rescore")


if __name__ == "__main__":
    sys.exit(main())
