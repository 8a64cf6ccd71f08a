"""Errors of predicted numbers against pandas."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from core.domain.columns import Column
from core.metrics.groups.errors import SHOWN_QUANTILES, error_by_prediction, residuals_by


def _case(n: int = 2000) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    predicted = rng.gamma(2, 50, n)
    kind = rng.choice(["x", "y", ""], n)
    return pd.DataFrame({"predicted": predicted, "actual": predicted * rng.normal(1.02, 0.2, n), "kind": kind})


def test_error_by_prediction_equals_pandas() -> None:
    case = _case()
    found = error_by_prediction(case["actual"], case["predicted"])
    assert all(199 <= one.n_rows <= 201 for one in found)
    highest = [one.high for one in found]
    groups = case.groupby(pd.cut(case["predicted"], [0, *highest], labels=False))
    assert [one.n_rows for one in found] == groups.size().tolist()
    error = case["actual"] - case["predicted"]
    for one, (_, rows) in zip(found, groups, strict=True):
        assert (one.low, one.high) == (rows["predicted"].min(), rows["predicted"].max())
        assert one.bias == pytest.approx((rows["predicted"] - rows["actual"]).mean())
        assert one.mae == pytest.approx(error[rows.index].abs().mean())
        assert one.rmse == pytest.approx(np.sqrt((error[rows.index] ** 2).mean()))


def test_a_constant_prediction_is_one_bin() -> None:
    (found,) = error_by_prediction([1.0, 2.0, 6.0], [3.0, 3.0, 3.0])
    assert (found.n_rows, found.bias, found.mae) == (3, 0.0, pytest.approx(2.0))


def test_residuals_by_level_equal_pandas() -> None:
    case = _case()
    values = pa.chunked_array([pa.array([one or None for one in case["kind"]], pa.string())])
    found = residuals_by(values, Column("kind", "category"), case["actual"].to_numpy(), case["predicted"].to_numpy())
    error = case["actual"] - case["predicted"]
    by_name = {name: error[case["kind"] == name] for name in ("x", "y")} | {"missing": error[case["kind"] == ""]}
    assert {one.name for one in found} == set(by_name)
    for one in found:
        assert one.n_rows == len(by_name[one.name])
        assert one.mean == pytest.approx(by_name[one.name].mean())
        assert one.quantiles == pytest.approx(by_name[one.name].quantile(list(SHOWN_QUANTILES)).tolist())
