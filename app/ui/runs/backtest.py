"""The backtest of a run: what it means, the figure, and the numbers of each step."""

from collections.abc import Sequence

import streamlit as st

from app.ui.errors import guard
from app.ui.services import get_services
from app.ui.widgets.layout import chart
from app.ui.widgets.tables import written
from app.ui.widgets.text import escape_markdown
from core.domain.models import ModelInfo
from core.domain.runs import RunInfo
from core.models.backtest import (
    BacktestView,
    backtest_table,
    backtest_words,
    metric_words,
    step_notes,
    view_backtest,
)
from core.models.opened import find_backtest

_WORDS = 4  # columns of the table before those of the models
_HELP = (
    "Each stretch of time is judged by models that were built again on the rows before it: with the settings that the"
    " models of the leaderboard ended with (trees or epochs, penalty), without folds and without early stopping. Which"
    " models those are, and these settings, were found on all training rows."
)


def draw(run: RunInfo, models: Sequence[ModelInfo]) -> None:
    """Draw the backtest of a run that has one."""
    with guard(stop=False):
        found = find_backtest(get_services().store, run.run_id)
        if found is None:
            return
        view = view_backtest(found, models, run.constant, run.settings)
        st.markdown("### Backtest: trained on the past, judged on what followed", anchors=False, help=_HELP)
        for number, words in enumerate(backtest_words(view)):
            (st.markdown if number < 2 else st.caption)(escape_markdown(words))
        if view.lines:
            _figure(view)
        notes = step_notes(view)
        if notes:
            st.caption("  \n".join(f":material/info: {escape_markdown(note)}" for note in notes))


def _figure(view: BacktestView) -> None:
    from core.charts.models import backtest_lines

    name = metric_words(view)
    chart(backtest_lines(view), key="run_backtest", alt=f"{name} of each model over time: backtest, then holdout")
    with st.expander("Numbers of the backtest"):
        head, rows = backtest_table(view)
        records = [dict(zip(head, row, strict=True)) for row in rows]
        shown, config = written(records, head[_WORDS:], str)
        st.dataframe(
            shown,
            hide_index=True,
            placeholder="–",
            column_config=config,
            alt=f"{name} of each step of the backtest",
        )
