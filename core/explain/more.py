"""More detail on request: further features and pairs, computed on the engine and stored with the others."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from core.data.datasets.registry import Datasets
from core.domain.models import ModelDetails, ModelInfo, ModelSpec
from core.engine import Engine
from core.errors import ExplanationError
from core.explain.asked import PAIR_METHOD, Asked
from core.explain.case.case import MOJO
from core.explain.case.rows import open_spec
from core.explain.grids import Grids, pair_rows
from core.explain.sample import Frames, Sample, draw_sample, read_holdout_rows
from core.explain.storage import save
from core.explanations.items import Explanations, Item
from core.store.mlflow import Store

T = TypeVar("T")
Progress = Callable[[float, str], None]


def add_features(
    engine: Engine,
    store: Store,
    datasets: Datasets,
    model: ModelInfo,
    found: Explanations,
    names: Sequence[str],
    *,
    progress: Progress,
) -> Explanations:
    """Add the partial dependence on further features, with the lines of single rows, and store it.

    Parameters
    ----------
    found : Explanations
        What is stored of the model.
    names : sequence of str
        Features without a partial dependence yet.
    progress : callable
        Called before each feature with the share done and words. What it raises ends the work; features done by then
        are not stored.

    Raises
    ------
    ExplanationError
        If H2O refuses one, with its reason.
    EngineError
        If the engine cannot be started or dies.
    StoreError
        If the result cannot be stored.
    """
    if not names:
        return found
    with _Opened(engine, store, datasets, model) as opened:
        dependences, lines = list(found.partial_dependence.data or ()), list(found.ice.data or ())
        item, ice = found.partial_dependence, found.ice
        for place, name in enumerate(names):
            progress(place / len(names), f"Partial dependence on {name}")
            item = opened.asked.dependence([name])
            ice = opened.asked.ice(item)
            dependences += _needed(item)
            lines += _needed(ice)
    made = replace(
        found,
        partial_dependence=replace(item, data=tuple(dependences)),
        ice=replace(ice, data=tuple(lines)),
    )
    save(store, model, made)
    progress(1.0, "Done")
    return made


def add_pair(
    engine: Engine,
    store: Store,
    datasets: Datasets,
    model: ModelInfo,
    found: Explanations,
    first: str,
    second: str,
    *,
    progress: Progress,
) -> Explanations:
    """Add the partial dependence on two features, each of which has one of its own, and store it.

    Raises
    ------
    ExplanationError
        If H2O refuses it, with its reason.
    EngineError
        If the engine cannot be started or dies.
    StoreError
        If the result cannot be stored.
    """
    by_name = {one.feature: one for one in found.partial_dependence.data or ()}
    progress(0.0, f"Partial dependence on {first} and {second}")
    with _Opened(engine, store, datasets, model) as opened:
        pair = opened.grids.pair(by_name[first], by_name[second])
        origin = pair_rows(opened.sample.n_rows)
    made = replace(found, pairs=Item((*(found.pairs.data or ()), pair), origin=origin, method=PAIR_METHOD))
    save(store, model, made)
    progress(1.0, "Done")
    return made


def _needed(item: Item[tuple[T, ...]]) -> tuple[T, ...]:
    if item.data is None:
        raise ExplanationError(item.reason)
    return item.data


class _Opened:
    """The MOJO of a model in the engine and the sample; its frames are gone afterwards."""

    def __init__(self, engine: Engine, store: Store, datasets: Datasets, model: ModelInfo) -> None:
        self._frames = Frames(engine)
        spec: ModelSpec = open_spec(store, model)
        engine.ensure_ready()
        key = engine.models.load_mojo(*store.model_file(model.id, MOJO))
        self.sample: Sample = draw_sample(datasets, spec, read_holdout_rows(store, model))
        details = ModelDetails(key=key, algo=model.algo, metrics={})
        self.asked = Asked(engine, key, spec, details, self.sample, self._frames)
        self.grids = Grids(engine, key, spec, self.sample, self._frames)

    def __enter__(self) -> "_Opened":
        return self

    def __exit__(self, *_: object) -> None:
        self._frames.close()
