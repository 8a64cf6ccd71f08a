"""What reports that are handed on as one HTML file share: the frame of the page, its look, and figures that print.

A page holds everything it needs. Its policy forbids the browser to load anything, so that text from data could not even
if it became markup.
"""

from html import escape
from typing import Final

import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from core.charts.look import apply

POLICY: Final = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:"
_CONFIG: Final = {"displayModeBar": False, "displaylogo": False, "responsive": True}
_STYLE: Final = """
:root { color-scheme: light; --ink: #10181b; --faint: #51626a; --line: #d3dce0; --accent: #0e6b7c; --soft: #f2f5f6; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 72rem; padding: 2rem 1.25rem 4rem; background: #fff; color: var(--ink);
  font: 15px/1.5 "Source Sans 3", "Segoe UI", Roboto, Helvetica, Arial, sans-serif; overflow-wrap: break-word; }
h1 { font-size: 1.75rem; margin: 0; } h2 { font-size: 1.25rem; margin: 2.5rem 0 .75rem; }
h3 { font-size: 1.05rem; margin: 0; }
p, .faint { color: var(--faint); margin: .25rem 0; }
.tiles { display: flex; flex-wrap: wrap; gap: 2rem; margin: 1.25rem 0; }
.tiles b { display: block; font-size: 1.5rem; font-weight: 600; font-variant-numeric: tabular-nums; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .4rem .6rem; border-bottom: 1px solid var(--line); vertical-align: top; }
th { color: var(--faint); font-weight: 600; } td.n, th.n { text-align: right; white-space: nowrap; }
.scroll { overflow-x: auto; }
.figures { display: grid; grid-template-columns: minmax(0, 1fr); gap: 1rem; }
.figures.two { grid-template-columns: repeat(2, minmax(0, 1fr)); }
.figures > div { min-width: 0; break-inside: avoid; }
.bar { display: inline-block; height: .6rem; background: var(--accent); border-radius: 2px; margin-right: .5rem; }
a { color: var(--accent); }
@media print { body { padding: 0; max-width: none; font-size: 12px; } a { color: inherit; text-decoration: none; }
  thead { display: table-header-group; } tr { break-inside: avoid; } .scroll { overflow: visible; } }
@media screen and (max-width: 45rem) { .figures.two { grid-template-columns: minmax(0, 1fr); } }
"""
# A figure is drawn as wide as the window. Paper is narrower, and is laid out after the page was told that it will be
# printed; so the width that a figure will have there is set by hand: 180 mm of an A4 page, or half of it.
_SCRIPT: Final = """
const figures = () => [...document.querySelectorAll(".js-plotly-plot")];
const onPaper = (figure) => figure.closest(".figures.two") ? 332 : 680;
const fit = () => figures().forEach((figure) => Plotly.Plots.resize(figure));
addEventListener("load", fit);
addEventListener("beforeprint", () => figures().forEach((figure) =>
  Plotly.relayout(figure, { width: onPaper(figure), autosize: false })));
addEventListener("afterprint", () => figures().forEach((figure) =>
  Plotly.relayout(figure, { width: null, autosize: true })));
"""


def document(title: str, body: str, *, style: str = "", has_figures: bool = True) -> str:
    """Return a whole HTML document.

    Parameters
    ----------
    title : str
        Plain text.
    body : str
        HTML; whatever in it comes from data is escaped already.
    style : str
        CSS besides what all reports share.
    has_figures : bool
        Whether Plotly's own script (about 4.5 MB) goes in, once.
    """
    plotly = f"<script>{get_plotlyjs()}</script>" if has_figures else ""
    script = f"<script>{_SCRIPT}</script>" if has_figures else ""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        f"<title>{escape(title)}</title><style>{_STYLE}{style}</style>{plotly}</head>"
        f"<body>{body}{script}</body></html>\n"
    )


def figure_html(figure: go.Figure) -> str:
    """Return a figure as HTML for a `document` with figures."""
    html: str = apply(figure, dark=False).to_html(
        full_html=False, include_plotlyjs=False, config=_CONFIG, default_width="100%"
    )
    return html
