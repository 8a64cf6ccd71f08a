"""The HTTP interface on the real app with a real model: all that its description names is tried."""

import http.client
import io
import json
import shutil
import socket
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import jsonschema
import openpyxl
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest
from fastapi.openapi.models import OpenAPI

from core.data.datasets.samples import sample_scoring_path
from tests.browser.driver import Server, free_port, run_server, wait_until
from tests.server.test_launcher import multipart, request

pytestmark = [pytest.mark.server, pytest.mark.engine]

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PARQUET = "application/vnd.apache.parquet"
SAMPLE = sample_scoring_path().read_bytes()
MAX_FILE, MAX_AT_ONCE = 256 * 1024, 3


@pytest.fixture(scope="module")
def server(trained_home: Path) -> Iterator[Server]:
    settings = {"BELLWETHER_MAX_FILE": str(MAX_FILE), "BELLWETHER_MAX_HTTP_SCORINGS": str(MAX_AT_ONCE)}
    with run_server(trained_home, BELLWETHER_H2O_MEMORY="1g", BELLWETHER_MIN_FREE="1m", **settings) as running:
        yield running


@pytest.fixture(scope="module")
def description(server: Server) -> dict[str, Any]:
    return json.loads(request(server, "GET", "/openapi.json")[2])


def post(
    server: Server, content: bytes = SAMPLE, query: str = "", name: str = "a.csv", **headers: str
) -> tuple[int, dict[str, str], bytes]:
    """Send a file as a multipart body."""
    body, content_type = multipart(content, name)
    return request(server, "POST", f"/predict?{query}", body=body, **{"Content_Type": content_type, **headers})


def work_files(server: Server) -> list[str]:
    return [path.name for path in (server.log_path.parent / "data" / "work").iterdir()]


def check_schema(description: dict[str, Any], path: str, method: str, status: int, headers: dict, body: bytes) -> None:
    """Check that an answer is one that the description names, JSON by its schema."""
    responses = description["paths"][path][method]["responses"]
    assert str(status) in responses, f"{status} is not described: {body[:300]!r}"
    told = responses[str(status)]
    kind = headers["content-type"].partition(";")[0]
    assert kind in told["content"]
    for name in told.get("headers", {}):
        assert name in ("Bellwether-Findings", "Bellwether-Warnings") or name.lower() in headers
    if kind == "application/json":
        schema = {**told["content"][kind]["schema"], "components": description["components"]}
        jsonschema.Draft202012Validator(schema).validate(json.loads(body))


def champion(server: Server) -> str:
    return json.loads(request(server, "GET", "/models")[2])["models"][0]["uri"]


# --- the description --------------------------------------------------------------------------------------------------


