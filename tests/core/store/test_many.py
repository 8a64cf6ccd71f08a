"""A store with many runs: the same right answers from the file and from a real MLflow server, and eight writers."""

import itertools
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from bench.many_models import fill, mlflow_server
from core.errors import DataError, RunError, RunNotFoundError
from core.settings import Settings
from core.sqlite import connect
from core.store.mlflow import Store
from tests.fixtures_store import add_champion, add_run, make_details

pytestmark = pytest.mark.slow

N_RUNS, N_MODELS = 60, 4
SECONDS, PAGE_S = (60.0, 0.5) if os.environ.get("BELLWETHER_SOAK") else (3.0, None)


@pytest.fixture
def filled(store: Store, settings: Settings) -> str:
    """A store with 60 runs of four models each; the id of the best model."""
    return fill(settings, n_runs=N_RUNS, n_models=N_MODELS, n_versions=20)


@pytest.fixture
def server(filled: str, store: Store, settings: Settings) -> Iterator[Store]:
    """The same store behind a real `mlflow server`."""
    with mlflow_server(settings.mlruns_dir) as uri:
        yield Store(replace(settings, home=settings.home.with_name("client"), mlflow_uri=uri))


def test_the_best_and_the_total_are_right_however_many_are_listed(store: Store, filled: str):
    assert store.count_models() == N_RUNS * N_MODELS
    assert store.best("cv_auc").id == filled
    assert store.models(sort="cv_auc", limit=1)[0].id == filled
    values = [model.metrics["cv_auc"] for model in store.models(sort="cv_auc", limit=50)]
    assert values == sorted(values, reverse=True)
    assert len(store.list_runs(limit=20)) == 20


