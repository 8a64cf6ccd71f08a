"""What every figure of a model shares: the title with the origin below it, rows with names, words for numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import plotly.graph_objects as go

from core.charts.data import columns as charts
from core.charts.data.columns import escape, short
from core.errors import ExplanationError
from core.explanations.items import Item

T = TypeVar("T")
Scale = list[tuple[float, str]]

ROW_HEIGHT = 26
HEIGHT = 380
NAME_CHARS = 22  # leaves most of a telephone's width to the figure


@dataclass(frozen=True)
class Look:
    """The colours of a theme as figures of models use them.

    Attributes
    ----------
    accent, muted, ink, quiet : str
        For what matters, for what stands beside it, for text, for lines that help to read.
    fill : str
        For bars in the background.
    series : tuple of str
        For lines beside each other, the accent first.
    on_accent : str
        For text on the accent.
    page : str
        Of the page below, for words that lie over points.
    share : list of (float, str)
        Colour scale from nothing to all.
    turn : float
        The share from which text on that scale is read better in `on_accent`.
    low_high : list of (float, str)
        Colour scale from low to high values; both ends stand out from the background.
    """

    accent: str
    muted: str
    ink: str
    quiet: str
    fill: str
    series: tuple[str, ...]
    on_accent: str
    page: str
    share: Scale
    turn: float
    low_high: Scale


def look(*, dark: bool) -> Look:
    """Return the colours of the light or dark look."""
    colours = charts.palette(dark=dark)
    return Look(
        accent=colours.accent,
        muted=colours.muted,
        ink=colours.text,
        quiet=colours.faint,
        fill=colours.grid,
        series=colours.series,
        on_accent="#101418" if dark else "#FFFFFF",
        page="#14191D" if dark else "#FFFFFF",
        share=[(0.0, colours.grid), (1.0, colours.accent)],
        turn=0.65 if dark else 0.85,
        low_high=[(0.0, colours.series[1]), (0.5, colours.muted), (1.0, colours.accent)],
    )


def data_of(item: Item[T]) -> T:
    """Return an item's data.

    Raises
    ------
    ExplanationError
        With the item's reason when there is none.
    """
    if item.data is None:
        raise ExplanationError(item.reason)
    return item.data


def new_figure(title: str, origin: str, *, dark: bool, height: int = HEIGHT) -> go.Figure:
    """Return an empty figure with a title and, below it, the rows it was made from (both plain text)."""
    # Not Plotly's own subtitle: it moves the title out of sight when a legend or a colour bar is laid out.
    below = f"<br><span style='font-size:12px;color:{look(dark=dark).quiet}'>{escape(origin)}</span>" if origin else ""
    return charts.figure(
        dark=dark,
        height=height,
        title={
            "text": f"{escape(title)}{below}",
            "font": {"size": 15},
            "x": 0,
            "xref": "container",
            "xanchor": "left",
            "y": 1,
            "yref": "container",
            "yanchor": "top",
            "pad": {"l": 8, "t": 12},
        },
        margin={"l": 8, "r": 16, "t": 54, "b": 8},
        showlegend=False,
    )


def legend_below(figure: go.Figure) -> None:
    """Put the legend under the x axis, where it may take as many lines as it needs."""
    figure.update_layout(showlegend=True, legend={"yref": "container", "y": 0, "yanchor": "bottom"})


def name_rows(figure: go.Figure, names: Sequence[str]) -> None:
    """Put names at the rows 0, 1, … of the y axis, the first on top: two long ones may be cut to the same label."""
    figure.update_yaxes(
        tickvals=list(range(len(names))),
        ticktext=list(names),
        range=[len(names) - 0.4, -0.6],
        showgrid=False,
        tickfont={"size": 12},
    )


def label(name: str) -> str:
    """Return a name from the data, cut and made safe, as it may stand in a figure."""
    return escape(cut(name))


def cut(name: str) -> str:
    """Return a name from the data, cut but not made safe, for a title that will be."""
    return short(name, NAME_CHARS)


def in_template(text: str) -> str:
    """Return text from the data as it may stand in a hover template, where ``%{`` has a meaning too.

    Examples
    --------
    >>> in_template("a<b %{x}")
    'a&lt;b &#37;{x}'
    """
    return escape(text).replace("%{", "&#37;{")


def percent(share: float) -> str:
    """Return a proportion in percent with as many digits as help.

    Examples
    --------
    >>> percent(0.5), percent(0.0312), percent(0.9994), percent(0.0)
    ('50 %', '3.1 %', '99.9 %', '0 %')
    """
    digits = 0 if share in (0, 1) or 0.1 <= share < 0.995 else 1
    return f"{100 * share:.{digits}f} %"


def number(value: float) -> str:
    """Return a number with four significant digits, thousands grouped.

    Examples
    --------
    >>> number(1234567.8), number(0.123456)
    ('1,234,568', '0.1235')
    """
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
