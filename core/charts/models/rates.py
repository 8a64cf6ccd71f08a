"""Figures of rates against each other: ROC, precision and recall."""

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from core.charts.look import ACCENT, MUTED, SERIES
from core.charts.models.look import HEIGHT, data_of, label, legend_below, mark_point, new_figure
from core.explanations.items import ClassPrecisionRecall, ClassRoc, Item
from core.metrics.curves import PrecisionRecallCurve, RocCurve
from core.wording import number_text


def roc(item: Item[tuple[ClassRoc, ...]], *, threshold: float | None = None) -> go.Figure:
    """Draw the ROC curve of the positive class, or of each class against the rest.

    Parameters
    ----------
    threshold : float, optional
        Marked on the curve of a binary model.
    """
    curves = data_of(item)
    origin = item.origin if len(curves) == 1 else f"{item.origin}; each class with its AUC"
    figure = new_figure("ROC curve", origin, height=HEIGHT + 40)
    diagonal = {"color": MUTED, "width": 1, "dash": "dot"}
    figure.add_shape(type="line", x0=0, y0=0, x1=1, y1=1, line=diagonal)
    for place, one in enumerate(curves):
        _add_curve(
            figure,
            one.curve.false_positive_rate,
            one.curve.true_positive_rate,
            one.curve.threshold,
            name=f"{label(one.name)}  {one.curve.auc:.4f}",
            words=("of the negative rows wrongly found", "of the positive rows found"),
            place=None if len(curves) == 1 else place,
        )
    if len(curves) == 1:
        curve: RocCurve = curves[0].curve
        _write_result(figure, f"AUC {curve.auc:.4f}", x=0.98, y=0.06)
        if threshold is not None:
            points = (curve.false_positive_rate, curve.true_positive_rate)
            _mark_threshold(figure, points, curve.threshold, threshold, "bottom right")
    _unit_axes(figure, "false positive rate", "true positive rate", legend=len(curves) > 1)
    return figure


def precision_recall(item: Item[tuple[ClassPrecisionRecall, ...]], *, threshold: float | None = None) -> go.Figure:
    """Draw precision against recall of the positive class, or of each class against the rest.

    Parameters
    ----------
    threshold : float, optional
        Marked on the curve of a binary model.
    """
    curves = data_of(item)
    origin = item.origin if len(curves) == 1 else f"{item.origin}; each class with its average precision"
    figure = new_figure("Precision and recall", origin, height=HEIGHT + 40)
    for place, one in enumerate(curves):
        _add_curve(
            figure,
            one.curve.recall,
            one.curve.precision,
            one.curve.threshold,
            name=f"{label(one.name)}  {one.curve.average_precision:.4f}",
            words=("of the positive rows found", "of the rows found are positive"),
            place=None if len(curves) == 1 else place,
        )
    if len(curves) == 1:
        curve: PrecisionRecallCurve = curves[0].curve
        figure.add_hline(y=curve.positive_share, line={"color": MUTED, "width": 1, "dash": "dot"})
        _write_result(figure, f"average precision {curve.average_precision:.4f}", x=0.98, y=0.97)
        if threshold is not None:
            points = (curve.recall, curve.precision)
            _mark_threshold(figure, points, curve.threshold, threshold, "top right")
    _unit_axes(figure, "recall", "precision", legend=len(curves) > 1)
    return figure


def _add_curve(
    figure: go.Figure,
    x: Sequence[float],
    y: Sequence[float],
    thresholds: Sequence[float],
    *,
    name: str,
    words: tuple[str, str],
    place: int | None,
) -> None:
    again, colour = divmod(place or 0, len(SERIES))
    figure.add_scatter(
        x=list(x),
        y=list(y),
        name=name,
        mode="lines",
        line={"width": 2, "color": SERIES[colour], "dash": "dot" if again else "solid"},
        customdata=[number_text(cut) for cut in thresholds],
        hovertemplate=(
            f"threshold %{{customdata}}<br>%{{x:.1%}} {words[0]}<br>%{{y:.1%}} {words[1]}"
            f"<extra>{'' if place is None else name.replace('%{', '&#37;{')}</extra>"
        ),
    )


def _mark_threshold(
    figure: go.Figure,
    points: tuple[Sequence[float], Sequence[float]],
    thresholds: Sequence[float],
    threshold: float,
    side: str,
) -> None:
    """Mark the place of the threshold on a curve, between the two points kept around it."""
    falling = np.array(thresholds)[::-1]
    x, y = (float(np.interp(threshold, falling, np.array(values)[::-1])) for values in points)
    mark_point(figure, x, y, f"threshold {number_text(threshold)}", side)


def _write_result(figure: go.Figure, text: str, *, x: float, y: float) -> None:
    font = {"size": 14, "color": ACCENT}
    figure.add_annotation(x=x, y=y, text=f"<b>{text}</b>", showarrow=False, font=font, xanchor="right")


def _unit_axes(figure: go.Figure, x: str, y: str, *, legend: bool) -> None:
    axis: Mapping[str, object] = {"range": [-0.01, 1.01], "tickformat": ".0%", "dtick": 0.2}
    figure.update_xaxes(title=x, **axis)
    figure.update_yaxes(title=y, **axis)
    if legend:
        legend_below(figure)
