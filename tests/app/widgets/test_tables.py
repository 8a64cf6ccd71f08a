"""Tables: numbers written as everywhere else, and a dash where there is nothing."""

import ast
from pathlib import Path

from app.ui.widgets.tables import number_shape, written

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
    assert number_shape([3_725_900.4, 0.1])["step"] == 1
    assert number_shape([12.5, -999.0])["step"] == 0.01
    assert number_shape([0.25, None, float("nan")])["step"] == 0.0001
    assert {number_shape([value])["format"] for value in (1e9, 1.0)} == {"localized"}
