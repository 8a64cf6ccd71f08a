"""Explanations end to end over a small engine, store and registry that live in memory and on a temporary folder."""

import hashlib
import json
import statistics
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import roc_auc_score

from core.errors import (
    DatasetNotFoundError,
    EngineDiedError,
    EngineError,
    EngineUnavailableError,
    ExplanationError,
    ModelIncompatibleError,
    ScoringProcessError,
    StoreError,
)
from core.explain import asked, export
from core.explain.computed import permutation, shapley, varied
from core.explain.computed.learning import learning_curve
from core.explain.sample import MIN_UNSEEN, Sample, draw_sample, draw_unseen
from core.explanations.items import FORMAT
from core.metrics import curves
from core.plain import to_json, to_plain
from core.report.page import explanations_page
from tests.fixtures_explain import HISTORY, KEY, N_ROWS, Home


@pytest.fixture
def binary(tmp_path: Path) -> Home:
    return Home(tmp_path, "binary")


def test_everything_of_a_tree_model_with_two_classes(binary: Home) -> None:
    said: list[tuple[float, str]] = []
    found = binary.compute(progress=lambda share, words: said.append((share, words)))
    assert set(found.missing()) == {"members", "residuals (cv)", "residuals (holdout)"}
    ranked = found.variable_importance.data
    assert {one.feature for one in ranked[:2]} == {"age", "city"}
    assert {one.feature for one in ranked[2:]} == {"paid", "since"}
    assert "permutation importance" in found.variable_importance.method
    assert found.variable_importance.origin == "all 1,200 training rows"  # the holdout's 300 are too few
    assert (found.threshold, found.positive) == (0.4, "yes")
    assert [share for share, _ in said] == sorted(share for share, _ in said)
    assert said[-1] == (1.0, "Done")
    assert set(found.seconds) == {"curves", "load", "importance", "shap", "dependence", "grids"}


def test_what_is_stored_is_read_back_without_an_engine(binary: Home) -> None:
    assert binary.stored.explanations is None
    found = binary.compute()
    assert binary.store.logged == [[f"explanations/{KEY}/shap.parquet", f"explanations/{KEY}/explanations.json"]]
    assert binary.stored.explanations == found
    plain = json.loads((binary.store.folder / f"explanations/{KEY}/explanations.json").read_bytes())
    assert not any(feature["value"] for feature in plain["shap_summary"]["data"]["features"])


