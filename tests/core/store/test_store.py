import hashlib
import math
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from mlflow import MlflowClient

from core.domain.models import ModelInfo
from core.domain.runs import AutoMLJob, EngineSize
from core.errors import DataError, ModelNotFoundError, RunNotFoundError, StoreCorruptError, StoreError
from core.settings import Settings
from core.store.catalogue_sqlite import SqliteCatalogue
from core.store.items import Artifact, Metric, Param, Tag
from core.store.mlflow import Store
from core.store.records import CHAMPION, Sort, Wanted
from core.store.remote import ClientCatalogue
from tests.fixtures_store import DATASET, SETTINGS, make_details

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[3]
QueueRun = Callable[..., str]


@pytest.fixture
def client(store: Store, settings: Settings) -> MlflowClient:
    """MLflow itself on the store's database, to look at what any MLflow tool would see."""
    uri = f"sqlite:///{settings.mlruns_dir / 'mlflow.db'}"
    return MlflowClient(tracking_uri=uri, registry_uri=uri)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "model.zip"
    path.write_bytes(b"mojo")
    return path


# --- runs -------------------------------------------------------------------------------------------------------------


def test_a_new_run_is_queued_and_says_everything(store: Store):
    before = datetime.now(UTC) - timedelta(seconds=1)
    run = store.get_run(store.create_run(SETTINGS, DATASET, key="k", person="ann"))
    assert (run.status, run.settings, run.experiment, run.person) == ("queued", SETTINGS, "sales", "ann")
    assert (run.dataset_name, run.n_models, run.leader_id, run.error) == ("customers", 0, None, None)
    assert before < run.created_at <= datetime.now(UTC)
    assert (run.started_at, run.ended_at, run.key) == (None, None, "k")
    assert set(run.versions) == {"bellwether", "h2o", "mlflow"}


def test_runs_are_numbered_within_their_experiment_also_after_some_without_a_number(store: Store, client: MlflowClient):
    def number(key: str, experiment: str = "sales") -> int | None:
        settings = replace(SETTINGS, experiment=experiment)
        return store.get_run(store.create_run(settings, DATASET, key=key)).number

    assert [number("a"), number("b"), number("c", "other"), number("a")] == [1, 2, 1, 1]
    for run in store.list_runs():
        client.delete_tag(run.run_id, "bellwether.number")
    assert {run.number for run in store.list_runs()} == {None}
    assert number("d") == 3


def test_a_run_is_called_by_its_experiment_and_number_until_somebody_names_it(store: Store, client: MlflowClient):
    run_id = store.create_run(replace(SETTINGS, experiment="sales"), DATASET, key="a")
    assert store.get_run(run_id).title == "sales #1" == client.get_run(run_id).info.run_name
    client.set_tag(run_id, "mlflow.runName", "customers: bought")  # what runs were named before they had numbers
    assert store.get_run(run_id).title == "sales #1"
    store.describe_run(run_id, name="For the board", note="", tags=[])
    assert store.get_run(run_id).title == "For the board #1"
    store.describe_run(run_id, name="Spring sales #1", note="", tags=[])
    assert store.get_run(run_id).title == "Spring sales #1"
    client.delete_tag(run_id, "bellwether.number")
    assert store.get_run(run_id).title == "Spring sales #1"


def test_mlflow_sees_status_params_tags_and_the_dataset(store: Store, client: MlflowClient, queue_run: QueueRun):
    run = client.get_run(queue_run())
    assert run.info.status == "SCHEDULED"
    assert run.data.params["target"] == "bought"
    assert run.data.tags["bellwether.dataset_id"] == DATASET.id
    (used,) = run.inputs.dataset_inputs
    assert (used.dataset.name, used.dataset.digest) == (DATASET.name, DATASET.id)
    assert str(ROOT) not in used.dataset.source


