"""The models that are selected on the Leaderboard page, and what can be done with them."""

from collections.abc import Mapping, Sequence

import streamlit as st

from app.ui import navigation
from app.ui.errors import guard
from app.ui.review import section
from app.ui.runs.leaderboard import WANTED, link_model
from app.ui.services import get_services
from app.ui.widgets.models.leaderboard import table_height
from app.ui.widgets.models.metrics import metric_label, metric_table
from app.ui.widgets.tables import number_cell, number_format
from app.ui.widgets.text import escape_markdown
from core.domain.models import ModelInfo, model_name
from core.models.board import LIMIT, Board
from core.models.leaderboard import DEFAULT_METRIC, ranking_metric
from core.models.opened import StoredModel
from core.models.standing import called
from core.wording import count_text, list_text

TABLE = "leaderboard_table"
MOST_COMPARED = 10
_ORDER = "leaderboard.order"


def keep_selection(models: Sequence[ModelInfo]) -> None:
    """Before the table is drawn: select what the address names, or keep the same models selected in a new order."""
    session = st.session_state
    ids, before = [model.id for model in models], session.get(_ORDER, [])
    wanted = session.pop(WANTED, None)
    if wanted is not None or before != ids:
        kept = [wanted] if wanted else [before[row] for row in _rows() if row < len(before)]
        session[TABLE] = {"selection": {"rows": [ids.index(one) for one in kept if one in ids]}}
    session[_ORDER] = ids


def _rows() -> list[int]:
    return list(st.session_state[TABLE]["selection"]["rows"]) if TABLE in st.session_state else []


def selected(models: Sequence[ModelInfo]) -> list[ModelInfo]:
    """Return the models of the selected rows."""
    return [models[row] for row in sorted(_rows()) if row < len(models)]


def draw(chosen: Sequence[ModelInfo], board: Board, names: Mapping[str, str]) -> None:
    """Draw what follows the table: of one model its review and details, of several the way to compare them."""
    link_model(chosen[0].id if len(chosen) == 1 else None)
    if not chosen:
        st.caption(
            ":material/touch_app: Select a row to see the model and what can be done with it, or several to compare."
        )
    elif len(chosen) > 1:
        _compare_bar(chosen)
    else:
        model = chosen[0]
        if model.has_files:
            section.draw(model, called(model, names), ranking_metric(board.runs[model.run_id].settings))
        with guard(stop=False):
            _members(model)
        with st.expander("All metrics by origin"):
            metric_table(model)
            st.caption(f"In the engine: {escape_markdown(model.model_key)}")


def _members(model: ModelInfo) -> None:
    """Draw the members of an ensemble with their weights."""
    store = get_services().store
    details = StoredModel(store, model).details
    if not details.base_models:
        return
    weights = dict(details.member_weights)
    by_key = {one.model_key: one for one in store.models(run_id=model.run_id, limit=LIMIT)}
    metric = f"cv_{DEFAULT_METRIC[model.task]}"
    known = [by_key[key].metrics.get(metric) if key in by_key else None for key in details.base_models]
    shape = number_format(known)
    records = [
        {"model": model_name(key), "weight": weights.get(key), "metric": number_cell(value, shape)}
        for key, value in zip(details.base_models, known, strict=True)
    ]
    records.sort(key=lambda one: -(one["weight"] or 0.0))  # type: ignore[operator]
    config = {
        "model": st.column_config.TextColumn("Member"),
        "weight": st.column_config.ProgressColumn(
            "Weight", format="percent", min_value=0, max_value=1,
            help="Share of the metalearner's standardised coefficients.",
        ),
        "metric": st.column_config.NumberColumn(metric_label(metric), format=shape),
    }  # fmt: skip
    with st.expander(f"Members of this ensemble ({len(records)})"):
        if not weights:
            st.caption("The engine does not tell their weights.")
        st.dataframe(
            records, hide_index=True, column_config=config, key="leaderboard_members", alt="Members of the ensemble",
            placeholder="–",
            height=table_height(len(records), 10),
        )  # fmt: skip


def _compare_bar(models: Sequence[ModelInfo]) -> None:
    """Draw the way from several selected models to their comparison."""
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        names = list_text([model_name(model.model_key) for model in models], show=escape_markdown)
        st.markdown(f"**{count_text(len(models), 'model')}** selected: {names}", width="stretch")
        if len(models) > MOST_COMPARED:
            st.caption(f"At most {MOST_COMPARED} are compared at once.")
        elif st.button("Compare", key="leaderboard_compare", type="primary", icon=":material/compare:"):
            navigation.go("compare", model=[model.id for model in models])
