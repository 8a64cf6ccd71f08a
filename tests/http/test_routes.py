"""The HTTP routes with a stand-in for the scorer: what is handed over, what comes back, and each error's status."""

import asyncio
import io
import json
from dataclasses import asdict, replace
from types import SimpleNamespace

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from app.http import answer as http_answer
from app.http import incoming, routes, security
from app.http.query import FORMATS, Query
from app.ui.services import set_services
from core import errors
from core.domain.columns import Column, Schema
from core.domain.models import ModelSpec
from core.features.checking import FileCheck, Finding
from core.features.matching import ColumnCheck
from core.models.decisions import Decision
from core.scoring.result import Scored
from tests.fixtures_runs import write_customers
from tests.fixtures_store import add_run, make_details, make_model

CSV = b"id,age\n1,33\n2,51\n"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PARQUET = "application/vnd.apache.parquet"
SPEC = ModelSpec(
    task="binary",
    target="bought",
    target_column=Column("bought", "category", levels=("no", "yes")),
    features=Schema((Column("age", "numeric", integer=True),)),
    classes=("no", "yes"),
    positive="yes",
    threshold=0.5,
    id_column="id",
)


def make_scored(number: int = 1, *, ages: tuple[str, ...] = ("33", "51"), findings: tuple[Finding, ...] = ()) -> Scored:
    """Return a result as the scorer makes it: of two rows, ids 1 and 2."""
    chances = [0.2 * number, 0.9]
    labels = ["yes" if chance >= 0.5 else "no" for chance in chances][: len(ages)]
    source = pa.table({"id": ["1", "2"][: len(ages)], "age": list(ages)})
    results = pa.table({"prediction": labels, "probability_yes": chances[: len(ages)]})
    check = FileCheck(n_rows=2, columns=ColumnCheck((), {}, ()), renamed=(), findings=findings)
    decision = Decision(0.5, SPEC.threshold_origin)
    model = make_model(number)
    return Scored(
        model=model,
        spec=SPEC,
        decision=decision,
        source=source,
        results=results,
        warnings=(),
        metrics=None,
        check=check,
    )


class FakeScorer:
    """Notes how it is called; returns or raises what a test says."""

    def __init__(self) -> None:
        self.calls: list[tuple] = []
        self.wanted: dict = {}
        self.error: Exception | None = None
        self.results: dict[str | None, Scored] = {}

    def open(self, path, file_name, *, sheet=None):
        return SimpleNamespace(content=path.read_bytes(), name=file_name, sheet=sheet, close=lambda: None)

    def choose_model(self, model_uri, experiment=None):
        return model_uri, experiment

    def score(self, file, model, request, **who):
        self.wanted = {**asdict(request), "sheet": file.sheet, **who}
        self.calls.append((file.content, file.name, *model))
        if self.error is not None:
            raise self.error
        return self.results.get(model[0]) or make_scored()


@pytest.fixture
def scorer(services):
    fake = FakeScorer()
    set_services(replace(services, scorer=fake))
    return fake


@pytest.fixture
def app(services):
    return Starlette(
        routes=routes.ROUTES,
        middleware=security.middleware(services.settings),
        exception_handlers={Exception: routes.unexpected},
    )


@pytest.fixture
def client(app):
    return TestClient(app, base_url="http://localhost", raise_server_exceptions=False, client=("127.0.0.1", 50000))


def work_files(services):
    return list(services.settings.work_dir.iterdir())


def refused(answer, status: int, code: str) -> dict:
    """Check that an answer is a refusal in the one shape; return it."""
    body = answer.json()
    assert (answer.status_code, body["code"]) == (status, code)
    assert {"code", "message", "hint", "ref"} <= set(body)
    assert len(body["ref"]) == 12
    return body


# --- what is handed over ----------------------------------------------------------------------------------------------


def test_a_file_is_handed_to_the_scorer_checked_and_removed(client, scorer, services):
    answer = client.post("/predict?experiment=sales&model=models:/m-1", files={"file": ("日.csv", CSV)})
    assert answer.status_code == 200
    assert answer.json() == {"1": "no", "2": "yes"}
    assert scorer.calls == [(CSV, "日.csv", "models:/m-1", "sales")]
    assert scorer.wanted["checked"] is True
    assert work_files(services) == []


