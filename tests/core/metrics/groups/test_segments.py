"""Weak segments against pandas, scikit-learn and scipy, segment by segment."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy import stats
from sklearn import metrics as sk

from core.data.profiling.slices import filter_mask
from core.data.relations.binning import Group
from core.domain.columns import Column, Schema
from core.errors import DataError
from core.metrics.groups.segments import METRICS, GroupedColumn, find_weakness, group_columns, measure_rows
from core.metrics.predictions import Predictions, read_table
from tests.core.scoring.test_scorer import spec

SCHEMA = Schema(
    (
        Column("city", "category"),
        Column("age", "numeric", integer=True),
        Column("note", "text"),
        Column("same", "category"),
    )
)


LEVELS = tuple(Group(f"l{k}", "value") for k in range(12))


def _table(n: int = 6000, seed: int = 1) -> pa.Table:
    rng = np.random.default_rng(seed)
    city = rng.choice(["Bonn", "Oslo", "<b>Turin</b> %{x}"], n)
    age = rng.integers(18, 80, n).astype(object)
    age[rng.random(n) < 0.1] = None
    columns = {"city": city, "age": pa.array(age.tolist(), pa.int64()), "note": ["x"] * n, "same": ["one"] * n}
    return pa.table(columns)


def _binary(table: pa.Table, seed: int = 2) -> Predictions:
    """Predictions that are no better than a coin in Oslo, and good elsewhere."""
    rng = np.random.default_rng(seed)
    n = table.num_rows
    truth = rng.random(n) < 0.3
    good = np.clip(0.3 + 0.4 * truth + rng.normal(0, 0.15, n), 0.01, 0.99)
    p = np.where(np.array(table["city"].to_pylist()) == "Oslo", rng.random(n), good).round(2)
    stored = pa.table({"row": np.arange(n), "actual": np.where(truth, "1", "0"), "p_0": 1 - p, "p_1": p})
    return read_table(stored, spec(), "cv")


def _multiclass(n: int, seed: int = 3) -> Predictions:
    rng = np.random.default_rng(seed)
    p = rng.dirichlet([1, 1, 1], n)
    actual = rng.choice(["a", "b", "c"], n)
    stored = pa.table({"row": np.arange(n), "actual": actual, "p_a": p[:, 0], "p_b": p[:, 1], "p_c": p[:, 2]})
    return read_table(stored, spec(task="multiclass", classes=("a", "b", "c"), positive=None), "holdout")


def _regression(n: int, seed: int = 4) -> Predictions:
    rng = np.random.default_rng(seed)
    actual = rng.normal(10, 3, n)
    stored = pa.table({"row": np.arange(n), "actual": actual, "predicted": actual + rng.normal(0, 1, n)})
    return read_table(stored, spec(task="regression", classes=(), positive=None), "cv")


def _expected(metric: str, predictions: Predictions, mask: np.ndarray) -> float:
    if predictions.task == "regression":
        actual, predicted = predictions.actual[mask], predictions.predicted[mask]
        measures = {"explained": sk.r2_score, "rmse": sk.root_mean_squared_error, "mae": sk.mean_absolute_error}
        return measures[metric](actual, predicted)
    if metric == "explained":
        return sk.d2_log_loss_score(
            predictions.codes[mask], predictions.probabilities[mask], labels=range(len(predictions.classes))
        )
    if metric == "auc":
        return sk.roc_auc_score(predictions.codes[mask], predictions.probabilities[mask, 1])
    if metric == "logloss":
        return sk.log_loss(
            predictions.codes[mask], predictions.probabilities[mask], labels=range(len(predictions.classes))
        )
    return 1 - sk.accuracy_score(predictions.codes[mask], predictions.decided(0.5)[mask])


@pytest.mark.parametrize(
    ("task", "metric"), [(task, metric) for task, metrics in METRICS.items() for metric in metrics]
)
def test_each_segment_equals_scikit_learn_on_the_rows_that_its_filters_keep(task, metric) -> None:
    table = _table()
    makers = {
        "binary": lambda: _binary(table),
        "multiclass": lambda: _multiclass(6000),
        "regression": lambda: _regression(6000),
    }
    predictions = makers[task]()
    found = find_weakness(predictions, group_columns(table, SCHEMA), metric, threshold=0.5, pairs=True)
    assert found.overall == pytest.approx(_expected(metric, predictions, np.ones(6000, bool)), abs=1e-9)
    assert found.n_segments == len(found.segments)
    assert metric == "explained" or found.n_segments == 3 + 6 + 3 * 6
    for one in found.segments:
        mask = filter_mask(table.select, SCHEMA, one.filters, table.num_rows)
        assert one.n_rows == mask.sum()
        assert one.value == pytest.approx(_expected(metric, predictions, mask), abs=1e-9)
        assert one.low <= one.value <= one.high
        assert measure_rows(predictions, mask, metric, threshold=0.5) == pytest.approx(
            (one.value, one.low, one.high), abs=1e-9
        )


@pytest.mark.parametrize("metric", METRICS["binary"])
def test_the_weak_city_comes_first_and_is_clear(metric) -> None:
    table = _table()
    found = find_weakness(_binary(table), group_columns(table, SCHEMA), metric, threshold=0.5)
    worst = found.segments[0]
    assert worst.parts == (("city", "Oslo"),)
    assert worst.is_clear
    assert worst.gap > 0
    ages = [one for one in found.segments if one.parts[0][0] == "age"]
    assert not any(one.is_clear for one in ages)


def _loss(predictions: Predictions, mask: np.ndarray) -> float:
    return _expected("rmse" if predictions.task == "regression" else "logloss", predictions, mask)


@pytest.mark.parametrize("made", ["binary", "multiclass", "regression"])
def test_of_the_share_explained_parts_with_less_error_than_all_rows_are_left_out(made) -> None:
    table = _table()
    predictions = {"binary": _binary(table), "multiclass": _multiclass(6000), "regression": _regression(6000)}[made]
    columns = group_columns(table, SCHEMA)
    found = find_weakness(predictions, columns, "explained")
    least = _loss(predictions, np.ones(6000, bool))
    hard = {
        (column.name, group.label)
        for column in columns
        for place, group in enumerate(column.groups)
        if _loss(predictions, column.codes == place) >= least
    }
    assert {one.parts[0] for one in found.segments} == hard
    assert 0 < len(hard) < 9


def test_a_part_is_useless_where_its_own_average_is_clearly_better_and_not_where_it_is_as_good() -> None:
    table = _table()
    in_oslo = np.array(table["city"].to_pylist()) == "Oslo"
    rng = np.random.default_rng(7)
    truth = rng.random(6000) < np.where(in_oslo, 0.5, 0.2)
    for p_oslo, is_useless in ((rng.random(6000), True), (np.full(6000, 0.5), False)):
        p = np.where(in_oslo, p_oslo, np.where(truth, 0.6, 0.1))
        stored = pa.table({"row": np.arange(6000), "actual": np.where(truth, "1", "0"), "p_0": 1 - p, "p_1": p})
        worst = find_weakness(read_table(stored, spec(), "cv"), group_columns(table, SCHEMA), "explained").segments[0]
        assert worst.parts == (("city", "Oslo"),)
        assert worst.is_clear
        assert worst.is_useless is is_useless
        assert worst.value == pytest.approx(-0.4 if is_useless else 0.0, abs=0.1)


@pytest.mark.parametrize(("n_rows", "rate"), [(1000, 0.03), (3000, 0.03), (2000, 0.3)])
def test_of_a_model_that_is_right_everywhere_chance_makes_hardly_any_part_weak(n_rows: int, rate: float) -> None:
    rng = np.random.default_rng(9)
    clear = useless = 0
    for _ in range(100):
        p = np.clip(rng.beta(2 * rate, 2 * (1 - rate), n_rows), 0.002, 0.998)
        truth = rng.random(n_rows) < p
        stored = pa.table({"row": np.arange(n_rows), "actual": np.where(truth, "1", "0"), "p_0": 1 - p, "p_1": p})
        columns = [GroupedColumn(f"c{k}", rng.integers(0, 12, n_rows).astype(np.int16), LEVELS) for k in range(8)]
        found = find_weakness(read_table(stored, spec(), "cv"), columns, "explained")
        clear += any(one.is_clear for one in found.segments)
        useless += any(one.is_useless for one in found.segments)
    assert clear <= 10  # 5 of 100 by Bonferroni; up to 10 in 99 of 100 such tests
    assert useless <= 1


def test_a_part_whose_numbers_are_all_the_same_is_not_judged() -> None:
    rng = np.random.default_rng(10)
    actual = rng.normal(10, 3, 600)
    actual[:200] = 1 / 3
    stored = pa.table(
        {
            "row": np.arange(600),
            "actual": actual,
            "predicted": actual + rng.normal(0, 9, 600) + 9 * (np.arange(600) < 200),
        }
    )
    column = GroupedColumn("c", np.repeat([0, 1, 2], 200).astype(np.int16), LEVELS[:3])
    found = find_weakness(
        read_table(stored, spec(task="regression", classes=(), positive=None), "cv"), [column], "explained"
    )
    assert ("c", "l0") not in [part for one in found.segments for part in one.parts]
    assert all(abs(one.value) < 100 for one in found.segments)


def test_columns_of_two_levels_are_paired_though_one_of_them_is_easy() -> None:
    rng = np.random.default_rng(11)
    hard, n_rows = rng.random(4000) < 0.5, 4000
    actual = rng.normal(0, 3, n_rows)
    stored = pa.table(
        {"row": np.arange(n_rows), "actual": actual, "predicted": actual + rng.normal(0, 1, n_rows) * (1 + 2 * hard)}
    )
    flat = [GroupedColumn(f"c{k}", rng.integers(0, 3, n_rows).astype(np.int16), LEVELS[:3]) for k in range(9)]
    two = GroupedColumn("two", hard.astype(np.int16), LEVELS[:2])
    predictions = read_table(stored, spec(task="regression", classes=(), positive=None), "cv")
    found = find_weakness(predictions, [*flat, two], "explained", pairs=True)
    assert any(len(one.parts) == 2 and "two" in dict(one.parts) for one in found.segments)


def test_the_interval_of_the_share_explained_is_that_of_a_bootstrap() -> None:
    predictions = _regression(2000)
    mask = np.arange(2000) < 400
    value, low, high = measure_rows(predictions, mask, "explained")
    actual, predicted = predictions.actual[mask], predictions.predicted[mask]
    rng = np.random.default_rng(8)
    drawn = [sk.r2_score(actual[one], predicted[one]) for one in rng.integers(0, 400, (2000, 400))]
    assert (high - low) / 2 == pytest.approx(1.96 * np.std(drawn), rel=0.1)
    assert value - low == pytest.approx(high - value)


def test_delong_equals_its_definition_by_pairs_of_rows() -> None:
    table = _table(400)
    predictions = _binary(table)
    mask = np.array(table["city"].to_pylist()) == "Bonn"
    value, low, high = measure_rows(predictions, mask, "auc")
    p, truth = predictions.probabilities[mask, 1], predictions.codes[mask] == 1
    won = (p[truth][:, None] > p[~truth]) + 0.5 * (p[truth][:, None] == p[~truth])
    variance = won.mean(axis=1).var(ddof=1) / truth.sum() + won.mean(axis=0).var(ddof=1) / (~truth).sum()
    half = stats.norm.ppf(0.975) * np.sqrt(variance)
    assert (value, low, high) == pytest.approx((won.mean(), won.mean() - half, won.mean() + half), abs=1e-9)


def test_intervals_of_means_and_shares_equal_scipy() -> None:
    predictions = _regression(3000)
    mask = np.arange(3000) < 500
    distance = np.abs(predictions.actual - predictions.predicted)[mask]
    value, low, high = measure_rows(predictions, mask, "mae")
    assert (low, high) == pytest.approx(stats.norm.interval(0.95, distance.mean(), stats.sem(distance)), abs=1e-9)
    classes = _multiclass(3000)
    wrong = int((classes.decided(None) != classes.codes)[mask].sum())
    value, low, high = measure_rows(classes, mask, "error")
    interval = stats.binomtest(wrong, 500).proportion_ci(method="wilson")
    assert (value, low, high) == pytest.approx((wrong / 500, interval.low, interval.high), abs=1e-9)


def test_a_column_of_five_thousand_levels_is_cut_to_the_most_frequent_ones() -> None:
    rng = np.random.default_rng(6)
    levels = [f"level {number}" for number in rng.zipf(1.5, 20_000) % 5000]
    table = pa.table({"city": levels})
    (column,) = group_columns(table, Schema((Column("city", "category"),)))
    assert len(column.groups) == 13
    assert column.groups[-1].kind == "other"
    predictions = _multiclass(20_000)
    found = find_weakness(predictions, [column], "error")
    counts = pd.Series(levels).value_counts()
    named = {one.parts[0][1]: one.n_rows for one in found.segments if one.filters}
    assert named == {name: counts[name] for name in named}
    assert all(not one.filters for one in found.segments if one.parts[0][1].startswith("other"))


def test_small_segments_are_left_out_and_counted() -> None:
    table = pa.table({"city": ["rare"] * 49 + ["common"] * 951})
    columns = group_columns(table, Schema((Column("city", "category"),)))
    found = find_weakness(_multiclass(1000), columns, "error")
    assert [one.parts for one in found.segments] == [(("city", "common"),)]
    assert (found.min_rows, found.n_segments) == (50, 1)


def test_one_class_has_no_auc_and_a_constant_prediction_has_one_half() -> None:
    n = 200
    stored = pa.table({"row": np.arange(n), "actual": ["1"] * n, "p_0": [0.5] * n, "p_1": [0.5] * n})
    table = pa.table({"city": ["a", "b"] * (n // 2)})
    columns = group_columns(table, Schema((Column("city", "category"),)))
    with pytest.raises(DataError, match="another outcome"):
        find_weakness(read_table(stored, spec(), "holdout"), columns, "auc")
    mixed = stored.set_column(1, "actual", pa.array(["0", "0", "1", "1"] * (n // 4)))
    found = find_weakness(read_table(mixed, spec(), "holdout"), columns, "auc")
    assert (found.overall, [one.value for one in found.segments]) == (0.5, [0.5, 0.5])


def test_a_stored_label_that_is_no_class_is_said() -> None:
    stored = pa.table({"row": [0], "actual": ["2"], "p_0": [0.5], "p_1": [0.5]})
    with pytest.raises(DataError, match="not one of the model's classes"):
        read_table(stored, spec(), "cv")
