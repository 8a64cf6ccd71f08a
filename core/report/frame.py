"""What all documents that are handed on as one HTML file share: frame, style, and figures that print.

A page holds everything it needs. Its policy forbids the browser to load anything, so that text from data could not even
if it became markup.
"""

import base64
import json
import math
import zlib
from functools import cache
from typing import Any, Final

import numpy as np
import plotly.graph_objects as go
from markupsafe import Markup, escape
from plotly.offline import get_plotlyjs

from core.charts.look import apply

POLICY: Final = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:"
_CONFIG: Final = {"displayModeBar": False, "displaylogo": False, "responsive": True}
_DIGITS: Final = 5
ON_PAPER: Final = 4  # of figures that all show the same of another column
_HEIGHT_PX: Final = 450  # Plotly's own
_STYLE: Final = """
:root { color-scheme: light; --ink: #10181b; --faint: #51626a; --line: #d3dce0; --accent: #0e6b7c; --soft: #f2f5f6;
  --page: #fff; --good: #e3f1f3; --track: #e3e9ec; --high: #b3261e; --medium: #8a5a00; }
@media screen { :root[data-look="dark"] { color-scheme: dark; --ink: #e6ecef; --faint: #b6c2c8; --line: #36424a;
  --accent: #6ec5d6; --soft: #1e262b; --page: #14191d; --good: #14353d; --track: #2a343a; --high: #f5a09a;
  --medium: #f3b072; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 62rem; padding: 2rem 1.25rem 4rem; background: var(--page); color: var(--ink);
  font: 15px/1.5 "Source Sans 3", "Segoe UI", Roboto, Helvetica, Arial, sans-serif; overflow-wrap: break-word; }
section, .card { margin-top: 2.5rem; } h1 { font-size: 1.75rem; margin: 0; } h2 { font-size: 1.35rem;
  margin: 0 0 .75rem; padding-top: .75rem; border-top: 2px solid var(--accent); }
h3 { font-size: 1.05rem; margin: 1.75rem 0 .5rem; }
p { margin: .25rem 0; max-width: 46rem; } p.small, .small { color: var(--faint); font-size: .85rem; }
p.lead { font-size: 1.05rem; margin: .75rem 0; } ul { margin: .25rem 0; padding-left: 1.2rem; max-width: 46rem; }
li { margin: .25rem 0; } code { font-size: .85em; overflow-wrap: anywhere; } a { color: var(--accent); }
table { border-collapse: collapse; width: 100%; font-size: .9rem; margin: .5rem 0; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .4rem .6rem; border-bottom: 1px solid var(--line); vertical-align: top; }
th { color: var(--faint); font-weight: 600; font-size: .8rem; vertical-align: bottom; }
td.n, th.n { text-align: right; } td.n { white-space: nowrap; } .scroll { overflow-x: auto; }
td:first-child { min-width: 6rem; overflow-wrap: anywhere; }
dl { display: grid; grid-template-columns: repeat(auto-fill, minmax(18rem, 1fr)); gap: .5rem 2rem; margin: .75rem 0; }
dt { color: var(--faint); font-size: .8rem; } dd { margin: 0; overflow-wrap: anywhere; }
.small dl { grid-template-columns: repeat(auto-fill, minmax(11rem, 1fr)); gap: .35rem 1rem; font-size: .95em; }
nav { margin: 2rem 0 0; display: flex; flex-wrap: wrap; gap: .35rem 1.25rem; font-size: .95rem; }
.card { border: 1px solid var(--line); border-top: 6px solid var(--accent); border-radius: 6px;
  padding: 1.5rem 2rem; margin-top: 0; } .card h1 { margin: .15rem 0 0; } .card h3 { margin: 1.1rem 0 .35rem; }
.column { border: 1px solid var(--line); border-radius: 6px; padding: 1rem 1.25rem; margin: 1rem 0;
  break-inside: avoid; } .column h3 { margin: 0; }
.eyebrow { color: var(--accent); font-weight: 600; font-size: .85rem; }
.mark { font-size: .75rem; font-weight: 600; color: var(--accent); background: var(--good); border-radius: 4px;
  padding: .1rem .45rem; vertical-align: middle; white-space: nowrap; margin-right: .35rem; }
.high { color: var(--high); font-weight: 600; } .medium { color: var(--medium); font-weight: 600; }
.low { color: var(--faint); }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr)); gap: .75rem; margin: 1rem 0; }
.tiles > div { background: var(--soft); border-radius: 6px; padding: .6rem .8rem; }
.tiles span { display: block; font-size: .8rem; color: var(--faint); }
.tiles b { display: block; font-size: 1.45rem; font-weight: 600; line-height: 1.3; font-variant-numeric: tabular-nums; }
.columns { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 0 2.5rem; }
.bar { display: inline-block; height: .6rem; background: var(--accent); border-radius: 2px; margin-right: .5rem; }
.bars > div { margin: .4rem 0; font-size: .9rem; } .bars span { display: block; overflow-wrap: anywhere; }
.track { background: var(--track); border-radius: 3px; height: .55rem; margin-top: .1rem; }
.track i { display: block; background: var(--accent); border-radius: 3px; height: 100%; }
.outcomes { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 3px; margin: .75rem 0 .35rem;
  max-width: 24rem; }
.outcomes div { padding: .5rem .7rem; border-radius: 4px; background: var(--soft); }
.outcomes .good { background: var(--good); } .outcomes b { display: block; font-size: 1.1rem; }
.outcomes span { font-size: .8rem; color: var(--faint); }
.figures { display: grid; grid-template-columns: minmax(0, 1fr); gap: 1rem; margin-top: .75rem; }
.figures.two { grid-template-columns: repeat(2, minmax(0, 1fr)); }
.figures > div { min-width: 0; break-inside: avoid; }
@page { size: A4; margin: 14mm 15mm; }
@media print { html { font-size: 12.5px; } body { padding: 0; max-width: none; font-size: 12px; } nav { display: none; }
  a { color: inherit; text-decoration: none; } h2, h3 { break-after: avoid; } section { margin-top: 1.25rem; }
  p:has(+ .figures), p:has(+ .outcomes) { break-after: avoid; } nav + section { break-before: page; }
  .figures.few > div:nth-child(n + $AFTER), .beyond { display: none; }
  .card { border-width: 6px 0 0; border-radius: 0; padding: .75rem 0 0; }
  table { font-size: 11px; } td, th { padding: .3rem .4rem; } p, ul { max-width: none; } .scroll { overflow: visible; }
  .card, .tiles > div, .outcomes div, .track, .track i, .mark, .bar {
    print-color-adjust: exact; -webkit-print-color-adjust: exact; } thead { display: table-header-group; }
  .outcomes, .tiles, dl > div, li, tr, .card { break-inside: avoid; } dl { grid-template-columns: repeat(3, 1fr); }
  .figures { gap: .5rem; margin-top: .5rem; } }
@media screen { .paper { display: none; } }
@media screen and (max-width: 45rem) { body { padding: .75rem .75rem 3rem; } .card { padding: 1rem; }
  .column { padding: .75rem; } .columns, .figures.two { grid-template-columns: minmax(0, 1fr); } }
"""
# Plotly's script and the figures are packed: deflated, and written in Python's base 85, which takes a quarter more than
# the bytes where base 64 takes a third. A figure is drawn as wide as the window. Paper is narrower, and is laid out
# after the page was told that it will be printed; so the size that a figure will have there is set by hand: 180 mm of
# an A4 page, or half of it, and two thirds of its height.
_SCRIPT: Final = """
const DIGITS = "$DIGITS";
const unpack = async (element) => {
  const text = element.textContent, whole = Math.ceil(text.length / 5), bytes = new Uint8Array(whole * 4);
  const values = new Uint8Array(128);
  [...DIGITS].forEach((digit, value) => { values[digit.charCodeAt(0)] = value; });
  for (let group = 0; group < whole; group += 1) {
    let number = 0;
    for (let place = group * 5; place < group * 5 + 5; place += 1)
      number = number * 85 + (place < text.length ? values[text.charCodeAt(place)] : 84);
    for (let place = 3; place >= 0; place -= 1) {
      bytes[group * 4 + place] = number % 256;
      number = Math.floor(number / 256);
    }
  }
  const packed = bytes.subarray(0, whole * 4 - (whole * 5 - text.length));
  return new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"))).text();
};
const figures = () => [...document.querySelectorAll(".js-plotly-plot")];
const onPaper = (figure) => figure.closest(".figures.two") ? 332 : 680;
let paper = false;
const size = (figure) => {
  const height = (paper ? 0.66 : 1) * figure.dataset.height;
  figure.style.height = `${height}px`;
  return Plotly.relayout(figure, { width: paper ? onPaper(figure) : null, height, autosize: !paper });
};
const draw = async () => {
  const script = document.createElement("script");
  script.textContent = await unpack(document.getElementById("plotly"));
  document.head.append(script);
  for (const place of document.querySelectorAll(".plotly-graph-div")) {
    const figure = JSON.parse(await unpack(place.nextElementSibling));
    await Plotly.newPlot(place, figure.data, figure.layout, $CONFIG);
    place.dataset.height = place.layout.height || place.clientHeight;
    if (paper) await size(place);
  }
};
const give_up = () => document.querySelectorAll(".plotly-graph-div:not(.js-plotly-plot)").forEach((place) => {
  place.textContent = "This figure needs a newer browser."; });
draw().catch((error) => { give_up(); throw error; });
addEventListener("beforeprint", () => { paper = true; figures().forEach(size); });
addEventListener("afterprint", () => { paper = false; figures().forEach(size); });
"""
_B85: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~"


