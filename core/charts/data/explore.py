"""Figures of the Explore page: a slice against the whole, time lines, gaps, words, pairs, associations and drift.

Plain numbers in, `plotly` figures out, as `core.charts.data.columns`.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np
import plotly.graph_objects as go

from core.charts.look import ACCENT, MUTED, SERIES, escape, figure, label, note, see_through, tick_angle
from core.charts.parts import bin_texts, label_levels, level_bars, moments
from core.data.drift.compare import ColumnDrift
from core.data.profiling.columns import ColumnProfile
from core.data.profiling.gaps import Gaps
from core.data.profiling.histogram import Histogram
from core.data.relations.timelines import Timeline, period_text

_BAR_PX: Final = 24
_FRAME_PX: Final = 100


def shares(column: ColumnProfile, inside: Sequence[int], rows_inside: int, *, name: str = "slice") -> go.Figure:
    """Draw the distribution of a slice over that of the whole table, as shares of their rows.

    Parameters
    ----------
    column : ColumnProfile
        Of the whole table; with a histogram or levels.
    inside : sequence of int
        Rows of the slice in the same bins, or at the same levels (`core.data.profiling.slices.count_inside`).
    """
    if column.histogram is not None:
        return _share_bins(column, column.histogram, inside, rows_inside, name)
    return _share_levels(column, inside, rows_inside, name)


def _share_bins(
    column: ColumnProfile, bins: Histogram, inside: Sequence[int], rows_inside: int, name: str
) -> go.Figure:
    fig = figure(height=300)
    edges = np.asarray(bins.edges)
    sides = (
        (bins.counts, column.rows, "all rows", MUTED, 0.94),
        (inside, rows_inside, name, ACCENT, 0.5),
    )
    for counts, rows, side, colour, width in sides:
        fig.add_bar(
            x=moments((edges[1:] + edges[:-1]) / 2, column),
            y=[count / max(rows, 1) for count in counts],
            width=np.diff(edges) * width,
            name=escape(side),
            marker={"color": colour},
            customdata=_share_hover(bin_texts(column), counts, rows, side),
            hovertemplate="%{customdata}<extra></extra>",
        )
    fig.update_layout(barmode="overlay")
    fig.update_xaxes(title_text=label(column.name, 60), showgrid=False)
    fig.update_yaxes(title_text="share of rows", tickformat=".0%", rangemode="tozero")
    return fig


def _share_levels(column: ColumnProfile, inside: Sequence[int], rows_inside: int, name: str) -> go.Figure:
    names = [level for level, _ in column.levels]
    fig = figure(height=_FRAME_PX + (_BAR_PX + 8) * max(len(names), 2))
    whole = [rows for _, rows in column.levels]
    sides = ((whole, column.rows, "all rows", MUTED), (list(inside), rows_inside, name, ACCENT))
    for counts, rows, side, colour in sides:
        fig.add_bar(
            x=[count / max(rows, 1) for count in counts],
            y=list(range(len(names))),
            orientation="h",
            name=escape(side),
            marker={"color": colour},
            customdata=_share_hover([escape(level) for level in names], counts, rows, side),
            hovertemplate="%{customdata}<extra></extra>",
        )
    fig.update_xaxes(title_text="share of rows", tickformat=".0%", rangemode="tozero")
    label_levels(fig, names)
    fig.update_yaxes(title_text=label(column.name, 60))
    return fig


def timeline(line: Timeline, column: str) -> go.Figure:
    """Draw how many rows fall into each period of a date column; a slice in front of the whole."""
    fig = figure(height=300)
    starts = np.asarray(line.starts).astype("int64").astype("datetime64[ms]")
    texts = [period_text(start, line.period) for start in line.starts]
    sides = [(line.rows, "all rows", ACCENT if line.inside is None else MUTED)]
    if line.inside is not None:
        sides.append((line.inside, "slice", ACCENT))
    for rows, side, colour in sides:
        fig.add_bar(
            x=starts, y=list(rows), name=side, marker={"color": colour},
            customdata=[f"{text}<br>{n:,} rows" for text, n in zip(texts, rows, strict=True)],
            hovertemplate="%{customdata}<extra></extra>",
        )  # fmt: skip
    fig.update_layout(barmode="overlay", bargap=0.1)
    fig.update_xaxes(title_text=f"{label(column, 60)}, by {line.period}", showgrid=False, type="date")
    fig.update_yaxes(title_text="rows", rangemode="tozero")
    return fig


def timeline_target(line: Timeline) -> go.Figure:
    """Draw the target over the periods of a date column, each series with its band of 95% intervals."""
    fig = figure(height=300)
    found = line.relation
    if found is None or not found.bins:
        note(fig, "No row has both a date and a target.")
        return fig
    starts = np.array([one.low for one in found.bins], dtype=float).astype("int64").astype("datetime64[ms]")
    is_rate = found.measure == "rate"
    form = "{:.1%}" if is_rate else "{:,.5g}"
    for number, name in enumerate(found.series):
        colour = SERIES[number % len(SERIES)]
        values = [one.values[number] for one in found.bins]
        for side in ("ci_low", "ci_high"):
            edge = [getattr(one, side)[number] for one in found.bins]
            fig.add_scatter(
                x=starts,
                y=[value if limit is None else limit for value, limit in zip(values, edge, strict=True)],
                mode="lines",
                line={"width": 0, "color": colour},
                fill="tonexty" if side == "ci_high" else None,
                fillcolor=see_through(number % len(SERIES)),
                hoverinfo="skip",
                showlegend=False,
            )
        fig.add_scatter(
            x=starts,
            y=values,
            mode="lines+markers",
            name=label(name),
            line={"color": colour, "width": 1.5},
            marker={"size": 5},
            showlegend=len(found.series) > 1,
            customdata=[
                f"{escape(one.label)}<br>{escape(name)}: {form.format(one.values[number])}<br>{one.rows:,} rows"
                for one in found.bins
            ],
            hovertemplate="%{customdata}<extra></extra>",
        )
    which = f" = {label(found.series[0])}" if is_rate and len(found.series) == 1 else ""
    title = f"share of {label(found.target, 40)}{which}" if is_rate else f"mean of {label(found.target, 40)}"
    fig.update_xaxes(title_text=f"{label(found.column, 60)}, by {line.period}", showgrid=False, type="date")
    fig.update_yaxes(title_text=title, tickformat=".0%" if is_rate else None)
    return fig


def gaps_along(gaps: Gaps) -> go.Figure:
    """Draw the share of missing values along the rows, first row on the left."""
    fig = figure(height=150)
    n_segments = len(gaps.segments)
    borders = np.linspace(0, gaps.rows, n_segments + 1)
    texts = [f"rows {low + 1:,.0f} to {high:,.0f}" for low, high in pairwise(borders)]
    fig.add_bar(
        x=(borders[:-1] + borders[1:]) / 2, y=list(gaps.segments), width=np.diff(borders),
        customdata=[f"{text}<br>{share:.1%} missing" for text, share in zip(texts, gaps.segments, strict=True)],
        marker={"color": SERIES[1]}, hovertemplate="%{customdata}<extra></extra>",
    )  # fmt: skip
    fig.update_xaxes(title_text="row", showgrid=False, range=[0, gaps.rows], tickformat=",")
    fig.update_yaxes(title_text="missing", tickformat=".0%", range=[0, 1], nticks=3)
    return fig


def gaps_together(gaps: Gaps) -> go.Figure:
    """Draw which other columns are missing in the rows without a value, and in the others."""
    names = [one.column for one in gaps.together]
    fig = figure(height=_FRAME_PX + (_BAR_PX + 8) * max(len(names), 1))
    sides = (
        ("where it has a value", [one.elsewhere for one in gaps.together], MUTED),
        ("where it is missing", [one.share for one in gaps.together], SERIES[1]),
    )
    for side, values, colour in sides:
        hover = [
            f"{escape(name)}<br>missing in {value:.1%} of the rows {side}"
            for name, value in zip(names, values, strict=True)
        ]
        fig.add_bar(
            x=values, y=list(range(len(names))), orientation="h", name=side, marker={"color": colour},
            customdata=hover, hovertemplate="%{customdata}<extra></extra>",
        )  # fmt: skip
    fig.update_xaxes(title_text="the other column is missing too", tickformat=".0%", range=[0, 1])
    label_levels(fig, names)
    return fig


def words(counted: Sequence[tuple[str, int]], rows: int) -> go.Figure:
    """Draw the frequent words of a text column; from `core.data.profiling.words.count_words`."""
    hover = [f"{escape(word)}<br>in {n:,} of {rows:,} rows ({n / max(rows, 1):.1%})" for word, n in counted]
    part = [n / max(rows, 1) for _, n in counted]
    fig = level_bars([word for word, _ in counted], part, hover, [ACCENT] * len(part))
    fig.update_xaxes(title_text="share of rows with the word", tickformat=".0%")
    if not counted:
        note(fig, "There are no words.")
    return fig


def drift_bins(column: ColumnDrift, *, was: str, now: str) -> go.Figure:
    """Draw the bins or levels of a column on both sides, as shares of their rows.

    Parameters
    ----------
    was, now : str
        What the two sides are called.
    """
    names = [one.label for one in column.bins]
    is_upright = column.type != "category"
    fig = figure(height=320 if is_upright else _FRAME_PX + (_BAR_PX + 8) * max(len(names), 2))
    sides = (
        (was, [one.was for one in column.bins], column.rows_was, MUTED),
        (now, [one.now for one in column.bins], column.rows_now, ACCENT),
    )
    for side, counts, rows, colour in sides:
        part = [count / max(rows, 1) for count in counts]
        places = list(range(len(names)))
        fig.add_bar(
            x=places if is_upright else part, y=part if is_upright else places, orientation="v" if is_upright else "h",
            name=label(side), marker={"color": colour},
            customdata=_share_hover([escape(name) for name in names], counts, rows, side),
            hovertemplate="%{customdata}<extra></extra>",
        )  # fmt: skip
    if is_upright:
        ticks = {"tickmode": "array", "tickvals": list(range(len(names))), "ticktext": [label(name) for name in names]}
        fig.update_xaxes(**ticks, title_text=label(column.name, 60), showgrid=False, tickangle=tick_angle(names))
        fig.update_yaxes(title_text="share of rows", tickformat=".0%", rangemode="tozero")
    else:
        label_levels(fig, names)
        fig.update_yaxes(title_text=label(column.name, 60))
        fig.update_xaxes(title_text="share of rows", tickformat=".0%", rangemode="tozero")
    return fig


def _share_hover(texts: Sequence[str], counts: Sequence[int], rows: int, side: str) -> list[str]:
    """Return hover texts; `texts` are safe already, `side` is not."""
    return [
        f"{text}<br>{escape(side)}: {n:,} rows ({n / max(rows, 1):.1%})" for text, n in zip(texts, counts, strict=True)
    ]