def test_what_an_older_version_said_level_by_level_is_to_be_computed_again(
    binary: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert binary.compute() == binary.stored.explanations
    monkeypatch.setattr(
        "core.features.indicators.Indicators.of", classmethod(lambda cls, spec: cls({"place": {"city": "Bonn"}}))
    )
    assert binary.stored.explanations is None


def test_the_engine_is_left_as_it_was(binary: Home) -> None:
    binary.compute()
    assert set(binary.engine.deleted) == {*binary.engine.sent, KEY}
    assert ("load_native", "model.bin", hashlib.sha256(b"native").hexdigest()) in binary.engine.calls


def test_models_that_a_run_still_needs_stay_in_the_engine(tmp_path: Path) -> None:
    home = Home(tmp_path, "binary", "StackedEnsemble")
    home.compute(leave_loaded=True)
    assert set(home.engine.deleted) == set(home.engine.sent)


def test_curves_come_from_the_stored_predictions(binary: Home) -> None:
    found = binary.compute()
    table = pq.read_table(binary.store.folder / f"predictions/{KEY}/holdout.parquet")
    actual, p = np.array(table["actual"].to_pylist()), table["p_yes"].to_numpy()
    roc = found.roc["holdout"]
    assert roc.origin == "holdout, 300 rows"
    assert roc.data[0].name == "yes"
    assert roc.data[0].curve.auc == pytest.approx(roc_auc_score(actual == "yes", p), abs=1e-9)
    assert found.metrics["holdout"]["auc"] == roc.data[0].curve.auc
    assert found.precision_recall["cv"].origin == "cross-validation, 1,200 rows"
    counts = np.array(found.confusion["holdout"].data.counts)
    assert counts[1, 1] == ((actual == "yes") & (p >= 0.4)).sum()
    assert found.confusion["holdout"].method == "yes when its probability is at least 0.4"
    assert found.residuals["cv"].reason == "Residuals need a number to predict; this model predicts a class."


def test_shap_names_its_scale_and_adds_up(binary: Home) -> None:
    item = binary.compute().shap_summary
    summary = item.data
    assert (summary.scale, summary.n_rows, item.method) == ("log-odds", 1000, "TreeSHAP")
    assert item.origin == "a sample of 1,000 training rows"
    assert summary.bias == 0.25
    sizes = [feature.mean_absolute for feature in summary.features]
    assert sizes == sorted(sizes, reverse=True)
    by_name = {feature.feature: feature for feature in summary.features}
    assert len(by_name["age"].contribution) == shapley.SHAP_POINTS
    assert set(by_name["city"].shade) == {None}  # three levels have no order
    assert set(by_name["paid"].shade) == {0.0, 1.0}
    assert by_name["since"].value[0].count("-") == 2  # an ISO date
    missing_at = by_name["age"].value.index("missing")
    assert by_name["age"].shade[missing_at] is None


def test_dependence_keeps_to_where_the_rows_are(binary: Home) -> None:
    item = binary.compute().partial_dependence
    by_name = {one.feature: one for one in item.data}
    assert set(by_name) == {"age", "city", "paid", "since"}
    age, city, paid = by_name["age"], by_name["city"], by_name["paid"]
    assert max(age.values) < 100
    assert len(age.values) == varied.DEPENDENCE_POINTS
    assert age.kind == "numeric"
    assert sum(age.share) == pytest.approx(1)
    assert age.lines[0].mean[-1] > age.lines[0].mean[0]
    assert city.values == ("<b>Ulm", "Bonn", "Lübeck")
    assert sum(city.share) == pytest.approx(1)
    assert paid.edges == (-0.5, 0.5, 1.5)  # a code of two values has two bins


def test_wide_data_and_a_refusal_leave_what_the_model_noted_itself(
    binary: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asked, "MAX_SHUFFLED", 3)
    assert "split gain" in binary.compute().variable_importance.method
    monkeypatch.undo()
    binary.engine.failing["mojos.predict"] = EngineError("Too many levels.")
    found = binary.compute()
    assert "split gain" in found.variable_importance.method
    assert [one.feature for one in found.variable_importance.data] == ["age", "city", "paid"]


def test_a_date_stays_a_date(binary: Home) -> None:
    one = next(one for one in binary.compute().partial_dependence.data if one.feature == "since")
    assert one.kind == "date"
    assert 15_000 <= min(one.values) < max(one.values) <= 18_000


def test_a_regression(tmp_path: Path) -> None:
    found = Home(tmp_path, "regression").compute()
    assert found.shap_summary.data.scale == "amount"
    assert found.roc["cv"].reason == "There are no classes: this model predicts a number."
    assert found.confusion["holdout"].data is None
    residuals = found.residuals["holdout"]
    assert residuals.data.n_rows == 300
    assert set(found.metrics["cv"]) >= {"rmse", "mae", "r2"}
    assert found.learning_curve.data.metric == "rmse"
    assert found.partial_dependence.data[0].lines[0].name == ""


def test_several_classes(tmp_path: Path) -> None:
    home = Home(tmp_path, "multiclass")
    found = home.compute()
    assert "several classes" in found.shap_summary.reason
    assert [one.name for one in found.roc["cv"].data] == ["a", "b", "c"]
    assert found.roc["cv"].method == "each class against the rest"
    assert [line.name for line in found.partial_dependence.data[0].lines] == ["a", "b", "c"]
    assert not any(name == "contributions" for name, *_ in home.engine.calls)
    assert home.store.logged == [[f"explanations/{KEY}/explanations.json"]]
    assert home.stored.explanations == found


def test_an_ensemble(tmp_path: Path) -> None:
    home = Home(tmp_path, "binary", "StackedEnsemble", holdout=False)
    found = home.compute()
    ranked = found.variable_importance.data
    assert {one.feature for one in ranked[:2]} == {"age", "city"}
    assert [one.feature for one in ranked[2:]] == ["paid", "since"]
    assert ranked[0].importance == 1 > ranked[1].importance > ranked[2].importance > ranked[3].importance >= 0
    assert "permutation importance" in found.variable_importance.method
    of_a_tree = Home(tmp_path / "tree", "binary").compute().variable_importance
    assert found.variable_importance.method == of_a_tree.method  # so models of any kind can be put side by side
    assert found.variable_importance.origin == "all 1,500 training rows"
    ((_, frame, background),) = [call for call in home.engine.calls if call[0] == "contributions"]
    assert home.engine.sent[frame].num_rows == asked.BACKGROUND_SHAP_ROWS
    assert home.engine.sent[background].num_rows == asked.BACKGROUND_ROWS
    assert found.shap_summary.method == "SHAP against a background of 100 training rows"
    assert "ensemble" in found.learning_curve.reason
    assert "holdout share" in found.roc["holdout"].reason
    assert set(home.engine.deleted) == {*home.engine.sent, KEY, "GBM_7", "GLM_8"}
    members = found.members.data
    assert [(one.model_key, one.weight) for one in members.members] == [("GBM_7", 0.75), ("GLM_8", 0.25)]
    # GBM's importances sum to 1.25, GLM's to 1: age 0.75 / 1.25, city 0.75 * 0.2 + 0.25.
    assert members.features == ("age", "city")
    assert members.importance == pytest.approx((1.0, 0.4 / 0.6))
    assert "metalearner" in found.members.method


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_dependence_is_the_mean_prediction_and_all_classes_are_scored_at_once(tmp_path: Path, task: str) -> None:
    home = Home(tmp_path, task)
    rows = draw_sample(home.datasets, home.spec, np.arange(1200, N_ROWS))
    n_rows = varied.DEPENDENCE_CLASS_ROWS if task == "multiclass" else varied.DEPENDENCE_ROWS
    names = ["age", "city", "paid", "since"]
    kept = rows.without_tails(names, varied.TAIL_SHARE, varied.DEPENDENCE_POINTS).head(n_rows)
    item = home.compute().partial_dependence
    done = 1 + permutation.SHUFFLES * 4  # what ranking the features scored
    for one, scored in zip(item.data, home.engine.mojos.scored[done:][:4], strict=True):
        assert scored.num_rows == len(one.values) * kept.n_rows
        for line in one.lines:
            expected = [_mean_with(home, kept, one.feature, value, line.name) for value in one.values]
            assert line.mean == pytest.approx(expected, abs=1e-12)


def _mean_with(home: Home, rows: Sample, feature: str, value: float | str, name: str) -> float:
    """Return the mean prediction over rows with a feature set to a value."""
    table = pa.Table.from_batches(list(rows.engine_rows()))
    place = table.schema.get_field_index(feature)
    found = home.engine.probabilities(table.set_column(place, feature, pa.array([value] * rows.n_rows)))
    return float(found[name or ("predict" if home.spec.task == "regression" else "yes")].to_numpy().mean())


@pytest.mark.parametrize(
    ("call", "item"),
    [("contributions", "shap_summary"), ("mojos.predict", "partial_dependence"), ("mojos.predict", "pairs")],
)
def test_a_refusal_costs_only_its_item(binary: Home, call: str, item: str) -> None:
    binary.engine.failing[call] = EngineError("Too many levels.")
    found = binary.compute()
    assert item in found.missing()
    assert getattr(found, item).reason == "H2O could not compute this for the model: Too many levels."
    assert set(binary.engine.deleted) == {*binary.engine.sent, KEY}
    assert binary.stored.explanations == found


@pytest.mark.parametrize(
    ("call", "error"),
    [
        ("contributions", EngineDiedError("It ended.")),
        ("mojos.predict", EngineUnavailableError("There is no Java.")),
        ("ensure_ready", EngineUnavailableError("There is no Java.")),
    ],
)
def test_a_dead_engine_ends_everything(binary: Home, call: str, error: EngineError) -> None:
    binary.engine.failing[call] = error
    with pytest.raises(type(error)):
        binary.compute()
    assert binary.store.logged == []


def test_a_scoring_process_that_dies_ends_everything_but_the_engine_is_left_as_it_was(binary: Home) -> None:
    binary.engine.failing["mojos.predict"] = ScoringProcessError("It ended.")
    with pytest.raises(ScoringProcessError):
        binary.compute()
    assert binary.store.logged == []
    assert set(binary.engine.deleted) == {*binary.engine.sent, KEY}


@pytest.mark.parametrize("error", [ModelIncompatibleError("H2O cannot open it."), EngineError("Refused.")])
def test_a_model_that_cannot_be_loaded_keeps_what_needs_no_engine(binary: Home, error: Exception) -> None:
    binary.engine.failing["load_native"] = error
    found = binary.compute()
    assert found.shap_summary.reason == found.partial_dependence.reason == error.message
    assert found.variable_importance.data
    assert found.roc["cv"].data
    assert binary.engine.deleted == []


def test_a_dataset_that_is_gone_is_a_reason(binary: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object) -> pa.Table:
        raise DatasetNotFoundError("This dataset is gone.")

    monkeypatch.setattr(binary.datasets, "typed", gone)
    assert binary.compute().partial_dependence.reason == "This dataset is gone."
    assert binary.engine.deleted == [KEY]


def test_a_holdout_of_one_class_is_a_reason(binary: Home) -> None:
    yes = np.flatnonzero(np.array(binary.table["answer"].to_pylist()) == "yes")[:20]
    binary.put_predictions("holdout", yes)
    found = binary.compute()
    assert "one class" in found.roc["holdout"].reason
    assert found.confusion["holdout"].data is not None
    assert "auc" not in found.metrics["holdout"]


def test_a_model_without_files_cannot_be_explained(binary: Home) -> None:
    with pytest.raises(ExplanationError, match="files were not stored"):
        binary.explainer.compute(replace(binary.model, has_files=False))


def test_damaged_and_newer_files_are_told_apart(binary: Home) -> None:
    found = binary.compute()
    path = f"explanations/{KEY}/explanations.json"
    binary.store.put(path, json.dumps(to_plain(found) | {"format": FORMAT + 1}).encode())
    with pytest.raises(ExplanationError, match="newer version"):
        _ = binary.stored.explanations
    for damaged in (b"{", b"[]", b'{"format": 1}', b'{"format": 1, "roc": 3}'):
        binary.store.put(path, damaged)
        with pytest.raises(ExplanationError, match="cannot be read"):
            _ = binary.stored.explanations


def test_the_rows_that_importance_is_measured_on_are_of_a_holdout_that_is_large_enough(binary: Home) -> None:
    held_out = np.arange(1000, N_ROWS)
    unseen = draw_unseen(binary.datasets, binary.spec, held_out)
    assert unseen is not None
    assert unseen.origin == "all 500 holdout rows"
    assert sorted(unseen.table["since"].to_pylist()) == sorted(binary.table["since"][1000:].to_pylist())
    assert draw_unseen(binary.datasets, binary.spec, held_out[: MIN_UNSEEN - 1]) is None
    binary.put_predictions("holdout", held_out)
    assert binary.compute().variable_importance.origin == "all 500 holdout rows"


def test_the_sample_is_training_rows_only_and_always_the_same(binary: Home) -> None:
    held_out = np.arange(1000, N_ROWS)
    first = draw_sample(binary.datasets, binary.spec, held_out)
    again = draw_sample(binary.datasets, binary.spec, held_out)
    assert first.n_rows == 1000
    assert first.table.equals(again.table)
    assert sorted(first.table["since"].to_pylist()) == sorted(binary.table["since"][:1000].to_pylist())
    assert first.origin == "all 1,000 training rows"
    assert first.head(999).origin == "a sample of 999 training rows"


@pytest.mark.parametrize(
    ("total", "predicted", "task", "scale"),
    [
        ([0.1, 0.9], {"yes": [0.1, 0.9]}, "binary", "probability"),
        ([0.0, 2.0], {"yes": [0.5, 1 / (1 + np.exp(-2.0))]}, "binary", "log-odds"),
        ([5.0, 6.0], {"yes": [0.5, 0.6]}, "binary", "the model's own scale"),
        ([10.0, 20.0], {"predict": [10.0, 20.0]}, "regression", "amount"),
        ([0.0, 1.0], {"predict": [1.0, np.e]}, "regression", "logarithm of amount"),
        ([0.0, 1.0], {"predict": [-1.0, 7.0]}, "regression", "the model's own scale"),
    ],
)
def test_the_scale_is_told_by_comparing(binary: Home, total, predicted, task: str, scale: str) -> None:
    spec = replace(binary.spec, task=task, target="answer" if task == "binary" else "amount")
    rows = draw_sample(binary.datasets, binary.spec, np.arange(0)).head(2)
    table = pa.table({"age": total, "BiasTerm": [0.0, 0.0]})
    assert shapley.shap_summary(table, pa.table(predicted), rows, spec).scale == scale


GLM_HISTORY = {
    "iteration": [1, 3, 5],
    "deviance_train": [0.72, 0.71, 0.70],
    "deviance_xval": [0.73, 0.72, 0.71],
    "training_logloss": ["", "", ""],
    "iterations": [None, None, None],
}


@pytest.mark.parametrize(
    ("history", "step", "metric", "series"),
    [
        (HISTORY, "Number of trees", "logloss", {"training": (0.7, 0.5, 0.4), "validation": (None, 0.6, 0.55)}),
        (
            GLM_HISTORY,
            "Iterations",
            "deviance",
            {"training": (0.72, 0.71, 0.7), "cross-validation": (0.73, 0.72, 0.71)},
        ),
        (
            {"iteration": [1, 3, 5], "deviance_train": [9.0, 8.0, 7.0], "deviance_xval": [9.5, 8.5, 0.0]},
            "Iterations",
            "deviance",
            {"training": (9.0, 8.0, 7.0), "cross-validation": (9.5, 8.5, None)},
        ),
        (
            {"duration": HISTORY["duration"], "objective": [3.0, float("nan"), 1.0]},
            "Seconds",
            "objective",
            {"training": (3.0, 1.0)},
        ),
    ],
)
def test_learning_curves_say_what_is_what(binary: Home, history, step, metric, series) -> None:
    curve = learning_curve(replace(binary.details, scoring_history=history), binary.spec).data
    assert (curve.step, curve.metric) == (step, metric)
    assert {one.name: one.values for one in curve.series} == series
    if step == "Seconds":
        assert curve.steps == (0.1, 62.5)


def _fold(steps: list, losses: list) -> dict[str, list]:
    return {"number_of_trees": steps, "validation_logloss": losses}


def test_cross_validation_is_the_mean_of_its_folds_beside_the_training_rows(binary: Home) -> None:
    folds = (_fold([0.0, 5.0, 10.0], [0.7, 0.6, 0.5]), _fold([0.0, 5.0], [0.9, 0.8]))
    details = replace(
        binary.details, scoring_history={k: v for k, v in HISTORY.items() if "valid" not in k}, fold_histories=folds
    )
    item = learning_curve(details, binary.spec)
    training, folded = item.data.series
    assert item.data.steps == (0.0, 5.0, 10.0)
    assert training.values == (0.7, 0.5, 0.4)
    assert folded.name == "cross-validation"
    assert folded.values == pytest.approx((0.8, 0.7, 0.65))  # the fold that stopped at 5 trees keeps its 0.8
    assert folded.sd == pytest.approx([statistics.stdev(pair) for pair in ((0.7, 0.9), (0.6, 0.8), (0.5, 0.8))])
    assert (item.data.n_folds, item.origin) == (2, "training and cross-validation rows")
    assert "mean of 2 models" in item.method


def test_folds_are_drawn_only_where_each_of_them_has_a_curve(binary: Home) -> None:
    late = (_fold([0.0, 5.0, 12.0], [0.7, 0.6, 0.5]), _fold([5.0, 10.0], [0.8, 0.7]))
    curve = learning_curve(replace(binary.details, scoring_history=HISTORY, fold_histories=late), binary.spec).data
    assert curve.steps == (0.0, 5.0, 10.0, 12.0)
    assert curve.series[-1].values == pytest.approx((None, 0.7, 0.65, 0.6), nan_ok=True)
    broken = (late[0], {"number_of_trees": [0.0, 5.0]})
    curve = learning_curve(replace(binary.details, scoring_history=HISTORY, fold_histories=broken), binary.spec).data
    assert [one.name for one in curve.series] == ["training", "validation"]


@pytest.mark.parametrize(
    ("history", "reason"),
    [
        ({}, "no scoring history"),
        ({"number_of_trees": [1.0], "training_rmse": [1.0]}, "only one step"),
        ({"number_of_trees": [1.0, 2.0], "lift": [1.0, 2.0]}, "no metric"),
    ],
)
def test_no_learning_curve_has_a_reason(binary: Home, history, reason: str) -> None:
    assert reason in learning_curve(replace(binary.details, scoring_history=history), binary.spec).reason


def test_export_writes_data_and_one_page_that_needs_no_network(tmp_path: Path, binary: Home) -> None:
    found = binary.compute()
    files = export(found, tmp_path / "new" / "folder", explanations_page(found))
    assert [path.name for path in files][:2] == ["explanations.html", "metrics.json"]
    data = json.loads((tmp_path / "new" / "folder" / "roc.json").read_text(encoding="utf-8"))
    assert data["cv"]["data"][0]["curve"]["auc"] == found.metrics["cv"]["auc"]
    page = files[0].read_text(encoding="utf-8")
    assert page.count('id="plotly"') == 1
    assert "<script src=" not in page
    assert "<b>Ulm" not in page
    assert "Residuals need a number to predict" in page


def test_export_to_a_place_that_cannot_be_written(tmp_path: Path, binary: Home) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be written"):
        export(binary.compute(), tmp_path / "file" / "folder", "")


def test_many_classes_draw_the_most_frequent(tmp_path: Path) -> None:
    from core.explain.stored import MAX_CURVE_CLASSES, StoredPredictions

    classes = tuple(f"c{number:02}" for number in range(14))
    rng = np.random.default_rng(1)
    actual = np.array(classes, dtype=object)[np.minimum(rng.geometric(0.15, 600) - 1, 13)]
    p = rng.dirichlet(np.ones(14), 600)
    table = pa.table({"row": range(600), "actual": actual} | {f"p_{name}": p[:, k] for k, name in enumerate(classes)})
    home = Home(tmp_path, "multiclass", holdout=False)
    home.store.put("spec.json", to_json(replace(home.spec, classes=classes)).encode())
    pq.write_table(table, tmp_path / f"predictions/{KEY}/cv.parquet")
    item = StoredPredictions(home.stored).roc()["cv"]
    assert len(item.data) == MAX_CURVE_CLASSES
    assert item.method.startswith("each of the 10 most frequent")
    assert all(len(one.curve.threshold) <= curves.MAX_CURVE_POINTS for one in item.data)
