"""Figures of decisions: what each share of selected rows brings, and the four outcomes of one threshold."""

import plotly.graph_objects as go

from core.charts.look import ACCENT, FILL, INK, MUTED, SERIES, SHARES, escape, on_shares
from core.charts.models.look import HEIGHT, cut, label, legend_below, mark_point, mark_share, new_figure
from core.metrics.profits import ProfitCurve
from core.metrics.threshold import Outcomes, TradeOff
from core.wording import number_text, percent_text


def profit_curve(found: ProfitCurve, *, origin: str, unit: str = "", share: float | None = None) -> go.Figure:
    """Draw the profit for 1,000 rows against the share of rows selected, with its 95% interval.

    Parameters
    ----------
    share : float, optional
        Share selected by the threshold chosen; marked.
    """
    figure = new_figure("Profit for 1,000 rows", origin, height=HEIGHT + 20)
    figure.add_scatter(
        x=[*found.share, *reversed(found.share)],
        y=[*found.high, *reversed(found.low)],
        fill="toself",
        fillcolor=FILL,
        line={"width": 0},
        hoverinfo="skip",
    )
    figure.add_hline(y=0, line={"color": MUTED, "width": 1, "dash": "dot"})
    figure.add_scatter(
        x=list(found.share),
        y=list(found.profit),
        mode="lines",
        line={"width": 2, "color": ACCENT},
        customdata=[
            [number_text(one), number_text(low), number_text(high)]
            for one, low, high in zip(found.threshold, found.low, found.high, strict=True)
        ],
        hovertemplate=(
            "%{x:.1%} of the rows, from %{customdata[0]} up<br>%{y:,.4~r} for 1,000 rows"
            " (95% interval %{customdata[1]} to %{customdata[2]})<extra></extra>"
        ),
    )
    mark_point(figure, found.best_share, found.best.total, f"best {number_text(found.best.total)}")
    mark_share(figure, share)
    figure.update_xaxes(title="rows selected, most probable first", range=[-0.01, 1.01], tickformat=".0%", dtick=0.2)
    figure.update_yaxes(title=escape(cut(f"{unit} for 1,000 rows".strip())))
    return figure


def trade_off(found: TradeOff, *, origin: str, threshold: float) -> go.Figure:
    """Draw precision, recall, F1 and the share of rows selected over the threshold; the one chosen is marked."""
    figure = new_figure("What other thresholds would do", origin, height=HEIGHT - 40)
    lines = (
        ("precision", found.precision), ("recall", found.recall), ("F1", found.f1),
        ("rows selected", found.selected_share),
    )  # fmt: skip
    for place, (name, values) in enumerate(lines):
        figure.add_scatter(
            x=list(found.threshold), y=list(values), mode="lines", name=name,
            line={"width": 2, "color": SERIES[place], "dash": ("solid", "dash", "longdash", "dot")[place]},
            hovertemplate=f"from %{{x:.4f}}: {name}%{{y:.1%}}<extra></extra>",
        )  # fmt: skip
    figure.add_vline(
        x=threshold, line={"color": INK, "width": 1, "dash": "dash"},
        annotation={"text": f"{threshold:.4f}", "font": {"size": 11, "color": INK}},
    )  # fmt: skip
    figure.update_xaxes(title="threshold", range=[0, min(1.0, 1.05 * max(*found.threshold, threshold))])
    figure.update_yaxes(range=[-0.02, 1.02], tickformat=".0%")
    legend_below(figure)
    return figure


def outcome_matrix(found: Outcomes, positive: str, negative: str, *, origin: str) -> go.Figure:
    """Draw the four outcomes as every confusion matrix is: rows actual, columns predicted, the positive class last."""
    counts = [[found.true_negative, found.false_positive], [found.false_negative, found.true_positive]]
    share = [[count / max(sum(line), 1) for count in line] for line in counts]
    names = [label(negative), label(positive)]
    figure = new_figure("What happens to the rows", origin, height=320)
    figure.add_heatmap(
        z=share, x=[0, 1], y=[0, 1], zmin=0, zmax=1, colorscale=SHARES, showscale=False, xgap=3, ygap=3,
        hoverinfo="skip",
    )  # fmt: skip
    words = (("correctly left out", "wrongly selected"), ("missed", "found"))
    for row, line in enumerate(counts):
        for place, count in enumerate(line):
            said = f"{words[row][place]}<br>{percent_text(share[row][place])} of actual {names[row]}"
            figure.add_annotation(
                x=place,
                y=row,
                text=f"<b>{count:,}</b><br><span style='font-size:12px'>{said}</span>",
                showarrow=False,
                font={"size": 17, "color": on_shares(share[row][place])},
            )
    figure.update_xaxes(title="predicted", tickvals=[0, 1], ticktext=names, showgrid=False)
    figure.update_yaxes(title="actual", tickvals=[0, 1], ticktext=names, showgrid=False, autorange="reversed")
    return figure
