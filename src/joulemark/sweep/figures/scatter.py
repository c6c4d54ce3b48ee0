"""Energy against latency or quality: every point by its stage, the front, constraints, reference, recommendation."""

import html
from collections.abc import Iterator, Sequence
from typing import Any

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


def against(data: FigureData, metric: str) -> Any:
    """Energy against another metric: every point by its stage, the front, constraints, reference and recommendation.

    None where fewer than two points have the metric; a sentence where it is the same in all.
    """
    import plotly.graph_objects as go

    points = [result for result in data.finished() if result.metrics.get(metric) is not None]
    if len({result.point for result in points}) < 2:
        return None
    if len(same := {result.metrics[metric] for result in points}) == 1:
        return f'<p class="none">{html.escape(_named(data, metric))}: {digits(same.pop())} in every result.</p>'
    figure = go.Figure()
    if len(line := _front(data, points, metric)) > 1:
        figure.add_trace(
            go.Scatter(
                x=[result.metrics[metric] for result in line],
                y=[result.metrics[ENERGY] for result in line],
                mode="lines",
                line={"color": BLACK, "width": 1.2, "shape": "vh" if metric == QUALITY else "hv"},
                name="Pareto front",
                hoverinfo="skip",
            )
        )
    for name, colour, symbol, chosen in _groups(data, points):
        if chosen := [result for result in chosen if result.metrics.get(metric) is not None]:
            figure.add_trace(_marks(chosen, metric, name, colour, symbol))
    _bounds(figure, points, data, metric)
    _axes(figure, points, metric, data)
    return figure


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


def _marks(chosen: Sequence[TrialResult], metric: str, name: str, colour: str, symbol: str) -> Any:
    import plotly.graph_objects as go

    halves = [(result.metrics[ENERGY] or 0.0) * (result.metrics.get("energy/ci95_rel") or 0.0) for result in chosen]
    large = symbol in ("star", "square")
    return go.Scatter(
        x=[result.metrics[metric] for result in chosen],
        y=[result.metrics[ENERGY] for result in chosen],
        error_y={"array": halves, "color": colour, "thickness": 1.2, "width": 0} if any(halves) else None,
        mode="markers",
        marker={
            "color": colour,
            "symbol": symbol,
            "size": 13 if large else 9,
            "line": {"width": 1.5 if symbol.endswith("open") else 0.5, "color": colour},
        },
        name=name,
        text=[_hover(result) for result in chosen],
        hovertemplate="%{text}<extra></extra>",
    )


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


def _bounds(figure: Any, points: Sequence[TrialResult], data: FigureData, metric: str) -> None:
    """A dotted line for each constraint on one of the two metrics, as long as the points reach."""
    import plotly.graph_objects as go

    ends = {name: [result.metrics[name] or 0.0 for result in points] for name in (metric, ENERGY)}
    for constraint in data.goals.constraints:
        bound = constraint.bound_for(data.reference.metrics)
        if bound is None or constraint.metric not in (metric, ENERGY):
            continue
        across = ENERGY if constraint.metric == metric else metric
        here, along = [bound, bound], [min(ends[across]), max(ends[across])]
        x, y = (here, along) if constraint.metric == metric else (along, here)
        line = {"color": GREEN, "width": 1.5, "dash": "dot"}
        name = f"constraint: {html.escape(str(constraint))}"
        figure.add_trace(go.Scatter(x=x, y=y, mode="lines", line=line, name=name, hoverinfo="skip"))


def _axes(figure: Any, points: Sequence[TrialResult], metric: str, data: FigureData) -> None:
    figure.update_layout(
        title={"text": f"Energy against {'quality' if metric == QUALITY else 'latency'}", "x": 0, "xref": "paper"},
        template="plotly_white",
        height=520,
        legend={"orientation": "h", "yanchor": "top", "y": -0.16, "x": 0},
        margin={"l": 80, "r": 30, "t": 60, "b": 60},
        hoverlabel={"align": "left"},
    )
    figure.update_xaxes(
        title=html.escape(_named(data, metric)), **scale([result.metrics.get(metric) for result in points])
    )
    figure.update_yaxes(title=AXES[ENERGY], **scale([result.metrics.get(ENERGY) for result in points]))


def _named(data: FigureData, metric: str) -> str:
    return f"quality ({data.quality})" if metric == QUALITY else AXES[metric]


def _met(data: FigureData, result: TrialResult) -> bool:
    return data.goals.met(result.metrics, data.reference.metrics)
