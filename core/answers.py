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
    labels = scored.results[PREDICTION].to_pylist()
    ids = _ids(scored)
    if shape == "records":
        records = [dict(zip(scored.results.column_names, row, strict=True)) for row in _rows(scored.results)]
        if ids is None:
            return records
        name, values = ids
        return [{name: value, **record} for value, record in zip(values, records, strict=True)]
    if shape not in (None, ""):
        raise DataError(f"Shape {shape!r} is unknown.", hint="Use shape=records, or none.", code="predict.shape")
    if ids is None:
        return labels
    name, values = ids
    keys = [str(value) for value in values]
    if len(set(keys)) < len(keys):
        raise DataError(
            f"Ids in column {name!r} repeat, so they cannot name the rows.",
            hint="Ask for shape=records, which keeps every row.",
            code="predict.ids_repeat",
        )
    return dict(zip(keys, labels, strict=True))


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


def _ids(scored: Scored) -> tuple[str, list[Any]] | None:
    """Return the name and values of the column that names rows: the schema's, else one called id or *_id."""
    names = scored.source.column_names
    candidates = [scored.spec.id_column] if scored.spec.id_column in names else []
    candidates += [name for name in names if _ID_NAME.search(name) and name not in scored.spec.features]
    if not candidates:
        return None
    name = str(candidates[0])
    values = scored.source[name].to_pylist()
    return name, [int(value) if WHOLE_NUMBER.match(str(value)) else value for value in values]


def _rows(table: pa.Table) -> Iterator[tuple[Any, ...]]:
    return zip(*(table[name].to_pylist() for name in table.column_names), strict=True)
