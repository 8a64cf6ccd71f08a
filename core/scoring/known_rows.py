"""Rows that were there before, known by their id, else by all their values; and those that a model learned from."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from core.data.datasets.opened import MAX_CACHED_ROWS
from core.data.datasets.registry import Datasets
from core.data.tables.packed import PackedTable
from core.features.checking import rename_columns
from core.metrics.ranking import BoolArray
from core.models.opened import StoredModel
from core.scoring.kept.saved import plain_ids
from core.scoring.result import Scored
from core.store.mlflow import Store
from core.wording import count_text, list_text

_NAMED: Final = 3


def as_text(table: pa.Table) -> pa.Table:
    """Return a table with every cell as text."""
    return pa.table([column.cast(pa.string()) for column in table.columns], names=table.column_names)


def not_in(rows: pa.Table, known: pa.Table, id_name: str | None = None) -> BoolArray:
    """Tell which rows are not among known ones: by id, else by the columns of both, as often as they are there.

    Parameters
    ----------
    rows, known : Table
        All cells as text.
    """
    shared = [name for name in rows.column_names if name in known.column_names]
    if id_name in shared:
        ids = plain_ids(rows[id_name])
        found: BoolArray = pc.invert(pc.is_in(ids, value_set=plain_ids(known[id_name]).combine_chunks())).to_numpy()
        return found
    keys = pa.chunked_array([*_joined(rows, shared).chunks, *_joined(known, shared).chunks], pa.large_string())
    codes = keys.combine_chunks().dictionary_encode().indices.to_numpy(zero_copy_only=False)
    own, others = codes[: rows.num_rows], codes[rows.num_rows :]
    order = np.argsort(own, kind="stable")
    in_order = own[order]
    copy = np.empty(len(own), np.int64)  # which one it is of the rows that are alike
    copy[order] = np.arange(len(own)) - np.searchsorted(in_order, in_order)
    is_beyond: BoolArray = copy >= np.bincount(others, minlength=len(codes))[own]
    return is_beyond


def seen_warnings(
    datasets: Datasets, store: Store, results: Sequence[Scored], names: Mapping[str, str]
) -> tuple[str, ...]:
    """Say which models were trained on rows of the file that they are compared on: its metrics flatter them.

    Parameters
    ----------
    results : sequence of Scored
        One file, scored with each model.
    names : mapping of str to str
        What each model is called, by id.

    Notes
    -----
    Rows held out of a training do not count, nor do rows without an actual value. Where the dataset was deleted, or has
    too many rows to be compared cell by cell, it says that this is not known.
    """
    found: dict[tuple[int | None, int], list[str]] = {}
    for scored in results:
        if scored.n_compared:
            n_seen = _count_seen(datasets, StoredModel(store, scored.model), scored)
            found.setdefault((n_seen, scored.n_compared), []).append(names[scored.model.id])
    return tuple(
        _words(n_seen, n_rows, called) for (n_seen, n_rows), called in found.items() if n_seen is None or n_seen
    )


def _words(n_seen: int | None, n_rows: int, called: Sequence[str]) -> str:
    who = list_text(called, _NAMED)
    were, them = ("was", "it") if len(called) == 1 else ("were", "them")
    if n_seen is None:
        return (
            f"Whether {who} {were} trained on rows of this file is not known; if so, the metrics here flatter {them}."
        )
    rows = f"All {count_text(n_rows, 'row')}" if n_seen == n_rows else f"{n_seen:,} of {count_text(n_rows, 'row')}"
    are = "is" if n_rows == 1 else "are"
    return (
        f"{rows} of this file {are} among those that {who} {were} trained on, so the metrics here flatter {them}."
        " A newer file tells which is better."
    )


def _count_seen(datasets: Datasets, model: StoredModel, scored: Scored) -> int | None:
    """Count the rows with an actual value that a model was trained on; None where that cannot be told."""
    spec = model.spec
    if datasets.find_id(spec.dataset_id) is None or scored.actual is None:
        return None
    data = datasets.open(spec.dataset_id)
    rows, _ = rename_columns(PackedTable.of(scored.source).table(), dict(scored.renamed))
    names, by_id = data.about.schema.names, spec.id_column in data.about.schema and spec.id_column in rows.column_names
    if not by_id and data.about.n_rows > MAX_CACHED_ROWS:
        return None
    shared = [name for name in names if name in rows.column_names and (not by_id or name == spec.id_column)]
    is_trained = np.ones(data.about.n_rows, bool)
    is_trained[model.held_out_rows] = False
    known = as_text(data.source(shared)).filter(pa.array(is_trained))
    judged = as_text(rows.select(shared)).filter(scored.actual.is_valid())
    return int((~not_in(judged, known, spec.id_column)).sum())


def _joined(table: pa.Table, names: Sequence[str]) -> pa.ChunkedArray:
    columns = [table[name].cast(pa.large_string()) for name in names]
    joined = pc.binary_join_element_wise(
        *columns, pa.scalar("\x1f", pa.large_string()), null_handling="replace", null_replacement=""
    )
    return pa.chunked_array(joined.chunks, pa.large_string())
