"""A run, its AutoML, what came out of training it again, and the state of the engine."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, get_args

from core.domain.training import TrainingSettings
from core.errors import Failure

RunStatus = Literal["queued", "running", "finished", "failed", "cancelled"]
STATUSES: tuple[RunStatus, ...] = get_args(RunStatus)
ExplanationStatus = Literal["", "computing", "done", "failed"]
FINAL_STATUSES: tuple[RunStatus, ...] = ("finished", "failed", "cancelled")
CANCELLING = "Cancelling"


@dataclass(frozen=True)
class EngineSize:
    """H2O's version, how many nodes the cluster has, and how many threads they train with in all."""

    version: str
    n_nodes: int
    n_threads: int


@dataclass(frozen=True)
class EngineMemory:
    """Heap of all nodes of an engine, in use and at most, in bytes."""

    used_bytes: int
    max_bytes: int


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
class Difference:
    """A metric that is not the same in both runs; None where a run does not have the model or the metric."""

    step: str
    metric: str
    first: float | None
    again: float | None


@dataclass(frozen=True)
class Verdict:
    """What came out of training a run again.

    Attributes
    ----------
    run_id, rerun_id : str
        The run and the one that trained it again.
    is_same : bool
        Whether both have the same models, in the same order, with the same metrics to a billionth.
    n_models, n_metrics : int
        How many models and metrics were compared.
    largest : float
        The largest difference of a metric that both have.
    is_same_order : bool
        Whether the leaderboard lists the models in the same order.
    differences : tuple of Difference
        The largest ones first, at most 50.
    reasons : tuple of str
        Why the two could not be expected to be the same; empty where they could.
    """

    run_id: str
    rerun_id: str
    is_same: bool
    n_models: int
    n_metrics: int
    largest: float
    is_same_order: bool
    differences: tuple[Difference, ...] = ()
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class RunInfo:
    """One run, from the queue to its end.

    Attributes
    ----------
    progress : float
        0 to 1, the engine's own.
    explanations, explanations_error : ExplanationStatus, str
        How far they are, and why there are none.
    number : int or None
        Its place among the runs of its experiment, in the order they were asked for, from 1; None for runs that were
        stored before runs had one.
    key : str
        Names the request that made it.
    home : str
        Id of the home that trains it; empty for runs that were stored before homes had one.
    heartbeat : datetime or None
        When whoever trained it last said so.
    trained_since : datetime or None
        When the engine began to build its models.
    job : AutoMLJob or None
        Its AutoML, from the moment before it is asked for.
    n_events : int
        How much the engine has noted about it.
    seconds : mapping of str to float
        What its steps took, ``total`` among them.
    versions : mapping of str to str
        Of what it was made with.
    engine : EngineSize or None
        What it was trained in.
    schema_digest : str
        Of its dataset, when it was queued.
    baselines : mapping of str to str
        How each baseline ended: ``"done"``, ``"cancelled"`` or why there is none.
    baseline_jobs : mapping of str to str
        The engine's jobs that train them.
    constant : mapping of str to float
        What a constant predictor scores on the same rows and folds, named as a model's metrics; ``cv_auc_chance`` is
        the AUC that chance reaches in one of 40 cases.
    verifies : str
        The run that it trains again; empty for most.
    verification : Verdict or None
        The newest one that it has a part in.
    note, tags : str, tuple of str
        What people wrote about it.
    archived : datetime or None
        When it was put out of the way: out of lists and of the search for the best model. Its models still score.
    """

    run_id: str
    name: str
    experiment: str
    status: RunStatus
    settings: TrainingSettings
    created_at: datetime
    dataset_name: str = ""
    started_at: datetime | None = None
    ended_at: datetime | None = None
    person: str = ""
    n_models: int = 0
    leader_id: str | None = None
    progress: float = 0.0
    stage: str = ""
    error: Failure | None = None
    explanations: ExplanationStatus = ""
    explanations_error: str = ""
    number: int | None = None
    key: str = ""
    home: str = ""
    heartbeat: datetime | None = None
    trained_since: datetime | None = None
    job: AutoMLJob | None = None
    n_events: int = 0
    seconds: Mapping[str, float] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    engine: EngineSize | None = None
    schema_digest: str = ""
    baselines: Mapping[str, str] = field(default_factory=dict)
    baseline_jobs: Mapping[str, str] = field(default_factory=dict)
    constant: Mapping[str, float] = field(default_factory=dict)
    verifies: str = ""
    verification: Verdict | None = None
    note: str = ""
    tags: tuple[str, ...] = ()
    archived: datetime | None = None

    @property
    def mark(self) -> str:
        """Its number as people write it, such as ``"#3"``; empty without one."""
        return f"#{self.number}" if self.number else ""

    @property
    def given_name(self) -> str:
        """What somebody named it; empty where nobody did."""
        # Before runs had numbers they were named after their data and target.
        is_given = self.name != f"{self.experiment} {self.mark}" and not self.name.endswith(f": {self.settings.target}")
        return self.name if is_given else ""

    @property
    def title(self) -> str:
        """What it is called: what somebody named it, else its experiment; with its number."""
        return f"{(self.given_name or self.experiment).removesuffix(self.mark).rstrip()} {self.mark}".rstrip()

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
