"""Which setting decides what energies differ by."""

import html
from collections.abc import Sequence
from typing import Any

from joulemark.sweep.figures.style import BLUE, ENERGY, Shown
from joulemark.sweep.importance import importance
from joulemark.sweep.trial_state import Told


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
