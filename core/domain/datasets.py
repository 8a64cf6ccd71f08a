"""A dataset: a file taken in."""

from dataclasses import dataclass, field
from datetime import datetime

from core.domain.columns import Schema
from core.domain.reading import Reading, ReadOptions


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

    @property
    def label(self) -> str:
        """The name, with the version from the second one on."""
        return self.name if self.version == 1 else f"{self.name}, version {self.version}"
