"""Figures of a ranking: cumulative gains, lift, and how far apart the two classes lie."""

import plotly.graph_objects as go

from core.charts.look import ACCENT, INK, MUTED
from core.charts.models.look import HEIGHT, in_template, label, legend_below, mark_share, new_figure
from core.metrics.performance import Gains, Separation
from core.wording import number_text, percent_text


def cumulative_gains(found: Gains, name: str, *, origin: str, share: float | None = None) -> go.Figure:
    """Draw how many of the rows of a class are among those that look most like it.

    Parameters
    ----------
    share : float, optional
        Share of the rows that is selected now; marked.
    """
    figure = new_figure("Cumulative gains", origin, height=HEIGHT)
    figure.add_shape(type="line", x0=0, y0=0, x1=1, y1=1, line={"color": MUTED, "width": 1, "dash": "dot"})
    figure.add_scatter(
        x=list(found.share),
        y=list(found.gain),
        mode="lines",
        line={"width": 2, "color": ACCENT},
        customdata=[number_text(cut) for cut in found.threshold],
        hovertemplate=(
            f"the %{{x:.1%}} of the rows from %{{customdata}} up<br>contain %{{y:.1%}} of all {in_template(name)}"
            "<extra></extra>"
        ),
    )
    mark_share(figure, share)
    axis = {"range": [-0.01, 1.01], "tickformat": ".0%", "dtick": 0.2}
    figure.update_xaxes(title="rows selected, most probable first", **axis)
    figure.update_yaxes(title=f"of all {label(name)} found", **axis)
    return figure


def lift(found: Gains, name: str, *, origin: str, share: float | None = None) -> go.Figure:
    """Draw how many times more rows of a class are among the selected ones than among all; parameters as above."""
    figure = new_figure("Lift", origin, height=HEIGHT)
    figure.add_hline(y=1, line={"color": MUTED, "width": 1, "dash": "dot"})
    figure.add_scatter(
        x=list(found.share[1:]),
        y=list(found.lift()),
        mode="lines",
        line={"width": 2, "color": ACCENT},
        customdata=[percent_text(times * found.positive_share) for times in found.lift()],
        hovertemplate=(
            f"among the first %{{x:.1%}} of the rows<br>%{{customdata}} are {in_template(name)}:"
            " %{y:.2f} times the overall share<extra></extra>"
        ),
    )
    mark_share(figure, share)
    figure.update_xaxes(title="rows selected, most probable first", range=[-0.01, 1.01], tickformat=".0%", dtick=0.2)
    figure.update_yaxes(title="times the overall share", rangemode="tozero")
    return figure


def separation(found: Separation, name: str, *, origin: str) -> go.Figure:
    """Draw the share of the class and of the others at or above each probability, and their largest distance (KS)."""
    figure = new_figure("Kolmogorov-Smirnov", origin, height=HEIGHT)
    for line, words, colour in (
        (found.positive_above, name, ACCENT),
        (found.negative_above, "all others", MUTED),
    ):
        figure.add_scatter(
            x=list(found.threshold),
            y=list(line),
            name=label(words),
            mode="lines",
            line={"width": 2, "color": colour},
            hovertemplate=f"%{{y:.1%}} of {in_template(words)} at %{{x:,.4~r}} or above<extra></extra>",
        )
    place = found.threshold.index(found.at)
    ends = [found.negative_above[place], found.positive_above[place]]
    figure.add_scatter(
        x=[found.at, found.at], y=ends, mode="lines", line={"color": INK, "width": 1.5}, hoverinfo="skip",
        showlegend=False,
    )  # fmt: skip
    left = found.at > 0.5
    figure.add_annotation(
        x=found.at, y=sum(ends) / 2, text=f"<b>KS {found.ks:.4f}</b> at {number_text(found.at)}", showarrow=False,
        xanchor="right" if left else "left", xshift=-6 if left else 6, font={"size": 13, "color": INK},
    )  # fmt: skip
    figure.update_xaxes(title="probability", range=[-0.01, 1.01])
    figure.update_yaxes(title="rows at or above it", range=[-0.01, 1.01], tickformat=".0%")
    legend_below(figure)
    return figure
