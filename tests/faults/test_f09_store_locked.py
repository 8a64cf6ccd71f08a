"""F09: another process holds the database. Reading goes on, writing says "busy", and nothing is lost."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
import sqlalchemy

from core.errors import StoreBusyError
from core.locks import FileLock
from core.settings import Settings
from core.store.items import Metric, Tag
from core.store.mlflow import Store
from tests.fixtures_engine import wait_for
from tests.fixtures_runs import Home
from tests.fixtures_store import DATASET, SETTINGS, make_details


@pytest.fixture(autouse=True)
def short_wait(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let everyone wait 0.05 s for the database instead of 20 s; MLflow asks for its 20 s before each transaction."""

    def shorten(
        connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, executemany: bool
    ) -> tuple[str, Any]:
        return statement.replace("busy_timeout = 20000", "busy_timeout = 50"), parameters

    monkeypatch.setattr("core.sqlite.BUSY_S", 0.05)
    sqlalchemy.event.listen(sqlalchemy.Engine, "before_cursor_execute", shorten, retval=True)
    yield
    sqlalchemy.event.remove(sqlalchemy.Engine, "before_cursor_execute", shorten)


@contextmanager
def held(settings: Settings) -> Iterator[Callable[[], None]]:
    """Hold the database for the block, or until the function that is given is called, from any thread."""
    path = settings.mlruns_dir / "mlflow.db"
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        yield holder.rollback


def test_reading_goes_on_and_writing_says_busy(store: Store, settings: Settings, queue_run: Callable[..., str]):
    run_id = queue_run()
    model_id = store.add_model(run_id, make_details(), "binary")
    with held(settings):
        assert store.get_run(run_id).status == "queued"
        assert store.list_runs()[0].run_id == run_id
        assert store.models()[0].id == model_id
        for write in (
            lambda: store.create_run(SETTINGS, DATASET, key="new"),
            lambda: store.set_status(run_id, "running"),
            lambda: store.update_run(run_id, stage="x"),
            lambda: store.add_model(run_id, make_details("other"), "binary"),
            lambda: store.register(model_id),
            store.check,
        ):
            with pytest.raises(StoreBusyError) as caught:
                write()
            assert "sqlite" not in caught.value.message.lower()
    assert store.create_run(SETTINGS, DATASET, key="new")
    store.set_status(run_id, "running")
    assert store.get_run(run_id).status == "running"


def test_a_store_that_tries_again_loses_nothing(store: Store, settings: Settings, queue_run: Callable[..., str]):
    run_id = queue_run()
    patient = Store(settings, attempts=5)
    patient.check()
    with held(settings) as release:
        timer = threading.Timer(0.4, release)
        timer.start()
        patient.log(run_id, [Metric("loss", 0.5), Tag("stage", "Training")])
        timer.join()
    patient.add_model(run_id, make_details(cv_auc=0.9), "binary")
    assert store.get_run(run_id).stage == "Training"
    assert store.models()[0].metrics == {"cv_auc": 0.9}


def test_it_gives_up_after_the_attempts_it_has(store: Store, settings: Settings, queue_run: Callable[..., str]):
    run_id = queue_run()
    with held(settings), pytest.raises(StoreBusyError):
        Store(settings, attempts=2).update_run(run_id, stage="x")
    assert store.get_run(run_id).stage == ""


def test_the_lock_of_the_home_is_waited_for_and_then_busy(
    store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch
):
    store.check()
    monkeypatch.setattr("core.locks._WAIT_S", 0.1)
    with FileLock(settings.mlruns_dir / "store.lock").alone(), pytest.raises(StoreBusyError):
        store.create_run(SETTINGS, DATASET, key="k")
    assert store.create_run(SETTINGS, DATASET, key="k")


@pytest.mark.slow
def test_a_run_goes_on_once_the_store_is_free_again(fresh_home: Home, caplog: pytest.LogCaptureFixture) -> None:
    services = fresh_home.services
    services.engine.hold = True
    run_id = services.jobs.submit(fresh_home.settings())
    services.jobs.start()
    wait_for(lambda: services.store.get_run(run_id).n_models, lambda n: n == 1, 30)
    try:
        with held(services.settings):
            services.engine.release()
            wait_for(lambda: caplog.text, lambda text: "jobs: has to wait" in text, 60)
            assert services.store.get_run(run_id).status == "running"
        run = services.jobs.wait(run_id, 60)
    finally:
        services.jobs.stop()
        services.jobs.join()
    assert (run.status, run.n_models) == ("finished", 3)
    models = services.store.models(run_id=run_id)
    assert len(models) == 3
    for model in models:
        wanted = services.engine.models.made[model.model_key].details["metrics"]
        assert {name: model.metrics[name] for name in wanted} == pytest.approx(wanted)
        assert model.metrics.keys() >= {"holdout_auc", "holdout_logloss"}
    assert len(services.engine.jobs) == 1
