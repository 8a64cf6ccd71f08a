"""Cells of a workbook that hold no value: formulas that nobody has calculated, and errors; in the child process only.

The library that reads workbooks gives empty cells for both, so the file's own XML or records are looked at.
"""

import html
import io
import re
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from core.data.reading.child.archive import open_zip
from core.data.reading.child.book.old import iter_errors
from core.data.reading.child.request import Request
from core.wording import count_text, list_text

_BLOCK_BYTES: Final = 1024**2
_MOST_BYTES: Final = 16 * 1024**2
_TAG_BYTES: Final = 1024
_ATTRIBUTE: Final = r'\b{}=(?:"([^"]*)"|\'([^\']*)\')'
_UNCALCULATED: Final = re.compile(
    rb"<(?:\w+:)?f\b[^>]*?(?:/>|>[^<]*</(?:\w+:)?f>)\s*(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v>\s*</(?:\w+:)?v>)?\s*</(?:\w+:)?c>"
)
_VALUE: Final = re.compile(rb"<(?:\w+:)?f\b[^>]*?(?:/>|>[^<]*</(?:\w+:)?f>)\s*<(?:\w+:)?v>\s*([^<]*?)\s*</(?:\w+:)?v>")
_CALCULATION: Final = re.compile(r"<(?:\w+:)?calcPr\b[^>]*>")
_ERROR: Final = re.compile(rb"""\bt=["']e["'][^>]*>(?:(?!</(?:\w+:)?c>).)*?<(?:\w+:)?v>([^<]*)<""", re.DOTALL)
_OLD_ERRORS: Final = (b"#DIV/0!", b"#N/A", b"#NAME?", b"#NULL!", b"#NUM!", b"#REF!", b"#VALUE!", b"#GETTING_DATA")
_NEW_ERROR: Final = re.compile(
    rb"""(\bt=["']e["'][^>]*>(?:(?!</(?:\w+:)?c>).)*?<(?:\w+:)?v>)(?!%s)[^<]*<"""
    % b"|".join(map(re.escape, _OLD_ERRORS)),
    re.DOTALL,
)
_ODS_TOKEN: Final = re.compile(
    r"<table:table(?=[\s>])[^>]*>|<table:table-row\b[^>]*>|"
    r"<table:(?:covered-)?table-cell\b([^>]*?)(/?)>(?:\s*<text:p[^>]*>([^<]*))?"
)


@dataclass
class Faults:
    """What was found in a sheet.

    Attributes
    ----------
    uncalculated : int
        Formulas without a value.
    errors : Counter of str
        Errors by their text.
    zeros : dict of str to list of str
        Formulas with the value 0 in a workbook that nobody says was calculated, by the letters of their column.
    valued : set of str
        Columns in which a formula has another value.
    """

    uncalculated: int = 0
    first_uncalculated: str = ""
    errors: Counter[str] = field(default_factory=Counter)
    first_error: str = ""
    zeros: dict[str, list[str]] = field(default_factory=dict)
    valued: set[str] = field(default_factory=set)

    def add_error(self, text: str, cell: str) -> None:
        """Count a cell with an error."""
        self.first_error = self.first_error or cell
        self.errors[text] += 1

    def add_uncalculated(self, cell: str) -> None:
        """Count a formula without a value."""
        self.first_uncalculated = self.first_uncalculated or cell
        self.uncalculated += 1

    def doubts(self) -> list[str]:
        """Return sentences about what a person should see before the data is used."""
        found = []
        if self.uncalculated:
            formulas = count_text(self.uncalculated, "formula was", "formulas were")
            found.append(
                f"{formulas} never calculated, the first in cell {self.first_uncalculated}: such cells are empty. Open "
                "the workbook in an office program and save it."
            )
        zeros = [cells for column, cells in self.zeros.items() if column not in self.valued]
        if zeros:
            formulas = count_text(sum(map(len, zeros)), "formula has", "formulas have")
            found.append(
                f"{formulas} the value 0, the first in cell {zeros[0][0]}, as libraries write it that do not calculate."
                " Open the workbook in an office program and save it."
            )
        if count := self.errors.total():
            cells = count_text(count, "cell holds an error", "cells hold an error")
            kinds = list_text(self.errors)
            found.append(f"{cells} ({kinds}), the first in cell {self.first_error}: such cells are empty.")
        return found


def find_faults(request: Request, sheet: str) -> Faults:
    """Look for formulas without a value, which an xls file does not have, and for errors in a sheet."""
    found = Faults()
    if request.format == "xls":
        for row, column, error in iter_errors(request.path, sheet):
            found.add_error(error, f"{_letters(column + 1)}{row + 1}")
    else:
        with open_zip(request.path, "workbook's zip archive") as archive:
            if request.format == "ods":
                _scan_ods(ods_content(archive), sheet, found)
            else:
                part = find_part(archive, sheet)
                is_calculated = part is None or _is_calculated(archive)
                for block in blocks(archive, part) if part is not None else ():
                    _scan_block(block, found)
                    if not is_calculated:
                        _scan_values(block, found)
    return found


def ods_content(archive: zipfile.ZipFile) -> str:
    """Return the sheets of an OpenDocument file."""
    return archive.read("content.xml").decode("utf-8", "replace")


def may_be_uncalculated(request: Request) -> bool:
    """Whether nobody says that the formulas of an xlsx file were calculated: libraries give each the value 0."""
    if request.format != "xlsx":
        return False
    with open_zip(request.path, "workbook's zip archive") as archive:
        return not _is_calculated(archive)


