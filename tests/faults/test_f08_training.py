"""F08: the disk fills up while a run trains. What was stored stays whole, and with space again everything goes on."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.faults.test_f08_disk_full import run_child

pytestmark = pytest.mark.slow
CHILD = Path(__file__).with_name("full_disk_training_child.py")


def check(found: dict[str, Any]) -> None:
    assert (found["before"]["status"], found["before"]["with_files"]) == ("running", 1)
    for moment in ("full", "after", "again"):
        assert found[moment]["damaged"] == [], moment
    assert set(found["before"]["models"]) <= set(found["full"]["models"]) <= set(found["after"]["models"])
    assert found["after"]["with_files"] >= 1
    if found["after"]["status"] == "failed":  # it could be written down while there was no space
        assert found["after"]["code"] == "disk.full"
    else:  # it could not: the run was taken up again and went on where it was
        assert found["after"] | {"status": "finished", "code": None, "with_files": 3} == found["after"]
        assert len(found["after"]["models"]) == 3
    assert (found["again"]["status"], found["again"]["with_files"]) == ("finished", 3)
    assert found["checks"] == {"bellwether.db": "ok", "mlflow.db": "ok"}
    assert found["parts"] == []


def test_a_limit_on_the_size_of_files(tmp_path: Path) -> None:
    check(run_child([sys.executable, str(CHILD), str(tmp_path), "limit"]))


def test_a_home_on_a_disk_of_64_mb(tmp_path: Path) -> None:
    mount = 'mount -t tmpfs -o size=64m none "$1" && '
    allowed = subprocess.run(["unshare", "-rm", "sh", "-c", f"{mount}true", "sh", str(tmp_path)], check=False)
    if allowed.returncode:
        pytest.skip("this machine does not let a test mount a disk of its own")
    script = f'{mount}exec "$2" "$3" "$1" tmpfs'
    check(run_child(["unshare", "-rm", "sh", "-c", script, "sh", str(tmp_path), sys.executable, str(CHILD)]))
