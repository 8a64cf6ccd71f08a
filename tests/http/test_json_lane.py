"""`POST /predict` with JSON records, over the real scorer: the answers that a file of them gets, and the history."""

import csv
import io
import json
import sqlite3
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.testclient import TestClient

from app.http import answer as http_answer
from app.http import routes, security
from app.ui.services import set_services
from core.errors import StoreBusyError
from core.ledger.scorings import ScoringTable
from core.metrics.policy import Policy
from core.models.decisions import save_policy
from core.scoring.kept import minutes
from tests.fixtures_engine import wait_for
from tests.fixtures_runs import make_home, write_customers

ODD = [
    {"customer_id": "7", "age": 41, "city": "Bonn", "premium": 512.5},
    {"customer_id": "8", "age": "x", "city": "Rome", "premium": None},
    {"customer_id": "9", "age": 1e300, "city": "OSLO", "premium": "NA"},
    {"customer_id": "10", "age": 41.0, "city": True, "premium": "1,5"},
]
ONE = ODD[0]
JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def home(tmp_path_factory, migrated_database):
    return make_home(tmp_path_factory.mktemp("json"), migrated_database, n_runs=1, explain=False)


@pytest.fixture
def client(home):
    app = Starlette(
        routes=routes.ROUTES,
        middleware=security.middleware(home.services.settings),
        exception_handlers={Exception: routes.unexpected},
    )
    set_services(home.services)
    yield TestClient(app, base_url="http://localhost", raise_server_exceptions=False, client=("127.0.0.1", 50000))
    home.services.scorer.write_minutes(unfinished=True)
    set_services(None)


@pytest.fixture
def history(home):
    """The records of this test's scorings, once those of the tests before are written."""
    home.services.scorer.write_minutes(unfinished=True)
    before = len(home.services.scoring_log.list(limit=10_000))

    def read():
        found = home.services.scoring_log.list(limit=10_000)
        return found[: len(found) - before]

    return read


def post(client, body: object, query: str = "", **headers: str):
    return client.post(f"/predict?{query}", content=json.dumps(body), headers={**JSON, **headers})


def post_file(client, rows: list[dict], query: str = "", **headers: str):
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), restval="")
    writer.writeheader()
    writer.writerows({name: "true" if cell is True else cell for name, cell in row.items()} for row in rows)
    return client.post(f"/predict?{query}", files={"file": ("a.csv", text.getvalue())}, headers=headers)


def customers(tmp_path, n_rows: int, *, seed: int = 3, with_target: bool = False) -> list[dict]:
    path = write_customers(tmp_path / "new.csv", n_rows, seed=seed, with_target=with_target)
    with path.open() as file:
        return list(csv.DictReader(file))


def refused(answer, status: int, code: str) -> dict:
    body = answer.json()
    assert (answer.status_code, body["code"]) == (status, code)
    assert {"code", "message", "hint", "ref"} <= set(body)
    return body


# --- the answer -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "query", ["", "shape=records", "shape=report", "details=1", "reasons=2", "threshold=0.9", "model=best"]
)
def test_the_answer_is_that_of_the_same_rows_as_a_file(client, query):
    ours, theirs = post(client, ODD, query), post_file(client, ODD, query)
    assert (ours.status_code, theirs.status_code) == (200, 200)
    assert ours.json() == theirs.json()
    for name in (http_answer.MODEL, http_answer.ROWS, http_answer.CHECK, http_answer.FINDINGS):
        assert ours.headers[name] == theirs.headers[name]


def test_a_file_can_be_had_for_records(client, home):
    answer = post(client, ODD, "columns=id", Accept="text/csv")
    assert answer.text == post_file(client, ODD, "columns=id", Accept="text/csv").text
    assert answer.headers["content-disposition"].endswith("records_predictions.csv")
    assert list(home.services.settings.work_dir.iterdir()) == []


def test_one_record_is_answered_as_a_list_of_one(client):
    alone = {name: value for name, value in ONE.items() if name != "customer_id"}
    assert post(client, alone).json() == post(client, [alone]).json()
    assert len(post(client, alone).json()) == 1


def test_several_models_answer_side_by_side(client, home):
    names = [f"models:/{model.id}" for model in home.services.store.models(run_id=home.runs[0].run_id)][:2]
    answer = post(client, ODD, "&".join(f"model={name}" for name in names))
    assert list(answer.json()) == names


def test_a_missing_column_is_refused_with_what_is_near(client):
    body = refused(post(client, [{"Age": 41, "city": "Bonn", "premium": 1}]), 422, "schema.missing_columns")
    assert body == refused(post_file(client, [{"Age": 41, "city": "Bonn", "premium": 1}]), 422, body["code"]) | {
        "ref": body["ref"]
    }
    assert "It may be your column “Age”" in body["message"]


def test_columns_that_are_remembered_are_matched_from_the_next_request_on(client, home):
    record = {"AGE IN YEARS": 41, "city": "Bonn", "premium": 512.5}
    refused(post(client, record), 422, "schema.missing_columns")
    home.services.ledger.remember_columns("customers", {"AGE IN YEARS": "age"})
    try:
        answer = post(client, record, "shape=report").json()
    finally:
        home.services.ledger.forget_columns("customers")
    assert "“AGE IN YEARS” is used as “age”." in answer["warnings"]
    refused(post(client, record), 422, "schema.missing_columns")


