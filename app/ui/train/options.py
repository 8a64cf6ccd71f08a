"""Train, Advanced: every option of AutoML that makes sense for the target, each with one line of help."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from app.ui.train.constraints import constraints
from app.ui.widgets.layout import choice_label, choice_labels
from app.ui.widgets.pickers import choose
from core.domain.columns import Schema
from core.domain.models import ALGORITHM_NAMES, metric_in_words
from core.domain.training import ALGORITHMS, Task
from core.training.plan.plan import DISTRIBUTIONS, SORT_METRICS, STOPPING_METRICS, read_modeling_plan

_DISTRIBUTION_HELP: Mapping[str, str] = {
    "AUTO": "H2O's own choice: gaussian.",
    "gaussian": "Amounts that lie around a mean on both sides: the usual case.",
    "poisson": "Counts, such as the claims of a year: whole numbers from 0 up.",
    "gamma": "Amounts above 0 with a long tail, such as the size of a claim.",
    "tweedie": "Many zeros and some large amounts, such as the claims of a policy.",
    "laplace": "Aims at the median: extreme values pull less. GBM and deep learning only.",
    "quantile": "Aims at a quantile, such as what 9 of 10 rows stay below. GBM and deep learning only.",
    "huber": "Like gaussian near the middle, like laplace far off. GBM and deep learning only.",
}
_PLAN_EXAMPLE = '[{"name": "GBM", "alias": "defaults"}, {"name": "GLM", "steps": [{"id": "def_1"}]}]'
_DEFAULTS: Mapping[str, Any] = {
    "train_algorithms": list(ALGORITHMS),
    "train_sort_metric": "AUTO",
    "train_model_runtime": 0,
    "train_balance": False,
    "train_max_size": 5.0,
    "train_own_factors": False,
    "train_weights": None,
    "train_fold_column": None,
    "train_distribution": "AUTO",
    "train_tweedie": 1.5,
    "train_quantile": 0.5,
    "train_huber": 0.9,
    "train_stopping_metric": "AUTO",
    "train_stopping_rounds": 3,
    "train_stopping_tolerance": None,
    "train_blending": 0,
    "train_exploitation": None,
    "train_plan": "",
    "train_keep_models": False,
    "train_keep_folds": False,
}


@dataclass(frozen=True)
class Choices:
    """What the options depend on.

    Attributes
    ----------
    raw : Schema
        Columns of the dataset.
    features : Schema
        Columns to learn from, after the recipe.
    classes : tuple of str
        Sorted; empty for a regression.
    has_xgboost : bool
        Whether XGBoost's native library loads.
    """

    raw: Schema
    features: Schema
    target: str
    task: Task
    classes: tuple[str, ...]
    split: str
    has_xgboost: bool = True


def seed() -> None:
    """Give the options their first values."""
    for key, value in _DEFAULTS.items():
        st.session_state.setdefault(key, value)


def set_algorithms(excluded: Sequence[str]) -> None:
    """Choose all algorithms but some."""
    st.session_state["train_algorithms"] = [name for name in ALGORITHMS if name not in excluded]


def advanced(choices: Choices) -> dict[str, Any]:
    """Draw the options in tabs; return the settings that they mean.

    TrainingSettingsError if the modeling plan is not JSON.
    """
    is_regression = choices.task == "regression"
    second = "Distribution" if is_regression else "Classes"
    names = ["Models", second, "Rows", "Stopping", "Monotonic constraints", "Ensembles", "Experts"]
    if choices.task == "multiclass":
        names.remove("Monotonic constraints")
    tabs = dict(zip(names, st.tabs([choice_label(name) for name in names]), strict=True))
    found: dict[str, Any] = {}
    with tabs["Models"]:
        found |= _models(choices)
    with tabs[second]:
        found |= _distribution() if is_regression else _classes(choices)
    with tabs["Rows"]:
        found |= _rows(choices)
    with tabs["Stopping"]:
        found |= _stopping(choices.task)
    if "Monotonic constraints" in tabs:
        with tabs["Monotonic constraints"]:
            found |= constraints(choices.features)
    with tabs["Ensembles"]:
        found |= _ensembles()
    with tabs["Experts"]:
        found |= _experts()
    return found


def algorithm_settings(chosen: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return the algorithms as a run takes them: those to leave out."""
    return {"exclude_algos": tuple(name for name in ALGORITHMS if name not in chosen)}


