"""The main charts of each group as SVG and PNG for a paper, drawn by matplotlib: no browser is needed for them.

Text stays text in the SVG, hatching and hollow marks say what was estimated, and marks differ as well as colours.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from joulemark.analysis.energy_metrics import ESTIMATED
from joulemark.analysis.quantity import GROSS
from joulemark.core import palette
from joulemark.core.formatting import spoken
from joulemark.core.measurement import COMPONENTS
from joulemark.core.palette import SERIES
from joulemark.core.paths import file_name
from joulemark.reporting.entry import Entry
from joulemark.reporting.recommendation import Recommendation

MARKS = ("o", "s", "D", "^", "P", "*", "v")
BARS, NAMED, HOLLOW_ABOVE, DPI = 12, 6, 0.2, 300


def write(folder: Path, recommendations: Sequence[Recommendation], kinds: Sequence[str]) -> list[Path]:
    """Writes the figures of every group into a folder and returns their paths; a chart of nothing is none."""
    import matplotlib

    folder.mkdir(exist_ok=True)
    written = []
    charts: dict[str, Callable[[Recommendation], Any]] = {"quality": quality, "components": components, "batch": batch}
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "joulemark", "font.size": 9}):
        for recommendation in recommendations:
            for name, chart in charts.items():
                figure = chart(recommendation)
                for kind in kinds if figure is not None else ():
                    group = recommendation.group
                    path = folder / f"{file_name(f'{group.task}-{group.id}')}-{name}.{kind}"
                    figure.savefig(path, format=kind, dpi=DPI, metadata={"Date": None} if kind == "svg" else None)
                    written.append(path)
    return written


def quality(recommendation: Recommendation) -> Any | None:
    """Energy against quality with the front and the intervals of energy; None where no run has a quality."""
    judged = [entry for entry in recommendation.group.entries if entry.quality is not None]
    if not judged:
        return None
    figure, axes = _figure(recommendation, 4.2)
    models = sorted({entry.model for entry in judged})
    for entry in judged:
        place = min(models.index(entry.model), len(SERIES) - 1)
        hollow = (entry.estimated or 0) > HOLLOW_ABOVE
        energy = entry.compared
        axes.errorbar(
            energy.mean, entry.quality or 0, xerr=energy.half_width, color=SERIES[place], capsize=2, linewidth=0.8,
            marker=MARKS[place] if entry.ranked else "x", markerfacecolor="white" if hollow else SERIES[place],
            markersize=5, linestyle="none",
        )  # fmt: skip
    for place, model in enumerate(models[: len(SERIES) - 1]):
        axes.plot([], [], MARKS[place], color=SERIES[place], label=model)
    others = models[len(SERIES) - 1 :]
    if others:
        axes.plot([], [], MARKS[-1], color=SERIES[-1], label=others[0] if len(others) == 1 else f"{len(others)} others")
    front = recommendation.front
    steps = [(entry.compared.mean, entry.quality or 0) for entry in front]
    axes.step(*zip(*steps, strict=True) if steps else ([], []), where="post", color="grey", linestyle=":",
              label="Pareto front")  # fmt: skip
    first = {entry.model: entry for entry in reversed(front)}  # of each model on the front, the cheapest is named
    for entry in list(first.values())[:NAMED]:
        spot = (entry.compared.mean, entry.quality or 0)
        axes.annotate(_label(entry), spot, xytext=(4, 4), textcoords="offset points", fontsize=7, parse_math=False)
    _log_where_wide(axes.set_xscale, judged)
    axes.set_xlabel(
        f"{_energy(recommendation)} (bars: 95 %, of one process within-run; hollow: more than a fifth estimated)"
    )
    axes.set_ylabel(f"quality: {recommendation.group.first.metric}")
    axes.legend(frameon=False, fontsize=7)
    return figure


def components(recommendation: Recommendation) -> Any | None:
    """Energy by component of the cheapest runs, estimates hatched; None where no component is available."""
    names = [f"energy/{component}_wh_per_1k" for component in COMPONENTS]
    known = [entry for entry in recommendation.group.entries if any(name in entry.metrics for name in names)]
    shown = sorted(known, key=lambda entry: entry.energy)[:BARS]
    if not shown:
        return None
    parts = [(c, [entry.metrics.get(name, 0.0) for entry in shown]) for c, name in zip(COMPONENTS, names, strict=True)]
    figure, axes = _figure(recommendation, 1.4 + 0.32 * len(shown))
    left = [0.0] * len(shown)
    for component, values in parts:
        for place, (entry, value) in enumerate(zip(shown, values, strict=True)):
            estimated, colour = entry.methods.get(component) in ESTIMATED, palette.COMPONENTS[component]
            axes.barh(place, value, left=left[place], facecolor="white" if estimated else colour, edgecolor=colour,
                      hatch="////" if estimated else None, label=component.upper() if place == 0 else None)  # fmt: skip
        left = [a + b for a, b in zip(left, values, strict=True)]
    axes.set_yticks(range(len(shown)), [_label(entry) for entry in shown], parse_math=False)
    axes.invert_yaxis()
    axes.set_xlabel("energy, Wh per 1,000 inferences (hatched: estimated, not measured by a sensor)")
    axes.legend(frameon=False, fontsize=7)
    return figure


def batch(recommendation: Recommendation) -> Any | None:
    """Energy by batch size, a line for each model and precision; None where only one batch size was measured."""
    lines: dict[str, list[Entry]] = {}
    for entry in sorted(recommendation.group.entries, key=lambda each: (each.batch or 0, each.compared.mean)):
        if entry.batch is not None:
            lines.setdefault(" ".join(filter(None, (entry.model, entry.precision, entry.settings))), []).append(entry)
    several = {name: some for name, some in lines.items() if len({entry.batch for entry in some}) > 1}
    if not several:
        return None
    figure, axes = _figure(recommendation, 4.2)
    most = sorted(several.items(), key=lambda pair: -len(pair[1]))[: len(SERIES)]
    for place, (name, some) in enumerate(most):
        hollow = (some[0].estimated or 0) > HOLLOW_ABOVE
        axes.errorbar(
            [entry.batch for entry in some], [entry.compared.mean for entry in some],
            yerr=[entry.compared.half_width or 0 for entry in some],
            color=SERIES[place], marker=MARKS[place], markersize=4, linewidth=1, capsize=2, label=name,
            markerfacecolor="white" if hollow else SERIES[place],
        )  # fmt: skip
    axes.set_xscale("log", base=2)
    sizes = sorted({entry.batch or 0 for _, some in most for entry in some})
    axes.set_xticks(sizes, [str(size) for size in sizes])
    _log_where_wide(axes.set_yscale, [entry for _, some in most for entry in some])
    axes.set_xlabel("batch size")
    axes.set_ylabel(_energy(recommendation))
    axes.legend(frameon=False, fontsize=7)
    return figure


def _figure(recommendation: Recommendation, height: float) -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, height), layout="constrained")
    axes = figure.add_subplot()
    axes.set_title(
        f"{spoken(recommendation.group.task)} · {recommendation.group.title}", loc="left", fontsize=8, parse_math=False
    )
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _energy(recommendation: Recommendation) -> str:
    name = recommendation.group.quantity.name
    return f"{'' if name == GROSS else f'{name} '}energy, Wh per 1,000 inferences"


def _label(entry: Entry) -> str:
    doubt = "" if entry.ranked else f" ({', '.join(entry.flags) or entry.verdict})"
    return f"{entry.model}, {entry.configuration}{doubt}"


def _log_where_wide(scale: Callable[[str], Any], entries: Sequence[Entry]) -> None:
    values = [entry.compared.mean for entry in entries]
    if max(values) > 10 * min(values):
        scale("log")
