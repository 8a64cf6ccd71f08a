"""Figures about how models came to be: a model's learning curve, the models of a run in the order they finished."""

from collections.abc import Sequence
from datetime import datetime
from itertools import accumulate

import plotly.graph_objects as go

from core.charts.look import ACCENT, FILL, INK, MUTED, QUIET, SERIES, escape
from core.charts.models.look import data_of, in_template, legend_below, metric_words, new_figure
from core.domain.models import ModelInfo, metric_in_words, model_name
from core.explanations.items import Item, LearningCurve, LearningSeries
from core.models.leaderboard import is_lower_better
from core.wording import metric_text, number_text

_UNITS = ((3600, "hours"), (60, "minutes"), (1, "seconds"))
_LEAST_UNITS = 3  # a run of 150 seconds is shown in seconds, one of 3 minutes in minutes


def learning_curve(item: Item[LearningCurve]) -> go.Figure:
    """Draw how a metric moved while the model was built."""
    curve = data_of(item)
    metric = metric_in_words(curve.metric)
    figure = new_figure("Learning curve", item.origin)
    for place, series in enumerate(curve.series):
        known = [(x, y) for x, y in zip(curve.steps, series.values, strict=True) if y is not None]
        if series.sd:
            _add_band(figure, curve.steps, series)
        figure.add_scatter(
            x=[x for x, _ in known],
            y=[y for _, y in known],
            name=series.name,
            mode="lines",
            line={
                "width": 2,
                "color": SERIES[place],
                "dash": "dash" if place else "solid",
            },
            hovertemplate=(f"{curve.step}%{{x:,}}<br>{series.name} {in_template(metric)}%{{y:,.5~r}}<extra></extra>"),
        )
    ends = [
        max((at for at, one in zip(curve.steps, series.values, strict=True) if one is not None), default=0.0)
        for series in curve.series
    ]
    if ends and ends[0] < max(ends):  # models of the folds may have gone on
        figure.add_vline(
            x=ends[0], line={"color": INK, "width": 1, "dash": "dash"},
            annotation={"text": f"the model: {number_text(ends[0])}", "font": {"size": 11, "color": INK}},
        )  # fmt: skip
    if len(curve.series) > 1:
        legend_below(figure)
    figure.update_xaxes(title=curve.step.lower())
    figure.update_yaxes(title=f"{metric} ({curve.series[0].name})" if len(curve.series) == 1 else metric)
    return figure


def _add_band(figure: go.Figure, steps: Sequence[float], series: LearningSeries) -> None:
    """Add the spread over the folds: the mean plus and minus one standard deviation."""
    known = [
        (x, y, sd) for x, y, sd in zip(steps, series.values, series.sd, strict=True) if y is not None and sd is not None
    ]
    figure.add_scatter(
        x=[x for x, _, _ in known] + [x for x, _, _ in reversed(known)],
        y=[y + sd for _, y, sd in known] + [y - sd for _, y, sd in reversed(known)],
        fill="toself",
        fillcolor=FILL,
        line={"width": 0},
        name="± one standard deviation over the folds",
        hoverinfo="skip",
    )


def leaderboard_progress(models: Sequence[ModelInfo], metric: str, *, since: datetime | None = None) -> go.Figure:
    """Draw the metric of a run's models as they finished, and the best so far as a line.

    Parameters
    ----------
    models : sequence of ModelInfo
        In any order; those without the metric, and baselines, are left out.
    metric : str
        With its origin, such as ``"cv_auc"``.
    since : datetime, optional
        When the training began; the models then stand at the time they took, else side by side in their order.
    """
    ours = (model for model in models if metric in model.metrics and model.baseline is None)
    done = sorted(ours, key=lambda model: model.created_at)
    name, words = metric_words(metric)
    title = "Models in the order they finished" if since is None else "Models as they finished"
    figure = new_figure(title, words, height=300)
    x, unit = _places(done, since)
    figure.update_xaxes(title=unit, dtick=1 if since is None and len(done) <= 15 else None, rangemode="tozero")
    figure.update_yaxes(title=name)
    if not done:
        return figure
    values, keys = [model.metrics[metric] for model in done], [escape(model.model_key) for model in done]
    more_is_better = not is_lower_better(metric)
    best = list(accumulate(values, max if more_is_better else min))
    figure.add_scatter(x=x, y=best, mode="lines", line={"color": MUTED, "width": 1, "shape": "hv"}, hoverinfo="skip")
    leader = values.index(best[-1])
    low, high = min(values), max(values)
    air = 0.15 * (high - low) or 0.01 * abs(high) or 0.01  # the leader's label stands outside
    figure.update_yaxes(range=[low - air, high + air])
    figure.add_scatter(
        x=x,
        y=values,
        mode="markers",
        marker={
            "opacity": 1,
            "line": {"width": 0},
            "size": [11 if place == leader else 8 for place in range(len(done))],
            "color": [ACCENT if place == leader else QUIET for place in range(len(done))],
        },
        customdata=keys,
        hovertemplate=f"<b>%{{customdata}}</b><br>{in_template(words)}: %{{y:,.5~r}}<br>{unit}: %{{x:,.4~r}}"
        "<extra></extra>",
        cliponaxis=False,
    )
    figure.add_annotation(
        x=x[leader],
        y=values[leader],
        text=f"{escape(model_name(done[leader].model_key))} {metric_text(values[leader])}",
        showarrow=False,
        xanchor="left" if x[leader] < x[-1] / 2 else "right",
        yanchor="bottom" if more_is_better else "top",
        yshift=6 if more_is_better else -6,
        font={"size": 12, "color": INK},
    )
    return figure


def _places(done: Sequence[ModelInfo], since: datetime | None) -> tuple[list[float], str]:
    """Return where the models stand on the x axis, and what it says."""
    if since is None:
        return [float(place) for place in range(1, len(done) + 1)], "model"
    seconds = [max((model.created_at - since).total_seconds(), 0.0) for model in done]
    longest = seconds[-1] if seconds else 0.0
    size, unit = next((size, unit) for size, unit in _UNITS if longest >= _LEAST_UNITS * size or size == 1)
    return [value / size for value in seconds], f"{unit} since the training began"
