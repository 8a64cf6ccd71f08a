"""Explanations that need the engine: importance, Shapley contributions, partial dependence."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import numpy as np
import pyarrow as pa

from core.engine import Engine, PartialDependence
from core.errors import EngineDiedError, EngineError, EngineUnavailableError
from core.explain.sample import Frames, Sample
from core.explanations import Dependence, DependenceLine, Importance, Item, Kind, ShapFeature, ShapSummary
from core.ranking import FloatArray
from core.types import ModelDetails, ModelSpec

T = TypeVar("T")

SHAP_ROWS = 1000
SHAP_FEATURES = 20
SHAP_POINTS = 400  # per feature: more only cover each other
BACKGROUND_ROWS = 100  # cost grows with rows × background
BACKGROUND_SHAP_ROWS = 200
DEPENDENCE_ROWS = 1000
DEPENDENCE_FEATURES = 10
DEPENDENCE_POINTS = 20
DEPENDENCE_CLASSES = 5
DEPENDENCE_CLASS_POINTS = 10  # per class, when there are several
DEPENDENCE_SCORINGS = 300
TAIL_SHARE = 0.01
SEED = 1
BIAS = "BiasTerm"
TREES = frozenset({"GBM", "DRF", "XRT", "XGBoost"})
SHAP_MULTICLASS = "H2O computes Shapley contributions for two classes and for numbers only, not for several classes."
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
    engine : Engine
        Ready, with the model loaded.
    model_key : str
        The loaded native model.
    sample : Sample
        Training rows in random order.
    frames : Frames
        Takes what is sent; its owner closes it.
    """

    def __init__(
        self, engine: Engine, model_key: str, spec: ModelSpec, details: ModelDetails, sample: Sample, frames: Frames
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
        found = self._engine.permutation_importance(self._model_key, frame, seed=SEED)
        why = "an ensemble has none of its own" if self._details.algo == "StackedEnsemble" else "the model has none"
        return Item(
            tuple(Importance(name, value) for name, value in found),
            origin=self._sample.origin,
            method=f"permutation importance: how much worse the model is with the feature shuffled, because {why}",
        )

    def shap(self) -> Item[ShapSummary]:
        """Return contributions on a sample: from the trees themselves, or against background rows for the rest."""
        if self._spec.task == "multiclass":
            return Item(reason=SHAP_MULTICLASS)
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
        table = self._engine.contributions(self._model_key, frame, background=background)
        predicted = self._engine.predict(self._model_key, frame)
        return Item(shap_summary(table, predicted, rows, self._spec), origin=rows.origin, method=method)

    def dependence(self, features: Sequence[str]) -> Item[tuple[Dependence, ...]]:
        """Return the partial dependence of the features given, in their order."""
        return _attempt(lambda: self._dependence(features))

    def _dependence(self, features: Sequence[str]) -> Item[tuple[Dependence, ...]]:
        targets = self._shown_classes() if self._spec.task == "multiclass" else ()
        features, n_points = self._affordable(features, max(1, len(targets)))
        # The engine spaces its points evenly from the smallest to the largest value: one outlier would leave all of
        # them where no rows are.
        rows = self._sample.without_tails(features, TAIL_SHARE, DEPENDENCE_POINTS).head(DEPENDENCE_ROWS)
        frame = self._frames.send(rows)
        found = self._engine.partial_dependence(self._model_key, frame, features, n_bins=n_points, targets=targets)
        return Item(
            tuple(
                dependence(rows, name, [one for one in found if one.column == name])
                for name in features
                if any(one.column == name for one in found)
            ),
            origin=rows.origin,
            method=f"H2O's partial dependence, outer {TAIL_SHARE:.0%} of each number left out",
        )

    def _affordable(self, features: Sequence[str], n_lines: int) -> tuple[Sequence[str], int]:
        """Return the features and points that take the engine seconds: it scores anew for each point and class."""
        if n_lines == 1:
            return features, DEPENDENCE_POINTS
        n_features = max(1, DEPENDENCE_SCORINGS // (DEPENDENCE_CLASS_POINTS * n_lines))
        return features[:n_features], DEPENDENCE_CLASS_POINTS

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


def shap_summary(table: pa.Table, predicted: pa.Table, rows: Sample, spec: ModelSpec) -> ShapSummary:
    """Rank features by mean absolute contribution and keep points to draw.

    Parameters
    ----------
    table : Table of shape (n_rows, n_columns)
        Contributions, one column per feature, and ``BiasTerm``.
    predicted : Table
        The model's predictions on the same rows, to tell the scale.
    rows : Sample
        The rows explained.
    """
    by_feature: dict[str, FloatArray] = {name: table[name].to_numpy() for name in table.column_names}
    bias = by_feature.pop(BIAS)
    size = {name: float(np.mean(np.abs(values))) for name, values in by_feature.items()}
    ranked = sorted(size, key=lambda name: -size[name])[:SHAP_FEATURES]
    points = rows.head(SHAP_POINTS)
    return ShapSummary(
        features=tuple(
            ShapFeature(
                feature=name,
                mean_absolute=size[name],
                value=tuple(points.texts(name)),
                shade=_shade(points, name),
                contribution=tuple(by_feature[name][: points.n_rows].tolist()),
            )
            for name in ranked
        ),
        scale=_scale(bias + sum(by_feature.values()), predicted, spec),
        bias=float(np.mean(bias)),
        n_rows=rows.n_rows,
    )


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


def _shade(points: Sample, name: str) -> tuple[float | None, ...]:
    """Place each value between the 5 % and 95 % quantile; the two levels of a category are its ends."""
    if points.schema[name].type == "category":
        levels = sorted({text for text in points.table[name].to_pylist() if text is not None})
        if len(levels) != 2:
            return (None,) * points.n_rows
        return tuple(None if v is None else float(levels.index(v)) for v in points.table[name].to_pylist())
    values = points.numbers(name)
    known = values[np.isfinite(values)]
    if not len(known):
        return (None,) * points.n_rows
    low, high = np.quantile(known, [0.05, 0.95])
    if low == high:
        low, high = float(known.min()), float(known.max())
    placed = np.clip((values - low) / (high - low if high > low else 1.0), 0, 1)
    return tuple(None if np.isnan(value) else round(float(value), 4) for value in placed)


def _scale(total: FloatArray, predicted: pa.Table, spec: ModelSpec) -> str:
    """Tell what contributions add up to by comparing: H2O's answer differs by algorithm."""
    if spec.task == "regression":
        p: FloatArray = predicted["predict"].to_numpy()
        if np.allclose(total, p, rtol=1e-3, atol=1e-3):
            return spec.target
        is_log = (p > 0).all() and np.allclose(total, np.log(p), rtol=1e-3, atol=1e-3)
        return f"logarithm of {spec.target}" if is_log else "the model's own scale"
    p = predicted[str(spec.positive)].to_numpy()
    if np.allclose(total, p, rtol=1e-3, atol=1e-3):
        return "probability"
    inside = (p > 1e-6) & (p < 1 - 1e-6)  # where the log-odds can be told from the probability as it is handed over
    is_logit = np.allclose(total[inside], np.log(p[inside] / (1 - p[inside])), rtol=1e-3, atol=1e-3)
    return "log-odds" if is_logit else "the model's own scale"
