"""Explanations of stored models: computed once, stored with the run, read without an engine."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from core.data.datasets.registry import Datasets
from core.domain.models import ModelInfo
from core.engine.protocol import Engine
from core.errors import ExplanationError
from core.explain.case.case import Case
from core.explain.comparison import compare_models, save_comparison
from core.explain.computed.compute import Computation, Progress
from core.explain.computed.varied import Varied, mojo_predictor
from core.explain.sample import draw_sample
from core.explanations.items import Explanations, Item
from core.explanations.models import ModelComparison
from core.models.decisions import Decision
from core.models.opened import StoredModel
from core.store.mlflow import Store

T = TypeVar("T")


class Explainer:
    """Computes explanations, and opens models for questions about single rows.

    Notes
    -----
    Only `compute` needs the engine, and contributions to single rows of some algorithms (`Case.needs_engine`).
    Whatever computes may raise `EngineError`, a missing dataset or file its own `AppError`; nothing is stored then.
    Stored explanations are read by `StoredModel.explanations`.
    """

    def __init__(self, engine: Engine, store: Store, datasets: Datasets) -> None:
        self._engine = engine
        self._store = store
        self._datasets = datasets

    def compute(
        self, model: ModelInfo, *, progress: Progress | None = None, leave_loaded: bool = False
    ) -> Explanations:
        """Compute and store every explanation that is available for a model; the others get the reason why not.

        Parameters
        ----------
        progress : callable, optional
            Called with the share done (0 to 1) and what is done next, in words.
        leave_loaded : bool
            Leave the model and, for an ensemble, its members in the engine: for a run that still has its models there.

        Raises
        ------
        ExplanationError
            If the model's files were not stored.
        ModelIntegrityError
            If the native binary is not the one that was saved.

        Notes
        -----
        On samples of stated size (`core.explain.sample`, `core.explain.asked`), so the time hardly grows with the data.
        """
        opened, say = StoredModel(self._store, model), progress or _no_progress
        found = Computation(self._engine, self._datasets, opened, say, leave_loaded=leave_loaded).run()
        opened.save_explanations(found)
        say(1.0, "Done")
        return found

    def add_features(
        self, model: ModelInfo, found: Explanations, names: Sequence[str], *, progress: Progress
    ) -> Explanations:
        """Add the partial dependence on further features, with the lines of single rows, and store it.

        Parameters
        ----------
        names : sequence of str
            Features without a partial dependence yet.
        progress : callable
            Called before each feature with the share done and words. What it raises ends the work; features done by
            then are not stored.

        Raises
        ------
        ExplanationError
            If H2O refuses one, with its reason.
        """
        if not names:
            return found
        opened = StoredModel(self._store, model)
        varied = self._varied(opened)
        dependences, lines = list(found.partial_dependence.data or ()), list(found.ice.data or ())
        item, ice = found.partial_dependence, found.ice
        for place, name in enumerate(names):
            progress(place / len(names), f"Partial dependence on {name}")
            item = varied.dependence([name])
            ice = varied.ice(item)
            dependences += _needed(item)
            lines += _needed(ice)
        made = replace(
            found,
            partial_dependence=replace(item, data=tuple(dependences)),
            ice=replace(ice, data=tuple(lines)),
        )
        opened.save_explanations(made)
        progress(1.0, "Done")
        return made

    def add_pair(
        self, model: ModelInfo, found: Explanations, first: str, second: str, *, progress: Progress
    ) -> Explanations:
        """Add the partial dependence on two features, each of which has one of its own, and store it.

        ExplanationError if H2O refuses it, with its reason.
        """
        by_name = {one.feature: one for one in found.partial_dependence.data or ()}
        progress(0.0, f"Partial dependence on {first} and {second}")
        opened = StoredModel(self._store, model)
        item = self._varied(opened).of_pairs([(by_name[first], by_name[second])])
        pairs = replace(item, data=(*(found.pairs.data or ()), *_needed(item)))
        made = replace(found, pairs=pairs)
        opened.save_explanations(made)
        progress(1.0, "Done")
        return made

    def compare(self, run_id: str) -> ModelComparison:
        """Compare the models of a run by what training stored, and store the result in place of an earlier one."""
        listed = sorted(self._store.models(run_id=run_id), key=lambda model: model.rank or 10_000)
        found = compare_models([StoredModel(self._store, model) for model in listed])
        save_comparison(self._store, run_id, found)
        return found

    def open_case(self, model: ModelInfo, decision: Decision | None = None) -> Case:
        """Open a model for questions about single rows; without a decision its own threshold makes the labels."""
        return Case(self._engine, self._datasets, StoredModel(self._store, model), decision)

    def _varied(self, model: StoredModel) -> Varied:
        sample = draw_sample(self._datasets, model.spec, model.held_out_rows)
        return Varied(mojo_predictor(self._engine, model), model.spec, sample)


def _needed(item: Item[tuple[T, ...]]) -> tuple[T, ...]:
    if item.data is None:
        raise ExplanationError(item.reason)
    return item.data


def _no_progress(share: float, words: str) -> None:
    """Take progress and do nothing with it."""
