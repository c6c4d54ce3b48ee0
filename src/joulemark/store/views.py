"""Saved views of MLflow: a link that opens an experiment on the right runs, columns and charts.

MLflow documents none of it (mlflow_internals/pages.py): whoever saves a view must live without it.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from joulemark.core import tracking
from joulemark.store.mlflow_internals import pages
from joulemark.store.mlflow_internals.pages import Key, Page, Parallel, Scatter

ENERGY, P95, QUALITY = "energy/total_wh_per_1k", "latency/p95_s", "quality/primary"
# Columns of a sweep; elsewhere a run's name begins with them
SETTINGS = ("batch_size", "precision")
# Of conf/protocol. By name, since MLflow's filter finds no run without a tag that it excludes, and has no `or`
PRELIMINARY = ("screening", "smoke")
NOT_PRELIMINARY = " and ".join(f"tags.protocol != '{name}'" for name in PRELIMINARY)
FINISHED = f"tags.status = 'finished' and {NOT_PRELIMINARY}"
# What makes runs the repeats of one cell; model and settings first, since they are a group's name
REPEATS = (*(Key("tag", "model"), *(Key("param", name) for name in SETTINGS)),
           *(Key("tag", name) for name in ("compare.cell", "compare.key")))  # fmt: skip


@dataclass(frozen=True)
class View:
    """A page of an experiment; its runs are sorted by energy, the least first.

    Attributes:
        key: by which it is found again; saving another view with the same key replaces it
        name: as the page shows it
        search: MLflow's filter of runs
        columns: MLflow's names (``metrics.`energy/total_wh_per_1k` ``); the page has metrics first, by the alphabet,
            then params, then tags as the runs wrote them, 100 pixels each
        params: the settings whose coordinates are drawn in parallel
        groups: by what runs are grouped, each group with the means of its runs; empty: none
    """

    key: str
    name: str
    search: str
    columns: tuple[str, ...]
    params: tuple[str, ...] = SETTINGS
    groups: tuple[Key, ...] = ()

    @property
    def tag(self) -> str:
        """The experiment's tag that holds it."""
        return pages.VIEW + self.key

    @property
    def page(self) -> Page:
        """Its state as MLflow's page reads it."""
        charts = (
            Scatter("quality", QUALITY, ENERGY),
            Scatter("p95", P95, ENERGY),
            # MLflow colours the lines by the last one, whose least values are nearly black: unseen in the dark
            Parallel("parallel", self.params, (ENERGY, P95, QUALITY)),
        )
        return Page(self.search, _metric(ENERGY), self.columns, charts, self.groups)


def of_sweep(sweep_id: str, settings: Sequence[str] = SETTINGS, quoted: bool = True) -> View:
    """The runs of one sweep: energy, p95 and quality beside the settings that were searched.

    Preliminary ones, those of its screening, are left out, unless it has no others (`quoted` is false).
    """
    own = f"tags.sweep_id = '{sweep_id}'"
    return View(
        key=sweep_id,
        name=f"sweep {sweep_id}",
        search=f"{own} and {NOT_PRELIMINARY}" if quoted else own,
        columns=(*map(_metric, (ENERGY, P95, QUALITY)), *map(_param, settings), _tag("verdict"), _tag("protocol")),
        params=tuple(settings),
    )


def default(experiment: str) -> View:
    """The finished runs of an experiment, of the task of that name, without preliminary ones: quality and cost."""
    return View(
        key="joulemark",
        name=f"energy against quality: {experiment}",
        search=FINISHED,
        columns=(
            *map(_metric, (ENERGY, "energy/ci95_rel", QUALITY, P95, "emissions/g_per_1k")),
            *map(_tag, ("verdict", "device", "protocol")),
        ),
        params=("model", *SETTINGS),
    )


def repeats(experiment: str) -> View:
    """The same runs, grouped by cell: the runs that repeat each other as one row, with the means of their metrics.

    MLflow 3.17 has no spread of a group: its own menu shows the least and the most instead of the means.
    """
    return replace(
        default(experiment),
        key="joulemark-repeats",
        name=f"repeats, mean of each setting: {experiment}",
        groups=REPEATS,
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
