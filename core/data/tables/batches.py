"""Tables that are read a few columns at a time, so that one of many rows never lies in memory whole."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

import numpy as np
import pyarrow as pa

CELLS_A_BATCH: Final = 4_000_000
SAMPLE_ROWS: Final = 100_000
_SEED = 1

Load = Callable[[Sequence[str]], pa.Table]
"""Returns the named columns as their types, shape (n_rows, n_names)."""


def load_from(typed: pa.Table) -> Load:
    """Return the loader of a table that is in memory."""
    return lambda names: typed.select(list(names))


def filtered(load: Load, mask: np.ndarray) -> Load:
    """Return a loader of the rows where `mask`, a boolean array of shape (n_rows,), holds."""
    keep = pa.array(mask)
    return lambda names: load(names).filter(keep)


def columns_a_batch(n_rows: int) -> int:
    """Return how many columns of so many rows make about `CELLS_A_BATCH` cells, at least one."""
    return max(1, CELLS_A_BATCH // max(n_rows, 1))


def iter_batches(load: Load, names: Sequence[str], n_rows: int) -> Iterator[pa.Table]:
    """Yield all columns in order, `columns_a_batch` at a time."""
    step = columns_a_batch(n_rows)
    for start in range(0, len(names), step):
        yield load(names[start : start + step])
        if step == 1:  # large columns: what is free goes back, or they would add up
            pa.default_memory_pool().release_unused()


def sample_positions(n_rows: int, max_rows: int = SAMPLE_ROWS) -> pa.Array | None:
    """Return the rows to look at, ascending, always the same ones; None when all of them are few enough."""
    if n_rows <= max_rows:
        return None
    drawn = np.random.default_rng(_SEED).choice(n_rows, max_rows, replace=False, shuffle=False)
    return pa.array(np.sort(drawn))


def sample_table(load: Load, names: Sequence[str], n_rows: int, max_rows: int = SAMPLE_ROWS) -> pa.Table:
    """Return at most `max_rows` rows of the named columns, drawn at random with a fixed seed."""
    positions = sample_positions(n_rows, max_rows)
    if positions is None:
        return load(list(names))
    parts = [batch.take(positions).combine_chunks() for batch in iter_batches(load, names, n_rows)]
    columns = [column for part in parts for column in part.columns]
    return pa.table(columns, names=list(names))