def test_without_parameters_the_scorer_decides(client, scorer):
    client.post("/predict", files={"other": ("x.csv", b"x"), "file": ("a.csv", CSV)})
    assert scorer.calls == [(CSV, "a.csv", None, None)]
    assert (scorer.wanted["reasons"], scorer.wanted["details"], scorer.wanted["threshold"]) == (0, False, None)


def test_every_parameter_is_handed_over(client, scorer):
    client.post("/predict?reasons=3&details=1&threshold=0.4&sheet=May", files={"file": ("a.csv", CSV)})
    assert scorer.wanted | {"person": ""} == {
        "reasons": 3, "details": True, "threshold": 0.4, "sheet": "May", "person": "", "checked": True,
        "origin": "http", "result_address": "",
    }  # fmt: skip


@pytest.mark.parametrize("query", ["reasons=3", "details=true", "shape=records"])
def test_reasons_and_details_come_as_records(client, scorer, query):
    answer = client.post(f"/predict?{query}", files={"file": ("a.csv", CSV)})
    assert answer.json() == [
        {"id": 1, "prediction": "no", "probability_yes": 0.2},
        {"id": 2, "prediction": "yes", "probability_yes": 0.9},
    ]


def test_a_report_holds_the_check_in_words(client, scorer):
    finding = Finding(verdict="amber", code="cells.unseen", text="age: 1 cell …", column="age", count=1)
    scorer.results[None] = make_scored(findings=(finding,))
    answer = client.post("/predict?shape=report", files={"file": ("a.csv", CSV)}).json()
    assert answer["check"]["verdict"] == "amber"
    assert answer["check"]["findings"][0]["text"] == "age: 1 cell …"
    assert (answer["rows"], answer["threshold"], len(answer["predictions"])) == (2, 0.5, 2)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("expriment=sales", "request.parameter"),
        ("experiment=a&experiment=b", "request.parameter"),
        ("&".join(f"model=models:/m-{number}" for number in range(6)), "request.parameter"),
        ("columns=some", "request.parameter"),
        ("details=perhaps", "request.parameter"),
        ("reasons=many", "predict.reasons"),
        ("reasons=-1", "predict.reasons"),
        ("threshold=high", "predict.threshold"),
        ("shape=tree", "predict.shape"),
    ],
)
def test_a_parameter_that_cannot_be_used_is_refused_before_the_file_is_looked_at(client, scorer, query, code):
    refused(client.post(f"/predict?{query}", files={"file": ("a.csv", CSV)}), 422, code)
    assert scorer.calls == []


# --- what comes back --------------------------------------------------------------------------------------------------


def rows_of(answer) -> list[dict]:
    kind = answer.headers["content-type"].partition(";")[0]
    if kind == PARQUET:
        return pq.read_table(io.BytesIO(answer.content)).to_pylist()
    if kind == XLSX:
        header, *rows = openpyxl.load_workbook(io.BytesIO(answer.content)).worksheets[0].iter_rows(values_only=True)
        return [dict(zip(header, row, strict=True)) for row in rows]
    header, *lines = answer.text.splitlines()
    return [dict(zip(header.split(","), line.split(","), strict=True)) for line in lines]


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("text/csv", "text/csv"),
        (XLSX, XLSX),
        (PARQUET, PARQUET),
        ("text/*", "text/csv"),
        ("application/json;q=0.2, text/csv;q=0.7", "text/csv"),
        (f"text/csv;q=0, {PARQUET}", PARQUET),
    ],
)
def test_accept_chooses_the_file(client, scorer, services, accept, kind):
    answer = client.post("/predict", files={"file": ("May 1é.csv", CSV)}, headers={"Accept": accept})
    assert answer.status_code == 200
    assert answer.headers["content-type"].partition(";")[0] == kind
    rows = rows_of(answer)
    assert [(int(row["id"]), row["prediction"], float(row["probability_yes"])) for row in rows] == [
        (1, "no", 0.2),
        (2, "yes", 0.9),
    ]
    assert answer.headers["content-disposition"].endswith(f"May%201%C3%A9_predictions{FORMATS[kind]}")
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert work_files(services) == []


