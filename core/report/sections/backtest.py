"""A part of a report: how models of the run did that were built again on the past only, stretch by stretch of time."""

from markupsafe import Markup

from core.charts import models as charts_models
from core.models.backtest import backtest_table, backtest_words, step_notes, view_backtest
from core.report.contents import Contents
from core.report.markup import bullets, figures, paragraph, section, table


def backtest(contents: Contents) -> Markup:
    """Return the backtest of the run: what it means, the figure and the numbers; nothing for a run without one."""
    if contents.backtest is None:
        return Markup()
    view = view_backtest(contents.backtest, contents.models, contents.run.constant, contents.run.settings)
    parts: list[str] = [
        paragraph(words, "lead" if place == 0 else "") for place, words in enumerate(backtest_words(view))
    ]
    if view.lines:
        head, rows = backtest_table(view)
        parts += [figures([charts_models.backtest_lines(view)], two=False), table(head, rows, words=4)]
    if notes := step_notes(view):
        parts.append(bullets(notes))
    return section("backtest", "How it did over time", *parts)
