"""What `Engine` promises, kept by the real each_engine."""

import hashlib
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from core.domain.columns import Column, Schema
from core.domain.models import ModelSpec
from core.engine.h2o import H2OEngine
from core.engine.jvm import reach
from core.engine.jvm.jvm import Address
from core.engine.protocol import Engine, Mojo
from core.errors import (
    EmptyDataError,
    EngineError,
    EngineUnavailableError,
    ModelIncompatibleError,
    ModelIntegrityError,
)
from core.explain.computed.grids import Grids
from core.explain.sample import Sample
from core.settings import Settings
from tests.engines.fake import FakeEngine
from tests.fixtures_engine import (
    COLUMNS,
    FEATURES,
    LEVELS,
    Trained,
    finish,
    three_classes,
    tiny_training,
    wait_for,
    write_rows,
)

SCHEMA = Schema(
    (Column(FEATURES[0], "numeric"), Column(FEATURES[1], "category", levels=LEVELS), Column(FEATURES[2], "numeric"))
)


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def save(engine: Engine, model: str, folder: Path) -> Mojo:
    """Save a model's MOJO in a folder."""
    path = folder / f"{model}.zip"
    engine.models.save_mojo(model, path)
    return path, sha256(path)


def sample(engine: Engine, frame: str) -> Sample:
    """Return the features of a frame as what is explained."""
    return Sample(engine.frames.download(frame).select(FEATURES), SCHEMA)


def grids(engine: Engine, mojo: Mojo, rows: Sample, classes: tuple[str, ...]) -> Grids:
    """Return what sets features of rows to values."""
    spec = ModelSpec(
        task="binary" if len(classes) == 2 else "multiclass",
        target="target",
        target_column=Column("target", "category"),
        features=SCHEMA,
        classes=classes,
        positive=classes[-1],
        dataset_id="d" * 32,
    )
    return Grids(lambda some: engine.mojos.predict(mojo, some.engine_rows()), spec, rows)


def logit(p: np.ndarray) -> np.ndarray:
    return np.log(p / (1 - p))


