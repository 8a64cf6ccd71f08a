"""Fairness against pandas and scipy, and a table made by hand."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy import stats

from core.domain.columns import Column
from core.errors import DataError
from core.metrics.groups.fairness import compare, measure_fairness, split_groups


def _case(n: int = 3000, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    group = rng.choice(["a", "b", "c"], n, p=[0.5, 0.4, 0.1])
    truth = rng.random(n) < np.where(group == "a", 0.4, 0.25)
    selected = rng.random(n) < np.where(truth, 0.7, 0.2) * np.where(group == "b", 0.6, 1.0)
    return pd.DataFrame({"group": group, "truth": truth, "selected": selected})


def _measure(case: pd.DataFrame, **options):
    names = sorted(case["group"].unique())
    codes = np.array([names.index(one) for one in case["group"]])
    return measure_fairness(
        case["truth"].to_numpy(), case["selected"].to_numpy(), codes, names, column="group", **options
    )


def test_rates_equal_pandas() -> None:
    case = _case()
    found = _measure(case, reference="a")
    for one in found.groups:
        rows = case[case["group"] == one.name]
        assert one.n_rows == len(rows)
        assert one.base_rate.value == pytest.approx(rows["truth"].mean())
        assert one.selection.value == pytest.approx(rows["selected"].mean())
        assert one.true_positive_rate.value == pytest.approx(rows.loc[rows["truth"], "selected"].mean())
        assert one.false_positive_rate.value == pytest.approx(rows.loc[~rows["truth"], "selected"].mean())
        assert one.precision.value == pytest.approx(rows.loc[rows["selected"], "truth"].mean())
        interval = stats.binomtest(int(rows["selected"].sum()), len(rows)).proportion_ci(method="wilson")
        assert (one.selection.low, one.selection.high) == pytest.approx((interval.low, interval.high))


def test_differences_have_the_p_value_of_the_chi_square_test() -> None:
    case = _case()
    found = _measure(case, reference="a")
    for one in found.groups[1:]:
        pair = case[case["group"].isin(["a", one.name])]
        for gap, rows in (
            (one.selection_gap, pair),
            (one.true_positive_gap, pair[pair["truth"]]),
            (one.false_positive_gap, pair[~pair["truth"]]),
        ):
            table = pd.crosstab(rows["group"], rows["selected"])
            expected = stats.chi2_contingency(table, correction=False)
            assert gap.p_value == pytest.approx(expected.pvalue, rel=1e-9)
            rates = rows.groupby("group")["selected"].mean()
            assert gap.difference == pytest.approx(rates[one.name] - rates["a"])
            assert gap.ratio == pytest.approx(rates[one.name] / rates["a"])


def test_few_rows_are_compared_by_fishers_exact_test() -> None:
    found = compare(1, 10, 8, 12)
    assert found.test == "Fisher's exact test"
    assert found.p_value == pytest.approx(stats.fisher_exact([[1, 9], [8, 4]]).pvalue)
    assert compare(0, 50, 0, 60).p_value == 1
    assert compare(0, 50, 0, 60).ratio is None


def test_the_four_fifths_rule_by_hand() -> None:
    # 50 of 100 selected, 30 of 100 selected: 0.3 / 0.5 = 0.6 is below four fifths.
    case = pd.DataFrame(
        {
            "group": ["a"] * 100 + ["b"] * 100,
            "truth": [True, False] * 100,
            "selected": [True, False] * 50 + [True] * 30 + [False] * 70,
        }
    )
    found = _measure(case)
    assert found.reference == "a"  # selected most often
    assert found.disparate_impact == pytest.approx(0.6)
    assert found.passes is False
    assert _measure(case, reference="b").disparate_impact == pytest.approx(0.6)
    even = case.assign(selected=[True, False] * 100)
    assert (_measure(even).disparate_impact, _measure(even).passes) == (1.0, True)


def test_a_small_group_is_shown_but_not_judged_nor_the_reference() -> None:
    case = pd.DataFrame(
        {"group": ["big"] * 500 + ["tiny"] * 5, "truth": [True] * 505, "selected": [False] * 400 + [True] * 105}
    )
    found = _measure(case)
    assert found.reference == "big"
    tiny = found.groups[1]
    assert (tiny.is_small, tiny.false_positive_rate, tiny.false_positive_gap) == (True, None, None)
    assert (found.disparate_impact, found.passes) == (None, None)


def test_one_group_and_an_unknown_reference_are_said() -> None:
    with pytest.raises(DataError) as caught:
        _measure(pd.DataFrame({"group": ["a"] * 3, "truth": [True] * 3, "selected": [True] * 3}))
    assert caught.value.code == "fairness.one_group"
    with pytest.raises(DataError, match="no group 'z'"):
        _measure(_case(), reference="z")


@pytest.mark.parametrize("borders", [(25, 40), (40, 25, 25)])
def test_numbers_are_cut_at_the_borders_given(borders) -> None:
    ages = [18, 24.9, 25, 39, 40, 90, None]
    codes, names = split_groups(pa.chunked_array([pa.array(ages)]), Column("Age", "numeric"), borders=borders)
    assert names == ("below 25", "25 to below 40", "from 40", "missing")
    assert codes.tolist() == [0, 0, 1, 1, 2, 2, 3]


def test_an_empty_bin_is_no_group() -> None:
    codes, names = split_groups(pa.chunked_array([[1.0, 2.0, 9.0]]), Column("n", "numeric"), borders=[3, 5])
    assert (codes.tolist(), names) == ([0, 0, 1], ("below 3", "from 5"))


def test_numbers_without_borders_are_cut_into_bins_of_equal_counts() -> None:
    codes, names = split_groups(pa.chunked_array([list(range(100))]), Column("n", "numeric", integer=True), n_bins=4)
    assert np.bincount(codes).tolist() == [25, 25, 25, 25]
    assert names[0] == "0 to 24"
