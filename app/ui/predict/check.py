"""How the Predict page shows what the check before scoring found: green, amber or red, in plain words."""

from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from app.ui.errors import guard
from app.ui.predict import file as predict_file
from app.ui.widgets.layout import choice_labels, warnings_list
from app.ui.widgets.text import escape_markdown
from core.domain.models import ModelInfo, ModelSpec
from core.features.checking import FileCheck, Finding
from core.features.matching import use_text
from core.models.opened import StoredModel
from core.scoring.opened import OpenedFile
from core.wording import count_text

if TYPE_CHECKING:
    from core.services import Services

_NOTHING = "none of them"
REASONS = (0, 3, 5)
REASON_WORDS = {0: "None", 3: "Three", 5: "Five"}
_REASON_S, _LONG_S = 0.0005, 20
_REASONS_HELP = "What moved each prediction most, in words. It takes longer than the predictions."
_NEEDS_ENGINE = {
    "DeepLearning": "For this kind of model it needs the engine, which is started for it.",
    "StackedEnsemble": "Where the ensemble has deep learning or random forests in it, the engine is started for it.",
}


def report(file: OpenedFile, model: StoredModel, services: "Services") -> FileCheck:
    """Draw the verdict, what it rests on, and what can be done about it; return what was found."""
    with st.spinner("Checking the file"):
        check = file.check(model)
    by_verdict = {verdict: [one for one in check.findings if one.verdict == verdict] for verdict in ("red", "amber")}
    if check.verdict == "red":
        hint = "Fix this to continue."
        st.error(_lines(by_verdict["red"], hint), title="This file does not fit yet", icon=":material/error:")
        _ask_for_columns(check, model.info, services)
    if by_verdict["amber"]:
        st.warning(_lines(by_verdict["amber"]), title=_amber_title(check), icon=":material/warning:")
    if check.verdict == "green":
        n_needed = len(model.spec.needed.names)
        fit = f"All {n_needed} columns that the model needs are there, and every cell can be read."
        st.success(fit if n_needed > 1 else "The column that the model needs is there.", icon=":material/check_circle:")
    _rest(check, file, model, services)
    return check


def first_rows(file: OpenedFile, model: StoredModel) -> int:
    """Draw what the file turned out to be, and its first rows; return how many it has."""
    read = file.read(model)
    st.caption(
        f"**{escape_markdown(file.name)}**: {count_text(read.info.rows, 'row')}, "
        f"{count_text(len(read.info.columns), 'column')}. The first five rows:"
    )
    st.dataframe(
        read.head(), hide_index=True, placeholder="–", key="predict_head", alt="The first five rows of the file"
    )
    warnings_list(read.warnings)
    return read.info.rows


def ask_reasons(spec: ModelSpec, n_rows: int) -> int:
    """Ask how many reasons each row gets; 0 where none are available."""
    if spec.task == "multiclass":
        st.caption("Reasons per row are not available: H2O computes them for two classes and for numbers only.")
        return 0
    chosen = st.segmented_control(
        "Reasons per row", REASONS, default=0, required=True, key="predict_reasons",
        format_func=choice_labels(REASON_WORDS),
        help=f"{_REASONS_HELP} {_NEEDS_ENGINE.get(spec.algo, '')}".strip(),
    )  # fmt: skip
    if chosen and n_rows * _REASON_S > _LONG_S:
        st.caption(f":material/schedule: {n_rows:,} rows may take minutes: reasons are slow. You need not wait here.")
    return int(chosen or 0)


def start_label(check: FileCheck, n_rows: int) -> str:
    """Return what the button says: amber asks."""
    rows = count_text(n_rows, "row")
    return f"Predict {rows} anyway" if check.verdict == "amber" else f"Predict {rows}"


def _amber_title(check: FileCheck) -> str:
    count = sum(finding.verdict == "amber" for finding in check.findings)
    return "Check this before you predict" if count == 1 else f"Check these {count} things before you predict"


def _lines(findings: list[Finding], *more: str) -> str:
    lines = [f"- {escape_markdown(finding.text)}" for finding in findings]
    return "\n".join([*lines, *(f"\n{text}" for text in more)])


