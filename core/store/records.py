"""How runs and models stand in MLflow's words, and how ours are made from them. Knows nothing of MLflow's code."""

import json
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version as installed_version
from types import MappingProxyType, UnionType
from typing import Any, Literal, Protocol, TypedDict, get_args, get_origin, get_type_hints

from core import __version__
from core.domain.datasets import Dataset
from core.domain.foreign import ForeignItems
from core.domain.models import ModelDetails, ModelInfo
from core.domain.runs import AutoMLJob, EngineSize, ExplanationStatus, RunInfo, RunStatus, Verdict
from core.domain.training import Task, TrainingSettings
from core.errors import DataError, ModelNotFoundError, RunNotFoundError, StoreError
from core.plain import from_json, from_plain, to_json

PREFIX = "bellwether."
MAX_TAG_CHARS = 8000  # MLflow cuts what is longer, and cut JSON is no JSON
CHAMPION, CHALLENGER = "champion", "challenger"
# Tags of MLflow's own, which its pages look at.
VERSIONS_TAG = "mlflow.modelVersions"
KIND_TAG, MACHINE_LEARNING = "mlflow.experimentKind", "custom_model_development"
DELETED = "deleted"  # the tag of a run whose models and versions went with it
MAX_PAGE = 200  # runs or models that a server is asked for at once: 2 MB
ARCHIVED = "archived"  # the tag of a run that is kept out of the way, with the time
TO_MLFLOW: Mapping[RunStatus, str] = {
    "queued": "SCHEDULED",
    "running": "RUNNING",
    "finished": "FINISHED",
    "failed": "FAILED",
    "cancelled": "KILLED",
}
FINAL = frozenset({"FINISHED", "FAILED", "KILLED"})
FROM_MLFLOW: Mapping[str, RunStatus] = {theirs: ours for ours, theirs in TO_MLFLOW.items()}

_RUN_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)
_MODEL_ID = re.compile(r"m-[0-9a-f]{32}", re.ASCII)
_KEY = re.compile(r"[\w.:@+-]{1,200}")
_FILE_NAME = re.compile(r"(?!\.)[\w .,()+@=-]{1,200}")
# MLflow forbids / and : in the names of registered models, and names that a path would not keep as they are.
_EXPERIMENT_NAME = re.compile(r"[^/:.\s\x00-\x1f\x7f][^/:\x00-\x1f\x7f]{0,119}")
_LARGER_IS_BETTER = frozenset(
    {"auc", "aucpr", "pr_auc", "average_precision", "r2", "accuracy", "f1", "mcc", "precision", "recall"}
)


@dataclass(frozen=True)
class RunRow:
    """A run as MLflow holds it; `tags` are ours, without the prefix; times in milliseconds since 1970."""

    run_id: str
    experiment_id: str
    experiment: str
    name: str
    status: str
    start_ms: int
    end_ms: int | None
    location: str
    tags: Mapping[str, str]

    @property
    def is_complete(self) -> bool:
        """Whether creating it went to its end: MLflow makes a run RUNNING, the last step makes ours SCHEDULED."""
        return self.status != "RUNNING" or "started_at" in self.tags


@dataclass(frozen=True)
class ModelRow:
    """A logged model as MLflow holds it; `tags` are ours, without the prefix."""

    id: str
    run_id: str
    experiment: str
    created_ms: int
    is_ready: bool
    location: str
    tags: Mapping[str, str]
    metrics: Mapping[str, float]


@dataclass(frozen=True)
class VersionRow:
    """A registered version and the model it stands for; `aliases` are those of ours that point to it."""

    experiment: str
    version: int
    model_id: str
    aliases: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Wanted:
    """Which models are asked for: none of archived runs, none without files, no baselines."""

    archived: bool = True
    without_files: bool = True
    baselines: bool = True


@dataclass(frozen=True)
class Sort:
    """By which metric models are sorted."""

    metric: str
    ascending: bool


ALL = Wanted()


class Catalogue(Protocol):
    """Reads what is stored: straight from MLflow's SQLite file, or through its client from a server."""

    def experiments(self) -> tuple[str, ...]:
        """Return the names of the experiments that have runs, sorted."""

    def runs(
        self,
        *,
        ids: Sequence[str] = (),
        experiment: str | None = None,
        statuses: Sequence[str] = (),
        dataset_id: str | None = None,
        key: str | None = None,
        archived: bool | None = None,
        tags: Mapping[str, str] = MappingProxyType({}),
        page: int = MAX_PAGE,
    ) -> Iterable[RunRow]:
        """Return the runs that Bellwether made and nobody deleted, newest first; `tags` hold these texts.

        A server is asked for `page` runs at a time; a file is read at once.
        """

    def count_runs(self) -> dict[str, int]:
        """Return how many whole runs there are in each of MLflow's statuses."""

    def models(
        self,
        *,
        ids: Sequence[str] = (),
        experiment: str | None = None,
        run_id: str | None = None,
        model_key: str | None = None,
        wanted: Wanted = ALL,
        sort: Sort | None = None,
        limit: int | None = None,
    ) -> Iterable[ModelRow]:
        """Return the models of those runs, half-made ones too: newest first, or sorted, those without a value last."""

    def count_models(self, *, experiment: str | None = None, run_id: str | None = None, wanted: Wanted = ALL) -> int:
        """Return how many models there are, half-made ones too."""

    def versions(
        self, experiment: str | None = None, *, version: int | str | None = None, run_ids: Sequence[str] | None = None
    ) -> tuple[VersionRow, ...]:
        """Return the registered versions, oldest first; `version` is a number or an alias of the experiment."""

    def alias(self, experiment: str, alias: str) -> int | None:
        """Return the number of the version that an alias points to; None if there is none."""

    def foreign_version(self, name: str, version: int | str) -> int | None:
        """Return the number of a version, or of an alias's, that another tool registered; None if there is none."""

    def foreign(self, limit: int) -> ForeignItems:
        """Return what other tools have logged, newest first."""


