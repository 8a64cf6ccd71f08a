"""`GET /metrics`, `/healthz?detail=1` and the log as JSON: what whoever watches over the app is told."""

import io
import json
import logging

import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient

from app.http import metrics, routes, security
from app.ui.services import set_services
from core.backups import back_up
from core.errors import StoreBusyError
from core.logs import configure_logs
from core.settings import Settings
from tests.fixtures_store import add_run


@pytest.fixture
def client(services) -> TestClient:
    app = Starlette(
        routes=routes.ROUTES,
        middleware=[Middleware(metrics.Timed), *security.middleware(services.settings)],
        exception_handlers={Exception: routes.unexpected},
    )
    return TestClient(app, base_url="http://localhost", raise_server_exceptions=False, client=("127.0.0.1", 50000))


def read(client: TestClient) -> dict[tuple, float]:
    """Return the value of each sample by its name and labels, as Prometheus reads them."""
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    families = text_string_to_metric_families(answer.text)
    return {(s.name, *s.labels.values()): s.value for family in families for s in family.samples}


def test_the_home_is_told_in_numbers(client, services):
    for _ in range(2):
        add_run(services.store)
    services.store.set_status(add_run(services.store), "failed")
    back_up(services.settings.ledger_path, services.settings.mlruns_dir / "backups")
    found = read(client)
    assert found["bellwether_up",] == 1
    assert (found["bellwether_runs", "queued"], found["bellwether_runs", "failed"]) == (2, 1)
    assert found["bellwether_store_bytes", "mlflow.db"] > 100_000
    assert found["bellwether_engine_heap_bytes",] < found["bellwether_engine_heap_max_bytes",]
    assert found["bellwether_last_backup_seconds",] > 1.7e9
    services.engine.state = "stopped"
    found = read(client)
    assert found["bellwether_engine_ready",] == 0
    assert ("bellwether_engine_heap_bytes",) not in found


def test_requests_are_counted_by_route_and_an_address_makes_no_label_of_its_own(client):
    key = ("bellwether_http_request_seconds_count", "POST", "/predict", "415")
    before = read(client)
    for number in range(3):
        client.post("/predict", content=b"x", headers={"content-type": "x/y"})
        client.get(f"/nothing-{number}")
    client.request("ODD", "/models")
    after = read(client)
    assert after[key] - before.get(key, 0) == 3
    others = ("bellwether_http_request_seconds_count", "GET", "page", "404")
    assert after[others] - before.get(others, 0) == 3
    assert not [key for key in after if "nothing" in str(key) or "ODD" in key]


def test_a_busy_store_or_none_yet_is_told_and_is_no_error(client, services, monkeypatch):
    def busy(*_):
        raise StoreBusyError("The store is in use.")

    monkeypatch.setattr("core.services.look", busy)
    assert read(client)["bellwether_up",] == 0
    assert client.get("/healthz?detail=1").json()["code"] == "store.busy"
    set_services(None)
    assert read(client)["bellwether_up",] == 0
    assert "detail" not in client.get("/healthz?detail=1").json()


def test_the_state_is_for_our_own_hosts_alone(client):
    for path in ("/metrics", "/healthz?detail=1"):
        assert client.get(path, headers={"host": "evil.example"}).status_code == 403


def test_health_in_detail(client, services):
    add_run(services.store)
    assert set(client.get("/healthz").json()) == {"status", "engine", "store", "version"}
    told = client.get("/healthz?detail=1").json()
    assert told["detail"]["runs"] == {"queued": 1}
    assert told["detail"]["free_bytes"] > 0
    assert told["detail"]["memory"] == {"used_bytes": 100, "max_bytes": 1000}


def test_the_log_has_the_reference_that_the_error_shows(client, settings, monkeypatch):
    root, out = logging.getLogger(), io.StringIO()
    before, level = list(root.handlers), root.level
    monkeypatch.setattr("sys.stderr", out)
    try:
        configure_logs(Settings(home=settings.home, log_json=True))
        shown = client.post("/predict", content=b"x", headers={"content-type": "x/y"}).json()
        logging.getLogger("streamlit").warning("one of theirs")
        try:
            raise RuntimeError("canary")
        except RuntimeError:
            logging.getLogger("core").exception("a bug")
    finally:
        root.handlers[:] = before
        root.setLevel(level)
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    refused, theirs, bug = [line for line in lines if line["logger"] in ("app.http.errors", "streamlit", "core")]
    assert (refused["ref"], refused["level"]) == (shown["ref"], "WARNING")
    assert refused["time"].endswith("+00:00")
    assert theirs["message"] == "one of theirs"
    assert "RuntimeError: canary" in bug["trace"]


def test_without_the_setting_the_log_stays_as_it_is(settings):
    root = logging.getLogger()
    before = list(root.handlers)
    configure_logs(settings)
    assert root.handlers == before


def test_what_the_queue_waits_for_is_told(client, services, monkeypatch):
    assert "waiting" not in client.get("/healthz").json()
    monkeypatch.setattr(services.jobs, "waits_for", lambda: "Waiting for the cluster")
    assert client.get("/healthz").json()["waiting"] == "Waiting for the cluster"
