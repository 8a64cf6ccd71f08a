"""Drift: how far the values of a table are from those of a reference, column by column.

A `Reference` is a small summary (bins, shares, levels, a sketch of the quantiles) that survives JSON, so that it can be
stored with a model; it knows nothing of files. What is compared with it are new values.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Final, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from core.data.drift.records import (
    LARGE_PSI,
    MODERATE_PSI,
    ColumnDrift,
    ColumnReference,
    Drift,
    DriftBin,
    DriftBinKind,
    Reference,
    Size,
)
from core.data.relations.binning import show_numbers
from core.data.tables.batches import Load, iter_batches
from core.data.tables.codes import to_numbers
from core.data.tables.roles import as_category
from core.domain.columns import FEATURE_TYPES, Column, Schema
from core.wording import count_text

N_BINS: Final = 10
TOP_LEVELS: Final = 20
MAX_LEVELS: Final = 10_000
SKETCH_SIZE: Final = 1_001
MAX_NAMED_LEVELS: Final = 100
_SHARE_FLOOR = 1e-4

__all__ = [
    "LARGE_PSI",
    "MODERATE_PSI",
    "ColumnDrift",
    "ColumnReference",
    "Drift",
    "DriftBin",
    "Reference",
    "Size",
    "compare",
    "compare_column",
    "make_reference",
    "reference_column",
]


def make_reference(load: Load, schema: Schema, n_rows: int) -> Reference:
    """Summarise a table as what later ones are compared with.

    Parameters
    ----------
    schema : Schema
        Its columns; text and id columns are left out.
    """
    names = [column.name for column in schema.columns if column.type in FEATURE_TYPES]
    batches = iter_batches(load, names, n_rows)
    return Reference(
        n_rows, tuple(reference_column(batch[name], schema[name]) for batch in batches for name in batch.column_names)
    )


def reference_column(values: pa.ChunkedArray, column: Column) -> ColumnReference:
    """Summarise one numeric, date or category column."""
    known = values.drop_null()
    common: dict[str, Any] = {
        "name": column.name,
        "type": column.type,
        "rows": len(values),
        "missing": values.null_count,
    }
    if column.type == "category":
        return ColumnReference(**common, levels=tuple(_count_levels(known).items())[:MAX_LEVELS])
    numbers = np.sort(to_numbers(known))
    if not len(numbers):
        return ColumnReference(**common)
    borders, labels = _bins_of(numbers, column)
    counts = np.diff(np.searchsorted(numbers, borders, side="right"), prepend=0, append=len(numbers))
    points = numbers
    if len(numbers) > SKETCH_SIZE:
        points = np.quantile(numbers, np.linspace(0, 1, SKETCH_SIZE), method="inverted_cdf")
    return ColumnReference(
        **common,
        borders=tuple(borders.tolist()),
        labels=tuple(labels),
        counts=tuple(counts.tolist()),
        sketch=tuple(points.tolist()),
    )


def compare(reference: Reference, load: Load, schema: Schema, n_rows: int, *, was: Load | None = None) -> Drift:
    """Compare a table with a reference.

    Parameters
    ----------
    load, schema, n_rows
        The new table, as there.
    was : callable, optional
        Loads the table of the reference, where it is at hand: the Kolmogorov-Smirnov statistic is exact then.

    Notes
    -----
    The population stability index is the sum of (now - was) ln(now / was) over the shares of all rows in the bins of
    the reference (ten quantiles of numbers and dates, every level of a category) and missing values; shares of 0 count
    as 0.0001. Without `was` the Kolmogorov-Smirnov statistic is that against the sketch, off by at most 0.001.
    """
    known = {column.name: column for column in reference.columns}
    names = [c.name for c in schema.columns if c.name in known and c.type == known[c.name].type]
    retyped = tuple(
        (c.name, known[c.name].type, c.type) for c in schema.columns if c.name in known and c.type != known[c.name].type
    )
    found = []
    for batch in iter_batches(load, names, max(n_rows, reference.rows)):
        before = was(batch.column_names) if was else None
        for name in batch.column_names:
            old = None if before is None else before[name]
            found.append(compare_column(known[name], batch[name], old))
    found.sort(key=lambda column: -column.psi)
    features = [column.name for column in schema.columns if column.type in FEATURE_TYPES]
    only_was = tuple(name for name in known if name not in schema)
    only_now = tuple(name for name in features if name not in known)
    return Drift(reference.rows, n_rows, tuple(found), only_was, only_now, retyped)


def compare_column(
    reference: ColumnReference, values: pa.ChunkedArray, was: pa.ChunkedArray | None = None
) -> ColumnDrift:
    """Compare new values of a column with its reference; parameters as `compare`."""
    known, missing = values.drop_null(), values.null_count
    gaps = [DriftBin("missing", "missing", reference.missing, missing)] if reference.missing or missing else []
    common: dict[str, Any] = {
        "name": reference.name,
        "type": reference.type,
        "rows_was": reference.rows,
        "rows_now": len(values),
    }
    if reference.type == "category":
        return ColumnDrift(**common, **_compare_levels(reference, _count_levels(known), gaps))
    numbers = to_numbers(known)
    inside = np.bincount(np.searchsorted(reference.borders, numbers, side="left"), minlength=len(reference.borders) + 1)
    kinds: DriftBinKind = "range" if reference.borders else "value"
    bins = [
        DriftBin(label, kinds, before, int(after))
        for label, before, after in zip(reference.labels, reference.counts, inside, strict=False)
    ]
    if not reference.labels and len(numbers):
        bins = [DriftBin("any value", "unseen", 0, len(numbers))]
    points = np.asarray(reference.sketch) if was is None else to_numbers(was.drop_null())
    ks = _largest_gap(points, numbers) if len(points) and len(numbers) else None
    pairs = [(one.was, one.now) for one in (*bins, *gaps)]
    psi = _stability(pairs, reference.rows, len(values))
    return ColumnDrift(**common, bins=(*bins, *gaps), psi=psi, ks=ks)


def _largest_gap(points: NDArray[np.float64], numbers: NDArray[np.float64]) -> float:
    """Return the Kolmogorov-Smirnov statistic: the largest distance of two empirical distribution functions.

    `points` is the short side: the other is counted between its values and not sorted. The distance is largest at one
    of them, or just before it.
    """
    places = np.unique(points)

    def shares(values: NDArray[np.float64], side: Literal["left", "right"]) -> NDArray[np.float64]:
        counts = np.bincount(np.searchsorted(places, values, side=side), minlength=len(places) + 1)
        found: NDArray[np.float64] = np.cumsum(counts[:-1]) / len(values)
        return found

    sides: tuple[Literal["left", "right"], ...] = ("left", "right")
    return max(float(np.abs(shares(points, side) - shares(numbers, side)).max()) for side in sides)


def _compare_levels(reference: ColumnReference, now: Mapping[str, int], gaps: Sequence[DriftBin]) -> dict[str, Any]:
    was = dict(reference.levels)
    rest = reference.rows - reference.missing - sum(was.values())
    # Past `MAX_LEVELS` nobody knows which levels the rest were: then no level can be called new.
    new = {level: rows for level, rows in now.items() if level not in was} if not rest else {}
    lost = {level: rows for level, rows in was.items() if level not in now}
    shown, others = list(was)[:TOP_LEVELS], list(was)[TOP_LEVELS:]
    if len(others) == 1:
        shown, others = [*shown, *others], []
    bins = [DriftBin(level, "value", was[level], now.get(level, 0)) for level in shown]
    unnamed = sum(rows for level, rows in now.items() if level not in was) if rest else 0
    if others or rest:
        n_was = sum(was[level] for level in others) + rest
        n_now = sum(now.get(level, 0) for level in others) + unnamed
        bins.append(DriftBin(f"other ({_levels_text(len(others))})", "other", n_was, n_now))
    if new:
        bins.append(DriftBin(f"new ({_levels_text(len(new))})", "unseen", 0, sum(new.values())))
    pairs = [(rows, now.get(level, 0)) for level, rows in was.items()] + [(one.was, one.now) for one in gaps]
    pairs += [(rest, unnamed)] if rest else []
    pairs += [(0, sum(new.values()))] if new else []
    n_now = sum(now.values()) + sum(one.now for one in gaps)
    return {
        "bins": (*bins, *gaps),
        "psi": _stability(pairs, reference.rows, n_now),
        "new_levels": tuple(new.items())[:MAX_NAMED_LEVELS],
        "lost_levels": tuple(lost.items())[:MAX_NAMED_LEVELS],
        "n_new_levels": len(new),
        "n_lost_levels": len(lost),
    }


def _stability(pairs: Sequence[tuple[int, int]], rows_was: int, rows_now: int) -> float:
    if not pairs or not rows_was or not rows_now:
        return 0.0
    table = np.asarray(pairs, dtype=np.float64)
    was, now = np.maximum(table / (rows_was, rows_now), _SHARE_FLOOR).T
    return float(((now - was) * np.log(now / was)).sum())


def _bins_of(ordered: np.ndarray, column: Column) -> tuple[np.ndarray, list[str]]:
    """Return inner borders and labels: quantile bins, or one for each of a few values."""
    distinct = np.unique(ordered)
    if len(distinct) <= N_BINS:
        return distinct[:-1], show_numbers(distinct, column)
    borders = np.unique(np.quantile(ordered, np.linspace(0, 1, N_BINS + 1)[1:-1], method="inverted_cdf"))
    borders = borders[borders < ordered[-1]]
    texts = show_numbers(borders, column)
    labels = [f"{low} to {high}" for low, high in pairwise(texts)]
    return borders, [f"up to {texts[0]}", *labels, f"over {texts[-1]}"]


def _levels_text(count: int) -> str:
    return count_text(count, "level")


def _count_levels(known: pa.ChunkedArray) -> dict[str, int]:
    counted = as_category(known).value_counts()
    order = pc.sort_indices(counted.field("counts"), sort_keys=[("", "descending")])
    top = counted.take(order)
    return dict(zip(top.field("values").to_pylist(), top.field("counts").to_pylist(), strict=True))
