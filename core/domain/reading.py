"""How a file is read: what a person may say about it, and what it was read as in the end."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from core.errors import DataError
from core.plain import to_plain

MAX_HEADER_ROW: Final = 1000
MAX_HEADER_ROWS: Final = 3
MAX_FOOTER_ROWS: Final = 1000
# What programs around the world still write, besides the first three; the keys are Python's names.
ENCODINGS: Final[Mapping[str, str]] = {
    "utf-8": "UTF-8",
    "utf-16": "UTF-16",
    "cp1252": "Windows-1252",
    "iso-8859-15": "Latin-9",
    "cp1250": "Windows-1250 (Central Europe)",
    "cp1251": "Windows-1251 (Cyrillic)",
    "cp1253": "Windows-1253 (Greek)",
    "cp1254": "Windows-1254 (Turkish)",
    "cp437": "DOS (US)",
    "cp850": "DOS (Western Europe)",
    "mac-roman": "Mac Roman",
    "gb18030": "GB 18030 (Chinese)",
    "big5": "Big5 (Chinese)",
    "shift_jis": "Shift JIS (Japanese)",
    "euc_kr": "EUC-KR (Korean)",
}
SEPARATORS: Final[Mapping[str, str]] = {",": "Comma", ";": "Semicolon", "\t": "Tab", "|": "Bar"}
# Looked for only where none of the usual ones separates anything.
RARE_SEPARATORS: Final[Mapping[str, str]] = {"^": "Caret", "~": "Tilde", ":": "Colon", " ": "Space"}
QUOTES: Final[Mapping[str, str]] = {'"': "Double quote", "'": "Single quote", "": "No quotes"}
DECIMALS: Final[Mapping[str, str]] = {".": "Point", ",": "Comma"}


@dataclass(frozen=True, kw_only=True)
class ReadOptions:
    r"""What a person says about a file; whatever is None is guessed (docs/files.md says how).

    Attributes
    ----------
    separator : str or None
        The character between the cells of a text file.
    encoding : str or None
        A key of `ENCODINGS`.
    quote : str or None
        ``'"'``, ``"'"`` or ``""`` (a quote is an ordinary character).
    decimal : str or None
        ``"."``: commas in numbers separate thousands; ``","``: points do.
    sheet : str or None
        Of a workbook; the first with rows when None.
    header_row : int or None
        1-based line of the file or row of the sheet; 0: the table has no header.
    n_header_rows : int or None
        How many rows make up the names, from `header_row` on.
    skip_footer : int or None
        How many rows at the end do not belong to the table; 0 keeps them all.
    types : tuple of (str, str)
        Column and type, or ``date:FORMAT``. They can be changed later, so they make no other dataset.
    """

    separator: str | None = None
    encoding: str | None = None
    quote: str | None = None
    decimal: str | None = None
    sheet: str | None = None
    header_row: int | None = None
    n_header_rows: int | None = None
    skip_footer: int | None = None
    types: tuple[tuple[str, str], ...] = ()

    def said(self) -> dict[str, Any]:
        """Return what is said, as plain JSON data."""
        return {name: value for name, value in to_plain(self).items() if value is not None and value != []}

    def deciding(self) -> dict[str, Any]:
        """Return what makes the same file another dataset: all that is said, but for the sheet and the types."""
        return {key: value for key, value in self.said().items() if key not in ("sheet", "types")}

    def check(self) -> None:
        """Refuse what cannot be meant.

        Raises
        ------
        DataError
            ``file.options``, naming the option.
        """
        if self.separator is not None and (len(self.separator) != 1 or self.separator in '\r\n\0"'):
            raise _bad("separator", self.separator, "Give one character, such as ; or |.")
        if self.quote is not None and self.quote not in QUOTES:
            raise _bad("quote", self.quote, "Give \", ' or nothing.")
        if self.quote and self.quote == self.separator:
            raise _bad("quote", self.quote, "It cannot be the separator too.")
        if self.decimal is not None and self.decimal not in DECIMALS:
            raise _bad("decimal", self.decimal, "Give a point or a comma.")
        if self.encoding is not None and self.encoding not in ENCODINGS:
            raise _bad("encoding", self.encoding, f"Give one of {', '.join(ENCODINGS)}.")
        for name, least, most in (
            ("header_row", 0, MAX_HEADER_ROW),
            ("n_header_rows", 1, MAX_HEADER_ROWS),
            ("skip_footer", 0, MAX_FOOTER_ROWS),
        ):
            value = getattr(self, name)
            if value is not None and not least <= value <= most:
                raise _bad(name, value, f"Give a whole number from {least} to {most:,}.")


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How a file was read in the end, by guess or because a person said so.

    Attributes
    ----------
    format : str
        ``"csv"``, ``"parquet"``, ``"xlsx"``, ``"xls"`` or ``"ods"``.
    member : str or None
        The file inside a zip archive.
    header_row : int
        1-based row of the first row of names; 0 when the table has no header.
    footer_rows : int
        Rows at the end that were left out.
    decimal : str
        ``","`` when some column is read with decimal commas.
    """

    format: str
    member: str | None = None
    encoding: str | None = None
    separator: str | None = None
    quote: str | None = None
    sheet: str | None = None
    header_row: int = 1
    n_header_rows: int = 1
    footer_rows: int = 0
    decimal: str = "."

    def in_words(self) -> str:
        """Return one line of plain words.

        Examples
        --------
        >>> Reading(format="csv", encoding="utf-8", separator=";", quote='"', header_row=3, decimal=",").in_words()
        'Semicolon-separated, UTF-8, header in row 3, decimal comma'
        """
        if self.format == "parquet":
            parts = ["Parquet"]
        elif self.format == "csv":
            parts = [f"{_separator_word(self.separator)}-separated", encoding_name(self.encoding)]
        else:
            parts = [f"{_BOOKS[self.format]} sheet {self.sheet!r}"]
        if self.format != "parquet":
            parts.append(self._header_words())
        if self.quote in ("", "'"):
            parts.append("single quotes" if self.quote else "no quotes")
        if self.decimal == ",":
            parts.append("decimal comma")
        if self.footer_rows:
            rows = "the last row" if self.footer_rows == 1 else f"the last {self.footer_rows} rows"
            parts.append(f"{rows} left out")
        if self.member:
            parts.append(f"from {self.member!r} in the archive")
        return ", ".join(parts)

    def _header_words(self) -> str:
        if not self.header_row:
            return "no header"
        if self.n_header_rows == 1:
            return f"header in row {self.header_row}"
        return f"header in rows {self.header_row} to {self.header_row + self.n_header_rows - 1}"


