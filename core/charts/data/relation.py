"""The figure of a relation: how the target varies over a column."""

from functools import partial
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from core.charts.look import INK, MUTED, SERIES, escape, figure, label, tick_angle
from core.charts.parts import BAR_PX, FRAME_PX, label_levels
from core.data.relations.relations import Relation, RelationBin
from core.wording import number_text, percent_text

_LEAST_STEPS = 3  # between two values there is nothing that a line could show


def relation(found: Relation, *, whole: Relation | None = None) -> go.Figure:
    """Draw how the target varies over a column.

    Parameters
    ----------
    whole : Relation, optional
        The same over all rows, when `found` is a slice: drawn behind it, without intervals.

    Returns
    -------
    Figure
        Shares or means with 95% intervals over the bins, the value over all rows as a dotted line, and the rows of
        each bin. Numbers and dates run to the right, levels and numbers of two values downwards.
    """
    steps = [one for one in found.bins if one.kind != "missing"]
    ordered = len(steps) >= _LEAST_STEPS and all(one.low is not None for one in steps)
    shape: dict[str, Any] = (
        {"rows": 2, "cols": 1, "shared_xaxes": True, "row_heights": [0.75, 0.25], "vertical_spacing": 0.05}
        if ordered
        else {"rows": 1, "cols": 2, "shared_yaxes": True, "column_widths": [0.72, 0.28], "horizontal_spacing": 0.04}
    )
    height = 380 if ordered else FRAME_PX + BAR_PX * max(len(found.bins), 3)
    fig = make_subplots(**shape, figure=figure(height=height))
    if whole is not None and not whole.series[1:]:
        _add_whole(fig, found, whole, MUTED, ordered=ordered)
    for number, name in enumerate(found.series):
        _add_series(fig, found, number, name, SERIES[number % len(SERIES)], ordered=ordered)
    _add_rows(fig, found, MUTED, ordered=ordered)
    _label_relation(fig, found, ordered=ordered)
    return fig


def _add_whole(fig: go.Figure, found: Relation, whole: Relation, colour: str, *, ordered: bool) -> None:
    """Draw what all rows say behind a slice: only where there is one series, or nobody could tell them apart."""
    by_label = {one.label: one for one in whole.bins}
    pairs = [(place, by_label[one.label]) for place, one in enumerate(found.bins) if one.label in by_label]
    places, values = [place for place, _ in pairs], [one.values[0] for _, one in pairs]
    fig.add_scatter(
        x=places if ordered else values,
        y=values if ordered else places,
        mode="markers",
        marker={"color": colour, "size": 12, "symbol": "diamond"},
        customdata=[f"all rows<br>{_relation_hover(whole, one, 0)}" for _, one in pairs],
        hovertemplate="%{customdata}<extra></extra>",
        name="all rows",
        showlegend=True,
        row=1,
        col=1,
    )


def _add_series(fig: go.Figure, found: Relation, number: int, name: str, colour: str, *, ordered: bool) -> None:
    places = list(range(len(found.bins)))
    values = [one.values[number] for one in found.bins]
    # A missing-values bin is not a step of the scale: the line ends before it.
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
        words = "" if found.series[1:] else f"all rows {_value_text(found, overall)}"
        dotted |= {"annotation": {"text": words, "font": {"size": 11, "color": INK}}}
        if ordered:
            fig.add_hline(y=overall, annotation_position="bottom right", **dotted)
        else:
            fig.add_vline(x=overall, annotation_position="top", **dotted)


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
    if any(high is not None for one in found.bins for high in one.ci_high):
        what += ", 95% interval"
    labels, name = [one.label for one in found.bins], label(found.column, 60)
    number_format = ".0%" if is_rate else None
    if ordered:
        ticks = {"tickmode": "array", "tickvals": list(range(len(labels))), "showgrid": False}
        fig.update_xaxes(**ticks, ticktext=[label(text) for text in labels], tickangle=tick_angle(labels))
        fig.update_xaxes(title_text=name, row=2, col=1)
        fig.update_yaxes(title_text=what, tickformat=number_format, row=1, col=1)
        fig.update_yaxes(title_text="rows", nticks=3, row=2, col=1)
    else:
        label_levels(fig, labels)
        fig.update_yaxes(title_text=name, row=1, col=1)
        fig.update_xaxes(title_text=what, tickformat=number_format, row=1, col=1)
        fig.update_xaxes(title_text="rows", nticks=3, row=1, col=2)


def _relation_hover(found: Relation, one: RelationBin, number: int) -> str:
    form = partial(_value_text, found)
    value = form(one.values[number])
    name = f"{escape(found.series[number])}: " if found.measure == "rate" else "mean: "
    low, high = one.ci_low[number], one.ci_high[number]
    interval = "" if low is None or high is None else f" (95% interval {form(low)} to {form(high)})"
    return f"{escape(one.label)}<br>{name}{value}{interval}<br>{one.rows:,} rows"


def _value_text(found: Relation, value: float) -> str:
    return percent_text(value, 1) if found.measure == "rate" else number_text(value, 5)


def _reach(high: float | None, low: float | None) -> float | None:
    return None if high is None or low is None else high - low
