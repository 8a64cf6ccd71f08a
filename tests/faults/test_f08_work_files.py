"""F08: rows on their way to the engine meet a full disk, which is said; they lie in the home's work folder only."""

import errno
import tempfile
from pathlib import Path

import pyarrow as pa
import pytest

from core.errors import DiskFullError
from tests.fixtures_runs import Home, write_customers


def score(home: Home, tmp_path: Path) -> None:
    path = write_customers(tmp_path / "new.csv", 60, seed=3, with_target=False)
    home.services.scorer.score_file(path, "new.csv")


def explain(home: Home, tmp_path: Path) -> None:
    home.services.explainer.compute(home.services.store.champion("customers"))


def add_outcomes(home: Home, tmp_path: Path) -> None:
    ids = [str(number) for number in range(1000, 1060)]
    outcomes = pa.table({"customer_id": ids, "buys": ["yes"] * len(ids)})
    home.services.monitor.add_outcomes("customers", outcomes, "customer_id", "buys", "a.csv")


def test_rows_for_the_engine_on_a_full_disk(own_home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("pyarrow.csv.CSVWriter", full)
        with pytest.raises(DiskFullError, match="full"):
            explain(own_home, tmp_path)
    assert list(own_home.services.settings.work_dir.iterdir()) == []
    explain(own_home, tmp_path)


def test_nothing_lies_in_the_systems_temporary_folder(
    own_home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    score(own_home, tmp_path)
    explain(own_home, tmp_path)
    add_outcomes(own_home, tmp_path)