@pytest.mark.parametrize("accept", ["", "*/*", "application/*", "text/html,application/xml;q=0.9,*/*;q=0.8"])
def test_json_is_what_a_client_gets_that_does_not_choose(client, scorer, accept):
    answer = client.post("/predict", files={"file": ("a.csv", CSV)}, headers={"Accept": accept})
    assert answer.json() == {"1": "no", "2": "yes"}


@pytest.mark.parametrize("accept", ["image/png", "text/html", "application/json;q=0", "nonsense"])
def test_a_format_there_is_not_is_refused_with_those_there_are(client, scorer, accept):
    body = refused(
        client.post("/predict", files={"file": ("a.csv", CSV)}, headers={"Accept": accept}),
        406,
        "request.not_acceptable",
    )
    assert all(kind in body["hint"] for kind in FORMATS)


def test_a_shape_is_about_json(client, scorer):
    answer = client.post("/predict?shape=records", files={"file": ("a.csv", CSV)}, headers={"Accept": "text/csv"})
    refused(answer, 422, "predict.shape")


@pytest.mark.parametrize(("columns", "names"), [("all", ["id", "age"]), ("id", ["id"]), ("none", [])])
def test_a_file_holds_the_own_columns_asked_for(client, scorer, columns, names):
    answer = client.post(f"/predict?columns={columns}", files={"file": ("a.csv", CSV)}, headers={"Accept": "text/csv"})
    assert list(rows_of(answer)[0]) == [*names, "prediction", "probability_yes"]


def test_a_formula_in_the_file_does_not_come_back_alive(client, scorer):
    scorer.results[None] = make_scored(ages=("=1+1", "51"))
    answer = client.post("/predict", files={"file": ("a.csv", CSV)}, headers={"Accept": "text/csv"})
    assert rows_of(answer)[0]["age"] == "'=1+1"
    book = client.post("/predict", files={"file": ("a.csv", CSV)}, headers={"Accept": XLSX})
    cells = [cell for row in openpyxl.load_workbook(io.BytesIO(book.content)).worksheets[0] for cell in row]
    assert "f" not in {cell.data_type for cell in cells}


def test_several_models_answer_side_by_side(client, scorer):
    scorer.results = {"models:/a@champion": make_scored(1), "models:/b/3": make_scored(3)}
    query = "model=models:/a@champion&model=models:/b/3"
    answer = client.post(f"/predict?{query}", files={"file": ("a.csv", CSV)})
    assert answer.json() == {
        "models:/a@champion": {"1": "no", "2": "yes"},
        "models:/b/3": {"1": "yes", "2": "yes"},
    }
    assert answer.headers[http_answer.MODEL] == ", ".join(make_scored(number).model.uri for number in (1, 3))
    table = client.post(f"/predict?{query}", files={"file": ("a.csv", CSV)}, headers={"Accept": "text/csv"})
    assert list(rows_of(table)[0].values()) == ["1", "33", "no", "0.2", "yes", "0.6000000000000001"]
    assert list(rows_of(table)[0])[2:] == [
        "prediction_experiment-1_v1", "probability_yes_experiment-1_v1",
        "prediction_experiment-3_v3", "probability_yes_experiment-3_v3",
    ]  # fmt: skip


def test_three_models_read_the_file_once(trained, tmp_path, scoring_work):
    store = trained.services.store
    uris = tuple(model.uri for model in store.models(run_id=trained.runs[0].run_id) if model.has_files)
    path = write_customers(tmp_path / "new.csv", 60, seed=3, with_target=False)
    query = Query(
        models=uris, experiment=None, shape=None, reasons=0, details=False, threshold=None, sheet=None, columns="all",
        media_type="application/json",
    )  # fmt: skip
    answer = http_answer.score(trained.services, path, "new.csv", query)
    assert {uri: len(labels) for uri, labels in json.loads(answer.content).items()} == dict.fromkeys(uris, 60)
    assert len(uris) == 3
    assert scoring_work == {"read": 1, "checked": 3}


