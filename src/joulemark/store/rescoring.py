"""Another site laid over stored runs: the same joules, other emissions, cost and heat, written beside the run's own."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

from joulemark.analysis import emissions, energy_metrics, zones
from joulemark.core.errors import UserError
from joulemark.core.machine import Site
from joulemark.core.record import Record
from joulemark.store import older_names

LABEL = re.compile(r"[A-Za-z0-9_.-]+")  # what MLflow takes in a name, but for what would part it


@dataclass(frozen=True)
class Rescored:
    """One run with its metrics at its own site and at another.

    Attributes:
        run_id: of the run in the store
        record: of the run
        before, after: emissions, cost and heat by name, at its own site and at the other
        known: whether the run holds the other site's metrics already
    """

    run_id: str
    record: Record
    before: Mapping[str, float | None]
    after: Mapping[str, float | None]
    known: bool = False


def rescored(run_id: str, record: Record, site: Site, known: bool = False) -> Rescored:
    """The record's metrics at both sites, from the same joules."""
    joules = energy_metrics.total_j(record.measurement)
    before, after = (emissions.metrics(joules, place) for place in (record.site, site))
    return Rescored(run_id, record, before, after, known)


def rescore(uri: str, ids: Sequence[str], tasks: Sequence[str], site: Site, label: str) -> list[Rescored]:
    """The chosen runs (reading.recorded) at another site, nothing written.

    Raises:
        UserError: no such run; a run that has another site's metrics under the label
    """
    from joulemark.store import reading  # MLflow enters here

    return [
        rescored(run_id, record, site, _known(reading.tag(uri, run_id, tag(label)), site, label, run_id))
        for run_id, record in reading.recorded(uri, ids, tasks)
    ]


def write(uri: str, runs: Sequence[Rescored], site: Site, label: str) -> int:
    """Adds the metrics of the other site to every run that does not hold them; returns how many those are."""
    from joulemark.store import additions

    new = [run for run in runs if not run.known]
    for run in new:
        additions.add(uri, run.run_id, metrics(run, label), {tag(label): _tag_value(site)})
    return len(new)


def metrics(run: Rescored, label: str) -> dict[str, float | None]:
    """The new metrics under the names that they have in the run, `rescored/LABEL/emissions/g_per_1k` and so on."""
    return {f"rescored/{label}/{name}": value for name, value in run.after.items()}


def tag(label: str) -> str:
    """The tag that holds the site of a label, and when it was laid over the run."""
    return f"rescored.{label}"


def site_of(value: str) -> tuple[str, Site]:
    """When a site was laid over a run, ISO 8601, and the site, from the value of its tag."""
    stored = json.loads(value)
    return stored["at"], replace(Site(""), **older_names.site(stored["site"]))


def label_of(option: Any, site: Site) -> str:
    """The label as typed, or made from the site; UserError for one that MLflow does not take in a name."""
    label = emissions.label(site) if option is None else str(option)
    if not LABEL.fullmatch(label):
        raise UserError(f"label={label}: letters, digits, dots, dashes and underscores only; type label=…")
    return label


def _tag_value(site: Site) -> str:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return json.dumps({"site": asdict(site), "zones": zones.version(), "at": now})


def _known(value: str | None, site: Site, label: str, run_id: str) -> bool:
    """Whether the run has this site's metrics under the label; UserError where it has another's."""
    if value is None:
        return False
    if site_of(value)[1] == site:  # what a site of before did not say is what it does not say by default
        return True
    raise UserError(f"run {run_id[:12]} has another site's figures under label={label}; type another label=…")
