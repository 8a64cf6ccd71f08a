"""The figure of a backtest: each model's metric, stretch after stretch of time, and on the held-out rows after them."""

from datetime import UTC, datetime
from typing import Any

import plotly.graph_objects as go

from core.charts.look import INK, MUTED, PAGE, QUIET, SERIES, coloured
from core.charts.models.look import HEIGHT, in_template, legend_below, new_figure
from core.domain.backtest import Period
from core.domain.baselines import CONSTANT
from core.models.backtest import BacktestLine, BacktestView, metric_words, moment_text, period_text
from core.models.leaderboard import is_lower_better
from core.wording import metric_text


def backtest_lines(view: BacktestView) -> go.Figure:
    """Draw the metric of each model over the steps, the holdout as the last point, and what cross-validation said.

    A point stands in the middle of the stretch that was judged. The dashed level is the cross-validated metric of the
    most important model; its line and those of the others lie below it where cross-validation was too hopeful.
    """
    name, found = metric_words(view), view.backtest
    better = "lower" if is_lower_better(view.metric) else "higher"
    figure = new_figure(f"{name[:1].upper()}{name[1:]} over time", f"backtest; {better} is better", height=HEIGHT + 40)
    for place, line in enumerate(view.lines):
        colour = QUIET if line.key == CONSTANT else SERIES[place]
        _add_steps(figure, view, line, colour, is_main=line is view.main)
        if found.holdout is not None and line.holdout is not None:
            _add_holdout(figure, view, line, colour)
    if found.holdout is not None and any(line.holdout is not None for line in view.lines):
        figure.add_vline(x=_at(found.holdout.first, view), line={"color": MUTED, "width": 1, "dash": "dot"})
    main = view.main
    if main is not None and main.cv is not None:
        figure.add_hline(y=main.cv, line={"color": SERIES[0], "width": 1, "dash": "dash"})
        figure.add_annotation(
            x=0, xref="paper", y=main.cv, text=coloured(f"cross-validation {metric_text(main.cv)}", INK),
            showarrow=False, xanchor="left", yanchor="bottom", font={"size": 11, "color": INK}, bgcolor=PAGE,
        )  # fmt: skip
    legend_below(figure)
    figure.update_yaxes(title=name)
    figure.update_xaxes(type="date" if found.is_date else "linear", exponentformat="none")
    return figure


def _add_steps(figure: go.Figure, view: BacktestView, line: BacktestLine, colour: str, *, is_main: bool) -> None:
    steps = view.backtest.steps
    known = [(step, value) for step, value in zip(steps, line.values, strict=True) if value is not None]
    is_date = view.backtest.is_date
    figure.add_scatter(
        x=[_middle(step.judged, view) for step, _ in known],
        y=[value for _, value in known],
        name=line.name,
        legendgroup=line.key,
        mode="lines+markers",
        line={"width": 3 if is_main else 2, "color": colour, "dash": "dot" if line.key == CONSTANT else "solid"},
        marker={"size": 9 if is_main else 7, "color": colour},
        customdata=[
            [moment_text(step.learned.last, is_date=is_date), f"{step.learned.n_rows:,}",
             period_text(step.judged, is_date=is_date), f"{step.judged.n_rows:,}"]
            for step, _ in known
        ],
        hovertemplate=(
            f"<b>{in_template(line.name)}</b>, backtest: {in_template(metric_words(view))}%{{y:,.4~r}}"
            "<br>judged on %{customdata[2]} (%{customdata[3]} rows)"
            "<br>learned from %{customdata[1]} rows up to %{customdata[0]}<extra></extra>"
        ),
        cliponaxis=False,
    )  # fmt: skip


def _add_holdout(figure: go.Figure, view: BacktestView, line: BacktestLine, colour: str) -> None:
    holdout = view.backtest.holdout
    if holdout is None:
        return
    where = period_text(holdout, is_date=view.backtest.is_date)
    figure.add_scatter(
        x=[_middle(holdout, view)],
        y=[line.holdout],
        name=f"{line.name}, holdout",
        legendgroup=line.key,
        showlegend=False,
        mode="markers",
        marker={"size": 12, "color": colour, "symbol": "diamond-open", "line": {"width": 2, "color": colour}},
        hovertemplate=(
            f"<b>{in_template(line.name)}</b>, holdout: {in_template(metric_words(view))}%{{y:,.4~r}}"
            f"<br>judged on {in_template(where)} ({holdout.n_rows:,} rows)<extra></extra>"
        ),
        cliponaxis=False,
    )


def _middle(period: Period, view: BacktestView) -> Any:
    return _at((period.first + period.last) / 2, view)


def _at(value: float, view: BacktestView) -> Any:
    """Return a time as the axis takes it."""
    return datetime.fromtimestamp(value / 1000, UTC).replace(tzinfo=None) if view.backtest.is_date else value
