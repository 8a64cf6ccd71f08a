"""What goes on: runs and files in progress, the runs that ended last and the models in use."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import streamlit as st

from app.ui import navigation
from app.ui.services import get_services
from app.ui.widgets import queue as queue_view
from app.ui.widgets import scorings as scorings_view
from app.ui.widgets.layout import empty_state
from app.ui.widgets.models.runs import champion_row, leaders_of, run_row
from core.domain.models import ModelInfo
from core.domain.runs import RunInfo

_SHOWN, _RUNS_SHOWN = 6, 4


@dataclass(frozen=True)
class Work:
    """The runs that wait or are going on, those that ended last with their leaders by run id, and the models in use."""

    active: tuple[RunInfo, ...]
    ended: tuple[RunInfo, ...]
    champions: tuple[ModelInfo, ...]
    leaders: Mapping[str, ModelInfo]

    def __bool__(self) -> bool:
        """Return whether there is any."""
        return bool(self.active or self.ended or self.champions)


def find() -> Work:
    """Read what goes on from the store."""
    services = get_services()
    ended = services.store.list_runs(statuses=("finished", "failed", "cancelled"), limit=_SHOWN)
    champions = tuple(services.store.champions().values())
    return Work(services.jobs.queue(), ended, champions, leaders_of(services.store, ended))


def draw(work: Work) -> None:
    """Draw it, or say that there is nothing yet."""
    if work.active:
        st.header("Running now", anchor=False)
        queue_view.draw(work.active, key="home")

    if under_way := scorings_view.active():
        st.header("Files being scored", anchor=False)
        scorings_view.draw(under_way, key="home_scorings")

    if work.ended or work.champions:
        left, right = st.columns([3, 2], gap="large")
        with left:
            _ended(work)
        with right:
            _champions(work)
    elif not work.active:
        empty_state(
            "Nothing has been trained yet",
            "Add a file on the Data page, or try it with the sample. Runs and champions are listed here.",
            icon=":material/model_training:",
        )


def _ended(work: Work) -> None:
    st.header("Latest runs", anchor=False)
    with st.container(border=True, gap="medium"):
        for run in work.ended[:_RUNS_SHOWN]:
            run_row(run, work.leaders.get(run.run_id))
        if not work.ended:
            st.caption("No runs have ended yet.")
    navigation.link("runs", "All runs")


def _champions(work: Work) -> None:
    models = work.champions
    st.header("Champions", anchor=False)
    with st.container(border=True, gap="medium"):
        for model in models[:_SHOWN]:
            champion_row(model, _newer(model, work.leaders.values()))
        if not models:
            st.caption("The leader of the first run that finishes becomes the champion of its experiment.")
    navigation.link("leaderboard", f"All {len(models)} champions" if len(models) > _SHOWN else "Leaderboard")


def _newer(champion: ModelInfo, leaders: Iterable[ModelInfo]) -> ModelInfo | None:
    """Return the newest version of a problem that came after its champion, of the leaders shown."""
    later = [one for one in leaders if one.experiment == champion.experiment and _version(one) > _version(champion)]
    return max(later, key=_version, default=None)


def _version(model: ModelInfo) -> int:
    return model.version or 0
