"""Which format a file's name promises."""

from pathlib import PurePosixPath

from core.errors import UnsupportedFileError

READABLE_EXTENSIONS: tuple[str, ...] = ("csv", "tsv", "txt", "gz", "parquet", "xlsx", "xls", "ods", "zip")
TEXT_SUFFIXES = frozenset({".csv", ".tsv", ".txt"})
BOOK_SUFFIXES = frozenset({".xlsx", ".xls", ".ods"})
BOOK_FORMATS = frozenset(suffix[1:] for suffix in BOOK_SUFFIXES)


def split_format(name: str) -> tuple[str, str]:
    """Return the format and the ending (with a dot, as written) of a file name.

    Raises
    ------
    UnsupportedFileError
        If the ending is none that is read.

    Examples
    --------
    >>> split_format("Sales.CSV.gz"), split_format("book.ods")
    (('csv', '.CSV.gz'), ('ods', '.ods'))
    """
    # The letter keeps ".csv" from counting as a hidden file without an ending.
    suffixes = [suffix.lower() for suffix in PurePosixPath(f"x{name}").suffixes[-2:]]
    last = suffixes[-1] if suffixes else ""
    if last in TEXT_SUFFIXES:
        return "csv", name[-len(last) :]
    if last == ".gz" and len(suffixes) == 2 and suffixes[0] in TEXT_SUFFIXES:
        return "csv", name[-len(suffixes[0] + last) :]
    if last in (".parquet", ".zip") or last in BOOK_SUFFIXES:
        return last[1:], name[-len(last) :]
    if last == ".xlsm":
        raise UnsupportedFileError(
            "The workbook contains macros.",
            hint="Save it as an Excel workbook without macros (.xlsx).",
            code="file.macros",
        )
    raise UnsupportedFileError(f"Files that end in {last or 'nothing'!r} cannot be read.")
