"""The files of one dataset's folder: how they are named, written and described."""

import hashlib
import json
import re
import shutil
from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, cast

from core.data.reading.reader import FileInfo
from core.data.tables.remarks import number_doubts, number_remarks, zone_doubts
from core.data.tables.schema import Inferred, ambiguous_dates, infer_noted, retype, zoned_dates
from core.data.tables.stored import Columns, StoredTable
from core.data.tables.written.dates import SEVERAL
from core.domain.columns import COLUMN_TYPES, ColumnType, Schema
from core.domain.datasets import Dataset, RemoteData
from core.domain.formats import BOOK_FORMATS
from core.domain.reading import ReadOptions, column_called
from core.errors import DataError, DatasetNotFoundError
from core.files import atomic_path
from core.locks import FileLock
from core.plain import to_plain

ID: Final = re.compile(r"[0-9a-f]{32}")
DATA_FILE: Final = "data.parquet"
META_KEY: Final = "dataset"
_KEY = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_ENDING = re.compile(r"(\.(?:csv|tsv|txt)(?:\.gz)?|\.parquet|\.xlsx?|\.ods|\.zip)$", re.IGNORECASE)
_MAX_NAME_CHARS = 120
_COPY_BYTES = 1024**2


def copy_hashed(source: Path, target: Path, sha256: str | None = None) -> str:
    """Copy a file and return the sha256 of its content, which is not computed again when it is known."""
    if sha256 is not None:
        with atomic_path(target) as temporary:
            shutil.copyfile(source, temporary)
        return sha256
    digest = hashlib.sha256()
    with source.open("rb") as reader, atomic_path(target) as temporary, temporary.open("wb") as writer:
        while block := reader.read(_COPY_BYTES):
            digest.update(block)
            writer.write(block)
    return digest.hexdigest()


def is_dataset_folder(folder: Path) -> bool:
    """Whether a folder is named like a dataset."""
    return ID.fullmatch(folder.name) is not None


def dataset_id_of(content: str, sheet: str | None, options: ReadOptions) -> str:
    """Return the id for the sha256 of a file, the sheet of a workbook, and the options that make other data of it."""
    said = options.deciding()
    if sheet is None and not said:
        return content[:32]
    parts = [content, sheet or "", *([json.dumps(said, sort_keys=True)] if said else [])]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


