"""Parallel coordinates: one line for each point through its settings and its results."""

import html
import math
from collections.abc import Sequence
from typing import Any

from joulemark.sweep.figures.style import BLUE, ENERGY, ORANGE, P95, QUALITY, FigureData, scale
from joulemark.sweep.space import BATCH, Dimension, value
from joulemark.sweep.trial_state import TrialResult

# Little energy to much, both ends dark on white
SCALE = [[0.0, BLUE], [0.5, "#A0A0A0"], [1.0, ORANGE]]


def parallel(data: FigureData) -> Any:
    """One line for each point through its settings, energy, p95 and quality, coloured by energy.

    None where fewer than two points finished.
    """
    import plotly.graph_objects as go

    points = list(data.best_known().values())
    if len(points) < 2:
        return None
    axes = [_settings_axis(dimension, points) for dimension in data.dimensions if len(dimension.values) > 1]
    for metric, name in ((ENERGY, "Wh per 1,000"), (P95, "p95, s"), (QUALITY, data.quality)):
        if all(point.metrics.get(metric) is not None for point in points):
            axes.append(_number_axis(name, [point.metrics[metric] or 0.0 for point in points]))
    logs = [math.log10(point.metrics[ENERGY] or 1.0) for point in points]
    places = _places(logs)
    bar = {"title": "Wh per 1,000", "tickvals": places, "ticktext": [f"{10**place:.3g}" for place in places]}
    figure = go.Figure(
        go.Parcoords(
            dimensions=axes,
            line={"color": logs, "colorscale": SCALE, "showscale": True, "colorbar": bar},
            labelfont={"size": 13},
        )
    )
    figure.update_layout(
        title={"text": "Settings and results (drag along an axis to filter)", "x": 0, "xref": "paper"},
        template="plotly_white",
        height=460,
        margin={"l": 90, "r": 60, "t": 100, "b": 40},
    )
    return figure


def _settings_axis(dimension: Dimension, points: Sequence[TrialResult]) -> dict[str, Any]:
    """An axis of values: those of the dimension in its order, batch sizes ascending, then others that were measured."""
    of_points = [value(point.point, dimension.key) or "-" for point in points]
    values = [*dict.fromkeys((*dimension.values, *of_points))]
    if dimension.key == BATCH:
        values.sort(key=lambda text: int(text) if text.isdigit() else 0)
    ticks = list(range(len(values)))
    return {
        "label": html.escape(dimension.key),
        "values": [values.index(text) for text in of_points],
        "tickvals": ticks,
        "ticktext": [html.escape(text) for text in values],
        "range": [0, max(1, len(values) - 1)],
    }


def _number_axis(name: str, values: Sequence[float]) -> dict[str, Any]:
    """An axis of numbers, by their logarithm where they range over more than a decade."""
    if scale(values)["type"] == "linear":
        return {"label": html.escape(name), "values": list(values), "tickformat": ".3~g"}
    logs = [math.log10(number) for number in values]
    places = _places(logs)
    return {
        "label": html.escape(name),
        "values": logs,
        "tickvals": places,
        "ticktext": [f"{10**place:.3g}" for place in places],
    }


def _places(logs: Sequence[float], count: int = 5) -> list[float]:
    """Places of ticks from the least to the most."""
    low, high = min(logs), max(logs)
    return [low + (high - low) * step / (count - 1) for step in range(count)] if high > low else [low]
