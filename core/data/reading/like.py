"""A file to score, read as the training data was: with what a person said about that, as far as it fits the file."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from core.data.reading.reader import FileInfo, format_of, read_file
from core.domain.reading import ReadOptions
from core.errors import DataError
from core.settings import Settings

_OF_TEXT = ("separator", "encoding", "quote", "header_row", "n_header_rows", "skip_footer")
_OF_BOOKS = ("sheet", "header_row", "n_header_rows", "skip_footer")


def read_like(
    path: Path,
    name: str,
    out: Path,
    settings: Settings,
    *,
    options: ReadOptions,
    needed: Sequence[str],
    sheet: str | None = None,
) -> tuple[FileInfo, tuple[str, ...]]:
    """Read a file with the options of the training data; by detection where these do not give the columns needed.

    Parameters
    ----------
    options : ReadOptions
        What a person said about the training data.
    needed : sequence of str
        Columns that the file should have.

    Returns
    -------
    info : FileInfo
        How the file was read in the end.
    notes : tuple of str
        Whether the training data's options were used, in words; empty when there were none.
    """
    said = fitting_options(options, name, sheet)
    if said == ReadOptions(sheet=sheet):
        return read_file(path, name, out, settings, sheet=sheet), ()
    try:
        info = read_file(path, name, out, settings, options=said)
    except DataError:
        info = None
    if info is None or not set(needed) <= set(info.columns):
        guessed = read_file(path, name, out, settings, sheet=sheet)
        if info is None or _n_found(guessed, needed) > _n_found(info, needed):
            return guessed, ("Read with detected options: those chosen for the training data do not fit this file.",)
        info = read_file(path, name, out, settings, options=said)
    return info, ("Read with the options chosen for the training data.",)


def fitting_options(options: ReadOptions, name: str, sheet: str | None) -> ReadOptions:
    """Return what was said about the training data, as far as it can be meant for a file of that name."""
    kind = format_of(name)
    names = _OF_TEXT if kind == "csv" else () if kind == "parquet" else _OF_BOOKS
    kept = replace(ReadOptions(), **{name: getattr(options, name) for name in names})
    return replace(kept, sheet=sheet) if sheet is not None else kept


def _n_found(info: FileInfo, needed: Sequence[str]) -> int:
    return len(set(needed) & set(info.columns))
