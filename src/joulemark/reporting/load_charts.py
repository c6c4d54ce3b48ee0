"""Energy and times over the load: one line a setting, the limits as lines, and all of it as a table."""

from collections.abc import Callable, Sequence
from html import escape
from math import floor, log10
from statistics import fmean
from typing import Any

from joulemark.analysis.serving.curve import Curve, LoadProcess, MeasuredLoad
from joulemark.core import stats
from joulemark.core.cell import Cell
from joulemark.core.formatting import JOULES, WATTS, rounded, scaled, seconds, spoken
from joulemark.core.markdown import Table
from joulemark.core.serving import Limits
from joulemark.reporting.load import Served
from joulemark.reporting.load_text import NAMES, duration, kept
from joulemark.reporting.section import Chart, Section

# The page's own colours: those of its theme
COLOURS = ("--blue", "--vermilion", "--green", "--purple", "--orange", "--sky", "--black")
MARKS = ("circle", "square", "diamond", "triangle-up", "cross", "star", "triangle-down")
LIMIT_LINE = {"color": "--soft", "width": 1.5, "dash": "dash"}
WIDE = 10.0  # largest over least value from which on an axis is logarithmic

Read = Callable[[LoadProcess], float | None]


def sections(known: Sequence[Served], limits: Limits) -> tuple[Section, ...]:
    """One section for each set of curves that may be ranked together."""
    return tuple(_section(f"over-load-{number}", served, limits) for number, served in enumerate(known, start=1))


def _section(name: str, served: Served, limits: Limits) -> Section:
    drawn = served.curves[: len(COLOURS)]
    asked = "asked" if served.open_loop else "attained"
    text = f"{served.title}. Requests per second as {asked}, means over the processes of each load."
    rest = len(served.curves) - len(drawn)
    more = [f"{rest} more settings are in the table alone."] if rest else []
    tokens = any(process.j_per_output_token is not None for process in _processes(served.curves))
    energy = ("J per output token", _per_token) if tokens else ("J per request", _per_request)
    charts = [_chart(drawn, energy[0], [("", energy[1])], None), *_times(drawn, limits)]
    return Section(
        name,
        f"Over the load: {spoken(served.task)}",
        [text, *more],
        [_table(served, limits, energy)],
        [chart for chart in charts if chart is not None],
        folded=True,
    )


def _times(curves: Sequence[Curve], limits: Limits) -> list[Chart | None]:
    """The times to the first token and per token, else the latency: medians dotted, 99th percentiles drawn through."""
    of_parts = [
        _chart(curves, f"{NAMES[name]}, s", [("p50", _p50(name)), ("p99", _p99(name))], getattr(limits, name))
        for name in ("ttft_s", "tpot_s")
    ]
    if limits.latency_s is None and any(of_parts):
        return of_parts
    whole = [("p50", _p50("latency_s")), ("p99", _p99("latency_s"))]
    return [*of_parts, _chart(curves, "latency, s", whole, limits.latency_s)]


def _chart(curves: Sequence[Curve], what: str, lines: Sequence[tuple[str, Read]], limit: float | None) -> Chart | None:
    """One chart; None where nothing of it is known."""
    traces = [
        trace
        for place, curve in enumerate(curves)
        for label, read in lines
        if (trace := _trace(curve, place, label, read)) is not None
    ]
    if not traces:
        return None
    rates = [load.rate_per_s for curve in curves for load in curve.loads]
    values = [value for trace in traces for value in trace["y"] if value is not None] + ([limit] if limit else [])
    layout: dict[str, Any] = {
        "height": 340,
        "xaxis": {"title": {"text": "load, requests per second"}, **_axis(rates)},
        "yaxis": {"title": {"text": what}, **_axis(values)},
    }
    text = (
        f"{what[0].upper()}{what[1:].removesuffix(', s')} over the load{', medians dotted' if len(lines) > 1 else ''}."
    )
    if limit is not None:
        layout["shapes"] = [{"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": limit, "y1": limit,
                             "line": LIMIT_LINE}]  # fmt: skip
        text += f" The dashed line is the limit, {duration(limit)}."
    return Chart(text, {"data": traces, "layout": layout})


