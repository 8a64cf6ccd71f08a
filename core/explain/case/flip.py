"""The smallest change to a few features that flips a decision, searched over values that occur in training."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pyarrow.compute as pc

from core.domain.columns import Column
from core.explain.case.rows import Cell, RawRows, Values
from core.explain.case.similar import as_numbers
from core.metrics.ranking import FloatArray

MAX_CHANGES = 3
MAX_FEATURES = 25
MAX_LEVELS = 15
FINE = 20
BEAM = 6
SHOWN = 3
LEVEL_COST = 0.5
_SHARES = (0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
METHOD = (
    "values that occur in training (quantiles of numbers and dates, the most frequent levels), at most "
    f"{MAX_CHANGES} columns together; a change of a number costs the share of training rows between the old and the "
    f"new value, another level {LEVEL_COST:g}; found step by step, so a cheaper change may exist"
)

# How far each row is on the way to the decision wanted: it is there from 0 on, and the larger the nearer.
Progress = Callable[[Sequence[Values]], FloatArray]


@dataclass(frozen=True)
class Flip:
    """Changes that flip the decision together.

    Attributes
    ----------
    changes : dict of str to cell
        New value by column.
    cost : float
        See `METHOD`.
    reached : float
        The row's progress with them: 0 or more.
    """

    changes: Mapping[str, Cell]
    cost: float
    reached: float = 0.0


@dataclass(frozen=True)
class FlipSearch:
    """What a search found: the cheapest first, none when nothing flips; `n_tried` rows were scored for it."""

    found: tuple[Flip, ...]
    n_tried: int


def find_flips(raw: RawRows, values: Values, columns: Sequence[str], progress: Progress) -> FlipSearch:
    """Search for the smallest changes to a row that flip the decision on it.

    Parameters
    ----------
    raw : RawRows
        Training rows to take values from.
    values : mapping
        The row; its own progress is below 0.
    columns : sequence of str
        The columns that may change; only the first `MAX_FEATURES` are tried.
    progress : callable
        Scores rows.

    Notes
    -----
    First every single change is tried. Where none flips, the best of those that come nearer are taken on with a second
    and a third column. What flips is then made smaller: values between the old and the new one, and each change left
    out. Everything returned was scored as it stands.
    """
    return _Search(raw, values, columns[:MAX_FEATURES], progress).run()


class _Search:
    def __init__(self, raw: RawRows, values: Values, columns: Sequence[str], progress: Progress) -> None:
        self._raw = raw
        self._values = dict(values)
        self._columns = [name for name in columns if raw.schema[name].type in ("numeric", "date", "category")]
        self._progress = progress
        self._n_tried = 0
        self._sorted = {name: _sorted_numbers(raw, name) for name in self._columns}

    def run(self) -> FlipSearch:
        states: list[dict[str, Cell]] = [{}]
        reached = [float(self._score([{}])[0])]
        options = {name: self._options(name) for name in self._columns}
        for _ in range(MAX_CHANGES):
            parents = [
                (at, {**state, name: value})
                for at, state in zip(reached, states, strict=True)
                for name in self._columns
                if name not in state
                for value in options[name]
            ]
            if not parents:
                break
            scores = self._score([state for _, state in parents])
            flipped = [state for (_, state), score in zip(parents, scores, strict=True) if score >= 0]
            if flipped:
                return FlipSearch(self._smallest(flipped), self._n_tried)
            nearer = [
                (float(score), state)
                for (at, state), score in zip(parents, scores, strict=True)
                if score > at  # each step must come nearer by itself
            ]
            best = _one_per_columns(sorted(nearer, key=lambda pair: -pair[0]))[:BEAM]
            reached, states = [score for score, _ in best], [state for _, state in best]
        return FlipSearch((), self._n_tried)

    def _smallest(self, flipped: Sequence[dict[str, Cell]]) -> tuple[Flip, ...]:
        """Return the cheapest changes per set of columns, made as small as they can be."""
        ranked = sorted(((self._cost(state), state) for state in flipped), key=lambda pair: pair[0])
        kept = [self._shrink(state) for _, state in _one_per_columns(ranked)[: 2 * SHOWN]]
        cheapest: dict[frozenset[str], dict[str, Cell]] = {}
        for state in sorted(kept, key=lambda one: (len(one), self._cost(one))):
            cheapest.setdefault(frozenset(state), state)
        chosen = list(cheapest.values())[:SHOWN]
        reached = self._score(chosen).tolist()
        return tuple(Flip(state, self._cost(state), at) for state, at in zip(chosen, reached, strict=True))

    def _shrink(self, state: dict[str, Cell]) -> dict[str, Cell]:
        for size in range(1, len(state)):
            subsets = [dict(chosen) for chosen in combinations(state.items(), size)]
            scores = self._score(subsets)
            enough = [subset for subset, score in zip(subsets, scores, strict=True) if score >= 0]
            if enough:
                state = min(enough, key=self._cost)
                break
        for name in list(state):
            between = [{**state, name: value} for value in self._between(name, state[name])]
            if between:
                scores = self._score(between)
                enough = [one for one, score in zip(between, scores, strict=True) if score >= 0]
                state = min([state, *enough], key=self._cost)
        return state

    def _score(self, changes: Sequence[Mapping[str, Cell]]) -> FloatArray:
        self._n_tried += len(changes)
        return self._progress([{**self._values, **change} for change in changes])

    def _cost(self, changes: Mapping[str, Cell]) -> float:
        return sum(self._cost_of(name, value) for name, value in changes.items())

    def _cost_of(self, name: str, value: Cell) -> float:
        if self._raw.schema[name].type == "category" or self._values.get(name) is None:
            return LEVEL_COST
        ordered = self._sorted[name]
        old, new = (_number(cell, self._raw.schema[name]) for cell in (self._values[name], value))
        low, high = min(old, new), max(old, new)
        inside = np.searchsorted(ordered, high, "right") - np.searchsorted(ordered, low, "left")
        # Ties of the old value itself do not count: staying costs nothing, and a move always something.
        inside -= np.searchsorted(ordered, old, "right") - np.searchsorted(ordered, old, "left")
        return max(float(inside), 1.0) / max(len(ordered), 1)

    def _options(self, name: str) -> list[Cell]:
        column, old = self._raw.schema[name], self._values.get(name)
        if column.type == "category":
            counts = pc.value_counts(self._raw.table[name].drop_null())
            pairs = sorted(counts.to_pylist(), key=lambda pair: (-pair["counts"], pair["values"]))
            return [pair["values"] for pair in pairs if pair["values"] != old][:MAX_LEVELS]
        ordered = self._sorted[name]
        if not len(ordered):
            return []
        chosen = np.unique(np.quantile(ordered, _SHARES, method="nearest"))
        return [cell for value in chosen if (cell := _cell(float(value), column)) != old]

    def _between(self, name: str, new: Cell) -> list[Cell]:
        column, old = self._raw.schema[name], self._values.get(name)
        if column.type == "category" or old is None:
            return []
        low, high = sorted((_number(old, column), _number(new, column)))
        inside = np.unique(self._sorted[name])
        inside = inside[(inside > low) & (inside < high)]
        if len(inside) > FINE:
            inside = inside[np.linspace(0, len(inside) - 1, FINE).round().astype(int)]
        return [_cell(float(value), column) for value in inside]


def _one_per_columns(ranked: Sequence[tuple[float, dict[str, Cell]]]) -> list[tuple[float, dict[str, Cell]]]:
    """Keep the first of those that change the same columns."""
    kept: dict[frozenset[str], tuple[float, dict[str, Cell]]] = {}
    for score, state in ranked:
        kept.setdefault(frozenset(state), (score, state))
    return list(kept.values())


def _sorted_numbers(raw: RawRows, name: str) -> FloatArray:
    if raw.schema[name].type == "category":
        return np.array([])
    numbers = as_numbers(raw.table[name], raw.schema[name])
    return np.sort(numbers[np.isfinite(numbers)])


def _number(cell: Any, column: Column) -> float:
    return to_ms(cell) if column.type == "date" else float(cell)


def to_ms(moment: Any) -> float:
    """Return a moment as milliseconds since 1970-01-01."""
    return float(np.datetime64(moment, "ms").astype(np.int64))


def _cell(value: float, column: Column) -> Cell:
    if column.type == "date":
        moment: Any = np.datetime64(int(value), "ms").item()
        return moment  # type: ignore[no-any-return]
    return int(value) if column.integer else value
