"""How much each setting decides about the energy."""

import html
from collections.abc import Sequence

from joulemark.reporting.section import Chart, Section
from joulemark.sweep.figures.style import BLUE, ENERGY, FigureData
from joulemark.sweep.importance import importance
from joulemark.sweep.trial_state import TrialResult


def shares(data: FigureData) -> Section:
    """A bar for each setting's share in the variance of log energy; a sentence where there is none."""
    known = data.best_known().values()
    keys = [dimension.key for dimension in data.dimensions]
    energies = {
        result.point: energy for result in known if _inside(result, keys) and (energy := result.metrics[ENERGY])
    }
    by_setting, title = importance(energies, data.dimensions), "Importance of each setting for energy"
    if isinstance(by_setting, str):
        return Section("importance", title, [f"{by_setting[0].upper()}{by_setting[1:]}."])
    names = list(by_setting)[::-1]
    bars = {
        "type": "bar",
        "x": [100 * by_setting[name] for name in names],
        "y": [html.escape(name) for name in names],
        "orientation": "h",
        "marker": {"color": BLUE},
        "text": [f"{by_setting[name]:.0%}" for name in names],
        "textposition": "outside",
        "hovertemplate": "%{y}: %{x:.1f} %<extra></extra>",
    }
    axis = {"title": {"text": "share in the variance of log energy, %"}, "range": [0, 112]}
    layout = {"height": 140 + 46 * len(names), "xaxis": axis, "showlegend": False}
    shown = ", ".join(f"{name} {share:.0%}" for name, share in by_setting.items())
    return Section("importance", title, charts=[Chart(f"{shown}: fANOVA over {len(energies)} points.",
                                                      {"data": [bars], "layout": layout})])  # fmt: skip


def _inside(result: TrialResult, keys: Sequence[str]) -> bool:
    """Whether a result's point is one of the space's: the reference's need not be."""
    return [override.partition("=")[0] for override in result.point] == list(keys)
