"""Train: how much effort, and how the models are judged."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from app.ui.widgets.layout import choice_labels
from app.ui.widgets.pickers import choose
from app.ui.widgets.text import escape_markdown
from core.domain.columns import Column, Schema
from core.domain.datasets import Dataset
from core.domain.training import Task
from core.training.plan.plan import MAX_FOLDS, MAX_MODELS
from core.training.plan.presets import DEFAULT_PRESET, PRESETS
from core.training.plan.roles import latest_words

if TYPE_CHECKING:
    from core.data.datasets.registry import Datasets

SPLIT_NAMES: Mapping[str, str] = {"random": "At random", "time": "By time", "group": "By group"}
_PRESET, _BACKTEST = "train_preset", "train_backtest"
_TIME_HOLDOUT = 20  # per cent, where no rows were held out before
# Which control shows a setting of a preset, and what it is called.
_KNOBS: Mapping[str, tuple[str, str]] = {
    "max_models": ("train_max_models", "maximum models"),
    "max_runtime_secs": ("train_max_runtime", "time limit"),
    "max_runtime_secs_per_model": ("train_model_runtime", "time limit per model"),
    "nfolds": ("train_nfolds", "folds"),
    "holdout_share": ("train_holdout", "rows held out"),
    "seed": ("train_seed", "seed"),
}


def seed() -> None:
    """Give the controls their first values, those of the default preset."""
    choose(_PRESET, PRESETS, first=DEFAULT_PRESET)
    for key, value in _values(DEFAULT_PRESET).items():
        st.session_state.setdefault(key, value)
    choose("train_split", SPLIT_NAMES, first="random")
    st.session_state.setdefault(_BACKTEST, True)


def use_preset(name: str) -> None:
    """Set the controls as a preset says."""
    from app.ui.train.options import set_algorithms

    st.session_state[_PRESET] = name
    for key, value in _values(name).items():
        st.session_state[key] = value
    set_algorithms(PRESETS[name].settings.get("exclude_algos", ()))


def preset_values() -> dict[str, Any]:
    """Return what the chosen preset sets, by the key of the control that shows it."""
    return _values(st.session_state.get(_PRESET) or DEFAULT_PRESET)


def _chosen() -> None:
    """Callback: a preset was chosen."""
    chosen = st.session_state[_PRESET]
    if chosen is not None:  # a browser that was sent two runs at once may answer for a control it has not drawn yet
        use_preset(chosen)


def effort(cap_s: int) -> dict[str, Any]:
    """Draw the presets and the limits; return the settings.

    Parameters
    ----------
    cap_s : int
        The longest run that this installation allows.
    """
    left, right = st.columns([3, 2], gap="medium")
    with left:
        preset = (
            st.segmented_control(
                "Effort",
                tuple(PRESETS),
                key=_PRESET,
                on_change=_chosen,
                required=True,
                wrap=True,
                format_func=choice_labels(lambda name: PRESETS[name].title),
                help="Sets the options beside and below; each can still be changed.",
            )
            or DEFAULT_PRESET
        )
        changed = _changed(preset)
        note = f" Unlike the preset: {', '.join(changed)}." if changed else ""
        st.caption(PRESETS[preset].about + note)
    with right, st.container(horizontal=True):
        max_models = st.number_input(
            "Maximum models (0: any)", 0, MAX_MODELS, key="train_max_models",
            help="Ensembles are added on top. Without a limit of models, set one of time.",
        )  # fmt: skip
        max_runtime_secs = st.number_input(
            "Time limit, s (0: none)", 0, cap_s, step=60, key="train_max_runtime",
            help="With one, the same settings may give different models next time.",
        )  # fmt: skip
    return {"preset": preset, "max_models": max_models, "max_runtime_secs": max_runtime_secs}


def judging(datasets: "Datasets", dataset: Dataset, target: str, task: Task) -> dict[str, Any]:
    """Draw how holdout and folds are made; return the settings."""
    schema = dataset.schema
    left, right = st.columns([3, 2], gap="medium")
    with left, st.container(horizontal=True, vertical_alignment="bottom"):
        split = (
            st.segmented_control(
                "How the models are judged",
                tuple(SPLIT_NAMES),
                key="train_split",
                required=True,
                wrap=True,
                format_func=choice_labels(SPLIT_NAMES),
                help="Think of how the model will be used: by time if it predicts the future, by group if it meets new"
                " customers, patients or places.",
            )
            or "random"
        )
        column = None
        if split != "random":
            column = _split_column(schema, target, split)
    with right, st.container(horizontal=True):
        nfolds = st.number_input(
            "Folds", 2, MAX_FOLDS, key="train_nfolds",
            help="Parts for cross-validation: more take longer and measure better.",
        )  # fmt: skip
        holdout = st.number_input(
            "Held out, % (0: none)", 0, 50, step=5, key="train_holdout",
            help="Rows that no model, ensemble or recipe sees, for a last honest measure.",
        )  # fmt: skip
    with left:
        st.caption(judging_words(split, column, nfolds, holdout, task))
        if split == "time" and column and dataset.remote is None:
            latest = _latest(datasets, dataset.id, column, target if target in schema else None, holdout)
            if latest:
                st.caption(f":material/event: Held out: {latest}.")
        if split == "random":
            _propose_time(schema, target)
    backtest = split != "time" or st.toggle(
        "Backtest: forward in time", key=_BACKTEST,
        help="After the training the best model of each kind is built again on the past alone and judged on the period"
        " that follows, step by step. It may take as long as the training.",
    )  # fmt: skip
    return {
        "split": split,
        "split_column": column,
        "nfolds": nfolds,
        "holdout_share": holdout / 100,
        "backtest": None if backtest else False,
    }


def judging_words(split: str, column: str | None, nfolds: int, holdout: int, task: Task) -> str:
    """Say what the choices do, in two sentences.

    Examples
    --------
    >>> judging_words("random", None, 5, 0, "binary")
    'Every model is tested five times, each time on a different part of the rows; no rows are held out.'
    """
    times = {2: "twice", 3: "three times", 4: "four times", 5: "five times", 10: "ten times"}.get(
        nfolds, f"{nfolds} times"
    )
    name = f"**{escape_markdown(column)}**" if column else "the column"
    where = {
        "random": "on a different part of the rows",
        "time": f"on a different period of {name}: rows of one time stay together",
        "group": f"on groups of {name} that it has not seen",
    }[split]
    held = {
        "random": f"{holdout}% of the rows{'' if task == 'regression' else ' of each class'}, drawn at random,",
        "time": f"The latest {holdout}% of the rows by {name}",
        "group": f"Whole groups of {name} with about {holdout}% of the rows",
    }[split]
    first, is_time = f"Every model is tested {times}, each time {where}", split == "time"
    if not holdout:
        return f"{first}; no rows are held out."
    note = " In cross-validation a model may learn from later periods; the backtest goes forward." if is_time else ""
    return f"{first}. {held} are held out until the end.{note}"


def _propose_time(schema: Schema, target: str) -> None:
    """Offer to judge by time where a column says when each row was."""
    dates = [column.name for column in schema.columns if column.type == "date" and column.name != target]
    if not dates:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(
            f":material/event: **{escape_markdown(dates[0])}** may say when each row was. A model that will predict"
            " what comes later is then judged more honestly on the latest rows.",
            width="stretch",
        )
        st.button(f"Hold out the latest {_TIME_HOLDOUT}%", key="train_by_time", on_click=_by_time, args=(dates[0],))


def _by_time(column: str) -> None:
    session = st.session_state
    session["train_split"], session["train_split_time"] = "time", column
    session["train_holdout"] = session.get("train_holdout") or _TIME_HOLDOUT


@st.cache_data(max_entries=64, show_spinner=False)
def _latest(_datasets: "Datasets", dataset_id: str, column: str, target: str | None, holdout: int) -> str:
    """Say which rows are the latest, of those with a target; of all where a recipe makes the target."""
    table = _datasets.open(dataset_id).load([column, target] if target else [column])
    times = table[column]
    return latest_words(times.filter(table[target].is_valid()) if target else times, holdout / 100)


def _split_column(schema: Schema, target: str, split: str) -> str | None:
    names = [column.name for column in schema.columns if column.name != target and _can_split(column, split)]
    if not names:
        st.caption("No column can be used: a time column has to be a date or a number.")
        return None
    key = f"train_split_{split}"
    choose(key, names, first=_first_choice(schema, names, split))
    label = "Time" if split == "time" else "Group"
    return st.selectbox(label, names, key=key, help="Not used as a feature.")


def _can_split(column: Column, split: str) -> bool:
    return column.type in ("date", "numeric") if split == "time" else column.type != "text"


def _first_choice(schema: Schema, names: Sequence[str], split: str) -> str:
    order = ("date", "numeric") if split == "time" else ("category", "id", "numeric", "date")
    return min(names, key=lambda name: order.index(schema[name].type))


def _values(preset: str) -> dict[str, Any]:
    settings = {"max_runtime_secs_per_model": 0, "seed": 1, **PRESETS[preset].settings}
    return {key: _shown(name, settings[name]) for name, (key, _) in _KNOBS.items()}


def _shown(name: str, value: Any) -> Any:
    return round(value * 100) if name == "holdout_share" else value


def _value_text(key: str, value: float) -> str:
    return (f"{value}%" if value else "none") if key == "train_holdout" else str(value)


def _changed(preset: str) -> list[str]:
    now = st.session_state
    values = _values(preset)
    return [
        f"{word} ({_value_text(key, now[key])} instead of {_value_text(key, values[key])})"
        for key, word in _KNOBS.values()
        if key in now and now[key] != values[key]
    ]
