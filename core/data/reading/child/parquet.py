"""Parquet, rewritten with the column types the product works with; runs in the child process only."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from core.data.reading.child.periods import first_moments, is_dated, period_of
from core.data.reading.child.request import HEAD_ROWS, ParquetSink, ReadResult, Request, clean_header, renames
from core.errors import EmptyDataError, FileTooLargeError, UnreadableFileError, UnsupportedFileError

_BATCH_ROWS = 65_536
_LOOK_CELLS = 1_000_000
_MARK_BYTES = 4
_INT64_DIGITS, _INT64_END = 18, 2**63
_FLOAT_DIGITS, _FLOAT_END = 15, 2**53


def read_parquet(request: Request) -> ReadResult:
    """Copy the file batch by batch with simple types.

    Raises
    ------
    DataError
        As docs/files.md lists them.
    """
    _check_marks(request.path)
    try:
        # Spark writes INT96, which counts nanoseconds: a year past 2262 would wrap around.
        with pq.ParquetFile(request.path, coerce_int96_timestamp_unit="us") as file:
            return _copy(file, request)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowSerializationError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise UnreadableFileError("The Parquet file is damaged or uses a feature that is not supported.") from error


def _check_marks(path: str) -> None:
    with Path(path).open("rb") as file:
        start = file.read(_MARK_BYTES)
        file.seek(-min(_MARK_BYTES, file.seek(0, 2)), 2)
        end = file.read()
    if b"PARE" in (start, end):
        raise UnsupportedFileError(
            "The Parquet file is encrypted.", hint="Save it without encryption.", code="file.encrypted"
        )
    if start != b"PAR1":
        raise UnsupportedFileError(
            "The name says Parquet, but the content is something else.", code="file.content_mismatch"
        )
    if end != b"PAR1":
        raise UnreadableFileError("The Parquet file is cut short.")


def _copy(file: Any, request: Request) -> ReadResult:
    source = file.schema_arrow
    names, warnings = clean_header(source.names, request.max_columns)
    if not names:
        raise EmptyDataError("The Parquet file has no columns.")
    periods = [period_of(field) for field in source]
    warnings += [
        f"Column {name!r} holds periods ({period}) that are read as their numbers: turn them into dates or text."
        for name, period in zip(names, periods, strict=True)
        if period is not None and not is_dated(period)
    ]
    kinds = [
        pa.timestamp("us") if is_dated(period) else _target_type(file, place, name)
        for place, (name, period) in enumerate(zip(names, periods, strict=True))
    ]
    schema = pa.schema(list(zip(names, kinds, strict=True)))
    unpacked, n_rows = 0, file.metadata.num_rows
    # Of a large file only the first rows are looked at; the number of rows stands in the file.
    is_head = request.action == "look" and n_rows * len(names) > _LOOK_CELLS
    with ParquetSink(request.out, schema, request) as sink:
        for batch in file.iter_batches(batch_size=2 * HEAD_ROWS if is_head else _BATCH_ROWS):
            columns = [_convert(*each) for each in zip(batch.columns, kinds, periods, strict=True)]
            unpacked += sum(column.nbytes for column in columns)
            if unpacked > request.max_file_bytes:
                raise FileTooLargeError(
                    f"The file unpacks to more than {request.max_file_bytes:,} bytes.",
                    hint="Split the file, or raise BELLWETHER_MAX_FILE.",
                )
            sink.write(columns)
            if is_head:
                break
    if not sink.rows:
        raise EmptyDataError("The Parquet file has no rows.", code="file.no_rows")
    return ReadResult(
        rows=sink.rows,
        columns=tuple(names),
        format="parquet",
        warnings=tuple(warnings),
        renamed=renames(source.names, names),
        estimated_rows=n_rows if is_head else None,
    )


def _target_type(file: Any, place: int, name: str) -> Any:
    types, kind = pa.types, file.schema_arrow.types[place]
    if types.is_dictionary(kind):
        kind = kind.value_type
    if period_of(file.schema_arrow.field(place)) is not None:
        return pa.int64()
    if types.is_decimal(kind):
        return _decimal_type(file, place, kind)
    if types.is_float16(kind):
        return pa.float64()
    if types.is_integer(kind) or types.is_floating(kind) or types.is_timestamp(kind) or types.is_date(kind):
        return kind
    textual = types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind)
    if textual or types.is_boolean(kind) or types.is_null(kind) or types.is_time(kind):
        return pa.string()
    raise UnsupportedFileError(
        f"Column {name!r} is of the Parquet type {kind}, which is not a number, date or text.",
        hint="Turn the column into numbers or text, or leave it out.",
        code="file.column_type",
    )


def _decimal_type(file: Any, place: int, kind: Any) -> Any:
    """Return a type that keeps every digit of a column of decimals; text where numbers would round whole ones."""
    if kind.scale <= 0:
        holds, limit = pa.int64(), _INT64_DIGITS
    else:
        holds, limit = pa.float64(), _FLOAT_DIGITS
    if kind.precision <= limit:
        return holds
    end = _INT64_END if kind.scale <= 0 else _FLOAT_END
    name = file.schema.column(place).path  # nested columns are refused: one leaf a column
    for batch in file.iter_batches(batch_size=_BATCH_ROWS, columns=[name]):
        for column in batch.columns:  # several where a name repeats
            edges = pc.min_max(pc.cast(_decoded(column), pa.float64(), safe=False)).values()
            if max(abs(edge.as_py() or 0.0) for edge in edges) >= end:
                return pa.string()
    return holds


def _decoded(column: Any) -> Any:
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column


def _convert(column: Any, kind: Any, period: str | None = None) -> Any:
    column = _decoded(column)
    if period is not None:
        return first_moments(column, period) if is_dated(period) else getattr(column, "storage", column)
    if pa.types.is_decimal(column.type) and pa.types.is_string(kind):
        # Zeros behind the point are those of the type, not of the number.
        text = pc.cast(column, pa.string())
        return pc.replace_substring_regex(text, r"\.0*$|(\.[0-9]*[1-9])0+$", r"\1") if column.type.scale > 0 else text
    if pa.types.is_float16(column.type):
        column = pc.cast(column, pa.float32())
    if pa.types.is_time(column.type):
        return pc.replace_substring_regex(pc.cast(column, pa.string()), r"\.0+$", "")
    return column if column.type == kind else pc.cast(column, kind, safe=False)
