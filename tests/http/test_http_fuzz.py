"""F13 for HTTP: odd requests by a fixed seed; each is answered or refused in the one shape, and nothing is left.

120 requests in `make test`, 2,000 with BELLWETHER_SOAK=1 (`make soak`).
"""

import http.client
import json
import os
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

from tests.browser.driver import ROOT, Server, run_server, wait_until
from tests.http.test_http import PARQUET, SAMPLE, XLSX, head, post, work_files
from tests.server.test_launcher import multipart

pytestmark = [pytest.mark.server, pytest.mark.engine, pytest.mark.soak]

REQUESTS = 2_000 if os.environ.get("BELLWETHER_SOAK") else 120
SEED = 7
DRIFT_BYTES = 50 * 1024**2
WARM_UP = 60  # requests until every reader and the scoring have loaded what they need (about 100 MB, once)


@pytest.fixture(scope="module")
def server(trained_home: Path) -> Iterator[Server]:
    backups = trained_home / "mlruns" / "backups"
    shutil.rmtree(backups, ignore_errors=True)
    with run_server(trained_home, BELLWETHER_H2O_MEMORY="1g", BELLWETHER_MIN_FREE="1m") as running:
        # What a server loads behind its first page must not count as drift; the last it does then is a backup.
        wait_until(lambda: any(backups.glob("bellwether-*")), 60, "the first maintenance of the databases")
        yield running


PIECES = (
    b"--", b"\r\n", b"\r\n\r\n", b"Content-Disposition: form-data; ", b'name="file"', b'; filename="a.csv"',
    b'; filename="../../x.csv"', b'; filename="=cmd.csv"', b"Content-Type: text/csv", b"\x00", b"\xff\xfe", b'"',
    b"a,b\n1,2\n", SAMPLE[:700], SAMPLE[:5000],
)  # fmt: skip
TYPES = (
    "multipart/form-data; boundary=b", "multipart/form-data", "multipart/mixed; boundary=b", "text/csv", PARQUET, XLSX,
    "application/zip", "application/gzip", "application/octet-stream", "text/csv; charset=\x80", "x", ";;;", "*/*",
)  # fmt: skip
QUERIES = (
    "", "model=best", "model=models:/sample/1", "model=models:/../1", "model=%00", "model=" + "x" * 3000,
    "experiment=..%2f..", "shape=records", "shape=%ff", "reasons=1e9", "threshold=nan", "threshold=inf", "sheet=%0a",
    "columns=id", "details=1", "=&&=",
)  # fmt: skip
ACCEPTS = ("", "*/*", "text/csv", "a/b;q=2", ",,,", "text/csv;q=x", "application/json;q=0", "\x80/\x81")
DISPOSITIONS = ("", "attachment", 'attachment; filename="a.csv"', "attachment; filename=../a.zip", 'x; filename="', ";")


def fuzzed(rng: random.Random) -> tuple[str, str, bytes, dict[str, str]]:
    """Return method, path, body and headers of one odd request; about a third are a good form with some odd bytes."""
    if rng.random() < 0.35:
        form, content_type = multipart(head(20))
        body = bytearray(form)
        for _ in range(rng.choice((0, 1, 8, 64))):
            body[rng.randrange(len(body))] = rng.randrange(256)
        return "POST", f"/predict?{rng.choice(QUERIES[:3])}", bytes(body), {"Content-Type": content_type}
    body = b"".join(rng.choice(PIECES) for _ in range(rng.randrange(8)))
    headers = {"Content-Type": rng.choice(TYPES), "Accept": rng.choice(ACCEPTS)}
    if disposition := rng.choice(DISPOSITIONS):
        headers["Content-Disposition"] = disposition
    method = rng.choices(("POST", "PUT", "PATCH", "OPTIONS"), (20, 1, 1, 1))[0]
    return method, f"/predict?{rng.choice(QUERIES)}", bytes(body), headers


def test_f13_odd_requests_are_answered_or_refused(server):
    rng = random.Random(SEED)
    process = psutil.Process(server.process.pid)
    post(server)
    seen: set[int] = set()
    for number in range(REQUESTS):
        if number == WARM_UP:
            before = process.memory_info().rss
        method, path, body, headers = fuzzed(rng)
        connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=60)
        connection.putrequest(method, path)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            connection.putheader(name, value.encode("latin-1"))
        connection.endheaders(body)
        answer = connection.getresponse()
        content = answer.read()
        told = f"request {number}: {method} {path} {headers} -> {answer.status} {content[:200]!r}"
        assert answer.status < 500, told
        if answer.status >= 400:
            error = json.loads(content)
            assert {"code", "message", "hint", "ref"} <= set(error), told
            assert str(ROOT) not in content.decode(), told
            assert "Traceback" not in content.decode(), told
        seen.add(answer.status)
        connection.close()
    assert {200, 400, 415, 422} <= seen
    assert work_files(server) == []
    assert process.memory_info().rss - before < DRIFT_BYTES
