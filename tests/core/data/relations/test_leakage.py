"""Leakage: planted leaks are found, real tables without one raise no alarm, scores are those of scikit-learn."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn.metrics import roc_auc_score

from core.data.profiling.alerts import strong_column
from core.data.profiling.profile import profile_table
from core.data.relations.leakage import LEAK_SCORE, Leakage, find_leakage
from core.data.tables.batches import load_from
from core.data.tables.schema import apply_schema, infer_schema
from core.domain.columns import Schema
from core.plain import from_json, to_json

CLEAN = {
    "adult.csv.gz": "class",
    "amazon_employee_access.csv.gz": "ACTION",
    "bank_marketing.csv.gz": "deposit",
    "caravan.csv.gz": "Purchase",
    "chicago_crimes_10k.csv.gz": "Arrest",
    "cmc.csv": "Contraceptive_method_used",
    "credit_card_default.csv.gz": "default payment next month",
    "credit_g.csv": "class",
    "diamonds.csv.gz": "price",
    "higgs_train_10k.csv.gz": "response",
    "house_prices.csv": "SalePrice",
    "insurance_cross_sell.csv.gz": "Response",
    "kr_vs_kp.csv": "class",
    "phoneme.csv": "Class",
    "powerplant_output.csv": "HourlyEnergyOutputMW",
    "product_backorders.csv.gz": "went_on_backorder",
    "titanic.csv": "Survived",
    "vehicle.csv": "Class",
    "wine_quality.csv": "quality",
}


def typed(frame: pd.DataFrame) -> tuple[pa.Table, Schema]:
    source = pa.Table.from_pandas(frame.astype(str), preserve_index=False)
    schema = infer_schema(source)
    return apply_schema(source, schema), schema


def read(path: Path) -> tuple[pa.Table, Schema]:
    return typed(pd.read_csv(path, dtype=str, keep_default_na=False))


def leakage_of(table: pa.Table, schema: Schema, target: str) -> Leakage:
    return find_leakage(load_from(table), schema, target, len(table))


def leaks(table: pa.Table, schema: Schema, target: str) -> set[str | None]:
    alerts = profile_table(table, schema, target=target).alerts
    return {alert.column for alert in alerts if alert.code == "leakage"}


def plant(case: str, frame: pd.DataFrame, target: str, rng: np.random.Generator) -> pd.Series:
    """Return a column that gives a target away in one of six ways."""
    y = frame[target]
    if case == "recoded":
        return y.map({level: f"group {k}" for k, level in enumerate(sorted(y.unique()))})
    if case == "nearly":
        wrong = rng.random(len(y)) < 0.01
        return y.where(~wrong, rng.permutation(y))
    if case == "filled_in_after":
        return pd.Series(np.where(y == y.mode()[0], "", rng.integers(1, 500, len(y)).astype(str)))
    if case == "shifted":
        return (y == y.mode()[0]) * 10 + pd.Series(rng.normal(size=len(y)))
    if case == "logarithm":
        return np.log(y.astype(float)) + rng.normal(0, 0.01, len(y))
    return y.astype(float) * 1.19 + rng.normal(0, 10, len(y))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("case", "name"),
    [
        ("recoded", "credit_g.csv"),
        ("nearly", "bank_marketing.csv.gz"),
        ("filled_in_after", "titanic.csv"),
        ("shifted", "credit_card_default.csv.gz"),
        ("logarithm", "house_prices.csv"),
        ("scaled", "diamonds.csv.gz"),
    ],
)
def test_a_planted_leak_is_found(test_data: Path, case: str, name: str) -> None:
    frame = pd.read_csv(test_data / name, dtype=str, keep_default_na=False)
    frame["planted"] = plant(case, frame, CLEAN[name], np.random.default_rng(1))
    assert leaks(*typed(frame), CLEAN[name]) == {"planted"}


@pytest.mark.parametrize("sign", ["+", "−", "×", "÷"])
@pytest.mark.parametrize("turned", [False, True])
def test_a_planted_formula_is_found(test_data: Path, sign: str, turned: bool) -> None:
    frame = pd.read_csv(test_data / "house_prices.csv", keep_default_na=False)
    price, area = frame.SalePrice.astype(float), frame.GrLivArea.astype(float)
    frame["other"] = {
        "+": price - 40 * area,
        "−": 40 * area - price if turned else price + 40 * area,
        "×": price / area,
        "÷": area / price if turned else price * area,
    }[sign]
    frame["GrLivArea"] = 40 * area if sign in "+−" else area
    if turned:
        frame = frame[["other", *(name for name in frame.columns if name != "other")]]
    found = leakage_of(*typed(frame), "SalePrice")
    best = found.formulas[0]
    assert {best.left, best.right} == {"other", "GrLivArea"}
    assert best.sign == sign
    assert best.r2 > 0.999


def test_the_unit_price_of_real_homes_is_found(test_data: Path) -> None:
    table, schema = read(test_data / "ningbo_homes.csv.gz")
    (formula,) = leakage_of(table, schema, "总价(万元)").formulas
    assert (formula.left, formula.sign, formula.right) == ("单价(元/平米)", "×", "建筑面积(㎡)")
    assert leaks(table, schema, "总价(万元)") == {"单价(元/平米)"}


@pytest.mark.slow
@pytest.mark.parametrize("name", CLEAN)
def test_clean_tables_raise_no_alarm(test_data: Path, name: str) -> None:
    table, schema = read(test_data / name)
    found = leakage_of(table, schema, CLEAN[name])
    assert found.scores
    assert (found.alone, found.formulas) == ((), ())


@pytest.mark.slow
def test_a_call_that_is_over_is_asked_about(test_data: Path) -> None:
    profile = profile_table(*read(test_data / "bank_marketing.csv.gz"), target="deposit")
    (alert,) = [alert for alert in profile.alerts if alert.code == "known_at_prediction"]
    assert (alert.column, alert.severity, alert.fix_label) == ("duration", "medium", "Leave it out")
    assert alert.fix == {"kind": "drop", "columns": ["duration"]}
    insurance = profile_table(*read(test_data / "insurance_cross_sell_sample.csv"), target="Response")
    assert not {"leakage", "known_at_prediction"} & {alert.code for alert in insurance.alerts}


@pytest.mark.parametrize(
    ("measure", "scores", "expected"),
    [
        ("AUC", [("a", 0.76), ("b", 0.6)], "a"),
        ("AUC", [("a", 0.74), ("b", 0.5)], None),  # strong only from 0.75
        ("AUC", [("a", 0.76), ("b", 0.7)], None),  # not far ahead
        ("AUC", [("a", 0.95), ("b", 0.94)], "a"),
        ("AUC", [("a", 0.99), ("b", 0.8), ("c", 0.6)], "b"),  # a is a leak, which is told by itself
        ("R²", [("a", 0.5)], "a"),
        ("R²", [("a", 0.85), ("b", 0.84)], "a"),
        ("R²", [], None),
    ],
)
def test_which_column_is_asked_about(measure: Any, scores: list[tuple[str, float]], expected: str | None) -> None:
    strong = strong_column(Leakage(measure, tuple(scores), (), 100))
    assert (strong[0] if strong else None) == expected


def test_scores_are_honest() -> None:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 4000)
    x = y + rng.normal(size=4000)
    frame = pd.DataFrame({"y": y, "x": x, "noise": rng.normal(size=4000), "many": rng.integers(0, 900, 4000)})
    frame["many"] = "m" + frame["many"].astype(str)
    scores = dict(leakage_of(*typed(frame), "y").scores)
    assert scores["x"] == pytest.approx(roc_auc_score(y, x), abs=0.02)
    assert 0.45 < scores["noise"] < 0.55
    assert 0.45 < scores["many"] < 0.55  # learned by heart, and of no use on other rows


def test_one_far_row_makes_no_formula() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(500, 3)), columns=["a", "b", "y"])
    frame.loc[0] = [1e6, 1e6, 2e6]
    found = leakage_of(*typed(frame), "y")
    assert (found.alone, found.formulas) == ((), ())


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"y": [1], "x": [1]}),
        pd.DataFrame({"y": ["a", "b"] * 10, "x": ["a", "b"] * 10}),  # 20 rows
        pd.DataFrame({"y": ["a"] * 95 + ["b"] * 5, "x": ["a"] * 95 + ["b"] * 5}),  # 5 rows of a class
        pd.DataFrame({"y": ["a"] * 50, "x": range(50)}),
        pd.DataFrame({"y": ["", "x"] * 20, "x": ["1", "2"] * 20}),
        pd.DataFrame({"y": [f"2024-01-{k:02}" for k in range(1, 29)] * 2, "x": range(56)}),
    ],
    ids=["one row", "few rows", "rare class", "constant", "half missing", "date"],
)
def test_too_little_to_tell_is_no_alarm(frame: pd.DataFrame) -> None:
    found = leakage_of(*typed(frame), "y")
    assert (found.scores, found.formulas) == ((), ())


def test_it_survives_json(test_data: Path) -> None:
    found = leakage_of(*read(test_data / "ningbo_homes.csv.gz"), "总价(万元)")
    assert from_json(Leakage, to_json(found)) == found
    assert max(score for _, score in found.scores) < LEAK_SCORE
