"""Energy against latency or quality: every point by its stage, the front, constraints, reference, recommendation."""

import html
from collections.abc import Iterator, Sequence
from typing import Any

from joulemark.reporting.section import Chart, Section
from joulemark.sweep import pareto
from joulemark.sweep.figures.style import (
    BLACK,
    BLUE,
    ENERGY,
    GREEN,
    ORANGE,
    P95,
    QUALITY,
    SKY,
    VERMILION,
    FigureData,
    digits,
    scale,
)
from joulemark.sweep.trial_state import FULL, TrialResult

AXES = {ENERGY: "energy, Wh per 1,000 inferences", P95: "95th percentile of latency, s"}


def against(data: FigureData, metric: str) -> Section | None:
    """Energy against another metric: every point by its stage, the front, constraints, reference and recommendation.

    None where fewer than two points have the metric; a sentence where it is the same in all.
    """
    title = f"Energy against {'quality' if metric == QUALITY else 'latency'}"
    anchor = title.lower().replace(" ", "-")
    points = [result for result in data.finished() if result.metrics.get(metric) is not None]
    if len({result.point for result in points}) < 2:
        return None
    if len(same := {result.metrics[metric] for result in points}) == 1:
        return Section(anchor, title, [f"{_named(data, metric)}: {digits(same.pop())} in every result."])
    traces = [*_front_line(data, points, metric)]
    for name, colour, symbol, chosen in _groups(data, points):
        if chosen := [result for result in chosen if result.metrics.get(metric) is not None]:
            traces.append(_marks(chosen, metric, name, colour, symbol))
    traces += _bounds(points, data, metric)
    text = (
        f"{len(points)} results of {len({result.point for result in points})} settings. Hollow: the screening stage; "
        "filled: the run's own protocol, only these are results. Bars: the within-run interval of energy."
    )
    return Section(anchor, title, charts=[Chart(text, {"data": traces, "layout": _layout(points, metric, data)})])


def _front_line(data: FigureData, points: Sequence[TrialResult], metric: str) -> list[dict[str, Any]]:
    """The line through the front; none through a single result."""
    line = _front(data, points, metric)
    if len(line) < 2:
        return []
    return [
        {
            "type": "scatter",
            "x": [result.metrics[metric] for result in line],
            "y": [result.metrics[ENERGY] for result in line],
            "mode": "lines",
            "line": {"color": BLACK, "width": 1.2, "shape": "vh" if metric == QUALITY else "hv"},
            "name": "Pareto front",
            "hoverinfo": "skip",
        }
    ]


def _groups(data: FigureData, points: Sequence[TrialResult]) -> Iterator[tuple[str, str, str, list[TrialResult]]]:
    """Results with the same mark: its name, colour, symbol and the results."""
    inside = [result for result in points if result.point != data.reference.point]
    for name, colour, full in (("screening", SKY, False), ("full protocol", BLUE, True)):
        of_stage = [result for result in inside if (result.stage == FULL) == full]
        yield name, colour, "circle" if full else "circle-open", [result for result in of_stage if _met(data, result)]
        violating = [result for result in of_stage if not _met(data, result)]
        yield f"{name}, violates a constraint", colour, "x" if full else "x-open", violating
    yield "reference", ORANGE, "square", [data.reference]
    yield "recommended", VERMILION, "star", [data.recommended] if data.recommended else []


def _front(data: FigureData, points: Sequence[TrialResult], metric: str) -> list[TrialResult]:
    """The full results that meet the constraints and are on the front of energy and this metric, left to right."""
    sign = -1.0 if metric == QUALITY else 1.0
    full = {result.point: result for result in points if result.stage == FULL and _met(data, result)}
    values = {
        point: pareto.Result(((result.metrics[ENERGY] or 0.0), sign * (result.metrics[metric] or 0.0)), (None, None))
        for point, result in full.items()
    }
    return sorted((full[point] for point in pareto.front(values)), key=lambda result: result.metrics[metric] or 0.0)


def _marks(chosen: Sequence[TrialResult], metric: str, name: str, colour: str, symbol: str) -> dict[str, Any]:
    halves = [(result.metrics[ENERGY] or 0.0) * (result.metrics.get("energy/ci95_rel") or 0.0) for result in chosen]
    bars = {"error_y": {"array": halves, "color": colour, "thickness": 1.2, "width": 0}} if any(halves) else {}
    return {
        "type": "scatter",
        "x": [result.metrics[metric] for result in chosen],
        "y": [result.metrics[ENERGY] for result in chosen],
        "mode": "markers",
        "marker": {
            "color": colour,
            "symbol": symbol,
            "size": 13 if symbol in ("star", "square") else 9,
            "line": {"width": 1.5 if symbol.endswith("open") else 0.5, "color": colour},
        },
        "name": name,
        "text": [_hover(result) for result in chosen],
        "hovertemplate": "%{text}<extra></extra>",
        **bars,
    }


def _hover(result: TrialResult) -> str:
    """The text of a mark: its overrides, its stage and its numbers."""
    spread, metrics = result.metrics.get("energy/ci95_rel"), result.metrics
    rows = [
        f"<b>{html.escape(result.name)}</b>",
        f"{digits(metrics.get(ENERGY))} Wh per 1,000" + (f" ± {spread:.1%}" if spread is not None else ", no interval"),
        f"p95 {digits(metrics.get(P95))} s",
        f"quality {digits(metrics.get(QUALITY))}",
        f"{result.stage} protocol" if result.stage == FULL else result.stage,
    ]
    return "<br>".join(rows)


def _bounds(points: Sequence[TrialResult], data: FigureData, metric: str) -> Iterator[dict[str, Any]]:
    """A dotted line for each constraint on one of the two metrics, as long as the points reach."""
    ends = {name: [result.metrics[name] or 0.0 for result in points] for name in (metric, ENERGY)}
    for constraint in data.goals.constraints:
        bound = constraint.bound_for(data.reference.metrics)
        if bound is None or constraint.metric not in (metric, ENERGY):
            continue
        across = ENERGY if constraint.metric == metric else metric
        here, along = [bound, bound], [min(ends[across]), max(ends[across])]
        x, y = (here, along) if constraint.metric == metric else (along, here)
        yield {
            "type": "scatter",
            "x": x,
            "y": y,
            "mode": "lines",
            "line": {"color": GREEN, "width": 1.5, "dash": "dot"},
            "name": f"constraint: {html.escape(str(constraint))}",
            "hoverinfo": "skip",
        }


def _layout(points: Sequence[TrialResult], metric: str, data: FigureData) -> dict[str, Any]:
    axes = {
        axis: {"title": {"text": title}, **scale([result.metrics.get(name) for result in points])}
        for axis, title, name in (
            ("xaxis", html.escape(_named(data, metric)), metric),
            ("yaxis", AXES[ENERGY], ENERGY),
        )
    }
    return {"height": 460, **axes}


def _named(data: FigureData, metric: str) -> str:
    return f"quality ({data.quality})" if metric == QUALITY else AXES[metric]


def _met(data: FigureData, result: TrialResult) -> bool:
    return data.goals.met(result.metrics, data.reference.metrics)