def test_the_description_is_openapi(description):
    OpenAPI.model_validate(description)
    assert description["openapi"].startswith("3.1")
    for schema in description["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("path", ["/models", "/healthz", "/openapi.json"])
def test_each_address_answers_as_described(server, description, path):
    status, headers, body = request(server, "GET", path)
    assert status == 200
    check_schema(description, path, "get", status, headers, body)
    status, headers, body = request(server, "DELETE", path)
    assert status == 405
    check_schema(description, path, "get", status, headers, body)


def test_the_description_names_every_address_there_is(description):
    from app.http import routes

    pages = {"/docs", "/docs/try.js", "/docs/try.css", "/docs/mark.svg"}
    assert {route.path for route in routes.ROUTES} - pages == set(description["paths"])


# Each parameter with a value that changes the answer, and what of it is looked at.
TRIED = {
    "model": lambda server, _: post(server, query=f"model={quote(champion(server))}&model=best"),
    "experiment": lambda server, _: post(server, query="experiment=sample"),
    "shape": lambda server, _: post(server, query="shape=report"),
    "reasons": lambda server, _: post(server, content=head(3), query="reasons=2"),
    "details": lambda server, _: post(server, query="details=true"),
    "threshold": lambda server, _: post(server, query="threshold=0"),
    "sheet": lambda server, _: post(server, workbook(), query="sheet=Two", name="a.xlsx"),
    "columns": lambda server, _: post(server, query="columns=none", Accept="text/csv"),
}


def head(n_rows: int) -> bytes:
    return b"".join(SAMPLE.splitlines(keepends=True)[: n_rows + 1])


def workbook() -> bytes:
    """Return the sample's first rows as a workbook: three on the sheet One, five on the sheet Two."""
    book, buffer = openpyxl.Workbook(), io.BytesIO()
    book.active.title = "One"
    for sheet, n_rows in ((book.active, 3), (book.create_sheet("Two"), 5)):
        for line in head(n_rows).decode().splitlines():
            sheet.append(line.split(","))
    book.save(buffer)
    return buffer.getvalue()


@pytest.mark.parametrize("name", TRIED)
def test_each_parameter_works_as_described(server, description, name):
    described = {one["name"] for one in description["paths"]["/predict"]["post"]["parameters"]}
    assert described == set(TRIED)
    status, headers, body = TRIED[name](server, name)
    assert status == 200, body
    check_schema(description, "/predict", "post", status, headers, body)
    answer = pa_csv.read_csv(pa.BufferReader(body)).to_pylist() if name == "columns" else json.loads(body)
    looked_at = {
        "model": lambda: set(answer) == {champion(server), "best"} and len(answer["best"]) == 500,
        "experiment": lambda: len(answer) == 500,
        "shape": lambda: (answer["rows"], answer["check"]["verdict"]) == (500, headers["bellwether-check"]),
        "reasons": lambda: all(row["reason_1"] and row["reason_2"] for row in answer),
        "details": lambda: sorted(row["rank"] for row in answer)[0] == 1 and "trust" in answer[0],
        "threshold": lambda: set(answer.values()) == {"yes"},
        "sheet": lambda: len(answer) == 5,
        "columns": lambda: set(answer[0]) == {"prediction", "probability_no", "probability_yes"},
    }
    assert looked_at[name]()


# --- files ------------------------------------------------------------------------------------------------------------


def test_every_format_holds_the_same_predictions(server, description):
    own = pa_csv.read_csv(pa.BufferReader(SAMPLE))
    expected = json.loads(post(server, query="shape=records")[2])
    assert [row["customer_id"] for row in expected] == own["customer_id"].to_pylist()
    readers = {
        "text/csv": lambda body: pa_csv.read_csv(pa.BufferReader(body)).to_pylist(),
        PARQUET: lambda body: pq.read_table(io.BytesIO(body)).to_pylist(),
        XLSX: read_workbook,
    }
    for kind, read in readers.items():
        status, headers, body = post(server, Accept=kind)
        assert (status, headers["content-type"].partition(";")[0]) == (200, kind)
        check_schema(description, "/predict", "post", status, headers, body)
        rows = read(body)
        assert [row["prediction"] for row in rows] == [row["prediction"] for row in expected]
        for row, wanted in zip(rows, expected, strict=True):
            assert row["probability_yes"] == pytest.approx(wanted["probability_yes"], abs=1e-12)
    assert work_files(server) == []


def read_workbook(body: bytes) -> list[dict[str, Any]]:
    header, *rows = openpyxl.load_workbook(io.BytesIO(body)).worksheets[0].iter_rows(values_only=True)
    return [dict(zip(header, row, strict=True)) for row in rows]


def test_a_raw_body_gives_what_a_form_gives(server):
    raw = request(server, "POST", "/predict", body=SAMPLE, Content_Type="text/csv")
    assert raw[0] == 200
    assert json.loads(raw[2]) == json.loads(post(server)[2])


def test_records_give_what_a_file_gives_and_are_in_the_history_when_the_app_ends(trained_home, description, tmp_path):
    home = tmp_path / "home"
    shutil.copytree(trained_home, home)
    rows = pa_csv.read_csv(pa.BufferReader(head(40))).to_pylist()
    with run_server(home, BELLWETHER_MIN_FREE="1m") as own:
        as_file = json.loads(post(own, head(40), "shape=records&details=1")[2])
        found = []
        for row in rows:
            sent = {"body": json.dumps([row], default=str).encode(), "Content_Type": "application/json"}
            status, headers, body = request(own, "POST", "/predict?shape=records&details=1", **sent)
            assert status == 200, body
            check_schema(description, "/predict", "post", status, headers, body)
            found += json.loads(body)
        assert json.loads(request(own, "GET", "/healthz")[2])["engine"] == "stopped"
        assert own.stop() == 0
    told = ("customer_id", "prediction", "probability_yes", "trust", "trust_note")
    for row, wanted in zip(found, as_file, strict=True):
        assert {name: row[name] for name in told} == pytest.approx({name: wanted[name] for name in told})
    with sqlite3.connect(home / "data" / "bellwether.db") as ledger:
        query = "SELECT n_rows, status, kept FROM scorings WHERE file_name = 'JSON, 40 requests'"
        assert ledger.execute(query).fetchall() == [(40, "finished", "scores")]


def test_several_models_are_one_set_of_columns_each(server):
    models = [model["uri"] for model in json.loads(request(server, "GET", "/models")[2])["models"]]
    assert len(models) == 2
    query = "&".join(f"model={quote(uri)}" for uri in models)
    table = pa_csv.read_csv(pa.BufferReader(post(server, query=query, Accept="text/csv")[2]))
    for uri in models:
        alone = pa_csv.read_csv(pa.BufferReader(post(server, query=f"model={quote(uri)}", Accept="text/csv")[2]))
        label = "sample_v1" if uri == "models:/sample/1" else uri.removeprefix("models:/")
        assert table[f"probability_yes_{label}"].to_pylist() == alone["probability_yes"].to_pylist()


# --- the check --------------------------------------------------------------------------------------------------------


def test_amber_passes_and_is_told(server):
    lines = SAMPLE.decode().splitlines()
    changed = [lines[0], *(line.replace(",new,", ",canary-4711,") for line in lines[1:])]
    odd = "\n".join([lines[0], lines[1], lines[1], *changed[2:]]).encode()
    status, headers, _ = post(server, odd, query="shape=records")
    assert (status, headers["bellwether-check"]) == (200, "amber")
    assert {"code": "ids.repeat", "column": "customer_id", "count": 1} in json.loads(headers["bellwether-findings"])


def test_red_is_refused_with_the_findings_of_the_page(server, description):
    header, _, rest = SAMPLE.decode().partition("\n")
    without = "\n".join([header.replace("region_code", "xyz"), rest]).encode()
    status, headers, body = post(server, without)
    check_schema(description, "/predict", "post", status, headers, body)
    answer = json.loads(body)
    assert (status, answer["code"]) == (422, "schema.missing_columns")
    worst = answer["findings"][0]
    assert (worst["verdict"], worst["code"], worst["column"]) == ("red", "columns.missing", "region_code")


def test_a_file_of_empty_rows_is_refused(server):
    names = SAMPLE.decode().splitlines()[0].split(",")
    rows = "\n".join(f"{number}{',' * (len(names) - 1)}" for number in range(5))
    status, _, body = post(server, f"{','.join(names)}\n{rows}\n".encode())
    answer = json.loads(body)
    assert (status, answer["code"]) == (422, "predict.unfit")
    assert "rows.empty" in {finding["code"] for finding in answer["findings"]}


# --- each status ------------------------------------------------------------------------------------------------------


@contextmanager
def half_sent(server: Server) -> Iterator[socket.socket]:
    """Send a request but for the end of its body."""
    body, content_type = multipart(SAMPLE)
    head_ = (
        f"POST /predict?experiment=sample HTTP/1.1\r\nHost: localhost\r\nContent-Type: {content_type}\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", urlsplit(server.url).port), timeout=60) as line:
        line.sendall(head_.encode() + body[:1000])
        yield line
        line.sendall(body[1000:])
        answer = http.client.HTTPResponse(line)
        answer.begin()
        assert answer.status == 200
        assert len(json.loads(answer.read())) == 500


