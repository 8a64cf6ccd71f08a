"""Figures for exploring data: plain numbers in, `plotly` figures out.

Plotly reads a subset of HTML in titles, labels and hover text, so every text that comes from data passes `escape`.
Levels stand on numbered axes with the text as tick labels: two that are cut alike never fall together.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from core._column_profile import ColumnProfile
from core._look import Palette, escape, figure, label, note, palette, short, template, template_name
from core.profile import Profile
from core.relations import MEASURE, Relation, RelationBin

__all__ = [
    "Palette",
    "escape",
    "figure",
    "histogram",
    "label",
    "levels",
    "missing",
    "note",
    "palette",
    "ranking",
    "relation",
    "short",
    "template",
    "template_name",
]

MAX_BARS: Final = 30
_BAR_PX = 24
_FRAME_PX = 90


def histogram(column: ColumnProfile, *, dark: bool = False) -> go.Figure:
    """Draw the distribution of a numeric or date column.

    Parameters
    ----------
    column : ColumnProfile
        Of a numeric or date column.
    dark : bool
        The theme.

    Returns
    -------
    Figure
        One bar a bin; a remark tells of rows outside the axis. Without values, only the remark.
    """
    fig = figure(dark=dark, height=280)
    bins = column.histogram
    if bins is None:
        note(fig, "There are no values.", dark=dark)
        return fig
    edges = np.asarray(bins.edges)
    unit = column.integer and bool(np.all(np.diff(edges) == 1))
    centres, widths = (edges[1:] + edges[:-1]) / 2, np.diff(edges)
    ranges = [
        _show(centre, column) if unit else f"{_show(low, column)} to {_show(high, column)}"
        for low, high, centre in zip(edges[:-1], edges[1:], centres, strict=True)
    ]
    is_date = column.type == "date"
    fig.add_bar(
        x=centres.astype("int64").astype("datetime64[ms]") if is_date else centres,
        y=list(bins.counts),
        width=widths * (0.8 if unit else 0.96),
        customdata=ranges,
        marker={"color": palette(dark=dark).accent},
        hovertemplate="%{customdata}<br>%{y:,} rows<extra></extra>",
    )
    fig.update_xaxes(title_text=label(column.name, 60), showgrid=False, type="date" if is_date else "linear")
    fig.update_yaxes(title_text="rows", rangemode="tozero")
    if bins.below or bins.above:
        beyond = [f"{n:,} {side}" for n, side in ((bins.below, "below"), (bins.above, "above")) if n]
        note(fig, f"Rows not shown: {', '.join(beyond)}", dark=dark)
    return fig


def levels(column: ColumnProfile, *, dark: bool = False) -> go.Figure:
    """Draw the most frequent levels of a category column.

    Parameters
    ----------
    column : ColumnProfile
        Of a category column.
    dark : bool
        The theme.

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
    colours = palette(dark=dark)
    fill = [colours.accent] * n_levels + [colours.muted] * (len(bars) - n_levels)
    hover = [f"{escape(level)}<br>{rows:,} rows ({rows / column.rows:.1%})" for level, rows in bars]
    fig = _bars([level for level, _ in bars], [rows for _, rows in bars], hover, fill, dark=dark)
    fig.update_xaxes(title_text="rows")
    fig.update_yaxes(title_text=label(column.name, 60))
    return fig


