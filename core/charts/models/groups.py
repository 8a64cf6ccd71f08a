"""Figures of groups of rows: a value with its interval each, against a line."""

from collections.abc import Sequence

import plotly.graph_objects as go

from core.charts.look import ACCENT, FILL, INK, MUTED, escape
from core.charts.models.look import (
    ROW_HEIGHT,
    in_template,
    intervals,
    label,
    legend_below,
    name_rows,
    new_figure,
    row_label,
)
from core.metrics.groups.errors import SHOWN_QUANTILES, ErrorBin, ResidualGroup
from core.metrics.groups.fairness import FOUR_FIFTHS, Fairness, Rate
from core.metrics.groups.segments import Segment, Weakness
from core.wording import cut_text, number_text, percent_text

_NAME_CHARS = 34


def weak_segments(found: Weakness, shown: Sequence[Segment], *, metric_name: str, is_share: bool) -> go.Figure:
    """Draw segments with their intervals against the metric over all rows; the clear ones in the accent.

    Parameters
    ----------
    shown : sequence of Segment
        Those to draw, the worst first.
    is_share : bool
        Whether the metric is read in percent.
    """
    most = max((len(one.parts) for one in shown), default=1)  # the parts of a segment stand below each other
    height = 130 + (ROW_HEIGHT + 16 * (most - 1)) * len(shown)
    figure = new_figure(f"{metric_name} by part of the data", found.origin, height=height)
    words = percent_text if is_share else number_text
    for clear, colour in ((True, ACCENT), (False, MUTED)):
        rows = [row for row, one in enumerate(shown) if one.is_clear == clear]
        figure.add_scatter(
            x=[shown[row].value for row in rows],
            y=rows,
            mode="markers",
            marker={"size": 9, "color": colour},
            error_x=intervals(
                [(shown[row].value, shown[row].low, shown[row].high) for row in rows], colour, thickness=1.5, width=4
            ),
            customdata=[
                [
                    segment_words(shown[row]),
                    f"{shown[row].n_rows:,}",
                    words(shown[row].value),
                    words(shown[row].low),
                    words(shown[row].high),
                ]
                for row in rows
            ],
            hovertemplate=(
                "<b>%{customdata[0]}</b><br>%{customdata[2]} (95% interval %{customdata[3]} to %{customdata[4]})"
                "<br>%{customdata[1]} rows<extra></extra>"
            ),
        )
    figure.add_vline(
        x=found.overall,
        line={"color": INK, "width": 1, "dash": "dash"},
        annotation={
            "text": f"all rows {words(found.overall)}",
            "font": {"size": 11, "color": INK},
            "yanchor": "bottom",
        },
    )
    names = ["<br>".join(escape(cut_text(": ".join(part), _NAME_CHARS)) for part in one.parts) for one in shown]
    names = [f"{name} ({one.n_rows:,})" for name, one in zip(names, shown, strict=True)]
    name_rows(figure, names)
    figure.update_xaxes(title=metric_name, tickformat=".0%" if is_share else None)
    return figure


def segment_words(segment: Segment) -> str:
    """Return a segment in words, made safe for a figure."""
    return escape(_plain(segment))


def group_rates(
    found: Fairness,
    rates: Sequence[Rate | None],
    *,
    title: str,
    origin: str,
    four_fifths: bool = False,
) -> go.Figure:
    """Draw a rate of each group with its interval.

    Parameters
    ----------
    rates : sequence of Rate or None
        One per group; None where it cannot be computed.
    four_fifths : bool
        Whether to shade what lies within four fifths of the reference group's rate.
    """
    figure = new_figure(title, origin, height=130 + ROW_HEIGHT * max(len(rates), 2))
    base = next(rate for rate, one in zip(rates, found.groups, strict=True) if one.name == found.reference)
    if four_fifths and base is not None:
        figure.add_vrect(
            x0=base.value * FOUR_FIFTHS, x1=base.value / FOUR_FIFTHS, fillcolor=FILL, line={"width": 0},
            layer="below",
        )  # fmt: skip
    known = [(row, rate) for row, rate in enumerate(rates) if rate is not None]
    figure.add_scatter(
        x=[rate.value for _, rate in known],
        y=[row for row, _ in known],
        mode="markers",
        marker={
            "size": 10,
            "color": [INK if found.groups[row].name == found.reference else ACCENT for row, _ in known],
        },
        error_x=intervals([(rate.value, rate.low, rate.high) for _, rate in known], MUTED, thickness=1.5, width=4),
        customdata=[
            [escape(found.groups[row].name), percent_text(rate.low), percent_text(rate.high), f"{rate.n_rows:,}"]
            for row, rate in known
        ],
        hovertemplate=(
            "<b>%{customdata[0]}</b><br>%{x:.2%} of %{customdata[3]} rows"
            "<br>95% interval %{customdata[1]} to %{customdata[2]}<extra></extra>"
        ),
    )
    name_rows(figure, [row_label(one.name) for one in found.groups])
    figure.update_xaxes(tickformat=".0%", rangemode="tozero")
    return figure