def _rest(check: FileCheck, file: OpenedFile, model: StoredModel, services: "Services") -> None:
    told = [finding for finding in check.findings if finding.verdict == "green"]
    for finding in told:
        icon = ":material/sync_alt:" if finding.code == "columns.renamed" else ":material/info:"
        st.caption(f"{icon} {escape_markdown(finding.text)}")
    with st.container(horizontal=True, vertical_alignment="center"):
        if check.n_flagged:
            st.download_button(
                f"Download flagged rows ({check.n_flagged:,})",
                partial(predict_file.flagged_rows_csv, file, model, services.settings),
                f"{file.name}_flagged_rows.csv",
                "text/csv",
                key="predict_odd_rows",
                icon=":material/download:",
                on_click="ignore",
                help="The rows with a cell that is unreadable, new or out of range, with the reason.",
            )
        if check.renamed and st.button(
            "Forget the remembered columns", key="predict_forget_columns", icon=":material/history_off:"
        ):
            with guard(stop=False):
                services.ledger.forget_columns(model.info.experiment)
                st.rerun()
    if check.drift is not None:
        _drift_table(check)


def _drift_table(check: FileCheck) -> None:
    drift = check.drift
    if drift is None:
        return
    rows = [{"Column": one.name, "PSI": one.psi, "KS": one.ks, "Change": one.size} for one in drift.columns]
    most = max(drift.columns, key=lambda one: one.psi, default=None)
    verdict = f": largest in {escape_markdown(most.name)}, PSI {most.psi:.2f}" if most and most.psi else ""
    with st.expander(f"Drift against the training data{verdict}"):
        st.dataframe(
            rows, hide_index=True, placeholder="–", key="predict_drift", alt="Drift of each column",
            column_config={
                "PSI": st.column_config.NumberColumn(format="%.3f"),
                "KS": st.column_config.NumberColumn(format="%.3f"),
            },
        )  # fmt: skip
        st.caption(
            f"{count_text(drift.rows_now, 'row')} of this file against {drift.rows_was:,} rows of training. "
            "PSI: under 0.1 stable, over 0.25 large; small files show large numbers by chance, which raise no warning."
        )


def _ask_for_columns(check: FileCheck, model: ModelInfo, services: "Services") -> None:
    """Offer the file's other columns for the missing ones, the likely one chosen; remember the answer."""
    if not check.columns.missing or not check.columns.extra:
        return
    if likely := check.columns.likely:
        st.button(
            escape_markdown(use_text(*likely)), key="predict_use_column", type="primary", icon=":material/sync_alt:",
            help="Remembered for this problem and used for the next file.",
            on_click=_use_column, args=(services, model.experiment, *likely),
        )  # fmt: skip
        with st.expander("It is another one"):
            _mapping_form(check, model, services)
    else:
        _mapping_form(check, model, services)


def _use_column(services: "Services", experiment: str, theirs: str, ours: str) -> None:
    with guard(stop=False):
        services.ledger.remember_columns(experiment, {theirs: ours})


def _mapping_form(check: FileCheck, model: ModelInfo, services: "Services") -> None:
    with st.form("predict_mapping", border=True):
        st.markdown("**Does your file call them something else?**")
        chosen = {}
        for place, name in enumerate(check.columns.missing[:20]):
            near = check.columns.near.get(name)
            options = (_NOTHING, *check.columns.extra)
            chosen[name] = st.selectbox(
                escape_markdown(name), options, index=options.index(near) if near else 0,
                key=f"predict_map_{place}",
            )  # fmt: skip
        if st.form_submit_button(
            "Use these columns", key="predict_map_use", type="primary", icon=":material/sync_alt:"
        ):
            mapping = {theirs: ours for ours, theirs in chosen.items() if theirs != _NOTHING}
            with guard(stop=False):
                services.ledger.remember_columns(model.experiment, mapping)
                st.rerun()
        st.caption("The answer is remembered for this problem and used for the next file.")