def relation(found: Relation, *, dark: bool = False) -> go.Figure:
    """Draw how the target varies over a column.

    Parameters
    ----------
    found : Relation
        From `core.relations.relation_to_target`.
    dark : bool
        The theme.

    Returns
    -------
    Figure
        Shares or means with 95 % intervals over the bins, the value over all rows as a dotted line, and the rows of
        each bin. Numbers and dates run to the right, levels downwards.
    """
    ordered = all(one.low is not None for one in found.bins if one.kind != "missing")
    colours = palette(dark=dark)
    shape: dict[str, Any] = (
        {"rows": 2, "cols": 1, "shared_xaxes": True, "row_heights": [0.75, 0.25], "vertical_spacing": 0.05}
        if ordered
        else {"rows": 1, "cols": 2, "shared_yaxes": True, "column_widths": [0.72, 0.28], "horizontal_spacing": 0.04}
    )
    height = 380 if ordered else _FRAME_PX + _BAR_PX * max(len(found.bins), 3)
    fig = make_subplots(**shape, figure=figure(dark=dark, height=height))
    for number, name in enumerate(found.series):
        _add_series(fig, found, number, name, colours.series[number % len(colours.series)], ordered=ordered)
    _add_rows(fig, found, colours.muted, ordered=ordered)
    _label_relation(fig, found, ordered=ordered)
    return fig


def ranking(
    ranked: Sequence[tuple[str, float]], *, measure: str = MEASURE, max_bars: int = 20, dark: bool = False
) -> go.Figure:
    """Draw the columns that go with the target most.

    Parameters
    ----------
    ranked : sequence of (str, float)
        Column and measure (0 to 1), strongest first, from `core.relations.rank_relations`.
    measure : str
        What the numbers are, in words.
    max_bars : int
        Columns shown; the remark tells of more.
    dark : bool
        The theme.
    """
    shown = list(ranked[:max_bars])
    hover = [f"{escape(name)}<br>{value:.1%}" for name, value in shown]
    colour = palette(dark=dark).accent
    fig = _bars([name for name, _ in shown], [value for _, value in shown], hover, [colour] * len(shown), dark=dark)
    fig.update_xaxes(title_text=f"{measure}, each column by itself", tickformat=".0%")
    if len(ranked) > len(shown):
        note(fig, f"{len(shown)} of {len(ranked):,} columns", dark=dark)
    return fig


def missing(profile: Profile, *, dark: bool = False) -> go.Figure:
    """Draw the share of missing values of the columns that have any, most first; at most `MAX_BARS` of them."""
    gaps = sorted((one for one in profile.columns if one.missing), key=lambda one: -one.missing)
    shown = gaps[:MAX_BARS]
    hover = [f"{escape(one.name)}<br>{one.missing:,} of {one.rows:,} rows ({one.missing_share:.1%})" for one in shown]
    colour = palette(dark=dark).accent
    shares = [one.missing_share for one in shown]
    fig = _bars([one.name for one in shown], shares, hover, [colour] * len(shown), dark=dark)
    fig.update_xaxes(title_text="missing values, share of rows", tickformat=".0%", range=[0, 1])
    if not gaps:
        note(fig, "No value is missing.", dark=dark)
    elif len(gaps) > len(shown):
        note(fig, f"{len(shown)} of {len(gaps):,} columns with missing values", dark=dark)
    return fig


def _bars(
    labels: Sequence[str], values: Sequence[float], hover: Sequence[str], fill: Sequence[str], *, dark: bool
) -> go.Figure:
    """Draw horizontal bars from top to bottom; `hover` is safe already, `labels` are not."""
    fig = figure(dark=dark, height=_FRAME_PX + _BAR_PX * max(len(labels), 1))
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
    _label_levels(fig, labels)
    return fig


def _label_levels(fig: go.Figure, labels: Sequence[str], **where: Any) -> None:
    """Put labels on the y axis, the first on top."""
    fig.update_yaxes(
        tickmode="array",
        tickvals=list(range(len(labels))),
        ticktext=[label(text) for text in labels],
        range=[max(len(labels), 1) - 0.5, -0.5],
        showgrid=False,
        **where,
    )


