"""Saved views of MLflow: a link that opens an experiment on the right runs, columns and charts.

MLflow 3.17 keeps them in tags of the experiment, `mlflow.sharedViewState.KEY`, which no documentation describes: read
from its user interface, which ignores what it does not know. Whoever saves one must live without it.

    {"name", "createdAt", "updatedAt", "state": "deflate;" + base64(zlib(JSON of the page's state))}
"""

import base64
import json
import time
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from joulemark.core import tracking

TAG = "mlflow.sharedViewState."
ENERGY, P95, QUALITY = "energy/total_wh_per_1k", "latency/p95_s", "quality/primary"
SECTION = "joulemark"
# Columns that every view has; hardware and verdict where runs of several days lie side by side
SETTINGS = ("batch_size", "precision")


@dataclass(frozen=True)
class View:
    """A page of an experiment: which runs (MLflow's filter), what stands beside them, and what is drawn.

    `columns` are MLflow's names (``metrics.`energy/total_wh_per_1k` ``); `params` the settings whose coordinates are
    drawn in parallel; the runs stand by `order`, the least first.
    """

    key: str
    name: str
    search: str
    columns: tuple[str, ...]
    params: tuple[str, ...] = SETTINGS
    order: str = f"metrics.`{ENERGY}`"

    @property
    def tag(self) -> str:
        return TAG + self.key


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
    """All finished runs of an experiment, of the task of that name: which model answers how well at what cost."""
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


def encoded(view: View, now_ms: int) -> str:
    """The view as the value of its tag."""
    text = json.dumps(state(view), separators=(",", ":"))
    packed = "deflate;" + base64.b64encode(zlib.compress(text.encode(), 9)).decode()
    return json.dumps({"name": view.name, "createdAt": now_ms, "updatedAt": now_ms, "state": packed})


def state(view: View) -> dict[str, Any]:
    """The page's state as MLflow's user interface names it."""
    return {
        "searchFilter": view.search,
        "orderByKey": view.order,
        "orderByAsc": True,
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "datasetsFilter": [],
        "modelVersionFilter": "All Runs",
        "selectedColumns": list(view.columns),
        "runsHiddenMode": "SHOW_ALL",  # else only the first ten are drawn
        "compareRunCharts": _charts(view),
        "compareRunSections": [_section()],
        "isAccordionReordered": True,  # else MLflow sorts its own sections before ours
    }


def path(experiment_id: str, key: str) -> str:
    """The part of the address after the server's: the table of a saved view."""
    return f"#/experiments/{experiment_id}/runs?workflowType=machine_learning&viewStateShareKey={key}"


def drawn(path: str) -> str:
    """The address of the same view's charts."""
    return f"{path}&compareRunsMode=CHART"


def _charts(view: View) -> list[dict[str, Any]]:
    def chart(name: str, title: str, **more: Any) -> dict[str, Any]:
        shared = {"uuid": f"{SECTION}-{name}", "metricSectionId": SECTION, "deleted": False, "isGenerated": False}
        return {**shared, "displayName": title, **more}

    def scatter(name: str, title: str, x: str) -> dict[str, Any]:
        axes = {"xaxis": {"key": x, "type": "METRIC"}, "yaxis": {"key": ENERGY, "type": "METRIC"}}
        return chart(name, title, type="SCATTER", runsCountToCompare=100, **axes)

    parallel = {"selectedParams": list(view.params), "selectedMetrics": [ENERGY, P95, QUALITY], "showAllRuns": True}
    return [
        scatter("quality", "Wh per 1,000 against quality", QUALITY),
        scatter("p95", "Wh per 1,000 against p95 of latency, s", P95),
        chart("parallel", "settings, energy, latency, quality", type="PARALLEL", **parallel),
    ]


def _section() -> dict[str, Any]:
    return {
        "uuid": SECTION,
        "name": "Joulemark",
        "display": True,
        "isReordered": True,
        "deleted": False,
        "isGenerated": False,
    }


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

    return path(additions.label(uri, task, view.tag, encoded(view, int(time.time() * 1000))), view.key)
