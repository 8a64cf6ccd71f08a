"""Results out: CSV, xlsx, JSON and Parquet, written whole or not at all, with no cell that a spreadsheet would run."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.compute as pc

from core.data.tables.packed import AnyTable, PackedTable, pack, write_packed
from core.errors import UnsupportedFileError
from core.exports.xlsx import Look, count_sheets, is_excel_time, write_xlsx
from core.files import atomic_path
from core.parallel import iter_ahead

WRITABLE_SUFFIXES: tuple[str, ...] = (".csv", ".xlsx", ".json", ".parquet")
__all__ = [
    "EXCEL_CSV",
    "EXCEL_CSV_COMMAS",
    "PLAIN_CSV",
    "WRITABLE_SUFFIXES",
    "CsvStyle",
    "Look",
    "check_output",
    "count_sheets",
    "write_table",
]
_BATCH_ROWS = 10_000
_GROUP_ROWS = 65_536
# RE2 and re agree on these; \z is spelled $ in the first and \Z in the second.
_TRIGGER = r"^[=+\-@\t\r\x00]"
_NUMBER = r"^[+\-]?(\d+\.?\d*|\.\d+)([eE][+\-]?\d+)?"


@dataclass(frozen=True, kw_only=True)
class CsvStyle:
    """How a CSV file is written.

    Attributes
    ----------
    decimal : str
        In numbers that are numbers in the table.
    bom : bool
        Whether the file begins with a byte-order mark, by which Excel knows UTF-8.
    """

    separator: str = ","
    decimal: str = "."
    bom: bool = False

    @property
    def quoted(self) -> str:
        """The pattern of cells that need quotes."""
        return f'["\r\n{re.escape(self.separator)}]'


PLAIN_CSV = CsvStyle()
EXCEL_CSV = CsvStyle(bom=True)  # opens right where Excel writes 1.5
EXCEL_CSV_COMMAS = CsvStyle(separator=";", decimal=",", bom=True)  # opens right where it writes 1,5


def check_output(path: Path) -> None:
    """Refuse a path that `write_table` could not write, before any work is done for it.

    UnsupportedFileError if the suffix is not .csv, .xlsx, .json or .parquet, or the path is a folder.
    """
    suffix = path.suffix.lower()
    if suffix not in WRITABLE_SUFFIXES:
        raise UnsupportedFileError(
            f"Files that end in {suffix or 'nothing'!r} cannot be written.",
            hint="Choose .csv, .xlsx, .json or .parquet.",
        )
    if path.is_dir():
        raise UnsupportedFileError(f"{path.name!r} is a folder.", hint="Name a file in it.")


def write_table(
    table: AnyTable,
    path: Path,
    *,
    summary: Mapping[str, str] | None = None,
    look: Look | None = None,
    csv: CsvStyle = PLAIN_CSV,
) -> None:
    """Write a table in the format that the suffix of `path` names.

    Parameters
    ----------
    table : Table or PackedTable, shape (n_rows, n_columns)
        Columns of numbers, booleans, dates, times and text, with unique names. NaN counts as missing everywhere but
        in Parquet.
    path : Path
        Ends in .csv, .xlsx, .json or .parquet; an existing file is replaced atomically.
    summary : mapping of str to str, optional
        Rows of the second sheet; used by xlsx only.
    look : Look, optional
        Number formats, colours and more sheets; used by xlsx only.
    csv : CsvStyle
        Used by csv only.

    Raises
    ------
    DataError
        If the table does not fit into a workbook.

    Notes
    -----
    127,037 rows x 14 columns take about 0.3 s as CSV, 2 s as xlsx or JSON. Of a packed table only some rows at a time
    are unpacked, but for xlsx.
    """
    check_output(path)
    suffix = path.suffix.lower()
    with atomic_path(path) as temporary:
        if suffix == ".parquet":
            write_packed(table, temporary, rows_a_group=_GROUP_ROWS)
            return
        if suffix == ".xlsx":
            whole = table if isinstance(table, pa.Table) else table.table()
            plain = [_dates_or_text(column) for column in whole.columns]
            write_xlsx(pa.table(plain, names=whole.column_names), temporary, summary, look)
            return
        with temporary.open("wb") as file:
            if suffix == ".csv":
                _write_csv(table, file, csv)
            else:
                _write_json(table, file)


def _with_times_as_text(table: AnyTable) -> PackedTable:
    """Make points in time text; the whole column decides its form."""
    packed = table if isinstance(table, PackedTable) else PackedTable(table.columns, table.column_names)
    times = [field.name for field in table.schema if pa.types.is_timestamp(field.type)]
    return packed.replaced({name: pack(_plain_column(table[name])) for name in times})


def _dates_or_text(column: Any) -> Any:
    """Return a column as a workbook holds it: points in time that Excel can hold as they are, others as text."""
    return pc.cast(column, pa.timestamp("ms")) if is_excel_time(column) else _plain_column(column)


def _to_plain(table: pa.Table) -> pa.Table:
    """Reduce the columns to numbers, booleans and text; NaN becomes null."""
    return pa.table([_plain_column(column) for column in table.columns], names=table.column_names)


def _plain_column(column: Any) -> Any:
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _plain_column(pc.cast(column, kind.value_type))
    if pa.types.is_timestamp(kind):
        # Whole seconds read better without a row of zeros.
        whole = pc.all(pc.equal(pc.floor_temporal(column, unit="second"), column)).as_py()
        zone = "Z" if kind.tz else ""
        naive = pc.cast(column, pa.timestamp(kind.unit))
        text = pc.cast(pc.cast(naive, pa.timestamp("s")) if whole is not False else naive, pa.string())
        return pc.binary_join_element_wise(text, zone, "") if zone else text
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        numbers = pc.cast(column, pa.float64()) if not pa.types.is_float32(kind) else column
        return pc.if_else(pc.is_nan(numbers), pa.scalar(None, numbers.type), numbers)
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind) or pa.types.is_string(kind):
        return column
    return pc.cast(column, pa.string())


def _write_csv(table: AnyTable, file: IO[bytes], style: CsvStyle = PLAIN_CSV) -> None:
    names = table.column_names
    header = _csv_column(pa.array(names, pa.string()), "", style)
    start = "\ufeff" if style.bom else ""
    file.write((start + style.separator.join(header.to_pylist()) + "\n").encode())
    # Arrow's own writer quotes either every text or none; quoting the few cells that need it keeps the file plain.
    # A missing value alone on its line would look like a blank line.
    missing = '""' if len(names) == 1 else ""

    packed = _with_times_as_text(table)
    # What is kept as codes is made text once for each value.
    words = {name: found for name in names if (found := packed.words(name)) is not None}
    texts = {name: _csv_column(_plain_column(found), missing, style) for name, found in words.items()}
    packed = packed.replaced({name: packed.recoded(name, found) for name, found in texts.items()})

    def render(part: PackedTable) -> list[memoryview]:
        cells = [
            pc.fill_null(part[name], missing)
            if name in texts
            else _csv_column(_plain_column(part[name]), missing, style)
            for name in names
        ]
        return [_join_cells(batch, style) for batch in pa.table(cells, names=names).to_batches()]

    for lines in iter_ahead(render, packed.iter_slices(_BATCH_ROWS)):
        file.writelines(lines)


def _join_cells(batch: pa.RecordBatch, style: CsvStyle) -> memoryview:
    rows = pc.binary_join_element_wise(pc.binary_join_element_wise(*batch.columns, style.separator), "\n", "")
    # Arrow stores the strings of a fresh array without nulls end to end.
    return memoryview(rows.buffers()[2])[: pc.sum(pc.binary_length(rows)).as_py()]


def _csv_column(column: Any, missing: str, style: CsvStyle) -> Any:
    if not pa.types.is_string(column.type):
        text = pc.fill_null(pc.cast(column, pa.string()), missing)
        return text if style.decimal == "." else pc.replace_substring(text, ".", style.decimal)
    # One look for both cases: most columns have neither.
    if pc.any(pc.match_substring_regex(column, f"{_TRIGGER}|{style.quoted}")).as_py():
        column = _quote_column(_neutralise_column(column), style)
    if missing:
        column = pc.if_else(pc.equal(column, ""), missing, column)
    return pc.fill_null(column, missing)


def _quote_column(column: Any, style: CsvStyle) -> Any:
    quoted = pc.binary_join_element_wise('"', pc.replace_substring(column, '"', '""'), '"', "")
    return pc.if_else(pc.match_substring_regex(column, style.quoted), quoted, column)


def _neutralise_column(column: Any) -> Any:
    """Put an apostrophe before text that a spreadsheet would run as a formula.

    Text is taken for a formula when it starts with ``=``, ``+``, ``-``, ``@``, a tab, a carriage return or NUL, unless
    all of it is a plain number.
    """
    formulas = pc.match_substring_regex(column, _TRIGGER)
    formulas = pc.and_not(formulas, pc.match_substring_regex(column, _NUMBER + "$"))
    return pc.if_else(formulas, pc.binary_join_element_wise("'", column, ""), column)


def _write_json(table: AnyTable, file: IO[bytes]) -> None:
    """Write a list with one object a line, so that a reader can stream it."""
    separator = b"[\n"
    for record in _iter_json(table):
        file.write(separator + record)
        separator = b",\n"
    file.write(b"\n]\n" if table.num_rows else b"[]\n")


def _iter_json(table: AnyTable) -> Iterator[bytes]:
    encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
    for part in _with_times_as_text(table).iter_slices(_BATCH_ROWS):
        plain = _to_plain(part.table())
        # JSON knows no infinity either.
        columns = [
            pc.if_else(pc.is_finite(column), column, pa.scalar(None, column.type))
            if pa.types.is_floating(column.type)
            else column
            for column in plain.columns
        ]
        for record in pa.table(columns, names=plain.column_names).to_pylist():
            yield encode(record).encode()
