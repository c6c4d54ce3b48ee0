"""The page: a heading, what the marks mean, and the figures, with Plotly's script in it."""

import html
from typing import Any

from joulemark.sweep.figures.importance import shares
from joulemark.sweep.figures.parallel import parallel
from joulemark.sweep.figures.scatter import against
from joulemark.sweep.figures.style import P95, QUALITY, Shown


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
