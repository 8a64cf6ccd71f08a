"""What a cluster scores by itself stands among the scorings, with where the result lies."""

from dataclasses import replace
from pathlib import Path

import pytest

from core.cluster_data import data
from core.cluster_data.data import ClusterData
from core.domain.datasets import RemoteColumn, RemoteFrame
from core.errors import AppError, DataError, EngineError, SchemaMismatchError
from tests.fixtures_runs import Home, shown

N_ROWS = 10_000_000


class Imports:
    """A cluster that has data and does as it is told."""

    def __init__(self, columns: list[str]) -> None:
        self._columns = columns
        self.full = False
        self.lost = 0  # how often the model is gone when it is asked

    def read(self, address: str) -> str:
        return "frame"

    def describe(self, frame: str) -> RemoteFrame:
        return RemoteFrame(N_ROWS, "17", tuple(RemoteColumn(name, "numeric", 0) for name in self._columns))

    def as_types(self, frame: str, columns: object) -> str:
        return frame

    def predict(self, key: str, frame: str, **_: object) -> str:
        if self.lost:
            self.lost -= 1
            raise EngineError(f"Object '{key}' not found", code="engine.not_found")
        return "scores"

    def export(self, frame: str, address: str) -> None:
        if self.full:
            raise EngineError("The cluster cannot write there.", code="engine.h2o")


@pytest.fixture
def imports(own_home: Home, monkeypatch: pytest.MonkeyPatch) -> Imports:
    services = own_home.services
    champion = services.store.champion("customers")
    names = list(data.StoredModel(services.store, champion).spec.features.names)
    found = Imports(names)
    monkeypatch.setattr(services.engine, "imports", found, raising=False)
    return found


@pytest.fixture
def lake(tmp_path: Path) -> str:
    return str(tmp_path / "lake")


@pytest.fixture
def cluster(own_home: Home, imports: Imports, lake: str) -> ClusterData:
    services = own_home.services
    settings = replace(services.settings, h2o_url="http://cluster:54321", import_prefixes=lake)
    return ClusterData(settings, services.datasets, services.store, services.ledger, services.engine)


def test_it_is_listed_with_rows_version_and_address(own_home: Home, cluster: ClusterData, lake: str, visit) -> None:
    services = own_home.services
    champion = services.store.champion("customers")
    assert cluster.score(champion, f"{lake}/all.csv", f"{lake}/scored.parquet", person="ada@x.org") == N_ROWS
    (record,) = services.scoring_log.list(experiment="customers")
    assert (record.status, record.origin, record.n_rows, record.person) == ("finished", "cluster", N_ROWS, "ada@x.org")
    assert (record.model_version, record.model_id) == (champion.version, champion.id)
    assert (record.file_name, record.request.result_address) == (f"{lake}/all.csv", f"{lake}/scored.parquet")
    assert record.summary is not None
    assert record.summary.threshold is not None
    assert services.ledger.entries(action="score on cluster", limit=5)
    page = visit(services, "predict", scoring=record.id)
    text = shown(page).replace("\\", "")
    assert "10,000,000 rows" in text
    assert "scored.parquet" in text
    assert "no row of it came here" in page.info[0].value
    assert not visit(services, "monitor", experiment="customers").exception


def test_what_fails_is_listed_with_the_reason(
    own_home: Home, cluster: ClusterData, imports: Imports, lake: str
) -> None:
    services, errors = own_home.services, list[AppError]()
    champion = services.store.champion("customers")
    imports.full = True
    with pytest.raises(EngineError):
        cluster.score(champion, f"{lake}/all.csv", f"{lake}/scored.csv")
    imports._columns.pop()
    with pytest.raises(SchemaMismatchError) as caught:
        cluster.score(champion, f"{lake}/all.csv", f"{lake}/scored.csv")
    errors.append(caught.value)
    newest, oldest = services.scoring_log.list(experiment="customers")
    assert (newest.status, oldest.status) == ("failed", "failed")
    assert newest.error is not None
    assert oldest.error is not None
    assert newest.error["code"] == errors[0].code
    assert oldest.error["message"] == "The cluster cannot write there."
    assert not services.scorings.can_repeat(newest)


def test_what_is_refused_before_it_begins_is_no_scoring(own_home: Home, cluster: ClusterData, lake: str) -> None:
    services = own_home.services
    champion = services.store.champion("customers")
    for source, target in ((f"{lake}/all.csv", f"{lake}/scored.xlsx"), ("/etc/passwd", f"{lake}/scored.csv")):
        with pytest.raises(DataError):
            cluster.score(champion, source, target)
    assert not services.scoring_log.list(experiment="customers")


def test_a_model_that_is_explained_meanwhile_is_shared(
    own_home: Home, cluster: ClusterData, imports: Imports, lake: str
) -> None:
    services = own_home.services
    champion, held = services.store.champion("customers"), services.engine.models.held
    services.store.update_run(champion.run_id, explanations="computing")
    imports.lost = 1  # its explanations ended, and took it along
    assert cluster.score(champion, f"{lake}/all.csv", f"{lake}/scored.csv") == N_ROWS
    assert champion.model_key in held  # whoever explains its run needs it and removes it
    services.store.update_run(champion.run_id, explanations="done")
    assert cluster.score(champion, f"{lake}/all.csv", f"{lake}/again.csv") == N_ROWS
    assert champion.model_key not in held
    imports.lost = 2
    with pytest.raises(EngineError, match="not found"):
        cluster.score(champion, f"{lake}/all.csv", f"{lake}/more.csv")
