"""How far a run is and how long it may still take, from what the engine has told so far."""

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from core.domain.models import ModelInfo
from core.domain.runs import AutoMLState, RunInfo
from core.domain.training import TrainingSettings
from core.engine.protocol import BaselineState
from core.errors import RunError
from core.training.plan.in_time import n_wanted
from core.wording import duration_text

ENSEMBLE = "StackedEnsemble"
_ENSEMBLES = 2
_ALMOST = 0.99
_MIN_SHARE = 0.05  # before that the engine's progress says nothing about the time


@dataclass(frozen=True)
class RunProgress:
    """A running run at one moment.

    Attributes
    ----------
    share : float
        0 to 1, see `share_done`.
    used_s : float
        Since the run left the queue.
    left_s : float or None
        About how long the building of models goes on; None while nothing says so.
    left_from : str
        What `left_s` comes from, in words.
    is_limit : bool
        Whether `left_s` is the time limit, so that it may be over sooner.
    n_models : int
        Finished models, ensembles among them.
    n_wanted : int or None
        How many models are wanted besides ensembles; None when only the time decides.
    n_ensembles : int
    """

    share: float
    stage: str
    used_s: float
    left_s: float | None
    left_from: str
    is_limit: bool
    n_models: int
    n_wanted: int | None
    n_ensembles: int


def share_done(settings: TrainingSettings, model_keys: Collection[str], engine_share: float) -> float:
    """Return how far a training is, 0 to 1, from what the engine has done.

    Parameters
    ----------
    settings : TrainingSettings
        What was asked for.
    model_keys : collection of str
        The finished models.
    engine_share : float
        The progress that the engine tells itself.

    Notes
    -----
    H2O counts the work of all models that it might build: with 8 wanted and built it told 0.15. So where a number of
    models is wanted the models count, with two ensembles on top when there may be some; where only the time decides,
    H2O's own word.
    """
    wanted = n_wanted(settings)
    if not wanted:
        return engine_share
    total = wanted + (_ENSEMBLES if may_have_ensembles(settings) else 0)
    return max(engine_share, min(len(model_keys) / total, _ALMOST))


def may_have_ensembles(settings: TrainingSettings) -> bool:
    """Return whether the settings let H2O combine the models at the end."""
    return ENSEMBLE not in settings.exclude_algos and (not settings.include_algos or ENSEMBLE in settings.include_algos)


def make_progress(run: RunInfo, models: Sequence[ModelInfo], now: datetime | None = None) -> RunProgress:
    """Tell how far a running run is.

    Parameters
    ----------
    now : datetime, optional
        UTC.

    Notes
    -----
    What is left comes from the models built so far and those wanted, else from the engine's progress; a time limit
    that ends sooner wins. The number of models leaves ensembles out, as H2O's `max_models` does.
    """
    now = now or datetime.now(UTC)
    models = [
        model for model in models if model.baseline is None
    ]  # they come after the AutoML and are not wanted by it
    n_ensembles = sum(model.algo == ENSEMBLE for model in models)
    wanted = n_wanted(run.settings) or None
    left_s, left_from, is_limit = _time_left(run, len(models) - n_ensembles, now)
    return RunProgress(
        share=min(max(run.progress, 0.0), 1.0),
        stage=run.stage or "Training",
        used_s=_seconds(run.started_at or run.created_at, now),
        left_s=left_s,
        left_from=left_from,
        is_limit=is_limit,
        n_models=len(models),
        n_wanted=wanted,
        n_ensembles=n_ensembles,
    )


def _time_left(run: RunInfo, n_done: int, now: datetime) -> tuple[float | None, str, bool]:
    if run.trained_since is None:
        return None, "", False
    used_s = _seconds(run.trained_since, now)
    left_s, left_from = _by_pace(run, n_done, used_s)
    limit_s = run.settings.max_runtime_secs
    if limit_s and (left_s is None or limit_s - used_s < left_s):
        return max(limit_s - used_s, 0.0), "by the time limit", True
    return left_s, left_from, False


def _by_pace(run: RunInfo, n_done: int, used_s: float) -> tuple[float | None, str]:
    wanted = n_wanted(run.settings)
    if wanted and 0 < n_done < wanted:
        pace = "the first model" if n_done == 1 else f"the first {n_done} models"
        return used_s / n_done * (wanted - n_done), f"at the pace of {pace}, without ensembles"
    if not n_done and _MIN_SHARE <= run.progress < 1:
        return used_s / run.progress * (1 - run.progress), "by the engine's progress"
    return None, ""


def _seconds(since: datetime, now: datetime) -> float:
    return max((now - since).total_seconds(), 0.0)


class StallWatch:
    """Ends a training that no longer moves: a cluster may answer for ever and do nothing.

    Parameters
    ----------
    limit_s : float
        How long nothing at all may change; 0 means for ever.
    """

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s
        self._sign: tuple[object, ...] = ()
        self._since = 0.0

    def look(self, state: AutoMLState | BaselineState) -> None:
        """Take a look into account.

        Raises
        ------
        RunError
            Code ``run.stalled`` if progress, message, models and events are what they were `limit_s` ago.
        """
        sign: tuple[object, ...] = (state.status, state.progress, state.models)
        if isinstance(state, AutoMLState):
            sign += (state.message, len(state.events))
        now = time.monotonic()
        if sign != self._sign:
            self._sign, self._since = sign, now
        elif self._limit_s and now - self._since >= self._limit_s:
            raise RunError(
                f"The training has made no progress for {duration_text(now - self._since)}.",
                hint="Look at the engine and its nodes; BELLWETHER_STALL_LIMIT sets how long nothing may change.",
                code="run.stalled",
            )
