"""The target of a file that holds it, set against a model: which rows can be compared, and why the others cannot."""

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from core.data.tables.cells import trim
from core.data.tables.packed import AnyTable
from core.data.tables.roles import as_category
from core.data.tables.schema import apply_schema, match_levels
from core.domain.columns import Schema
from core.domain.models import ModelSpec
from core.features.features import read_fitted
from core.wording import count_text, cut_text, list_text

_KEPT = 50
_SHOWN = 5


@dataclass(frozen=True)
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
    """

    values: pa.ChunkedArray
    n_empty: int
    unmatched: tuple[tuple[str, int], ...]
    n_unmatched: int

    @property
    def n_compared(self) -> int:
        """Rows that can be compared."""
        return len(self.values) - int(self.values.null_count)

    def words(self, spec: ModelSpec) -> str:
        """Say how many rows are compared and why not the others; empty where all of them are."""
        if not self.values.null_count:
            return ""
        reasons = [f"{count_text(self.n_empty, 'cell is', 'cells are')} empty"] if self.n_empty else []
        if self.n_unmatched:
            shown = list_text((f"“{cut_text(value)}” ({rows:,})" for value, rows in self.unmatched), _SHOWN)
            what = "is no number" if spec.task == "regression" else "matches no class"
            many = "are no numbers" if spec.task == "regression" else "match no class"
            cells = count_text(self.n_unmatched, f"cell {what}", f"cells {many}")
            reasons.append(f"{cells}: {shown}" if shown else cells)
        classes = f" The classes are {list_text(map(_quoted, spec.classes), 10)}." if self.n_unmatched else ""
        return (
            f"“{spec.target}”: {self.n_compared:,} of {count_text(len(self.values), 'row')} compared with the "
            f"predictions. Of the others, {'; '.join(reasons)}.{classes if spec.classes else ''}"
        )


def look_at_actual(source: AnyTable, spec: ModelSpec) -> Actual | None:
    """Return the target of a file; None where the file does not have the column."""
    if spec.target not in source.column_names:
        return None
    raw = source.select([spec.target])[spec.target]
    values = _read(raw, spec)
    if not values.null_count:
        return Actual(values, 0, (), 0)
    lost = trim(raw.filter(values.is_null()).cast(pa.string())).drop_null()
    return Actual(values, values.null_count - len(lost), _counted(lost), len(lost))


def read_actual(source: AnyTable, spec: ModelSpec) -> pa.ChunkedArray | None:
    """Return the target of a file that holds it: classes as the model calls them, or numbers; None without any."""
    found = look_at_actual(source, spec)
    return found.values if found is not None and found.n_compared else None


def weights_words(source: AnyTable, spec: ModelSpec) -> str:
    """Say that the weights in a file are not used for its metrics; empty where there are none."""
    name = spec.weights_column
    if name is None or name not in source.column_names:
        return ""
    return (
        f"The metrics of this file count each row once: the weights “{name}” are not used, unlike in those of the "
        "leaderboard."
    )


def _read(raw: pa.ChunkedArray, spec: ModelSpec) -> pa.ChunkedArray:
    """Return the target of each row, as the model has it."""
    typed = apply_schema(pa.table({spec.target: raw}), Schema((spec.target_column,)))
    recipe = read_fitted(spec.target_recipe)
    made = (typed if recipe is None else recipe.transform(typed))[spec.target]
    return made if spec.task == "regression" else match_levels(as_category(made), spec.classes)[0]


def _counted(values: pa.ChunkedArray) -> tuple[tuple[str, int], ...]:
    counted = pc.value_counts(values)
    pairs = [(str(one["values"]), int(one["counts"])) for one in counted.to_pylist()]
    return tuple(sorted(pairs, key=lambda pair: (-pair[1], pair[0]))[:_KEPT])


def _quoted(name: str) -> str:
    return f"“{cut_text(name)}”"
