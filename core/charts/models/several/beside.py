"""Figures of a few models over one another: how far they differ, their curves, their settings."""

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from core.charts.look import ACCENT, INK, LOW, MUTED, PAGE, SERIES, escape, low_to_high
from core.charts.models.look import (
    HEIGHT,
    ROW_HEIGHT,
    in_template,
    intervals,
    label,
    legend_below,
    name_rows,
    new_figure,
    row_label,
)
from core.domain.models import metric_in_words
from core.metrics.curves import RocCurve
from core.metrics.performance import Gains, Reliability
from core.metrics.ranking import FloatArray
from core.metrics.ties import MetricDifference
from core.models.leaderboard import is_lower_better
from core.wording import number_text

_DASHES = ("solid", "dash", "dot")  # more models than colours stay apart
_ERROR_POINTS = 200


def differences(rows: Sequence[tuple[str, MetricDifference]], first: str, *, origin: str) -> go.Figure:
    """Draw how far each model's metric is from the first one's, with its interval.

    Parameters
    ----------
    rows : sequence of (str, MetricDifference)
        Name of each other model and its difference, all of one metric.
    first : str
        The name of the model compared with.
    """
    metric = rows[0][1].metric
    name = metric_in_words(metric)
    figure = new_figure(f"Difference of {name} from {first}", origin, height=130 + ROW_HEIGHT * len(rows))
    better = -1 if is_lower_better(metric) else 1
    colours = [MUTED if one.is_tied else ACCENT if one.value * better > 0 else LOW for _, one in rows]
    for place, (other, one) in enumerate(rows):
        words = "tied" if one.is_tied else "better" if one.value * better > 0 else "worse"
        figure.add_scatter(
            x=[one.value],
            y=[place],
            error_x=intervals([(one.value, one.low, one.high)], colours[place], thickness=2, width=4),
            mode="markers",
            marker={"size": 10, "color": colours[place]},
            hovertemplate=(
                f"<b>{in_template(other)}</b>: {words}<br>{in_template(name)} {number_text(one.second)}"
                f" against {number_text(one.first)}<br>difference %{{x:+,.3~r}}, 95% interval"
                f" {number_text(one.low, 2)} to {number_text(one.high, 2)}<extra></extra>"
            ),
            cliponaxis=False,
        )
    figure.add_vline(x=0, line={"color": INK, "width": 1})
    name_rows(figure, [row_label(other) for other, _ in rows])
    side = "right" if better > 0 else "left"
    figure.update_xaxes(title=f"difference of {name}; better to the {side}", zeroline=False, exponentformat="none")
    return figure


def roc_of_models(lines: Sequence[tuple[str, RocCurve]], *, origin: str) -> go.Figure:
    """Draw the ROC curves of several models."""
    figure = new_figure("ROC curves", origin, height=HEIGHT + 60)
    figure.add_shape(type="line", x0=0, y0=0, x1=1, y1=1, line={"color": MUTED, "width": 1, "dash": "dot"})
    for place, (name, curve) in enumerate(lines):
        hover = "%{y:.1%} of the positive rows found<br>%{x:.1%} of the negative rows wrongly found"
        _add_line(
            figure, place, name, curve.false_positive_rate, curve.true_positive_rate, hover, note=f"  {curve.auc:.4f}"
        )
    axis = {"range": [-0.01, 1.01], "tickformat": ".0%", "dtick": 0.2}
    figure.update_xaxes(title="false positive rate", **axis)
    figure.update_yaxes(title="true positive rate", **axis)
    legend_below(figure)
    return figure


def gains_of_models(lines: Sequence[tuple[str, Gains]], class_name: str, *, origin: str) -> go.Figure:
    """Draw the cumulative gains of several models."""
    figure = new_figure("Cumulative gains", origin, height=HEIGHT + 60)
    figure.add_shape(type="line", x0=0, y0=0, x1=1, y1=1, line={"color": MUTED, "width": 1, "dash": "dot"})
    for place, (name, found) in enumerate(lines):
        hover = f"the first %{{x:.1%}} of the rows<br>contain %{{y:.1%}} of all {in_template(class_name)}"
        _add_line(figure, place, name, found.share, found.gain, hover)
    axis = {"range": [-0.01, 1.01], "tickformat": ".0%", "dtick": 0.2}
    figure.update_xaxes(title="rows selected, most probable first", **axis)
    figure.update_yaxes(title=f"of all {label(class_name)} found", **axis)
    legend_below(figure)
    return figure


def calibration_of_models(lines: Sequence[tuple[str, Reliability]], class_name: str, *, origin: str) -> go.Figure:
    """Draw the actual share of a class against its predicted probability, of several models."""
    figure = new_figure("Calibration", origin, height=HEIGHT + 60)
    top = max(max(one.predicted, one.observed) for _, found in lines for one in found.bins)
    figure.add_shape(type="line", x0=0, y0=0, x1=top, y1=top, line={"color": MUTED, "width": 1, "dash": "dot"})
    for place, (name, found) in enumerate(lines):
        hover = f"predicted %{{x:.1%}}<br>%{{y:.1%}} are {in_template(class_name)}"
        predicted, observed = ([getattr(one, part) for one in found.bins] for part in ("predicted", "observed"))
        _add_line(figure, place, name, predicted, observed, hover, note=f"  ECE {found.ece:.4f}", markers=True)
    figure.update_xaxes(title=f"predicted probability of {label(class_name)}", tickformat=".0%", rangemode="tozero")
    figure.update_yaxes(title="actual share", tickformat=".0%", rangemode="tozero")
    legend_below(figure)
    return figure


