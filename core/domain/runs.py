"""A run, its AutoML and the state of the engine."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from core.domain.training import TrainingSettings

RunStatus = Literal["queued", "running", "finished", "failed", "cancelled"]
FINAL_STATUSES: tuple[RunStatus, ...] = ("finished", "failed", "cancelled")


@dataclass(frozen=True, kw_only=True)
class RunInfo:
    """One run, from the queue to its end.

    Attributes
    ----------
    progress : float
        0 to 1, the engine's own.
    stage : str
        What is being done, in words.
    error : mapping or None
        ``code``, ``message``, ``hint`` of a failed run.
    explanations : str
        ``""`` (not begun), ``"computing"``, ``"done"`` or ``"failed: reason"``.
    """

    run_id: str
    name: str
    experiment: str
    status: RunStatus
    settings: TrainingSettings
    dataset_name: str
    created_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    person: str = ""
    n_models: int = 0
    leader_id: str | None = None
    progress: float = 0.0
    stage: str = ""
    error: Mapping[str, str] | None = None
    explanations: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_final(self) -> bool:
        """Whether nothing more will happen to the run's models."""
        return self.status in FINAL_STATUSES


@dataclass(frozen=True)
class EngineStatus:
    """Where the engine stands: ``state`` is stopped, starting, ready or failed; ``detail`` says why in words."""

    state: Literal["stopped", "starting", "ready", "failed"]
    detail: str = ""


@dataclass(frozen=True)
class AutoMLJob:
    """A started AutoML: enough to ask for it again, also from another process.

    Attributes
    ----------
    cluster : str
        Name of the engine it runs in; another name means that engine is gone.
    blending_frame : str or None
        Key of the frame that the ensembles are fitted on.
    """

    cluster: str
    job_key: str
    dest_key: str
    project: str
    training_frame: str
    holdout_frame: str | None = None
    blending_frame: str | None = None


@dataclass(frozen=True)
class AutoMLState:
    """A look at a running AutoML.

    Attributes
    ----------
    status : str
        ``running``, ``done``, ``cancelled`` or ``failed``.
    progress : float
        0 to 1.
    models : tuple of str
        Keys of the finished models, best first.
    events : tuple of (datetime-like str, str, str)
        Time of day (UTC), stage and message, oldest first, without debug entries.
    error : str
        The engine's own reason when it failed.
    looked_at : float
        When models and events were asked for, by the monotonic clock.
    """

    status: Literal["running", "done", "cancelled", "failed"]
    progress: float
    message: str
    models: tuple[str, ...]
    events: tuple[tuple[str, str, str], ...]
    error: str = ""
    looked_at: float = field(default=0.0, compare=False)
