"""The real app in its own process: start, headers, who is let in, the page gate, errors and the orderly end."""

import http.client
import json
import re
import shutil
import socket
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.util import calc_hash
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tests.browser.driver import ROOT, Server, run_server, wait_until

pytestmark = pytest.mark.server

SAFE = {"x-content-type-options": "nosniff", "x-frame-options": "DENY", "referrer-policy": "same-origin"}
END_S, ANSWER_S = 10.0, 30.0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with run_server(tmp_path_factory.mktemp("home"), BELLWETHER_MAX_FILE="1m", BELLWETHER_MIN_FREE="1m") as running:
        yield running


def request(
    server: Server, method: str, path: str, *, body: bytes | None = None, **headers: str
) -> tuple[int, dict[str, str], bytes]:
    """Send one request and return status, headers (lower case) and body."""
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=ANSWER_S)
    connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
    response = connection.getresponse()
    answer = response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()
    connection.close()
    return answer


def multipart(content: bytes, name: str = "a.csv", field: str = "file") -> tuple[bytes, str]:
    """Return a multipart body with one file, and its Content-Type."""
    boundary = uuid.uuid4().hex
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"; filename="{name}"\r\n\r\n'
    return head.encode() + content + f"\r\n--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"


def post_file(server: Server, content: bytes, name: str = "a.csv", **headers: str) -> tuple[int, dict[str, str]]:
    """Send a file to `POST /predict`; return the status and the answer."""
    body, content_type = multipart(content, name)
    status, _, answer = request(server, "POST", "/predict", body=body, Content_Type=content_type, **headers)
    return status, json.loads(answer)


@contextmanager
def open_socket(server: Server, host: str | None = None, **headers: str) -> Iterator[ClientConnection]:
    port = urlsplit(server.url).port
    address = f"ws://{host or f'localhost:{port}'}/_stcore/stream"
    line = socket.create_connection(("127.0.0.1", port), timeout=ANSWER_S)
    with connect(
        address, sock=line, subprotocols=["streamlit"], additional_headers=headers, max_size=None
    ) as connection:
        yield connection


def run_page(server: Server, *, page_name: str = "", script_hash: str = "") -> list[ForwardMsg]:
    """Ask for one run of a page over the raw websocket and return everything that came back."""
    message = BackMsg()
    message.rerun_script.page_name = page_name
    message.rerun_script.page_script_hash = script_hash
    with open_socket(server) as connection:
        connection.send(message.SerializeToString())
        answers = []
        while True:
            answer = ForwardMsg()
            answer.ParseFromString(connection.recv(timeout=ANSWER_S))
            answers.append(answer)
            if answer.WhichOneof("type") == "script_finished":
                return answers


def test_what_figures_and_tables_need_is_named_early_and_is_there(server):
    _, headers, _ = request(server, "GET", "/explore")
    named = re.findall(r"<\./(static/js/[^>]+)>; rel=modulepreload", headers["link"])
    assert {name.rpartition("/")[2].partition(".")[0] for name in named} == {"PlotlyChart", "DataFrame"}
    assert [request(server, "GET", f"/{name}")[0] for name in named] == [200, 200]
    assert "link" not in request(server, "GET", "/healthz")[1]


