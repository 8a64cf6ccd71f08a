"""The One case view of the Explain page: a row, its prediction, why, and what would change it."""

from collections.abc import Mapping
from typing import Any

import streamlit as st
from cachetools import LRUCache

from app.ui.errors import guard
from app.ui.explain import cached as explain_data
from app.ui.explain import opened as explain_view
from app.ui.explain.case import flip as case_flip
from app.ui.explain.case import form as case_form
from app.ui.explain.opened import Opened
from app.ui.services import get_services
from app.ui.widgets.layout import chart, choice_labels
from app.ui.widgets.pickers import choose
from app.ui.widgets.text import badge_text, escape_markdown
from core.charts import models as charts_models
from core.domain.models import ModelInfo, algorithm_name
from core.explain.case.case import Case, CaseResult
from core.explain.case.rows import Cell, Pick, Values, read_row, typical
from core.explanations.items import Explanations, Item
from core.explanations.scales import LOG_ODDS, usual_text
from core.explanations.shapes import RowContributions
from core.models.decisions import Decision
from core.wording import change_text, number_text, percent_text

ROW, TYPED = "A row of the data", "A row you type in"
POINTS = "Probability"
_KEPT_ANSWERS = 60
_MOVED = 3
_STARTING = "Starting the engine: for this kind of model only it can say what moved the prediction"


def draw(opened: Opened) -> None:
    """Draw the choice of a row, and the fragment that follows it."""
    st.caption(
        "One row: what the model predicts, why, and what would change it. Move an input and the prediction follows."
    )
    with guard(), st.spinner("Opening the model", show_time=True):
        services = get_services()
        services.engine.mojos.start()  # while the rows are read
        decision = explain_data.decision(opened.model)
        case = open_case(str(services.settings.home), opened.model.id, repr(decision), opened.model, decision)
        number, known = _choose_row(case, case.picks)
    _follow(case, opened.found, number, known)


@st.cache_resource(max_entries=8, show_spinner=False, on_release=Case.close)
def open_case(home: str, model_id: str, decision: str, _model: ModelInfo, _decision: Decision) -> Case:
    """Return the model opened for single rows, the same for everybody who looks at it."""
    return get_services().explainer.open_case(_model, _decision)


def _choose_row(case: Case, picks: tuple[Pick, ...]) -> tuple[int, Any]:
    """Draw the choice of a row and put it into the form; return its place (-1 for a typed one) and its target."""
    options = (*(pick.words for pick in picks), ROW, TYPED)
    choose("explain_case_source", options)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        source = st.selectbox(
            "Start from", options, key="explain_case_source", width=420,
            format_func=lambda words: words[:1].upper() + words[1:],
        )  # fmt: skip
        if source == ROW:
            n_rows = get_services().datasets.get(case.spec.dataset_id).n_rows
            number = int(st.number_input("Row", 1, n_rows, 1, key="explain_case_row", width=160)) - 1
        else:
            number = next((pick.number for pick in picks if pick.words == source), -1)
    values, known = (typical(case.raw), None) if number < 0 else _row(case, number)
    case_form.fill(f"{case.model.id} {source} {number}", values)
    return number, known


@st.cache_data(max_entries=100, show_spinner=False, hash_funcs={Case: lambda case: case.model.id})
def _row(case: Case, number: int) -> tuple[dict[str, Cell], Any]:
    return read_row(get_services().datasets, case.spec, number)


@st.fragment
def _follow(case: Case, found: Explanations | None, number: int, known: Any) -> None:
    """Draw form, prediction, reasons and ways to another decision; only this runs again when an input moves."""
    # Filled below: the form comes first, but the prediction stands on top, and on a telephone stays there (look.css).
    head = st.container(key="explain_case_head")
    reasons, inputs = st.columns([3, 2], gap="large")  # on a telephone the reasons stand above the inputs
    with inputs:
        with st.container(horizontal=True, vertical_alignment="center"):
            exact = st.toggle(
                "Type in numbers", key="explain_case_exact",
                help="Instead of sliders; an empty field is a missing value.",
            )  # fmt: skip
            st.space("stretch")
            st.button(
                "Reset", key="explain_case_reset", icon=":material/restart_alt:", type="tertiary",
                on_click=case_form.reset, help="Puts the original row back.",
            )  # fmt: skip
        values = case_form.draw(case.raw, _order(case, found), exact=exact)
    with head, guard():
        answer = _ask(case, values, why=not case.needs_engine)
        _prediction(case, answer, values, number, known)
    with reasons, guard(stop=False):
        if case.needs_engine:
            is_ready = get_services().engine.status().state == "ready"
            with st.spinner("Comparing with typical rows" if is_ready else _STARTING, show_time=True):
                answer = _ask(case, values, why=True)
        _why(case, answer)
        _members(case, values)
    with guard(stop=False):
        case_flip.draw(case, values, answer, number)


def _order(case: Case, found: Explanations | None) -> list[str]:
    """Return the columns of a row, the most important ones first."""
    names = [column.name for column in case.spec.needed.columns]
    ranked = [one.feature for one in (found.variable_importance.data or ())] if found else []
    places = {name: place for place, name in enumerate(ranked)}
    return sorted(names, key=lambda name: places.get(name, len(places)))


def _ask(case: Case, values: Values, *, why: bool) -> CaseResult:
    """Ask the model, once for the same row."""
    answers: LRUCache[Any, CaseResult] = st.session_state.setdefault("explain.case_answers", LRUCache(_KEPT_ANSWERS))
    key = (case.model.id, repr(case.decision), why, tuple(values.items()))
    if key not in answers:
        answers[key] = case.ask(values, why=why)
    return answers[key]