def test_a_status_sets_the_times_that_belong_to_it(store: Store, client: MlflowClient, queue_run: QueueRun):
    run_id = queue_run()
    store.set_status(run_id, "running")
    running = store.get_run(run_id)
    assert running.status == "running"
    assert running.started_at is not None
    assert running.created_at <= running.started_at + timedelta(milliseconds=1)
    assert running.ended_at is None
    store.set_status(run_id, "running")  # by the next owner, who takes it up again
    assert store.get_run(run_id).started_at == running.started_at
    for status, theirs in (("finished", "FINISHED"), ("failed", "FAILED"), ("cancelled", "KILLED")):
        store.set_status(run_id, status)
        ended = store.get_run(run_id)
        assert (ended.status, client.get_run(run_id).info.status) == (status, theirs)
        assert ended.ended_at is not None
        assert ended.ended_at >= running.started_at - timedelta(milliseconds=1)
    store.set_status(run_id, "queued")
    assert (store.get_run(run_id).status, store.get_run(run_id).ended_at) == ("queued", None)


def test_tags_become_what_the_run_says(store: Store, queue_run: QueueRun):
    run_id = queue_run()
    error = {"code": "engine.died", "message": "It died.", "hint": "Again."}
    store.update_run(run_id, progress=0.5, stage="Training", n_models=3, leader_id="m-1")
    store.update_run(run_id, error=error, explanations="computing", progress=0.75)
    run = store.get_run(run_id)
    assert (run.progress, run.stage, run.n_models, run.leader_id) == (0.75, "Training", 3, "m-1")
    assert (run.error, run.explanations) == (error, "computing")
    job, size = AutoMLJob("c", "j", "d", "p", "f", holdout_frame="h"), EngineSize("3.46.0.11", 1, 2)
    now = datetime.now(UTC)
    store.update_run(run_id, job=job, engine=size, trained_since=now, heartbeat=now, seconds={"train": 1.5}, n_events=7)
    store.update_run(run_id, baselines={"GLM": "done"}, explanations="failed", explanations_error="No: it died.")
    run = store.get_run(run_id)
    assert (run.job, run.engine, run.trained_since, run.heartbeat) == (job, size, now, now)
    assert (run.seconds, run.n_events, run.baselines) == ({"train": 1.5}, 7, {"GLM": "done"})
    assert (run.explanations, run.explanations_error) == ("failed", "No: it died.")


def test_runs_that_were_stored_before_are_read_as_well(store: Store, queue_run: QueueRun):
    run_id = queue_run()
    tags = {"explanations": "failed: No: it died.", "progress": "0.40", "n_models": "3", "seconds": ""}
    store._mlflow.log_batch(run_id, tags=tags)
    run = store.get_run(run_id)
    assert (run.explanations, run.explanations_error) == ("failed", "No: it died.")
    assert (run.progress, run.n_models, run.seconds) == (0.4, 3, {})


@pytest.mark.parametrize("tags", [{"n_models": "many"}, {"job": '{"cluster": 1}'}, {"started_at": "then"}])
def test_a_run_whose_state_cannot_be_read_is_said_so(store: Store, queue_run: QueueRun, tags: dict[str, str]):
    run_id = queue_run()
    store._mlflow.log_batch(run_id, tags=tags)
    with pytest.raises(StoreCorruptError):
        store.get_run(run_id)


def test_one_key_makes_one_run_from_twenty_threads(store: Store):
    with ThreadPoolExecutor(20) as pool:
        ids = set(pool.map(lambda _: store.create_run(SETTINGS, DATASET, key="same"), range(20)))
    assert ids == {store.list_runs()[0].run_id}
    assert len(store.list_runs()) == 1


