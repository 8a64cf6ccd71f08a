"""The choice of baselines on the Train page, and their results on the run's."""

from collections.abc import Sequence

import streamlit as st

from app.ui.widgets.layout import choice_labels
from app.ui.widgets.models.metrics import metric_label
from app.ui.widgets.text import escape_markdown
from core.domain.baselines import BASELINE_NAMES, BASELINES
from core.domain.models import ModelInfo
from core.domain.runs import RunInfo
from core.models.leaderboard import sort_models
from core.training.baselines import DONE
from core.wording import metric_text


def choose() -> tuple[str, ...]:
    """Draw the choice and return what was chosen, in the order they are trained."""
    chosen = st.pills(
        "Compare with baselines", BASELINES, selection_mode="multi", key="train_baselines", wrap=True,
        on_change="ignore", format_func=choice_labels(BASELINE_NAMES),
        help="Trained after the other models on the same rows and folds, and marked on the leaderboard. XGBoost tries "
        "as many settings as there are models, with the same time limit again. A baseline never "
        "becomes the leader by itself.",
    )  # fmt: skip
    return tuple(name for name in BASELINES if name in chosen)


def compared(leader: ModelInfo, models: Sequence[ModelInfo], metric: str) -> None:
    """Say how the leader compares with the baselines, best first; nothing where there are none."""
    baselines = [model for model in models if model.baseline and metric in model.metrics]
    if not baselines or metric not in leader.metrics:
        return
    parts = [
        f"{BASELINE_NAMES[model.baseline or '']} {metric_text(model.metrics[metric])}"
        for model in sort_models(baselines, metric)
    ]
    ours = metric_text(leader.metrics[metric])
    st.caption(f"{metric_label(metric)}: {ours}, against {'; '.join(parts)}.")


def missing(run: RunInfo) -> None:
    """Say which baselines could not be built, and why."""
    for name, outcome in run.baselines.items():
        if outcome != DONE:
            reason = "cancelled before it was built." if outcome == "cancelled" else outcome
            st.caption(
                f":material/info: No baseline “{BASELINE_NAMES[name]}”: {escape_markdown(reason)}",
            )
