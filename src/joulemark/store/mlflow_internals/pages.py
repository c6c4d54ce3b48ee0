"""Tags and addresses that MLflow's pages read: tables, colours, and saved views.

A saved view is a tag of the experiment, read in MLflow 3.17's user interface, which ignores what it does not know:

    {"name", "createdAt", "updatedAt", "state": "deflate;" + base64(zlib(JSON of the page's state))}
"""

import base64
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

COLOR = "mlflow.runColor"
VIEW = "mlflow.sharedViewState."
SECTION = "joulemark"


@dataclass(frozen=True)
class Scatter:
    """A chart of two metrics; MLflow names it after both.

    Attributes:
        key: part of its id
        x, y: names of metrics
    """

    key: str
    x: str
    y: str


@dataclass(frozen=True)
class Parallel:
    """A chart of parallel coordinates, with the attributes of Scatter but for the axes: `params`, then `metrics`."""

    key: str
    params: tuple[str, ...]
    metrics: tuple[str, ...]


@dataclass(frozen=True)
class Key:
    """By what runs are grouped.

    Attributes:
        kind: `tag` or `param`
        name: of the tag or param
    """

    kind: str
    name: str


@dataclass(frozen=True)
class Page:
    """The page of an experiment.

    Attributes:
        search: MLflow's filter of runs
        order: MLflow's name of the column by which the runs are sorted, the least first
        columns: MLflow's names of the columns
        charts: what is drawn, in order
        groups: by what runs are grouped; empty: none
    """

    search: str
    order: str
    columns: tuple[str, ...]
    charts: tuple[Scatter | Parallel, ...]
    groups: tuple[Key, ...] = ()


def tables(names: Sequence[str]) -> dict[str, str]:
    """The tag that makes MLflow show these files of a run as tables; empty without a file."""
    return {"mlflow.loggedArtifacts": json.dumps([{"path": name, "type": "table"} for name in names])} if names else {}


def packed(name: str, page: Page, now_ms: int) -> str:
    """A saved view as the value of its tag."""
    text = json.dumps(state(page), separators=(",", ":"))
    packed_state = "deflate;" + base64.b64encode(zlib.compress(text.encode(), 9)).decode()
    return json.dumps({"name": name, "createdAt": now_ms, "updatedAt": now_ms, "state": packed_state})


def state(page: Page) -> dict[str, Any]:
    """The page's state as MLflow's user interface names it."""
    return {
        "searchFilter": page.search,
        "orderByKey": page.order,
        "orderByAsc": True,
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "datasetsFilter": [],
        "modelVersionFilter": "All Runs",
        "selectedColumns": list(page.columns),
        "runsHiddenMode": "SHOW_ALL",  # else only the first ten are drawn
        "compareRunCharts": [_chart(chart) for chart in page.charts],
        "compareRunSections": [_section()],
        "isAccordionReordered": True,  # else MLflow sorts its own sections before ours
        **_grouped(page.groups),
    }


def _grouped(keys: Sequence[Key]) -> dict[str, Any]:
    """How the page groups runs, folded; nothing without a key."""
    by = [{"mode": key.kind, "groupByData": key.name} for key in keys]
    return {"groupBy": {"aggregateFunction": "average", "groupByKeys": by}} if by else {}


def table_path(experiment_id: str, key: str) -> str:
    """The part of the address after the server's: the table of a saved view."""
    return f"#/experiments/{experiment_id}/runs?workflowType=machine_learning&viewStateShareKey={key}"


def charts_path(table_path: str) -> str:
    """The address of the same view's charts."""
    return f"{table_path}&compareRunsMode=CHART"


def _chart(chart: Scatter | Parallel) -> dict[str, Any]:
    shared = {
        "uuid": f"{SECTION}-{chart.key}",
        "metricSectionId": SECTION,
        "deleted": False,
        "isGenerated": False,
    }
    if isinstance(chart, Scatter):
        axes = {"xaxis": {"key": chart.x, "type": "METRIC"}, "yaxis": {"key": chart.y, "type": "METRIC"}}
        return {**shared, "type": "SCATTER", "runsCountToCompare": 100, **axes}
    return {**shared, "type": "PARALLEL", "selectedParams": list(chart.params),
            "selectedMetrics": list(chart.metrics), "showAllRuns": True}  # fmt: skip


def _section() -> dict[str, Any]:
    return {
        "uuid": SECTION,
        "name": "Joulemark",
        "display": True,
        "isReordered": True,
        "deleted": False,
        "isGenerated": False,
        # MLflow's three beside each other leave 130 pixels to each in a window of 1,400 with its assistant open
        "columns": 1,
        "cardHeight": 340,
    }