def document(title: str, body: str, *, has_figures: bool = True) -> str:
    """Return a whole HTML document.

    Parameters
    ----------
    title : str
        Plain text.
    body : str
        HTML; whatever in it comes from data is escaped already.
    has_figures : bool
        Whether Plotly's own script (4.8 MB, packed 1.8 MB) goes in, once.
    """
    plotly = f'<script type="text/plain" id="plotly">{_packed_plotly()}</script>' if has_figures else ""
    style = _STYLE.replace("$AFTER", str(ON_PAPER + 1))
    script = _SCRIPT.replace("$DIGITS", _B85).replace("$CONFIG", json.dumps(_CONFIG))
    drawing = f"{plotly}<script>{script}</script>" if has_figures else ""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        f"<title>{escape(title)}</title><style>{style}</style></head>"
        f"<body>{body}{drawing}</body></html>\n"
    )


def figure_html(figure: go.Figure) -> Markup:
    """Return a figure as HTML for a `document` with figures; its numbers keep the digits that can be seen."""
    drawn = json.loads(apply(figure, dark=False).to_json())
    height = drawn["layout"].get("height") or _HEIGHT_PX
    return Markup(  # noqa: S704 - packed text holds no markup
        f'<div class="plotly-graph-div" style="height:{height:g}px"></div>'
        f'<script type="text/plain">{_pack(json.dumps(_short(drawn), separators=(",", ":")))}</script>'
    )