def copy_app(folder: Path) -> Path:
    """Copy the app so that a test may change it, beside the real `core` and configuration; return its main.py."""
    folder.mkdir()
    shutil.copytree(ROOT / "app", folder / "app", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("core", ".streamlit"):
        (folder / name).symlink_to(ROOT / name, target_is_directory=True)
    return folder / "app" / "main.py"


# --- start and headers ------------------------------------------------------------------------------------------------


def test_it_is_healthy_and_starts_no_engine(server):
    status, headers, body = request(server, "GET", "/healthz")
    assert status == 200
    assert set(json.loads(body)) == {"status", "engine", "store", "version"}
    assert json.loads(body)["status"] == "ok"
    assert headers["content-type"] == "application/json"
    wait_until(lambda: b'"ready"' in request(server, "GET", "/healthz")[2], 30, "the services")
    assert json.loads(request(server, "GET", "/healthz")[2])["engine"] == "stopped"


def static_file(server: Server) -> str:
    page = request(server, "GET", "/")[2].decode()
    return "/" + page.split('src="./')[1].split('"')[0]


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/", 200),
        ("HEAD", "/", 200),
        ("GET", "/data", 200),
        ("GET", "/predict", 200),
        ("GET", "/healthz", 200),
        ("POST", "/healthz", 405),
        ("GET", "/_stcore/health", 200),
        ("GET", "/media/nothing.png", 404),
        ("POST", "/predict", 415),
        ("OPTIONS", "/predict", 204),
        ("GET", "/docs", 200),
        ("GET", "/docs/try.js", 200),
        ("GET", "/openapi.json", 200),
        ("DELETE", "/predict", 405),
        ("GET", "/..%2f..%2fetc/passwd", 400),
    ],
)
def test_every_response_has_the_safe_headers(server, method, path, expected):
    status, headers, _ = request(server, method, path)
    assert status == expected
    assert SAFE.items() <= headers.items()
    assert "frame-ancestors 'none'" in headers["content-security-policy"]


def test_static_files_have_the_safe_headers(server):
    status, headers, _ = request(server, "GET", static_file(server))
    assert status == 200
    assert SAFE.items() <= headers.items()


# --- who is let in ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost@evil.example", "", "[::1"])
@pytest.mark.parametrize("path", ["/", "/healthz", "/_stcore/health", "/_stcore/upload_file/a/b"])
def test_a_foreign_host_is_refused_everywhere(server, host, path):
    status, headers, body = request(server, "GET", path, Host=host)
    assert status == 403
    assert SAFE.items() <= headers.items()
    assert json.loads(body)["code"] == "host.refused"


@pytest.mark.parametrize("host", ["localhost:1234", "127.0.0.1", "[::1]:8501", "LOCALHOST."])
def test_our_own_hosts_are_let_in(server, host):
    assert request(server, "GET", "/healthz", Host=host)[0] == 200


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://localhost.evil.example", "file://", "x"])
def test_a_foreign_origin_is_refused(server, origin):
    status, answer = post_file(server, b"a,b\n1,2\n", Origin=origin)
    assert status == 403
    assert answer["code"] == "origin.refused"


@pytest.mark.parametrize(
    "headers", [{"Origin": "http://evil.example"}, {"host": "evil.example"}, {"Origin": "null"}], ids=str
)
def test_the_websocket_refuses_foreigners(server, headers):
    with pytest.raises(InvalidStatus) as refused, open_socket(server, **headers):
        pass
    assert refused.value.response.status_code == 403
    assert refused.value.response.headers["X-Frame-Options"] == "DENY"


def test_the_websocket_lets_the_own_page_in(server):
    with open_socket(server, Origin=server.url) as connection:
        assert connection.response.headers["X-Content-Type-Options"] == "nosniff"


def test_more_hosts_can_be_allowed(tmp_path):
    with run_server(tmp_path / "home", BELLWETHER_ALLOWED_HOSTS="models.example, other.example:443") as server:
        assert request(server, "GET", "/healthz", Host="models.example")[0] == 200
        assert request(server, "GET", "/healthz", Host="other.example")[0] == 200
        assert request(server, "GET", "/healthz", Host="evil.example")[0] == 403
        with open_socket(server, host="models.example", Origin="https://models.example"):
            pass


# --- POST /predict ----------------------------------------------------------------------------------------------------


def work_files(server: Server) -> list[str]:
    return [path.name for path in (server.log_path.parent / "data" / "work").iterdir()]


@pytest.mark.parametrize(
    ("content", "name", "status", "code"),
    [
        (b"x" * (1024**2 + 1), "a.csv", 413, "file.too_large"),
        (b"x" * (3 * 1024**2), "a.csv", 413, "file.too_large"),
        (b"a,b\n1,2\n", "a.exe", 422, "file.unsupported"),
        (b"a,b\n1,2\n", "a.csv", 422, "experiment.none"),
    ],
    ids=["just over", "far over", "ending", "no model"],
)
def test_predict_refuses_in_one_shape_and_leaves_nothing(server, content, name, status, code):
    got, answer = post_file(server, content, name)
    assert (got, answer["code"]) == (status, code)
    assert set(answer) == {"code", "message", "hint", "ref"}
    assert work_files(server) == []


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", "multipart/form-data"),
        (b"no boundary", "multipart/form-data; boundary=abc"),
        (multipart(b"a", field="data")[0], None),
        (multipart(b"a,b\n1,2\n")[0][:-12], None),
    ],
    ids=["no boundary named", "broken", "another field", "cut off"],
)
def test_predict_refuses_a_broken_request(server, body, content_type):
    kind = content_type or f"multipart/form-data; boundary={body[2:34].decode()}"
    status, _, answer = request(server, "POST", "/predict", body=body, Content_Type=kind)
    assert (status, json.loads(answer)["code"]) == (400, "request.invalid")
    assert work_files(server) == []


