"""F08: the disk is full. It is said, nothing partial is seen, nothing is damaged, and it works again with space."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from core.data.datasets.registry import Datasets
from core.errors import DiskFullError
from core.settings import ROOT, Settings
from tests.faults.full_disk_child import ENDINGS, SMALL

CHILD = Path(__file__).with_name("full_disk_child.py")
PIECES = {"dataset", "store", "tag", "ledger", "engine", *ENDINGS}


def run_child(command: list[str]) -> dict[str, Any]:
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def check(found: dict[str, Any]) -> None:
    for name, error in found["full"].items():
        assert error.get("code") == "disk.full", (name, error)
        assert error["hint"]
    assert set(found["full"]) == PIECES
    assert found["seen"] == {
        "datasets": ["small"],
        "rows": 2,
        "runs": 1,
        "out": {"scored.csv": "old"},
        "folders": [found["kept"]],
        "work": [],
    }
    assert found["again"] == {name: {} for name in PIECES}
    assert found["checks"] == {"audit.db": "ok", "mlflow.db": "ok"}
    assert found["after"] == {
        "datasets": ["large", "small"],
        "rows": {"large": 20_000, "small": 2},
        "runs": 2,
        "entries": ["second", "first"],
        "out": sorted(f"scored{ending}" for ending in ENDINGS),
    }


def test_a_limit_on_the_size_of_files(tmp_path: Path) -> None:
    check(run_child([sys.executable, str(CHILD), str(tmp_path), "limit"]))


def test_a_home_on_a_disk_of_64_mb(tmp_path: Path) -> None:
    mount = 'mount -t tmpfs -o size=64m none "$1" && '
    allowed = subprocess.run(["unshare", "-rm", "sh", "-c", f"{mount}true", "sh", str(tmp_path)], check=False)
    if allowed.returncode:
        pytest.skip("this machine does not let a test mount a disk of its own")
    script = f'{mount}exec "$2" "$3" "$1" tmpfs'
    check(run_child(["unshare", "-rm", "sh", "-c", script, "sh", str(tmp_path), sys.executable, str(CHILD)]))


def test_new_work_is_refused_before_the_disk_is_full(tmp_path: Path) -> None:
    path = tmp_path / "small.csv"
    path.write_bytes(SMALL)
    datasets = Datasets(Settings(home=tmp_path / "home", min_free_bytes=2**60))
    with pytest.raises(DiskFullError) as caught:
        datasets.add(path, "small.csv")
    assert "BELLWETHER_MIN_FREE" in caught.value.hint
    assert datasets.list() == ()
