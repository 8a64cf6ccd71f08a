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
from core.data.reading.child.old_book import iter_errors
from core.data.reading.child.request import Request
from core.wording import count_text, list_text

_BLOCK_BYTES: Final = 1024**2
_MOST_BYTES: Final = 16 * 1024**2
_TAG_BYTES: Final = 1024
_ATTRIBUTE: Final = r'\b{}=(?:"([^"]*)"|\'([^\']*)\')'
_UNCALCULATED: Final = re.compile(
    rb"<(?:\w+:)?f\b[^>]*?(?:/>|>[^<]*</(?:\w+:)?f>)\s*(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v>\s*</(?:\w+:)?v>)?\s*</(?:\w+:)?c>"
)
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
    """

    uncalculated: int = 0
    first_uncalculated: str = ""
    errors: Counter[str] = field(default_factory=Counter)
    first_error: str = ""

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
                _scan_ods(archive.read("content.xml").decode("utf-8", "replace"), sheet, found)
            else:
                part = find_part(archive, sheet)
                if part is not None:
                    for block in blocks(archive, part):
                        _scan_block(block, found)
    return found


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
    members = {member.filename.replace("\\", "/").lower(): member for member in archive.infolist()}
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


def _tag(block: bytes, before: int) -> str:
    least = max(before - _TAG_BYTES, 0)
    start = max(block.rfind(opening, least, before) for opening in (b"<c ", b":c ", b"<c>"))
    return block[start : block.find(b">", start) + 1].decode("utf-8", "replace") if start >= 0 else ""


def _scan_ods(content: str, sheet: str, found: Faults) -> None:
    """Go through the cells of a sheet; repeated ones count as often as they stand there."""
    if 'value-type="error"' not in content and "table:formula=" not in content:
        return
    is_wanted, row, next_row, column = False, 0, 1, 0
    for match in _ODS_TOKEN.finditer(content):
        tag = match[0]
        if tag.startswith("<table:table "):
            is_wanted, next_row = attribute(tag, "table:name") == sheet, 1
        elif tag.startswith("<table:table-row"):
            row, column = next_row, 0
            next_row += int(attribute(tag, "table:number-rows-repeated") or 1)
        elif is_wanted:
            attributes = match[1]
            column += 1
            cell = f"{_letters(column)}{row}"
            column += int(attribute(attributes, "table:number-columns-repeated") or 1) - 1
            if 'value-type="error"' in attributes:
                found.add_error(html.unescape(match[3] or ""), cell)
            elif "table:formula=" in attributes and "office:value-type=" not in attributes and not match[3]:
                found.add_uncalculated(cell)


def _letters(column: int) -> str:
    letters = ""
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters
