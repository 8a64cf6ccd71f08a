"""Tables: numbers written as everywhere else, and a dash where there is nothing."""

import ast
from pathlib import Path

from app.ui.widgets.tables import WHOLE, number_cell, number_cell_text, number_format, written

ROOT = Path(__file__).resolve().parents[3]


def test_an_empty_cell_is_a_dash_in_every_table():
    without = [
        f"{path.relative_to(ROOT)}:{call.lineno}"
        for path in sorted((ROOT / "app").rglob("*.py"))
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr == "dataframe"
        and "placeholder" not in {keyword.arg for keyword in call.keywords}
    ]
    assert not without, "Streamlit writes None there"


def test_numbers_of_several_kinds_are_written_as_in_sentences():
    records = [{"Metric": "RMSE", "Holdout": 3_725_900.4}, {"Metric": "AUC", "Holdout": 0.84419}, {"Metric": "R²"}]
    shown, config = written(records, ["Holdout"])
    assert [record.get("Holdout") for record in shown] == ["3,725,900", "0.8442", None]
    assert config["Holdout"]["alignment"] == "right"


def test_a_column_has_the_same_decimals_throughout_and_never_a_power_of_ten():
    assert number_format([3_725_900.4, 0.1]) == number_format([1e9]) == WHOLE
    assert number_format([12.5, -999.0]) == "%.2f"
    assert number_format([0.25, None, float("nan")]) == number_format([]) == "%.4f"
    assert [number_cell(value, WHOLE) for value in (1168.9, -0.4, None)] == [1169, 0, None]
    assert number_cell(float("inf"), WHOLE) == float("inf"), "and does not fail"
    assert number_cell_text(3_725_900.6, number_format([3_725_900.6])) == "3,725,901"