def _prediction(case: Case, answer: CaseResult, values: Values, number: int, known: Any) -> None:
    spec = case.spec
    name = str(spec.positive) if spec.task == "binary" else answer.label
    value = answer.predicted[name] if spec.task != "regression" else answer.predicted[""]
    words = f"Probability of {name}" if name else f"Predicted {spec.target}"
    before = _before(case, values, name)
    is_share = spec.task != "regression"
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.metric(
            escape_markdown(words),
            _number(value, is_share=is_share),
            delta=None if before is None else _delta(value - before, is_share=is_share),
            delta_color="off",
            help="Below: the difference from the original row." if before is not None else None,
            width="content",
        )
        with st.container(gap="xxsmall"):
            if answer.label:
                st.badge(f"Decision: {badge_text(answer.label)}", icon=":material/gavel:")
            if spec.task == "binary":
                st.caption(
                    f"Counts as {escape_markdown(name)} from {100 * case.threshold:.1f}%: "
                    f"{escape_markdown(case.decision.words)}"
                )
            if number >= 0 and known is not None:
                actual = case_form.text(known)
                is_wrong = bool(answer.label) and before is None and actual != answer.label
                if is_wrong:
                    st.badge(f"Wrong: actually {badge_text(actual)}", icon=":material/close:", color="orange")
                words = "" if is_wrong else f"; actually **{escape_markdown(actual)}**"
                st.caption(f"Row {number + 1:,} of the data{words}")
    if spec.task == "multiclass":
        ranked = sorted(answer.predicted.items(), key=lambda pair: -pair[1])[:6]
        st.caption(" · ".join(f"{escape_markdown(one)} {100 * p:.1f}%" for one, p in ranked))
    if case.decision.calibration is not None:
        st.caption(
            f"Calibrated; the model itself says {100 * answer.uncalibrated[name]:.1f}%, which the figure explains."
        )
    for remark in answer.remarks:
        st.info(escape_markdown(remark), icon=":material/info:")


def _before(case: Case, values: Mapping[str, Cell], name: str) -> float | None:
    """Return the prediction on the row as it was; None when nothing was changed."""
    start: dict[str, Cell] = case_form.start()
    if all(start.get(column) == value for column, value in values.items()):
        return None
    return _ask(case, start, why=False).predicted[name]


def _delta(change: float, *, is_share: bool) -> str:
    return f"{100 * change:+.1f} points" if is_share else change_text(change)


def _not_the_share(case: Case, scale: str) -> str:
    """Say why what is usual may lie off the share of the class."""
    if scale != LOG_ODDS or not case.raw.target:
        return ""
    share = sum(value == case.spec.positive for value in case.raw.target) / len(case.raw.target)
    name = escape_markdown(str(case.spec.positive))
    return f" (the middle of its log-odds, which may differ from the share of {name}, about {percent_text(share)})"


def _why(case: Case, answer: CaseResult) -> None:
    item: Item[RowContributions] = answer.contributions
    if item.data is None:
        explain_view.no_data(item)
        return
    spec = case.spec
    predicted = spec.target if spec.task == "regression" else f"probability of {spec.positive}"
    mapped = item.data.points != item.data.contributions
    in_points = True
    if mapped:
        unit = POINTS if spec.task == "binary" else "Number"
        chosen = st.segmented_control(
            "Unit", (unit, "The model's own scale"), key="explain_case_unit", default=unit, required=True,
            label_visibility="collapsed", format_func=choice_labels(str),
        )  # fmt: skip
        in_points = chosen == unit
    figure = charts_models.waterfall(item, predicted=predicted, in_points=in_points, percent=spec.task == "binary")
    chart(figure, key="explain_case_why", alt="How each feature moved the prediction on this row")
    explain_view.method(item)
    usual = escape_markdown(usual_text(item.data.bias, item.data.scale))
    unit = (
        f"The model adds up {item.data.scale}. Each contribution keeps its sign and its share; all are turned into the"
        " readable unit at the same rate, so that they add up to the prediction."
        if mapped and in_points
        else ""
    )
    st.caption(
        f"The usual prediction, **{usual}**, is what the model says before it knows anything of a"
        f" row{_not_the_share(case, item.data.scale)}; from there the features lead to this one.",
        help=escape_markdown(unit) or None,
    )


def _members(case: Case, values: Values) -> None:
    """Draw what each member of an ensemble says, which needs no engine."""
    members = case.members(values)
    if not members:
        return
    is_share = case.spec.task == "binary"
    st.markdown("**What each member says**")
    st.dataframe(
        {
            "Member": [algorithm_name(member.algo) for member in members],
            "Weight": [member.weight for member in members],
            "Predicts": [_number(member.predicted, is_share=is_share) for member in members],
            "Moved most by": [_moved(member.contributions, is_share=is_share) for member in members],
            "Model": [member.key for member in members],
        },
        hide_index=True,
        placeholder="–",
        key="explain_case_members",
        column_config={
            "Weight": st.column_config.NumberColumn(
                format="%.3f",
                help="The metalearner's coefficient: of the member's log-odds, or of the number that it predicts.",
            )
        },
        alt="What each member of the ensemble predicts for this row, its weight, and what moved it most",
    )


def _moved(item: Item[RowContributions], *, is_share: bool) -> str:
    """Return the features that moved a member's prediction furthest; why there are none, where that is so."""
    if item.data is None:
        return item.reason
    found = list(zip(item.data.features, item.data.points, strict=True))[:_MOVED]
    return ", ".join(f"{name} {_delta(points, is_share=is_share)}" for name, points in found)


def _number(value: float, *, is_share: bool) -> str:
    return f"{100 * value:.1f}%" if is_share else number_text(value, 5)
