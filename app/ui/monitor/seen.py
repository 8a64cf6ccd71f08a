"""What the Monitor page shows of one problem, read once for each run of the page."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import streamlit as st

from app.ui.widgets.pickers import choose
from core.domain.models import ModelInfo
from core.ledger.outcome_records import AlertRule, OutcomeFile, Realised, UseAlert
from core.ledger.scoring_records import ScoringRecord
from core.monitoring.alerts import find_alerts
from core.monitoring.monitor import RECENT

if TYPE_CHECKING:
    from core.services import Services

MOST = 60  # files drawn side by side
PROBLEM = "monitor_problem"


@dataclass(frozen=True)
class Seen:
    """What is known of a problem in use.

    Attributes
    ----------
    records : tuple of ScoringRecord
        The latest scoring of each file, the oldest first; the latest `MOST`.
    recent : tuple of ScoringRecord
        The files that speak for or against a new training, the oldest first.
    realised : mapping of str to Realised
        Predictions against actual outcomes, by scoring.
    champion : ModelInfo or None
        The model in use.
    """

    experiment: str
    records: tuple[ScoringRecord, ...]
    recent: tuple[ScoringRecord, ...]
    realised: Mapping[str, Realised]
    rule: AlertRule
    files: tuple[OutcomeFile, ...]
    champion: ModelInfo | None

    @cached_property
    def alerts(self) -> tuple[UseAlert, ...]:
        """All alerts, the oldest scoring first."""
        return find_alerts(self.records, self.realised, self.rule)

    @cached_property
    def alerted(self) -> frozenset[str]:
        """The scorings with an alert."""
        return frozenset(alert.scoring_id for alert in self.alerts)

    @property
    def latest(self) -> ScoringRecord:
        """The last scoring."""
        return self.records[-1]

    def alerts_of(self, scoring_id: str) -> tuple[UseAlert, ...]:
        """Return the alerts of one scoring."""
        return tuple(alert for alert in self.alerts if alert.scoring_id == scoring_id)

    def known(self) -> tuple[tuple[int, ScoringRecord, Realised], ...]:
        """Return the scorings whose actual outcomes are known, with their places from 1."""
        return tuple(
            (place, record, self.realised[record.id])
            for place, record in enumerate(self.records, 1)
            if record.id in self.realised
        )


def choose_problem(services: "Services") -> str | None:
    """Draw the choice of the problem, which follows a link: scored ones first, then those with a champion to score."""
    known = tuple(dict.fromkeys((*services.scoring_log.experiments(), *services.store.champions())))
    if not known:
        return None
    linked = st.query_params.get("experiment")
    if linked in known and st.session_state.get("monitor.linked") != linked:
        st.session_state[PROBLEM] = linked
    choose(PROBLEM, known)
    chosen: str = st.selectbox("Experiment", known, key=PROBLEM, width=420)
    st.session_state["monitor.linked"] = chosen
    if linked != chosen:
        st.query_params["experiment"] = chosen
    return chosen


def look(services: "Services", experiment: str) -> Seen:
    """Read what is known of a problem."""
    monitor = services.monitor
    files = monitor.files(experiment, limit=MOST)
    return Seen(
        experiment=experiment,
        records=files.records,
        recent=files.last_files(RECENT),
        realised=files.realised,
        rule=monitor.rule(experiment),
        files=monitor.outcome_files(experiment),
        champion=services.store.champion(experiment),
    )
