"""What the readers of all formats share inside the child process: the request, the header rule, the output."""

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow.lib import StringBuilder

from core.domain.reading import ReadOptions
from core.errors import FileTooLargeError
from core.wording import cut_text

MAX_NAME_CHARS = 300
HEAD_ROWS = 25
_HEAD_COLUMNS = 60
_HEAD_CHARS = 80
_BREAKS = re.compile(r"[\r\n\t\v\f]+")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, kw_only=True)
class Request:
    """One file to read, as it crosses the pipe; sizes in bytes.

    Attributes
    ----------
    action : str
        ``"read"``; ``"look"``: of a large file only the head; ``"sheets"``: name the sheets, read nothing.
    scratch : str
        An empty file that an archive may be unpacked to.
    """

    action: str
    path: str
    out: str
    scratch: str
    name: str
    format: str
    gzipped: bool
    options: ReadOptions
    max_columns: int
    max_cell_bytes: int
    max_file_bytes: int
    max_unpacked_bytes: int
    memory_bytes: int
    cpu_s: int


@dataclass(frozen=True, kw_only=True)
class ReadResult:
    """What the child found out about the file it read.

    Attributes
    ----------
    doubts : tuple of str
        Those of the warnings that are about a guess which a person should see before the data is used.
    renamed : tuple of (str, str)
        Names as they stand in the file, where they had to be changed, and what the columns are called.
    head : tuple of (int, list of str)
        The first rows as they stand in the file, with their numbers; only when somebody looks.
    estimated_rows : int or None
        When only the head was read: about how many rows there are.
    """

    rows: int = 0
    columns: tuple[str, ...] = ()
    format: str = ""
    member: str | None = None
    encoding: str | None = None
    separator: str | None = None
    quote: str | None = None
    sheet: str | None = None
    sheets: tuple[str, ...] = ()
    header_row: int = 1
    n_header_rows: int = 1
    footer_rows: int = 0
    warnings: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    renamed: tuple[tuple[str, str], ...] = ()
    head: tuple[tuple[int, list[str]], ...] = ()
    estimated_rows: int | None = None


def clean_header(raw: Sequence[str], max_columns: int) -> tuple[list[str], list[str]]:
    """Apply the header rule of docs/files.md.

    Parameters
    ----------
    raw : sequence of str, shape (n_columns,)
        The header cells as they stand in the file.
    max_columns : int
        The most columns allowed.

    Returns
    -------
    names : list of str, shape (n_columns,)
        Unique names that every part of the product can carry.
    warnings : list of str
        One sentence for each name that had to be changed.

    Raises
    ------
    FileTooLargeError
        If there are more than `max_columns` names.

    Examples
    --------
    >>> clean_header(["a", " b", "", "a"], 10)[0]
    ['a', 'b', 'column_3', 'a_2']
    """
    if len(raw) > max_columns:
        raise FileTooLargeError(
            f"The file has {len(raw):,} columns; the limit is {max_columns:,}.",
            hint="Remove columns that are not needed, or raise BELLWETHER_MAX_COLUMNS.",
            code="file.too_many_columns",
        )
    tidy = [_tidy_name(name) or f"column_{position}" for position, name in enumerate(raw, start=1)]
    # Names that stand in the file win over names made here, so "a, a, a_2" keeps its own "a_2".
    taken, used, names = set(tidy), set[str](), list[str]()
    for name in tidy:
        unique, number = name, 2
        while unique in used or (unique != name and unique in taken):
            unique, number = f"{name}_{number}", number + 1
        used.add(unique)
        names.append(unique)
    pairs = enumerate(zip(raw, names, strict=True), start=1)
    return names, [_rename_warning(position, old, new) for position, (old, new) in pairs if old != new]


def renames(raw: Sequence[str], names: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Return the names that were changed, as they stand in the file, and what they became."""
    return tuple((old, new) for old, new in zip(raw, names, strict=True) if old != new and old.strip())


def _tidy_name(name: str) -> str:
    name = name.replace("\ufeff", "")  # a byte-order mark of a file that this one was put together from
    name = _CONTROLS.sub("", _BREAKS.sub(" ", name.strip()))
    return name.replace('"', "'").replace("\\", "/")[:MAX_NAME_CHARS].strip()


def _rename_warning(position: int, old: str, new: str) -> str:
    if not old.strip():
        return f"Column {position} has no name; it is called {new!r}."
    return f"Column {position}, {cut_text(old)!r}, is called {new!r}."


class ParquetSink:
    """Writes batches to one Parquet file, watching the size of cells and of the whole."""

    def __init__(self, path: str, schema: pa.Schema, request: Request) -> None:
        self._request = request
        self._schema = schema
        # snappy was as fast as no compression on 1,000,000 x 12 cells of text and a third faster than zstd; the
        # dictionaries halve the file and speed up whoever counts values later.
        self._writer = pq.ParquetWriter(path, schema, compression="snappy", write_statistics=False)
        self.rows = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._writer.close()
            return
        # The file is thrown away, yet an open writer would still write to the path when it is collected, which may be
        # after a second attempt has begun there. A second error must not hide the first.
        with suppress(OSError, pa.ArrowException):
            self._writer.close()

    def write(self, columns: Iterable[Any]) -> None:
        """Append columns of equal length, in the order of the schema.

        FileTooLargeError if a cell is larger than the limit.
        """
        batch = pa.RecordBatch.from_arrays(list(columns), schema=self._schema)
        for number, column in enumerate(batch.columns):
            # The whole column's bytes bound its largest cell, so most batches need no second look.
            if pa.types.is_string(column.type) and column.nbytes > self._request.max_cell_bytes:
                self._check_cells(number, column)
        self._writer.write_batch(batch)
        self.rows += batch.num_rows

    def _check_cells(self, number: int, column: Any) -> None:
        lengths = pc.binary_length(column)
        largest = pc.max(lengths).as_py() or 0
        if largest > self._request.max_cell_bytes:
            row = self.rows + pc.index(lengths, pa.scalar(largest, lengths.type)).as_py() + 1
            raise cell_too_large(f"data row {row:,}, column {self._schema.names[number]!r}", self._request)


def cell_too_large(place: str, request: Request) -> FileTooLargeError:
    """Return the error for a cell over the limit; `place` says where it is."""
    return FileTooLargeError(
        f"The cell in {place} is larger than {request.max_cell_bytes:,} bytes.",
        hint="Shorten the text, look for a quote that is never closed, or raise BELLWETHER_MAX_CELL.",
        code="file.cell_too_large",
    )


def string_schema(names: Sequence[str]) -> pa.Schema:
    """Return a schema in which every column is text."""
    return pa.schema([pa.field(name, pa.string()) for name in names])


def text_array(values: Sequence[str]) -> Any:
    """Return texts as an Arrow array."""
    # pa.array() would do, but it imports pandas on its first call, which doubles the time for a small file.
    builder = StringBuilder()
    builder.append_values(values)
    return builder.finish()


def show_head(rows: Iterable[tuple[int, Sequence[str]]], request: Request) -> tuple[tuple[int, list[str]], ...]:
    """Return the first rows, cut to what a page shows, when somebody looks; else nothing."""
    if request.action != "look":
        return ()
    shown = islice(rows, HEAD_ROWS)
    return tuple((number, [cell[:_HEAD_CHARS] for cell in cells[:_HEAD_COLUMNS]]) for number, cells in shown)
