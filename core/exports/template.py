"""An Excel file to fill in for a problem: the columns the model needs, with their types and allowed values."""

import io
from collections.abc import Sequence
from typing import Final

import numpy as np
from openpyxl import Workbook
from openpyxl.comments import Comment
from openpyxl.styles import Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from core.data.drift.compare import ColumnReference, Reference
from core.data.relations.binning import show_numbers
from core.domain.columns import Column
from core.domain.models import ModelSpec
from core.exports.xlsx import MAX_CELL_CHARS

ROWS: Final = 5_000  # that many rows have lists and checks
MAX_LISTED: Final = 2_000
FILL_IN, HELP, LISTS = "Fill in", "Help", "Lists"
_HEAD = PatternFill("solid", fgColor="E8EEF7")
_WORDS: Final = {
    "numeric": "number",
    "category": "one of the values listed",
    "date": "date",
    "text": "text",
    "id": "id",
}


def make_template(spec: ModelSpec, reference: Reference | None) -> bytes:
    """Return a workbook whose first sheet has the columns that a model needs.

    Parameters
    ----------
    spec : ModelSpec
        What the model needs; the column that names rows is put first.
    reference : Reference or None
        The training rows' values, for the usual range of each number.

    Returns
    -------
    bytes
        An xlsx file: the sheets Fill in (empty, with lists and checks on the first `ROWS` rows), Help (what each
        column is), Lists (the allowed values; hidden).
    """
    book = Workbook()
    sheet, about, lists = book.active, book.create_sheet(HELP), book.create_sheet(LISTS)
    if not isinstance(sheet, Worksheet):  # a new workbook has one
        raise TypeError("openpyxl gave no worksheet")
    sheet.title, lists.sheet_state = FILL_IN, "hidden"
    columns = [*_id_columns(spec), *spec.needed.columns]
    known = {found.name: found for found in reference.columns} if reference else {}
    _write(about, 1, ("Column", "Type", "Allowed values", "Usual values"))
    for place, column in enumerate(columns, 1):
        usual = _usual(column, known.get(column.name))
        allowed = ", ".join(column.levels or ())
        sheet.cell(1, place)
        _write(sheet, 1, (column.name,), start=place)
        sheet.cell(1, place).comment = Comment(f"{_WORDS[column.type]}. {usual}".strip(), "Bellwether")
        sheet.column_dimensions[get_column_letter(place)].width = min(max(len(column.name) + 4, 12), 40)
        _write(about, place + 1, (column.name, _WORDS[column.type], allowed, usual))
        rule = _list_rule(column, lists) if column.levels else _number_rule(column)
        if rule is not None:
            letter = get_column_letter(place)
            rule.add(f"{letter}2:{letter}{ROWS + 1}")
            sheet.add_data_validation(rule)
    sheet.freeze_panes = about.freeze_panes = "A2"
    for letter, width in zip("ABCD", (28, 24, 70, 40), strict=True):
        about.column_dimensions[letter].width = width
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _id_columns(spec: ModelSpec) -> list[Column]:
    return [Column(spec.id_column, "id")] if spec.id_column and spec.id_column not in spec.needed else []


def _usual(column: Column, known: ColumnReference | None) -> str:
    if known is None:
        return ""
    if known.sketch:
        low, middle, high = show_numbers(np.quantile(known.sketch, (0, 0.5, 1), method="inverted_cdf"), column)
        return f"{low} to {high}, half of them up to {middle}"
    return f"most often {known.levels[0][0]}" if known.levels else ""


def _list_rule(column: Column, lists: Worksheet) -> DataValidation | None:
    """Put the levels on the sheet of lists: a rule's own text may have 255 characters only."""
    levels = column.levels or ()
    if len(levels) > MAX_LISTED:
        return None
    place = lists.max_column + 1 if lists.cell(1, 1).value is not None else 1
    for row, level in enumerate((column.name, *levels), 1):
        _write(lists, row, (level,), start=place)
    letter = get_column_letter(place)
    rule = DataValidation(type="list", formula1=f"{LISTS}!${letter}$2:${letter}${len(levels) + 1}", allow_blank=True)
    rule.errorStyle = "warning"  # other values may be typed: they count as missing
    rule.errorTitle, rule.error = "Not known", "The model never saw this value; it would count as missing."
    return rule


def _number_rule(column: Column) -> DataValidation | None:
    if column.type != "numeric":
        return None
    rule = DataValidation(type="decimal", operator="between", formula1="-1E+300", formula2="1E+300", allow_blank=True)
    rule.errorStyle, rule.errorTitle, rule.error = "warning", "Not a number", "The model needs a number here."
    return rule


def _write(sheet: Worksheet, row: int, texts: Sequence[str], *, start: int = 1) -> None:
    """Write texts as texts, whatever they begin with."""
    for place, text in enumerate(texts, start):
        cell = sheet.cell(row, place)
        cell.value = text[:MAX_CELL_CHARS]
        cell.data_type = "s"
        if row == 1:
            cell.font, cell.fill = Font(bold=True), _HEAD
