"""What has outlived its time is named by a dry run and gone after it is applied; nothing else goes."""

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.retention import Retention
from tests.fixtures_runs import Home, write_customers
from tests.fixtures_store import add_run


def retention(home: Home, **changes: object) -> Retention:
    services = home.services
    settings = replace(services.settings, **changes)
    return Retention(
        settings, services.store, services.ledger, services.scoring_log, services.monitor, services.removals
    )


def counts(expired) -> dict[str, int]:
    return {one.what: one.count for one in expired if one.count}


@pytest.fixture
def used(own_home: Home, tmp_path: Path) -> Home:
    """A home with a kept result, a leftover of a killed process and a cancelled run."""
    services = own_home.services
    path = write_customers(tmp_path / "new.csv", 40, with_target=False)
    services.scorer.score_file(
        path, path.name, model_uri=services.store.champion("customers").uri, person="Ada", origin="page"
    )
    left = services.settings.work_dir / "score-left"
    left.mkdir()
    (left / "rows.parquet").write_bytes(b"x" * 1000)
    long_ago = datetime.now(UTC).timestamp() - 10 * 24 * 3600
    os.utime(left, (long_ago, long_ago))
    (services.settings.work_dir / "upload-now").write_bytes(b"y")
    services.store.set_status(add_run(services.store), "cancelled")
    return own_home


def test_a_dry_run_names_what_would_go_and_changes_nothing(used: Home):
    home = used.services.settings.home
    before = {path: path.stat().st_mtime_ns for path in home.rglob("*") if path.suffix not in (".db-shm", ".db-wal")}
    far = datetime.now(UTC) + timedelta(days=100)
    planned = retention(used, keep_cancelled_days=60).plan(far)
    assert counts(planned) == {
        "results of scorings": 1, "work files that killed processes left": 2, "cancelled and failed runs": 1,
    }  # fmt: skip
    sizes = {one.what: one.size_bytes for one in planned}
    assert sizes["work files that killed processes left"] == 1001
    assert sizes["results of scorings"] > 1000
    after = {path: path.stat().st_mtime_ns for path in home.rglob("*") if path.suffix not in (".db-shm", ".db-wal")}
    assert after == before


def test_what_is_due_goes_and_the_rest_stays(used: Home):
    services = used.services
    removed = retention(used).apply(person="Ada")
    assert counts(removed) == {"work files that killed processes left": 1}
    assert [path.name for path in services.settings.work_dir.iterdir()] == ["upload-now"]
    (line,) = services.ledger.entries(action="retention")
    assert (line.person, line.detail) == ("Ada", {"work files that killed processes left": 1})
    assert counts(retention(used).apply()) == {}
    assert len(services.ledger.entries(action="retention")) == 1


def test_runs_that_came_to_nothing_go_when_the_setting_says_so_and_others_never(used: Home):
    services, later = used.services, datetime.now(UTC) + timedelta(days=20)
    assert "cancelled and failed runs" not in counts(retention(used).apply(later)), "0 keeps them for ever"
    services.store.set_status(used.runs[0].run_id, "failed")  # its model is the champion
    retention(used, keep_cancelled_days=14).apply(later)
    assert [run.run_id for run in services.store.list_runs(archived=None)] == [used.runs[0].run_id]
    assert services.store.champion("customers") is not None


def test_all_that_is_kept_of_scorings_goes_in_its_time(used: Home):
    services, (record,) = used.services, used.services.scoring_log.list()
    now = datetime.now(UTC)
    retention(used).apply(now + timedelta(days=31))
    assert services.scoring_log.get(record.id).kept == "scores"
    assert counts(retention(used).plan(now + timedelta(days=401))) == {"ids and scores": 1}
    retention(used).apply(now + timedelta(days=401))
    assert services.scoring_log.get(record.id).kept == ""
    assert not services.scoring_log.folder(record.id).exists()