def errors_by_prediction(bins: Sequence[ErrorBin], *, target: str, origin: str) -> go.Figure:
    """Draw the mean absolute error in bins of the prediction, and how far it is too high or too low on average."""
    figure = new_figure("Error by size of the prediction", origin)
    names = [f"{number_text(one.low)} to {number_text(one.high)}" for one in bins]
    hover = [[name, f"{one.n_rows:,}", number_text(one.rmse)] for name, one in zip(names, bins, strict=True)]
    figure.add_bar(
        x=list(range(len(bins))),
        y=[one.mae for one in bins],
        name="mean absolute error",
        marker={"color": ACCENT},
        customdata=hover,
        hovertemplate="predicted %{customdata[0]}<br>%{customdata[1]} rows<br>mean absolute error %{y:,.4~r}"
        "<br>RMSE %{customdata[2]}<extra></extra>",
    )
    figure.add_scatter(
        x=list(range(len(bins))),
        y=[one.bias for one in bins],
        name="predicted minus actual, mean",
        mode="lines+markers",
        line={"color": INK, "width": 1.5},
        customdata=hover,
        hovertemplate="predicted %{customdata[0]}<br>on average %{y:+,.4~r} from the actual value<extra></extra>",
    )
    figure.update_xaxes(
        title=f"predicted {label(target)}",
        tickvals=list(range(len(bins))),
        ticktext=[number_text(one.low) for one in bins],
    )
    figure.update_yaxes(title="error")
    figure.update_layout(bargap=0.3)
    legend_below(figure)
    return figure


def residual_groups(groups: Sequence[ResidualGroup], feature: str, *, origin: str) -> go.Figure:
    """Draw the residuals in each group of a feature's values: the middle half as a box, nine rows of ten as a line."""
    title = f"Residuals by {cut_text(feature, 30)}"
    figure = new_figure(title, origin, height=130 + ROW_HEIGHT * max(len(groups), 3))
    places = [SHOWN_QUANTILES.index(share) for share in (0.05, 0.25, 0.5, 0.75, 0.95)]
    low, first, middle, third, high = ([one.quantiles[place] for one in groups] for place in places)
    figure.add_box(
        y=list(range(len(groups))), lowerfence=low, q1=first, median=middle, q3=third, upperfence=high,
        orientation="h", marker={"color": ACCENT}, line={"width": 1.5}, fillcolor=FILL,
        hoverinfo="skip",
    )  # fmt: skip
    figure.add_scatter(
        x=[one.mean for one in groups],
        y=list(range(len(groups))),
        mode="markers",
        marker={"size": 7, "color": INK, "symbol": "diamond"},
        customdata=[[escape(one.name), f"{one.n_rows:,}", number_text(one.quantiles[2])] for one in groups],
        hovertemplate=(
            f"{in_template(feature)}%{{customdata[0]}}<br>%{{customdata[1]}} rows<br>mean %{{x:+,.4~r}}"
            "<br>median %{customdata[2]}<extra></extra>"
        ),
    )
    figure.add_vline(x=0, line={"color": MUTED, "width": 1})
    name_rows(figure, [row_label(one.name) for one in groups])
    figure.update_xaxes(title="actual minus predicted")
    return figure


def _plain(segment: Segment) -> str:
    return " and ".join(f"{column}: {group}" for column, group in segment.parts)