def errors_of_models(lines: Sequence[tuple[str, FloatArray]], *, origin: str) -> go.Figure:
    """Draw the share of rows whose error is at most so large, of several models.

    Parameters
    ----------
    lines : sequence of (str, ndarray of float of shape (n_rows,))
        Name and residuals of each model.
    """
    figure = new_figure("Errors", f"{origin}; the higher a line, the smaller the errors", height=HEIGHT + 60)
    share = np.linspace(0, 1, _ERROR_POINTS)[:-1]
    for place, (name, residuals) in enumerate(lines):
        size = np.quantile(np.abs(residuals), share)
        _add_line(figure, place, name, size, share, "%{y:.1%} of the rows are off by at most %{x:,.4~r}")
    figure.update_xaxes(title="actual minus predicted, without its sign", rangemode="tozero")
    figure.update_yaxes(title="rows", tickformat=".0%", range=[-0.01, 1.01])
    legend_below(figure)
    return figure


def settings_of_runs(
    settings: Mapping[str, Sequence[str]],
    runs: Sequence[str],
    metric: str,
    values: Sequence[float],
    *,
    lower_is_better: bool,
) -> go.Figure:
    """Draw settings that differ as parallel axes, a line per run, coloured by its leader's metric.

    Parameters
    ----------
    settings : mapping of str to sequence of str
        The value of each run by setting; numbers get a scale, everything else an axis of its values.
    runs : sequence of str
        What each run is called.
    metric : str
        In words; its axis is the last one, the best on top.
    """
    # Plotly's own parallel coordinates need WebGL, which many a remote desktop has not.
    figure = new_figure("Settings and the leader's metric", "a line per run", height=HEIGHT)
    numbers = [-value if lower_is_better else value for value in values]
    axes = [*(_places(own) for own in settings.values()), _scaled(numbers)]
    texts = [*settings.values(), [number_text(value) for value in values]]
    for place, name in enumerate((*settings, metric)):
        figure.add_shape(type="line", x0=place, x1=place, y0=0, y1=1, line={"color": MUTED, "width": 1})
        for y, text in dict(zip(axes[place], texts[place], strict=True)).items():
            is_last = place == len(settings)
            figure.add_annotation(
                x=place, y=y, text=label(text or "–"), showarrow=False, font={"size": 11, "color": INK}, bgcolor=PAGE,
                xanchor="left" if is_last else "right", xshift=8 if is_last else -8,
            )  # fmt: skip
        figure.add_annotation(
            x=place, y=1.12, text=f"<b>{label(name)}</b>", showarrow=False, font={"size": 12, "color": INK}
        )
    for number, run in enumerate(runs):
        figure.add_scatter(
            x=list(range(len(axes))),
            y=[axis[number] for axis in axes],
            mode="lines+markers",
            line={"width": 2, "color": low_to_high(axes[-1][number])},
            marker={"size": 7, "color": low_to_high(axes[-1][number])},
            customdata=[
                f"{in_template(name)}: {escape(text[number] or '–')}"
                for name, text in zip((*settings, metric), texts, strict=True)
            ],
            hovertemplate=f"<b>{in_template(run)}</b><br>%{{customdata}}<extra></extra>",
            cliponaxis=False,
        )
    figure.update_xaxes(visible=False, range=[-0.5, len(axes) - 0.5])
    figure.update_yaxes(visible=False, range=[-0.08, 1.2])
    return figure


def _places(values: Sequence[str]) -> list[float]:
    """Return where values lie on an axis from 0 to 1: on their scale where all are numbers, else in order."""
    numbers = [_number(value) for value in values]
    if None not in numbers:
        return _scaled([number for number in numbers if number is not None])
    levels = sorted(set(values))
    return _scaled([float(levels.index(value)) for value in values])


def _scaled(values: Sequence[float]) -> list[float]:
    low, high = min(values), max(values)
    return [(value - low) / (high - low) if high > low else 0.5 for value in values]


def _number(text: str) -> float | None:
    digits = text.removesuffix("%").strip()
    return float(digits) if digits.replace(".", "", 1).isdigit() else None


def _add_line(
    figure: go.Figure,
    place: int,
    name: str,
    x: Sequence[float] | FloatArray,
    y: Sequence[float] | FloatArray,
    hover: str,
    *,
    note: str = "",
    markers: bool = False,
) -> None:
    colour, dash = SERIES[place % len(SERIES)], _DASHES[place // len(SERIES) % len(_DASHES)]
    figure.add_scatter(
        x=list(x), y=list(y), mode="lines+markers" if markers else "lines", name=f"{label(name)}{note}",
        line={"width": 2, "color": colour, "dash": dash},
        marker={"size": 6, "color": colour}, hovertemplate=f"<b>{in_template(name)}</b><br>{hover}<extra></extra>",
    )  # fmt: skip
