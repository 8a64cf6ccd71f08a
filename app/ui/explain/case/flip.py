"""Below one case: the smallest change that flips the decision, and the training rows most like it."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import streamlit as st

from app.ui.errors import guard
from app.ui.explain.case import form as case_form
from app.ui.widgets.layout import choice_labels
from app.ui.widgets.text import escape_markdown
from core.explain.case import flip
from core.explain.case import similar as nearest
from core.explain.case.case import Case, CaseResult, Goal
from core.explain.case.flip import FlipSearch
from core.explain.case.rows import Cell, Values
from core.wording import number_text

FLIP, SIMILAR = "What would flip it", "Similar training rows"
_N_SIMILAR = 5


def draw(case: Case, values: Values, answer: CaseResult, number: int) -> None:
    """Draw what was chosen to be shown below the case."""
    shown = st.segmented_control(
        "More", (FLIP, SIMILAR), key="explain_case_below", default=FLIP, required=True, label_visibility="collapsed",
        format_func=choice_labels(str),
    )  # fmt: skip
    if shown == FLIP:
        _flip(case, values, answer)
    else:
        _similar(case, values, number)


def _flip(case: Case, values: Values, answer: CaseResult) -> None:
    columns = [c.name for c in case.spec.needed.columns if c.type in ("numeric", "date", "category")]
    with st.form("explain_case_flip_form", border=True), st.container(horizontal=True, vertical_alignment="bottom"):
        goal = _goal(case, answer)
        fixed = st.multiselect(
            "Columns that cannot change", columns, key="explain_case_fixed",
            help="An age or a region cannot be changed; the search leaves these columns alone.",
        )  # fmt: skip
        asked = st.form_submit_button("Find the smallest change", icon=":material/alt_route:")
    key = (case.model.id, goal, tuple(fixed), tuple(values.items()))
    if asked:
        free = [name for name in columns if name not in fixed]
        with guard(stop=False), st.spinner("Trying changes", show_time=True):
            st.session_state["explain.case_flips"] = (key, case.flips(values, free, goal))
    kept = st.session_state.get("explain.case_flips")
    if kept is not None and kept[0] == key:
        _found(case, values, goal, kept[1])


def _goal(case: Case, answer: CaseResult) -> Goal:
    spec = case.spec
    if spec.task == "regression":
        usual = float(np.mean(np.array(case.raw.target, dtype=np.float64)))
        sides: tuple[Literal["at least", "at most"], ...] = ("at least", "at most")
        side = st.selectbox(
            "The prediction should be",
            sides,
            index=int(answer.predicted[""] > usual),
            key="explain_case_side",
            width=180,
        )
        bound = st.number_input("Value", value=float(f"{usual:.4g}"), key="explain_case_bound", width=160)
        return Goal(bound=float(bound), side=side)
    others = [name for name in spec.classes if name != answer.label]
    if len(others) == 1:
        return Goal(label=others[0])
    return Goal(label=str(st.selectbox("The decision should be", others, key="explain_case_goal", width=240)))


def _found(case: Case, values: Values, goal: Goal, search: FlipSearch) -> None:
    if not search.found:
        st.info(
            f"No change to up to {flip.MAX_CHANGES} of these columns was found to do it; {search.n_tried:,} rows "
            "were tried. That does not prove that none exists.",
            icon=":material/search_off:",
        )
    for place, one in enumerate(search.found):
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            words = [
                f"**{escape_markdown(name)}** {escape_markdown(case_form.text(values.get(name)))} → "
                f"**{escape_markdown(case_form.text(value))}**"
                for name, value in one.changes.items()
            ]
            st.markdown(" and ".join(words))
            if result := _result(case, goal, one.reached):
                st.caption(result)
            st.button(
                "Try it", key=f"explain_case_try_{place}", icon=":material/play_arrow:", type="tertiary",
                on_click=case_form.put, args=({**values, **one.changes},),
            )  # fmt: skip
    st.caption(f":small[Method: {escape_markdown(flip.METHOD)} ({search.n_tried:,} rows scored).]")


def _result(case: Case, goal: Goal, reached: float) -> str:
    """Return in words what the prediction becomes; empty for several classes."""
    spec = case.spec
    if spec.task == "multiclass":
        return ""
    if spec.task == "regression":
        return f"predicted {number_text(goal.bound + (reached if goal.side == 'at least' else -reached), 5)}"
    p = case.threshold + (reached if goal.label == spec.positive else -reached)
    return f"probability of {escape_markdown(spec.positive)} {100 * p:.1f}%"


def _similar(case: Case, values: Values, number: int) -> None:
    with guard(stop=False):
        found = case.similar(values, count=_N_SIMILAR, leave_out=number)
        rows = case.raw.table.take(found.places.tolist()).to_pylist()
        numbers, targets = case.raw.numbers[found.places], [case.raw.target[place] for place in found.places]
    st.dataframe(
        _records(case, values, rows, numbers.tolist(), found.distance.tolist(), targets),
        hide_index=True,
        placeholder="–",
        height="content",
        key="explain_case_similar",
        column_config={"Distance": st.column_config.NumberColumn(format="%.3f")},
        alt="This row and the training rows most like it",
    )
    st.caption(f":small[Method: {escape_markdown(nearest.METHOD)}. Among {len(case.raw.numbers):,} training rows.]")


def _records(
    case: Case, values: Values, rows: Sequence[dict[str, Cell]], numbers: Sequence[int], far: Sequence[float],
    targets: Sequence[Any],
) -> list[dict[str, Any]]:  # fmt: skip
    names = list(case.raw.schema.names)
    target = case.spec.target if case.spec.target not in names else f"{case.spec.target} (target)"
    head = {"Row": "this one", "Distance": 0.0, target: ""}
    own = [{**head, **{name: case_form.text(values.get(name)) for name in names}}]
    return own + [
        {"Row": f"{number + 1:,}", "Distance": distance, target: case_form.text(known)}
        | {name: case_form.text(row[name]) for name in names}
        for row, number, distance, known in zip(rows, numbers, far, targets, strict=True)
    ]
