"""The workbook to fill in: what a person reads in it, and what it checks of what is typed."""

import io

import openpyxl
import pyarrow as pa
import pytest
from openpyxl.workbook import Workbook

from core.data.drift.compare import Reference, make_reference
from core.domain.columns import Column, Schema
from core.domain.models import ModelSpec
from core.exports.template import FILL_IN, HELP, LISTS, MAX_LISTED, ROWS, make_template

LONG = "a name that is longer than any column of a sheet should be wide"
FEATURES = Schema((
    Column("age", "numeric"), Column("city", "category", levels=("Bonn", "Oslo")), Column(LONG, "numeric"),
    Column("plan", "category", levels=("=A1", "b")),
))  # fmt: skip


def make_spec(features: Schema = FEATURES, id_column: str | None = "key") -> ModelSpec:
    return ModelSpec(
        task="regression", target="y", target_column=Column("y", "numeric"), features=features, classes=(),
        positive=None, threshold=None, id_column=id_column,
    )  # fmt: skip


def open_template(spec: ModelSpec, reference: Reference | None = None) -> Workbook:
    return openpyxl.load_workbook(io.BytesIO(make_template(spec, reference)))


@pytest.fixture(scope="module")
def reference() -> Reference:
    table = pa.table({"age": [18, 30, 40, 50, 80], "city": ["Oslo", "Oslo", "Bonn", "Oslo", "Bonn"]})
    known = Schema((FEATURES["age"], FEATURES["city"]))
    return make_reference(table.select, known, table.num_rows)


def test_help_says_of_each_column_what_it_is_and_what_is_usual(reference: Reference) -> None:
    book = open_template(make_spec(), reference)
    head, *rows = book[HELP].iter_rows(values_only=True)
    assert head == ("Column", "Type", "Allowed values", "Usual values")
    assert rows == [
        ("key", "id", None, None),
        ("age", "number", None, "18 to 80, half of them up to 40"),
        ("city", "one of the values listed", "Bonn, Oslo", "most often Oslo"),
        (LONG, "number", None, None),
        ("plan", "one of the values listed", "=A1, b", None),
    ]
    notes = [cell.comment.text for cell in book[FILL_IN][1]]
    assert notes[:3] == ["id.", "number. 18 to 80, half of them up to 40", "one of the values listed. most often Oslo"]
    assert [row[3] for row in list(open_template(make_spec())[HELP].iter_rows(values_only=True))[1:]] == [None] * 5


def test_every_row_that_is_promised_has_its_rule_and_other_values_are_a_warning() -> None:
    rules = {str(one.sqref): one for one in open_template(make_spec())[FILL_IN].data_validations.dataValidation}
    assert set(rules) == {f"{letter}2:{letter}{ROWS + 1}" for letter in "BCDE"}
    city, age, plan = (rules[f"{letter}2:{letter}{ROWS + 1}"] for letter in "CBE")
    assert (city.formula1, plan.formula1) == (f"{LISTS}!$A$2:$A$3", f"{LISTS}!$B$2:$B$3")
    assert (age.type, age.operator, age.formula1, age.formula2) == ("decimal", "between", "-1E+300", "1E+300")
    for rule in rules.values():
        assert (rule.allow_blank, rule.errorStyle) == (True, "warning")


def test_levels_stand_below_their_column_as_text_and_too_many_are_not_listed() -> None:
    lists = open_template(make_spec())[LISTS]
    assert list(lists.iter_rows(values_only=True)) == [("city", "plan"), ("Bonn", "=A1"), ("Oslo", "b")]
    assert lists["B2"].data_type == "s"
    for n_levels, is_listed in ((MAX_LISTED, True), (MAX_LISTED + 1, False)):
        many = Column("code", "category", levels=tuple(f"{n:05}" for n in range(n_levels)))
        found = open_template(make_spec(Schema((many,)), None))[FILL_IN].data_validations.dataValidation
        assert bool(found) is is_listed


def test_heads_are_marked_stay_in_sight_and_have_room() -> None:
    book = open_template(make_spec())
    sheet, about = book[FILL_IN], book[HELP]
    assert (sheet.freeze_panes, about.freeze_panes) == ("A2", "A2")
    assert all(cell.font.bold and cell.fill.fgColor.rgb == "00E8EEF7" for cell in (*sheet[1], *about[1]))
    assert not any(cell.font.bold for cell in about[2])
    assert [sheet.column_dimensions[letter].width for letter in "ABD"] == [12, 12, 40]
    assert [about.column_dimensions[letter].width for letter in "ABCD"] == [28, 24, 70, 40]


def test_an_id_that_is_also_a_feature_stands_once_and_without_one_there_is_none() -> None:
    for id_column in ("age", None):
        sheet = open_template(make_spec(id_column=id_column))[FILL_IN]
        assert [cell.value for cell in sheet[1]] == list(FEATURES.names)
