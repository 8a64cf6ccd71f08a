"""The one column that a file lacks under another name: told by the name, else by what its cells hold."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from core.data.drift.compare import Reference
from core.data.tables.codes import to_numbers
from core.data.tables.packed import AnyTable
from core.domain.columns import Column
from core.domain.models import ModelSpec
from core.features.matching import ColumnCheck, read_column

_ALIKE = 0.95  # of the cells that hold something


def with_likely(
    columns: ColumnCheck, source: AnyTable, spec: ModelSpec, reference: Reference | None = None
) -> ColumnCheck:
    """Propose the only column that the model does not know for the only one that it misses, where the values fit.

    A name that is alike has been proposed already and stays.

    Parameters
    ----------
    columns : ColumnCheck
        How the names compare.
    reference : Reference, optional
        The training rows' values; without it numbers and dates are never alike enough.
    """
    if len(columns.missing) != 1 or len(columns.extra) != 1 or columns.near:
        return columns
    [wanted], [there] = columns.missing, columns.extra
    if not _is_alike(source[there], spec.needed[wanted], reference):
        return columns
    return replace(columns, near={wanted: there})


def _is_alike(values: pa.ChunkedArray, column: Column, reference: Reference | None) -> bool:
    """Whether nearly all cells are of the column's type, and levels or in the range that training saw."""
    cells = values.unify_dictionaries().cast(pa.string()) if pa.types.is_dictionary(values.type) else values
    filled = pc.and_kleene(pc.is_valid(cells), pc.not_equal(cells, "")) if pa.types.is_string(cells.type) else None
    n_filled = len(cells) - cells.null_count if filled is None else int(pc.sum(filled).as_py() or 0)
    if not n_filled:
        return False
    read = read_column(cells, column)
    if column.type == "category":
        return column.levels is not None and _share(read.matched, n_filled) >= _ALIKE
    if column.type not in ("numeric", "date") or reference is None or _share(read.values, n_filled) < _ALIKE:
        return False
    known = next((one for one in reference.columns if one.name == column.name), None)
    if known is None or not known.sketch:
        return False
    found = to_numbers(read.values.drop_null())
    return bool(np.mean((found >= known.sketch[0]) & (found <= known.sketch[-1])) >= _ALIKE)


def _share(values: pa.ChunkedArray, n_filled: int) -> float:
    return float(len(values) - values.null_count) / n_filled