_BOOKS = {"xlsx": "Excel", "xls": "Old Excel", "ods": "OpenDocument"}


def column_called(name: str, names: Collection[str], renamed: Sequence[tuple[str, str]]) -> str:
    """Return the column that a person means: by its name here, else by the name that stands in the file.

    Parameters
    ----------
    names : collection of str
        What the columns are called.
    renamed : sequence of (str, str)
        Names as they stand in the file, and what these columns are called.

    Examples
    --------
    >>> column_called('5" disk', ["5' disk"], [('5" disk', "5' disk")])
    "5' disk"
    """
    if name in names:
        return name
    exact = next((new for old, new in renamed if old == name), None)
    return exact or next((new for old, new in renamed if old.strip() == name.strip()), name)


def encoding_name(encoding: str | None) -> str:
    """Return what people call an encoding.

    Examples
    --------
    >>> encoding_name("cp1252"), encoding_name("utf-16-le")
    ('Windows-1252', 'UTF-16')
    """
    known = encoding or "utf-8"
    return ENCODINGS.get(known.removesuffix("-le").removesuffix("-be"), known)


def _separator_word(separator: str | None) -> str:
    return {**SEPARATORS, **RARE_SEPARATORS}.get(separator or ",", repr(separator))


def _bad(name: str, value: object, hint: str) -> DataError:
    return DataError(f"The option {name} cannot be {value!r}.", hint=hint, code="file.options")