# --- into MLflow ------------------------------------------------------------------------------------------------------


def make_run_tags(
    settings: TrainingSettings, dataset: Dataset, *, key: str, home: str, person: str, number: int, verifies: str = ""
) -> dict[str, str]:
    """Return the tags of a new run, without the prefix."""
    tags = {
        "dataset_id": dataset.id,
        "dataset_name": dataset.label,
        "schema_digest": dataset.schema.digest(),
        "target": settings.target,
        "task": settings.task,
        "person": person,
        "key": key,
        "number": str(number),
        "home": home,
        "versions": json.dumps(versions()),
        **({"verifies": verifies} if verifies else {}),
    }
    text = to_json(settings)
    # A longer one (thousands of ignored columns) is read from the artifact settings.json.
    return {**tags, "settings": text} if len(text) <= MAX_TAG_CHARS else tags


class RunChanges(TypedDict, total=False):
    """What may change of a run, named as in `RunInfo` and as its tags; None changes nothing."""

    stage: str
    progress: float
    n_models: int
    n_events: int
    leader_id: str | None
    error: Mapping[str, str]
    explanations: ExplanationStatus
    explanations_error: str
    heartbeat: datetime
    trained_since: datetime
    job: AutoMLJob
    seconds: Mapping[str, float]
    engine: EngineSize
    baselines: Mapping[str, str]
    baseline_jobs: Mapping[str, str]
    constant: Mapping[str, float]
    verification: Verdict
    verified_by: str
    interrupted: bool
    note: str
    tags: tuple[str, ...]


def make_change_tags(changes: RunChanges) -> dict[str, str]:
    """Return the tags that describe a change, without the prefix."""
    return {name: _to_text(value) for name, value in changes.items() if value is not None}


def make_model_tags(details: ModelDetails, task: Task, baseline: str | None = None) -> dict[str, str]:
    """Return the tags of a new model, without the prefix."""
    tags = {"model_key": details.key, "algo": details.algo, "task": task}
    return {**tags, "baseline": baseline} if baseline else tags


def versions() -> dict[str, str]:
    """Return the versions that decide what a run gives."""
    return {"bellwether": __version__, "h2o": installed_version("h2o"), "mlflow": installed_version("mlflow")}


def prefixed(tags: Mapping[str, str]) -> dict[str, str]:
    """Return the tags under the names they have in MLflow."""
    return {PREFIX + name: value for name, value in tags.items()}


def own_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """Return only our tags, without the prefix."""
    return {name.removeprefix(PREFIX): value for name, value in tags.items() if name.startswith(PREFIX)}


def now_ms() -> int:
    """Return the time in MLflow's unit, milliseconds since 1970."""
    return time.time_ns() // 1_000_000


# --- out of MLflow ----------------------------------------------------------------------------------------------------


def make_run_info(row: RunRow, settings: TrainingSettings) -> RunInfo:
    """Return a run in our words."""
    is_final = row.status in FINAL
    tags = dict(row.tags)
    status, _, reason = tags.get("explanations", "").partition(": ")
    if reason:  # both in one tag, as runs had it that were stored before
        tags |= {"explanations": status, "explanations_error": reason}
    state = {
        name: _from_text(kind, tags[name], f"the {name} of run {row.run_id}")
        for name, kind in _state_kinds().items()
        if tags.get(name)
    }
    return RunInfo(
        run_id=row.run_id,
        name=row.name,
        experiment=row.experiment,
        status=FROM_MLFLOW[row.status],
        settings=settings,
        created_at=utc(row.start_ms),
        ended_at=utc(row.end_ms) if is_final and row.end_ms is not None else None,
        **state,
    )


@cache
def _state_kinds() -> Mapping[str, Any]:
    """Return the fields of a run that stand in tags of their names, with the types they have when they are there."""
    hints = get_type_hints(RunInfo)
    own = ("run_id", "name", "experiment", "status", "settings", "created_at", "ended_at")
    return {
        name: get_args(hint)[0] if get_origin(hint) is UnionType else hint
        for name, hint in hints.items()
        if name not in own
    }


def _to_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return value.isoformat() if isinstance(value, datetime) else to_json(value)


