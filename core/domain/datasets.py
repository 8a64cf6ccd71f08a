"""A dataset: a file taken in."""

from dataclasses import dataclass, field
from datetime import datetime

from core.domain.columns import Schema
from core.domain.reading import Reading, ReadOptions, column_called


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

    def column_called(self, name: str) -> str:
        """Return the column that a person means, by its name here or in the file; the name itself if there is none."""
        return column_called(name, self.schema.names, self.renamed)

    @property
    def label(self) -> str:
        """The name, with the version from the second one on."""
        return self.name if self.version == 1 else f"{self.name}, version {self.version}"
