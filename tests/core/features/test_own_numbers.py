"""Numbers of a file to score that are written in another way than in training: read right, or said."""

from dataclasses import replace

import pyarrow as pa
import pytest

from core.data.drift.compare import Reference, make_reference
from core.data.tables.schema import apply_schema, infer_schema
from core.domain.columns import Column, Schema
from core.domain.models import ModelSpec
from core.features.actual import read_actual
from core.features.checking import check
from core.features.matching import fit_notation, prepare


def trained_on(values: list[str]) -> tuple[ModelSpec, Reference]:
    source = pa.table({"x": values})
    schema = infer_schema(source)
    typed = apply_schema(source, schema)
    assert schema["x"].type == "numeric"
    spec = ModelSpec(task="regression", target="y", target_column=Column("y", "numeric"), features=schema)
    return spec, make_reference(lambda names: typed.select(list(names)), schema, typed.num_rows)


WHOLE = trained_on(["850", "2644", "999", "12500"])
FRACTIONS = trained_on(["0.5", "2.25", "9.125"])
LARGE = trained_on(["850.5", "2644.25", "12500"])
DOTS = trained_on(["850", "2.644", "999", "12.500"])
DOLLARS = trained_on(["$1,000.00", "$950.00", "$9,000.00"])
POINTS = trained_on(["12.5 %", "3 %", "88 %"])
SHARES = trained_on(["0.125", "0.03", "0.88"])


@pytest.mark.parametrize(
    ("trained", "values", "numbers", "said"),
    [
        # Separators of thousands
        (WHOLE, ["2.644"], [2644], "'2.644' is read as 2644"),
        (WHOLE, ["2,644"], [2644], "'2,644' is read as 2644"),
        (WHOLE, ["850", "2.644", "12.500"], [850, 2644, 12500], "'12.500' is read as 12500"),
        (WHOLE, ["2 644", "850"], [2644, 850], None),
        (WHOLE, ["2’644", "850"], [2644, 850], None),
        (WHOLE, ["2.5", "2.644"], [2.5, 2.644], None),  # no group of three: decimals
        (WHOLE, ["2644", "850"], [2644, 850], None),
        (LARGE, ["2.644"], [2644], "'2.644' is read as 2644"),  # only so in the range of training
        (LARGE, ["2,644"], [2644], "'2,644' is read as 2644"),
        (FRACTIONS, ["2.644"], [2.644], None),
        (FRACTIONS, ["2,644"], [2.644], "'2,644' is read as 2.644"),
        (FRACTIONS, ["2,5", "3,25"], [2.5, 3.25], "decimal commas"),
        (DOTS, ["2.644"], [2644], None),
        (DOTS, ["2644", "850"], [2644, 850], None),
        (DOTS, ["2,644"], [2644], "'2,644' is read as 2644"),
        (DOTS, ["2644.5"], [2644.5], "decimal points"),
        # Signs
        (WHOLE, ["$2,644.00", "$850"], [2644, 850], "written with $ here and without a sign in training"),
        (WHOLE, ["(850)", "2644-", "−999"], [-850, -2644, -999], None),
        (WHOLE, ["850", "inf", "1e400"], [850, None, None], None),
        (DOLLARS, ["$2,000", "950", "3000 USD"], [2000, 950, 3000], None),
        (DOLLARS, ["$2,000"], [2000], None),
        (DOLLARS, ["€2,000.00"], [2000], "in € here and in $ in training"),
        (DOLLARS, ["€2.000,00", "€3,00"], [2000, 3], "in € here and in $ in training"),
        (DOLLARS, ["€2,000.00", "$3,000.00"], [None, 3000], "with € are not those of training"),
        (POINTS, ["50 %", "7,5 %"], [50, 7.5], "decimal commas"),
        (POINTS, ["50", "7.5"], [50, 7.5], "is read as 5%"),
        (POINTS, ["0.5", "0.075"], [50, 7.5], "is read as 500%"),  # only so in the range of training
        (SHARES, ["50 %", "7.5 %"], [0.5, 0.075], "5% is read as 0.05"),
        (WHOLE, ["900 %", "1000 %"], [900, 1000], "5% is read as 5"),
        (POINTS, ["$50", "7 %"], [None, 7], "with $ are not those of training"),
    ],
)
def test_numbers_are_read_as_training_meant_them_and_what_differs_is_said(trained, values, numbers, said):
    spec, reference = trained
    source = pa.table({"x": values})
    fitted, notes = fit_notation(source, spec, is_workbook=False, reference=reference)
    assert prepare(source, fitted)[0]["x"].to_pylist() == pytest.approx(numbers)
    assert bool(notes) == (said is not None), notes
    assert said is None or any(said in note for note in notes)
    findings = check(source, fitted, reference, written=notes).findings
    assert [finding.text for finding in findings if finding.code == "cells.notation"] == list(notes)


