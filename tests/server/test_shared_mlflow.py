"""Three homes on one `mlflow server`: runs of their own, one champion for all, one winner of each race, outages.

The server keeps its data in PostgreSQL where that is installed (`apt-get install postgresql`), in SQLite elsewhere. It
is away for 3 seconds in `make test`, for 30 with BELLWETHER_SOAK=1 (`make soak`), where 20 races are run instead of 3
and 100 commands instead of 10.
"""

import json
import os
import re
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
from mlflow import MlflowClient
from starlette.applications import Starlette
from starlette.testclient import TestClient

from app.http import routes
from app.ui.services import set_services
from bench.many_models import mlflow_server
from bench.shared import postgres, stored_runs, touched
from core.domain.models import ModelInfo
from core.engine.jvm.launch import free_port
from core.errors import AliasMovedError, ModelIntegrityError, StoreBusyError
from core.models.opened import MOJO
from core.services import Services, build
from core.settings import Settings
from tests.engines.fake import FakeEngine
from tests.fixtures_runs import Home, run_to_end, write_customers
from tests.server.commands import Commands

pytestmark = [pytest.mark.server, pytest.mark.soak]

AWAY_S, RACES, COMMANDS = (30.0, 20, 100) if os.environ.get("BELLWETHER_SOAK") else (3.0, 3, 10)
SEEN_S = 5.0
DEADLINE_S = 120.0


class Server:
    """An MLflow server that can go away and come back at the same address."""

    def __init__(self, folder: Path, database: str) -> None:
        self._folder, self._database, self._port = folder, database, free_port()
        self.uri = f"http://127.0.0.1:{self._port}"
        self.start()

    def start(self) -> None:
        self._running = mlflow_server(self._folder, database=self._database, port=self._port)
        self._running.__enter__()

    def stop(self) -> None:
        self._running.__exit__(None, None, None)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with tempfile.TemporaryDirectory(prefix="bellwether-pg-") as name, postgres(Path(name)) as database:
        running = Server(tmp_path_factory.mktemp("server"), database)
        yield running
        running.stop()


@pytest.fixture(scope="module")
def homes(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Home]]:
    """Three homes with a finished run each, all of one experiment; the first one's leader is the champion."""
    folder = tmp_path_factory.mktemp("homes")
    source, made = write_customers(folder / "customers.csv"), []
    for number in range(3):
        settings = Settings(home=folder / f"home{number}", mlflow_uri=server.uri, min_free_bytes=1024**2)
        services = build(settings, engine=FakeEngine())
        home = Home(services, services.datasets.add(source, source.name), ())
        run = run_to_end(services, home.settings(seed=number + 1, max_models=2), explain=False)
        made.append(Home(services, home.dataset, (run,)))
    yield made
    set_services(None)


def until(condition: Callable[[], object], timeout_s: float = DEADLINE_S) -> float:
    """Wait until a condition holds and return how long it took; fail at the deadline."""
    begun = time.monotonic()
    while not condition():
        assert time.monotonic() - begun < timeout_s, "the condition did not come true in time"
        threading.Event().wait(0.05)
    return time.monotonic() - begun


def predict(services: Services, body: bytes) -> str:
    """Return what `POST /predict` of a home answers."""
    set_services(services)
    with TestClient(Starlette(routes=routes.ROUTES), base_url="http://127.0.0.1") as client:
        answer = client.post("/predict?experiment=customers", files={"file": ("rows.csv", body, "text/csv")})
    assert answer.status_code == 200, answer.text
    return answer.text


def version_of(home: Home) -> int | None:
    return home.services.store.champion_version("customers")


def test_each_home_has_its_own_run_and_all_predict_with_one_champion(homes: list[Home], tmp_path: Path) -> None:
    runs = {home.runs[0].run_id: home for home in homes}
    for home in homes:
        assert {run.run_id for run in home.services.store.list_runs()} == set(runs)
        owned = [run.run_id for run in home.services.store.list_runs() if home.services.store.owns(run)]
        assert owned == [home.runs[0].run_id]
    body = write_customers(tmp_path / "new.csv", 50, seed=3, with_target=False).read_bytes()
    answers = {predict(home.services, body) for home in homes}
    assert len(answers) == 1
    assert {"yes", "no"} <= set(json.loads(answers.pop()).values())


