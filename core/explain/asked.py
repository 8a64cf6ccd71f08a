"""Explanations that need the engine: importance, Shapley contributions, partial dependence."""

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from typing import TypeVar

import numpy as np

from core.domain.models import ModelDetails, ModelSpec
from core.engine import Engine, PartialDependence
from core.errors import EngineDiedError, EngineError, EngineUnavailableError
from core.explain.grids import Grids, pair_rows
from core.explain.sample import Sample, SentFrames
from core.explain.shapley import shap_summary
from core.explanations.items import Dependence, DependenceLine, Importance, Item, ShapSummary
from core.explanations.reasons import ENSEMBLE, why_not
from core.explanations.shapes import Ice, Kind, Member, Members, PairDependence
from core.metrics.ranking import FloatArray

T = TypeVar("T")

SHAP_ROWS = 1000
BACKGROUND_ROWS = 100  # cost grows with rows × background
BACKGROUND_SHAP_ROWS = 200
DEPENDENCE_ROWS = 1000
DEPENDENCE_FEATURES = 10
DEPENDENCE_POINTS = 20
DEPENDENCE_CLASSES = 5
DEPENDENCE_CLASS_POINTS = 10  # when there are several classes, whose models are several times as large
DEPENDENCE_CLASS_ROWS = 500
PAIR_FEATURES = 3
PAIR_METHOD = "mean prediction over the rows with both features set to each pair of values"
TAIL_SHARE = 0.01
SEED = 1
TREES = frozenset({"GBM", "DRF", "XRT", "XGBoost"})
_H2O_DEPENDENCE = "H2O's partial dependence"
_OWN_IMPORTANCE: Mapping[str, str] = {
    "GBM": "H2O's own: how much the splits on a feature reduced the error (split gain)",
    "DRF": "H2O's own: how much the splits on a feature reduced the error (split gain)",
    "XRT": "H2O's own: how much the splits on a feature reduced the error (split gain)",
    "XGBoost": "H2O's own: how much the splits on a feature reduced the loss (split gain)",
    "GLM": "H2O's own: size of the standardised coefficients",
    "DeepLearning": "H2O's own: weights of the first two layers (Gedeon)",
}


class Asked:
    """Asks the engine about one model.

    Parameters
    ----------
    model_key : str
        The loaded native model.
    sample : Sample
        Training rows in random order.
    frames : SentFrames
        Takes what is sent; its owner closes it.
    """

    def __init__(
        self, engine: Engine, model_key: str, spec: ModelSpec, details: ModelDetails, sample: Sample, frames: SentFrames
    ) -> None:
        self._engine = engine
        self._model_key = model_key
        self._spec = spec
        self._details = details
        self._sample = sample
        self._frames = frames

    def importance(self) -> Item[tuple[Importance, ...]]:
        """Return the model's own importance, or permutation importance where the algorithm has none."""
        if self._details.variable_importance:
            return own_importance(self._details)
        return _attempt(self._permutation)

    def _permutation(self) -> Item[tuple[Importance, ...]]:
        frame = self._frames.send(self._sample)
        found = self._engine.explanations.permutation_importance(self._model_key, frame, seed=SEED)
        why = "an ensemble has none of its own" if self._details.algo == ENSEMBLE else "the model has none"
        return Item(
            tuple(Importance(name, value) for name, value in found),
            origin=self._sample.origin,
            method=f"permutation importance: how much worse the model is with the feature shuffled, because {why}",
        )

    def members(self) -> Item[Members]:
        """Return an ensemble's members with their shares, and their own importances weighted by these."""
        if reason := why_not("members", self._spec.task, self._details.algo):
            return Item(reason=reason)
        return _attempt(self._members)

    def _members(self) -> Item[Members]:
        # Asked of the engine, not of what training noted: older versions of Bellwether noted no shares.
        shares = self._engine.models.details(self._model_key).member_weights
        if not shares:
            return Item(reason="H2O's metalearner does not say how much weight it gives each member.")
        own = {key: self._engine.models.details(key).variable_importance for key, _ in shares}
        return Item(
            weighted_members(shares, own),
            origin="all training rows",
            method="the members' own importances, each summing to 1, weighted by the size of the metalearner's "
            "standardised coefficients",
        )

    def shap(self) -> Item[ShapSummary]:
        """Return contributions on a sample: from the trees themselves, or against background rows for the rest."""
        if reason := why_not("shap_summary", self._spec.task, self._details.algo):
            return Item(reason=reason)
        return _attempt(self._shap)

    def _shap(self) -> Item[ShapSummary]:
        of_trees = self._details.algo in TREES
        rows = self._sample.head(SHAP_ROWS if of_trees else BACKGROUND_SHAP_ROWS)
        frame = self._frames.send(rows)
        background, method = None, "TreeSHAP"
        if not of_trees:
            typical = self._sample.tail(BACKGROUND_ROWS)
            background = self._frames.send(typical)
            method = f"SHAP against a background of {typical.n_rows:,} training rows"
        table = self._engine.explanations.contributions(self._model_key, frame, background=background)
        predicted = self._engine.models.predict(self._model_key, frame)
        return Item(shap_summary(table, predicted, rows, self._spec), origin=rows.origin, method=method)

    def dependence(self, features: Sequence[str]) -> Item[tuple[Dependence, ...]]:
        """Return the partial dependence of the features given, in their order."""
        return _attempt(lambda: self._dependence(features))

    def _dependence(self, features: Sequence[str]) -> Item[tuple[Dependence, ...]]:
        targets = self._shown_classes() if self._spec.task == "multiclass" else ()
        n_points = DEPENDENCE_CLASS_POINTS if targets else DEPENDENCE_POINTS
        # The engine spaces its points evenly from the smallest to the largest value: one outlier would leave all of
        # them where no rows are.
        rows = self._sample.without_tails(features, TAIL_SHARE, DEPENDENCE_POINTS)
        rows = rows.head(DEPENDENCE_CLASS_ROWS if targets else DEPENDENCE_ROWS)
        found = self._curves(rows, features, n_points, targets)
        return Item(
            tuple(
                dependence(rows, name, [one for one in found if one.column == name])
                for name in features
                if any(one.column == name for one in found)
            ),
            origin=rows.origin,
            method=f"{'mean prediction with the feature set to each value' if targets else _H2O_DEPENDENCE}, "
            f"outer {TAIL_SHARE:.0%} of each number left out",
        )

    def _curves(
        self, rows: Sample, features: Sequence[str], n_points: int, targets: Sequence[str]
    ) -> Sequence[PartialDependence]:
        if targets:
            grids = self._grids()
            return [one for name in features for one in grids.dependence(rows, name, n_points, targets)]
        frame = self._frames.send(rows)
        return self._engine.explanations.partial_dependence(self._model_key, frame, features, n_bins=n_points)

    def ice(self, found: Item[tuple[Dependence, ...]]) -> Item[tuple[Ice, ...]]:
        """Return the lines of single rows along the same values as the partial dependence."""
        if found.data is None:
            return Item(reason=found.reason)
        known = found.data
        method = "single rows at every tenth percentile of the predictions, scored with the feature set to each value"
        return _attempt(lambda: Item(self._grids().ice(known), origin=found.origin, method=method))

    def pairs(self, found: Item[tuple[Dependence, ...]]) -> Item[tuple[PairDependence, ...]]:
        """Return the partial dependence on every two of the first features of the partial dependence."""
        if found.data is None:
            return Item(reason=found.reason)
        if len(found.data) < 2:
            return Item(reason="The model has only one feature.")
        chosen = list(combinations(found.data[:PAIR_FEATURES], 2))

        def make() -> Item[tuple[PairDependence, ...]]:
            grids = self._grids()
            return Item(
                tuple(grids.pair(first, second) for first, second in chosen),
                origin=pair_rows(self._sample.n_rows),
                method=PAIR_METHOD,
            )

        return _attempt(make)

    def _grids(self) -> Grids:
        return Grids(self._engine, self._model_key, self._spec, self._sample, self._frames)

    def _shown_classes(self) -> tuple[str, ...]:
        counts = dict.fromkeys(self._spec.classes, 0)
        for name in self._sample.table[self._spec.target].to_pylist():
            counts[name] = counts.get(name, 0) + 1
        frequent = sorted(self._spec.classes, key=lambda name: -counts[name])[:DEPENDENCE_CLASSES]
        return tuple(name for name in self._spec.classes if name in frequent)


