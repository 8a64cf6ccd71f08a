"""Gaps: where the values of a column are missing, and which other columns lack theirs in the same rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow.compute as pc

from core.data.tables.batches import Load, iter_batches

N_SEGMENTS: Final = 50
MAX_TOGETHER: Final = 8


@dataclass(frozen=True)
class Together:
    """Another column's gaps beside this one's.

    Attributes
    ----------
    both : int
        Rows in which both are missing.
    share : float
        Of the rows in which this column is missing, those in which the other one is, too.
    elsewhere : float
        Of the other rows, those in which the other column is missing.
    """

    column: str
    both: int
    share: float
    elsewhere: float


@dataclass(frozen=True)
class Gaps:
    """The gaps of one column.

    Attributes
    ----------
    segments : tuple of float, shape (n_segments,)
        Share of missing values along the rows, in parts of the same length.
    together : tuple of Together
        At most `MAX_TOGETHER` columns, those first whose gaps differ most between the rows with and without a value.
    """

    column: str
    rows: int
    segments: tuple[float, ...]
    together: tuple[Together, ...]


def find_gaps(load: Load, column: str, others: Sequence[str], n_rows: int) -> Gaps:
    """Look at the gaps of a column.

    Parameters
    ----------
    others : sequence of str
        The columns that have gaps of their own.
    """
    gaps = np.asarray(pc.is_null(load([column])[column]))
    n_segments = min(N_SEGMENTS, n_rows)
    borders = np.linspace(0, n_rows, n_segments + 1).astype(np.int64)
    segments = np.diff(np.concatenate(([0], np.cumsum(gaps)))[borders]) / np.maximum(np.diff(borders), 1)
    n_gaps = int(gaps.sum())
    found = []
    for batch in iter_batches(load, [name for name in others if name != column], n_rows):
        for name in batch.column_names:
            their = np.asarray(pc.is_null(batch[name]))
            both = int(np.count_nonzero(their & gaps))
            elsewhere = (int(their.sum()) - both) / max(n_rows - n_gaps, 1)
            found.append(Together(name, both, both / max(n_gaps, 1), elsewhere))
    found.sort(key=lambda one: -abs(one.share - one.elsewhere))
    return Gaps(column, n_rows, tuple(segments.tolist()), tuple(found[:MAX_TOGETHER]))
