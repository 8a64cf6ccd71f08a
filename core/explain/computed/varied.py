"""Explanations by setting features to values and scoring again; no engine is needed for them."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from core.domain.models import ModelSpec
from core.engine.protocol import Engine
from core.explain.asked import attempt
from core.explain.computed.grids import Curve, Grids, Predict, pair_rows
from core.explain.sample import Sample
from core.explanations.items import Dependence, DependenceLine, Item
from core.explanations.shapes import Ice, Kind, PairDependence
from core.metrics.ranking import FloatArray
from core.models.opened import StoredModel
from core.wording import percent_text

DEPENDENCE_ROWS = 1000
DEPENDENCE_FEATURES = 10
DEPENDENCE_POINTS = 20
DEPENDENCE_CLASSES = 5
DEPENDENCE_CLASS_POINTS = 10  # when there are several classes, whose models are several times as large
DEPENDENCE_CLASS_ROWS = 500
PAIR_FEATURES = 3
PAIR_METHOD = "mean prediction over the rows with both features set to each pair of values"
TAIL_SHARE = 0.01


class Varied:
    """Asks one model what it says of rows with features set to values.

    Parameters
    ----------
    predict : callable
        Scores rows.
    sample : Sample
        Training rows in random order.
    """

    def __init__(self, predict: Predict, spec: ModelSpec, sample: Sample) -> None:
        self._spec = spec
        self._sample = sample
        self._grids = Grids(predict, spec, sample)

    def dependence(self, features: Sequence[str]) -> Item[tuple[Dependence, ...]]:
        """Return the partial dependence of the features given, in their order."""
        return attempt(lambda: self._dependence(features))

    def _dependence(self, features: Sequence[str]) -> Item[tuple[Dependence, ...]]:
        targets = self._shown_classes() if self._spec.task == "multiclass" else ()
        n_points = DEPENDENCE_CLASS_POINTS if targets else DEPENDENCE_POINTS
        # The points are spaced evenly from the smallest to the largest value: one outlier would leave all of
        # them where no rows are.
        rows = self._sample.without_tails(features, TAIL_SHARE, DEPENDENCE_POINTS)
        rows = rows.head(DEPENDENCE_CLASS_ROWS if targets else DEPENDENCE_ROWS)
        found = {name: self._grids.dependence(rows, name, n_points, targets or ("",)) for name in features}
        return Item(
            tuple(dependence(rows, name, curves) for name, curves in found.items()),
            origin=rows.origin,
            method="mean prediction with the feature set to each value, "
            f"outer {percent_text(TAIL_SHARE, 0)} of each number left out",
        )

    def ice(self, found: Item[tuple[Dependence, ...]]) -> Item[tuple[Ice, ...]]:
        """Return the lines of single rows along the same values as the partial dependence."""
        if found.data is None:
            return Item(reason=found.reason)
        known = found.data
        method = "single rows at every tenth percentile of the predictions, scored with the feature set to each value"
        return attempt(lambda: Item(self._grids.ice(known), origin=found.origin, method=method))

    def pairs(self, found: Item[tuple[Dependence, ...]]) -> Item[tuple[PairDependence, ...]]:
        """Return the partial dependence on every two of the first features of the partial dependence."""
        if found.data is None:
            return Item(reason=found.reason)
        if len(found.data) < 2:
            return Item(reason="The model has only one feature.")
        return self.of_pairs(list(combinations(found.data[:PAIR_FEATURES], 2)))

    def of_pairs(self, chosen: Sequence[tuple[Dependence, Dependence]]) -> Item[tuple[PairDependence, ...]]:
        """Return the partial dependence on two features at once, for each of the pairs."""

        def make() -> Item[tuple[PairDependence, ...]]:
            pairs = tuple(self._grids.pair(first, second) for first, second in chosen)
            return Item(pairs, origin=pair_rows(self._sample.n_rows), method=PAIR_METHOD)

        return attempt(make)

    def _shown_classes(self) -> tuple[str, ...]:
        counts = dict.fromkeys(self._spec.classes, 0)
        for name in self._sample.table[self._spec.target].to_pylist():
            counts[name] = counts.get(name, 0) + 1
        frequent = sorted(self._spec.classes, key=lambda name: -counts[name])[:DEPENDENCE_CLASSES]
        return tuple(name for name in self._spec.classes if name in frequent)


def mojo_predictor(engine: Engine, model: StoredModel) -> Predict:
    """Return what scores rows with a stored model."""
    mojo = model.mojo()
    return lambda rows: engine.mojos.predict(mojo, rows.engine_rows())


def dependence(rows: Sample, feature: str, found: Sequence[Curve]) -> Dependence:
    """Put the curves of one feature together with the share of rows along it."""
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
    lines = tuple(DependenceLine(one.target, one.mean, one.sd) for one in found)
    return Dependence(feature, kind, tuple(values), lines, edges, share)


def _bins(values: Sequence[float]) -> int | FloatArray:
    """Return the bins to count rows in: around each value when there are few, as for a number that is really a code."""
    if not 1 < len(values) < DEPENDENCE_POINTS:
        return DEPENDENCE_POINTS
    middles = (np.array(values[1:]) + np.array(values[:-1])) / 2
    return np.concatenate(([2 * values[0] - middles[0]], middles, [2 * values[-1] - middles[-1]]))
