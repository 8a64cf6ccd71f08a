"""Pieces that several figures of columns share: bars of levels, and axes and bins in words."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final

import numpy as np
import plotly.graph_objects as go

from core.charts.look import figure, label
from core.data.profiling.columns import ColumnProfile
from core.domain.columns import Column
from core.wording import number_text

BAR_PX: Final = 24
FRAME_PX: Final = 90


def level_bars(labels: Sequence[str], values: Sequence[float], hover: Sequence[str], fill: Sequence[str]) -> go.Figure:
    """Draw horizontal bars from top to bottom; `hover` is safe already, `labels` are not."""
    fig = figure(height=FRAME_PX + BAR_PX * max(len(labels), 1))
    places = list(range(len(labels)))
    fig.add_bar(
        x=list(values),
        y=places,
        orientation="h",
        customdata=list(hover),
        marker={"color": list(fill)},
        hovertemplate="%{customdata}<extra></extra>",
    )
    fig.update_xaxes(rangemode="tozero")
    label_levels(fig, labels)
    return fig


def label_levels(fig: go.Figure, labels: Sequence[str], **where: Any) -> None:
    """Put labels on the y axis, the first on top."""
    fig.update_yaxes(
        tickmode="array",
        tickvals=list(range(len(labels))),
        ticktext=[label(text) for text in labels],
        range=[max(len(labels), 1) - 0.5, -0.5],
        showgrid=False,
        **where,
    )


def bin_texts(column: ColumnProfile) -> list[str]:
    """Return the bins of a column's histogram in words."""
    bins = column.histogram
    if bins is None:
        return []
    edges = np.asarray(bins.edges)
    if has_unit_bins(column):
        return [_show(centre, column) for centre in (edges[1:] + edges[:-1]) / 2]
    return [f"{_show(low, column)} to {_show(high, column)}" for low, high in pairwise(edges)]


def moments(numbers: np.ndarray, column: ColumnProfile | Column) -> np.ndarray:
    """Return numbers as an axis of the column takes them: milliseconds of a date column as dates."""
    return numbers.astype("int64").astype("datetime64[ms]") if column.type == "date" else numbers


def has_unit_bins(column: ColumnProfile) -> bool:
    """Whether each bin of the histogram is one whole number."""
    bins = column.histogram
    return bins is not None and column.integer and bool(np.all(np.diff(bins.edges) == 1))


def _show(value: float, column: ColumnProfile) -> str:
    if column.type == "date":
        return str(np.datetime64(int(value), "ms").astype("datetime64[m]")).replace("T", " ").removesuffix(" 00:00")
    return f"{value:,.0f}" if column.integer and value == int(value) else number_text(value, 5)
