"""The page: a heading, what the marks mean, and the figures, with Plotly's script in it."""

import html
import json
from typing import Any

from joulemark.reporting.render import POLICY, digest, quoted
from joulemark.sweep.figures.importance import shares
from joulemark.sweep.figures.parallel import parallel
from joulemark.sweep.figures.scatter import against
from joulemark.sweep.figures.style import P95, QUALITY, FigureData

# The same for every sweep: what differs is data, which no browser runs
SCRIPT = """
for (const data of document.querySelectorAll("script[type='application/json']")) {
  const {figure, config} = JSON.parse(data.textContent);
  Plotly.newPlot(data.parentElement.querySelector("div"), figure.data, figure.layout, config);
}
"""
# Without the button that would send the figure to a server, and without the server's address
CONFIG = {"displaylogo": False, "responsive": True, "showSendToCloud": False, "plotlyServerURL": ""}


def page(data: FigureData) -> str:
    """The whole page: a heading, what the marks mean, and every figure that has something to draw.

    Scripts run by their digest alone, as on the report's page; names of others are data there.
    """
    from plotly.offline import get_plotlyjs

    figures = [against(data, P95), against(data, QUALITY), parallel(data), shares(data)]
    parts = [figure if isinstance(figure, str) else _section(figure) for figure in figures if figure is not None]
    name, plotly = html.escape(data.title), get_plotlyjs()
    # Parallel coordinates are drawn by a program that Plotly writes for the graphics card
    policy = POLICY.format(f"{digest(plotly)} {digest(SCRIPT)} 'unsafe-eval'")
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n<title>{name}</title>\n'
        "<style>body{font:15px/1.5 sans-serif;margin:24px;max-width:1100px;color:#222}h1{font-size:20px}"
        "p.none{color:#555;border-left:3px solid #bbb;padding-left:12px}</style>\n"
        f"<script>{plotly}</script></head><body>\n<h1>{name}</h1>\n"
        "<p>Hollow: the screening stage. Filled: the run's own protocol; only these are results. "
        "Bars: the within-run interval of energy; latency and quality have none. "
        "Hover over a mark for its settings.</p>\n" + "\n".join(parts) + f"\n<script>{SCRIPT}</script></body></html>\n"
    )


def _section(figure: Any) -> str:
    values = {"figure": json.loads(figure.to_json()), "config": CONFIG}
    return f'<section><div></div><script type="application/json">{quoted(values)}</script></section>'