def test_two_names_of_one_model_are_one_set_of_columns(client, scorer):
    scorer.results = {"models:/a@champion": make_scored(1), "models:/a/1": make_scored(1)}
    answer = client.post(
        "/predict?model=models:/a@champion&model=models:/a/1",
        files={"file": ("a.csv", CSV)},
        headers={"Accept": PARQUET},
    )
    assert list(rows_of(answer)[0]) == ["id", "age", "prediction", "probability_yes"]


def test_models_that_read_other_rows_are_not_set_side_by_side(client, scorer):
    scorer.results = {"models:/a/1": make_scored(1), "models:/b/2": make_scored(2, ages=("33",))}
    answer = client.post("/predict?model=models:/a/1&model=models:/b/2", files={"file": ("a.csv", CSV)})
    refused(answer, 422, "predict.rows_differ")


# --- the check --------------------------------------------------------------------------------------------------------


def test_amber_is_told_in_headers_without_a_cell_of_the_file(client, scorer):
    told = Finding(verdict="amber", code="cells.unseen", text="canary-4711", column="Größe", count=3)
    scorer.results[None] = make_scored(findings=(told, Finding(verdict="green", code="columns.extra", text="x")))
    answer = client.post("/predict", files={"file": ("a.csv", CSV)})
    assert answer.headers[http_answer.CHECK] == "amber"
    assert json.loads(answer.headers[http_answer.FINDINGS]) == [{"code": "cells.unseen", "column": "Größe", "count": 3}]
    assert "canary" not in str(answer.headers)


def test_a_green_check_is_told_too(client, scorer):
    answer = client.post("/predict", files={"file": ("a.csv", CSV)})
    assert (answer.headers[http_answer.CHECK], answer.headers[http_answer.ROWS]) == ("green", "2")
    assert http_answer.FINDINGS not in answer.headers


def test_what_the_reader_guessed_is_told_in_a_header_whatever_the_shape(client, scorer):
    told = ("The last row was left out because it looks like a total: 'Summe 7'.", "Größe: 1 cell is not a number.")
    scorer.results[None] = replace(make_scored(), warnings=told)
    answer = client.post("/predict", files={"file": ("a.csv", CSV)})
    assert tuple(json.loads(answer.headers[http_answer.WARNINGS])) == told
    scorer.results[None] = replace(make_scored(), warnings=tuple(f"Column {n} has no name." for n in range(500)))
    header = client.post("/predict", files={"file": ("a.csv", CSV)}).headers[http_answer.WARNINGS]
    assert len(header) < 2100
    assert "more" in json.loads(header)[-1]


def test_headers_stay_small_however_much_is_found(client, scorer):
    many = tuple(Finding(verdict="amber", code="drift", text="", column=f"column {n}", count=n) for n in range(500))
    scorer.results[None] = make_scored(findings=many)
    answer = client.post("/predict", files={"file": ("a.csv", CSV)})
    found = json.loads(answer.headers[http_answer.FINDINGS])
    assert len(answer.headers[http_answer.FINDINGS]) < 4100
    assert found[-1] == {"more": 500 - (len(found) - 1)}


def test_red_is_refused_with_the_findings(client, scorer):
    finding = {"verdict": "red", "code": "columns.missing", "text": "…", "column": "age", "count": 1}
    scorer.error = errors.UnfitFileError("Missing.", code="schema.missing_columns", findings=(finding,))
    body = refused(client.post("/predict", files={"file": ("a.csv", CSV)}), 422, "schema.missing_columns")
    assert body["findings"] == [finding]


