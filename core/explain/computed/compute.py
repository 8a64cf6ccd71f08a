"""All explanations of one model, computed in one go."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import NamedTuple

from core.data.datasets.registry import Datasets
from core.engine.protocol import Engine
from core.errors import (
    DataError,
    EngineDiedError,
    EngineError,
    EngineUnavailableError,
    ExplanationError,
    ModelIncompatibleError,
    ScoringProcessError,
)
from core.explain.asked import Asked, own_importance
from core.explain.computed.learning import learning_curve
from core.explain.computed.varied import DEPENDENCE_FEATURES, Varied, mojo_predictor
from core.explain.sample import Sample, SentFrames, draw_sample, draw_unseen
from core.explain.stored import StoredPredictions
from core.explanations.items import Dependence, Explanations, Importance, Item, ShapSummary
from core.explanations.reasons import why_not
from core.explanations.shapes import Ice, Members, PairDependence
from core.features.indicators import Indicators
from core.models.opened import StoredModel

Progress = Callable[[float, str], None]


class _Answers(NamedTuple):
    """What the model had to say."""

    importance: Item[tuple[Importance, ...]]
    members: Item[Members]
    shap: Item[ShapSummary]
    dependence: Item[tuple[Dependence, ...]]
    ice: Item[tuple[Ice, ...]]
    pairs: Item[tuple[PairDependence, ...]]


class Computation:
    """One call of `Explainer.compute`: what it reads, and how far it is.

    ExplanationError if the model's files were not stored.
    """

    def __init__(
        self,
        engine: Engine,
        datasets: Datasets,
        model: StoredModel,
        progress: Progress,
        *,
        leave_loaded: bool,
    ) -> None:
        if not model.info.has_files:
            raise ExplanationError(
                "Only the leader and the top models of a run can be explained; this one's files were not stored.",
                hint="Pick one of the models that can be explained.",
            )
        self._engine = engine
        self._datasets = datasets
        self._model = model
        self._progress = progress
        self._leave_loaded = leave_loaded
        self._spec = model.spec
        self._details = model.details
        self._seconds: dict[str, float] = {}

    def run(self) -> Explanations:
        """Compute what is available; the rest gets the reason why not."""
        with self._timed(0.0, "curves", "Measuring the stored predictions"):
            stored = StoredPredictions(self._model)
            metrics, confusion = stored.metrics(), stored.confusion()
            roc, precision_recall, residuals = stored.roc(), stored.precision_recall(), stored.residuals()
            curve = learning_curve(self._details, self._spec)
        answers = self._ask()
        spec = self._spec
        return Explanations(
            model_key=self._model.info.model_key,
            algo=self._model.info.algo,
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

    def _ask(self) -> _Answers:
        """Ask the engine and the stored MOJO; when the model cannot be asked at all, each item says why."""
        frames = SentFrames(self._engine, self._datasets.settings, self._spec)
        keys: list[str] = []
        try:
            with self._timed(0.1, "load", "Loading the model"):
                self._engine.ensure_ready()
                key = self._engine.models.load_native(*self._model.native())
                keys = [key, *self._details.base_models]  # an ensemble's binary brings its members along
                held_out = self._model.held_out_rows
                sample = draw_sample(self._datasets, self._spec, held_out)
                unseen = draw_unseen(self._datasets, self._spec, held_out)
            predict = mojo_predictor(self._engine, self._model)
            asked = Asked(self._engine, key, predict, self._spec, self._details, sample, frames, unseen)
            with self._timed(0.2, "importance", "Ranking the features"):
                importance, members = asked.importance(), asked.members()
            with self._timed(0.4, "shap", "Computing contributions"):
                shap = asked.shap()
            with self._timed(0.6, "dependence", "Computing partial dependence"):
                varied = Varied(predict, self._spec, sample)
                dependence = varied.dependence(self._most_important(importance, sample))
            with self._timed(0.8, "grids", "Following single rows and pairs of features"):
                ice, pairs = varied.ice(dependence), varied.pairs(dependence)
        except (EngineDiedError, EngineUnavailableError):
            keys = []  # gone with the engine
            raise
        except ScoringProcessError:  # another time it may do
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
            importance = own_importance(self._details, Indicators.of(self._spec))
        task, algo = self._spec.task, self._details.algo
        return _Answers(
            importance,
            Item(reason=why_not("members", task, algo) or message),
            Item(reason=why_not("shap_summary", task, algo) or message),
            *(Item(reason=message) for _ in range(3)),
        )

    def _most_important(self, importance: Item[tuple[Importance, ...]], sample: Sample) -> Sequence[str]:
        features = [name for name in sample.schema.names if name != self._spec.target]
        ranked = [one.feature for one in importance.data or () if one.feature in features]
        return (ranked or features)[:DEPENDENCE_FEATURES]

    @contextmanager
    def _timed(self, share: float, name: str, words: str) -> Iterator[None]:
        self._progress(share, words)
        begun = time.monotonic()
        yield
        self._seconds[name] = round(time.monotonic() - begun, 3)
