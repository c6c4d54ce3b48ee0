"""Energy against latency or quality: every point by its pass, the front, limits, reference, recommendation."""

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
    Shown,
    digits,
    scale,
)
from joulemark.sweep.objectives import Limit
from joulemark.sweep.trial_state import FULL, Told

AXES = {ENERGY: "energy, Wh per 1,000 inferences", P95: "95th percentile of latency, s"}


def against(shown: Shown, metric: str) -> Any:
    """Energy against another metric: every point by its pass, the front, limits, reference and recommendation.

    None where fewer than two points have the metric; a sentence where it is the same in all.
    """
    import plotly.graph_objects as go

    points = [one for one in shown.finished() if one.metrics.get(metric) is not None]
    if len({one.point for one in points}) < 2:
        return None
    if len(same := {one.metrics[metric] for one in points}) == 1:
        return f'<p class="none">{html.escape(_named(shown, metric))}: {digits(same.pop())} in every result.</p>'
    figure = go.Figure()
    if len(line := _front(shown, points, metric)) > 1:
        figure.add_trace(
            go.Scatter(
                x=[one.metrics[metric] for one in line],
                y=[one.metrics[ENERGY] for one in line],
                mode="lines",
                line={"color": BLACK, "width": 1.2, "shape": "vh" if metric == QUALITY else "hv"},
                name="front: none is better in both",
                hoverinfo="skip",
            )
        )
    for name, colour, symbol, chosen in _groups(shown, points):
        if chosen := [one for one in chosen if one.metrics.get(metric) is not None]:
            figure.add_trace(_marks(chosen, metric, name, colour, symbol))
    _bounds(figure, points, shown, metric)
    _axes(figure, points, metric, shown)
    return figure


def _groups(shown: Shown, points: Sequence[Told]) -> Iterator[tuple[str, str, str, list[Told]]]:
    """What is marked alike: its name, colour, symbol and results."""
    inside = [one for one in points if one.point != shown.reference.point]
    for name, colour, full in (("screening", SKY, False), ("full protocol", BLUE, True)):
        mine = [one for one in inside if (one.stage == FULL) == full]
        yield name, colour, "circle" if full else "circle-open", [one for one in mine if _kept(shown, one)]
        breaking = [one for one in mine if not _kept(shown, one)]
        yield f"{name}, breaks a limit", colour, "x" if full else "x-open", breaking
    yield "reference", ORANGE, "square", [shown.reference]
    yield "recommended", VERMILION, "star", [shown.recommended] if shown.recommended else []


def _front(shown: Shown, points: Sequence[Told], metric: str) -> list[Told]:
    """The full results within the limits that no other beats in energy and this metric, from left to right."""
    turn = -1.0 if metric == QUALITY else 1.0
    full = {one.point: one for one in points if one.stage == FULL and _kept(shown, one)}
    values = {
        point: pareto.Result(((one.metrics[ENERGY] or 0.0), turn * (one.metrics[metric] or 0.0)), (None, None))
        for point, one in full.items()
    }
    return sorted((full[point] for point in pareto.front(values)), key=lambda one: one.metrics[metric] or 0.0)


def _marks(chosen: Sequence[Told], metric: str, name: str, colour: str, symbol: str) -> Any:
    import plotly.graph_objects as go

    halves = [(one.metrics[ENERGY] or 0.0) * (one.metrics.get("energy/ci95_rel") or 0.0) for one in chosen]
    large = symbol in ("star", "square")
    return go.Scatter(
        x=[one.metrics[metric] for one in chosen],
        y=[one.metrics[ENERGY] for one in chosen],
        error_y={"array": halves, "color": colour, "thickness": 1.2, "width": 0} if any(halves) else None,
        mode="markers",
        marker={
            "color": colour,
            "symbol": symbol,
            "size": 13 if large else 9,
            "line": {"width": 1.5 if symbol.endswith("open") else 0.5, "color": colour},
        },
        name=name,
        text=[_hover(one) for one in chosen],
        hovertemplate="%{text}<extra></extra>",
    )


def _hover(one: Told) -> str:
    """What a mark says: its words, its pass and its numbers."""
    spread, metrics = one.metrics.get("energy/ci95_rel"), one.metrics
    rows = [
        f"<b>{html.escape(' '.join(one.point))}</b>",
        f"{digits(metrics.get(ENERGY))} Wh per 1,000" + (f" ± {spread:.1%}" if spread is not None else ", no interval"),
        f"p95 {digits(metrics.get(P95))} s",
        f"quality {digits(metrics.get(QUALITY))}",
        f"{one.stage} protocol" if one.stage == FULL else one.stage,
    ]
    return "<br>".join(rows)


def _bounds(figure: Any, points: Sequence[Told], shown: Shown, metric: str) -> None:
    """A dotted line for each limit of one of the two metrics, as long as the points reach."""
    import plotly.graph_objects as go

    ends = {name: [one.metrics[name] or 0.0 for one in points] for name in (metric, ENERGY)}
    for limit in shown.goals.limits:
        bound = _bound(limit, shown.reference)
        if bound is None or limit.metric not in (metric, ENERGY):
            continue
        across = ENERGY if limit.metric == metric else metric
        here, along = [bound, bound], [min(ends[across]), max(ends[across])]
        x, y = (here, along) if limit.metric == metric else (along, here)
        line = {"color": GREEN, "width": 1.5, "dash": "dot"}
        name = f"limit: {html.escape(str(limit))}"
        figure.add_trace(go.Scatter(x=x, y=y, mode="lines", line=line, name=name, hoverinfo="skip"))


def _bound(limit: Limit, reference: Told) -> float | None:
    if limit.bound != "loss_rel":
        return limit.value
    found = reference.metrics.get(limit.metric)
    if found is None:
        return None
    return found * (1 - limit.value if limit.metric.startswith("quality/") else 1 + limit.value)


def _axes(figure: Any, points: Sequence[Told], metric: str, shown: Shown) -> None:
    figure.update_layout(
        title={"text": f"Energy against {'quality' if metric == QUALITY else 'latency'}", "x": 0, "xref": "paper"},
        template="plotly_white",
        height=520,
        legend={"orientation": "h", "yanchor": "top", "y": -0.16, "x": 0},
        margin={"l": 80, "r": 30, "t": 60, "b": 60},
        hoverlabel={"align": "left"},
    )
    figure.update_xaxes(title=html.escape(_named(shown, metric)), **scale([one.metrics.get(metric) for one in points]))
    figure.update_yaxes(title=AXES[ENERGY], **scale([one.metrics.get(ENERGY) for one in points]))


def _named(shown: Shown, metric: str) -> str:
    return f"quality ({shown.quality})" if metric == QUALITY else AXES[metric]


def _kept(shown: Shown, one: Told) -> bool:
    return shown.goals.kept(one.metrics, shown.reference.metrics)
