"""Saved views of MLflow: a link that opens an experiment on the right runs, columns and charts.

MLflow documents none of it (mlflow_internals/pages.py): whoever saves a view must live without it.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from joulemark.core import tracking
from joulemark.store.mlflow_internals import pages
from joulemark.store.mlflow_internals.pages import Page, Parallel, Scatter

ENERGY, P95, QUALITY = "energy/total_wh_per_1k", "latency/p95_s", "quality/primary"
# Columns that every view has; hardware and verdict where runs of several days lie side by side
SETTINGS = ("batch_size", "precision")


@dataclass(frozen=True)
class View:
    """A page of an experiment; its runs are sorted by energy, the least first.

    Attributes:
        key: by which it is found again; saving another view with the same key replaces it
        name: as the page shows it
        search: MLflow's filter of runs
        columns: MLflow's names (``metrics.`energy/total_wh_per_1k` ``)
        params: the settings whose coordinates are drawn in parallel
    """

    key: str
    name: str
    search: str
    columns: tuple[str, ...]
    params: tuple[str, ...] = SETTINGS

    @property
    def tag(self) -> str:
        """The experiment's tag that holds it."""
        return pages.VIEW + self.key

    @property
    def page(self) -> Page:
        """Its state as MLflow's page reads it."""
        charts = (
            Scatter("quality", "Wh per 1,000 against quality", QUALITY, ENERGY),
            Scatter("p95", "Wh per 1,000 against p95 of latency, s", P95, ENERGY),
            Parallel("parallel", "settings, energy, latency, quality", self.params, (ENERGY, P95, QUALITY)),
        )
        return Page(self.search, _metric(ENERGY), self.columns, charts)


def of_sweep(sweep_id: str, settings: Sequence[str] = SETTINGS) -> View:
    """The runs of one sweep: energy, p95 and quality beside the settings that were searched."""
    return View(
        key=sweep_id,
        name=f"sweep {sweep_id}",
        search=f"tags.sweep_id = '{sweep_id}'",
        columns=(*map(_metric, (ENERGY, P95, QUALITY)), *map(_param, settings), _tag("protocol"), _tag("verdict")),
        params=tuple(settings),
    )


def default(experiment: str) -> View:
    """All finished runs of an experiment, of the task of that name: the quality of each model and what it costs."""
    return View(
        key="joulemark",
        name=f"energy against quality: {experiment}",
        search="tags.status = 'finished'",
        columns=(
            *map(_tag, ("model", "device")),
            *map(_metric, (ENERGY, "energy/ci95_rel", QUALITY, P95, "emissions/g_per_1k")),
            *map(_param, SETTINGS),
            *map(_tag, ("protocol", "verdict")),
        ),
        params=("model", *SETTINGS),
    )


def _metric(name: str) -> str:
    return f"metrics.`{name}`"


def _param(name: str) -> str:
    return f"params.`{name}`"


def _tag(name: str) -> str:
    return f"tags.`{name}`"


def link(uri: str, path: str) -> str:
    """Where a person opens a path: a server's address, or the one that `make ui` starts."""
    if uri.startswith("http"):
        return f"{tracking.public(uri).rstrip('/')}/{path}"
    return f"http://127.0.0.1:5000/{path}"


def save(uri: str, task: str, view: View) -> str:
    """Writes the view into the task's experiment, in place of one with its key; returns its path."""
    from joulemark.store import additions

    value = pages.packed(view.name, view.page, int(time.time() * 1000))
    return pages.table_path(additions.label(uri, task, view.tag, value), view.key)
