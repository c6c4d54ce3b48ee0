"""The figures of a sweep as one page of HTML that opens offline: the front, parallel coordinates, importance.

Plotly draws them and is in the page itself; nothing is fetched.
"""

import html
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from src.sweep import front
from src.sweep.goal import SHORT, Goals, Limit
from src.sweep.importance import importance
from src.sweep.space import BATCH, Dimension, Point, value
from src.sweep.view import FULL, Told

# Okabe and Ito's palette, told apart by the colour-blind
ORANGE, SKY, GREEN, BLUE, VERMILION, BLACK = "#E69F00", "#56B4E9", "#009E73", "#0072B2", "#D55E00", "#000000"
# Little energy to much, both ends dark on white
SCALE = [[0.0, BLUE], [0.5, "#A0A0A0"], [1.0, ORANGE]]

ENERGY, P95, QUALITY = SHORT["energy"], SHORT["p95"], SHORT["quality"]
AXES = {ENERGY: "energy, Wh per 1,000 inferences", P95: "95th percentile of latency, s"}
DECADE = 10.0  # a range beyond it gets a logarithmic axis


@dataclass(frozen=True)
class Shown:
    """All that is drawn: the last measurement of each point in each pass, and what the answer says of them.

    `quality` is the name of the task's metric, `title` says whose sweep it is.
    """

    title: str
    told: Sequence[Told]
    reference: Told
    recommended: Told | None
    goals: Goals
    dimensions: Sequence[Dimension]
    quality: str = "quality"

    def finished(self) -> list[Told]:
        """One result of each point, in each pass where it has one; the reference among them."""
        last = {(one.point, one.stage): one for one in self.told if one.finished}
        return [one for one in last.values() if one.metrics.get(ENERGY) is not None]

    def best_known(self) -> dict[Point, Told]:
        """One result for each point: the full protocol's where there is one."""
        found = sorted(self.finished(), key=lambda one: one.stage == FULL)
        return {one.point: one for one in found}


def page(shown: Shown) -> str:
    """The whole page: a heading, what the marks mean, and every figure that there is something to draw of."""
    from plotly.offline import get_plotlyjs

    figures = [against(shown, P95), against(shown, QUALITY), parallel(shown), shares(shown)]
    parts = [
        one if isinstance(one, str) else _div(one, number) for number, one in enumerate(figures) if one is not None
    ]
    name = html.escape(shown.title)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{name}</title>\n'
        "<style>body{font:15px/1.5 sans-serif;margin:24px;max-width:1100px;color:#222}h1{font-size:20px}"
        "p.none{color:#555;border-left:3px solid #bbb;padding-left:12px}</style>\n"
        f"<script>{get_plotlyjs()}</script></head><body>\n<h1>{name}</h1>\n"
        "<p>Hollow: the short look of the screening pass. Filled: the run's own protocol; only these are results. "
        "Bars: the 95 % interval of energy; latency and quality have none. Hover over a mark for its words.</p>\n"
        + "\n".join(parts)
        + "\n</body></html>\n"
    )


def _div(figure: Any, number: int) -> str:
    # The button that would send the figure to a server is taken away, and the server's address with it
    config = {"displaylogo": False, "responsive": True, "showSendToCloud": False, "plotlyServerURL": ""}
    found: str = figure.to_html(full_html=False, include_plotlyjs=False, config=config, div_id=f"figure-{number}")
    return found


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
        point: front.Result(((one.metrics[ENERGY] or 0.0), turn * (one.metrics[metric] or 0.0)), (None, None))
        for point, one in full.items()
    }
    return sorted((full[point] for point in front.front(values)), key=lambda one: one.metrics[metric] or 0.0)


def _kept(shown: Shown, one: Told) -> bool:
    return all(over <= 0 for over in shown.goals.excesses(one.metrics, shown.reference.metrics).values())


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


def scale(values: Sequence[float | None]) -> dict[str, Any]:
    """A logarithmic axis where the values are all positive and range over more than a decade, else a linear one."""
    known = [one for one in values if one is not None]
    if known and min(known) > 0 and max(known) / min(known) > DECADE:
        return {"type": "log", "dtick": "D2" if max(known) / min(known) < 1000 else 1, "tickformat": "~g"}
    return {"type": "linear", "tickformat": "~g"}


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


def shares(shown: Shown) -> Any:
    """A bar for each setting's share in what energies differ by; a sentence where that cannot be said."""
    import plotly.graph_objects as go

    known = shown.best_known().values()
    keys = [one.key for one in shown.dimensions]
    energies = {one.point: energy for one in known if _inside(one, keys) and (energy := one.metrics[ENERGY])}
    found = importance(energies, shown.dimensions)
    if isinstance(found, str):
        return f'<p class="none">Importance of each setting for energy: {html.escape(found)}.</p>'
    names = list(found)[::-1]
    bars = go.Bar(
        x=[100 * found[name] for name in names],
        y=[html.escape(name) for name in names],
        orientation="h",
        marker={"color": BLUE},
        text=[f"{found[name]:.0%}" for name in names],
        textposition="auto",
        hovertemplate="%{y}: %{x:.1f} %<extra></extra>",
    )
    figure = go.Figure(bars)
    title = f"Importance of each setting for energy (fANOVA over {len(energies)} points)"
    figure.update_layout(
        title={"text": title, "x": 0, "xref": "paper"},
        template="plotly_white",
        height=140 + 46 * len(names),
        margin={"l": 110, "r": 30, "t": 60, "b": 50},
    )
    figure.update_xaxes(title="share in the variance of log energy, %", range=[0, 100])
    return figure


def _inside(one: Told, keys: Sequence[str]) -> bool:
    """Whether a point is one of the space's: the reference need not be."""
    return [word.partition("=")[0] for word in one.point] == list(keys)


def digits(number: float | None) -> str:
    """Three digits that mean something; `-` where there is no number."""
    return "-" if number is None else f"{number:.3g}"
