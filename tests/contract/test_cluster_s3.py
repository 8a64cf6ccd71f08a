"""Data in an S3 that a cluster reads and writes itself: the whole way on a real node, against moto's server."""

import io
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest

from core.domain.training import TrainingSettings
from core.engine.h2o import H2OEngine
from core.engine.jvm.launch import free_port
from core.errors import AppError
from core.services import Services, build
from tests.fixtures_cluster import Nodes, running, write_numbers

pytest.importorskip("moto.server", reason="moto, the S3 of this test, is not installed: make setup-dev")
pytest.importorskip("boto3", reason="boto3, which reads the result, is not installed: make setup-dev")

pytestmark = pytest.mark.engine

N_ROWS = 600
BUCKET = "lake"
# What an operator gives each node (docs/operations.md).
KEYS = {"AWS_ACCESS_KEY_ID": "tester", "AWS_SECRET_ACCESS_KEY": "of no use elsewhere"}


@dataclass
class Lake:
    """A bucket: its end point, and boto's client of it."""

    url: str
    s3: Any

    def put(self, key: str, content: bytes) -> str:
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=content)
        return f"s3://{BUCKET}/{key}"

    def read(self, key: str) -> bytes:
        return self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()

    def keys(self) -> set[str]:
        return {found["Key"] for found in self.s3.list_objects_v2(Bucket=BUCKET)["Contents"]}


@pytest.fixture(scope="module")
def lake() -> Iterator[Lake]:
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    s3 = boto3.client(
        "s3",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id=KEYS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=KEYS["AWS_SECRET_ACCESS_KEY"],
    )
    s3.create_bucket(Bucket=BUCKET)
    try:
        yield Lake(url, s3)
    finally:
        s3.close()
        server.stop()


@pytest.fixture(scope="module")
def nodes(lake: Lake, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    folder, storage = tmp_path_factory.mktemp("s3"), "-Dsys.ai.h2o.persist.s3"
    java_options = (
        f"{storage}.endPoint={lake.url}",
        f"{storage}.enable.path.style=true",
        f"{storage}.region=us-east-1",
        f"{storage}.maxErrorRetry=0",
    )
    one = Nodes(folder, (free_port(),), secrets.token_hex(16), java_options=java_options, environment=KEYS)
    with running(one) as nodes:
        yield nodes


@pytest.fixture
def services(nodes: Nodes, tmp_path: Path) -> Iterator[Services]:
    prefixes = f"s3://{BUCKET}/in, s3://no-such-bucket/in"
    services = build(nodes.settings(tmp_path / "home", import_prefixes=prefixes))
    assert isinstance(services.engine, H2OEngine)
    try:
        nodes.wait(services.engine)
        yield services
    finally:
        services.close()


def test_the_whole_way_stays_in_the_bucket(services: Services, lake: Lake, tmp_path: Path) -> None:
    source = lake.put("in/numbers.csv", write_numbers(tmp_path / "numbers.csv", N_ROWS).read_bytes())
    dataset = services.cluster_data.add(source)
    assert dataset.remote is not None
    assert (dataset.remote.address, dataset.remote.frame.n_rows) == (source, N_ROWS)
    assert 200 < dataset.n_rows < 400  # a half, drawn at random
    wanted = TrainingSettings(
        dataset_id=dataset.id, target="target", experiment="lake", task="binary", nfolds=2, holdout_share=0.2,
        max_models=1, include_algos=("GLM",), max_runtime_secs=600,
    )  # fmt: skip
    run_id = services.jobs.submit(wanted)
    services.jobs.start()
    run = services.jobs.wait(run_id, 300, until_explained=True)
    assert run.status == "finished", run.error
    model = services.store.resolve(f"models:/{run.leader_id}")
    assert services.cluster_data.score(model, source, f"s3://{BUCKET}/in/scored.csv") == N_ROWS
    scored = pyarrow.csv.read_csv(io.BytesIO(lake.read("in/scored.csv")))
    assert scored.column_names == ["prediction", "probability_no", "probability_yes"]
    here = services.scorer.score_file(tmp_path / "numbers.csv", "numbers.csv", model_uri=model.uri).results
    assert scored["prediction"].to_pylist() == here["prediction"].to_pylist()
    told = {
        f"s3://{BUCKET}/in/scored.csv": "cluster.exists",
        f"s3://{BUCKET}/in/scored.parquet": "cluster.format",
        f"s3://{BUCKET}/in/scored.txt": "cluster.format",
        f"s3://{BUCKET}/inner/scored.csv": "cluster.address",
        "s3://no-such-bucket/in/scored.csv": "cluster.storage",
    }
    assert {target: refusal(services.cluster_data.score, model, source, target).code for target in told} == told
    assert refusal(services.cluster_data.score, model, f"s3://{BUCKET}/inner", f"s3://{BUCKET}/in/x.csv").code == (
        "cluster.address"
    )
    assert lake.keys() == {"in/numbers.csv", "in/scored.csv"}


def test_what_only_begins_like_the_address_is_not_read(services: Services, lake: Lake) -> None:
    rows = {"in/day": b"a,b\n1,x\n", "in/day.csv": b"a,b\n2,x\n3,y\n", "in/day.csv.old": b"a,b\n9,z\n"}
    rows |= {"in/days/1.csv": b"a,b\n4,x\n", "in/days/2.csv": b"a,b\n5,y\n6,x\n", "inner.csv": b"a,b\n7,z\n"}
    rows |= {"in/daystar/1.csv": b"a,b\n8,z\n"}
    for key, content in rows.items():
        lake.put(key, content)
    imports = services.engine.imports
    for address, n_rows in {"in/day.csv": 2, "in/days": 3, "in/days/": 3, "in/days/2.csv": 2, "in/day": 1}.items():
        frame = imports.read(f"s3://{BUCKET}/{address}")
        assert imports.describe(frame).n_rows == n_rows, address
        services.engine.delete([frame])
    for address in ("in/da", "in/none.csv"):
        assert refusal(imports.read, f"s3://{BUCKET}/{address}").code == "file.empty"
    assert set(rows) <= lake.keys()  # reading removes nothing
    assert isinstance(services.engine, H2OEngine)
    assert left_behind(services.engine) == []


def test_parquet_is_read_and_a_storage_that_refuses_is_told(services: Services, lake: Lake) -> None:
    content = io.BytesIO()
    pyarrow.parquet.write_table(pa.table({"a": [1.5, 2.5, 4.5], "city": ["Bonn", "Oslo", "Bonn"]}), content)
    imports = services.engine.imports
    frame = imports.read(lake.put("in/cities.parquet", content.getvalue()))
    found = imports.describe(frame)
    assert (found.n_rows, [column.name for column in found.columns]) == (3, ["a", "city"])
    error = refusal(imports.read, "s3://no-such-bucket/in/x.csv")
    assert (error.code, "The specified bucket does not exist" in error.message) == ("cluster.storage", True)
    assert "Request ID" not in error.message
    assert "credentials" in error.hint
    assert refusal(imports.export, frame, "s3://no-such-bucket/in/x.csv").code == "cluster.storage"
    services.engine.delete([frame])


def refusal(ask, *arguments: object) -> AppError:
    with pytest.raises(AppError) as caught:
        ask(*arguments)
    return caught.value


def left_behind(engine: H2OEngine) -> list[str]:
    """Return what the cluster still has of files that were found."""
    frames = engine.imports._connection.client().get("/3/Frames")["frames"]
    return [frame["frame_id"]["name"] for frame in frames if "s3:" in frame["frame_id"]["name"]]