def test_a_promotion_and_a_policy_are_seen_by_the_next_request(client, home):
    store = home.services.store
    first, second = [model for model in store.models(run_id=home.runs[0].run_id) if model.has_files][:2]
    assert post(client, ONE).headers[http_answer.MODEL] == first.uri
    store.set_champion("customers", store.register(second.id))
    try:
        assert post(client, ONE).headers[http_answer.MODEL] == second.uri
        save_policy(home.services.ledger, second, Policy(threshold=0.0, rule="f1"), why="to see it", person="Ann")
        assert post(client, ONE).json() == {"7": "yes"}
        save_policy(home.services.ledger, second, Policy(threshold=1.0, rule="f1"), why="to see it", person="Ann")
        assert post(client, ONE).json() == {"7": "no"}
    finally:
        store.set_champion("customers", store.register(first.id))
    assert post(client, ONE).headers[http_answer.MODEL] == first.uri


# --- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"", 400, "request.json"),
        (b'[{"age": NaN}]', 400, "request.json"),
        (b"[" * 100_000, 400, "request.json"),
        (rb'[{"\ud800": 1}]', 400, "request.json"),
        (b'[{"age": [1]}]', 422, "request.records"),
        (b"[]", 422, "file.no_rows"),
        (b"[" + b'{"age":1},' * 100_000 + b"{}]", 413, "request.too_large"),
        (b" " * (9 * 1024**2), 413, "request.too_large"),
    ],
)
def test_t25_hostile_bodies_get_a_code_and_the_status_of_their_kind(client, content, status, code):
    refused(client.post("/predict", content=content, headers=JSON), status, code)


def test_t25_a_body_without_a_length_is_cut_off_at_the_limit(client):
    sent = []

    def chunks():
        for _ in range(100):
            sent.append(1)
            yield b" " * 1024**2

    refused(client.post("/predict", content=chunks(), headers=JSON), 413, "request.too_large")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Type": "application/json; charset=utf-8"}, 200),
        ({"Content-Type": "Application/JSON"}, 200),
        ({"Content-Type": "application/json; charset=latin-1"}, 415),
        ({"Content-Type": "application/jsonl"}, 415),
        ({"Content-Type": "application/json", "Content-Encoding": "gzip"}, 415),
    ],
)
def test_t25_the_type_of_the_body_is_taken_at_its_word(client, headers, status):
    assert client.post("/predict", content=json.dumps(ONE), headers=headers).status_code == status


def test_a_sheet_is_not_for_records(client):
    refused(post(client, ONE, "sheet=May"), 422, "request.parameter")


def test_t25_past_the_bound_it_is_told_to_wait(client, home, monkeypatch):
    monkeypatch.setattr(routes._gate, "inside", home.services.settings.max_http_scorings)
    assert refused(post(client, ONE), 429, "request.too_many")["hint"]


CELLS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.lists(st.integers())
NAMES = st.sampled_from(["age", "city", "premium", "customer_id", "buys", "Age", "x", ""])


@hypothesis_settings(max_examples=120, deadline=None)
@given(
    body=st.lists(st.dictionaries(NAMES, CELLS) | CELLS, max_size=4)
    | st.fixed_dictionaries({"inputs": st.lists(st.fixed_dictionaries(dict.fromkeys(ODD[0], CELLS)), max_size=3)})
)
def test_t25_fuzzed_records_are_answered_or_refused(home, body):
    set_services(home.services)
    app = Starlette(routes=routes.ROUTES, exception_handlers={Exception: routes.unexpected})
    client = TestClient(app, base_url="http://localhost", raise_server_exceptions=False, client=("127.0.0.1", 50000))
    answer = post(client, body)
    assert answer.status_code < 500, answer.text
    if answer.status_code != 200:
        assert {"code", "message", "hint", "ref"} <= set(answer.json())
        assert "Traceback" not in answer.text


def test_a_file_that_was_refused_with_findings_leaves_the_history_readable(client, history):
    body = refused(post_file(client, [{"age": 1}]), 422, "schema.missing_columns")
    (record,) = history()
    assert record.error == {name: body[name] for name in ("code", "message", "hint")}


# --- the history ------------------------------------------------------------------------------------------------------