def too_many(server: Server) -> tuple[int, dict[str, str], bytes]:
    """Hold as many requests as may be in progress; return the answer to one more, and let them end well."""
    with ExitStack() as stack:
        for _ in range(MAX_AT_ONCE):
            stack.enter_context(half_sent(server))
        wait_until(lambda: len(work_files(server)) == MAX_AT_ONCE, 30, "their files")
        return post(server)


def bad(server: Server, code: str) -> tuple[int, dict[str, str], bytes]:
    """Send a request that must be refused with this code."""
    plain = {
        "request.invalid": lambda: request(server, "POST", "/predict", body=b"x", Content_Type="multipart/form-data"),
        "origin.refused": lambda: post(server, Origin="http://evil.example"),
        "model.not_found": lambda: post(server, query="model=models:/nothing/1"),
        "experiment.not_found": lambda: post(server, query="experiment=nothing"),
        "request.method": lambda: request(server, "PUT", "/predict", body=SAMPLE),
        "request.not_acceptable": lambda: post(server, Accept="image/png"),
        "file.too_large": lambda: post(server, b"x" * (MAX_FILE + 1)),
        "request.media_type": lambda: request(server, "POST", "/predict", body=b"<a/>", Content_Type="application/xml"),
        "file.unsupported": lambda: post(server, name="a.exe"),
        "request.parameter": lambda: post(server, query="nothing=1"),
        "file.empty": lambda: post(server, b""),
        "predict.ids_repeat": lambda: post(server, head(1) + SAMPLE.splitlines(keepends=True)[1]),
        "request.too_many": lambda: too_many(server),
    }
    return plain[code]()


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("request.invalid", 400),
        ("origin.refused", 403),
        ("model.not_found", 404),
        ("experiment.not_found", 404),
        ("request.method", 405),
        ("request.not_acceptable", 406),
        ("file.too_large", 413),
        ("request.media_type", 415),
        ("file.unsupported", 422),
        ("request.parameter", 422),
        ("file.empty", 422),
        ("predict.ids_repeat", 422),
        ("request.too_many", 429),
    ],
)
def test_each_refusal_is_as_described(server, description, code, expected):
    status, headers, body = bad(server, code)
    assert (status, json.loads(body)["code"]) == (expected, code)
    check_schema(description, "/predict", "post", status, headers, body)
    assert json.loads(body)["ref"] in server.log
    assert work_files(server) == []