def _models(choices: Choices) -> dict[str, Any]:
    offered = [name for name in ALGORITHMS if name != "XGBoost" or choices.has_xgboost]
    _keep("train_algorithms", [name for name in st.session_state["train_algorithms"] if name in offered])
    chosen = st.pills(
        "Algorithms", offered, selection_mode="multi", key="train_algorithms", wrap=True,
        format_func=choice_labels(ALGORITHM_NAMES), help="Click one to leave it out.",
    )  # fmt: skip
    if not choices.has_xgboost:
        st.caption("XGBoost is not offered: its native library does not load on this machine.")
    with st.grid(3, min_column_width=170, vertical_alignment="bottom"):
        sort_metric = _choice(
            "Sort the leaderboard by", SORT_METRICS[choices.task], "train_sort_metric",
            help="Auto: AUC for two classes, mean per-class error for several, RMSE for numbers.",
        )  # fmt: skip
        per_model = st.number_input(
            "Time limit per model (s)", 0, key="train_model_runtime", step=30, on_change="ignore",
            help="0 means no limit. A model that is cut short is kept as far as it got.",
        )  # fmt: skip
        seed_value = st.number_input(
            "Seed", 0, 2**31 - 1, key="train_seed", on_change="ignore",
            help="The same seed and number of models give the same result again, unless there is a time limit.",
        )  # fmt: skip
    more = {"sort_metric": sort_metric, "max_runtime_secs_per_model": per_model, "seed": seed_value}
    return algorithm_settings(chosen) | more


def _classes(choices: Choices) -> dict[str, Any]:
    balance = st.toggle(
        "Balance classes", key="train_balance",
        help="Samples rare classes more often while a model learns; probabilities are corrected afterwards.",
    )  # fmt: skip
    if not balance:
        st.caption("Rare classes are seen as often as they are. That is right for most problems.")
        return {"balance_classes": False}
    size = st.number_input(
        "Maximum size of the balanced data (times)", 0.1, 100.0, step=0.5, key="train_max_size", width=280,
        on_change="ignore", help="Rare classes are drawn again until all are equally frequent or this size is reached.",
    )  # fmt: skip
    found: dict[str, Any] = {"balance_classes": True, "max_after_balance_size": size}
    own = st.toggle("Custom factors", key="train_own_factors", help="How often each class is drawn, instead of H2O's.")
    if not own:
        return found
    edited = st.data_editor(
        [{"Class": name, "Factor": 1.0} for name in choices.classes],
        key=f"train_factors_{len(choices.classes)}",
        hide_index=True,
        width=320,
        disabled=["Class"],
        column_config={"Factor": st.column_config.NumberColumn(min_value=0.001, max_value=100.0, required=True)},
        alt="How often each class is drawn",
    )
    return found | {"class_sampling_factors": tuple(float(str(row["Factor"])) for row in edited)}


def _distribution() -> dict[str, Any]:
    distribution = _choice(
        "Distribution of the target", DISTRIBUTIONS["regression"], "train_distribution",
        help="What the numbers are like. Algorithms without it are left out where comparing them would not be fair.",
    )  # fmt: skip
    st.caption(_DISTRIBUTION_HELP[distribution])
    found: dict[str, Any] = {"distribution": distribution}
    if distribution == "tweedie":
        found["tweedie_power"] = st.slider(
            "Power", 1.01, 1.99, step=0.01, key="train_tweedie", width=320,
            help="Near 1: like counts. Near 2: like gamma.",
        )  # fmt: skip
    elif distribution == "quantile":
        found["quantile_alpha"] = st.slider(
            "Quantile", 0.01, 0.99, step=0.01, key="train_quantile", width=320,
            help="0.9: nine of ten rows stay below.",
        )  # fmt: skip
    elif distribution == "huber":
        found["huber_alpha"] = st.slider(
            "Share of rows near the middle", 0.01, 0.99, step=0.01, key="train_huber", width=320,
            help="Rows further off count less.",
        )  # fmt: skip
    return found


