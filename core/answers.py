"""A scoring result as files and as what `POST /predict` answers."""

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from core import exports
from core.errors import DataError
from core.scoring import PREDICTION, WHOLE_NUMBER, Scored

_ID_NAME = re.compile(r"^id$|_id$|[a-z]Id$", re.IGNORECASE)


def answer(scored: Scored, shape: str | None = None) -> object:
    """Return the result as `POST /predict` answers.

    Parameters
    ----------
    scored : Scored
        The result.
    shape : {None, "records"}
        None gives ``{id: label}`` when the file has an id column, else ``[label, …]``; "records" one object per row.

    Raises
    ------
    DataError
        If ids repeat, which an object cannot hold, or the shape is unknown.
    """
    name = _id_column(scored)
    if shape == "records":
        records = [dict(zip(scored.results.column_names, row, strict=True)) for row in _rows(scored.results)]
        if name is None:
            return records
        ids = [int(value) if WHOLE_NUMBER.match(str(value)) else value for value in scored.source[name].to_pylist()]
        return [{name: value, **record} for value, record in zip(ids, records, strict=True)]
    if shape not in (None, ""):
        raise DataError(f"Shape {shape!r} is unknown.", hint="Use shape=records, or none.", code="predict.shape")
    labels = scored.results[PREDICTION].to_pylist()
    if name is None:
        return labels
    by_id = dict(zip(scored.source[name].cast(pa.string()).to_pylist(), labels, strict=True))
    if len(by_id) < len(labels):
        raise DataError(
            f"Ids in column {name!r} repeat, so they cannot name the rows.",
            hint="Ask for shape=records, which keeps every row.",
            code="predict.ids_repeat",
        )
    return by_id


def save(scored: Scored, path: Path) -> float:
    """Write the result to a file by its suffix (csv, xlsx, json, parquet) and return the seconds it took.

    Raises
    ------
    UnsupportedFileError
        If the suffix is another one.
    DataError
        If Excel cannot hold that many rows.
    DiskFullError
        If there is no space; nothing is left behind.
    """
    begun = time.monotonic()
    exports.write_table(scored.table(as_text=path.suffix.lower() == ".csv"), path, summary=scored.summary())
    return time.monotonic() - begun


def _id_column(scored: Scored) -> str | None:
    """Return the column that names rows: the schema's, else one called id or *_id."""
    names = scored.source.column_names
    if scored.spec.id_column in names:
        return scored.spec.id_column
    return next((name for name in names if _ID_NAME.search(name) and name not in scored.spec.needed), None)


def _rows(table: pa.Table) -> Iterator[tuple[Any, ...]]:
    return zip(*(table[name].to_pylist() for name in table.column_names), strict=True)