def test_upload_keeps_types_names_and_cells(each_engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "cells.csv"
    path.write_text('00012,1,"x,y"\n00100,,"say ""hi"""\nNA,2.5,数据 [é]\n,1e3, lead\n', encoding="utf-8")
    key = each_engine.frames.upload(path, [("a, b [1]", "Enum"), ("größe %&@", "Numeric"), ("数据", "Enum")])
    found = each_engine.frames.download(key)
    each_engine.delete([key])
    assert found.schema.types == [pa.string(), pa.float64(), pa.string()]
    assert found.to_pydict() == {
        "a, b [1]": ["00012", "00100", "NA", None],
        "größe %&@": [1.0, None, 2.5, 1000.0],
        "数据": ["x,y", 'say "hi"', "数据 [é]", "lead"],
    }


def test_upload_of_nothing_is_refused(each_engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "empty.csv").touch()
    with pytest.raises(EmptyDataError):
        each_engine.frames.upload(tmp_path / "empty.csv", [("a", "Numeric")])


def test_upload_of_one_column_loses_no_row_in_silence(each_engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "blank.csv").write_text("1\n\n3\n")
    with pytest.raises(EngineError, match="blank"):
        each_engine.frames.upload(tmp_path / "blank.csv", [("a", "Numeric")])
    (tmp_path / "full.csv").write_text("1\n2\n3")
    key = each_engine.frames.upload(tmp_path / "full.csv", [("a", "Numeric")])
    assert each_engine.frames.download(key)["a"].to_pylist() == [1, 2, 3]
    each_engine.delete([key])


def test_upload_of_many_long_names(each_engine: Engine, tmp_path: Path) -> None:
    columns = [(f"column {i:04d} " + "x" * 60, "Numeric") for i in range(5000)]
    (tmp_path / "wide.csv").write_text("\n".join(",".join(["1"] * len(columns)) for _ in range(3)) + "\n")
    key = each_engine.frames.upload(tmp_path / "wide.csv", columns)
    assert each_engine.frames.download(key).column_names == [name for name, _ in columns]
    each_engine.delete([key])


def test_relevel_puts_a_class_first_and_outlives_its_source(each_engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "classes.csv"
    path.write_text("b,1\na,2\nc,3\n")
    raw = each_engine.frames.upload(path, [("class", "Enum"), ("n", "Numeric")])
    key = each_engine.frames.relevel(raw, "class", "c")
    each_engine.delete([raw])
    assert each_engine.frames.download(key).to_pydict() == {"class": ["b", "a", "c"], "n": [1, 2, 3]}
    with pytest.raises(EngineError, match="no column 'class' with a level 'd'"):
        each_engine.frames.relevel(key, "class", "d")
    each_engine.delete([key])


def test_delete_tolerates_what_is_not_there(each_engine: Engine) -> None:
    each_engine.delete(["never_there", "never_there"])
    with pytest.raises(EngineError, match="not found"):
        each_engine.frames.download("never_there")


def test_training_ends_with_models_and_events(each_engine: Engine, each_trained: Trained) -> None:
    state = each_trained.state
    assert (state.status, state.progress, state.error) == ("done", 1.0, "")
    assert {key.split("_")[0] for key in state.models} == {"GLM", "GBM", "StackedEnsemble"}
    times = [time for time, _, _ in state.events]
    assert times == sorted(times)
    assert any("New leader" in message for _, _, message in state.events)
    assert each_engine.automl.poll(each_trained.job).models == state.models


def test_leaderboard_has_models_metrics_and_times(each_engine: Engine, each_trained: Trained) -> None:
    assert "predict_time_per_row_ms" not in each_engine.automl.leaderboard(each_trained.job).column_names
    found = each_engine.automl.leaderboard(each_trained.job, timed=True)
    assert tuple(found["model_id"].to_pylist()) == each_trained.state.models
    assert found["auc"].to_pylist() == sorted(found["auc"].to_pylist(), reverse=True)
    for name in ("logloss", "aucpr", "rmse", "training_time_ms", "predict_time_per_row_ms"):
        assert found[name].type == pa.float64()
    assert set(found["algo"].to_pylist()) == {"GLM", "GBM", "StackedEnsemble"}


@pytest.mark.parametrize("algo", ["GLM", "GBM", "StackedEnsemble"])
def test_details_tell_metrics_by_origin(each_engine: Engine, each_trained: Trained, algo: str) -> None:
    details = each_engine.models.details(each_trained.model(algo))
    assert details.algo == algo
    assert details.domain == ("yes", "no")
    assert {"cv_auc", "cv_auc_mean", "cv_auc_sd", "cv_aucpr_sd", "train_auc", "train_mean_per_class_error"} <= set(
        details.metrics
    )
    assert details.parameters
    y_true = np.array(each_trained.targets) == "no"
    assert details.cv_predictions_key
    held_out = each_engine.frames.download(details.cv_predictions_key)["no"].to_numpy()
    assert roc_auc_score(y_true, held_out) == pytest.approx(details.metrics["cv_auc"], abs=2e-3)
    assert log_loss(y_true, held_out) == pytest.approx(details.metrics["cv_logloss"], abs=1e-4)


def test_details_fold_importance_and_name_members(each_engine: Engine, each_trained: Trained) -> None:
    for algo in ("GLM", "GBM"):
        importance = each_engine.models.details(each_trained.model(algo)).variable_importance
        assert {name for name, _ in importance} == set(FEATURES)
        assert importance[0][1] == 1.0
    assert each_engine.models.details(each_trained.model("GBM")).scoring_history["number_of_trees"][0] == 0
    ensemble = each_engine.models.details(each_trained.model("Stacked"))
    assert ensemble.variable_importance == ()
    assert set(ensemble.base_models) == {each_trained.model("GLM"), each_trained.model("GBM")}


@pytest.mark.parametrize("algo", ["GLM", "GBM", "StackedEnsemble"])
def test_predict_is_row_exact_and_files_come_back_equal(
    each_engine: Engine, each_trained: Trained, tmp_path: Path, algo: str
) -> None:
    model, mojo, native = each_trained.model(algo), tmp_path / "m.mojo.zip", tmp_path / "m.bin"
    scored = each_engine.models.predict(model, each_trained.frame)
    assert scored.column_names == ["predict", "yes", "no"]
    assert scored.num_rows == len(each_trained.targets)
    y_true = np.array(each_trained.targets) == "no"
    metrics = each_engine.models.holdout_metrics(model, each_trained.frame)
    assert log_loss(y_true, scored["no"].to_numpy()) == pytest.approx(metrics["logloss"], abs=1e-6)

    each_engine.models.save_mojo(model, mojo)
    each_engine.models.save_native(model, native)
    assert mojo.stat().st_mode & 0o777 == native.stat().st_mode & 0o777 == 0o600
    assert each_engine.models.load_native(native, sha256(native)) == model
    again = each_engine.models.predict(model, each_trained.frame)
    assert np.abs(again["no"].to_numpy() - scored["no"].to_numpy()).max() <= 1e-6
    assert again["predict"].to_pylist() == scored["predict"].to_pylist()

    rows = sample(each_engine, each_trained.frame)
    for some in (rows, rows.head(3)):
        stored = each_engine.mojos.predict((mojo, sha256(mojo)), some.engine_rows())
        assert stored.column_names == ["yes", "no"]
        assert np.abs(stored["no"].to_numpy() - scored["no"].to_numpy()[: some.n_rows]).max() <= 1e-6


def test_changed_model_file_is_not_opened(each_engine: Engine, each_trained: Trained, tmp_path: Path) -> None:
    path = tmp_path / "m.mojo.zip"
    path.write_bytes(b"not the file that was saved")
    rows = sample(each_engine, each_trained.frame).head(3)
    asks: list[Callable[[str], object]] = [
        lambda digest: each_engine.models.load_native(path, digest),
        lambda digest: each_engine.mojos.predict((path, digest), rows.engine_rows()),
        lambda digest: each_engine.mojos.contributions((path, digest), rows.engine_rows(), rows.engine_rows()),
    ]
    for ask in asks:
        with pytest.raises(ModelIntegrityError):
            ask("0" * 64)
        with pytest.raises(ModelIncompatibleError):
            ask(sha256(path))


def test_rows_that_a_mojo_cannot_score_are_refused(each_engine: Engine, each_trained: Trained, tmp_path: Path) -> None:
    mojo = save(each_engine, each_trained.model("GBM"), tmp_path)
    rows = sample(each_engine, each_trained.frame).head(3)
    with pytest.raises(EmptyDataError):
        each_engine.mojos.predict(mojo, [])
    without = [batch.drop_columns([FEATURES[1]]) for batch in rows.engine_rows()]
    for ask in (each_engine.mojos.predict, each_engine.mojos.contributions):
        with pytest.raises(EngineError, match="needs a column"):
            ask(mojo, without)


def test_a_level_never_seen_counts_as_missing(each_engine: Engine, each_trained: Trained, tmp_path: Path) -> None:
    mojo = save(each_engine, each_trained.model("GBM"), tmp_path)
    rows = sample(each_engine, each_trained.frame).head(20)
    place = rows.table.schema.get_field_index(FEATURES[1])
    unseen, missing = (
        Sample(rows.table.set_column(place, FEATURES[1], pa.array([cell] * 20, pa.string())), SCHEMA)
        for cell in ("never seen", None)
    )
    found = [each_engine.mojos.predict(mojo, some.engine_rows()) for some in (unseen, missing)]
    assert found[0].equals(found[1])


@pytest.mark.parametrize("algo", ["GLM", "GBM", "StackedEnsemble"])
def test_contributions_sum_to_the_prediction(each_engine: Engine, each_trained: Trained, algo: str) -> None:
    model = each_trained.model(algo)
    found = each_engine.explanations.contributions(model, each_trained.frame, background=each_trained.frame)
    assert set(found.column_names) == {*FEATURES, "BiasTerm"}
    total = sum(np.asarray(column) for column in found.columns)
    expected = logit(each_engine.models.predict(model, each_trained.frame)["no"].to_numpy())
    assert np.abs(total - expected).max() <= 1e-4


@pytest.mark.parametrize("algo", ["GLM", "GBM"])
def test_contributions_without_the_engine_sum_to_the_prediction(
    each_engine: Engine, each_trained: Trained, tmp_path: Path, algo: str
) -> None:
    mojo, rows = save(each_engine, each_trained.model(algo), tmp_path), sample(each_engine, each_trained.frame)
    found = each_engine.mojos.contributions(mojo, rows.engine_rows(), rows.engine_rows())
    assert set(found.column_names) == {*FEATURES, "BiasTerm"}
    assert found.num_rows == rows.n_rows
    total = sum(np.asarray(column) for column in found.columns)
    expected = logit(each_engine.mojos.predict(mojo, rows.engine_rows())["no"].to_numpy())
    assert np.abs(total - expected).max() <= 1e-4
    if algo == "GLM":  # counted from the mean of the background, so on the same rows they cancel out
        assert [np.asarray(found[name]).mean() for name in FEATURES] == pytest.approx([0.0] * 3, abs=1e-9)

    nothing = Sample(pa.table({name: pa.nulls(1, rows.table[name].type) for name in FEATURES}), SCHEMA)
    found = each_engine.mojos.contributions(mojo, nothing.engine_rows(), rows.engine_rows())
    expected = logit(each_engine.mojos.predict(mojo, nothing.engine_rows())["no"].to_numpy())
    assert sum(np.asarray(column) for column in found.columns) == pytest.approx(expected, abs=1e-4)


def test_an_ensemble_has_contributions_without_the_engine_where_its_members_add_up(
    each_engine: Engine, each_trained: Trained, tmp_path: Path
) -> None:
    mojo = save(each_engine, each_trained.model("StackedEnsemble"), tmp_path)
    rows, ensemble = sample(each_engine, each_trained.frame), each_engine.mojos.ensemble(mojo)
    assert ensemble is not None
    assert ensemble.adds_up
    found = each_engine.mojos.contributions(mojo, rows.engine_rows(), rows.engine_rows())
    expected = logit(each_engine.mojos.predict(mojo, rows.engine_rows())["no"].to_numpy())
    assert sum(np.asarray(column) for column in found.columns) == pytest.approx(expected, abs=1e-4)


def test_partial_dependence_of_a_number_and_of_levels(
    each_engine: Engine, each_trained: Trained, tmp_path: Path
) -> None:
    rows = sample(each_engine, each_trained.frame)
    ask = grids(each_engine, save(each_engine, each_trained.model("GBM"), tmp_path), rows, ("yes", "no"))
    (number,), (all_levels,) = (ask.dependence(rows, name, 10, [""]) for name in FEATURES[:2])
    assert (number.target, len(number.values)) == ("", 10)
    assert list(number.values) == sorted(number.values)
    assert number.mean[0] > number.mean[-1]  # a large size makes "yes", the first class, likely
    assert len(number.sd) == 10
    assert set(all_levels.values) == set(LEVELS)

    frequent = {level for level, _ in Counter(rows.table[FEATURES[1]].to_pylist()).most_common(2)}
    (two,) = ask.dependence(rows, FEATURES[1], 2, [""])
    assert set(two.values) == frequent
    means = dict(zip(all_levels.values, all_levels.mean, strict=True))
    assert dict(zip(two.values, two.mean, strict=True)) == pytest.approx({level: means[level] for level in frequent})


def test_multiclass(each_engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    targets = write_rows(path, three_classes)
    frame = each_engine.frames.upload(path, [*COLUMNS, ("target", "Enum")])
    settings = tiny_training(task="multiclass", positive=None, include_algos=("GBM",), max_models=1)
    job = each_engine.automl.start(frame, settings, features=FEATURES, project="contract_multiclass", holdout=None)
    (model,) = finish(each_engine, job).models
    scored = each_engine.models.predict(model, frame)
    assert scored.column_names == ["predict", "0", "1", "2"]
    details = each_engine.models.details(model)
    assert details.domain == ("0", "1", "2")
    assert "cv_auc" not in details.metrics
    assert "cv_auc_sd" not in details.metrics
    proba = np.column_stack([scored[name].to_numpy() for name in details.domain])
    assert log_loss(targets, proba) == pytest.approx(
        each_engine.models.holdout_metrics(model, frame)["logloss"], abs=1e-6
    )
    mojo, rows = save(each_engine, model, tmp_path), sample(each_engine, frame)
    stored = each_engine.mojos.predict(mojo, rows.engine_rows())
    assert stored.column_names == ["0", "1", "2"]
    assert np.abs(np.column_stack(stored.columns) - proba).max() <= 1e-6
    found = grids(each_engine, mojo, rows, ("0", "1", "2")).dependence(rows, FEATURES[0], 4, ["0", "2"])
    assert [item.target for item in found] == ["0", "2"]
    assert found[1].mean[-1] > found[1].mean[0]
    with pytest.raises(EngineError, match="not supported for multinomial"):
        each_engine.explanations.contributions(model, frame)
    with pytest.raises(EngineError, match="multinomial"):
        each_engine.mojos.contributions(mojo, rows.engine_rows())
    each_engine.delete([job.dest_key, frame])
    with pytest.raises(EngineError, match="not found"):
        each_engine.models.details(model)


def test_regression(each_engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    targets = write_rows(path, lambda size, level, _: f"{100 + 10 * size + 5 * (level == 'a,b'):.6f}")
    frame = each_engine.frames.upload(path, [*COLUMNS, ("target", "Numeric")])
    settings = tiny_training(task="regression", positive=None, include_algos=("GBM",), max_models=1, sort_metric="mae")
    job = each_engine.automl.start(frame, settings, features=FEATURES, project="contract_regression", holdout=None)
    (model,) = finish(each_engine, job).models
    scored = each_engine.models.predict(model, frame)
    assert scored.schema.types == [pa.float64()]
    stored = each_engine.mojos.predict(save(each_engine, model, tmp_path), sample(each_engine, frame).engine_rows())
    assert stored.column_names == ["predict"]
    assert stored["predict"].to_numpy() == pytest.approx(scored["predict"].to_numpy(), rel=1e-6)
    errors = scored["predict"].to_numpy() - np.array(targets, dtype=float)
    metrics = each_engine.models.holdout_metrics(model, frame)
    assert metrics["mae"] == pytest.approx(np.abs(errors).mean(), rel=1e-5)
    assert metrics["rmse"] == pytest.approx(np.sqrt((errors**2).mean()), rel=1e-5)
    details = each_engine.models.details(model)
    assert details.domain == ()
    assert {"cv_mae", "cv_rmse", "cv_rmsle", "cv_r2", "cv_mean_residual_deviance", "cv_mae_sd"} <= set(details.metrics)
    assert list(each_engine.automl.leaderboard(job).column_names)[:2] == ["model_id", "mae"]
    each_engine.delete([job.dest_key, frame])


def test_cancel_keeps_the_models_while_others_score(each_engine: Engine, each_trained: Trained, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    write_rows(path, three_classes)
    frame = each_engine.frames.upload(path, [*COLUMNS, ("target", "Enum")])
    settings = tiny_training(max_models=500, include_algos=(), task="multiclass", positive=None)
    job = each_engine.automl.start(frame, settings, features=FEATURES, project="contract_cancel", holdout=None)
    expected = each_engine.models.predict(each_trained.model("GLM"), each_trained.frame)
    found: list[pa.Table] = []
    threads = [
        threading.Thread(
            target=lambda: found.append(each_engine.models.predict(each_trained.model("GLM"), each_trained.frame))
        )
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [table.equals(expected) for table in found] == [True] * 6
    models = wait_for(lambda: each_engine.automl.poll(job).models, lambda keys: len(keys) >= 1, 60)
    each_engine.automl.cancel(job)
    state = wait_for(lambda: each_engine.automl.poll(job), lambda state: state.status != "running", 10)
    assert state.status == "cancelled"
    assert set(models) <= set(state.models)
    assert each_engine.models.predict(state.models[0], frame).num_rows == 600
    each_engine.automl.cancel(job)
    each_engine.delete([job.dest_key, frame])


def test_impossible_training_says_why(each_engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    write_rows(path, lambda *_: "same")
    frame = each_engine.frames.upload(path, [*COLUMNS, ("target", "Enum")])
    with pytest.raises(EngineError, match=r"^Number of classes is equal to 1\.$"):
        each_engine.automl.start(frame, tiny_training(), features=FEATURES, project="contract_constant", holdout=None)
    each_engine.delete([frame])


def test_scoring_leaves_nothing_behind(each_engine: Engine, each_trained: Trained, tmp_path: Path) -> None:
    def keys() -> set[str]:
        if isinstance(each_engine, FakeEngine):
            return set(each_engine.frames.held)
        return {entry["frame_id"]["name"] for entry in each_engine._server.client().get("/3/Frames")["frames"]}

    before = keys()
    each_engine.models.predict(each_trained.model("GBM"), each_trained.frame)
    each_engine.explanations.contributions(each_trained.model("GBM"), each_trained.frame)
    rows = sample(each_engine, each_trained.frame)
    each_engine.mojos.predict(save(each_engine, each_trained.model("GBM"), tmp_path), rows.engine_rows())
    with pytest.raises(EngineError):
        each_engine.models.predict(each_trained.model("GBM"), "no_such_frame")
    assert keys() == before


def test_xgboost_and_status(each_engine: Engine) -> None:
    assert isinstance(each_engine.has_xgboost(), bool)
    assert each_engine.status().state == "ready"
    name = each_engine.ensure_ready()
    assert each_engine.is_alive(name)
    assert not each_engine.is_alive("bellwether_of_yesterday")
    assert not each_engine.end_idle()  # it is in use


# What follows is of H2OEngine alone: how it reaches a cluster that it did not start.


@pytest.mark.engine
def test_external_cluster_is_used_and_left_alone(engine: H2OEngine, trained: Trained, tmp_path: Path) -> None:
    address = Address.load(engine._server._state_file)
    assert address is not None
    settings = Settings(home=tmp_path, h2o_url=address.url, h2o_user=address.user, h2o_password=address.password)
    other = H2OEngine(settings)
    assert other.ensure_ready() == address.name
    assert other.status().state == "ready"
    assert other.automl.poll(trained.job).status == "done"
    assert other.models.predict(trained.model("GLM"), trained.frame).num_rows == len(trained.targets)
    assert not other.end_idle()
    other.stop()
    assert engine.is_alive(address.name)
    assert not (tmp_path / "mlruns").exists()


@pytest.mark.engine
def test_external_cluster_that_cannot_be_used(
    engine: H2OEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = Address.load(engine._server._state_file)
    assert address is not None
    wrong = Settings(home=tmp_path, h2o_url=address.url, h2o_user=address.user, h2o_password="wrong")
    closed = H2OEngine(wrong)
    with pytest.raises(EngineUnavailableError, match="password"):
        closed.ensure_ready()
    nobody = H2OEngine(Settings(home=tmp_path, h2o_url="http://127.0.0.1:9"))
    with pytest.raises(EngineUnavailableError):
        nobody.ensure_ready()
    assert nobody.status().state == "failed"
    assert not nobody.is_alive(address.name)
    monkeypatch.setattr(reach, "version", lambda _: "3.46.0.99")
    right = Settings(home=tmp_path, h2o_url=address.url, h2o_user=address.user, h2o_password=address.password)
    other = H2OEngine(right)
    with pytest.raises(EngineUnavailableError, match=r"has version .*; Bellwether works with 3\.46\.0\.99"):
        other.ensure_ready()
    for each in (closed, nobody, other):
        each.stop()