def _rows(choices: Choices) -> dict[str, Any]:
    names = [column.name for column in choices.raw.columns if column.name != choices.target]
    numbers = [name for name in names if choices.raw[name].type == "numeric"]
    with st.grid(2, min_column_width=240):
        weights = _column(
            "Weights", numbers, "train_weights", "How much each row counts: 0 leaves it out. Not used as a feature."
        )
        fold_column = None
        if choices.split == "random":
            fold_column = _column(
                "Fold column", names, "train_fold_column", "Its values are the folds, instead of a number of them."
            )
    if weights:
        st.caption("With weights no ensembles are built: H2O fits them without, so metrics would not be comparable.")
    if choices.split != "random":
        st.caption("The folds come from the split by time or group above.")
    return {"weights_column": weights, "fold_column": fold_column}


def _stopping(task: Task) -> dict[str, Any]:
    st.caption("A model stops growing when it no longer improves.")
    with st.grid(3, min_column_width=170):
        metric = _choice(
            "Stopping metric", STOPPING_METRICS[task], "train_stopping_metric", help="Auto: log loss or deviance."
        )
        rounds = st.number_input(
            "Rounds without improvement", 0, 100, key="train_stopping_rounds", on_change="ignore",
            help="0: models grow to their full size.",
        )  # fmt: skip
        tolerance = st.number_input(
            "Minimum improvement", 0.0, 0.99, value=None, step=0.001, format="%.4f", key="train_stopping_tolerance",
            placeholder="H2O's own", on_change="ignore",
            help="Relative improvement. H2O's own depends on the number of rows: 0.001 for a million.",
        )  # fmt: skip
    return {"stopping_metric": metric, "stopping_rounds": rounds, "stopping_tolerance": tolerance}


def _ensembles() -> dict[str, Any]:
    blending = st.number_input(
        "Rows to fit ensembles on, %", 0, 50, step=5, key="train_blending", width=280,
        help="0: on the predictions of cross-validation, which is right for most problems.",
    )  # fmt: skip
    words = (
        "Ensembles are fitted on rows of their own and judged on these; the other models see fewer rows."
        if blending
        else "Ensembles learn from what the other models predict in cross-validation."
    )
    st.caption(words)
    return {"blending_share": blending / 100}


def _experts() -> dict[str, Any]:
    exploitation = st.number_input(
        "Time to refine the best models, share", 0.0, 1.0, value=None, step=0.05, key="train_exploitation", width=280,
        placeholder="H2O's own", on_change="ignore",
        help="After trying out, H2O can fine-tune its best GBM and XGBoost; 0.1 is a good start.",
    )  # fmt: skip
    plan = st.text_area(
        "Modeling plan", key="train_plan", placeholder=_PLAN_EXAMPLE, height=96, on_change="ignore",
        help="H2O's own steps in order, as JSON. Empty: H2O's own plan. The event log of a run names the steps.",
    )  # fmt: skip
    with st.container(horizontal=True, gap="medium"):
        models = st.toggle("Keep the models of the folds", key="train_keep_models", on_change="ignore")
        folds = st.toggle("Keep the fold of each row", key="train_keep_folds", on_change="ignore")
    st.caption("Both stay in the engine until the run is released, for your own analysis.")
    return {
        "exploitation_ratio": -1.0 if exploitation is None else exploitation,
        "modeling_plan": read_modeling_plan(plan) if plan.strip() else (),
        "keep_cross_validation_models": models,
        "keep_cross_validation_fold_assignment": folds,
    }


def _choice(label: str, options: Sequence[str], key: str, *, help: str) -> str:  # noqa: A002
    """Draw a choice of words; one that another task has left behind gives way to the first."""
    choose(key, options)
    return st.selectbox(label, options, key=key, format_func=_word, help=help)


def _column(label: str, names: Sequence[str], key: str, help_text: str) -> str | None:
    choose(key, (None, *names))
    return st.selectbox(label, names, index=None, key=key, placeholder="None", help=help_text)


def _keep(key: str, value: Any) -> None:
    if st.session_state.get(key) != value:
        st.session_state[key] = value


def _word(name: str) -> str:
    known = metric_in_words(name)
    return "Auto" if name == "AUTO" else known[:1].upper() + known[1:]
