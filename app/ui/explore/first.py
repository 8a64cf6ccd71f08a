"""The first look of the Explore page: one column that tells something, before anything is said of the data."""

from collections.abc import Mapping

import streamlit as st

from app.ui.errors import guard
from app.ui.explore import view as exploring
from app.ui.explore.view import ExploreView
from app.ui.widgets.layout import chart
from app.ui.widgets.text import escape_markdown
from core.charts.data import columns as charts
from core.charts.data import explore as charts_explore
from core.charts.data.relation import relation
from core.data.profiling.profile import Profile

_HEIGHT_PX = 260  # the alerts below are in sight too
_DULL = frozenset({"constant", "id_like", "nearly_unique"})  # alerts on columns that no figure makes interesting


def interesting_columns(profile: Profile, ranking: Mapping[str, float]) -> tuple[str, ...]:
    """Return the columns to look at, the best to begin with first; none in a file of ids.

    Those most related to the target come first, the others as they stand. Never an id, a constant or a text that is
    different in nearly every row.
    """
    dull = {alert.column for alert in profile.alerts if alert.code in _DULL}
    usable = [
        column.name
        for column in profile.columns
        if column.name not in dull and column.unique > 1 and (column.histogram is not None or column.levels)
    ]
    related = [name for name in ranking if name in usable]
    return (*related, *(name for name in usable if name not in ranking))


def show_first(view: ExploreView, profile: Profile, name: str, ranking: Mapping[str, float]) -> None:
    """Draw the target over a column, or the column itself where there is no target."""
    column, target = profile[name], view.target
    shown, about = escape_markdown(name), f"The column {name}"
    with guard(stop=False):
        if column.type == "date":
            line = exploring.get_timeline(view, name)
            if line is None:
                return
            has_target = target is not None and line.relation is not None
            figure = charts_explore.timeline_target(line) if has_target else charts_explore.timeline(line, name)
            words = f"**{escape_markdown(target or '')}** over time" if has_target else f"Rows over **{shown}**"
        elif target is not None and target != name:
            figure = relation(exploring.get_relation(view, name, target))
            strengths = [f"{strength:.3f}" for strength in ranking.values()]
            alone = strengths.count(max(strengths, default="")) == 1
            which = "the column most related to it" if alone else "one of the columns most related to it"
            words = f"**{escape_markdown(target)}** over **{shown}**, {which}"
            about = f"{target} over the column {name}"
        else:
            figure = charts.histogram(column) if column.histogram else charts.levels(column)
            words = f"**{shown}**"
        st.markdown(words)
        figure.update_layout(height=min(figure.layout.height or _HEIGHT_PX, _HEIGHT_PX))
        chart(figure, key="explore_look", alt=about)
