"""The target of a file that holds it, set against a model: which rows can be compared, and why the others cannot."""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from core.data.tables.levels import level_key, match_levels
from core.data.tables.packed import AnyTable
from core.data.tables.roles import as_category
from core.data.tables.schema import apply_schema
from core.data.tables.written.cells import trim
from core.domain.columns import Column, Schema
from core.domain.models import ModelSpec
from core.features.features import read_fitted
from core.features.own_numbers import fit_numbers
from core.metrics.ranking import BoolArray, FloatArray
from core.wording import count_text, cut_text, list_text

_KEPT = 50
_SHOWN = 5
# Two classes that say no and yes, as `level_key` has them.
_MEANINGS: Final[tuple[tuple[str | Decimal, str | Decimal], ...]] = (
    (Decimal(0), Decimal(1)), ("false", "true"), ("no", "yes"), ("f", "t"), ("n", "y"),
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Actual:
    """The target of a file.

    Attributes
    ----------
    values : ChunkedArray of shape (n_rows,)
        Classes as the model calls them, or numbers; null where a row cannot be compared.
    n_empty : int
        Rows whose cell is empty.
    unmatched : tuple of (str, int)
        Values that are no class of the model, or no number, with their rows; the most frequent ones.
    n_unmatched : int
        Rows with any such value.
    taken : tuple of (str, str, int)
        Values that mean a class by another word, that class, rows.
    weights : ndarray of float64, shape (n_rows,), or None
        How much each row counts, where the model learned with weights and the file has them; above 0 in every row that
        can be compared.
    weightless : tuple of (str, int)
        Why other rows with a target are left out, and how many.
    """

    values: pa.ChunkedArray
    n_empty: int = 0
    unmatched: tuple[tuple[str, int], ...] = ()
    n_unmatched: int = 0
    taken: tuple[tuple[str, str, int], ...] = ()
    weights: FloatArray | None = None
    weightless: tuple[tuple[str, int], ...] = ()

    @property
    def n_compared(self) -> int:
        """Rows that can be compared."""
        return len(self.values) - int(self.values.null_count)

    def words(self, spec: ModelSpec) -> str:
        """Say what was taken for a class, how many rows are compared and why not the others; empty where all are."""
        return " ".join(text for text in (self.taken_words(spec), self._compared_words(spec)) if text)

    def taken_words(self, spec: ModelSpec) -> str:
        """Say which values were taken for which class; empty where each was written as the class is."""
        each = [f"“{cut_text(one)}” was taken as “{name}” ({rows:,})" for one, name, rows in self.taken]
        return f"“{spec.target}”: {list_text(each)}." if each else ""

    def weights_words(self, spec: ModelSpec) -> str:
        """Say whether the metrics are weighted; empty for a model that learned without weights."""
        name = spec.weights_column
        if name is None:
            return ""
        if self.weights is not None:
            return f"The metrics of this file are weighted by “{name}”, as those of the leaderboard are."
        return (
            "The metrics of this file count each row once, unlike those of the leaderboard: it has no column "
            f"“{name}” with a weight above 0."
        )

    def _compared_words(self, spec: ModelSpec) -> str:
        if not self.values.null_count:
            return ""
        reasons = [f"{count_text(self.n_empty, 'cell is', 'cells are')} empty"] if self.n_empty else []
        if self.n_unmatched:
            shown = list_text((f"“{cut_text(value)}” ({rows:,})" for value, rows in self.unmatched), _SHOWN)
            what = "is no number" if spec.task == "regression" else "matches no class"
            many = "are no numbers" if spec.task == "regression" else "match no class"
            cells = count_text(self.n_unmatched, f"cell {what}", f"cells {many}")
            reasons.append(f"{cells}: {shown}" if shown else cells)
        if self.weightless:
            rows = count_text(sum(n for _, n in self.weightless), "row has", "rows have")
            counts = ", ".join(f"{what} ({n:,})" for what, n in self.weightless)
            reasons.append(f"{rows} no weight above 0 in “{spec.weights_column}”: {counts}")
        classes = f" The classes are {list_text(map(_quoted, spec.classes), 10)}." if self.n_unmatched else ""
        return (
            f"“{spec.target}”: {self.n_compared:,} of {count_text(len(self.values), 'row')} compared with the "
            f"predictions. Of the others, {'; '.join(reasons)}.{classes if spec.classes else ''}"
        )


def look_at_actual(source: AnyTable, spec: ModelSpec) -> Actual | None:
    """Return the target of a file, and how much its rows count; None where the file does not have the column."""
    if spec.target not in source.column_names:
        return None
    raw = source.select([spec.target])[spec.target]
    found = Actual(_read(raw, spec))
    if found.values.null_count:
        text = trim(raw.cast(pa.string()))
        values, taken = _by_meaning(found.values, text, spec)
        lost = text.filter(values.is_null()).drop_null()
        found = Actual(values, values.null_count - len(lost), _counted(lost)[:_KEPT], len(lost), taken)
    return _weighted(found, source, spec)


def read_actual(source: AnyTable, spec: ModelSpec) -> pa.ChunkedArray | None:
    """Return the target of a file that holds it: classes as the model calls them, or numbers; None without any."""
    found = look_at_actual(source, spec)
    return found.values if found is not None and found.n_compared else None


def _read(raw: pa.ChunkedArray, spec: ModelSpec) -> pa.ChunkedArray:
    """Return the target of each row, as the model has it."""
    typed = apply_schema(pa.table({spec.target: raw}), Schema((spec.target_column,)))
    recipe = read_fitted(spec.target_recipe)
    made = (typed if recipe is None else recipe.transform(typed))[spec.target]
    return made if spec.task == "regression" else match_levels(as_category(made), spec.classes)[0]


def _by_meaning(
    values: pa.ChunkedArray, text: pa.ChunkedArray, spec: ModelSpec
) -> tuple[pa.ChunkedArray, tuple[tuple[str, str, int], ...]]:
    """Take 1 for true, no for 0 and the like, where the classes are such a pair and the values can mean nothing else.

    Parameters
    ----------
    values : ChunkedArray of shape (n_rows,)
        The class of each row; null where the value is none.
    text : ChunkedArray of shape (n_rows,)
        As it stands in the file, null where it is empty.
    """
    classes = {level_key(name): name for name in spec.classes}
    said = next((pair for pair in _MEANINGS if set(pair) == set(classes)), None)
    if said is None:
        return values, ()
    counts = _counted(text.filter(values.is_null()).drop_null())
    keys = {value: level_key(value) for value, _ in counts}
    # Beside 2, a 0 is a count; beside M, an F is a woman.
    numbers = {key for key in keys.values() if isinstance(key, Decimal)}
    letters = {key for key in keys.values() if isinstance(key, str) and len(key) == 1 and key.isalpha()}
    meant: dict[str, str] = {}
    for pair in _MEANINGS:
        alike = numbers if isinstance(pair[0], Decimal) else letters if len(pair[0]) == 1 else set()
        if alike <= set(pair):
            ends = dict(zip(pair, said, strict=True))
            meant |= {value: classes[ends[key]] for value, key in keys.items() if key in ends}
    if not meant:
        return values, ()
    places = pc.index_in(text, value_set=pa.array(list(meant)))
    filled = pc.coalesce(values, pa.array(list(meant.values())).take(places))
    return filled, tuple((value, meant[value], rows) for value, rows in counts if value in meant)


def _weighted(found: Actual, source: AnyTable, spec: ModelSpec) -> Actual:
    """Add how much each row counts; as in training, one that has no weight or that of 0 does not."""
    name = spec.weights_column
    if name is None or name not in source.column_names:
        return found
    weights = _weights(source, name)
    is_known: BoolArray = found.values.is_valid().to_numpy()
    counts = weights > 0  # a missing one is not a number, and so not above 0
    if not (is_known & counts).any():
        return found
    reasons = {"0": weights == 0, "negative": weights < 0, "missing or no number": np.isnan(weights)}
    weightless = {what: int((is_known & mask).sum()) for what, mask in reasons.items()}
    return replace(
        found,
        values=pc.if_else(pa.array(counts), found.values, pa.scalar(None, found.values.type)),
        weights=weights,
        weightless=tuple((what, n_rows) for what, n_rows in weightless.items() if n_rows),
    )


def _weights(source: AnyTable, name: str) -> FloatArray:
    """Return the weights of a file; NaN where there is none."""
    column, raw = Column(name, "numeric"), source.select([name])
    if pa.types.is_string(raw[name].type):
        column = fit_numbers(raw, column, None, is_workbook=False)[0]
    typed = apply_schema(pa.table({name: raw[name]}), Schema((column,)))[name]
    return np.asarray(typed.cast(pa.float64(), safe=False).to_numpy(), dtype=np.float64)


def _counted(values: pa.ChunkedArray) -> tuple[tuple[str, int], ...]:
    """Return each value with its rows, the most frequent one first."""
    counted = pc.value_counts(values)
    pairs = [(str(one["values"]), int(one["counts"])) for one in counted.to_pylist()]
    return tuple(sorted(pairs, key=lambda pair: (-pair[1], pair[0])))


def _quoted(name: str) -> str:
    return f"“{cut_text(name)}”"
