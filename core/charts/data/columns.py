"""Figures for exploring data: plain numbers in, `plotly` figures out.

Plotly reads a subset of HTML in titles, labels and hover text, so every text that comes from data passes `escape`.
Levels stand on numbered axes with the text as tick labels: two that are cut alike never fall together.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import plotly.graph_objects as go

from core.charts.look import ACCENT, MUTED, escape, figure, label, note
from core.charts.parts import bin_texts, has_unit_bins, level_bars, moments
from core.data.profiling.columns import ColumnProfile
from core.data.relations.relations import MEASURE

_FEW_VALUES = 12


def histogram(column: ColumnProfile) -> go.Figure:
    """Draw the distribution of a numeric or date column.

    Returns
    -------
    Figure
        One bar a bin; a remark counts the rows outside the axis. Without values, only the remark.
    """
    fig = figure(height=280)
    bins = column.histogram
    if bins is None:
        note(fig, "There are no values.")
        return fig
    edges = np.asarray(bins.edges)
    unit = has_unit_bins(column)
    centres, widths = (edges[1:] + edges[:-1]) / 2, np.diff(edges)
    is_date = column.type == "date"
    fig.add_bar(
        x=moments(centres, column),
        y=list(bins.counts),
        width=widths * (0.8 if unit else 0.96),
        customdata=bin_texts(column),
        marker={"color": ACCENT},
        hovertemplate="%{customdata}<br>%{y:,} rows<extra></extra>",
    )
    fig.update_xaxes(title_text=label(column.name, 60), showgrid=False, type="date" if is_date else "linear")
    fig.update_yaxes(title_text="rows", rangemode="tozero")
    if unit and len(centres) <= _FEW_VALUES:  # a number between two values says nothing
        fig.update_xaxes(tickvals=list(centres), tickformat=",.0f")
    if bins.below or bins.above:
        beyond = [f"{n:,} {side}" for n, side in ((bins.below, "below"), (bins.above, "above")) if n]
        note(fig, f"Rows not shown: {', '.join(beyond)}")
    return fig


def lengths(column: ColumnProfile) -> go.Figure:
    """Draw how long the values of a text or id column are, in characters."""
    as_number = replace(column, type="numeric", integer=True, histogram=column.lengths)
    fig = histogram(as_number)
    fig.update_xaxes(title_text=f"characters of {label(column.name, 50)}")
    return fig


def levels(column: ColumnProfile) -> go.Figure:
    """Draw the most frequent levels of a category column.

    Returns
    -------
    Figure
        One bar a level, the most frequent on top, then the rarer ones together and the missing values, both muted.
    """
    bars = list(column.levels)
    n_levels = len(bars)
    if column.other_rows:
        bars.append((f"other ({column.unique - n_levels:,} levels)", column.other_rows))
    if column.missing:
        bars.append(("missing", column.missing))
    fill = [ACCENT] * n_levels + [MUTED] * (len(bars) - n_levels)
    hover = [f"{escape(level)}<br>{rows:,} rows ({rows / column.rows:.1%})" for level, rows in bars]
    fig = level_bars([level for level, _ in bars], [rows for _, rows in bars], hover, fill)
    fig.update_xaxes(title_text="rows")
    fig.update_yaxes(title_text=label(column.name, 60))
    return fig


def ranking(ranked: Sequence[tuple[str, float]], *, measure: str = MEASURE, max_bars: int = 20) -> go.Figure:
    """Draw the columns that go with the target most.

    Parameters
    ----------
    ranked : sequence of (str, float)
        Column and measure (0 to 1), strongest first, from `core.data.relations.relations.rank_relations`.
    measure : str
        What the numbers are, in words.
    max_bars : int
        Columns shown; the remark mentions more.
    """
    shown = list(ranked[:max_bars])
    hover = [f"{escape(name)}<br>{value:.1%}" for name, value in shown]
    fig = level_bars([name for name, _ in shown], [value for _, value in shown], hover, [ACCENT] * len(shown))
    fig.update_xaxes(title_text=f"{measure}, each column by itself", tickformat=".0%")
    if len(ranked) > len(shown):
        note(fig, f"{len(shown)} of {len(ranked):,} columns")
    return fig
