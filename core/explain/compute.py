"""All explanations of one model, computed once and stored with its run."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from core.data.datasets.registry import Datasets
from core.domain.models import ModelDetails, ModelInfo, ModelSpec, Origin
from core.engine import Engine
from core.errors import (
    DataError,
    EngineDiedError,
    EngineError,
    EngineUnavailableError,
    ExplanationError,
    ModelIncompatibleError,
)
from core.explain.asked import DEPENDENCE_FEATURES, Asked, own_importance
from core.explain.sample import Frames, draw_sample
from core.explain.storage import save
from core.explain.stored import STORED_ORIGINS, StoredPredictions, learning_curve
from core.explanations.items import Dependence, Explanations, Importance, Item, ShapSummary
from core.explanations.reasons import why_not
from core.explanations.shapes import Ice, Members, PairDependence
from core.plain import from_json
from core.store.mlflow import Store

NATIVE, SPEC = "model.bin", "spec.json"

Progress = Callable[[float, str], None]


class _Answers(NamedTuple):
    """What the engine had to say."""

    importance: Item[tuple[Importance, ...]]
    members: Item[Members]
    shap: Item[ShapSummary]
    dependence: Item[tuple[Dependence, ...]]
    ice: Item[tuple[Ice, ...]]
    pairs: Item[tuple[PairDependence, ...]]


def compute(
    engine: Engine,
    store: Store,
    datasets: Datasets,
    model: ModelInfo,
    *,
    progress: Progress | None = None,
    leave_loaded: bool = False,
) -> Explanations:
    """Compute and store every explanation of a model that can be had; the others get the reason why not.

    Parameters
    ----------
    engine : Engine
        Started when it is not up.
    model : ModelInfo
        One whose files are stored.
    progress : callable, optional
        Called with the share done (0 to 1) and what is done next, in words.
    leave_loaded : bool
        Leave the model and, for an ensemble, its members in the engine: for a run that still has its models there.

    Raises
    ------
    ExplanationError
        If the model's files were not kept.
    EngineUnavailableError, EngineDiedError
        If there is no engine, or it ends meanwhile; nothing is stored then.
    ModelIntegrityError
        If the native binary is not the one that was saved.
    StoreError
        If what training stored cannot be read, or the explanations cannot be written.

    Notes
    -----
    On samples of stated size (`core.explain.sample`, `core.explain.asked`), so the time hardly grows with the data.
    """
    return _Computation(engine, store, datasets, model, progress or _no_progress, leave_loaded=leave_loaded).run()


class _Computation:
    """One call of `compute`: what it reads, and how far it is."""

    def __init__(
        self,
        engine: Engine,
        store: Store,
        datasets: Datasets,
        model: ModelInfo,
        progress: Progress,
        *,
        leave_loaded: bool,
    ) -> None:
        if not model.has_files:
            raise ExplanationError(
                "Only the leader and the top models of a run can be explained; this one's files were not kept.",
                hint="Pick one of the models that can be explained.",
            )
        self._engine = engine
        self._store = store
        self._datasets = datasets
        self._model = model
        self._progress = progress
        self._leave_loaded = leave_loaded
        self._files = frozenset(store.artifacts(model.run_id))
        self._spec = self._read_spec()
        self._details = self._read_details()
        self._seconds: dict[str, float] = {}

    def run(self) -> Explanations:
        with self._timed(0.0, "curves", "Measuring the stored predictions"):
            tables = {origin: table for origin in STORED_ORIGINS if (table := self._predictions(origin)) is not None}
            stored = StoredPredictions(self._spec, tables)
            metrics, confusion = stored.metrics(), stored.confusion()
            roc, precision_recall, residuals = stored.roc(), stored.precision_recall(), stored.residuals()
            curve = learning_curve(self._details, self._spec)
        answers = self._ask(tables.get("holdout"))
        spec = self._spec
        found = Explanations(
            model_key=self._model.model_key,
            algo=self._model.algo,
            task=spec.task,
            target=spec.target,
            classes=spec.classes,
            positive=spec.positive,
            threshold=spec.threshold,
            threshold_origin=spec.threshold_origin,
            created_at=datetime.now(UTC).isoformat(timespec="seconds"),
            metrics=metrics,
            variable_importance=answers.importance,
            shap_summary=answers.shap,
            partial_dependence=answers.dependence,
            confusion=confusion,
            roc=roc,
            precision_recall=precision_recall,
            residuals=residuals,
            learning_curve=curve,
            members=answers.members,
            ice=answers.ice,
            pairs=answers.pairs,
            seconds=self._seconds,
        )
        save(self._store, self._model, found)
        self._progress(1.0, "Done")
        return found

    def _ask(self, holdout: pa.Table | None) -> _Answers:
        """Ask the engine; when the model cannot be asked at all, each item says why."""
        frames = Frames(self._engine)
        keys: list[str] = []
        try:
            with self._timed(0.1, "load", "Loading the model"):
                self._engine.ensure_ready()
                key = self._engine.models.load_native(*self._store.model_file(self._model.id, NATIVE))
                keys = [key, *self._details.base_models]  # an ensemble's binary brings its members along
                held_out = np.array([], dtype=np.int64) if holdout is None else holdout["row"].to_numpy()
                sample = draw_sample(self._datasets, self._spec, held_out)
            asked = Asked(self._engine, key, self._spec, self._details, sample, frames)
            with self._timed(0.2, "importance", "Ranking the features"):
                importance, members = asked.importance(), asked.members()
            with self._timed(0.4, "shap", "Computing contributions"):
                shap = asked.shap()
            with self._timed(0.6, "dependence", "Computing partial dependence"):
                dependence = asked.dependence(self._most_important(importance))
            with self._timed(0.8, "grids", "Following single rows and pairs of features"):
                ice, pairs = asked.ice(dependence), asked.pairs(dependence)
        except (EngineDiedError, EngineUnavailableError):
            keys = []  # gone with the engine
            raise
        except (EngineError, ModelIncompatibleError, DataError) as error:
            return self._unasked(error.message)
        else:
            return _Answers(importance, members, shap, dependence, ice, pairs)
        finally:
            if keys:
                frames.close()
                if not self._leave_loaded:
                    self._engine.delete(keys)

    def _unasked(self, message: str) -> _Answers:
        importance: Item[tuple[Importance, ...]] = Item(reason=message)
        if self._details.variable_importance:
            importance = own_importance(self._details)
        task, algo = self._spec.task, self._details.algo
        return _Answers(
            importance,
            Item(reason=why_not("members", task, algo) or message),
            Item(reason=why_not("shap_summary", task, algo) or message),
            *(Item(reason=message) for _ in range(3)),
        )

    def _most_important(self, importance: Item[tuple[Importance, ...]]) -> Sequence[str]:
        features = self._spec.features.names
        ranked = [one.feature for one in importance.data or () if one.feature in features]
        return (ranked or list(features))[:DEPENDENCE_FEATURES]

    def _read_spec(self) -> ModelSpec:
        path, _ = self._store.model_file(self._model.id, SPEC)
        return from_json(ModelSpec, path.read_bytes())

    def _read_details(self) -> ModelDetails:
        path = f"details/{self._model.model_key}.json"
        return from_json(ModelDetails, self._store.artifact(self._model.run_id, path).read_bytes())

    def _predictions(self, origin: Origin) -> pa.Table | None:
        path = f"predictions/{self._model.model_key}/{origin}.parquet"
        if path not in self._files:
            return None
        return pq.read_table(self._store.artifact(self._model.run_id, path))

    @contextmanager
    def _timed(self, share: float, name: str, words: str) -> Iterator[None]:
        self._progress(share, words)
        begun = time.monotonic()
        yield
        self._seconds[name] = round(time.monotonic() - begun, 3)


def _no_progress(share: float, words: str) -> None:
    """Take progress and do nothing with it."""
