"""A cluster that others run: why it cannot be used, in words, and what happens when it is lost and comes back."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.cli.doctor import checks
from core.engine.jvm.external import ExternalServer, describe_cluster
from core.errors import EngineDiedError, EngineUnavailableError
from core.settings import Settings
from tests.fixtures_cluster import ToldCluster, make_certificate, told_cluster
from tests.fixtures_engine import wait_for

TIMEOUT_S = 1.5


@pytest.fixture
def told() -> Iterator[ToldCluster]:
    with told_cluster(ToldCluster()) as cluster:
        yield cluster


@pytest.fixture
def server(told: ToldCluster, tmp_path: Path) -> Iterator[ExternalServer]:
    server = ExternalServer(Settings(home=tmp_path, h2o_url=told.url, h2o_node_timeout_s=TIMEOUT_S))
    yield server
    server.stop()


def refusal(url: str, tmp_path: Path, **changes: object) -> EngineUnavailableError:
    with pytest.raises(EngineUnavailableError) as caught:
        describe_cluster(Settings(home=tmp_path, h2o_url=url, **changes))  # type: ignore[arg-type]
    assert "new engine" not in caught.value.hint  # nobody starts a cluster by himself
    return caught.value


def test_a_cluster_that_works_is_described(told: ToldCluster, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, h2o_url=told.url)
    assert describe_cluster(settings) == (
        f"told, H2O {told.version}, 2 nodes: 10.0.0.1:54321 512 of 1,024 MB free, 10.0.0.2:54321 512 of 1,024 MB free"
    )
    found = {check["name"]: check for check in checks(settings)}
    assert found["H2O cluster"]["ok"]
    assert "2 nodes" in found["H2O cluster"]["detail"]
    told.healthy = False
    found = {check["name"]: check for check in checks(settings)}
    assert not found["H2O cluster"]["ok"]
    assert "has lost 1 of its 2 nodes: 10.0.0.2:54321." in found["H2O cluster"]["detail"]


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"version": "3.40.0.1"}, "cluster.version", r"version 3\.40\.0\.1; Bellwether works with"),
        ({"status": 401, "body": b"<html>"}, "cluster.password", "user name or the password"),
        ({"status": 404, "body": b"nothing"}, "cluster.not_h2o", "is not an H2O cluster"),
        ({"body": b"<html>Welcome</html>"}, "cluster.not_h2o", "is not an H2O cluster"),
        ({"body": b'{"status": "ok"}'}, "cluster.not_h2o", "is not an H2O cluster"),
        ({"body": b"[1, 2]"}, "cluster.not_h2o", "is not an H2O cluster"),
    ],
)
def test_what_answers_is_not_what_is_needed(
    told: ToldCluster, tmp_path: Path, changes: dict[str, object], code: str, words: str
) -> None:
    for name, value in changes.items():
        setattr(told, name, value)
    error = refusal(told.url, tmp_path)
    assert error.code == code
    with pytest.raises(EngineUnavailableError, match=words):
        raise error


@pytest.mark.slow
def test_nobody_answers(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        silent = refusal(f"http://127.0.0.1:{port}", tmp_path)  # the connection is taken, and no word comes
    assert (silent.code, "did not answer within 5 s" in silent.message) == ("cluster.unreachable", True)
    dead = refusal(f"http://127.0.0.1:{port}", tmp_path)
    assert (dead.code, dead.message) == ("cluster.unreachable", f"Nobody listens at 127.0.0.1:{port}.")
    unknown = refusal("http://no-such-host.invalid:54321", tmp_path)
    assert (unknown.code, unknown.message) == ("cluster.unreachable", "There is no host called no-such-host.invalid.")


@pytest.mark.parametrize("url", ["127.0.0.1:54321", "ftp://127.0.0.1", "http://", "localhost"])
def test_the_setting_is_not_an_address(tmp_path: Path, url: str) -> None:
    assert refusal(url, tmp_path).code == "cluster.url"


def test_http_and_https_mixed_up(told: ToldCluster, tmp_path: Path) -> None:
    error = refusal(told.url.replace("http:", "https:"), tmp_path)
    assert (error.code, "Write http://" in error.hint) == ("cluster.scheme", True)
    with told_cluster(ToldCluster(), certificate=make_certificate(tmp_path / "own.pem")) as closed:
        error = refusal(closed.url.replace("https:", "http:"), tmp_path)
    assert (error.code, "Write https://" in error.hint) == ("cluster.scheme", True)


def test_certificates(tmp_path: Path) -> None:
    own = make_certificate(tmp_path / "own.pem")
    with told_cluster(ToldCluster(), certificate=own) as told:
        error = refusal(told.url, tmp_path)
        assert (error.code, "BELLWETHER_H2O_CA_FILE" in error.hint) == ("cluster.certificate", True)
        assert "2 nodes" in describe_cluster(Settings(home=tmp_path, h2o_url=told.url, h2o_ca_file=str(own)))
        assert refusal(told.url, tmp_path, h2o_ca_file=str(tmp_path / "none.pem")).code == "cluster.certificate"
        no_pem = tmp_path / "no.pem"
        no_pem.write_text("hello")
        assert "cannot be read as certificates" in refusal(told.url, tmp_path, h2o_ca_file=str(no_pem)).message
    other = make_certificate(tmp_path / "other.pem", host="another.example")
    with told_cluster(ToldCluster(), certificate=other) as told:
        assert "made out to another host" in refusal(told.url, tmp_path, h2o_ca_file=str(other)).message
    old = make_certificate(tmp_path / "old.pem", days=-1)
    with told_cluster(ToldCluster(), certificate=old) as told:
        assert "has expired" in refusal(told.url, tmp_path, h2o_ca_file=str(old)).message


@pytest.mark.slow
def test_a_silent_node_is_lost_and_the_cluster_is_taken_up_again(told: ToldCluster, server: ExternalServer) -> None:
    assert server.connect() == "told"
    client = server.client()
    told.silent = True
    wait_for(lambda: server.status().state, lambda state: state == "failed", 30)
    assert "has lost 1 of its 2 nodes: 10.0.0.2:54321" in server.status().detail
    assert not server.is_alive("told")
    with pytest.raises(EngineDiedError, match="has lost 1 of its 2 nodes") as caught:
        server.client()
    assert "new engine" not in caught.value.hint
    with pytest.raises(EngineDiedError):
        client.get("/3/Jobs/x")
    with pytest.raises(EngineUnavailableError, match="has lost"):
        server.connect()
    told.silent = False
    wait_for(lambda: server.status().state, lambda state: state == "ready", 30)
    assert server.is_alive("told")
    assert server.client() is not client


@pytest.mark.slow
def test_a_restart_is_told_and_another_version_too(told: ToldCluster, server: ExternalServer) -> None:
    server.connect()
    life = server._life
    assert life is not None
    told.pid += 1
    assert life.dead.wait(30)
    assert "was restarted" in life.death().message
    wait_for(lambda: server.status().state, lambda state: state == "ready", 30)
    told.version = "3.40.0.1"
    wait_for(lambda: server.status().state, lambda state: state == "failed", 30)
    assert "has version 3.40.0.1; Bellwether works with" in server.status().detail
    with pytest.raises(EngineDiedError, match=r"version 3\.40\.0\.1"):
        server.client()


@pytest.mark.slow
def test_a_cluster_that_is_not_there_at_the_start_is_found_when_it_comes(told: ToldCluster, tmp_path: Path) -> None:
    told.status, told.body = 503, b"starting"
    server = ExternalServer(Settings(home=tmp_path, h2o_url=told.url, h2o_node_timeout_s=TIMEOUT_S))
    try:
        with pytest.raises(EngineUnavailableError):
            server.connect()
        assert server.status().state == "failed"
        told.status, told.body = 200, None
        wait_for(lambda: server.status().state, lambda state: state == "ready", 30)
    finally:
        server.stop()
    assert server.status().state == "stopped"


@pytest.mark.slow
def test_who_waits_for_an_answer_is_told(told: ToldCluster, server: ExternalServer) -> None:
    told.delay = threading.Event()
    server.connect()
    client = server.client()
    seen: list[EngineDiedError] = []

    def ask() -> None:
        try:
            client.get("/slow")
        except EngineDiedError as error:
            seen.append(error)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    told.silent = True
    thread.join(30)
    told.delay.set()
    assert [error.code for error in seen] == ["engine.died"]


@pytest.mark.slow
def test_a_moment_without_connection_is_waited_out(tmp_path: Path) -> None:
    told, answers = ToldCluster(), list[dict[str, object]]()
    with told_cluster(told):
        server = ExternalServer(Settings(home=tmp_path, h2o_url=told.url, h2o_node_timeout_s=60))
        server.connect()
        client = server.client()
    thread = threading.Thread(target=lambda: answers.append(client.get("/3/Jobs")), daemon=True)
    thread.start()
    thread.join(0.5)  # the question meets nobody at first; for how long does not matter
    assert not answers
    with told_cluster(told, port=int(told.url.rpartition(":")[2])):
        thread.join(30)
        assert len(answers) == 1
        server.stop()
