"""Who may use HTTP: this machine without sign-in, programs with a token where people sign in."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from app.http import routes, security
from app.ui import sign_in
from app.ui.services import set_services
from core.access.tokens import Tokens
from core.ledger.database import Ledger
from core.ledger.tokens import TokenTable
from tests.fixtures_store import add_run, make_details
from tests.http.test_routes import refused

ROWS = [{"age": 41, "city": "Bonn", "premium": 500.0}]
LOCAL = ("127.0.0.1", 50000)


@pytest.fixture
def home(trained):
    set_services(trained.services)
    yield trained
    set_services(None)


@pytest.fixture
def client(home):
    return make_client(home)


def make_client(home, *, machine: tuple[str, int] = LOCAL) -> TestClient:
    middleware = security.middleware(home.services.settings)
    app = Starlette(routes=routes.ROUTES, middleware=middleware)
    return TestClient(app, base_url="http://localhost", raise_server_exceptions=False, client=machine)


@pytest.fixture
def signing_in(monkeypatch):
    monkeypatch.setattr(sign_in, "is_set_up", lambda: True)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


# Every route, by what it takes: nothing, or a token where people sign in.
OPEN = [("GET", "/healthz"), ("GET", "/openapi.json"), ("GET", "/docs"), ("OPTIONS", "/predict")]
WITH_TOKEN = [("GET", "/models"), ("HEAD", "/models"), ("GET", "/metrics"), ("POST", "/predict")]


def test_every_route_is_in_one_of_the_two_lists():
    listed = {path for _, path in OPEN + WITH_TOKEN}
    assert {route.path for route in routes.ROUTES if not route.path.startswith("/docs/")} == listed


@pytest.mark.parametrize(("method", "path"), OPEN)
def test_what_tells_nothing_needs_no_token(client, signing_in, method, path):
    assert client.request(method, path).status_code < 300


@pytest.mark.parametrize(("method", "path"), WITH_TOKEN)
def test_the_rest_needs_a_token_where_people_sign_in(client, signing_in, home, method, path):
    answer = client.request(method, path, json=ROWS if method == "POST" else None)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    if method != "HEAD":
        refused(answer, 401, "access.sign_in")
    text, _ = home.services.tokens.create("job")
    assert client.request(method, path, json=ROWS if method == "POST" else None, headers=bearer(text)).is_success


def test_without_sign_in_this_machine_needs_no_token(client):
    assert client.post("/predict", json=ROWS).is_success
    assert client.get("/models", headers={"Authorization": "Bearer of-a-proxy"}).is_success
    assert client.get("/models", headers={"Authorization": "Basic eDp5"}).is_success


@pytest.mark.parametrize("token", ["bw_00000000_x", "bw_", "bw_%00_%00"])
def test_a_forged_token_is_refused_with_and_without_sign_in(client, monkeypatch, token):
    refused(client.get("/models", headers=bearer(token)), 401, "token.unknown")
    monkeypatch.setattr(sign_in, "is_set_up", lambda: True)
    refused(client.get("/models", headers=bearer(token)), 401, "token.unknown")
    refused(client.get("/models", headers=bearer("of-another-service")), 401, "token.unknown")
    refused(client.get("/models", headers={"Authorization": f"Basic {token}"}), 401, "access.sign_in")


def test_a_revoked_token_is_refused_at_the_next_request(client, signing_in, home):
    text, token = home.services.tokens.create("job")
    assert client.get("/models", headers=bearer(text)).is_success
    home.services.tokens.revoke(token.id)
    refused(client.get("/models", headers=bearer(text)), 401, "token.revoked")


def test_a_token_past_its_day_and_one_of_another_home_are_refused(client, signing_in, home, tmp_path):
    services = home.services
    text, token = services.tokens.create("job")
    old = replace(token, id="0ddba11e", expires_at=datetime.now(UTC) - timedelta(seconds=1))
    TokenTable(services.ledger).add(old)
    refused(client.get("/models", headers=bearer(text.replace(token.id, old.id))), 401, "token.expired")
    foreign, _ = Tokens(Ledger(tmp_path / "other.db"), services.store).create("job")
    refused(client.get("/models", headers=bearer(foreign)), 401, "token.unknown")
    assert client.get("/models", headers=bearer(text)).is_success


def test_a_token_for_one_experiment_reaches_no_other(client, signing_in, home):
    services = home.services
    run_id = add_run(services.store, experiment="other")
    other = services.store.add_model(run_id, make_details("GBM_9", cv_logloss=0.01), "binary")
    text, _ = services.tokens.create("job", experiment="customers")
    listed = client.get("/models", headers=bearer(text)).json()["models"]
    assert {model["experiment"] for model in listed} == {"customers"}
    assert client.post("/predict", json=ROWS, headers=bearer(text)).is_success
    for query in ("experiment=other", f"model=models:/{other}"):
        refused(client.post(f"/predict?{query}", json=ROWS, headers=bearer(text)), 403, "access.experiment")


def test_the_history_names_the_token(client, signing_in, home):
    text, token = home.services.tokens.create("nightly")
    sent = {"file": ("rows.csv", b"age,city,premium\n41,Bonn,500\n")}
    assert client.post("/predict", files=sent, headers=bearer(text)).is_success
    assert home.services.scoring_log.list(limit=1)[0].person == f"nightly (token {token.id})"


def test_another_machine_is_answered_where_people_sign_in_or_the_owner_said_so(home, monkeypatch):
    client = make_client(home, machine=("192.0.2.7", 50000))
    assert "machine" in refused(client.get("/healthz"), 403, "machine.refused")["message"]
    object.__setattr__(home.services.settings, "open_to_network", True)
    try:
        assert client.get("/healthz").is_success
    finally:
        object.__setattr__(home.services.settings, "open_to_network", False)
    monkeypatch.setattr(sign_in, "is_set_up", lambda: True)
    assert client.get("/healthz").is_success
    for machine in ("::1", "127.0.0.9", "::ffff:127.0.0.1"):
        assert make_client(home, machine=(machine, 1)).get("/healthz").is_success