def test_requests_of_a_minute_are_one_record_with_the_drift_of_all_their_rows(client, home, history, tmp_path):
    rows = customers(tmp_path, 80)
    for row in rows:
        assert post(client, row).status_code == 200
    assert history() == ()
    home.services.scorer.write_minutes()
    assert history() == ()  # the minute is not over
    home.services.scorer.write_minutes(unfinished=True)
    (record,) = history()
    assert (record.file_name, record.n_rows, record.status) == ("JSON, 80 requests", 80, "finished")
    assert (record.origin, record.person, record.kept) == ("http", "HTTP", "scores")
    assert record.submitted_at <= record.ended_at
    assert post_file(client, rows).status_code == 200
    as_file = history()[0].summary
    assert record.summary.n_requests == 80
    assert record.summary.seconds > 0
    same = {"seconds": 0.0, "n_requests": 1, "score": None}
    assert replace(record.summary, **same) == replace(as_file, **same)
    assert len(as_file.drift) == 3
    assert record.summary.score.quantiles == pytest.approx(as_file.score.quantiles)
    assert record.summary.score.drift.psi == pytest.approx(as_file.score.drift.psi)
    entry = home.services.ledger.entries(action="score", limit=2)[1]
    assert (entry.detail["file"], entry.detail["rows"]) == ("JSON, 80 requests", 80)


def test_a_request_opens_no_database_once_all_is_known(client, home, history, monkeypatch):
    opened, connect = [], sqlite3.connect

    def note(*args, **how):
        opened.append(args)
        return connect(*args, **how)

    def fail(*_args, **_how):
        raise AssertionError("a request wrote a record")

    def opens_nothing() -> bool:
        opened.clear()
        assert post(client, ONE).status_code == 200
        return not opened

    monkeypatch.setattr(ScoringTable, "add", fail)
    monkeypatch.setattr(sqlite3, "connect", note)
    # What is read within a tick of the clock after a commit is not kept, so more than one request may read.
    wait_for(opens_nothing, bool, 10)
    assert opens_nothing()


def test_each_model_and_way_has_its_own_record(client, home, history):
    for query in ("", "", "details=1", "threshold=0.3"):
        assert post(client, [ONE, ODD[1]], query).status_code == 200
    home.services.scorer.write_minutes(unfinished=True)
    found = {(one.request.details, one.request.threshold): one for one in history()}
    assert {key: one.summary.n_requests for key, one in found.items()} == {
        (False, None): 2, (True, None): 1, (False, 0.3): 1,
    }  # fmt: skip
    assert found[True, None].summary.n_outside == 1
    assert {one.summary.verdict for one in found.values()} == {"amber"}


def test_outcomes_that_come_later_are_matched_with_rows_of_requests(client, home, history, tmp_path):
    rows = customers(tmp_path, 40, seed=11, with_target=True)
    for row in rows:
        post(client, {name: value for name, value in row.items() if name != "buys"})
    post(client, [{name: value for name, value in row.items() if name != "customer_id"} for row in rows])
    home.services.scorer.write_minutes(unfinished=True)
    (record,) = history()
    assert (record.n_rows, record.summary.n_requests) == (80, 41)
    assert home.services.monitor.realised("customers")[record.id].found.n_rows == 40  # those that held the target


def test_a_minute_is_written_by_the_worker_when_it_is_over_and_at_the_end(client, home, history, monkeypatch):
    post(client, ONE)
    home.services.minutes.step()
    assert history() == ()
    monkeypatch.setattr(minutes, "MINUTE_S", 0.0)
    home.services.minutes.step()
    assert len(history()) == 1
    monkeypatch.undo()
    post(client, ONE)
    home.services.minutes.close()
    assert len(history()) == 2


def test_a_full_minute_is_written_at_once(client, home, history, monkeypatch):
    monkeypatch.setattr(minutes, "MOST_ROWS", 3)
    for _ in range(4):
        post(client, [ONE, ONE])
    assert [(record.n_rows, record.summary.n_requests) for record in history()] == [(4, 2), (4, 2)]


def test_what_cannot_be_written_waits(client, home, history, monkeypatch):
    post(client, ONE)
    with monkeypatch.context() as patched:
        patched.setattr(ScoringTable, "add", lambda *_args, **_how: (_ for _ in ()).throw(StoreBusyError("Busy.")))
        with pytest.raises(StoreBusyError):
            home.services.scorer.write_minutes(unfinished=True)
    assert post(client, ONE).status_code == 200
    home.services.scorer.write_minutes(unfinished=True)
    assert [record.summary.n_requests for record in history()] == [1, 1]


def test_a_store_that_is_busy_at_the_end_does_not_keep_the_app_from_ending(client, home, monkeypatch, caplog):
    post(client, ONE)
    monkeypatch.setattr(ScoringTable, "add", lambda *_args, **_how: (_ for _ in ()).throw(StoreBusyError("Busy.")))
    home.services.minutes.close()
    assert "store.busy" in caplog.text


def test_a_record_that_cannot_be_finished_says_so_and_is_not_tried_again(client, home, history, monkeypatch):
    post(client, ONE)
    with monkeypatch.context() as patched:
        patched.setattr(minutes.Minute, "together", lambda _self: (_ for _ in ()).throw(RuntimeError("a bug")))
        with pytest.raises(RuntimeError, match="a bug"):
            home.services.scorer.write_minutes(unfinished=True)
    home.services.scorer.write_minutes(unfinished=True)
    assert [record.status for record in history()] == ["failed"]


def test_requests_that_were_refused_leave_no_record(client, home, history):
    post(client, [])
    post(client, [{"age": 1}])
    home.services.scorer.write_minutes(unfinished=True)
    assert history() == ()
