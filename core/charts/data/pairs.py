"""Figures of columns together: the square of associations, and two columns looked at closely."""

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import plotly.graph_objects as go

from core.charts.look import ACCENT, MUTED, UPPER_HALF, escape, figure, label, on_upper_half
from core.charts.parts import label_levels, moments
from core.data.relations.associations import Associations
from core.data.relations.pairs import BOX_QUANTILES, Boxes, Crosstab, Pair, PairPoints
from core.domain.columns import Column
from core.wording import number_text, percent_text

_WRITTEN_CELL_PX: Final = 28
_CELL_PX: Final = 22
_SMALL_CELL_PX: Final = 17
_FEW: Final = 18
_FRAME_PX: Final = 170
_MAX_PX: Final = 900
_MAX_WRITTEN: Final = 80
_WRITTEN_COLUMNS: Final = 12  # more numbers cover each other on a telephone
_LEAST_WRITTEN: Final = 0.05  # nearer to none neither a number nor a sign says anything
_SMALL_SHARE: Final = 0.005  # it would be written as none


def associations(found: Associations) -> go.Figure:
    """Draw how strongly every pair of columns goes together.

    Returns
    -------
    Figure
        A square of colours under points that cannot be seen but clicked: `customdata` of a point holds the two places.
    """
    n_columns = len(found.columns)
    is_written = n_columns <= _WRITTEN_COLUMNS
    cell = _WRITTEN_CELL_PX if is_written else _CELL_PX if n_columns <= _FEW else _SMALL_CELL_PX
    fig = figure(height=min(_FRAME_PX + cell * max(n_columns, 6), _MAX_PX))
    places = list(range(n_columns))
    # What a column has to do with itself would be the darkest of all. Only two numbers have a direction, so colour is
    # strength alone, and a sign says which of them fall as the other rises.
    cells = {(row, place): value for row, place, value in _cells(found) if value is not None}
    fig.add_heatmap(
        z=[[abs(cells[at, to]) if (at, to) in cells else None for to in places] for at in places],
        x=places, y=places, zmin=0, zmax=1, xgap=1, ygap=1, colorscale=UPPER_HALF, hoverinfo="skip",
        colorbar={"thickness": 10, "outlinewidth": 0, "tickvals": [0, 0.5, 1], "tickfont": {"size": 11}},
    )  # fmt: skip
    words = {
        cell: f"{'−' if value < 0 else ''}{abs(value):.2f}".replace("0.", ".") if is_written else "−"
        for cell, value in cells.items()
        if value < -_LEAST_WRITTEN or (is_written and value > _LEAST_WRITTEN)
    }
    fig.add_scatter(
        x=[place for _, place in words], y=[row for row, _ in words], mode="text", text=list(words.values()),
        textfont={"size": 10 if is_written else 12, "color": [on_upper_half(abs(cells[cell])) for cell in words]},
        hoverinfo="skip", showlegend=False,
    )  # fmt: skip
    pairs = [(row, place) for row, place, _ in _cells(found)]
    fig.add_scatter(
        x=[place for _, place in pairs], y=[row for row, _ in pairs], mode="markers",
        marker={"size": 14, "opacity": 0.01, "symbol": "square", "color": MUTED},
        customdata=[[row, place, _association_text(found, row, place)] for row, place in pairs],
        hovertemplate="%{customdata[2]}<extra></extra>", showlegend=False,
    )  # fmt: skip
    texts = [label(name, 16) for name in found.columns]
    ticks: dict[str, Any] = {"tickmode": "array", "tickvals": places, "ticktext": texts}
    ticks |= {"showgrid": False, "fixedrange": True}
    fig.update_xaxes(
        **ticks, range=[-0.5, n_columns - 0.5], tickangle=-45 if n_columns <= _FEW else -90, tickfont={"size": 11}
    )
    fig.update_yaxes(**ticks, range=[n_columns - 0.5, -0.5], tickfont={"size": 11 if n_columns <= _FEW else 10})
    return fig


def pair(found: Pair) -> go.Figure:
    """Draw two columns together: points, boxes, or shares of one within the levels of the other."""
    if isinstance(found, PairPoints):
        return _points(found)
    return _boxes(found) if isinstance(found, Boxes) else _crosstab(found)


def _points(found: PairPoints) -> go.Figure:
    fig = figure(height=420)
    fig.add_scatter(
        x=moments(np.asarray(found.x), found.first), y=moments(np.asarray(found.y), found.second), mode="markers",
        marker={"color": ACCENT, "size": 6, "opacity": 0.35},
        customdata=[
            f"{escape(found.first.name)}: {_number(found.first, x)}<br>"
            f"{escape(found.second.name)}: {_number(found.second, y)}"
            for x, y in zip(found.x, found.y, strict=True)
        ],
        hovertemplate="%{customdata}<extra></extra>",
    )  # fmt: skip
    fig.update_xaxes(title_text=label(found.first.name, 60), type=_axis(found.first))
    fig.update_yaxes(title_text=label(found.second.name, 60), type=_axis(found.second))
    return fig


