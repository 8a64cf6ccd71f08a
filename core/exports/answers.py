"""A scoring result as files and as what `POST /predict` answers."""

import json
import math
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from core.errors import DataError
from core.exports.sheets import make_look
from core.exports.tables import PLAIN_CSV, CsvStyle, count_sheets, write_table
from core.features.checking import FileCheck
from core.files import atomic_path
from core.metrics.labels import PREDICTION, WHOLE_NUMBER
from core.scoring.result import Keep, Scored

_FEW = 100  # rows, of which a `dict` is made sooner than Arrow is asked
_ESCAPED = r'["\\\x00-\x1f]'  # what JSON does not take as it is


def answer(scored: Scored, shape: str | None = None) -> object:
    """Return the result as `POST /predict` answers.

    Parameters
    ----------
    shape : {None, "records", "report"}
        None gives ``{id: label}`` when the file has an id column, else ``[label, …]``; "records" one object per row;
        "report" the records with model, threshold, check, warnings and metrics.

    Raises
    ------
    DataError
        If ids repeat, which an object cannot hold, or the shape is unknown.
    """
    name = scored.id_name
    if shape == "report":
        return {**_about(scored), "predictions": answer(scored, "records")}
    if shape == "records":
        records = [dict(zip(scored.results.column_names, row, strict=True)) for row in _rows(scored.results)]
        if name is None:
            return records
        ids = [int(value) if WHOLE_NUMBER.match(str(value)) else value for value in scored.source[name].to_pylist()]
        return [{name: value, **record} for value, record in zip(ids, records, strict=True)]
    if shape not in (None, ""):
        raise DataError(f"Shape {shape!r} is unknown.", hint="Use records or report, or none.", code="predict.shape")
    labels = scored.results[PREDICTION].to_pylist()
    return labels if name is None else dict(zip(_unique_ids(scored, name).to_pylist(), labels, strict=True))


def labels_json(scored: Scored) -> bytes:
    """Return ``{id: label}``, or ``[label, …]`` without ids, as JSON; what `answer` gives, of a million rows as well.

    Raises
    ------
    DataError
        If ids repeat.

    Notes
    -----
    1,000,000 rows with ids take about 0.4 s, a fourth of what it takes to make a `dict` of them and write that.
    """
    labels = scored.results[PREDICTION]
    if pa.types.is_floating(labels.type) or len(labels) <= _FEW:
        return json.dumps(answer(scored), ensure_ascii=False, allow_nan=False).encode()
    cells, name = _json_cells(labels), scored.id_name
    if name is not None:
        ids = _unique_ids(scored, name)
        keys = _json_texts(ids) if pc.any(pc.match_substring_regex(ids, _ESCAPED)).as_py() else _quoted(ids)
        cells = pc.binary_join_element_wise(pc.fill_null(keys, '"null"'), cells, ": ")
    chunks = [chunk for chunk in pa.chunked_array(cells).chunks if len(chunk)]
    texts = [pc.binary_join(pa.ListArray.from_arrays([0, len(chunk)], chunk), ", ")[0].as_py() for chunk in chunks]
    opening, closing = "[]" if name is None else "{}"
    return (opening + ", ".join(texts) + closing).encode()


def _unique_ids(scored: Scored, name: str) -> pa.ChunkedArray:
    """Return the ids as text; refuse them when two rows have the same."""
    ids = scored.source[name].cast(pa.string())
    if pc.count_distinct(ids, mode="all").as_py() < len(ids):
        raise DataError(
            f"Ids in column {name!r} repeat, so they cannot name the rows.",
            hint="Ask for shape=records, which keeps every row.",
            code="predict.ids_repeat",
        )
    return ids


def _json_cells(labels: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return whole numbers or texts as JSON."""
    if pa.types.is_integer(labels.type):
        return labels.cast(pa.string())
    encoded = labels.combine_chunks().dictionary_encode()
    return pa.chunked_array([_json_texts(encoded.dictionary).take(encoded.indices)])


def _json_texts(texts: pa.Array | pa.ChunkedArray) -> pa.Array:
    return pa.array([None if text is None else json.dumps(text, ensure_ascii=False) for text in texts.to_pylist()])


def _quoted(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.binary_join_element_wise('"', texts, '"', "")


def check_words(check: FileCheck) -> dict[str, Any]:
    """Return the verdict and every finding as plain data."""
    return {"verdict": check.verdict, "findings": [asdict(finding) for finding in check.findings]}


def _about(scored: Scored) -> dict[str, Any]:
    return {
        "model": scored.model.uri,
        "experiment": scored.model.experiment,
        "version": scored.model.version,
        "rows": scored.n_rows,
        "threshold": scored.threshold,
        "check": None if scored.check is None else check_words(scored.check),
        "warnings": list(scored.warnings),
        "metrics": {name: value if math.isfinite(value) else None for name, value in (scored.metrics or {}).items()},
    }


def save(scored: Scored, path: Path, *, keep: Keep = "all", csv: CsvStyle = PLAIN_CSV) -> float:
    """Write the result to a file by its suffix (csv, xlsx, json, parquet) and return the seconds it took.

    Parameters
    ----------
    keep : str
        Which of the file's own columns; see `Scored.table`.
    csv : CsvStyle
        How a CSV file is written.

    Raises
    ------
    UnsupportedFileError
        If the suffix is another one.
    DataError
        If Excel cannot hold that many rows.
    """
    begun, suffix = time.monotonic(), path.suffix.lower()
    packed = scored.packed(as_text=suffix == ".csv" and csv.decimal == ".", keep=keep)
    if suffix == ".xlsx":
        summary, table = scored.summary(), packed.table()
        if (n_sheets := count_sheets(scored.n_rows)) > 1:
            summary["Sheets"] = f"The rows are spread over {n_sheets} sheets, as Excel takes 1,048,575 on one."
        write_table(table, path, summary=summary, look=make_look(scored, table))
    else:
        write_table(packed, path, csv=csv)
    return time.monotonic() - begun


def save_labels(scored: Scored, path: Path) -> None:
    """Write ``{id: label}``, or ``[label, …]`` without ids, as `POST /predict` answers (DataError if ids repeat)."""
    text = labels_json(scored)
    with atomic_path(path) as temporary:
        temporary.write_bytes(text + b"\n")


def _rows(table: pa.Table) -> Iterator[tuple[Any, ...]]:
    return zip(*(table[name].to_pylist() for name in table.column_names), strict=True)
