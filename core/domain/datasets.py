"""A dataset: a file taken in."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from core.domain.columns import Schema
from core.domain.reading import Reading, ReadOptions, column_called


@dataclass(frozen=True)
class RemoteColumn:
    """What the engine has counted of a column of data that stays with it; None where that cannot be had."""

    name: str
    type: Literal["numeric", "category", "other"]
    n_missing: int
    mean: float | None = None
    sd: float | None = None
    least: float | None = None
    largest: float | None = None
    n_levels: int | None = None


@dataclass(frozen=True)
class RemoteFrame:
    """What the engine has counted of data that stays with it; `checksum` changes with any value."""

    n_rows: int
    checksum: str
    columns: tuple[RemoteColumn, ...]


@dataclass(frozen=True)
class RemoteData:
    """Data that stays where a cluster reads it; the dataset itself holds a sample of its rows.

    Attributes
    ----------
    address : str
        Where it lies, as the cluster is told.
    frame : RemoteFrame
        All of it.
    share : float
        Of the rows that went into the sample, which is never trained on.
    sample_checksum : str
        Of the sample in the engine: another one means other data.
    """

    address: str
    frame: RemoteFrame
    share: float
    sample_checksum: str


@dataclass(frozen=True)
class Dataset:
    """A file that was taken in, known by the hash of its content.

    Attributes
    ----------
    id : str
        First 32 hex digits of the sha256 of the original file (and of the sheet's name, for a workbook, and of the
        options that a person gave).
    name : str
        What people call it; changeable, the same for all its versions.
    file_name : str
        Name of the file as it was uploaded.
    version : int
        From 1; name and version together are unique.
    options : ReadOptions
        What a person said about the file.
    reading : Reading or None
        How it was read; None for datasets of before this was kept.
    renamed : tuple of (str, str)
        Names as they stand in the file, where they had to be changed, and what the columns are called.
    remote : RemoteData or None
        Where all rows are, when these are only a sample of what a cluster holds.
    """

    id: str
    name: str
    file_name: str
    n_rows: int
    n_columns: int
    size_bytes: int
    created_at: datetime
    schema: Schema
    format: str
    sheet: str | None = None
    warnings: tuple[str, ...] = ()
    version: int = 1
    options: ReadOptions = field(default_factory=ReadOptions)
    reading: Reading | None = None
    renamed: tuple[tuple[str, str], ...] = ()
    remote: RemoteData | None = None

    def column_called(self, name: str) -> str:
        """Return the column that a person means, by its name here or in the file; the name itself if there is none."""
        return column_called(name, self.schema.names, self.renamed)

    @property
    def label(self) -> str:
        """The name, with the version from the second one on."""
        return self.name if self.version == 1 else f"{self.name}, version {self.version}"