# --- what is taken ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "name"),
    [
        ({"Content-Type": "text/csv"}, "file.csv"),
        ({"Content-Type": "text/csv; charset=utf-8"}, "file.csv"),
        ({"Content-Type": "Text/CSV"}, "file.csv"),
        ({"Content-Type": PARQUET}, "file.parquet"),
        ({"Content-Type": "application/gzip"}, "file.csv.gz"),
        (
            {"Content-Type": "application/octet-stream", "Content-Disposition": 'attachment; filename="../May.CSV"'},
            "May.CSV",
        ),
        ({"Content-Type": "text/plain", "Content-Disposition": 'attachment; filename="a.tsv"'}, "a.tsv"),
    ],
)
def test_a_raw_body_is_the_file(client, scorer, services, headers, name):
    answer = client.post("/predict", content=CSV, headers=headers)
    assert answer.status_code == 200
    assert scorer.calls == [(CSV, name, None, None)]
    assert work_files(services) == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "application/jsonl"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "application/octet-stream"},
        {"Content-Type": ""},
        {"Content-Type": "text/csv", "Content-Encoding": "gzip"},
    ],
    ids=str,
)
def test_other_bodies_are_refused(client, scorer, services, headers):
    refused(client.post("/predict", content=CSV, headers=headers), 415, "request.media_type")
    assert scorer.calls == []
    assert work_files(services) == []


@pytest.mark.parametrize(
    ("content", "headers"),
    [
        (b"", {"Content-Type": "text/csv"}),
        (b"x", {"Content-Type": "multipart/form-data"}),
        (b"x", {"Content-Type": f"multipart/form-data; boundary={'b' * 300}"}),
        (b"--b\r\n" + b"x: y\r\n" * 100, {"Content-Type": "multipart/form-data; boundary=b"}),
    ],
    ids=["empty", "no boundary", "long boundary", "many headers"],
)
def test_a_broken_body_is_refused(client, scorer, services, content, headers):
    refused(client.post("/predict", content=content, headers=headers), 400, "request.invalid")
    assert work_files(services) == []


def call(app, headers: dict[str, str], receive) -> tuple[int, dict]:
    """Send one request whose body comes from `receive`; return status and answer."""
    sent: list[dict] = []

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "path": "/predict",
        "raw_path": b"/predict", "query_string": b"", "root_path": "", "scheme": "http", "server": ("localhost", 80),
        "headers": [(b"host", b"localhost"), *((k.encode(), v.encode()) for k, v in headers.items())],
    }  # fmt: skip
    asyncio.run(app(scope, receive, send))
    return sent[0]["status"], json.loads(b"".join(message.get("body", b"") for message in sent[1:]))


@pytest.mark.parametrize("kind", ["text/csv", "multipart/form-data; boundary=b"])
def test_an_announced_size_over_the_limit_is_refused_before_a_byte_is_read(app, scorer, services, kind):
    async def receive():
        raise AssertionError("the body was asked for")

    size = str(services.settings.max_file_bytes + 2 * 1024**2)
    headers = {"content-type": kind, "content-length": size, "expect": "100-continue"}
    status, body = call(app, headers, receive)
    assert (status, body["code"]) == (413, "file.too_large")
    assert work_files(services) == []


def test_a_body_without_end_is_refused_at_the_limit(app, scorer, services):
    set_services(replace(services, scorer=scorer, settings=replace(services.settings, max_file_bytes=1000)))
    asked = 0

    async def receive():
        nonlocal asked
        asked += 1
        return {"type": "http.request", "body": b"x" * 1024**2, "more_body": True}

    status, body = call(app, {"content-type": "text/csv"}, receive)
    assert (status, body["code"]) == (413, "file.too_large")
    assert asked <= 10  # one too many, and at most 8 MiB so that the sender gets to read the answer
    assert work_files(services) == []


def test_a_sender_that_falls_silent_is_refused(app, scorer, services, monkeypatch):
    monkeypatch.setattr(incoming, "_IDLE_S", 0.05)
    monkeypatch.setattr(routes, "_DRAIN_S", 0.05)
    parts = [{"type": "http.request", "body": b"a,b\n", "more_body": True}]

    async def receive():
        return parts.pop() if parts else await asyncio.Event().wait()

    status, body = call(app, {"content-type": "text/csv"}, receive)
    assert (status, body["code"]) == (408, "request.timeout")
    assert work_files(services) == []


