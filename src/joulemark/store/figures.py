"""The two figures of a run as SVG text that opens offline: how long requests took, and which component used what."""

import io
from collections.abc import Mapping
from typing import Any

from joulemark.analysis import description, energy_metrics
from joulemark.analysis.energy_metrics import ESTIMATED
from joulemark.core import palette
from joulemark.core.measurement import COMPONENTS
from joulemark.core.record import Record

# Okabe and Ito's palette, distinguishable for the colour-blind


def import_packages() -> None:
    """Imports matplotlib and its SVG writer: seconds on a slow disk."""
    import matplotlib.backends.backend_svg
    import matplotlib.figure  # noqa: F401


def latency(record: Record) -> str | None:
    """The latency of every measured request, one outline per window; None if none was measured."""
    windows = record.measurement.windows
    if not windows:
        return None
    import numpy as np

    milliseconds = [1000 * np.asarray(window.batch_s) for window in windows]
    everything = np.concatenate(milliseconds)
    # The slowest hundredth would squeeze the rest into one bar; it is in the table as p99
    low, high = everything.min(), np.percentile(everything, 99)
    edges = np.linspace(low, high if high > low else low + 1e-3, 60)
    figure, axes = _figure(record)
    for number, values in enumerate(milliseconds, start=1):
        weights = np.full(len(values), 100 / len(values))
        axes.hist(values, edges, weights=weights, histtype="step", label=f"window {number}")
    median = float(np.median(everything))
    axes.axvline(median, color="black", linewidth=0.8, linestyle="--", label=f"median {median:.3g} ms")
    axes.set_xlabel("latency of a batch, ms (up to the 99th percentile)")
    axes.set_ylabel("batches, %")
    axes.legend(frameon=False, fontsize=8)
    return _svg(figure)


def energy(record: Record, metrics: Mapping[str, float | None]) -> str | None:
    """Wh per 1,000 inferences by component with its evidence, estimates hatched; None if none was read."""
    parts = {c: wh for c in COMPONENTS if (wh := metrics[f"energy/{c}_wh_per_1k"]) is not None}
    if not parts:
        return None
    evidence = energy_metrics.methods(record.measurement)
    figure, axes = _figure(record)
    for component, wh in parts.items():
        estimated = evidence[component] in ESTIMATED
        label = f"{component.upper()}\n{evidence[component]}"
        colour = palette.COMPONENTS[component]
        bars = axes.barh(
            label, wh, facecolor="white" if estimated else colour, edgecolor=colour, hatch="///" * estimated
        )
        axes.bar_label(bars, [f"{wh:.3g} Wh"], padding=4)
    axes.invert_yaxis()
    axes.margins(x=0.2)
    axes.set_xlabel("energy per 1,000 inferences, Wh (hatched: estimated, not measured by a sensor)")
    return _svg(figure)


def _figure(record: Record) -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 3.6), layout="constrained")
    axes = figure.add_subplot()
    axes.set_title(description.title(record), loc="left", fontsize=10, parse_math=False)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _svg(figure: Any) -> str:
    import matplotlib

    file = io.StringIO()
    # Text stays text: smaller, and it can be searched and read aloud
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "joulemark"}):
        figure.savefig(file, format="svg", metadata={"Date": None})
    return file.getvalue()
