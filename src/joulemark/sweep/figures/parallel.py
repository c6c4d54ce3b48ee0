"""Parallel coordinates: one line for each point through its settings and what came of them."""

import html
import math
from collections.abc import Sequence
from typing import Any

from joulemark.sweep.figures.style import BLUE, ENERGY, ORANGE, P95, QUALITY, Shown, scale
from joulemark.sweep.space import BATCH, Dimension, value
from joulemark.sweep.trial_state import Told

# Little energy to much, both ends dark on white
SCALE = [[0.0, BLUE], [0.5, "#A0A0A0"], [1.0, ORANGE]]


def parallel(shown: Shown) -> Any:
    """One line for each point through its settings, energy, p95 and quality, coloured by energy.

    None where fewer than two points finished.
    """
    import plotly.graph_objects as go

    points = list(shown.best_known().values())
    if len(points) < 2:
        return None
    axes = [_words_axis(one, points) for one in shown.dimensions if len(one.values) > 1]
    for metric, name in ((ENERGY, "Wh per 1,000"), (P95, "p95, s"), (QUALITY, shown.quality)):
        if all(one.metrics.get(metric) is not None for one in points):
            axes.append(_number_axis(name, [one.metrics[metric] or 0.0 for one in points]))
    logs = [math.log10(one.metrics[ENERGY] or 1.0) for one in points]
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
        title={"text": "Settings and what came of them (drag along an axis to choose)", "x": 0, "xref": "paper"},
        template="plotly_white",
        height=460,
        margin={"l": 90, "r": 60, "t": 100, "b": 40},
    )
    return figure


def _words_axis(dimension: Dimension, points: Sequence[Told]) -> dict[str, Any]:
    """An axis of words: those of the dimension in its order, batch sizes ascending, then what else was measured."""
    found = [value(one.point, dimension.key) or "-" for one in points]
    words = [*dict.fromkeys((*dimension.values, *found))]
    if dimension.key == BATCH:
        words.sort(key=lambda word: int(word) if word.isdigit() else 0)
    ticks = list(range(len(words)))
    return {
        "label": html.escape(dimension.key),
        "values": [words.index(word) for word in found],
        "tickvals": ticks,
        "ticktext": [html.escape(word) for word in words],
        "range": [0, max(1, len(words) - 1)],
    }


def _number_axis(name: str, values: Sequence[float]) -> dict[str, Any]:
    """An axis of numbers, by their logarithm where they range over more than a decade."""
    if scale(values)["type"] == "linear":
        return {"label": html.escape(name), "values": list(values), "tickformat": ".3~g"}
    logs = [math.log10(one) for one in values]
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