def test_two_processes_that_start_at_once_make_one_store_and_one_run(tmp_path: Path):
    script = (
        "from core.settings import load_settings; from core.store.mlflow import Store;"
        "from tests.fixtures_store import DATASET, SETTINGS;"
        "print(Store(load_settings()).create_run(SETTINGS, DATASET, key='same'))"
    )
    command = [sys.executable, "-c", script]
    environ = {**os.environ, "BELLWETHER_HOME": str(tmp_path / "home")}
    both = [
        subprocess.Popen(command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = [process.communicate(timeout=240) for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert {out.strip() for out, _ in said} == {Store(Settings(home=tmp_path / "home")).list_runs()[0].run_id}
    assert not list((tmp_path / "home" / "mlruns").glob("new-*"))


def test_a_run_whose_maker_was_killed_is_not_shown_and_is_completed_by_its_key(
    store: Store, queue_run: QueueRun, monkeypatch: pytest.MonkeyPatch
):
    with monkeypatch.context() as patch:
        patch.setattr("core.store.runs.iter_settings", lambda _: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            queue_run(key="killed")
    assert store.list_runs() == ()
    run_id = queue_run(key="killed")
    assert [run.run_id for run in store.list_runs()] == [run_id]
    assert store.artifacts(run_id) == ("settings.json",)


def test_runs_are_listed_newest_first_and_found_by_everything(store: Store, queue_run: QueueRun):
    one = queue_run(person="Zoë")
    two = queue_run(experiment="other", target="price")
    three = queue_run(dataset_id="e" * 32)
    store.set_status(two, "running")
    store.set_status(three, "failed")

    def ids(**options: object) -> list[str]:
        return [run.run_id for run in store.list_runs(**options)]

    assert ids() == [three, two, one]
    assert ids(limit=2) == [three, two]
    assert ids(experiment="other") == [two]
    assert ids(statuses=("queued", "running")) == [two, one]
    assert ids(dataset_id=DATASET.id) == [two, one]
    assert ids(dataset_id="e" * 32) == [three]
    assert ids(dataset_id="f" * 32) == []
    assert ids(text="ZOË") == [one]
    assert ids(text="price") == [two]
    assert ids(text=three[5:20]) == [three]
    assert store.experiments() == ("other", "sales")


def test_settings_longer_than_a_tag_are_kept_whole(store: Store, queue_run: QueueRun):
    ignored = tuple(f"column number {number}" for number in range(2000))
    run_id = queue_run(ignored=ignored)
    assert store.get_run(run_id).settings.ignored == ignored
    assert store.list_runs()[0].settings.ignored == ignored


def test_items_of_every_kind_are_logged_and_may_be_logged_again(store: Store, client: MlflowClient, tmp_path: Path):
    run_id = store.create_run(SETTINGS, DATASET, key="k")
    (tmp_path / "big.bin").write_bytes(b"big")
    at = datetime(2026, 5, 1, tzinfo=UTC)
    items = [
        *(Param(f"p{number}", "v") for number in range(150)),
        *(Tag(f"t{number}", "v") for number in range(150)),
        *(Metric("loss", 1.0 / (step + 1), step, at) for step in range(1500)),
        Metric("nothing", math.nan),
        Artifact("explanations/GBM_1/shap.json", b"{}"),
        Artifact("copied.bin", tmp_path / "big.bin"),
    ]
    store.log(run_id, items)
    store.log(run_id, items)
    store.log(run_id, [Artifact("copied.bin", b"new")])
    run = client.get_run(run_id)
    assert len([name for name in run.data.params if name.startswith("p")]) >= 150
    assert run.data.tags["bellwether.t149"] == "v"
    assert run.data.metrics == {"loss": pytest.approx(1 / 1500)}
    assert len(client.get_metric_history(run_id, "loss")) == 1500
    assert store.artifacts(run_id) == ("copied.bin", "explanations/GBM_1/shap.json", "settings.json")
    assert store.artifact(run_id, "copied.bin").read_bytes() == b"new"


def test_a_file_that_is_not_there_is_said_so(store: Store, queue_run: QueueRun):
    with pytest.raises(StoreError) as caught:
        store.artifact(queue_run(), "nothing.csv")
    assert caught.value.code == "artifact.not_found"


def test_unknown_ids_are_not_found(store: Store):
    for call in (store.get_run, store.artifacts, store.delete_run, lambda run: store.update_run(run, stage="b")):
        with pytest.raises(RunNotFoundError):
            call("0" * 32)
    for call in (store.register, store.drop_model_files, lambda model: store.model_file(model, "model.bin")):
        with pytest.raises(ModelNotFoundError):
            call("m-" + "0" * 32)


@pytest.mark.parametrize("name", ["a/b", "a:b", "", " a", "a ", ".", "..", ".a", "a\nb", "x" * 121, "a\0b"])
def test_experiment_names_that_mlflow_cannot_hold_are_refused(store: Store, name: str):
    with pytest.raises(DataError):
        store.create_run(replace(SETTINGS, experiment=name), DATASET, key="k")
    assert store.list_runs() == ()


@pytest.mark.parametrize("key", ["", "a'b", "a b", "x" * 201, "a\n"])
def test_odd_keys_are_refused(store: Store, key: str):
    with pytest.raises(DataError):
        store.create_run(SETTINGS, DATASET, key=key)


def test_any_other_experiment_name_works_through_to_its_champion(store: Store, queue_run: QueueRun):
    name = 'it\'s é 中文 🙂 (1) @ 100% "q" `x` \\'
    run_id = queue_run(experiment=name)
    store.set_champion(name, store.register(store.add_model(run_id, make_details(), "binary")))
    assert store.resolve(f"models:/{name}@champion").experiment == name
    assert store.resolve(f"models:/{name}/1").is_champion
    assert store.experiments() == (name,)
    assert store.list_runs(experiment=name)[0].run_id == run_id


# --- models -----------------------------------------------------------------------------------------------------------


def test_a_model_has_its_metrics_and_what_is_added_later(store: Store, queue_run: QueueRun):
    run_id = queue_run()
    details = make_details("XRT_1_AutoML.2", cv_auc=0.1 + 0.2, holdout_auc=0.7, cv_logloss=math.nan, cv_rmse=math.inf)
    model_id = store.add_model(run_id, details, "binary")
    store.set_model_tags(model_id, {"rank": "2", "training_time_s": "1.5", "predict_time_per_row_s": "1e-06"})
    (model,) = store.models(run_id=run_id)
    assert model.id == model_id
    assert (model.model_key, model.algo, model.task, model.run_id) == ("XRT_1_AutoML.2", "GBM", "binary", run_id)
    assert model.metrics == {"cv_auc": 0.1 + 0.2, "holdout_auc": 0.7}
    assert (model.rank, model.training_time_s, model.predict_time_per_row_s) == (2, 1.5, 1e-6)
    assert (model.has_files, model.version, model.is_champion) == (False, None, False)


def test_the_same_model_again_is_the_same_model(store: Store, queue_run: QueueRun):
    run_id = queue_run()
    with ThreadPoolExecutor(5) as pool:
        ids = set(pool.map(lambda _: store.add_model(run_id, make_details(), "binary"), range(5)))
    assert ids == {model.id for model in store.models()}
    assert store.add_model(queue_run(), make_details(), "binary") not in ids


def test_a_model_that_was_not_finished_is_not_shown_and_is_completed(
    store: Store, queue_run: QueueRun, monkeypatch: pytest.MonkeyPatch
):
    run_id = queue_run()
    with monkeypatch.context() as patch:
        patch.setattr("core.store.models.Metric", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            store.add_model(run_id, make_details(), "binary")
    assert store.models() == ()
    model_id = store.add_model(run_id, make_details(), "binary")
    assert [model.id for model in store.models()] == [model_id]


def test_models_of_a_run_come_by_rank_and_all_others_newest_first(store: Store, queue_run: QueueRun):
    run_id, other = queue_run(), queue_run(experiment="other")
    a, b, c = (store.add_model(run_id, make_details(name), "binary") for name in "abc")
    d = store.add_model(other, make_details("d"), "binary")
    store.set_model_tags(c, {"rank": "1"})
    store.set_model_tags(a, {"rank": "2"})
    assert [model.id for model in store.models(run_id=run_id)] == [c, a, b]
    assert [model.id for model in store.models()] == [d, c, b, a]
    assert [model.id for model in store.models(limit=1)] == [d]
    assert [model.id for model in store.models(experiment="other")] == [d]


def test_files_count_when_all_of_them_are_there(
    store: Store, queue_run: QueueRun, file: Path, monkeypatch: pytest.MonkeyPatch
):
    model_id = store.add_model(queue_run(), make_details(), "binary")
    with monkeypatch.context() as patch:
        patch.setattr("core.store.models.sha256_of", lambda _: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            store.save_model_files(model_id, {"model.bin": file})
    assert not store.resolve(f"models:/{model_id}").has_files
    with pytest.raises(ModelNotFoundError):
        store.model_file(model_id, "model.bin")
    store.save_model_files(model_id, {"model.bin": file, "model.mojo.zip": file})
    path, sha256 = store.model_file(model_id, "model.mojo.zip")
    assert path.read_bytes() == b"mojo"
    assert sha256 == hashlib.sha256(b"mojo").hexdigest()
    assert store.resolve(f"models:/{model_id}").has_files
    store.drop_model_files(model_id)
    assert not path.exists()
    assert not store.resolve(f"models:/{model_id}").has_files


def test_best_follows_the_direction_of_the_metric_and_needs_files(store: Store, queue_run: QueueRun, file: Path):
    def add(experiment: str, key: str, *, files: bool, **metrics: float) -> ModelInfo:
        model_id = store.add_model(queue_run(experiment=experiment), make_details(key, **metrics), "binary")
        if files:
            store.save_model_files(model_id, {"model.bin": file})
        return store.resolve(f"models:/{model_id}")

    assert store.best() is None
    holdout = add("three", "h", files=True, holdout_logloss=0.1)
    assert store.best() == holdout  # nobody has it from cross-validation
    good = add("one", "g", files=True, cv_logloss=0.2, cv_auc=0.7)
    fair = add("two", "f", files=True, cv_logloss=0.3, cv_auc=0.9)
    add("two", "n", files=False, cv_logloss=0.01, cv_auc=0.99)
    assert store.best() == good
    assert store.best("cv_auc") == fair
    assert store.best("cv_auc", ascending=True) == good
    assert store.best(experiment="two") == fair
    assert store.best("cv_rmse") is None
    assert store.best(experiment="nowhere") is None


def test_the_store_sorts_before_it_cuts_and_counts_all(store: Store, queue_run: QueueRun):
    run_id = queue_run()
    values = (0.5, 0.9, 0.7, 0.6)
    ids = [store.add_model(run_id, make_details(f"m{n}", cv_auc=value), "binary") for n, value in enumerate(values)]
    other = store.add_model(queue_run(experiment="other"), make_details("o", cv_rmse=2.0), "regression")
    assert [model.id for model in store.models(sort="cv_auc", limit=2)] == [ids[1], ids[2]]
    assert [model.id for model in store.models(sort="cv_auc", run_id=run_id, limit=1)] == [ids[1]]
    assert [model.id for model in store.models(sort="cv_auc", ascending=True, limit=1)] == [ids[0]]
    assert store.models(sort="cv_auc")[-1].id == other  # has no such metric
    assert {model.id for model in store.models(ids=[ids[3], other])} == {ids[3], other}
    assert store.models(ids=()) == ()
    assert store.models(can_score=True) == ()
    counts = [store.count_models(), store.count_models(experiment="other"), store.count_models(run_id=run_id)]
    assert [*counts, store.count_models(can_score=True)] == [5, 1, 4, 0]


def test_a_version_whose_run_another_tool_deleted_is_said_in_words(
    store: Store, client: MlflowClient, queue_run: QueueRun
):
    run_id = queue_run()
    store.register(store.add_model(run_id, make_details(), "binary"))
    client.delete_run(run_id)
    with pytest.raises(ModelNotFoundError, match=r"Version 1 of sales .* its run was deleted") as caught:
        store.resolve("models:/sales/1")
    assert "another version" in caught.value.hint


def test_all_champions_take_two_reads_however_many_there_are(store: Store, queue_run: QueueRun, monkeypatch):
    assert store.champions() == {}
    for name in ("one", "Two", "three", "four"):
        run_id = queue_run(experiment=name)
        first, second = (store.add_model(run_id, make_details(key), "binary") for key in "ab")
        store.register(first)
        store.set_champion(name, store.register(second))
    queue_run(experiment="without")
    reads, real = [], SqliteCatalogue._looking
    monkeypatch.setattr(SqliteCatalogue, "_looking", lambda *args: (reads.append(args), real(*args))[1])
    found = store.champions()
    assert len(reads) == 2
    assert list(found) == ["four", "one", "three", "Two"]
    assert found == {name: store.champion(name) for name in found}
    store.delete_run(found["one"].run_id)
    assert list(store.champions()) == ["four", "three", "Two"]


def test_a_version_is_given_once_and_the_champion_moves(store: Store, queue_run: QueueRun):
    run_id = queue_run()
    first, second = (store.add_model(run_id, make_details(name), "binary") for name in "ab")
    assert store.champion("sales") is None
    # by a process that has written nothing yet
    assert Store(store._settings).register(first) == 1
    assert [store.register(first), store.register(second), store.register(first)] == [1, 2, 1]
    store.set_champion("sales", 1)
    store.set_champion("sales", 2)
    champion = store.champion("sales")
    assert champion is not None
    assert (champion.id, champion.version, champion.is_champion) == (second, 2, True)
    assert store.resolve("models:/sales@champion") == champion
    assert store.resolve("models:/sales/1").id == first
    assert store.resolve(f"models:/{first}").uri == f"models:/{first}"
    assert {model.id: model.is_champion for model in store.models()} == {first: False, second: True}
    with pytest.raises(ModelNotFoundError):
        store.set_champion("sales", 3)


def test_a_registered_name_is_found_among_more_than_a_page_of_others(
    store: Store, settings: Settings, queue_run: QueueRun
):
    first, second = (store.add_model(queue_run(), make_details(name), "binary") for name in "ab")
    assert store.register(first) == 1
    others = [(f"a{number:04}", 0, 0) for number in range(1_001)]
    with closing(sqlite3.connect(settings.mlruns_dir / "mlflow.db")) as database, database:
        insert = "INSERT INTO registered_models (name, creation_time, last_updated_time) VALUES (?, ?, ?)"
        database.executemany(insert, others)
    assert store.register(second) == 2


@pytest.mark.parametrize(
    "uri",
    ["", "models:/", "models:/sales", "models:/sales/9", "models:/x@champion", "models:/sales@other", "runs:/a/b"],
)
def test_uris_that_lead_nowhere_are_not_found(store: Store, uri: str):
    with pytest.raises(ModelNotFoundError):
        store.resolve(uri)


def test_a_deleted_run_takes_its_models_and_versions_along(store: Store, queue_run: QueueRun, client: MlflowClient):
    gone, kept = queue_run(), queue_run()
    store.set_champion("sales", store.register(store.add_model(gone, make_details(), "binary")))
    model_id = store.add_model(kept, make_details(), "binary")
    store.register(model_id)
    store.delete_run(gone)
    assert [run.run_id for run in store.list_runs(dataset_id=DATASET.id)] == [kept]
    assert [(model.id, model.version) for model in store.models()] == [(model_id, 2)]
    assert store.champion("sales") is None
    client.delete_run(kept)  # by another tool
    assert (store.models(), store.experiments()) == ((), ())
    with pytest.raises(ModelNotFoundError):
        store.resolve(f"models:/{model_id}")


# --- the whole --------------------------------------------------------------------------------------------------------


def test_the_database_file_and_mlflows_client_give_the_same_answers(
    store: Store, settings: Settings, client: MlflowClient, queue_run: QueueRun
):
    for number in range(3):
        run_id = queue_run(experiment=f"e{number % 2}", key=f"same-{number}")
        first, second = (store.add_model(run_id, make_details(name, cv_auc=number / 7), "binary") for name in "ab")
        client.log_metric(run_id, "cv_auc", 0.1 + 0.2, model_id=first)
        store.register(second)
    store.set_champion("e0", 1)
    store.set_status(run_id, "running")
    store.delete_run(queue_run())
    ours, theirs = SqliteCatalogue(settings.mlruns_dir / "mlflow.db"), ClientCatalogue(client)
    for options in (
        {}, {"ids": (run_id,)}, {"experiment": "e0"}, {"statuses": ["RUNNING"]}, {"statuses": ["SCHEDULED", "KILLED"]},
        {"dataset_id": DATASET.id}, {"dataset_id": "f" * 32}, {"key": "same-1"}, {"experiment": "no", "key": "same-1"},
    ):  # fmt: skip
        assert list(ours.runs(**options)) == list(theirs.runs(**options)), options
    assert ours.count_runs() == theirs.count_runs() == {"RUNNING": 1, "SCHEDULED": 2}
    for options in (
        {},
        {"ids": (first,)},
        {"ids": (first, second)},
        {"experiment": "e1"},
        {"run_id": run_id, "model_key": "a"},
    ):
        rows = list(ours.models(**options))
        assert rows == list(theirs.models(**options)), options
        assert rows
    by_auc = Sort("cv_auc", ascending=False)
    no_baselines, with_files = Wanted(baselines=False), Wanted(archived=False, without_files=False)
    for options in (
        {"sort": by_auc},
        {"sort": by_auc, "limit": 2},
        {"sort": Sort("cv_auc", ascending=True), "experiment": "e0", "limit": 3},
        {"sort": Sort("cv_nothing", ascending=True), "limit": 4},
        {"limit": 3},
        {"sort": by_auc, "wanted": no_baselines},
        {"sort": by_auc, "wanted": with_files, "limit": 1},
        {"wanted": with_files},
    ):
        assert list(ours.models(**options)) == list(theirs.models(**options)), options
    for options in ({}, {"experiment": "e0"}, {"run_id": run_id}, {"wanted": with_files}, {"experiment": "no"}):
        assert ours.count_models(**options) == theirs.count_models(**options), options
    for options in ({"version": 1}, {"version": CHAMPION}, {"run_ids": [run_id]}, {"run_ids": []}):
        assert ours.versions(**options) == theirs.versions(**options), options
    assert [row.version for row in ours.versions("e0", version=CHAMPION)] == [1]
    assert ours.versions() == theirs.versions()
    assert ours.versions("e0") == theirs.versions("e0")
    assert ours.experiments() == theirs.experiments() == ("e0", "e1")


def test_a_store_behind_mlflows_client_works_the_same(
    tmp_path: Path, migrated_database: Path, monkeypatch: pytest.MonkeyPatch, file: Path
):
    monkeypatch.chdir(tmp_path)  # MLflow puts artifacts of a database without a server below the current folder
    (tmp_path / "away").mkdir()
    shutil.copy(migrated_database, tmp_path / "away" / "mlflow.db")
    store = Store(Settings(home=tmp_path / "home", mlflow_uri=f"sqlite:///{tmp_path}/away/mlflow.db"))
    store.check()
    run_id = store.create_run(SETTINGS, DATASET, key="k")
    assert store.create_run(SETTINGS, DATASET, key="k") == run_id
    store.log(run_id, [Artifact("explanations/a/b.json", b"{}")])
    assert store.artifacts(run_id) == ("explanations/a/b.json", "settings.json")
    assert store.artifact(run_id, "explanations/a/b.json").read_bytes() == b"{}"
    model_id = store.add_model(run_id, make_details(), "binary")
    store.save_model_files(model_id, {"model.bin": file})
    path, _ = store.model_file(model_id, "model.bin")
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"mojo", 0o600)
    assert path.is_relative_to(tmp_path / "home")
    store.set_champion("sales", store.register(model_id))
    assert store.champion("sales") == store.best() == store.models()[0] == store.champions()["sales"]
    store.set_status(run_id, "finished")
    assert store.list_runs(statuses=("finished",))[0].ended_at is not None
    store.drop_model_files(model_id)
    with pytest.raises(ModelNotFoundError):
        store.model_file(model_id, "model.bin")
    with pytest.raises(StoreError):
        store.back_up()
    assert not (tmp_path / "home" / "mlruns" / "mlflow.db").exists()


def test_a_home_that_was_moved_keeps_its_files(store: Store, settings: Settings, queue_run: QueueRun, file: Path):
    run_id = queue_run()
    model_id = store.add_model(run_id, make_details(), "binary")
    store.save_model_files(model_id, {"model.bin": file})
    new_home = settings.home.with_name("moved")
    settings.home.rename(new_home)
    moved = Store(Settings(home=new_home))
    assert moved.artifacts(run_id) == ("settings.json",)
    moved.log(run_id, [Artifact("more.csv", b"")])
    assert moved.artifact(run_id, "more.csv").is_relative_to(new_home)
    assert moved.model_file(model_id, "model.bin")[0].read_bytes() == b"mojo"
    assert not settings.home.exists()


def test_what_is_stored_is_for_the_owner_only(store: Store, settings: Settings, queue_run: QueueRun, file: Path):
    model_id = store.add_model(queue_run(), make_details(), "binary")
    store.save_model_files(model_id, {"model.bin": file})
    for path in [settings.mlruns_dir, *settings.mlruns_dir.rglob("*")]:
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path


def test_reading_does_not_load_mlflow_and_usage_statistics_are_off(
    store: Store, settings: Settings, queue_run: QueueRun
):
    run_id = queue_run()
    script = (
        "import os, sys; from core.settings import load_settings; from core.store.mlflow import Store;"
        "store = Store(load_settings()); print(store.list_runs()[0].run_id, store.models(), 'mlflow' in sys.modules,"
        "os.environ['MLFLOW_DISABLE_TELEMETRY'], os.environ['DO_NOT_TRACK'])"
    )
    environ = {
        name: value for name, value in os.environ.items() if name not in ("MLFLOW_DISABLE_TELEMETRY", "DO_NOT_TRACK")
    }
    environ["BELLWETHER_HOME"] = str(settings.home)
    command = [sys.executable, "-c", script]
    said = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60, check=True)
    assert said.stdout.split() == [run_id, "()", "False", "true", "1"]


def test_backups_hold_everything_and_the_oldest_go(store: Store, settings: Settings, queue_run: QueueRun):
    queue_run(key="k")
    for _ in range(9):
        last = store.back_up()
    assert len(list(last.parent.iterdir())) == 7
    other = Settings(home=settings.home.with_name("other"))
    other.mlruns_dir.mkdir(parents=True)
    last.rename(other.mlruns_dir / "mlflow.db")
    assert Store(other).list_runs()[0].key == "k"
    assert Store(other).create_run(SETTINGS, DATASET, key="k") == store.list_runs()[0].run_id


def test_an_empty_home_is_read_without_making_a_database(settings: Settings):
    store = Store(settings)
    assert (store.list_runs(), store.models(), store.experiments(), store.champion("sales")) == ((), (), (), None)
    assert not settings.mlruns_dir.exists()


def test_maintenance_opens_the_store_and_copies_it_once_a_day(settings: Settings):
    store, backups = Store(settings), settings.mlruns_dir / "backups"
    store.maintain()
    store.maintain()
    (copy,) = backups.iterdir()
    yesterday = copy.stat().st_mtime - 25 * 3600
    os.utime(copy, (yesterday, yesterday))
    store.maintain()
    assert len(list(backups.iterdir())) == 2
