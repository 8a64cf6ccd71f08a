"""The Fairness view of the Explain page: what is decided for the groups of a column, and how far apart it is."""

import streamlit as st

from app.ui.errors import guard
from app.ui.explain import cached as explain_data
from app.ui.explain.opened import Opened, weights_note
from app.ui.widgets.layout import chart
from app.ui.widgets.pickers import choose, follow, switch
from app.ui.widgets.text import escape_markdown
from core.charts import models as charts_models
from core.domain.columns import Column
from core.domain.models import ModelInfo, Origin
from core.errors import DataError
from core.metrics.groups.fairness import (
    DEFAULT_BINS,
    FOUR_FIFTHS,
    LIMITS,
    MIN_ROWS,
    Fairness,
    Gap,
    GroupRates,
    Rate,
    is_protected,
    ratio_interval,
)
from core.wording import percent_text

SELECTION, ERRORS, TABLE = "Selection", "Errors", "Table"
_HELP = {
    SELECTION: "How often each group is selected, beside how often it is actually positive.",
    ERRORS: "How often those who should be selected are, and how often those who should not.",
    TABLE: "Every rate of every group, with ratio, difference and p-values.",
}


def draw(opened: Opened) -> None:
    """Draw rates by group of a column, their ratios and differences."""
    weights_note(opened)
    model = opened.model
    st.caption("What is decided for the groups of a column, at the threshold in force.")
    with guard():
        schema = explain_data.schema(model.id)
    names = schema.names
    if not names:
        st.info("The dataset has no column to group rows by.", icon=":material/info:")
        return
    usual = next((place for place, name in enumerate(names) if is_protected(name)), 0)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        origin = explain_data.origin_choice(model, "parts")
        if origin is None:
            return
        follow("explain_fair_column", names, param="column", first=names[usual])
        name = st.selectbox(
            "Group by", names, key="explain_fair_column", width=260,
            help="Any column of the dataset, also one that the model does not use.",
        )  # fmt: skip
        n_bins, borders = _bins(schema[name])
        place = st.container(width="content")
    with guard(stop=False):
        _compare(model, origin, name, n_bins, borders, place)
    with st.expander("What this does not tell", key="explain_fair_limits"):
        st.markdown("\n".join(f"- **{point}** {meaning}" for point, meaning in LIMITS))


def _bins(column: Column) -> tuple[int, tuple[float, ...]]:
    """Draw how numbers and dates are cut into groups."""
    if column.type == "category":
        return DEFAULT_BINS, ()
    n_bins = st.number_input("Groups", 2, 10, DEFAULT_BINS, key="explain_fair_bins", width=130)
    if column.type == "date":
        return int(n_bins), ()
    text = st.text_input(
        "Or boundaries", key=f"explain_fair_borders_{column.name}", placeholder="25, 40, 60", width=180,
        help="Where groups begin, instead of a number of groups of about equal size.",
    )  # fmt: skip
    return int(n_bins), _read_borders(text)


def _read_borders(text: str) -> tuple[float, ...]:
    parts = [part for part in text.replace(";", ",").split(",") if part.strip()]
    try:
        return tuple(float(part) for part in parts)
    except ValueError:
        st.warning(f"“{escape_markdown(text)}” is not a list of numbers; write 25, 40, 60.", icon=":material/edit:")
        return ()


def _compare(
    model: ModelInfo,
    origin: Origin,
    column: str,
    n_bins: int,
    borders: tuple[float, ...],
    place: "st.delta_generator.DeltaGenerator",
) -> None:
    decided = explain_data.decision(model)
    method = explain_data.method_of(decided)
    if decided.threshold is None:
        raise DataError("This model has no threshold in force.", hint="Save a policy first (Decision).")

    def measured(reference: str | None) -> Fairness:
        return explain_data.fairness(
            model.id, origin, column, decided.threshold or 0.0, reference, n_bins, borders, method
        )

    usual = measured(None)
    options = [one.name for one in usual.groups]
    choose("explain_fair_reference", options, first=usual.reference)
    reference = place.selectbox(
        "Compared with",
        options,
        key="explain_fair_reference",
        width=220,
        help="By default, the group that is selected most often.",
    )
    found = measured(reference)
    _verdict(found)
    kind = switch("Show", tuple(_HELP), key="explain_fair_kind", param="show")
    st.caption(_HELP[kind])
    if kind == TABLE:
        _table(found)
    else:
        _figures(found, kind, explain_data.predictions(model.id, origin).words)


