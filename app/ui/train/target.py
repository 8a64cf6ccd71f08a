"""What the Train page knows of a target before anything is trained, and the questions about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import streamlit as st

from app.ui.widgets.layout import chart, choice_labels
from app.ui.widgets.text import escape_markdown
from core.data.profiling.profile import ColumnProfile, DataAlert, profile_table
from core.data.tables.roles import TaskGuess, check_target, count_classes, guess_positive, guess_task
from core.domain.columns import Schema
from core.domain.datasets import Dataset
from core.domain.training import Task
from core.training.plan.plan import target_column
from core.wording import count_text, number_text, percent_text

if TYPE_CHECKING:
    from core.data.datasets.registry import Datasets

_TASK_NAMES: Mapping[Task, str] = {
    "binary": "Two classes",
    "multiclass": "Several classes",
    "regression": "A number",
}
_TASK_HELP = "Two classes: yes or no. Several classes: one of a few names. A number: an amount."
_CLASSES_SHOWN = 12
_CLASS_PX, _CLASS_CHARS = 160, 24


@dataclass(frozen=True)
class TargetFacts:
    """What a person should know about a target.

    Attributes
    ----------
    counts : dict of str to int
        Rows of each class, most frequent first; empty for a target with too many values to be classes.
    quantiles : dict of str to float
        Minimum, quartiles, maximum; empty unless the target holds numbers.
    missing : int
        Rows without a target, which training leaves out.
    """

    guess: TaskGuess
    counts: dict[str, int]
    quantiles: dict[str, float]
    missing: int
    n_rows: int
    profile: ColumnProfile

    @property
    def tasks(self) -> tuple[Task, ...]:
        """The tasks that this target can have."""
        classes: tuple[Task, ...] = ("binary",) if len(self.counts) == 2 else ("multiclass",) if self.counts else ()
        return (*classes, "regression") if self.quantiles or not classes else classes

    def class_label(self, name: str) -> str:
        """Return a class with its share of the rows."""
        return f"{name}  ({percent_text(self.counts[name] / sum(self.counts.values()), 1)} of the rows)"

    def positive(self) -> str | None:
        """Return the class whose probability people want, of two."""
        return guess_positive(tuple(self.counts), self.counts) if len(self.counts) == 2 else None


@st.cache_data(max_entries=64, show_spinner="Looking at the target")
def target_facts(
    _datasets: "Datasets", dataset_id: str, digest: str, target: str, recipe: dict[str, Any] | None = None
) -> TargetFacts:
    """Look at a target; `digest` is the schema's, so that a changed type is taken into account.

    Raises
    ------
    TargetError
        If it cannot be learned whatever the task.
    RecipeError
        If the recipe does more to it than change its type.
    """
    column, values = target_column(_datasets.open(dataset_id), target, recipe)
    guess = guess_task(column, values)
    check_target(column, values, guess.task)
    known = values.drop_null()
    is_number = column.type == "numeric"
    n_distinct = pc.count_distinct(known).as_py()
    probabilities = {"Minimum": 0.0, "Lower quartile": 0.25, "Median": 0.5, "Upper quartile": 0.75, "Maximum": 1.0}
    found = pc.quantile(known, q=list(probabilities.values())).to_pylist() if is_number else []
    return TargetFacts(
        guess=guess,
        counts=count_classes(known) if not is_number or n_distinct <= _CLASSES_SHOWN * 2 else {},
        quantiles=dict(zip(probabilities, found, strict=True)) if is_number else {},
        missing=values.null_count,
        n_rows=len(values),
        profile=profile_table(pa.table({target: values}), Schema((column,))).columns[0],
    )


@st.cache_data(max_entries=64, show_spinner="Looking at the target")
def target_spellings(
    _datasets: "Datasets", dataset_id: str, digest: str, target: str, recipe: dict[str, Any] | None = None
) -> DataAlert | None:
    """Return the alert about classes that are the same but for their spelling, if there are any.

    Raises
    ------
    TargetError, RecipeError
        As `target_facts`, which goes on where this says nothing.
    """
    column, values = target_column(_datasets.open(dataset_id), target, recipe)
    if column.type != "category":
        return None
    alerts = profile_table(pa.table({target: values}), Schema((column,)), target=target).alerts
    return next((alert for alert in alerts if alert.code == "alike_levels"), None)


def choose_target(dataset: Dataset) -> str | None:
    """Draw the choice of the column to predict."""
    types = {column.name: column.type for column in dataset.schema.columns}
    chosen: str | None = st.selectbox(
        "What to predict (target)",
        dataset.schema.names,
        index=None,
        key="train_target",
        placeholder="Choose a column",
        format_func=lambda name: f"{name}  ({types[name]})",
    )
    return chosen


def choose_task(facts: TargetFacts) -> tuple[Task, str | None]:
    """Draw what kind of target it is, and of two classes the positive one; return both."""
    with st.container(horizontal=True, gap="medium"):
        task: Task = (
            st.segmented_control(
                "Kind of target",
                facts.tasks,
                key="train_task",
                required=True,
                format_func=choice_labels(_TASK_NAMES),
                help=_TASK_HELP,
            )
            or facts.tasks[0]
        )
        positive = None
        if task == "binary":
            positive = st.selectbox(
                "Positive class",
                tuple(facts.counts),
                key="train_positive",
                format_func=facts.class_label,
                help="The class you are looking for: probabilities, threshold and curves refer to it.",
            )
    if facts.guess.is_question:
        st.info(
            f"{escape_markdown(facts.guess.reason)} Choose above which of the two you mean.",
            title="Classes or amounts?",
            icon=":material/help:",
        )
    return task, positive


def target_summary(facts: TargetFacts, task: Task) -> None:
    """Draw what the target looks like: its classes with their shares, or where its numbers lie."""
    st.markdown(f"**{escape_markdown(facts.profile.name)}** in {count_text(facts.n_rows, 'row')}")
    if task != "regression":
        total = sum(facts.counts.values())
        records = [
            {"Class": name, "Rows": count, "Share": count / total}
            for name, count in list(facts.counts.items())[:_CLASSES_SHOWN]
        ]
        config = {
            "Class": st.column_config.TextColumn(
                width=_CLASS_PX if max(map(len, facts.counts)) > _CLASS_CHARS else None
            ),
            "Rows": st.column_config.NumberColumn(format="localized"),
            "Share": st.column_config.ProgressColumn(format="percent", min_value=0.0, max_value=1.0),
        }
        st.dataframe(
            records,
            hide_index=True,
            placeholder="–",
            column_config=config,
            alt="Classes of the target with their shares",
        )
        if len(facts.counts) > _CLASSES_SHOWN:
            st.caption(f"and {len(facts.counts) - _CLASSES_SHOWN:,} rarer classes")
    else:
        from core.charts.data import columns as charts

        figure = charts.histogram(facts.profile)
        chart(figure, key="train_target_chart", alt="Distribution of the target")
        st.caption(" · ".join(f"{name.lower()} {number_text(value, 6)}" for name, value in facts.quantiles.items()))
    if facts.missing:
        st.caption(f"{count_text(facts.missing, 'row')} without a target will be left out.")