def test_every_described_status_is_tried():
    """The others need a token (test_callers.py), a silent sender, a changed file, a bug, no engine (test_routes.py)."""
    from app.http.openapi import REFUSALS

    marks = test_each_refusal_is_as_described.pytestmark
    tried = {status for mark in marks if mark.name == "parametrize" for _, status in mark.args[1]}
    assert set(REFUSALS) - tried == {401, 408, 409, 500, 503}


def test_a_cluster_that_is_away_is_not_needed(tmp_path, trained_home):
    shutil.copytree(trained_home, tmp_path / "home", ignore=shutil.ignore_patterns("server.json", "work", "engine"))
    nowhere = f"http://127.0.0.1:{free_port()}"
    with run_server(tmp_path / "home", BELLWETHER_H2O_URL=nowhere, BELLWETHER_MIN_FREE="1m") as server:
        status, _, body = post(server)
        assert (status, len(json.loads(body))) == (200, 500)
        assert work_files(server) == []


def test_a_large_file_is_refused_before_it_is_sent(server):
    """A client that waits for leave (Expect: 100-continue, as curl does) sends nothing of it."""
    with socket.create_connection(("127.0.0.1", urlsplit(server.url).port), timeout=20) as line:
        line.sendall(
            b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/csv\r\n"
            b"Content-Length: 99999999999\r\nExpect: 100-continue\r\n\r\n"
        )
        answer = http.client.HTTPResponse(line)
        answer.begin()
        assert answer.status == 413
        assert json.loads(answer.read())["code"] == "file.too_large"


def test_a_client_that_sends_on_gets_to_read_the_refusal(server):
    for size in (1, 3, 7):
        status, _, body = request(server, "POST", "/predict", body=b"x" * (size * 1024**2), Content_Type="text/csv")
        assert (status, json.loads(body)["code"]) == (413, "file.too_large")


# --- many at once ----------------------------------------------------------------------------------------------------


def test_many_at_once_each_get_their_own_rows(server):
    """Those over the limit are told to wait, and do; nobody gets somebody else's rows."""
    lines = SAMPLE.decode().splitlines()
    wrong: list[str] = []

    def client(number: int) -> None:
        own = [lines[0], *lines[1 + number : 41 + number]]
        answers = [(429, {}, b"")]

        def is_let_in() -> bool:
            answers.append(post(server, "\n".join(own).encode()))
            return answers[-1][0] != 429

        wait_until(is_let_in, 60, f"client {number}")
        status, _, body = answers[-1]
        if status != 200 or list(json.loads(body)) != [line.split(",")[0] for line in own[1:]]:
            wrong.append(f"{number}: {status} {body[:200]!r}")

    threads = [threading.Thread(target=client, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert work_files(server) == []
