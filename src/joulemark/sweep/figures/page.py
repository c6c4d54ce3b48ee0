"""The page: a heading, what the marks mean, and the figures, with Plotly's script in it."""

import html
from typing import Any

from joulemark.sweep.figures.importance import shares
from joulemark.sweep.figures.parallel import parallel
from joulemark.sweep.figures.scatter import against
from joulemark.sweep.figures.style import P95, QUALITY, FigureData


def page(data: FigureData) -> str:
    """The whole page: a heading, what the marks mean, and every figure that has something to draw."""
    from plotly.offline import get_plotlyjs

    figures = [against(data, P95), against(data, QUALITY), parallel(data), shares(data)]
    parts = [
        figure if isinstance(figure, str) else _div(figure, number)
        for number, figure in enumerate(figures)
        if figure is not None
    ]
    name = html.escape(data.title)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{name}</title>\n'
        "<style>body{font:15px/1.5 sans-serif;margin:24px;max-width:1100px;color:#222}h1{font-size:20px}"
        "p.none{color:#555;border-left:3px solid #bbb;padding-left:12px}</style>\n"
        f"<script>{get_plotlyjs()}</script></head><body>\n<h1>{name}</h1>\n"
        "<p>Hollow: the screening stage. Filled: the run's own protocol; only these are results. "
        "Bars: the within-run interval of energy; latency and quality have none. "
        "Hover over a mark for its settings.</p>\n" + "\n".join(parts) + "\n</body></html>\n"
    )


def _div(figure: Any, number: int) -> str:
    # Without the button that would send the figure to a server, and without the server's address
    config = {"displaylogo": False, "responsive": True, "showSendToCloud": False, "plotlyServerURL": ""}
    text: str = figure.to_html(full_html=False, include_plotlyjs=False, config=config, div_id=f"figure-{number}")
    return text
