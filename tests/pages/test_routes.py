"""`POST /predict` and `GET /healthz` with a stand-in for the scorer: what is handed over, and each error's status."""

from dataclasses import replace

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from app.ui import routes, security
from app.ui.services import set_services
from core import errors

CSV = b"id,age\n1,33\n2,51\n"


class FakeScorer:
    """Notes how it is called; returns or raises what a test says."""

    def __init__(self) -> None:
        self.calls: list[tuple] = []
        self.error: Exception | None = None

    def score_file(self, path, file_name, *, model_uri=None, experiment=None, reasons=0):
        self.reasons = reasons
        self.calls.append((path.read_bytes(), file_name, model_uri, experiment))
        if self.error is not None:
            raise self.error
        return "scored"


@pytest.fixture
def scorer(services, monkeypatch):
    fake = FakeScorer()
    set_services(replace(services, scorer=fake))
    monkeypatch.setattr("core.answers.answer", lambda scored, shape: [scored, shape, "é"])
    return fake


@pytest.fixture
def client(services):
    app = Starlette(
        routes=routes.ROUTES,
        middleware=security.middleware(services.settings),
        exception_handlers={Exception: routes.unexpected},
    )
    return TestClient(app, base_url="http://localhost", raise_server_exceptions=False)


def work_files(services):
    return list(services.settings.work_dir.iterdir())


def test_a_file_is_handed_to_the_scorer_and_removed(client, scorer, services):
    answer = client.post("/predict?experiment=sales&model=models:/m-1&shape=records", files={"file": ("日.csv", CSV)})
    assert answer.status_code == 200
    assert answer.json() == ["scored", "records", "é"]
    assert scorer.calls == [(CSV, "日.csv", "models:/m-1", "sales")]
    assert work_files(services) == []


def test_reasons_are_asked_for_and_come_as_records(client, scorer):
    answer = client.post("/predict?reasons=3", files={"file": ("a.csv", CSV)})
    assert answer.json() == ["scored", "records", "é"]
    assert scorer.reasons == 3
    refused = client.post("/predict?reasons=many", files={"file": ("a.csv", CSV)})
    assert (refused.status_code, refused.json()["code"]) == (422, "predict.reasons")


def test_without_parameters_the_scorer_decides(client, scorer):
    answer = client.post("/predict", files={"other": ("x.csv", b"x"), "file": ("a.csv", CSV)})
    assert answer.json() == ["scored", None, "é"]
    assert scorer.calls == [(CSV, "a.csv", None, None)]


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.SchemaMismatchError("Columns are missing."), 422),
        (errors.DataError("Ids repeat.", code="predict.ids_repeat"), 422),
        (errors.ExperimentNotFoundError("Which one?", code="experiment.ambiguous"), 422),
        (errors.ExperimentNotFoundError("No such experiment."), 404),
        (errors.ModelNotFoundError("No such model."), 404),
        (errors.ModelIntegrityError("The file was changed."), 409),
        (errors.FileTooLargeError("Too large."), 413),
        (errors.EngineUnavailableError("No Java."), 503),
        (errors.EngineDiedError("It ended."), 503),
        (errors.StoreBusyError("Busy."), 503),
        (errors.DiskFullError("Full."), 503),
    ],
    ids=lambda value: getattr(value, "code", str(value)),
)
def test_each_error_has_its_status_and_one_shape(client, scorer, services, error, status):
    scorer.error = error
    answer = client.post("/predict", files={"file": ("a.csv", CSV)})
    assert (answer.status_code, answer.json()) == (status, error.to_dict())
    assert work_files(services) == []


def test_a_bug_is_a_reference_and_nothing_else(client, scorer, services, caplog):
    scorer.error = RuntimeError("canary-4711")
    answer = client.post("/predict", files={"file": ("a.csv", CSV)})
    assert answer.status_code == 500
    assert answer.json()["code"] == "app.unexpected"
    assert "canary" not in answer.text
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.json()["message"].split("(ref ")[1][:12] in caplog.text
    assert work_files(services) == []


def test_healthz_starts_nothing(client, services):
    assert client.get("/healthz").json()["engine"] == "stopped"
    set_services(None)
    answer = client.get("/healthz").json()
    assert (answer["status"], answer["engine"], answer["store"]) == ("ok", "stopped", "opening")
