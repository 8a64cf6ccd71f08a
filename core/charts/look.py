"""The look of every figure: colours and template of the light and the dark theme, and text that is safe to show."""

import html
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import plotly.graph_objects as go
import plotly.io

MAX_LABEL_CHARS: Final = 24
_NAMES = {False: "bellwether_light", True: "bellwether_dark"}
_FONT = '"Source Sans", "Source Sans 3", "Segoe UI", Roboto, Helvetica, Arial, sans-serif'


@dataclass(frozen=True)
class Palette:
    """The colours of one theme; `series` is that of .streamlit/config.toml, which tells how it was chosen."""

    accent: str
    muted: str
    text: str
    faint: str
    grid: str
    series: tuple[str, ...]


LIGHT: Final = Palette(
    accent="#0E6B7C",
    muted="#B9C5CA",
    text="#10181B",
    faint="#51626A",
    grid="#E3E9EC",
    series=("#0E6B7C", "#C27C0E", "#9758D7", "#490C8A", "#039E7A", "#915339"),
)
DARK: Final = Palette(
    accent="#4DB6C8",
    muted="#4A5A64",
    text="#E6ECEF",
    faint="#A3B1B8",
    grid="#2A343B",
    series=("#4DB6C8", "#F0B924", "#7368B4", "#E35F7A", "#348211", "#B2EBB5"),
)


def palette(*, dark: bool) -> Palette:
    """Return the colours of the theme."""
    return DARK if dark else LIGHT


@cache
def template(*, dark: bool) -> go.layout.Template:
    """Return the template of the theme; it is also registered with Plotly under `template_name`."""
    colours = palette(dark=dark)
    axis = {
        "automargin": True,
        "gridcolor": colours.grid,
        "linecolor": colours.grid,
        "zeroline": False,
        "ticks": "outside",
        "ticklen": 4,
        "tickcolor": "rgba(0,0,0,0)",  # only the distance is wanted
        "tickfont": {"color": colours.faint, "size": 12},
        "title": {"font": {"color": colours.faint, "size": 12}, "standoff": 8},
    }
    made = go.layout.Template(
        layout={
            "font": {"family": _FONT, "size": 13, "color": colours.text},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "colorway": colours.series,
            "margin": {"l": 8, "r": 16, "t": 24, "b": 8},
            "xaxis": axis,
            "yaxis": axis,
            "bargap": 0.25,
            "hoverlabel": {"font": {"family": _FONT, "size": 13}, "align": "left"},
            "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "title": {"text": ""}},
            "separators": ".,",
            "dragmode": False,
        }
    )
    plotly.io.templates[_NAMES[dark]] = made
    return made


def template_name(*, dark: bool) -> str:
    """Register the theme's template and return its name, ``bellwether_light`` or ``bellwether_dark``."""
    template(dark=dark)
    return _NAMES[dark]


def escape(text: str) -> str:
    """Return text that Plotly shows literally."""
    return html.escape(text, quote=False)


def tick_angle(labels: Sequence[str]) -> int:
    """Return the angle of the labels below an upright axis: level where all of them fit side by side on a phone.

    Examples
    --------
    >>> tick_angle(["0", "1"]), tick_angle(["single", "married", "divorced", "widowed", "unknown"])
    (0, -40)
    """
    return 0 if sum(len(text) + 2 for text in labels) <= 36 else -40


def short(text: str, max_chars: int = MAX_LABEL_CHARS) -> str:
    """Cut long text; what is cut can still be read on hover.

    Examples
    --------
    >>> short("a long name", 6)
    'a lon…'
    """
    return text if len(text) <= max_chars else text[: max_chars - 1].rstrip() + "…"


def label(text: str, max_chars: int = MAX_LABEL_CHARS) -> str:
    """Return text from data as an axis or a legend may show it."""
    return escape(short(text, max_chars))


def see_through(colour: str, opacity: float = 0.18) -> str:
    """Return a colour of a palette as a surface that shows what lies below it.

    Examples
    --------
    >>> see_through("#0E6B7C")
    'rgba(14, 107, 124, 0.18)'
    """
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, {opacity:g})"


def figure(*, dark: bool, height: int | None = None, **layout: object) -> go.Figure:
    """Return an empty figure of the theme; `height` in pixels.

    What else is known of the layout is set at once: Plotly takes several times as long to update it afterwards.
    """
    return go.Figure(layout={"template": template(dark=dark), "height": height, **layout})


def note(fig: go.Figure, text: str, *, dark: bool) -> None:
    """Write a remark above the right end of the figure."""
    colours = palette(dark=dark)
    fig.add_annotation(
        text=text, xref="paper", yref="paper", x=1, y=1, xanchor="right", yanchor="bottom", showarrow=False,
        font={"size": 12, "color": colours.faint},
    )  # fmt: skip
