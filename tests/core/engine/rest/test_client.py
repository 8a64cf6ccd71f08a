"""The REST client against a small server of our own: errors, retries, the end of the other side. No JVM."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

import core.engine.rest.client as client_module
from core.engine.rest import frames
from core.engine.rest.client import NOT_FOUND, Client, plain_reason, quoted, table, unique
from core.errors import EngineDiedError, EngineError, EngineOutOfMemoryError, EngineUnavailableError


class Life:
    def __init__(self) -> None:
        self.dead = threading.Event()

    def death(self) -> EngineDiedError:
        return EngineOutOfMemoryError("gone", exit_code=3)


class Answers(BaseHTTPRequestHandler):
    """Answers what `script` says for a path: (status, body), with a third part less of the body, or None to hang up."""

    script: ClassVar[dict[str, Any]] = {}
    seen: ClassVar[list[tuple[str, str, bytes, str]]] = []
    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.seen.append((self.command, self.path, body, self.headers.get("Authorization", "")))
        found = self.script.get(self.path.partition("?")[0])
        if isinstance(found, list):
            found = found.pop(0) if len(found) > 1 else found[0]
        if found is None:
            self.close_connection = True
            return
        status, content, *missing = found
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data[: len(data) - sum(missing)])
        self.close_connection = bool(missing)

    do_GET = do_POST = do_DELETE = _answer  # noqa: N815

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def script() -> dict[str, Any]:
    Answers.script = {}
    Answers.seen.clear()
    return Answers.script


@pytest.fixture
def life() -> Life:
    return Life()


@pytest.fixture
def client(script: dict[str, Any], life: Life, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    monkeypatch.setattr(client_module, "_DEATH_NEWS_S", 0.2)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    client = Client(f"http://127.0.0.1:{server.server_address[1]}/", "user", "password", life)
    yield client
    client.close()
    server.shutdown()
    server.server_close()
    thread.join()


def error(status: int, message: str) -> tuple[int, dict[str, Any]]:
    return status, {"http_status": status, "msg": f"\n\nERROR MESSAGE:\n\n{message}\n\n", "exception_msg": None}


def job(status: str, **more: Any) -> tuple[int, dict[str, Any]]:
    return 200, {"jobs": [{"status": status, **more}]}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("\n\nERROR MESSAGE:\n\nFile /etc/passwd access denied\n\n", "File /etc/passwd access denied"),
        (
            "Illegal argument(s) for GBM model: G1.  Details: ERRR on field: _response: Constant.\nERRR on field: x",
            "Constant.",
        ),
        ("water.exceptions.H2OIllegalArgumentException: Bad value", "Bad value"),
        (
            "DistributedException from localhost/127.0.0.1:54321: 'no such level', caused by java.lang.Error",
            "no such level",
        ),
        ("java.lang.NullPointerException: \n\tat hex.Model.score(Model.java:1)", ""),
        ("", ""),
        ("x" * 1000, "x" * 300),
    ],
)
def test_plain_reason(text: str, reason: str) -> None:
    assert plain_reason(text) == reason


def test_fields_are_written_as_h2o_reads_them(client: Client, script: dict[str, Any]) -> None:
    script["/a"] = (200, {"ok": 1})
    assert client.post("/a", names=["a, b", "数"], flag=False, count=-1, nothing=None) == {"ok": 1}
    ((_, _, body, auth),) = Answers.seen
    assert body == b"names=%5B%22a%2C+b%22%2C+%22%E6%95%B0%22%5D&flag=false&count=-1"
    assert auth.startswith("Basic ")


def test_refusals_become_our_errors(client: Client, script: dict[str, Any]) -> None:
    script |= {
        "/missing": error(404, "Object 'x' not found for argument: key"),
        "/job": error(400, "Job is missing"),
        "/bad": error(412, "Response column 'y' is not in the training frame."),
        "/closed": (401, b"<html>"),
        "/odd": (500, b"<html>"),
        "/text": (200, b"no json"),
    }
    for path in ("/missing", "/job"):
        with pytest.raises(EngineError) as caught:
            client.get(path)
        assert caught.value.code == NOT_FOUND
    client.delete("/missing")
    with pytest.raises(EngineError, match=r"^Response column 'y' is not in the training frame\.$"):
        client.get("/bad")
    with pytest.raises(EngineError):
        client.delete("/bad")
    with pytest.raises(EngineUnavailableError, match="password"):
        client.get("/closed")
    with pytest.raises(EngineError, match="HTTP status 500"):
        client.get("/odd")
    with pytest.raises(EngineError, match="not JSON"):
        client.get("/text")


def test_get_is_tried_twice_and_post_once(client: Client, script: dict[str, Any]) -> None:
    script |= {"/once": [None, (200, {"ok": 1})], "/never": None}
    assert client.get("/once") == {"ok": 1}
    Answers.seen.clear()
    with pytest.raises(EngineUnavailableError, match="was lost"):
        client.post("/never")
    assert len(Answers.seen) == 1


def test_death_is_told_when_the_connection_breaks(client: Client, script: dict[str, Any], life: Life) -> None:
    script["/never"] = None
    threading.Timer(0.05, life.dead.set).start()
    with pytest.raises(EngineOutOfMemoryError):
        client.get("/never")
    Answers.seen.clear()
    with pytest.raises(EngineOutOfMemoryError):
        client.post("/never")
    assert Answers.seen == []  # a dead engine is not asked


def test_nobody_there(life: Life) -> None:
    client = Client("http://127.0.0.1:9", "", "", life)
    with pytest.raises(EngineUnavailableError):
        client.cloud(1.0)
    client.close()


def test_wait_follows_a_job_to_its_end(client: Client, script: dict[str, Any]) -> None:
    answer = {"job": {"key": {"name": "k"}}}
    script["/3/Jobs/k"] = [job("CREATED"), job("RUNNING"), job("DONE")]
    client.wait(answer)
    script["/3/Jobs/k"] = job("FAILED", exception="java.lang.RuntimeException: too few rows\n\tat x")
    with pytest.raises(EngineError, match=r"^too few rows$"):
        client.wait(answer)
    script["/3/Jobs/k"] = job("FAILED")
    with pytest.raises(EngineError, match="without giving a reason"):
        client.wait({"key": {"name": "k"}})
    script["/3/Jobs/k"] = job("CANCELLED")
    with pytest.raises(EngineError, match="cancelled"):
        client.wait(answer)


def test_wait_ends_with_the_engine(client: Client, script: dict[str, Any], life: Life) -> None:
    script["/3/Jobs/k"] = job("RUNNING")
    threading.Timer(0.1, life.dead.set).start()
    with pytest.raises(EngineOutOfMemoryError):
        client.wait({"job": {"key": {"name": "k"}}})


def test_files_go_out_and_come_in(client: Client, script: dict[str, Any], tmp_path: Path) -> None:
    script |= {"/up": (200, {}), "/down": (200, b"\x00\x01" * 1000)}
    (tmp_path / "a").write_bytes(b"a,b\n" * 1000)
    client.send_file("/up", tmp_path / "a", destination_frame="k")
    assert Answers.seen[-1][1:3] == ("/up?destination_frame=k", b"a,b\n" * 1000)
    client.save("/down", tmp_path / "b")
    assert (tmp_path / "b").read_bytes() == b"\x00\x01" * 1000
    with client.open("/down") as stream:
        assert stream.read() == b"\x00\x01" * 1000


@pytest.mark.parametrize("is_dead", [False, True])
@pytest.mark.parametrize("missing", [1, 50_000])
def test_an_answer_that_breaks_off_is_no_table(
    client: Client, script: dict[str, Any], life: Life, is_dead: bool, missing: int
) -> None:
    """F01: the engine is killed while it sends its predictions."""
    n_rows = 200_000
    about = {"rows": n_rows, "columns": [{"label": "p", "type": "real"}]}
    script |= {
        "/3/Frames/k/light": (200, {"frames": [about]}),
        "/3/DownloadDataset": (200, b'"p"\n' + b"0.5\n" * n_rows, missing),
    }
    if is_dead:
        threading.Timer(0.05, life.dead.set).start()
    with pytest.raises(EngineDiedError if is_dead else EngineUnavailableError):
        frames.download(client, "k")
    script["/3/DownloadDataset"] = (200, b'"p"\n' + b"0.5\n" * n_rows)
    life.dead.clear()
    assert frames.download(client, "k")["p"].to_numpy().sum() == n_rows / 2


def test_rapids_share_one_session(client: Client, script: dict[str, Any]) -> None:
    script |= {"/4/sessions": (200, {"session_key": "s1"}), "/99/Rapids": (200, {})}
    client.rapids("(rm a)")
    client.rapids("(rm b)")
    assert [path for _, path, _, _ in Answers.seen] == ["/4/sessions", "/99/Rapids", "/99/Rapids"]


def test_small_things() -> None:
    assert quoted("a@@b/ü") == "a%40%40b%2F%C3%BC"
    assert unique("frame") != unique("frame")
    assert table(None) == {}
    assert table({"columns": [{"name": ""}, {"name": "x"}], "data": [["0"], [1.5]]}) == {"": ["0"], "x": [1.5]}