def type_remarks(
    table: Columns, found: Inferred, info: FileInfo, *, decimal: str | None = None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what a person should look at and what is only worth knowing about the types found, in sentences.

    Parameters
    ----------
    decimal : str or None
        The decimal sign that a person named.
    """
    schema = found.schema
    doubts = list(number_doubts(table, found, said=decimal, is_workbook=info.format in BOOK_FORMATS))
    doubts += zone_doubts(table, found)
    guessed = {name for name, _, is_guess in found.examples if is_guess}
    commas = [column.name for column in schema.columns if column.decimal == "," and column.name not in guessed]
    if commas and info.separator == ",":
        doubts.append(f"The numbers in {commas[0]!r} are read with decimal commas.")
    remarks = [*number_remarks(table, found)]
    remarks += [
        f"The dates in {name!r} fit both day/month and month/day; they are read as day/month. Change the type's format"
        " if that is wrong."
        for name in ambiguous_dates(table, schema)
    ]
    remarks += [
        f"The dates in {column.name!r} are written in several ways: {column.format}."
        for column in schema.columns
        if column.type == "date" and column.format and SEVERAL in column.format
    ]
    remarks += [f"The times in {name!r} have time zones; they are read as UTC." for name in zoned_dates(table, schema)]
    return tuple(doubts), tuple(remarks)


def describe(folder: Path, original: Path, file_name: str, info: FileInfo, options: ReadOptions) -> Dataset:
    """Look at a freshly read file: its types, and what a person should know. Id and name are given later."""
    table = StoredTable(folder / DATA_FILE)
    found = infer_noted(table, decimal=options.decimal, is_workbook=info.format in BOOK_FORMATS)
    schema = found.schema
    for name, kind in options.types:
        schema = _with_type(schema, table, column_called(name, schema.names, info.renamed), kind)
    doubts, remarks = type_remarks(table, found.retyped(schema), info, decimal=options.decimal)
    return Dataset(
        id="",
        name="",
        file_name=file_name,
        n_rows=table.num_rows,
        n_columns=table.num_columns,
        size_bytes=original.stat().st_size,
        created_at=datetime.now(UTC),
        schema=schema,
        format=info.format,
        sheet=info.sheet,
        warnings=(*info.warnings, *remarks, *doubts),
        options=options,
        reading=info.reading(schema),
        renamed=info.renamed,
    )


def remote_warning(remote: RemoteData, n_rows: int) -> str:
    """Return what must be known of a dataset that is a sample."""
    return (
        f"These are {n_rows:,} of {remote.frame.n_rows:,} rows; all others stay at {remote.address} and are trained on"
        " there. A category that is in none of these rows counts as missing when a file is scored here."
    )


def _with_type(schema: Schema, table: Columns, name: str, kind: str) -> Schema:
    kind, _, date_format = kind.partition(":")
    check_type(kind)
    column = select_columns(schema, [name]).columns[0]
    return schema.with_column(retype(column, table[name], cast(ColumnType, kind), date_format or None))


def check_type(kind: str) -> None:
    """Refuse what is not a column type (DataError if there is no such type)."""
    if kind not in COLUMN_TYPES:
        raise DataError(
            f"{kind!r} is not a column type.", hint=f"Choose one of {', '.join(COLUMN_TYPES)}.", code="schema.type"
        )


def select_columns(schema: Schema, names: Sequence[str] | None) -> Schema:
    """Return the columns asked for, or all (DataError if there is no such column)."""
    if names is None:
        return schema
    known = {column.name: column for column in schema.columns}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise DataError(
            f"There is no column {unknown[0]!r}.", hint="Choose a column of the dataset.", code="column.not_found"
        )
    return Schema(tuple(known[name] for name in names))


def not_found(dataset_id: str) -> DatasetNotFoundError:
    """Return the error for an id that is none."""
    return DatasetNotFoundError(f"There is no dataset {dataset_id[:64]!r}.")


def clean_name(name: str) -> str:
    """Return a name with single spaces and nothing invisible, at most 120 characters (DataError if nothing is left)."""
    clean = " ".join("".join(char if char.isprintable() else " " for char in name).split())[:_MAX_NAME_CHARS].strip()
    if not clean:
        raise DataError("A dataset needs a name.", hint="Write at least one character.", code="dataset.name_empty")
    return clean


def free_name(name: str, taken: set[str]) -> str:
    """Return the name, with a number when it is taken."""
    number, free = 2, name
    while free in taken:
        free, number = f"{name} ({number})", number + 1
    return free


def ending(file_name: str) -> str:
    """Return the ending that decides the format, in lower case, such as ``.csv.gz``."""
    match = _ENDING.search(file_name)
    return match[1].lower() if match else ""


def stem(file_name: str) -> str:
    """Return the file name without that ending."""
    return _ENDING.sub("", file_name) or file_name


def slug(key: str) -> str:
    """Return the key as a file name; keys with other characters, such as column names, by their hash."""
    if _KEY.fullmatch(key) and key != META_KEY:
        return key
    return hashlib.sha256(key.encode()).hexdigest()[:32]


def save_dataset(dataset: Dataset, folder: Path) -> None:
    """Write what is known of a dataset into its folder, of the options only what a person said."""
    write_json(folder / f"{META_KEY}.json", to_plain(dataset) | {"options": dataset.options.said()})


def alone(root: Path) -> AbstractContextManager[None]:
    """Keep all other threads and processes from choosing a name, moving a folder or changing a description."""
    return FileLock(root.with_name("datasets.lock")).alone()


def write_json(path: Path, data: dict[str, Any]) -> None:
    """Write JSON, whole or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(data, ensure_ascii=False, allow_nan=False), encoding="utf-8")
