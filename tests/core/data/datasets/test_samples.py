import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_predict

from core.data.datasets import samples


@pytest.fixture(scope="module")
def training() -> pd.DataFrame:
    return pd.read_csv(samples.sample_training_path(), dtype={"region_code": str})


def test_the_committed_files_are_what_the_generator_writes(tmp_path):
    samples.write_samples(tmp_path)
    for path in (samples.sample_training_path(), samples.sample_scoring_path()):
        assert (tmp_path / path.name).read_bytes() == path.read_bytes()


def test_the_files_are_small():
    paths = (samples.sample_training_path(), samples.sample_scoring_path())
    assert sum(path.stat().st_size for path in paths) < 600_000


def test_the_training_sample_has_the_promised_columns(training):
    assert training.shape == (5000, 12)
    assert training["customer_id"].is_unique
    assert training["region_code"].str.fullmatch(r"0\d\d").all()
    assert pd.to_datetime(training["customer_since"], format="%Y-%m-%d").notna().all()
    missing = training.isna().mean()
    assert set(missing[missing > 0].index) == {"age", "vehicle_damage", "annual_premium"}
    assert missing.max() < 0.05
    assert (training[samples.SAMPLE_TARGET] == "yes").mean() == pytest.approx(0.14, abs=0.01)


def test_the_scoring_sample_holds_other_customers_and_no_target(training):
    scoring = pd.read_csv(samples.sample_scoring_path())
    assert list(scoring.columns) == list(training.columns.drop(samples.SAMPLE_TARGET))
    assert len(scoring) == 500
    assert not set(scoring["customer_id"]) & set(training["customer_id"])


def test_another_seed_gives_other_rows_and_the_same_seed_the_same():
    first = samples.generate(50, 1, with_target=True)
    pd.testing.assert_frame_equal(first, samples.generate(50, 1, with_target=True))
    assert not first.equals(samples.generate(50, 2, with_target=True))


def test_the_signal_is_there_to_be_learned(training):
    y_true = training[samples.SAMPLE_TARGET] == "yes"
    codes = ["region_code", "previously_insured", "vehicle_age", "vehicle_damage", "sales_channel"]
    age = training["age"].fillna(training["age"].median())
    features = pd.get_dummies(training[codes], dtype=float).assign(age=age / 40, age_squared=(age / 40) ** 2)
    y_proba = cross_val_predict(LogisticRegression(max_iter=500), features, y_true, cv=5, method="predict_proba")[:, 1]
    assert roc_auc_score(y_true, y_proba) == pytest.approx(0.85, abs=0.015)