def own_importance(details: ModelDetails) -> Item[tuple[Importance, ...]]:
    """Return the importance that the algorithm noted while it was trained."""
    method = _OWN_IMPORTANCE.get(details.algo, "H2O's own")
    ranked = tuple(Importance(name, float(value)) for name, value in details.variable_importance)
    return Item(ranked, origin="all training rows", method=method)


def weighted_members(shares: Sequence[tuple[str, float]], own: Mapping[str, Sequence[tuple[str, float]]]) -> Members:
    """Weight each member's importances, scaled to sum to 1, by the member's share.

    Examples
    --------
    >>> weighted_members([("a", 0.75), ("b", 0.25)], {"a": [("x", 1.0), ("y", 1.0)], "b": [("y", 0.4)]}).importance
    (1.0, 0.6)
    """
    sums: dict[str, float] = {}
    for key, share in shares:
        whole = sum(value for _, value in own[key]) or 1.0
        for name, value in own[key]:
            sums[name] = sums.get(name, 0.0) + share * value / whole
    ranked = sorted(sums, key=lambda name: -sums[name])
    largest = max(sums.values(), default=0.0) or 1.0
    members = tuple(Member(key, share) for key, share in shares)
    return Members(members, tuple(ranked), tuple(sums[name] / largest for name in ranked))


def dependence(rows: Sample, feature: str, found: Sequence[PartialDependence]) -> Dependence:
    """Put the engine's curves of one feature together with the share of rows along it."""
    kind: Kind = "category" if rows.schema[feature].type == "category" else "numeric"
    if rows.schema[feature].type == "date":
        kind = "date"
    values = found[0].values
    edges: tuple[float, ...] = ()
    if kind == "category":
        texts = rows.table[feature].to_pylist()
        share = tuple(texts.count(value) / max(1, len(texts)) for value in values)
    else:
        numbers = rows.numbers(feature)
        counts, bins = np.histogram(numbers[np.isfinite(numbers)], bins=_bins([float(value) for value in values]))
        edges, share = tuple(bins.tolist()), tuple((counts / max(1, counts.sum())).tolist())
    lines = tuple(DependenceLine(one.target or "", one.mean, one.sd) for one in found)
    return Dependence(feature, kind, tuple(values), lines, edges, share)


def _bins(values: Sequence[float]) -> int | FloatArray:
    """Return the bins to count rows in: around each value when there are few, as for a number that is really a code."""
    if not 1 < len(values) < DEPENDENCE_POINTS:
        return DEPENDENCE_POINTS
    middles = (np.array(values[1:]) + np.array(values[:-1])) / 2
    return np.concatenate(([2 * values[0] - middles[0]], middles, [2 * values[-1] - middles[-1]]))


def _attempt(make: Callable[[], Item[T]]) -> Item[T]:
    """Compute an item; a refusal of the engine becomes its reason, a dead engine ends everything."""
    try:
        return make()
    except (EngineDiedError, EngineUnavailableError):
        raise
    except EngineError as error:
        return Item(reason=f"H2O could not compute this for the model: {error.message}")
