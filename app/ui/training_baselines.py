"""The choice of baselines on the Train page, and what became of them on the run's."""

import streamlit as st

from app.ui import widgets
from core.baselines import BASELINE_NAMES, BASELINES
from core.training_baselines import DONE, read_outcomes
from core.types import RunInfo


def choose() -> tuple[str, ...]:
    """Draw the choice and return what was chosen, in the order they are trained."""
    chosen = st.pills(
        "Compare with baselines", BASELINES, selection_mode="multi", key="train_baselines", wrap=True,
        on_change="ignore", format_func=BASELINE_NAMES.__getitem__,
        help="Trained after the other models on the same rows and folds, and marked on the leaderboard. XGBoost tries "
        "as many settings as there are models, in the same time again. A baseline never leads by itself.",
    )  # fmt: skip
    return tuple(name for name in BASELINES if name in chosen)


def missing(run: RunInfo) -> None:
    """Say which baselines there are none of, and why."""
    for name, outcome in read_outcomes(run).items():
        if outcome != DONE:
            reason = "cancelled before it was built." if outcome == "cancelled" else outcome
            st.caption(
                f":material/info: No baseline “{BASELINE_NAMES[name]}”: {widgets.escape_markdown(reason)}",
            )
