"""Figures of probabilities: whether they can be trusted, and how they are spread by class."""

from itertools import pairwise

import plotly.graph_objects as go

from core.charts.look import ACCENT, INK, MUTED
from core.charts.models.look import HEIGHT, intervals, label, legend_below, new_figure
from core.metrics.performance import Reliability, ScoreSpread
from core.wording import number_text, percent_text


def calibration_curve(
    found: Reliability, name: str, *, origin: str, calibrated: Reliability | None = None
) -> go.Figure:
    """Draw the share of rows that is of a class against the predicted probability; on the line both are equal.

    Parameters
    ----------
    calibrated : Reliability, optional
        The same after calibration, drawn beside it.
    """
    figure = new_figure("Calibration", origin, height=HEIGHT + 20)
    drawn = [("as the model says", found, MUTED if calibrated else ACCENT)]
    if calibrated:
        drawn.append(("calibrated", calibrated, ACCENT))
    top = max(max(one.high, one.predicted) for _, curve, _ in drawn for one in curve.bins)
    figure.add_shape(type="line", x0=0, y0=0, x1=1, y1=1, line={"color": MUTED, "width": 1, "dash": "dot"})
    for words, curve, colour in drawn:
        figure.add_scatter(
            x=[one.predicted for one in curve.bins],
            y=[one.observed for one in curve.bins],
            name=f"{words}: ECE {curve.ece:.4f}, Brier {curve.brier:.4f}",
            mode="lines+markers",
            line={"width": 2, "color": colour},
            marker={"size": 7, "color": colour},
            error_y=intervals([(one.observed, one.low, one.high) for one in curve.bins], colour, thickness=1, width=3),
            customdata=[[f"{one.n_rows:,}", percent_text(one.low), percent_text(one.high)] for one in curve.bins],
            hovertemplate=(
                "%{customdata[0]} rows predicted at %{x:.1%} on average<br>%{y:.1%} were"
                " (95% interval %{customdata[1]} to %{customdata[2]})<extra></extra>"
            ),
        )
    limit = min(1.0, top * 1.05)
    figure.update_xaxes(title="mean predicted probability", range=[-0.02 * limit, limit], tickformat=".0%")
    figure.update_yaxes(title=f"share that was {label(name)}", range=[-0.02 * limit, limit], tickformat=".0%")
    legend_below(figure)
    return figure


def spread_by_class(found: ScoreSpread, *, origin: str, threshold: float | None = None) -> go.Figure:
    """Draw how the probability is spread within the class looked for and within the others, each as a share of it."""
    figure = new_figure("Probability by class", origin, height=HEIGHT)
    edges = found.edges
    centres = [(a + b) / 2 for a, b in pairwise(edges)]
    for name, counts, colour in zip(found.classes, found.counts, (ACCENT, MUTED), strict=True):
        total = max(sum(counts), 1)
        figure.add_bar(
            x=centres,
            y=[count / total for count in counts],
            name=label(name),
            width=edges[1] - edges[0],
            marker={"color": colour, "line": {"width": 0}},
            opacity=0.6,
            customdata=[[f"{count:,}", label(name)] for count in counts],
            hovertemplate="%{customdata[0]} rows of %{customdata[1]}: %{y:.1%} of them<extra></extra>",
        )
    if threshold is not None and threshold <= 1:
        figure.add_vline(
            x=threshold,
            line={"color": INK, "width": 1.5},
            annotation={
                "text": f"threshold {number_text(threshold)}",
                "font": {"size": 12, "color": INK},
                "xanchor": "left" if threshold < 0.5 else "right",
            },
        )
    figure.update_layout(barmode="overlay", bargap=0)
    figure.update_xaxes(title="probability", range=[0, 1])
    figure.update_yaxes(title="share of the class", tickformat=".0%", rangemode="tozero")
    legend_below(figure)
    return figure
