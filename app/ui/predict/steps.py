"""The steps of Predict: open while they are filled in, one line each once there are results."""

from typing import TYPE_CHECKING

import streamlit as st

from app.ui.predict.file import SCORED
from app.ui.widgets.text import escape_markdown
from core.domain.models import ModelInfo
from core.scoring.opened import OpenedFile
from core.scoring.result import Scored
from core.wording import count_text, duration_text

if TYPE_CHECKING:
    from core.ledger.database import Ledger

_VERDICTS = {"green": "it fits the model", "amber": "it was predicted anyway", "red": "it does not fit"}


def done() -> tuple[str, str, str] | None:
    """Return what was answered in each step, where there are results; else None."""
    known: tuple[OpenedFile, Scored] | None = st.session_state.get(SCORED)
    if known is None:
        return None
    file, scored = known
    version = f", version {scored.model.version}" if scored.model.version else ""
    champion = ", the champion" if scored.model.is_champion else ""
    took = f"scored in {duration_text(scored.seconds.get('total', 0.0))}"
    verdict = f"{_VERDICTS[scored.check.verdict]}, {took}" if scored.check else took
    return f"{scored.model.experiment}{version}{champion}", f"{file.name}, {count_text(scored.n_rows, 'row')}", verdict


def step(title: str, answer: str | None, opens: str = "Change") -> st.delta_generator.DeltaGenerator:
    """Return the place of a step: open without an answer, else one line that opens, for what `opens` says."""
    if answer is None:
        place = st.container(border=True)
        place.markdown(f"**{title}**")
        return place
    words = f"**{title}** · {escape_markdown(answer)} · :primary[{opens}]"
    return st.expander(words, icon=":material/check_circle:")


def forget_outdated() -> None:
    """Open the steps again where something was changed since the results were made."""
    if st.session_state.pop(SCORED, None) is not None:
        st.rerun()


def current_result(file: OpenedFile, model: ModelInfo, ledger: "Ledger") -> Scored | None:
    """Return the result of this session if it is of this file, this model and the policy that is in force now."""
    from core.models.decisions import decide

    known: tuple[OpenedFile, Scored] | None = st.session_state.get(SCORED)
    if known is None or known[0] is not file or known[1].model.id != model.id:
        return None
    return known[1] if known[1].decision == decide(ledger, model, known[1].spec) else None