def _boxes(found: Boxes) -> go.Figure:
    fig = figure(height=130 + 34 * max(len(found.labels), 2))
    table = np.asarray(found.quantiles, dtype=float).reshape(-1, len(BOX_QUANTILES))
    low, first, middle, third, high = (moments(side, found.number) for side in table.T)
    fig.add_box(
        y=list(range(len(found.labels))), lowerfence=low, q1=first, median=middle, q3=third, upperfence=high,
        orientation="h", marker={"color": ACCENT}, line={"width": 1.5}, showlegend=False, hoverinfo="skip",
    )  # fmt: skip
    # Boxes tell their edges one by one on hover: one text says it all.
    fig.add_scatter(
        x=middle, y=list(range(len(found.labels))), mode="markers", showlegend=False,
        marker={"color": ACCENT, "size": 9},
        customdata=[
            f"{escape(name)}<br>median {_number(found.number, row[2])}, half of them from"
            f" {_number(found.number, row[1])} to {_number(found.number, row[3])}<br>{count:,} rows"
            for name, count, row in zip(found.labels, found.counts, table, strict=True)
        ],
        hovertemplate="%{customdata}<extra></extra>",
    )  # fmt: skip
    label_levels(fig, found.labels)
    fig.update_yaxes(title_text=label(found.category.name, 60))
    fig.update_xaxes(
        title_text=f"{label(found.number.name, 60)}: middle 90%, half and median", type=_axis(found.number)
    )
    return fig


def _write_shares(fig: go.Figure, part: np.ndarray) -> None:
    """Write the share into each cell of the heatmap, light on its dark end and dark on its light one."""
    most = part.max() or 1.0
    first, second = np.indices(part.shape)
    texts = ["<1%" if 0 < share < _SMALL_SHARE else percent_text(share, 0) for share in part.ravel()]
    fig.add_scatter(
        x=second.ravel(), y=first.ravel(), mode="text", text=texts,
        textfont={"size": 13, "color": [on_upper_half(share / most) for share in part.ravel()]},
        hoverinfo="skip", showlegend=False,
    )  # fmt: skip


def _crosstab(found: Crosstab) -> go.Figure:
    counts = np.asarray(found.counts, dtype=float).reshape(len(found.first_labels), len(found.second_labels))
    totals = counts.sum(axis=1, keepdims=True)
    part = np.divide(counts, totals, out=np.zeros_like(counts), where=totals > 0)
    fig = figure(height=150 + 30 * max(len(found.first_labels), 3))
    hover = [
        [
            f"{escape(first)} · {escape(second)}<br>{n:,.0f} rows, {percent_text(share, 1)} of {escape(first)}"
            for second, n, share in zip(found.second_labels, row, row_shares, strict=True)
        ]
        for first, row, row_shares in zip(found.first_labels, counts, part, strict=True)
    ]
    fig.add_heatmap(
        z=part, x=list(range(len(found.second_labels))), y=list(range(len(found.first_labels))), zmin=0, xgap=1, ygap=1,
        colorscale=UPPER_HALF, customdata=hover,
        hovertemplate="%{customdata}<extra></extra>",
        colorbar={"thickness": 10, "outlinewidth": 0, "tickformat": ".0%"}, showscale=part.size > _MAX_WRITTEN,
    )  # fmt: skip
    if part.size <= _MAX_WRITTEN:
        _write_shares(fig, part)
    ticks: dict[str, Any] = {"tickmode": "array", "tickvals": list(range(len(found.second_labels))), "showgrid": False}
    texts = [label(text, 18) for text in found.second_labels]
    fig.update_xaxes(**ticks, ticktext=texts, title_text=f"{label(found.second.name, 40)}: shares within each row")
    label_levels(fig, found.first_labels)
    fig.update_yaxes(title_text=label(found.first.name, 60))
    return fig


def _cells(found: Associations) -> Iterator[tuple[int, int, float | None]]:
    """Return the places of every two different columns, with how strongly they go together."""
    for row, values in enumerate(found.values):
        yield from ((row, place, value) for place, value in enumerate(values) if place != row)


def _association_text(found: Associations, row: int, place: int) -> str:
    value = found.values[row][place]
    names = f"{escape(found.columns[row])}<br>{escape(found.columns[place])}"
    return f"{names}<br>{found.measure(row, place)}: {'–' if value is None else f'{value:.2f}'}"


def _axis(column: Column) -> str:
    return "date" if column.type == "date" else "linear"


def _number(column: Column, value: float) -> str:
    if column.type == "date":
        return str(np.datetime64(int(value), "ms").astype("datetime64[D]"))
    return number_text(value, 5)
