"""Figures about single predictions: confusion, residuals, predicted and actual, score distribution."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from core.charts.look import ACCENT, INK, MUTED, PAGE, SHARES, escape, on_shares
from core.charts.models.look import HEIGHT, data_of, label, new_figure
from core.explanations.items import Item
from core.metrics.curves import Confusion, Residuals
from core.wording import number_text, percent_text

_MAX_NUMBERED_CLASSES = 12  # more cells than these squared cannot be read
_SCORE_BINS = 50
_SAID_CLASSES = 2


def confusion_matrix(item: Item[Confusion]) -> go.Figure:
    """Draw actual against predicted classes: counts, and each cell's share of its row."""
    table = data_of(item)
    counts = np.array(table.counts)
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    names = [label(name) for name in table.classes]
    figure = new_figure("Confusion matrix", item.origin, height=min(900, 200 + 74 * len(names)))
    full = [escape(name) for name in table.classes]
    figure.add_heatmap(
        z=share,
        x=list(range(len(names))),
        y=list(range(len(names))),
        zmin=0,
        zmax=1,
        colorscale=SHARES,
        showscale=False,
        xgap=2,
        ygap=2,
        customdata=[
            [[full[i], full[j], f"{counts[i, j]:,}", percent_text(share[i, j])] for j in range(len(names))]
            for i in range(len(names))
        ],
        hovertemplate=(
            "%{customdata[2]} rows that are %{customdata[0]} were predicted as %{customdata[1]}:"
            "<br>%{customdata[3]} of all %{customdata[0]}<extra></extra>"
        ),
    )
    if len(names) <= _MAX_NUMBERED_CLASSES:
        _write_cells(figure, counts, share, names)
    places = {"tickvals": list(range(len(names))), "ticktext": names, "showgrid": False}
    figure.update_xaxes(title="predicted", side="bottom", **places)
    figure.update_yaxes(title="actual", autorange="reversed", **places)
    return figure


def residuals(item: Item[Residuals], *, target: str = "") -> go.Figure:
    """Draw residuals against predictions; between the dashed lines lie nine rows of ten."""
    found = data_of(item)
    figure = new_figure("Residuals", _points_origin(item, found))
    _add_cloud(
        figure, found.predicted, found.residual, "predicted %{x:,.4~r}<br>actual is %{y:+,.4~r} from it<extra></extra>"
    )
    figure.add_hline(y=0, line={"color": INK, "width": 1})
    for key, words, anchor in (
        ("0.05", "5% of the rows lie below", "top"),
        ("0.95", "5% of the rows lie above", "bottom"),
    ):
        value = found.quantiles[key]
        figure.add_hline(
            y=value,
            line={"color": MUTED, "width": 1, "dash": "dash"},
            annotation={
                "text": f"{words} {number_text(value)}",
                "font": {"size": 11, "color": INK},
                "bgcolor": PAGE,
                "xanchor": "right",
                "yanchor": anchor,
            },
        )
    figure.update_xaxes(title=f"predicted {label(target)}".strip())
    figure.update_yaxes(title="actual minus predicted")
    return figure


def predicted_actual(item: Item[Residuals], *, target: str = "") -> go.Figure:
    """Draw actual against predicted values; on the line they are equal."""
    found = data_of(item)
    predicted = np.array(found.predicted)
    actual = predicted + np.array(found.residual)
    figure = new_figure("Predicted and actual", _points_origin(item, found), height=HEIGHT + 40)
    _add_cloud(figure, predicted, actual, "predicted %{x:,.4~r}<br>actual %{y:,.4~r}<extra></extra>")
    ends = [float(min(predicted.min(), actual.min())), float(max(predicted.max(), actual.max()))]
    figure.add_scatter(x=ends, y=ends, mode="lines", line={"color": INK, "width": 1}, hoverinfo="skip")
    figure.update_xaxes(title=f"predicted {label(target)}".strip())
    figure.update_yaxes(title=f"actual {label(target)}".strip())
    return figure


def score_distribution(
    probabilities: ArrayLike, label_name: str, *, threshold: float | None = None, origin: str = ""
) -> go.Figure:
    """Draw how many rows have which probability of a class; those at or above the threshold in the accent.

    Parameters
    ----------
    probabilities : array-like of float, shape (n_rows,)
    label_name : str
        The class whose probability it is.
    threshold : float, optional
        Drawn as a line with the share of rows at or above it.
    """
    p = np.asarray(probabilities, dtype=np.float64)
    figure = new_figure(f"Probability of {label_name}", origin, height=300)
    counts, edges = np.histogram(p, bins=_SCORE_BINS, range=(0, 1))
    cut = 0.0 if threshold is None else threshold
    figure.add_bar(
        x=(edges[:-1] + edges[1:]) / 2,
        y=counts,
        width=1 / _SCORE_BINS,
        marker={
            "color": [ACCENT if (a + b) / 2 >= cut else MUTED for a, b in pairwise(edges)],
            "line": {"width": 0},
        },
        customdata=[[number_text(float(a)), number_text(float(b))] for a, b in pairwise(edges)],
        hovertemplate="%{y:,} rows between %{customdata[0]} and %{customdata[1]}<extra></extra>",
    )
    if threshold is not None:
        above = int((p >= threshold).sum())
        words = f"{above:,} of {len(p):,} rows at {number_text(threshold)} or above"
        figure.add_vline(x=threshold, line={"color": INK, "width": 1.5})
        figure.add_annotation(
            x=threshold,
            y=1,
            yref="paper",
            text=words,
            showarrow=False,
            font={"size": 12, "color": INK},
            xanchor="left" if threshold < 0.5 else "right",
            yanchor="bottom",
        )
    figure.update_layout(bargap=0.06)
    figure.update_xaxes(title=f"probability of {label(label_name)}", range=[0, 1])
    figure.update_yaxes(title="rows", rangemode="tozero")
    return figure


def _write_cells(figure: go.Figure, counts: np.ndarray, share: np.ndarray, names: Sequence[str]) -> None:
    # Of two classes there is room to say what a share is of.
    of = [f" of actual {name}" for name in names] if len(names) <= _SAID_CLASSES else [""] * len(names)
    size = 15 if len(counts) <= 3 else 12 if len(counts) <= 8 else 10
    small = max(10, size - 3)
    for i, row in enumerate(counts):
        for j, count in enumerate(row):
            figure.add_annotation(
                x=j,
                y=i,
                text=f"{count:,}<br><span style='font-size:{small}px'>{percent_text(share[i, j])}{of[i]}</span>",
                showarrow=False,
                font={"size": size, "color": on_shares(share[i, j])},
            )


def _add_cloud(figure: go.Figure, x: ArrayLike, y: ArrayLike, hover: str) -> None:
    figure.add_scatter(
        x=x,
        y=y,
        mode="markers",
        marker={"size": 4, "opacity": 0.35, "color": ACCENT, "line": {"width": 0}},
        hovertemplate=hover,
    )


def _points_origin(item: Item[Residuals], found: Residuals) -> str:
    shown = len(found.predicted)
    return item.origin if shown == found.n_rows else f"{item.origin}; {shown:,} of them shown"
