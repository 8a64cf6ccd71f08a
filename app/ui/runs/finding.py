"""How runs are found on the Runs page: words, status, and filters that stay while one looks around."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import streamlit as st

from app.ui.widgets.layout import choice_labels
from app.ui.widgets.models.runs import STATUS_LOOK
from core.domain.runs import RunInfo, RunStatus
from core.store.run_search import FIELDS

if TYPE_CHECKING:
    from core.store.mlflow import Store

PAGE: Final = 50
_SHOWN, _SEEN = "runs.shown", "runs.seen"
_PICKED: Final = {"experiment": "Experiment", "dataset": "Dataset", "person": "Person", "tag": "Tag"}
_HELP: Final = (
    "Words are looked for in name, experiment, dataset, target, person, tags, note and id. For one field, write "
    '`target:income` or `person:ada note:"too slow"`; the fields are ' + ", ".join(FIELDS) + "."
)


@dataclass(frozen=True)
class Filters:
    """What is looked for."""

    text: str
    statuses: tuple[RunStatus, ...]
    archived: bool

    def runs(self, store: "Store", limit: int) -> tuple[RunInfo, ...]:
        """Return the runs that are looked for, newest first."""
        return store.list_runs(text=self.text, statuses=self.statuses, archived=self.archived, limit=limit)


def draw() -> Filters:
    """Draw the search, the statuses and the filters; returns what is looked for."""
    session = st.session_state
    text = st.text_input(
        "Search",
        key="runs_search",
        icon=":material/search:",
        placeholder="Search runs, or target:income",
        help=_HELP,
        label_visibility="collapsed",
        width=420,
    )
    keys = (*(f"runs_{name}" for name in _PICKED), "runs_archived", "runs_status")
    n_set = sum(bool(session.get(key)) for key in keys)
    with st.popover(f"Filters ({n_set})" if n_set else "Filters", icon=":material/filter_list:", key="runs_filters"):
        statuses = st.pills(
            "Status", tuple(STATUS_LOOK), selection_mode="multi", key="runs_status", wrap=True,
            format_func=choice_labels(lambda status: STATUS_LOOK[status][0]),
        )  # fmt: skip
        picked = {name: _pick(name, label) for name, label in _PICKED.items()}
        archived = st.toggle("Archived runs", key="runs_archived", help="Shows what was put out of the way.")
    words = [f'{name}:"{value}"' for name, value in picked.items() if value]
    return Filters(" ".join((text.strip(), *words)), tuple(statuses), archived)


def shown() -> int:
    """Return how many runs are listed at most."""
    return int(st.session_state.get(_SHOWN, PAGE))


def show_more() -> None:
    """List more runs from now on."""
    st.session_state[_SHOWN] = shown() + PAGE


def remember(runs: Iterable[RunInfo]) -> None:
    """Offer the datasets, persons and tags of these runs as filters, from the next time they are drawn."""
    seen = st.session_state.setdefault(_SEEN, {name: set() for name in _PICKED})
    for run in runs:
        seen["experiment"].add(run.experiment)
        seen["dataset"].add(run.dataset_name)
        seen["person"].add(run.person)
        seen["tag"].update(run.tags)


def _pick(name: str, label: str) -> str:
    """Draw a filter with the values that have been seen; another one can be typed."""
    session, key = st.session_state, f"runs_{name}"
    seen = session.get(_SEEN, {}).get(name, set()) | {session.get(key)}
    options = sorted(value for value in seen if value)
    chosen = st.selectbox(label, options, index=None, key=key, placeholder="All, or type one", accept_new_options=True)
    return (chosen or "").replace('"', "")