def _is_found_among_many(store: Store, server: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """What other tools log is found however many there are, or the answer says that not all were looked at."""
    client = store._mlflow.client
    experiment = client.create_experiment("theirs")
    run = client.create_run(experiment, start_time=1, run_name="their run")  # older than all of ours
    client.create_registered_model("theirs")
    model = client.create_logged_model(experiment, "their-model", run.info.run_id)
    client.create_model_version("theirs", model.artifact_location, run.info.run_id, model_id=model.model_id)
    with connect(store._database) as database:
        database.execute("UPDATE logged_models SET creation_timestamp_ms = 1 WHERE name = 'their-model'")
        database.execute("UPDATE model_versions SET creation_time = 1, last_updated_time = 1 WHERE name = 'theirs'")
    theirs = {("run", "their run"), ("model", "their-model"), ("version", "1")}
    monkeypatch.setattr("core.store.remote._LOOKED_AT", 5)
    for one, looked_at in ((store, None), (server, 5)):
        found = one.foreign()
        assert {(item.kind, item.name) for item in found.items} == theirs
        assert found.looked_at == looked_at


def test_a_real_server_gives_the_answers_of_the_file(
    store: Store, server: Store, filled: str, monkeypatch: pytest.MonkeyPatch
):
    asked: list[Callable[[Store], object]] = [
        lambda one: one.models(experiment="experiment 1", sort="cv_auc", limit=10),
        lambda one: one.models(sort="cv_logloss", limit=7),
        lambda one: one.models(can_score=True, limit=5),
        lambda one: one.count_models(),
        lambda one: one.count_models(experiment="experiment 2"),
        lambda one: one.best("cv_auc").id,
        lambda one: one.list_runs(limit=15),
        lambda one: one.list_runs(text="person:ada status:finished", limit=100),
        lambda one: one.list_runs(text="experiment:4 income", limit=100),
        lambda one: one.champions(),
        lambda one: one.resolve("models:/experiment 3@champion"),
        lambda one: one.resolve("models:/experiment 3/2"),
        lambda one: one.models(ids=[run.leader_id for run in one.list_runs(limit=30)], limit=30),
        lambda one: one.experiments(),
        lambda one: one.list_runs(ids=[f"{number:032x}" for number in range(5, 50)], archived=None),
        lambda one: one.champion("experiment 2"),
        lambda one: one.champion_version("experiment 2"),
    ]
    for number, ask in enumerate(asked):
        assert ask(server) == ask(store), number
    gone = store.resolve(f"models:/{filled}").run_id
    server.archive_run(gone)
    assert server.best("cv_auc").id != filled
    for number, ask in enumerate(asked):
        assert ask(server) == ask(store), number
    server.restore_run(gone)
    assert server.best("cv_auc").id == store.best("cv_auc").id == filled
    assert server.get_run(gone).archived is None
    _is_found_among_many(store, server, monkeypatch)


def test_an_archived_run_is_in_no_list_and_its_champion_still_scores(store: Store):
    champion = add_champion(store, "sales")
    store.archive_run(champion.run_id)
    assert (store.list_runs(), store.models(), store.count_models()) == ((), (), 0)
    assert [run.run_id for run in store.list_runs(archived=True)] == [champion.run_id]
    assert store.models(run_id=champion.run_id) == store.models(ids=[champion.id]) == (champion,)
    assert store.champion("sales") == store.resolve("models:/sales/1") == champion
    store.restore_run(champion.run_id)
    store.restore_run(champion.run_id)  # twice is once
    assert store.models() == (champion,)
    with pytest.raises(RunError, match="waits or runs"):
        store.archive_run(add_run(store))
    with pytest.raises(RunNotFoundError):
        store.archive_run("f" * 32)


def test_words_about_a_run_are_kept_and_found(store: Store):
    run_id = add_run(store, person="Ada")
    store.describe_run(run_id, name=" Für den Vorstand ", note="Zu langsam 🐢", tags=["alt", "alt", " ", "größer"])
    run = store.get_run(run_id)
    assert (run.name, run.note, run.tags) == ("Für den Vorstand", "Zu langsam 🐢", ("alt", "größer"))
    found = {
        text: len(store.list_runs(text=text))
        for text in ("VORSTAND", "für langsam", 'name:"den vor"', "note:🐢", "tag:GRÖSSER", "person:ada", "person:bob")
    }
    assert found == {
        "VORSTAND": 1, "für langsam": 1, 'name:"den vor"': 1, "note:🐢": 1, "tag:GRÖSSER": 1, "person:ada": 1,
        "person:bob": 0,
    }  # fmt: skip
    for name, note in ((" ", ""), ("x" * 201, ""), ("x", "y" * 5001)):
        with pytest.raises(DataError):
            store.describe_run(run_id, name=name, note=note, tags=())


@pytest.mark.soak
def test_eight_writers_and_eight_readers_lose_nothing(store: Store, settings: Settings, filled: str):
    stores = [Store(settings, attempts=5) for _ in range(8)]
    until, written, reads = time.monotonic() + SECONDS, [0] * 8, []
    lock = threading.Lock()

    def write(number: int) -> None:
        one = stores[number]
        for turn in itertools.count():
            if time.monotonic() > until and turn:
                return
            run_id = add_run(one, key=f"w{number}-{turn}", person=f"writer {number}")
            one.add_model(run_id, make_details(f"m{turn}", cv_auc=0.6), "binary")
            one.set_status(run_id, "finished")
            one.describe_run(run_id, name=f"{number}/{turn}", note=f"note {number}/{turn}", tags=[str(turn)])
            written[number] += 1

    def read(number: int) -> None:
        one = Store(settings)
        while time.monotonic() < until:
            begun = time.monotonic()
            one.list_runs(limit=100)
            one.models(sort="cv_auc", limit=100)
            took = time.monotonic() - begun
            with lock:
                reads.append(took)

    with ThreadPoolExecutor(16) as pool:
        for done in [pool.submit(write, n) for n in range(8)] + [pool.submit(read, n) for n in range(8)]:
            done.result()
    for number, n_written in enumerate(written):
        notes = {run.note for run in store.list_runs(text=f'person:"writer {number}"', limit=10_000)}
        assert notes == {f"note {number}/{turn}" for turn in range(n_written)}
    assert store.count_models() == N_RUNS * N_MODELS + sum(written)
    assert store.best("cv_auc").id == filled
    if PAGE_S is not None:  # with nothing else on the machine
        assert np.quantile(reads, 0.99) <= PAGE_S
