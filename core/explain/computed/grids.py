"""Predictions over grids of values: means, lines of single rows, and two features at once, in one scoring each."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from core.domain.models import ModelSpec
from core.explain.sample import Sample
from core.explanations.items import Dependence
from core.explanations.shapes import Ice, IceClass, IceLine, PairClass, PairDependence
from core.metrics.ranking import FloatArray, IntArray

ICE_ROWS = 1000  # the rows that stand at the percentiles of their predictions are chosen from these
PERCENTILES = tuple(range(0, 101, 10))
PAIR_ROWS = 150
PAIR_POINTS = 8
_MS_PER_DAY = 86_400_000
Change = Mapping[str, float | str]
Predict = Callable[[Sample], pa.Table]


@dataclass(frozen=True)
class Curve:
    """How a model's mean prediction moves with one feature, everything else left as it is.

    Attributes
    ----------
    target : str
        The class whose probability is meant, for several classes; empty otherwise.
    values : tuple of float or tuple of str
        What the feature was set to: numbers rising, or levels.
    mean, sd : tuple of float
        Of the predictions over the rows, one per value.
    """

    target: str
    values: tuple[float, ...] | tuple[str, ...]
    mean: tuple[float, ...]
    sd: tuple[float, ...]


class Grids:
    """Scores rows with features set to values.

    Parameters
    ----------
    predict : callable
        Scores rows.
    sample : Sample
        Training rows in random order.
    """

    def __init__(self, predict: Predict, spec: ModelSpec, sample: Sample) -> None:
        self._predict = predict
        self._spec = spec
        self._sample = sample

    def dependence(self, rows: Sample, feature: str, n_points: int, classes: Sequence[str]) -> list[Curve]:
        """Return the partial dependence on one feature for each class; an empty name where there is one curve."""
        values = _evenly(rows, feature, n_points)
        scored = self._scored(_changed(rows.table, rows, [{feature: value} for value in values]))
        kept: Any = tuple(values)
        found = []
        for name in classes:
            p = self._of_class(scored, name).reshape(len(values), rows.n_rows)
            found.append(Curve(name, kept, tuple(p.mean(axis=1).tolist()), tuple(p.std(axis=1, ddof=1).tolist())))
        return found

    def ice(self, found: Sequence[Dependence]) -> tuple[Ice, ...]:
        """Return lines of the rows at the percentiles of the predictions, over the values of each dependence.

        For several classes each class of the dependence has rows of its own.
        """
        if not found:
            return ()
        rows = self._sample.head(ICE_ROWS)
        predicted = self._scored(rows.table)
        names = [line.name for line in found[0].lines]
        chosen = {name: _at_percentiles(self._of_class(predicted, name)) for name in names}
        places = np.concatenate(list(chosen.values()))
        base = rows.table.take(pa.array(places))
        changes = [{one.feature: value} for one in found for value in one.values]
        scored = self._scored(_changed(base, rows, changes))
        lines = iter(np.split(np.arange(scored.num_rows), len(changes)))
        return tuple(self._ice_of(one, names, scored, [next(lines) for _ in one.values]) for one in found)

    def _ice_of(self, one: Dependence, names: Sequence[str], scored: pa.Table, rows: Sequence[IntArray]) -> Ice:
        classes = []
        for number, name in enumerate(names):
            p = self._of_class(scored, name)
            first = number * len(PERCENTILES)
            lines = tuple(
                IceLine(percentile, tuple(float(p[at[first + place]]) for at in rows))
                for place, percentile in enumerate(PERCENTILES)
            )
            classes.append(IceClass(name, lines))
        return Ice(one.feature, one.kind, one.values, tuple(classes))

    def pair(self, first: Dependence, second: Dependence) -> PairDependence:
        """Return the mean prediction over a grid of two features; values are taken from their dependences."""
        xs, ys = _fewer(first.values), _fewer(second.values)
        rows = self._sample.head(PAIR_ROWS)
        changes = [{first.feature: x, second.feature: y} for y in ys for x in xs]
        scored = self._scored(_changed(rows.table, rows, changes))
        classes = []
        for line in first.lines:
            means = self._of_class(scored, line.name).reshape(len(ys), len(xs), rows.n_rows).mean(axis=2)
            classes.append(PairClass(line.name, tuple(tuple(row) for row in means.tolist())))
        return PairDependence(
            first.feature, first.kind, tuple(xs), second.feature, second.kind, tuple(ys), tuple(classes)
        )

    def _scored(self, table: pa.Table) -> pa.Table:
        return self._predict(replace(self._sample, table=table))

    def _of_class(self, predicted: pa.Table, name: str) -> FloatArray:
        if self._spec.task == "regression":
            name = "predict"
        values: FloatArray = predicted[name or str(self._spec.positive)].to_numpy()
        return values


def pair_rows(n_rows: int) -> str:
    """Return the rows of a pair dependence in words."""
    return f"a sample of {min(n_rows, PAIR_ROWS):,} training rows"


def _evenly(rows: Sample, feature: str, n_points: int) -> list[float | str]:
    """Return the values that H2O would take: the most frequent levels, few distinct numbers, or an even grid."""
    if rows.schema[feature].type == "category":
        counts = Counter(level for level in rows.table[feature].to_pylist() if level is not None)
        frequent = sorted(counts, key=lambda level: (-counts[level], level))[:n_points]
        return sorted(frequent)
    numbers = rows.numbers(feature)
    known = np.unique(numbers[np.isfinite(numbers)])
    if len(known) <= n_points:
        return list(known.tolist())
    return list(np.linspace(known[0], known[-1], n_points).tolist())


def _at_percentiles(values: FloatArray) -> IntArray:
    order = np.argsort(values, kind="stable")
    places: IntArray = order[[round(percentile / 100 * (len(order) - 1)) for percentile in PERCENTILES]]
    return places


def _fewer(values: Sequence[float | str]) -> list[float | str]:
    """Return at most `PAIR_POINTS` of the values, the first and the last among them."""
    if len(values) <= PAIR_POINTS:
        return list(values)
    return [values[round(place)] for place in np.linspace(0, len(values) - 1, PAIR_POINTS)]


def _changed(base: pa.Table, sample: Sample, changes: Iterable[Change]) -> pa.Table:
    """Return the rows once per change, one below the other, with the named columns set."""
    numeric = {name for change in changes for name in change if sample.schema[name].type == "numeric"}
    for name in numeric:  # whole numbers may be set to values between
        base = base.set_column(base.schema.get_field_index(name), name, base[name].cast(pa.float64()))
    copies = []
    for change in changes:
        copy = base
        for name, value in change.items():
            column = pa.array([_cell(value, sample.schema[name].type)] * base.num_rows, base[name].type)
            copy = copy.set_column(copy.schema.get_field_index(name), name, column)
        copies.append(copy)
    return pa.concat_tables(copies).combine_chunks()


def _cell(value: float | str, kind: str) -> Any:
    return round(float(value) * _MS_PER_DAY) if kind == "date" else value