# --- the page gate and bugs -------------------------------------------------------------------------------------------


def test_t15_no_page_runs_before_the_gate(tmp_path):
    main = copy_app(tmp_path / "copy")
    marks = tmp_path / "marks"
    marks.touch()
    pages = main.parent / "pages"
    for page in [*pages.glob("*.py"), pages / "predict.py", pages / "secret.py"]:
        page.write_text(f"from pathlib import Path\nPath({str(marks)!r}).open('a').write({page.name!r})\n")
    shell = main.parent / "ui" / "shell.py"
    shell.write_text("import streamlit as st\nst.stop()\n" + shell.read_text())
    with run_server(tmp_path / "home", main=main) as server:
        for name in ("predict", "secret", "shell"):
            run_page(server, page_name=name)
        for path in (pages / "predict.py", pages / "secret.py", shell):
            run_page(server, script_hash=calc_hash(str(path)))
            run_page(server, script_hash=calc_hash(str(path.resolve())))
    assert marks.read_text() == ""


def test_f20_a_bug_in_a_page_shows_a_reference_and_nothing_else(tmp_path):
    main = copy_app(tmp_path / "copy")
    (main.parent / "pages" / "settings.py").write_text("raise RuntimeError('canary-4711')\n")
    with run_server(tmp_path / "home", main=main) as server:
        seen = b"".join(answer.SerializeToString() for answer in run_page(server, page_name="settings"))
        assert b"Something went wrong (ref " in seen
        assert b"canary" not in seen
        reference = seen.split(b"Something went wrong (ref ")[1][:12].decode()
        wait_until(lambda: reference in server.log and "canary-4711" in server.log, 5, "the log")
        home = b"".join(answer.SerializeToString() for answer in run_page(server))
        assert b"Something went wrong" not in home
        assert b"From a raw file" in home


# --- the end ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("with_session", [False, True], ids=["alone", "with an open page"])
def test_f04_sigterm_ends_it_in_order(tmp_path, with_session):
    with run_server(tmp_path / "home") as server:
        wait_until(lambda: b'"ready"' in request(server, "GET", "/healthz")[2], 30, "the services")
        if with_session:
            with open_socket(server):
                run_page(server)
                children = psutil.Process(server.process.pid).children(recursive=True)
                assert server.stop(END_S) == 0
        else:
            children = psutil.Process(server.process.pid).children(recursive=True)
            assert server.stop(END_S) == 0
        assert psutil.wait_procs(children, timeout=END_S)[1] == []


def test_f04_sigterm_while_starting_ends_it_in_order(tmp_path):
    with run_server(tmp_path / "home") as server:
        assert server.stop(END_S) == 0
        assert "Traceback" not in server.log


def test_it_does_not_start_without_its_configuration(tmp_path):
    main = copy_app(tmp_path / "copy")
    (main.parents[1] / ".streamlit").unlink()
    with pytest.raises(RuntimeError, match="ended with code 1"), run_server(tmp_path / "home", main=main):
        pass
    assert ".streamlit/config.toml was not read" in (tmp_path / "home" / "server.log").read_text()


def test_an_answer_on_a_connection_that_stays_open_does_not_wait_for_the_client(server):
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=30)
    times = []
    for _ in range(30):
        begun = time.monotonic()
        connection.request("GET", "/docs")
        connection.getresponse().read()
        times.append(time.monotonic() - begun)
    connection.close()
    assert min(times) < 0.03, "Nagle's algorithm holds answers back for 40 ms"