def _is_calculated(archive: zipfile.ZipFile) -> bool:
    """Office programs say how they calculated; libraries say nothing, or that it is to be done when it is opened."""
    book = _members(archive).get("xl/workbook.xml")
    said = None if book is None else _CALCULATION.search(archive.read(book).decode("utf-8", "replace"))
    return said is not None and attribute(said[0], "fullCalcOnLoad") not in ("1", "true")


def without_new_errors(request: Request) -> io.BytesIO:
    """Return an xlsx file in which errors that the library does not know, such as #SPILL!, are #N/A."""
    out = io.BytesIO()
    with open_zip(request.path, "workbook's zip archive") as archive, zipfile.ZipFile(out, "w") as made:
        for member in archive.infolist():
            content = archive.read(member)
            name = member.filename.replace("\\", "/")
            if name.lower().startswith("xl/worksheets/"):
                content = _NEW_ERROR.sub(rb"\1#N/A<", content)
            made.writestr(name, content)
    out.seek(0)
    return out


def attribute(tag: str, name: str) -> str:
    """Return an attribute of an XML tag; empty without it."""
    match = re.search(_ATTRIBUTE.format(name), tag)
    return html.unescape(match[1] or match[2] or "") if match else ""


def find_part(archive: zipfile.ZipFile, sheet: str) -> zipfile.ZipInfo | None:
    """Return the part of an xlsx file that holds a sheet."""
    members = _members(archive)
    book, relations = members.get("xl/workbook.xml"), members.get("xl/_rels/workbook.xml.rels")
    if book is None or relations is None:
        return None
    sheets = re.findall(r"<(?:\w+:)?sheet\b[^>]*>", archive.read(book).decode("utf-8", "replace"))
    wanted = next((attribute(tag, r"\w+:id") for tag in sheets if attribute(tag, "name") == sheet), None)
    for tag in re.findall(r"<(?:\w+:)?Relationship\b[^>]*>", archive.read(relations).decode("utf-8", "replace")):
        if attribute(tag, "Id") == wanted:
            target = attribute(tag, "Target").replace("\\", "/").lower()
            return members.get(target[1:] if target.startswith("/") else f"xl/{target}")
    return None


def _members(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    return {member.filename.replace("\\", "/").lower(): member for member in archive.infolist()}


def blocks(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> Iterator[bytes]:
    """Yield the XML of a sheet in blocks of whole rows."""
    with archive.open(part) as file:
        rest = b""
        while data := file.read(_BLOCK_BYTES):
            data = rest + data
            cut = data.rfind(b"row>") + 4 if b"row>" in data else 0
            yield data[:cut]
            rest = data[cut:] if len(data) - cut < _MOST_BYTES else b""  # no row is as long
        yield rest


def _scan_block(block: bytes, found: Faults) -> None:
    if b't="e"' in block or b"t='e'" in block:
        for match in _ERROR.finditer(block):
            found.add_error(match[1].decode("utf-8", "replace"), attribute(_tag(block, match.start()), "r"))
    if b"<f" in block or b":f" in block:
        for match in _UNCALCULATED.finditer(block):
            tag = _tag(block, match.start())
            if attribute(tag, "t") != "str":  # a text that was calculated and is empty
                found.add_uncalculated(attribute(tag, "r"))


def _scan_values(block: bytes, found: Faults) -> None:
    for match in _VALUE.finditer(block) if b"<f" in block or b":f" in block else ():
        cell = attribute(_tag(block, match.start()), "r")
        column = cell.rstrip("0123456789")
        if match[1] == b"0":
            found.zeros.setdefault(column, []).append(cell)
        else:
            found.valued.add(column)


def _tag(block: bytes, before: int) -> str:
    least = max(before - _TAG_BYTES, 0)
    start = max(block.rfind(opening, least, before) for opening in (b"<c ", b":c ", b"<c>"))
    return block[start : block.find(b">", start) + 1].decode("utf-8", "replace") if start >= 0 else ""


@dataclass(frozen=True, slots=True)
class OdsCell:
    """A cell of an OpenDocument sheet; row and column from 1, with how often the cell and its row stand there."""

    row: int
    column: int
    n_rows: int
    n_columns: int
    attributes: str
    text: str | None


def iter_ods(content: str, sheet: str) -> Iterator[OdsCell]:
    """Yield the cells of a sheet, repeated ones once."""
    is_wanted, row, n_rows, column = False, 0, 1, 0
    for match in _ODS_TOKEN.finditer(content):
        tag = match[0]
        if tag.startswith("<table:table "):
            is_wanted, row, n_rows = attribute(tag, "table:name") == sheet, 0, 1
        elif tag.startswith("<table:table-row"):
            row, column = row + n_rows, 0
            n_rows = int(attribute(tag, "table:number-rows-repeated") or 1)
        elif is_wanted:
            n_columns = int(attribute(match[1], "table:number-columns-repeated") or 1)
            yield OdsCell(row, column + 1, n_rows, n_columns, match[1], match[3])
            column += n_columns


def _scan_ods(content: str, sheet: str, found: Faults) -> None:
    """Go through the cells of a sheet."""
    if 'value-type="error"' not in content and "table:formula=" not in content:
        return
    for cell in iter_ods(content, sheet):
        place = f"{_letters(cell.column)}{cell.row}"
        if 'value-type="error"' in cell.attributes:
            found.add_error(html.unescape(cell.text or ""), place)
        elif "table:formula=" in cell.attributes and "office:value-type=" not in cell.attributes and not cell.text:
            found.add_uncalculated(place)


def _letters(column: int) -> str:
    letters = ""
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters
