"""The table of models: large metrics as people write them, in every cell that holds one."""

import pyarrow as pa

from app.ui.widgets.models.leaderboard import as_table, leaderboard_config, leaderboard_records
from app.ui.widgets.models.metrics import fold_spread
from core.models.standing import Standings
from tests.fixtures_store import make_model

METRICS = {
    "cv_rmse": 28_651.38, "holdout_rmse": 24_869.4, "cv_rmse_mean": 28_317.2, "cv_rmse_sd": 6_712.4, "cv_r2": 0.87123,
}  # fmt: skip


def test_large_metrics_are_whole_and_grouped_and_small_ones_keep_their_decimals():
    models = [make_model(n, task="regression", metrics=METRICS | {"cv_rmse": 28_651.38 + n}) for n in (1, 2)]
    places = {model.id: place for place, model in enumerate(models, 1)}
    records = leaderboard_records(models, "cv_rmse", {}, Standings(metric="cv_rmse"), places)
    table = as_table(records)
    assert table["cv_rmse"].to_pylist() == [28_652, 28_653]
    assert table["cv_rmse"].type == pa.int64()
    assert (records[0]["holdout_rmse"], records[0]["spread"], records[0]["gap"]) == (24_869, 6_712, -3_783)
    assert records[0]["cv_r2"] == 0.87123
    formats = {
        name: one["type_config"]["format"] for name, one in leaderboard_config(models, "cv_rmse").items()
        if name in ("cv_rmse", "holdout_rmse", "spread", "gap", "cv_r2")
    }  # fmt: skip
    assert formats == {
        "cv_rmse": "localized", "holdout_rmse": "localized", "spread": "localized", "gap": "localized", "cv_r2": "%.4f",
    }  # fmt: skip


def test_the_spread_over_folds_is_written_without_a_power_of_ten():
    model = make_model(1, task="regression", metrics=METRICS)
    words, _, more = fold_spread(model, "cv_rmse", 3).partition("; ")
    assert words == "RMSE of the 3 folds, one by one: 28,317 ± 6,712 (mean and standard deviation)"
    assert more.startswith("cross-validation above counts")
