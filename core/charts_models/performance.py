"""Figures about how well a model does: confusion, curves, residuals, score distribution."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from core.charts import escape
from core.charts_models.look import HEIGHT, data_of, label, legend_below, look, new_figure, number, percent
from core.curves import Confusion, PrecisionRecallCurve, Residuals, RocCurve
from core.explanations import ClassPrecisionRecall, ClassRoc, Item

_MAX_NUMBERED_CLASSES = 12  # more cells than these squared cannot be read
_SCORE_BINS = 50


def confusion_matrix(item: Item[Confusion], *, dark: bool = False) -> go.Figure:
    """Draw actual against predicted classes: counts, and each cell's share of its row.

    Raises
    ------
    ExplanationError
        If there is no data; the message is the reason.
    """
    table = data_of(item)
    counts = np.array(table.counts)
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    names = [label(name) for name in table.classes]
    figure = new_figure("Confusion matrix", item.origin, dark=dark, height=min(900, 200 + 74 * len(names)))
    full = [escape(name) for name in table.classes]
    figure.add_heatmap(
        z=share,
        x=list(range(len(names))),
        y=list(range(len(names))),
        zmin=0,
        zmax=1,
        colorscale=look(dark=dark).share,
        showscale=False,
        xgap=2,
        ygap=2,
        customdata=[
            [[full[i], full[j], f"{counts[i, j]:,}", percent(share[i, j])] for j in range(len(names))]
            for i in range(len(names))
        ],
        hovertemplate=(
            "%{customdata[2]} rows that are %{customdata[0]} were predicted as %{customdata[1]}:"
            "<br>%{customdata[3]} of all %{customdata[0]}<extra></extra>"
        ),
    )
    if len(names) <= _MAX_NUMBERED_CLASSES:
        _write_cells(figure, counts, share, dark=dark)
    places = {"tickvals": list(range(len(names))), "ticktext": names, "showgrid": False}
    figure.update_xaxes(title="predicted", side="bottom", **places)
    figure.update_yaxes(title="actual", autorange="reversed", **places)
    return figure


def roc(item: Item[tuple[ClassRoc, ...]], *, threshold: float | None = None, dark: bool = False) -> go.Figure:
    """Draw the ROC curve of the positive class, or of each class against the rest.

    Parameters
    ----------
    threshold : float, optional
        Marked on the curve of a binary model.

    Raises
    ------
    ExplanationError
        If there is no data; the message is the reason.
    """
    curves = data_of(item)
    origin = item.origin if len(curves) == 1 else f"{item.origin}; each class with its AUC"
    figure = new_figure("ROC curve", origin, dark=dark, height=HEIGHT + 40)
    diagonal = {"color": look(dark=dark).muted, "width": 1, "dash": "dot"}
    figure.add_shape(type="line", x0=0, y0=0, x1=1, y1=1, line=diagonal)
    for one in curves:
        _add_curve(
            figure,
            one.curve.false_positive_rate,
            one.curve.true_positive_rate,
            one.curve.threshold,
            name=f"{label(one.name)}  {one.curve.auc:.4f}",
            words=("of the negative rows wrongly found", "of the positive rows found"),
            alone=len(curves) == 1,
            dark=dark,
        )
    if len(curves) == 1:
        curve: RocCurve = curves[0].curve
        _write_result(figure, f"AUC {curve.auc:.4f}", x=0.98, y=0.06, dark=dark)
        if threshold is not None:
            points = (curve.false_positive_rate, curve.true_positive_rate)
            _mark_threshold(figure, points, curve.threshold, threshold, "bottom right", dark=dark)
    _unit_axes(figure, "false positive rate", "true positive rate", legend=len(curves) > 1)
    return figure


def precision_recall(
    item: Item[tuple[ClassPrecisionRecall, ...]], *, threshold: float | None = None, dark: bool = False
) -> go.Figure:
    """Draw precision against recall of the positive class, or of each class against the rest.

    Parameters
    ----------
    threshold : float, optional
        Marked on the curve of a binary model.

    Raises
    ------
    ExplanationError
        If there is no data; the message is the reason.
    """
    curves = data_of(item)
    origin = item.origin if len(curves) == 1 else f"{item.origin}; each class with its average precision"
    figure = new_figure("Precision and recall", origin, dark=dark, height=HEIGHT + 40)
    for one in curves:
        _add_curve(
            figure,
            one.curve.recall,
            one.curve.precision,
            one.curve.threshold,
            name=f"{label(one.name)}  {one.curve.average_precision:.4f}",
            words=("of the positive rows found", "of the rows found are positive"),
            alone=len(curves) == 1,
            dark=dark,
        )
    if len(curves) == 1:
        curve: PrecisionRecallCurve = curves[0].curve
        figure.add_hline(y=curve.positive_share, line={"color": look(dark=dark).muted, "width": 1, "dash": "dot"})
        _write_result(figure, f"average precision {curve.average_precision:.4f}", x=0.98, y=0.97, dark=dark)
        if threshold is not None:
            points = (curve.recall, curve.precision)
            _mark_threshold(figure, points, curve.threshold, threshold, "top right", dark=dark)
    _unit_axes(figure, "recall", "precision", legend=len(curves) > 1)
    return figure


def residuals(item: Item[Residuals], *, target: str = "", dark: bool = False) -> go.Figure:
    """Draw residuals against predictions; between the dashed lines lie nine rows of ten.

    Raises
    ------
    ExplanationError
        If there is no data; the message is the reason.
    """
    found = data_of(item)
    colours = look(dark=dark)
    figure = new_figure("Residuals", _points_origin(item, found), dark=dark)
    _add_cloud(
        figure,
        found.predicted,
        found.residual,
        "predicted %{x:,.4g}<br>actual is %{y:+,.4g} from it<extra></extra>",
        dark=dark,
    )
    figure.add_hline(y=0, line={"color": colours.ink, "width": 1})
    for key, words, anchor in (("0.05", "5 % of the rows lie below", "top"), ("0.95", "5 % lie above", "bottom")):
        value = found.quantiles[key]
        figure.add_hline(
            y=value,
            line={"color": colours.muted, "width": 1, "dash": "dash"},
            annotation={
                "text": f"{words} {number(value)}",
                "font": {"size": 11, "color": colours.ink},
                "xanchor": "right",
                "yanchor": anchor,
            },
        )
    figure.update_xaxes(title=f"predicted {label(target)}".strip())
    figure.update_yaxes(title="actual minus predicted")
    return figure


def predicted_actual(item: Item[Residuals], *, target: str = "", dark: bool = False) -> go.Figure:
    """Draw actual against predicted values; on the line they are equal.

    Raises
    ------
    ExplanationError
        If there is no data; the message is the reason.
    """
    found = data_of(item)
    predicted = np.array(found.predicted)
    actual = predicted + np.array(found.residual)
    figure = new_figure("Predicted and actual", _points_origin(item, found), dark=dark, height=HEIGHT + 40)
    _add_cloud(figure, predicted, actual, "predicted %{x:,.4g}<br>actual %{y:,.4g}<extra></extra>", dark=dark)
    ends = [float(min(predicted.min(), actual.min())), float(max(predicted.max(), actual.max()))]
    figure.add_scatter(x=ends, y=ends, mode="lines", line={"color": look(dark=dark).ink, "width": 1}, hoverinfo="skip")
    figure.update_xaxes(title=f"predicted {label(target)}".strip())
    figure.update_yaxes(title=f"actual {label(target)}".strip())
    return figure


def score_distribution(
    probabilities: ArrayLike, label_name: str, *, threshold: float | None = None, origin: str = "", dark: bool = False
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
    colours = look(dark=dark)
    figure = new_figure(f"Probability of {label_name}", origin, dark=dark, height=300)
    counts, edges = np.histogram(p, bins=_SCORE_BINS, range=(0, 1))
    cut = 0.0 if threshold is None else threshold
    figure.add_bar(
        x=(edges[:-1] + edges[1:]) / 2,
        y=counts,
        width=1 / _SCORE_BINS,
        marker={
            "color": [colours.accent if (a + b) / 2 >= cut else colours.muted for a, b in pairwise(edges)],
            "line": {"width": 0},
        },
        customdata=[[number(float(a)), number(float(b))] for a, b in pairwise(edges)],
        hovertemplate="%{y:,} rows between %{customdata[0]} and %{customdata[1]}<extra></extra>",
    )
    if threshold is not None:
        above = int((p >= threshold).sum())
        words = f"{above:,} of {len(p):,} rows at {number(threshold)} or above"
        figure.add_vline(x=threshold, line={"color": colours.ink, "width": 1.5})
        figure.add_annotation(
            x=threshold,
            y=1,
            yref="paper",
            text=words,
            showarrow=False,
            font={"size": 12, "color": colours.ink},
            xanchor="left" if threshold < 0.5 else "right",
            yanchor="bottom",
        )
    figure.update_layout(bargap=0.06)
    figure.update_xaxes(title=f"probability of {label(label_name)}", range=[0, 1])
    figure.update_yaxes(title="rows", rangemode="tozero")
    return figure


def _write_cells(figure: go.Figure, counts: np.ndarray, share: np.ndarray, *, dark: bool) -> None:
    colours = look(dark=dark)
    size = 15 if len(counts) <= 3 else 12 if len(counts) <= 8 else 10
    for i, row in enumerate(counts):
        for j, count in enumerate(row):
            figure.add_annotation(
                x=j,
                y=i,
                text=f"{count:,}<br><span style='font-size:{max(10, size - 3)}px'>{percent(share[i, j])}</span>",
                showarrow=False,
                font={"size": size, "color": colours.on_accent if share[i, j] > colours.turn else colours.ink},
            )


def _add_curve(
    figure: go.Figure,
    x: Sequence[float],
    y: Sequence[float],
    thresholds: Sequence[float],
    *,
    name: str,
    words: tuple[str, str],
    alone: bool,
    dark: bool,
) -> None:
    figure.add_scatter(
        x=list(x),
        y=list(y),
        name=name,
        mode="lines",
        line={"width": 2, **({"color": look(dark=dark).accent} if alone else {})},
        customdata=[number(cut) for cut in thresholds],
        hovertemplate=(
            f"threshold %{{customdata}}<br>%{{x:.1%}} {words[0]}<br>%{{y:.1%}} {words[1]}"
            f"<extra>{'' if alone else name.replace('%{', '&#37;{')}</extra>"
        ),
    )


def _mark_threshold(
    figure: go.Figure,
    points: tuple[Sequence[float], Sequence[float]],
    thresholds: Sequence[float],
    threshold: float,
    side: str,
    *,
    dark: bool,
) -> None:
    """Mark the place of the threshold on a curve, between the two points kept around it."""
    falling = np.array(thresholds)[::-1]
    x, y = (float(np.interp(threshold, falling, np.array(values)[::-1])) for values in points)
    colours = look(dark=dark)
    figure.add_scatter(
        x=[x],
        y=[y],
        mode="markers+text",
        marker={"size": 9, "color": colours.accent, "line": {"width": 2, "color": colours.on_accent}},
        text=[f" threshold {number(threshold)}"],
        textposition=side if x < 0.8 else side.replace("right", "left"),
        textfont={"size": 12, "color": colours.ink},
        hoverinfo="skip",
        cliponaxis=False,
    )


def _write_result(figure: go.Figure, text: str, *, x: float, y: float, dark: bool) -> None:
    font = {"size": 14, "color": look(dark=dark).accent}
    figure.add_annotation(x=x, y=y, text=f"<b>{text}</b>", showarrow=False, font=font, xanchor="right")


def _unit_axes(figure: go.Figure, x: str, y: str, *, legend: bool) -> None:
    axis: Mapping[str, object] = {"range": [-0.01, 1.01], "tickformat": ".0%", "dtick": 0.2}
    figure.update_xaxes(title=x, **axis)
    figure.update_yaxes(title=y, **axis)
    if legend:
        legend_below(figure)


def _add_cloud(figure: go.Figure, x: ArrayLike, y: ArrayLike, hover: str, *, dark: bool) -> None:
    figure.add_scatter(
        x=x,
        y=y,
        mode="markers",
        marker={"size": 4, "opacity": 0.35, "color": look(dark=dark).accent, "line": {"width": 0}},
        hovertemplate=hover,
    )


def _points_origin(item: Item[Residuals], found: Residuals) -> str:
    shown = len(found.predicted)
    return item.origin if shown == found.n_rows else f"{item.origin}; {shown:,} of them shown"