def test_a_models_file_is_fetched_once_and_one_that_is_not_what_was_saved_is_refused(homes: list[Home]) -> None:
    first, second = homes[0].services.store, homes[1].services.store
    model = second.champion("customers")
    path, _ = second.model_file(model.id, MOJO)
    fetched = path.stat().st_mtime_ns
    assert second.model_file(model.id, MOJO)[0] == path
    assert path.stat().st_mtime_ns == fetched
    assert first.model_file(model.id, MOJO)[0].read_bytes() == path.read_bytes()
    third = homes[2].services.store
    other = next(one for one in third.models(can_score=True) if one.id != model.id)
    saved, location = first.model_file(other.id, MOJO)[0].read_bytes(), first._model(other.id).location
    first._mlflow.files.put(location, MOJO, b"something else")
    with pytest.raises(ModelIntegrityError):
        third.model_file(other.id, MOJO)
    first._mlflow.files.put(location, MOJO, saved)


def race(home: Home, model: ModelInfo, why: str, seen: int | None, barrier: threading.Barrier) -> object:
    """Promote together with another home; return the version, or how this one was told that it lost."""
    barrier.wait(DEADLINE_S)
    try:
        return home.services.reviews.promote(model, why, instead_of=seen)
    except (AliasMovedError, StoreBusyError) as error:
        return error


def test_of_homes_that_promote_at_once_one_wins_and_the_others_are_told(homes: list[Home]) -> None:
    leaders = [home.services.store.resolve(f"models:/{home.runs[0].leader_id}") for home in homes]
    for number in range(RACES):
        seen = version_of(homes[0])
        challengers = [leader for leader in leaders if leader.version != seen]
        barrier = threading.Barrier(2)
        with ThreadPoolExecutor(2) as pool:
            racing = [
                pool.submit(race, home, model, f"race {number}", seen, barrier)
                for home, model in zip(homes, challengers, strict=False)
            ]
            found = [one.result() for one in racing]
        assert len(found) == 2
        (won,) = (one for one in found if isinstance(one, int))
        assert [version_of(home) for home in homes] == [won] * 3
        leaders = [home.services.store.resolve(f"models:/{home.runs[0].leader_id}") for home in homes]
    histories = [home.services.reviews.history("customers") for home in homes]
    for history in histories:
        assert [entry.why for entry in history[:RACES]] == [f"race {number}" for number in range(RACES)][::-1]
        assert [entry.from_version for entry in history] == [entry.version for entry in history[1:]] + [None]
        assert not any(entry.outside for entry in history)
    seen_by = {tuple((one.version, one.at, one.person, one.why) for one in history) for history in histories}
    assert len(seen_by) == 1


def test_a_promotion_is_used_by_all_homes_within_five_seconds(homes: list[Home]) -> None:
    store = homes[0].services.store
    model = next(one for one in store.models(can_score=True) if not one.is_champion)
    version = homes[0].services.reviews.promote(model, "a better one", person="Ann")
    for home in homes[1:]:
        chosen = home.services.scorer.choose_model
        took = until(lambda chosen=chosen: chosen(None, "customers").version == version)
        assert took <= SEEN_S
        newest = home.services.reviews.history("customers")[0]
        assert (newest.version, newest.person, newest.why) == (version, "Ann", "a better one")