def test_a_sender_that_goes_away_leaves_nothing(app, scorer, services):
    parts = [{"type": "http.disconnect"}, {"type": "http.request", "body": b"a,b\n", "more_body": True}]

    async def receive():
        return parts.pop()

    with pytest.raises(json.JSONDecodeError):
        call(app, {"content-type": "text/csv"}, receive)
    assert work_files(services) == []
    assert routes._gate.inside == 0


# --- methods and errors -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/predict", "GET, HEAD, OPTIONS, POST"),
        ("/models", "GET, HEAD, OPTIONS"),
        ("/healthz", "GET, HEAD, OPTIONS"),
        ("/openapi.json", "GET, HEAD, OPTIONS"),
        ("/docs", "GET, HEAD, OPTIONS"),
    ],
)
def test_each_address_says_which_methods_it_answers(client, services, path, allowed):
    options = client.options(path)
    assert (options.status_code, options.content, options.headers["allow"]) == (204, b"", allowed)
    answer = client.delete(path)
    refused(answer, 405, "request.method")
    assert answer.headers["allow"] == allowed
    if "POST" not in allowed:
        assert client.head(path).status_code == 200
        refused(client.post(path), 405, "request.method")


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
def test_each_error_has_its_status_and_one_shape(client, scorer, services, caplog, error, status):
    scorer.error = error
    answer = client.post("/predict", files={"file": ("a.csv", CSV)})
    body = refused(answer, status, error.code)
    assert {name: body[name] for name in error.to_dict()} == error.to_dict()
    assert ("retry-after" in answer.headers) == (status == 503)
    assert body["ref"] in caplog.text
    assert work_files(services) == []


def test_the_log_of_a_refusal_holds_nothing_of_the_file(client, scorer, caplog):
    scorer.error = errors.DataError("The column canary-4711 is odd.")
    client.post("/predict", files={"file": ("canary-4711.csv", CSV)})
    assert "data.invalid" in caplog.text
    assert "canary" not in caplog.text


def test_a_bug_is_a_reference_and_nothing_else(client, scorer, services, caplog):
    scorer.error = RuntimeError("canary-4711")
    answer = client.post("/predict", files={"file": ("a.csv", CSV)})
    body = refused(answer, 500, "app.unexpected")
    assert "canary" not in answer.text
    assert answer.headers["x-frame-options"] == "DENY"
    assert body["ref"] in body["message"]
    assert body["ref"] in caplog.text
    assert work_files(services) == []


def test_healthz_starts_nothing(client, services):
    services.engine.state = "stopped"
    assert client.get("/healthz").json()["engine"] == "stopped"
    set_services(None)
    answer = client.get("/healthz").json()
    assert (answer["status"], answer["engine"], answer["store"]) == ("ok", "stopped", "opening")


def test_healthz_tells_of_a_damaged_store(client, services, monkeypatch):
    damaged = errors.StoreCorruptError("The database bellwether.db is damaged.")
    monkeypatch.setattr("app.ui.services._holder.trouble", damaged)
    answer = client.get("/healthz")
    assert answer.status_code == 503
    assert (answer.json()["status"], answer.json()["store"]) == ("failed", "store.corrupt")


def test_models_that_can_score_are_listed_champion_first(client, services, tmp_path):
    store = services.store
    (tmp_path / "model.zip").write_bytes(b"a model")

    def add(experiment, *, version=False, files=True):
        model_id = store.add_model(add_run(store, experiment=experiment), make_details(), "binary")
        if files:
            store.save_model_files(model_id, {"model.zip": tmp_path / "model.zip"})
        return store.register(model_id) if version else model_id

    first, second = add("a", version=True), add("a", version=True)
    store.set_champion("a", second)
    store.set_champion("b", add("b", version=True, files=False))
    unregistered = add("b")
    listed = client.get("/models").json()["models"]
    assert [model["uri"] for model in listed] == [
        f"models:/a/{second}",
        f"models:/a/{first}",
        f"models:/{unregistered}",
    ]
    assert [model["is_champion"] for model in listed] == [True, False, False]