def test_what_nothing_tells_is_left_out_and_said():
    spec, _ = LARGE
    source = pa.table({"x": ["2,644", "12,500"]})
    fitted, notes = fit_notation(source, spec, is_workbook=False)
    assert notes == (
        "x: commas may be decimal commas or separate thousands; such cells are left out, for example '12,500'.",
    )
    assert prepare(source, fitted)[0]["x"].to_pylist() == [None, None]
    source = pa.table({"x": ["5 %"]})
    fitted, notes = fit_notation(source, spec, is_workbook=False)
    assert "nothing tells whether 5% was 5 or 0.05" in notes[0]
    assert prepare(source, fitted)[0]["x"].to_pylist() == [None]


def test_numbers_of_a_workbook_have_decimal_points_but_text_in_it_may_have_groups():
    spec, reference = DOTS
    for values, numbers in ((["2644"], [2644]), (["2.644"], [2.644]), (["850", "12.500"], [850, 12500])):
        source = pa.table({"x": values})
        fitted, _ = fit_notation(source, spec, is_workbook=True, reference=reference)
        assert prepare(source, fitted)[0]["x"].to_pylist() == numbers


def test_the_target_in_a_file_is_read_in_the_same_way():
    features = Schema((Column("x", "numeric"),))
    target = Column("y", "numeric", integer=True)
    spec = ModelSpec(task="regression", target="y", target_column=target, features=features)
    source = pa.table({"x": ["1", "2"], "y": ["2.644", "$850"]})
    fitted, notes = fit_notation(source, spec, is_workbook=False)
    assert read_actual(source, fitted).to_pylist() == [2644, 850]
    assert len(notes) == 2
    commas = replace(spec, target_column=replace(target, integer=False, decimal=","))
    fitted, _ = fit_notation(pa.table({"x": ["1"], "y": ["2.644"]}), commas, is_workbook=True)
    assert read_actual(pa.table({"y": ["2.644"]}), fitted).to_pylist() == [2.644]


def test_groups_are_found_at_the_end_of_a_sorted_file():
    spec, reference = WHOLE
    source = pa.table({"x": [*map(str, range(1, 1000)), *(f"{n // 1000}.{n % 1000:03}" for n in range(1000, 2000))]})
    fitted, notes = fit_notation(source, spec, is_workbook=False, reference=reference)
    assert prepare(source, fitted)[0]["x"].to_pylist() == list(range(1, 2000))
    assert len(notes) == 1


def test_a_file_written_as_training_was_stays_as_it_is():
    for spec, reference in (WHOLE, FRACTIONS, LARGE, DOTS, DOLLARS, SHARES):
        source = pa.table({"x": ["850"]})
        assert fit_notation(source, spec, is_workbook=False, reference=reference) == (spec, ())
    schema = Schema((Column("x", "numeric", decimal=","),))
    spec = ModelSpec(task="regression", target="y", target_column=Column("y", "numeric"), features=schema)
    assert fit_notation(pa.table({"x": ["1,5", "1.234"]}), spec, is_workbook=False) == (spec, ())