@cache
def _packed_plotly() -> str:
    return _pack(get_plotlyjs())


def _pack(text: str) -> str:
    """Return text for `unpack` of the page's script."""
    return base64.b85encode(zlib.compress(text.encode(), 9)).decode()


def _short(part: Any) -> Any:
    """Return a part of a figure whose lists hold the digits that can be seen; single numbers stay as they are.

    Plotly's packed arrays become lists.
    """
    if isinstance(part, list):
        numbers = [one for one in part if isinstance(one, float) and math.isfinite(one)]
        span = max(numbers) - min(numbers) if numbers else 0.0
        return [_rounded(one, span) if isinstance(one, float) and math.isfinite(one) else _short(one) for one in part]
    if not isinstance(part, dict):
        return part
    if part.keys() >= {"dtype", "bdata"}:
        shape = [int(size) for size in str(part.get("shape", "-1")).split(",")]
        return _short(np.frombuffer(base64.b64decode(part["bdata"]), part["dtype"]).reshape(shape).tolist())
    return {name: _short(one) for name, one in part.items()}


def _rounded(value: float, span: float) -> float:
    """Round to five digits of the number itself, for logarithmic axes, or of the list's span, whichever is finer.

    Examples
    --------
    >>> _rounded(1.23456789, 2.0), _rounded(1711843261.7, 86_400.0), _rounded(1.23456789e-9, 1.0)
    (1.2346, 1711843262.0, 1.2346e-09)
    """
    if not value:
        return value
    sizes = [abs(value), *([span] if span else [])]
    return round(value, max(_DIGITS - 1 - math.floor(math.log10(size)) for size in sizes))