def _trace(curve: Curve, place: int, label: str, read: Read) -> dict[str, Any] | None:
    cells = [(load.rate_per_s, _cell(load, read)) for load in curve.loads]
    known = [(rate, cell) for rate, cell in cells if cell is not None]
    if not known:
        return None
    name, median = escape(curve.name, quote=False), label == "p50"
    ends = [cell.estimate.half_width if cell.estimate else None for _, cell in known]
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": name,
        "legendgroup": name,
        "showlegend": not median,
        "x": [rate for rate, _ in known],
        "y": [fmean(cell.values) for _, cell in known],
        "error_y": {"type": "data", "array": [width or 0.0 for width in ends], "thickness": 1, "width": 3,
                    "color": COLOURS[place], "visible": any(ends) and not median},
        "hovertemplate": f"{name}{f'<br>{label}' if label else ''}<br>%{{x:.3g}} requests/s: %{{y:.3g}}<extra></extra>",
        "line": {"color": COLOURS[place], "width": 1.5, "dash": "dot" if median else "solid"},
        "marker": {"size": 8, "color": COLOURS[place], "symbol": f"{MARKS[place]}{'-open' if median else ''}"},
    }  # fmt: skip


def _axis(values: Sequence[float]) -> dict[str, Any]:
    """A logarithmic axis where values are far apart, marked at 1, 2 and 5 of each power of ten."""
    if min(values) <= 0 or max(values) <= WIDE * min(values):
        return {"rangemode": "tozero"}
    low, high = (floor(log10(value)) for value in (min(values), max(values)))
    steps = (1, 2, 5) if high - low <= 3 else (1,)
    marks = [step * 10.0**power for power in range(low, high + 1) for step in steps]
    return {"type": "log", "tickvals": marks, "ticktext": [f"{mark:g}" for mark in marks]}


def _table(served: Served, limits: Limits, energy: tuple[str, Read]) -> Table:
    columns = ("setting", "requests/s", "mean power", energy[0], "TTFT p50", "TTFT p99", "TPOT p50", "TPOT p99",
               "latency p99", "processes", *(["keeps the limits"] if kept(limits) else []))  # fmt: skip
    reads = (_p50("ttft_s"), _p99("ttft_s"), _p50("tpot_s"), _p99("tpot_s"), _p99("latency_s"))
    rows = [
        (
            curve.name,
            rounded(load.rate_per_s, 3),
            scaled(fmean(process.power_w for process in load.processes), WATTS),
            scaled(_mean(load, energy[1]), JOULES),
            *(seconds(_mean(load, read)) for read in reads),
            str(len(load.processes)),
            *([_keeps(load, limits)] if kept(limits) else []),
        )
        for curve in served.curves
        for load in curve.loads
    ]
    limit = f" Limits: {kept(limits)}." if kept(limits) else ""
    note = f"TTFT: time to first token from the request's coming; TPOT: mean time per output token after it.{limit}"
    return Table("Measured loads", columns, rows, note)


def _keeps(load: MeasuredLoad, limits: Limits) -> str:
    passed = load.keeps(limits)
    evidence = "" if passed.established else f" ({len(load.processes)} processes: not established)"
    return f"{'yes' if passed.passes else 'no'}{evidence.replace('1 processes', '1 process')}"


def _processes(curves: Sequence[Curve]) -> list[LoadProcess]:
    return [process for curve in curves for load in curve.loads for process in load.processes]


def _cell(load: MeasuredLoad, read: Read) -> Cell | None:
    """The values of the processes; None where one of them has none."""
    values = [value for process in load.processes if (value := read(process)) is not None]
    return Cell(tuple(values)) if values and len(values) == len(load.processes) else None


def _mean(load: MeasuredLoad, read: Read) -> float | None:
    return stats.mean_of_all([read(process) for process in load.processes])


def _per_token(process: LoadProcess) -> float | None:
    return process.j_per_output_token


def _per_request(process: LoadProcess) -> float | None:
    return process.j_per_request


def _p50(name: str) -> Read:
    return lambda process: process.p50.get(name)


def _p99(name: str) -> Read:
    return lambda process: process.p99.get(name)
