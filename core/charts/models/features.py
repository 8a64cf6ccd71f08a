"""Figures about features: importance, Shapley contributions, partial dependence."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import plotly.graph_objects as go

from core.charts.look import ACCENT, FILL, LOW, LOW_HIGH, MUTED, SERIES, coloured, escape
from core.charts.models.look import (
    ROW_HEIGHT,
    cut,
    data_of,
    in_template,
    label,
    legend_below,
    name_rows,
    new_figure,
    row_label,
)
from core.explanations.items import Dependence, Importance, Item, ShapFeature, ShapSummary
from core.explanations.scales import usual_text
from core.explanations.shapes import Kind
from core.metrics.ranking import FloatArray
from core.wording import number_text, percent_text

MAX_BARS = 20
MOST_POINTS = 200  # of each feature: more take a browser half a second
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_STRIP = 0.38  # half the height of a row's strip of points
_STRIP_BINS = 60


def variable_importance(item: Item[tuple[Importance, ...]]) -> go.Figure:
    """Draw the most important features as bars, the first as 1."""
    shown = data_of(item)[:MAX_BARS]
    total = len(data_of(item))
    title = "Feature importance" if total <= MAX_BARS else f"Feature importance, the first {MAX_BARS} of {total}"
    figure = new_figure(title, item.origin, height=110 + ROW_HEIGHT * len(shown))
    figure.add_bar(
        x=[one.importance for one in shown],
        y=list(range(len(shown))),
        orientation="h",
        marker={"color": ACCENT},
        text=[f"{one.importance:.2f}" for one in shown],
        textposition="outside",
        cliponaxis=False,
        customdata=[escape(one.feature) for one in shown],
        hovertemplate="<b>%{customdata}</b><br>%{x:.1%} of the most important feature<extra></extra>",
    )
    name_rows(figure, [row_label(one.feature) for one in shown])
    figure.update_layout(bargap=0.35)
    figure.update_xaxes(range=[0, 1.12], showgrid=False, showticklabels=False)
    return figure


def shap_summary(item: Item[ShapSummary], *, most: int = MOST_POINTS) -> go.Figure:
    """Draw each feature's contributions as a strip of at most `most` points, coloured by the feature's value."""
    summary = data_of(item)
    features = [feature.thinned(most) for feature in summary.features]
    n_drawn = max((len(feature.contribution) for feature in features), default=0)
    is_cut = any(len(feature.contribution) > n_drawn for feature in summary.features)
    origin = f"{item.origin}, {n_drawn:,} of them drawn" if is_cut else item.origin
    usual = f"{origin}; usual prediction {usual_text(summary.bias, summary.scale)}".removeprefix("; ")
    figure = new_figure("SHAP summary", usual, height=120 + int(1.3 * ROW_HEIGHT) * len(features))
    figure.add_vline(x=0, line={"color": MUTED, "width": 1})
    _add_points(figure, features, summary.scale, shaded=False, marker={"color": MUTED})
    _add_points(figure, features, summary.scale, shaded=True, marker={"colorscale": LOW_HIGH, "cmin": 0, "cmax": 1})
    # Words instead of a colour bar, which takes a telephone's width and moves the title out of sight.
    low, high = (coloured("●", colour) for colour in (LOW, ACCENT))
    figure.add_annotation(
        text=f"{low} low  {high} high value",
        xref="paper",
        yref="paper",
        x=1,
        y=1,
        xanchor="right",
        yanchor="bottom",
        showarrow=False,
    )
    name_rows(figure, [row_label(feature.feature) for feature in features])
    figure.update_xaxes(title=f"contribution to the prediction ({escape(summary.scale)})")
    return figure


def partial_dependence(
    item: Item[tuple[Dependence, ...]],
    feature: str,
    *,
    predicted: str,
    y_range: tuple[float, float] | None = None,
) -> go.Figure:
    """Draw how the mean prediction moves with one feature, and where the rows are.

    Parameters
    ----------
    predicted : str
        What is predicted, such as ``"probability of yes"``.
    y_range : tuple of float, optional
        The same for several figures, so that they can be compared; `dependence_range` gives one.
    """
    one = next(found for found in data_of(item) if found.feature == feature)
    title = f"Partial dependence on {cut(feature)}"
    if one.kind == "category":
        return _category_dependence(one, title, item.origin, predicted, y_range)
    return _number_dependence(one, title, item.origin, predicted, y_range)


def dependence_range(found: Sequence[Dependence]) -> tuple[float, float]:
    """Return a range of mean predictions that holds every line, with a little air."""
    values = [value for one in found for line in one.lines for value in line.mean]
    low, high = min(values), max(values)
    air = 0.06 * (high - low) or 0.05 * abs(high) or 0.05
    return low - air, high + air


def _add_points(
    figure: go.Figure, features: Sequence[ShapFeature], scale: str, *, shaded: bool, marker: dict[str, object]
) -> None:
    """Add the points whose value has a shade, or those whose value has none."""
    x: list[float] = []
    y: list[float] = []
    shades: list[float] = []
    words: list[str] = []
    for row, feature in enumerate(features):
        places = row - _spread(feature.contribution)
        for value, shade, contribution, place in zip(
            feature.value, feature.shade, feature.contribution, places, strict=True
        ):
            if (shade is not None) == shaded:
                x.append(contribution)
                y.append(float(place))
                shades.append(shade or 0.0)
                words.append(f"<b>{escape(feature.feature)}</b> = {escape(value)}")
    if not x:
        return
    colour = {"color": shades} if shaded else {}
    figure.add_scatter(
        x=x,
        y=y,
        mode="markers",
        marker={"size": 4.5, "opacity": 0.75, "line": {"width": 0}, **marker, **colour},
        customdata=words,
        hovertemplate=f"%{{customdata}}<br>%{{x:+,.4~r}} ({in_template(scale)})<extra></extra>",
    )


def _spread(contributions: Sequence[float]) -> FloatArray:
    """Return how far each point is set off from its row's middle, so that dense places are thick."""
    values = np.asarray(contributions)
    span = float(np.ptp(values)) if len(values) else 0.0
    bins = np.zeros(len(values), dtype=int) if span == 0 else ((values - values.min()) / span * _STRIP_BINS).astype(int)
    order = np.argsort(bins, kind="stable")
    starts = np.searchsorted(bins[order], bins[order])
    rank = np.empty(len(values), dtype=int)
    rank[order] = np.arange(len(values)) - starts
    side = np.where(rank % 2 == 0, 1, -1)
    offsets: FloatArray = side * ((rank + 1) // 2) / max(1, (int(rank.max(initial=0)) + 1) // 2) * _STRIP
    return offsets


def _number_dependence(
    one: Dependence, title: str, origin: str, predicted: str, y_range: tuple[float, float] | None
) -> go.Figure:
    figure = new_figure(title, origin)
    x = [place_on_axis(one.kind, value) for value in one.values]
    if one.edges:
        middles = [place_on_axis(one.kind, (a + b) / 2) for a, b in zip(one.edges, one.edges[1:], strict=False)]
        figure.add_bar(
            x=middles,
            y=list(one.share),
            yaxis="y2",
            showlegend=False,
            marker={"color": FILL},
            customdata=[percent_text(share) for share in one.share],
            hovertemplate="%{customdata} of the rows lie here<extra></extra>",
        )
    for line, colour in zip(one.lines, SERIES, strict=False):
        figure.add_scatter(
            x=x,
            y=list(line.mean),
            name=label(line.name),
            mode="lines+markers",
            line={"width": 2, "color": colour},
            marker={"size": 5},
            customdata=[[label(line.name), number_text(sd)] for sd in line.sd],
            hovertemplate=(
                f"{in_template(one.feature)} = %{{x}}<br>mean {in_template(predicted)}%{{y:,.4~r}}"
                "<br>%{customdata[0]} (standard deviation over the rows %{customdata[1]})<extra></extra>"
            ),
        )
    figure.update_layout(
        bargap=0,
        yaxis={"domain": [0.24, 1], "title": f"mean {escape(predicted)}", "range": y_range},
        yaxis2={"domain": [0, 0.16], "showgrid": False, "showticklabels": False, "title": "rows"},
        xaxis={"title": label(one.feature), "anchor": "y2", "type": "date" if one.kind == "date" else "linear"},
    )
    if len(one.lines) > 1:
        legend_below(figure)
    return figure


def _category_dependence(
    one: Dependence, title: str, origin: str, predicted: str, y_range: tuple[float, float] | None
) -> go.Figure:
    names = [str(value) for value in one.values]
    figure = new_figure(title, origin, height=150 + ROW_HEIGHT * len(names))
    for line, colour in zip(one.lines, SERIES, strict=False):
        figure.add_scatter(
            x=list(line.mean),
            y=list(range(len(names))),
            name=label(line.name),
            mode="markers",
            marker={"size": 11, "color": colour},
            customdata=[
                [escape(name), percent_text(share), label(line.name)]
                for name, share in zip(names, one.share, strict=True)
            ],
            hovertemplate=(
                f"{in_template(one.feature)} = %{{customdata[0]}} (%{{customdata[1]}} of the rows)"
                f"<br>mean {in_template(predicted)}%{{x:,.4~r}}<br>%{{customdata[2]}}<extra></extra>"
            ),
        )
    name_rows(figure, [f"{label(name)}  {percent_text(share)}" for name, share in zip(names, one.share, strict=True)])
    figure.update_yaxes(showgrid=True)
    figure.update_xaxes(title=f"mean {escape(predicted)}", range=y_range)
    if len(one.lines) > 1:
        legend_below(figure)
    return figure


def place_on_axis(kind: Kind, value: float | str) -> float | str:
    """Return a value as the x axis takes it: a date as ISO text.

    Examples
    --------
    >>> place_on_axis("date", 365.5), place_on_axis("numeric", 3.0)
    ('1971-01-01T12:00:00+00:00', 3.0)
    """
    return (_EPOCH + timedelta(days=float(value))).isoformat() if kind == "date" else value
