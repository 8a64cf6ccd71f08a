"""What every figure of a model shares: title with the origin below it, rows with names, words for numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import plotly.graph_objects as go

from core.charts import escape, short, template_name
from core.errors import ExplanationError
from core.explanations import Item

T = TypeVar("T")

ROW_HEIGHT = 26
HEIGHT = 380
NAME_CHARS = 26


@dataclass(frozen=True)
class Look:
    """Colours beside those of the template: one accent, quiet ink, and scales that begin at the background.

    Attributes
    ----------
    accent, muted, ink : str
        For what matters, for what helps to read it, for text on the background.
    fill : str
        For areas and bars behind or beside what matters.
    on_accent : str
        For text on the accent.
    share : list of (float, str)
        Colour scale from nothing to all.
    low_high : list of (float, str)
        Colour scale from low to high values; both ends stand out from the background.
    """

    accent: str
    muted: str
    ink: str
    fill: str
    on_accent: str
    share: list[tuple[float, str]]
    low_high: list[tuple[float, str]]


LIGHT = Look(
    accent="#0E6B7C",
    muted="#8A999F",
    ink="#10181B",
    fill="#D5DEE1",
    on_accent="#FFFFFF",
    share=[(0.0, "#F4F8F9"), (0.5, "#8CC0CA"), (1.0, "#0E6B7C")],
    low_high=[(0.0, "#E0A03A"), (0.5, "#A8B0A4"), (1.0, "#0E6B7C")],
)
DARK = Look(
    accent="#4DB6C8",
    muted="#7F8E96",
    ink="#E6ECEF",
    fill="#36424A",
    on_accent="#0B1114",
    share=[(0.0, "#1A2126"), (0.5, "#196D7D"), (1.0, "#4DB6C8")],
    low_high=[(0.0, "#E0A03A"), (0.5, "#7F8E8C"), (1.0, "#4DB6C8")],
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
    """Return an empty figure with a title and, below it, the rows it was made from."""
    figure = go.Figure()
    figure.update_layout(
        template=template_name(dark=dark),
        height=height,
        title={"text": escape(title), "subtitle": {"text": escape(origin)}},
        margin={"l": 8, "r": 16, "t": 64, "b": 8},
        showlegend=False,
        hoverlabel={"align": "left"},
    )
    figure.update_xaxes(automargin=True)
    figure.update_yaxes(automargin=True)
    return figure


def name_rows(figure: go.Figure, names: Sequence[str]) -> None:
    """Put names at the rows 0, 1, … of the y axis, first on top; long ones are cut, for two may be cut to the same."""
    figure.update_yaxes(
        tickvals=list(range(len(names))),
        ticktext=[label(name) for name in names],
        range=[len(names) - 0.4, -0.6],
        showgrid=False,
        zeroline=False,
    )


def label(name: str) -> str:
    """Return a name from the data as it may stand in a figure."""
    return escape(short(name, NAME_CHARS))


def look(*, dark: bool) -> Look:
    """Return the colours of the light or dark look."""
    return DARK if dark else LIGHT


def percent(share: float) -> str:
    """Return a proportion in percent with as many digits as help."""
    digits = 0 if share in (0, 1) or 0.1 <= share <= 0.995 else 1
    return f"{share:.{digits}%}".replace("%", " %")


def number(value: float) -> str:
    """Return a number with four significant digits, thousands grouped."""
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"
