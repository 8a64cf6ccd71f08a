"""AutoML: start, look, cancel, and the leaderboard."""

import logging
import math
import re
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa

from core.domain.aliases import plain_name
from core.domain.backtest import is_rebuilt_key
from core.domain.baselines import is_baseline_key
from core.domain.runs import AutoMLJob, AutoMLState, EngineMemory, EngineSize
from core.domain.training import TrainingSettings
from core.engine.rest.client import NOT_FOUND, Client, ClusterConnection, plain_reason, quoted, table
from core.engine.rest.frames import in_frame
from core.engine.rest.spec import Frames, build_spec
from core.errors import EngineError

STATUS = {"DONE": "done", "CANCELLED": "cancelled", "FAILED": "failed"}
_LOOK_S, _PROMPT_S = 5.0, 2.0
_PARAMETER = re.compile(r"^_\w+ param, ")  # H2O's own name of what is wrong
_log = logging.getLogger(__name__)
_BUILDER = "/99/AutoMLBuilder"
_NUMBERS = ("double", "float", "long", "int", "integer")


class H2OAutoML:
    """`EngineAutoML` on H2O."""

    def __init__(self, connection: ClusterConnection) -> None:
        self._connection = connection

    def start(
        self,
        frame: str,
        settings: TrainingSettings,
        *,
        features: Sequence[str],
        project: str,
        holdout: str | None,
        blending: str | None = None,
        fold_column: str | None = None,
        classes: Sequence[str] = (),
        target_sd: float | None = None,
    ) -> AutoMLJob:
        """Start a training."""
        client, cluster = self._connection.client(), self._connection.connect()
        known = {*features, settings.target, settings.weights_column, fold_column}
        settings, labels = in_frame(client, frame, settings)
        ignored = [label for label in labels if plain_name(label) not in known]
        frames = Frames(frame, holdout, blending, fold_column, tuple(classes), target_sd)
        answer = _build(client, build_spec(settings, frames, ignored, project))
        job = answer["job"]
        return AutoMLJob(
            cluster=cluster,
            job_key=job["key"]["name"],
            dest_key=job["dest"]["name"],
            project=project,
            training_frame=frame,
            holdout_frame=holdout,
            blending_frame=blending,
        )

    def poll(self, job: AutoMLJob, last: AutoMLState | None = None) -> AutoMLState:
        """Return how far a training is."""
        client = self._client(job)
        state = training_job(client, job.job_key)
        status = STATUS.get(state["status"], "running")
        progress = min(max(float(state["progress"]), 0.0), 1.0)
        message = stage_words(str(state.get("progress_msg") or ""))
        now = time.monotonic()
        # A model that is done brings progress and another message.
        if last is not None and now - last.looked_at < _LOOK_S and _is_same(last, status, progress, message):
            return last
        models, events = _look(client, job.dest_key)
        reason = plain_reason(state.get("exception") or "") if status == "failed" else ""
        if status in ("done", "failed") and not models:
            reason = no_model_reason([(level, message) for _, level, _, message in events]) or reason
        return AutoMLState(
            status=status,  # type: ignore[arg-type]
            progress=progress,
            message=message,
            models=models,
            events=tuple((clock, stage, text) for clock, level, stage, text in events if level != "DEBUG"),
            error=reason,
            looked_at=now,
        )

    def find(self, job: AutoMLJob) -> AutoMLJob | None:
        """Return a training that is known by its project only."""
        for found in self._client(job).get("/3/Jobs")["jobs"]:
            dest = str((found.get("dest") or {}).get("name") or "")
            # H2O calls it PROJECT@@TARGET.
            if str(found["description"]).startswith("AutoML build") and dest.partition("@@")[0] == job.project:
                return replace(job, job_key=found["key"]["name"], dest_key=dest)
        return None

    def cancel(self, job: AutoMLJob) -> None:
        """Ask a training to stop."""
        cancel_job(self._client(job), job.job_key)

    def leaderboard(self, job: AutoMLJob, *, timed: bool = False) -> pa.Table:
        """Return the leaderboard as a table."""
        extensions = ["ALL"] if timed else ["algo", "training_time_ms"]
        found = self._client(job).get(f"/99/Leaderboards/{quoted(job.dest_key)}", extensions=extensions)["table"]
        columns: dict[str, pa.Array] = {}
        for about, values in zip(found["columns"], found["data"], strict=True):
            if not about["name"]:
                continue
            if about["type"] in _NUMBERS:
                columns[about["name"]] = pa.array([number(value) for value in values], pa.float64())
            else:
                columns[about["name"]] = pa.array([None if v is None else str(v) for v in values], pa.string())
        return pa.table(columns)

    def _client(self, job: AutoMLJob) -> Client:
        if not self._connection.is_alive(job.cluster):
            raise self._connection.death()
        return self._connection.client()


