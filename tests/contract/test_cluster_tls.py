"""A cluster behind TLS with H2O's own server (``-jks``): the short way through it, and each way not to reach it."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import pyarrow.csv
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12

from core.cli.doctor import checks
from core.domain.training import TrainingSettings
from core.engine.h2o import H2OEngine
from core.engine.jvm.launch import free_port
from core.errors import EngineUnavailableError
from core.services import build
from tests.fixtures_cluster import Nodes, make_certificate, running, write_numbers

pytestmark = pytest.mark.engine

ROWS = 600


def make_keystore(path: Path, certificate: Path, password: str) -> Path:
    """Put a certificate and its key where Java finds them."""
    pem = certificate.read_bytes()
    key = serialization.load_pem_private_key(pem, None)
    assert isinstance(key, pkcs12.PKCS12PrivateKeyTypes)
    closed = serialization.BestAvailableEncryption(password.encode())
    path.write_bytes(
        pkcs12.serialize_key_and_certificates(b"h2o", key, x509.load_pem_x509_certificate(pem), None, closed)
    )
    return path


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificate(tmp_path_factory.mktemp("authority") / "own.pem", host="localhost")


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory, certificate: Path) -> Iterator[Nodes]:
    """One node, whose certificate is made out to `localhost` alone."""
    folder, port, password = tmp_path_factory.mktemp("tls"), free_port(), secrets.token_hex(16)
    keystore = make_keystore(folder / "node.p12", certificate, password)
    options = ("-jks", str(keystore), "-jks_pass", password)
    url = f"https://localhost:{port}"
    with running(Nodes(folder, (port,), secrets.token_hex(16), url=url, options=options)) as nodes:
        engine = H2OEngine(nodes.settings(folder / "home", h2o_ca_file=str(certificate)))
        try:
            nodes.wait(engine)
        finally:
            engine.stop()
        yield nodes


def test_the_short_way_goes_through_tls(nodes: Nodes, certificate: Path, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    lake.mkdir()
    source = write_numbers(lake / "numbers.csv", ROWS)
    settings = nodes.settings(tmp_path / "home", h2o_ca_file=str(certificate), import_prefixes=str(lake))
    services = build(settings)
    try:
        dataset = services.datasets.add(source, source.name)
        wanted = TrainingSettings(
            dataset_id=dataset.id, target="target", experiment="tls", task="binary", nfolds=2,
            holdout_share=0.2, max_models=1, include_algos=("GLM",), max_runtime_secs=600,
        )  # fmt: skip
        run_id = services.jobs.submit(wanted)
        services.jobs.start()
        assert next(check for check in checks(settings) if check["name"] == "H2O cluster")["ok"]
        run = services.jobs.wait(run_id, 300)
        assert run.status == "finished", run.error
        model = services.store.resolve(f"models:/{run.leader_id}")
        here = services.scorer.score_file(source, source.name, model_uri=model.uri).results
        n_rows = services.cluster_data.score(model, str(source), str(lake / "scored.csv"))
        there = pyarrow.csv.read_csv(lake / "scored.csv")
        assert here.num_rows == n_rows == there.num_rows == ROWS
        assert here["prediction"].to_pylist() == there["prediction"].to_pylist()
    finally:
        services.close()


WAYS = {
    "no authority": ("not signed by an authority known here. Name that authority's PEM file", "cluster.certificate"),
    "another authority": ("the file that BELLWETHER_H2O_CA_FILE names did not sign it", "cluster.certificate"),
    "no such file": ("BELLWETHER_H2O_CA_FILE names cannot be read as certificates", "cluster.certificate"),
    "another name": ("is not trusted: it is made out to another host", "cluster.certificate"),
    "wrong password": ("refused the user name or the password", "cluster.password"),
    "no password": ("refused the user name or the password", "cluster.password"),
    "http": ("speaks https, not http. Write https:// in BELLWETHER_H2O_URL", "cluster.scheme"),
    "nobody there": ("Nobody listens at localhost:", "cluster.unreachable"),
    "no such host": ("There is no host called no-such-host.invalid.", "cluster.unreachable"),
}


@pytest.mark.parametrize("way", WAYS)
def test_each_way_not_to_reach_it_is_told_apart(nodes: Nodes, certificate: Path, tmp_path: Path, way: str) -> None:
    port, own = nodes.ports[0], str(certificate)
    changes = {
        "no authority": {},
        "another authority": {"h2o_ca_file": str(make_certificate(tmp_path / "other.pem", host="localhost"))},
        "no such file": {"h2o_ca_file": str(tmp_path / "none.pem")},
        "another name": {"h2o_ca_file": own, "h2o_url": f"https://127.0.0.1:{port}"},
        "wrong password": {"h2o_ca_file": own, "h2o_password": "wrong"},
        "no password": {"h2o_ca_file": own, "h2o_user": "", "h2o_password": ""},
        "http": {"h2o_url": f"http://localhost:{port}"},
        "nobody there": {"h2o_ca_file": own, "h2o_url": f"https://localhost:{free_port()}"},
        "no such host": {"h2o_ca_file": own, "h2o_url": f"https://no-such-host.invalid:{port}"},
    }[way]
    settings, (words, code) = nodes.settings(tmp_path / "home", **changes), WAYS[way]
    check = next(check for check in checks(settings) if check["name"] == "H2O cluster")
    assert not check["ok"]
    assert words in check["detail"]
    engine = H2OEngine(settings)
    try:
        with pytest.raises(EngineUnavailableError) as caught:
            engine.ensure_ready()
    finally:
        engine.stop()
    assert caught.value.code == code
    assert f"{caught.value.message} {caught.value.hint}" == check["detail"]  # the app says what `doctor` says