def _from_text(kind: Any, text: str, what: str) -> Any:
    is_text = kind in (str, datetime) or get_origin(kind) is Literal
    return from_plain(kind, text, what=what) if is_text else from_json(kind, text, what=what)


def make_model_info(row: ModelRow, version: VersionRow | None) -> ModelInfo:
    """Return a model in our words."""
    tags = row.tags
    sizes = [int(value) for name, value in tags.items() if name.startswith("bytes.")]
    return ModelInfo(
        id=row.id,
        model_key=tags["model_key"],
        algo=tags.get("algo", ""),
        run_id=row.run_id,
        experiment=row.experiment,
        task=tags["task"],  # type: ignore[arg-type]  # written from a Task
        metrics=row.metrics,
        created_at=utc(row.created_ms),
        rank=int(tags["rank"]) if tags.get("rank") else None,
        baseline=tags.get("baseline"),
        has_files=tags.get("files") == "complete",
        version=version.version if version else None,
        is_champion=bool(version and CHAMPION in version.aliases),
        is_challenger=bool(version and CHALLENGER in version.aliases),
        training_time_s=_number(tags.get("training_time_s")),
        predict_time_per_row_s=_number(tags.get("predict_time_per_row_s")),
        size_bytes=sum(sizes) if sizes and tags.get("files") == "complete" else None,
        no_better=tags.get("no_better", ""),
    )


def is_larger_better(metric: str) -> bool:
    """Tell the direction of a metric from its name, with or without its origin.

    Examples
    --------
    >>> is_larger_better("cv_auc"), is_larger_better("holdout_logloss")
    (True, False)
    """
    return re.sub(r"^(cv|holdout|train)_", "", metric) in _LARGER_IS_BETTER


# --- names that come from outside -------------------------------------------------------------------------------------


def check_run_id(run_id: str) -> str:
    """Return the id if it can be one; refuse it before anything is opened otherwise.

    Raises
    ------
    RunNotFoundError
    """
    if not _RUN_ID.fullmatch(run_id):
        raise RunNotFoundError("There is no run with this id.")
    return run_id


def check_model_id(model_id: str) -> str:
    """Return the id if it can be one; refuse it before anything is opened otherwise.

    Raises
    ------
    ModelNotFoundError
    """
    if not _MODEL_ID.fullmatch(model_id):
        raise ModelNotFoundError("There is no model with this id.")
    return model_id


def is_file_path(path: str) -> bool:
    """Whether a path is relative, without hidden or unusual parts, so that it stays under the folder it is put after.

    Examples
    --------
    >>> is_file_path("explanations/GBM_1/shap.parquet"), is_file_path("../x"), is_file_path("a%2fb")
    (True, False, False)
    """
    return len(path) <= 500 and all(_FILE_NAME.fullmatch(part) for part in path.split("/"))


def check_file_path(path: str) -> str:
    """Return the path if `is_file_path` allows it.

    Raises
    ------
    StoreError
        Code ``artifact.name``.
    """
    if not is_file_path(path):
        raise StoreError("A file cannot have this name.", hint="Pick one of the files listed.", code="artifact.name")
    return path


def check_experiment_name(name: str) -> str:
    """Return the name if an experiment and its registered model can have it.

    Raises
    ------
    DataError
        Code ``experiment.name``.
    """
    if not _EXPERIMENT_NAME.fullmatch(name) or name != name.strip():
        raise DataError(
            "An experiment cannot have this name.",
            hint="Use 1 to 120 characters without / and : that do not begin with a dot or a space.",
            code="experiment.name",
        )
    return name


def check_key(key: str) -> str:
    """Return the key of a request if it can be one.

    Raises
    ------
    DataError
        Code ``run.key``.
    """
    if not _KEY.fullmatch(key):
        raise DataError(
            "This key cannot be used.", hint="Use up to 200 letters, digits and . : @ + - _", code="run.key"
        )
    return key


def parse_model_uri(uri: str) -> tuple[str, str | int | None]:
    """Split a model URI into a model id and None, or an experiment and a version or alias.

    Raises
    ------
    ModelNotFoundError
        If it is none of ``models:/m-ID``, ``models:/NAME/VERSION``, ``models:/NAME@champion`` and
        ``models:/NAME@challenger``.

    Examples
    --------
    >>> parse_model_uri("models:/insurance/3")
    ('insurance', 3)
    """
    name = uri.removeprefix("models:/") if uri.startswith("models:/") else ""
    if _MODEL_ID.fullmatch(name):
        return name, None
    title, at, alias = name.rpartition("@")
    if at and alias in (CHAMPION, CHALLENGER):
        return title, alias
    experiment, _, number = name.rpartition("/")
    if experiment and re.fullmatch(r"[0-9]{1,9}", number, re.ASCII):
        return experiment, int(number)
    raise ModelNotFoundError("This is not the address of a stored model.")


def utc(milliseconds: int) -> datetime:
    """Return a time of MLflow's."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def _number(text: str | None) -> float | None:
    return float(text) if text else None
