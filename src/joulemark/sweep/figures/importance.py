"""How much each setting decides about the energy."""

import html
from collections.abc import Sequence
from typing import Any

from joulemark.sweep.figures.style import BLUE, ENERGY, FigureData
from joulemark.sweep.importance import importance
from joulemark.sweep.trial_state import TrialResult


def shares(data: FigureData) -> Any:
    """A bar for each setting's share in the variance of log energy; a sentence where there is none."""
    import plotly.graph_objects as go

    known = data.best_known().values()
    keys = [dimension.key for dimension in data.dimensions]
    energies = {
        result.point: energy for result in known if _inside(result, keys) and (energy := result.metrics[ENERGY])
    }
    by_setting = importance(energies, data.dimensions)
    if isinstance(by_setting, str):
        return f'<p class="none">Importance of each setting for energy: {html.escape(by_setting)}.</p>'
    names = list(by_setting)[::-1]
    bars = go.Bar(
        x=[100 * by_setting[name] for name in names],
        y=[html.escape(name) for name in names],
        orientation="h",
        marker={"color": BLUE},
        text=[f"{by_setting[name]:.0%}" for name in names],
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


def _inside(result: TrialResult, keys: Sequence[str]) -> bool:
    """Whether a result's point is one of the space's: the reference's need not be."""
    return [override.partition("=")[0] for override in result.point] == list(keys)