def _add_series(fig: go.Figure, found: Relation, number: int, name: str, colour: str, *, ordered: bool) -> None:
    places = list(range(len(found.bins)))
    values = [one.values[number] for one in found.bins]
    # A missing-values bin is no step of the scale: the line ends before it.
    line = [place for place, one in enumerate(found.bins) if one.kind != "missing"] if ordered else []
    intervals = {
        "type": "data",
        "symmetric": False,
        "array": [_reach(one.ci_high[number], one.values[number]) for one in found.bins],
        "arrayminus": [_reach(one.values[number], one.ci_low[number]) for one in found.bins],
        "thickness": 1.2,
        "width": 0,
        "color": colour,
    }
    common = {"legendgroup": str(number), "name": label(name), "showlegend": False}
    if line:
        steps = {"x": line, "y": [values[place] for place in line]}
        fig.add_scatter(**steps, mode="lines", line={"color": colour, "width": 1}, hoverinfo="skip", **common)
    common["showlegend"] = len(found.series) > 1
    fig.add_scatter(
        x=places if ordered else values,
        y=values if ordered else places,
        mode="markers",
        marker={"color": colour, "size": 8},
        customdata=[_relation_hover(found, one, number) for one in found.bins],
        hovertemplate="%{customdata}<extra></extra>",
        **{"error_y" if ordered else "error_x": intervals},
        **common,
    )
    for overall in found.overall[number : number + 1]:
        dotted = {"line": {"color": colour, "width": 1, "dash": "dot"}, "opacity": 0.7, "row": 1, "col": 1}
        if ordered:
            fig.add_hline(y=overall, **dotted)
        else:
            fig.add_vline(x=overall, **dotted)


def _add_rows(fig: go.Figure, found: Relation, colour: str, *, ordered: bool) -> None:
    places, rows = list(range(len(found.bins))), [one.rows for one in found.bins]
    fig.add_bar(
        x=places if ordered else rows,
        y=rows if ordered else places,
        orientation="v" if ordered else "h",
        marker={"color": colour},
        customdata=[f"{escape(one.label)}<br>{one.rows:,} rows" for one in found.bins],
        hovertemplate="%{customdata}<extra></extra>",
        showlegend=False,
        row=2 if ordered else 1,
        col=1 if ordered else 2,
    )


def _label_relation(fig: go.Figure, found: Relation, *, ordered: bool) -> None:
    is_rate = found.measure == "rate"
    what = f"mean of {label(found.target, 40)}"
    if is_rate:
        which = f" = {label(found.series[0])}" if len(found.series) == 1 else ""
        what = f"share of {label(found.target, 40)}{which}"
    labels, name = [one.label for one in found.bins], label(found.column, 60)
    number_format = ".0%" if is_rate else None
    if ordered:
        ticks = {"tickmode": "array", "tickvals": list(range(len(labels))), "showgrid": False}
        fig.update_xaxes(**ticks, ticktext=[label(text) for text in labels])
        fig.update_xaxes(title_text=name, row=2, col=1)
        fig.update_yaxes(title_text=what, tickformat=number_format, row=1, col=1)
        fig.update_yaxes(title_text="rows", nticks=3, row=2, col=1)
    else:
        _label_levels(fig, labels)
        fig.update_yaxes(title_text=name, row=1, col=1)
        fig.update_xaxes(title_text=what, tickformat=number_format, row=1, col=1)
        fig.update_xaxes(title_text="rows", nticks=3, row=1, col=2)


def _relation_hover(found: Relation, one: RelationBin, number: int) -> str:
    form = "{:.1%}" if found.measure == "rate" else "{:,.5g}"
    value = form.format(one.values[number])
    name = f"{escape(found.series[number])}: " if found.measure == "rate" else "mean: "
    low, high = one.ci_low[number], one.ci_high[number]
    interval = "" if low is None or high is None else f" (95 % interval {form.format(low)} to {form.format(high)})"
    return f"{escape(one.label)}<br>{name}{value}{interval}<br>{one.rows:,} rows"


def _reach(high: float | None, low: float | None) -> float | None:
    return None if high is None or low is None else high - low


def _show(value: float, column: ColumnProfile) -> str:
    if column.type == "date":
        return str(np.datetime64(int(value), "ms").astype("datetime64[m]")).replace("T", " ").removesuffix(" 00:00")
    return f"{value:,.0f}" if column.integer and value == int(value) else f"{value:,.5g}"