def no_model_reason(events: Sequence[tuple[str, str]]) -> str:
    """Return why no model was built: what most models failed with, else the last warning.

    Parameters
    ----------
    events : sequence of (str, str)
        Level and message, oldest first.

    Examples
    --------
    >>> no_model_reason([("ERROR", "_train param, There is no feature."), ("WARN", "Empty leaderboard.")])
    'There is no feature.'
    """
    errors = Counter(message for level, message in events if level == "ERROR")
    warnings = [message for level, message in events if level == "WARN"]
    # The last word is always that the leaderboard is empty; one before it says more, unless it was the time.
    skipped = [message for message in warnings if "skipping it" in message]
    found = errors.most_common(1)[0][0] if errors else (skipped or warnings or [""])[-1]
    return _PARAMETER.sub("", found)


def stage_words(message: str) -> str:
    """Return H2O's word on what it does as a person may read it.

    Examples
    --------
    >>> stage_words("GBM_2_AutoML_1_20261123_04408 [GBM def_2]"), stage_words("Done.")
    ('Building GBM_2', 'Keeping the best models')
    """
    name, is_model, _ = message.partition("_AutoML_")
    if is_model:
        return f"Building {name}"
    return "Keeping the best models" if message == "Done." else message


def training_job(client: Client, job_key: str) -> dict[str, Any]:
    """Return H2O's state of a job; `EngineDiedError` if it does not know it."""
    try:
        return client.job(job_key)
    except EngineError as error:
        if error.code == NOT_FOUND:
            raise client.lost("The engine no longer knows this training: it has been restarted since.") from error
        raise


def cancel_job(client: Client, job_key: str) -> None:
    """Ask a job to stop; one that H2O does not know has."""
    try:
        client.post(f"/3/Jobs/{quoted(job_key)}/cancel")
    except EngineError as error:
        if error.code != NOT_FOUND:
            raise


def is_training(client: Client) -> bool:
    """Return whether any AutoML, baseline or backtest runs in the engine that nobody has cancelled."""
    running = [job for job in client.get("/3/Jobs")["jobs"] if job["status"] == "RUNNING"]
    built = [str((job["dest"] or {}).get("name")) for job in running]
    return any(str(job["description"]).startswith("AutoML build") for job in running) or any(
        is_baseline_key(key) or is_rebuilt_key(key) for key in built
    )


def has_xgboost(client: Client) -> bool:
    """Return whether the engine has XGBoost's native library for this machine."""
    return any(entry["name"] == "XGBoost" for entry in client.get("/3/Capabilities/Core")["capabilities"])


def describe_engine(client: Client) -> EngineSize:
    """Return what the cluster is made of."""
    cloud = client.get("/3/Cloud")
    threads = sum(int(node["nthreads"]) for node in cloud["nodes"])
    return EngineSize(str(cloud["version"]), int(cloud["cloud_size"]), threads)


def describe_memory(client: Client) -> EngineMemory:
    """Return the heap of all nodes."""
    nodes = client.cloud(_PROMPT_S)["nodes"]
    most = sum(int(node["max_mem"]) for node in nodes)
    return EngineMemory(most - sum(int(node["free_mem"]) for node in nodes), most)


def number(value: Any) -> float | None:
    """Return a number of H2O's JSON, which writes NaN and infinities as text; None when it is not finite."""
    if value in (None, ""):
        return None
    found = float(value)
    return found if math.isfinite(found) else None


def _is_same(last: AutoMLState, status: str, progress: float, message: str) -> bool:
    return (status, round(progress, 3), message) == (last.status, round(last.progress, 3), last.message)


def _build(client: Client, spec: dict[str, Any]) -> dict[str, Any]:
    """Ask for a training, without what a cluster that others started may not allow to be said of single algorithms."""
    try:
        return client.post_json(_BUILDER, spec)
    except EngineError as error:
        models = spec["build_models"]
        kept = [parameter for parameter in models.get("algo_parameters", ()) if parameter["scope"] == "any"]
        if "algo_parameters" not in error.message or len(kept) == len(models.get("algo_parameters", ())):
            raise
        _log.warning("This cluster trains GLMs by H2O's own search, which fails on the target's scale.", exc_info=error)
        models = models | {"algo_parameters": kept}
        return client.post_json(_BUILDER, spec | {"build_models": models})


def _look(client: Client, dest: str) -> tuple[tuple[str, ...], list[tuple[str, str, str, str]]]:
    try:
        found = client.get(f"/99/AutoML/{quoted(dest)}")
    except EngineError as error:
        if error.code == NOT_FOUND:  # just started: the key is not there yet
            return (), []
        raise
    models = tuple(model["name"] for model in (found.get("leaderboard") or {}).get("models") or ())
    log = table(found.get("event_log_table"))
    rows = zip(*(log.get(name, ()) for name in ("timestamp", "level", "stage", "message")), strict=True)
    events = [tuple(str(cell or "").strip() for cell in row) for row in rows]
    # H2O writes milliseconds without leading zeros, 43 for .043: whole seconds are right at least.
    return models, [(clock.partition(".")[0], level, stage, message) for clock, level, stage, message in events]