def _verdict(found: Fairness) -> None:
    if found.disparate_impact is None:
        st.info(
            f"Too few rows to judge: groups under {MIN_ROWS} rows are shown but not compared.", icon=":material/info:"
        )
        return
    text = (
        f"{_apart(found)}: a ratio of **{found.disparate_impact:.2f}**{_interval(found)}; the four-fifths rule"
        f" asks for at least {FOUR_FIFTHS:g}."
    )
    if found.passes:
        st.success(text, title="Within four fifths", icon=":material/balance:")
    else:
        st.warning(text, title="Outside four fifths", icon=":material/balance:")


def _interval(found: Fairness) -> str:
    """Return the 95% interval of the ratio, turned as it is; empty where there is none."""
    worst, base = found.furthest, next(one for one in found.groups if one.name == found.reference)
    if worst is None:
        return ""
    lower, upper = sorted((worst.selection, base.selection), key=lambda rate: rate.value)
    ends = ratio_interval(lower, upper)
    return "" if ends is None else f" (95% interval {ends[0]:.2f} to {ends[1]:.2f})"


def _apart(found: Fairness) -> str:
    """Return the group that is furthest from the reference, with what is selected and what is positive of both."""
    shown = (found.furthest, next(one for one in found.groups if one.name == found.reference))
    said = [
        f"of {escape_markdown(one.name)} **{percent_text(one.selection.value)}** are selected"
        f" ({percent_text(one.base_rate.value)} are actually positive)"
        for one in shown
        if one is not None
    ]
    return f"{said[0][:1].upper()}{said[0][1:]}, {said[-1]}"


def _figures(found: Fairness, kind: str, origin: str) -> None:
    shown: tuple[tuple[str, str, list[Rate | None], bool], ...]
    if kind == SELECTION:
        shown = (
            ("selection", "Selected", [one.selection for one in found.groups], True),
            ("base", "Actually positive (base rate)", [one.base_rate for one in found.groups], False),
        )
    else:
        shown = (
            ("tpr", "True positive rate", [one.true_positive_rate for one in found.groups], False),
            ("fpr", "False positive rate", [one.false_positive_rate for one in found.groups], False),
        )
    for place, (key, title, rates, band) in zip(st.columns(2), shown, strict=True):
        words = f"{origin}; shaded: within four fifths of the reference" if band else origin
        figure = charts_models.group_rates(found, rates, title=title, origin=words, four_fifths=band)
        with place:
            chart(figure, key=f"explain_fair_{key}", alt=f"{title} by group")


def _table(found: Fairness) -> None:
    percent = st.column_config.NumberColumn(format="percent")
    number = st.column_config.NumberColumn(format="%.3f")
    st.dataframe(
        [_record(one, found) for one in found.groups],
        hide_index=True,
        height="content",
        column_config={"Rows": st.column_config.NumberColumn(format="localized"), "Ratio": number}
        | dict.fromkeys(
            ("Base rate", "Selected", "True positive rate", "False positive rate", "Precision", "Difference"), percent
        ),
        placeholder="",
        key="explain_fair_table",
        alt="Rates by group, with ratios, differences and p-values",
    )
    tests = {gap.test for one in found.groups for gap in _gaps(one) if gap is not None}
    if tests:
        st.caption(
            f"Ratio, difference and p-values against {escape_markdown(found.reference)};"
            f" {' or '.join(sorted(tests))}, two-sided, not corrected for the number of groups."
        )


def _record(one: GroupRates, found: Fairness) -> dict[str, object]:
    gap = one.selection_gap
    return {
        "Group": one.name,
        "Rows": one.n_rows,
        "Base rate": one.base_rate.value,
        "Selected": one.selection.value,
        "Ratio": gap.ratio if gap else None,
        "Difference": gap.difference if gap else None,
        "p selected": _p_text(gap),
        "True positive rate": _value(one.true_positive_rate),
        "p true positive": _p_text(one.true_positive_gap),
        "False positive rate": _value(one.false_positive_rate),
        "p false positive": _p_text(one.false_positive_gap),
        "Precision": _value(one.precision),
        "Note": _note(one, found),
    }


def _note(one: GroupRates, found: Fairness) -> str:
    if one.name == found.reference:
        return "reference"
    if one.is_small:
        return "too few rows to judge"
    gap = one.selection_gap
    if gap is None or gap.ratio is None:
        return ""
    return "" if FOUR_FIFTHS <= gap.ratio <= 1 / FOUR_FIFTHS else "outside four fifths"


def _gaps(one: GroupRates) -> tuple[Gap | None, ...]:
    return one.selection_gap, one.true_positive_gap, one.false_positive_gap


def _p_text(gap: Gap | None) -> str | None:
    if gap is None:
        return None
    return "< 0.0001" if gap.p_value < 0.0001 else f"{gap.p_value:.4f}"


def _value(rate: Rate | None) -> float | None:
    return None if rate is None else rate.value
