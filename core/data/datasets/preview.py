"""A look at a file before it is taken in: its first rows, what is guessed about it, and why."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from core.data.datasets.folder import type_remarks
from core.data.reading.reader import FileInfo, file_info, look_at_file
from core.data.tables.schema import infer_noted
from core.domain.columns import Schema
from core.domain.formats import BOOK_FORMATS
from core.domain.reading import DECIMALS, QUOTES, RARE_SEPARATORS, SEPARATORS, Reading, ReadOptions, encoding_name
from core.files import scratch
from core.settings import Settings

ROWS: int = 50


@dataclass(frozen=True)
class Guess:
    """What was decided about one option of `ReadOptions`, in words, and why."""

    option: str
    value: str
    reason: str


@dataclass(frozen=True)
class FilePreview:
    """What a file looks like when it is read with certain options.

    Attributes
    ----------
    info : FileInfo
        Its `rows` are those that were looked at.
    head : tuple of (int, list of str)
        The first rows as they stand in the file with their numbers, long ones cut; nothing for Parquet.
    table : Table of shape (n_rows, n_columns)
        The first rows of the table as text or native types.
    schema : Schema
        The types as far as the rows looked at tell.
    is_exact : bool
        Whether `n_rows` was counted; of large files only the head is read, and the number is an estimate.
    guesses : tuple of Guess
        One for each option that matters for the format.
    doubts : tuple of str
        What a person should look at before the data is used; nothing when the guess is clear.
    """

    info: FileInfo
    head: tuple[tuple[int, list[str]], ...]
    table: pa.Table
    schema: Schema
    n_rows: int
    is_exact: bool
    guesses: tuple[Guess, ...]
    doubts: tuple[str, ...]
    remarks: tuple[str, ...]

    @property
    def reading(self) -> Reading:
        """How the file is read."""
        return self.info.reading(self.schema)


def preview_file(path: Path, name: str, settings: Settings, options: ReadOptions | None = None) -> FilePreview:
    """Look at a file in the guarded child; nothing is kept.

    Parameters
    ----------
    options : ReadOptions, optional
        What a person says about the file; everything is guessed when omitted.

    Notes
    -----
    About 0.3 s for a text file of any size: of more than 8 MiB of text, and of more than 1,000,000 cells of Parquet,
    only the first rows are read. Workbooks have to be read whole.
    """
    options = options or ReadOptions()
    with scratch(settings, "look-") as folder:
        out = folder / "head.parquet"
        answer = look_at_file(path, name, out, settings, options)
        table = pq.read_table(out, partitioning=None)
    info = file_info(answer)
    found = infer_noted(table, decimal=options.decimal, is_workbook=info.format in BOOK_FORMATS)
    schema = found.schema
    doubts, remarks = type_remarks(table, found, info, decimal=options.decimal)
    return FilePreview(
        info=info,
        head=answer.head,
        table=table.slice(0, ROWS),
        schema=schema,
        n_rows=info.rows if answer.estimated_rows is None else answer.estimated_rows,
        is_exact=answer.estimated_rows is None,
        guesses=tuple(_guesses(info, schema, options)),
        doubts=(*info.doubts, *doubts),
        remarks=tuple(text for text in chain(info.warnings, remarks) if text not in info.doubts),
    )


def _guesses(info: FileInfo, schema: Schema, options: ReadOptions) -> list[Guess]:
    said = set(options.said())
    reading = info.reading(schema)
    found = []
    if info.format == "csv":
        found += [
            Guess("separator", _word({**SEPARATORS, **RARE_SEPARATORS}, info.separator), "splits the rows most evenly"),
            Guess("encoding", encoding_name(info.encoding), _encoding_reason(info.encoding)),
            Guess("quote", _word(QUOTES, info.quote), "what almost all programs write"),
        ]
    if info.sheets:
        found.append(Guess("sheet", str(info.sheet), "the first sheet with rows"))
    if info.format != "parquet":
        above = (
            "rows above it have fewer cells than the table"
            if info.header_row > 1
            else "the first row as wide as the table"
        )
        rows = "a second row distinguishes repeated names" if info.n_header_rows > 1 else "one row names the columns"
        end = "they look like totals or notes" if info.footer_rows else "no totals or notes were found"
        found += [
            Guess("header_row", str(info.header_row) if info.header_row else "None", above),
            Guess("n_header_rows", str(info.n_header_rows), rows),
            Guess("skip_footer", str(info.footer_rows), end),
            Guess("decimal", DECIMALS[reading.decimal], _decimal_reason(schema)),
        ]
    return [Guess(one.option, one.value, "as you chose") if one.option in said else one for one in found]


def _word(words: Mapping[str, str], key: str | None) -> str:
    return words.get(key or "", repr(key))


def _encoding_reason(encoding: str | None) -> str:
    if encoding == "utf-8":
        return "every character fits"
    if encoding == "cp1252":
        return "it is not UTF-8, and this is what Windows programs write"
    return "recognised by the first bytes"


def _decimal_reason(schema: Schema) -> str:
    commas = [column.name for column in schema.columns if column.decimal == ","]
    if commas:
        return f"the numbers in {commas[0]!r} have decimal commas"
    return "no number has a decimal comma"