def test_many_predictions_ask_the_server_once_each_and_see_a_promotion_at_once(
    homes: list[Home], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    request = requests.Session.request

    def count(self: requests.Session, method: str, url: str, *args: Any, **options: Any) -> requests.Response:
        asked.append(url)
        return request(self, method, url, *args, **options)

    monkeypatch.setattr(requests.Session, "request", count)
    scorer, store = homes[2].services.scorer, homes[2].services.store

    def score() -> int | None:
        model = scorer.choose_model(None, "customers")
        store.model_file(model.id, MOJO)
        return model.version

    before = score()
    asked.clear()
    assert [score() for _ in range(10)] == [before] * 10
    assert 10 <= len(asked) < 20  # 8 each where nothing is remembered; on a slow machine it is forgotten in between
    model = next(one for one in homes[0].services.store.models(can_score=True) if not one.is_champion)
    assert score() != homes[0].services.reviews.promote(model, "a better one") == score()


def test_an_alias_that_mlflows_own_pages_moved_stands_in_every_history_as_moved_outside(
    server: Server, homes: list[Home]
) -> None:
    before = version_of(homes[0])
    other = 1 if before != 1 else 2
    MlflowClient(server.uri, server.uri).set_registered_model_alias("customers", "champion", str(other))
    for home in homes:
        newest, known = home.services.reviews.history("customers")[:2]
        assert (newest.version, newest.from_version, newest.outside, newest.person) == (other, before, True, "")
        assert (known.version, known.outside) == (before, False)
    model = homes[1].services.store.resolve(f"models:/customers/{before}")
    homes[1].services.reviews.promote(model, "back again", person="Bob")
    for home in homes:
        found = home.services.reviews.history("customers")[:3]
        assert [(one.version, one.outside) for one in found] == [(before, False), (other, True), (before, False)]


def test_what_is_done_in_one_home_touches_no_run_of_another(server: Server, homes: list[Home], tmp_path: Path) -> None:
    busy = 2
    holder = homes[busy].services
    holder.engine.hold = True
    trained = holder.jobs.submit(homes[busy].settings(seed=77, max_models=2))
    holder.jobs.start()
    until(lambda: holder.store.get_run(trained).n_models == 1)
    people = Commands(homes, write_customers(tmp_path / "new.csv", 20, seed=3, with_target=False), 16, busy=busy)
    ids = [home.services.store.get_run(home.runs[0].run_id).home for home in homes]
    first = before = stored_runs(server.uri)
    found: list[str] = []
    try:
        for _ in range(COMMANDS):
            number, kind, named = people.next()
            after = stored_runs(server.uri)
            found += [f"{kind} in home {number}: {line}" for line in touched(before, after, ids[number], named)]
            before = after
        assert found == []
    finally:
        homes[:] = people.homes
        holder.engine.release()
    assert holder.jobs.wait(trained, DEADLINE_S).status == "finished"
    holder.jobs.stop()
    holder.jobs.join()
    assert min(people.done.values()) == COMMANDS // 10
    assert len(people.done) == 10
    assert len(before) > len(first)  # there was something to touch


def test_nothing_is_lost_when_the_server_is_away_while_a_run_is_logged(server: Server, homes: list[Home]) -> None:
    home = homes[1]
    wanted = home.settings(seed=5, experiment="away", max_models=2)
    expected = run_to_end(home.services, wanted, explain=False)
    home.services.engine.hold = True
    run_id = home.services.jobs.submit(wanted)
    home.services.jobs.start()
    try:
        until(lambda: homes[2].services.store.get_run(run_id).n_models == 1)
        server.stop()
        home.services.engine.release()
        threading.Event().wait(AWAY_S)  # this is what is tried: how long it is away
        server.start()
        run = home.services.jobs.wait(run_id, DEADLINE_S + 10 * AWAY_S)
    finally:
        home.services.jobs.stop()
        home.services.jobs.join()
    assert run.status == "finished", run.error
    store = home.services.store

    def stored(run_id: str) -> tuple[object, ...]:
        models = store.models(run_id=run_id)
        # The worker may have begun to explain what waits for it, and leaves files of that.
        trained = [name for name in store.artifacts(run_id) if not name.startswith(("explanations/", "reports/"))]
        client = MlflowClient(server.uri, server.uri)
        return (
            [(one.algo, one.rank, one.has_files, {**one.metrics}) for one in models],
            sorted(re.sub(r"_\d+\.json$", ".json", name.rpartition("/")[2]) for name in trained),
            client.get_run(run_id).data.metrics.keys(),
        )

    assert stored(run_id) == stored(expected.run_id)
    for model in store.models(run_id=run_id, can_score=True):
        assert homes[2].services.store.model_file(model.id, MOJO)[0].is_file()
