"""The files of one dataset's folder: how they are named, written and described."""

import hashlib
import json
import os
import re
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pyarrow.parquet as pq

from core.errors import DataError, DatasetNotFoundError
from core.files import atomic_path
from core.readers import FileInfo
from core.schema import ambiguous_dates, infer_schema
from core.types import Dataset, Schema

ID: Final = re.compile(r"[0-9a-f]{32}")
DATA_FILE: Final = "data.parquet"
META_KEY: Final = "dataset"
_KEY = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_ENDING = re.compile(r"(\.(?:csv|tsv|txt)(?:\.gz)?|\.parquet|\.xlsx)$", re.IGNORECASE)
_MAX_NAME_CHARS = 120
_COPY_BYTES = 1024**2


def copy_hashed(source: Path, target: Path) -> str:
    """Copy a file and return the sha256 of its content."""
    digest = hashlib.sha256()
    with source.open("rb") as reader, atomic_path(target) as temporary, temporary.open("wb") as writer:
        while block := reader.read(_COPY_BYTES):
            digest.update(block)
            writer.write(block)
    return digest.hexdigest()


def is_dataset_folder(folder: Path) -> bool:
    """Whether a folder is named like a dataset."""
    return ID.fullmatch(folder.name) is not None


def dataset_id_of(content: str, sheet: str | None) -> str:
    """Return the id for the sha256 of a file and, for a workbook, the sheet that was read."""
    if sheet is None:
        return content[:32]
    return hashlib.sha256(f"{content}\0{sheet}".encode()).hexdigest()[:32]


def describe(folder: Path, original: Path, file_name: str, info: FileInfo, dataset_id: str) -> Dataset:
    """Look at a freshly read file: its types, and what a person should know. The name is given later."""
    table = pq.read_table(folder / DATA_FILE, partitioning=None)
    schema = infer_schema(table)
    dates = tuple(
        f"The dates of {name!r} fit both day/month and month/day; they are read as day/month. Change the type's format"
        " if that is wrong."
        for name in ambiguous_dates(table, schema)
    )
    return Dataset(
        id=dataset_id,
        name="",
        file_name=file_name,
        n_rows=table.num_rows,
        n_columns=table.num_columns,
        size_bytes=original.stat().st_size,
        created_at=datetime.now(UTC),
        schema=schema,
        format=info.format,
        sheet=info.sheet,
        warnings=info.warnings + dates,
    )


def select_columns(schema: Schema, names: Sequence[str] | None) -> Schema:
    """Return the columns asked for, or all.

    Raises
    ------
    DataError
        If there is no such column.
    """
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
    """Return a name with single spaces and nothing invisible, at most 120 characters.

    Raises
    ------
    DataError
        If nothing is left.
    """
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


def write_json(path: Path, data: dict[str, Any]) -> None:
    """Write JSON, whole or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(data, ensure_ascii=False, allow_nan=False), encoding="utf-8")


def dataset_to_dict(dataset: Dataset) -> dict[str, Any]:
    """Return plain JSON data; `dataset_from_dict` reads it back."""
    plain = {key: value for key, value in asdict(dataset).items() if key not in ("schema", "created_at")}
    return {**plain, "created_at": dataset.created_at.isoformat(), "schema": dataset.schema.to_dict()}


def dataset_from_dict(data: dict[str, Any]) -> Dataset:
    """Read what `dataset_to_dict` wrote."""
    changed = {
        "created_at": datetime.fromisoformat(data["created_at"]),
        "schema": Schema.from_dict(data["schema"]),
        "warnings": tuple(data["warnings"]),
    }
    return Dataset(**{**data, **changed})


def sync_folder(folder: Path) -> None:
    """Make the names in a folder outlive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
