"""One lock for all: between objects, threads and processes, shared or alone, and what is said when it is not had."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from core.errors import EngineUnavailableError, StoreBusyError
from core.locks import FileLock

HOLDER = """
import sys, time
from pathlib import Path
from core.locks import FileLock
with FileLock(Path(sys.argv[1])).alone():
    print("held", flush=True)
    time.sleep(60)
"""


def test_it_is_shared_or_held_alone(tmp_path: Path) -> None:
    one, two = FileLock(tmp_path / "lock"), FileLock(tmp_path / "lock")
    one.share(1)
    two.share(1)
    assert not one.try_alone()
    two.release()
    two.release()
    assert one.try_alone()
    with pytest.raises(StoreBusyError, match="another process"):
        two.share(0.1)
    threading.Timer(0.2, one.release).start()
    began = time.monotonic()
    with two.alone(5):
        assert time.monotonic() - began < 3
        assert not one.try_alone()
    assert one.try_alone()
    one.release()
    assert (tmp_path / "lock").stat().st_mode & 0o777 == 0o600


def test_its_owner_says_what_a_busy_one_means(tmp_path: Path) -> None:
    waiting = FileLock(tmp_path / "lock", lambda: EngineUnavailableError("The engine starts."))
    with FileLock(tmp_path / "lock").alone(), pytest.raises(EngineUnavailableError, match="starts"), waiting.alone(0):
        pass


def test_the_folder_is_made_and_nothing_stays_open(tmp_path: Path) -> None:
    before = psutil.Process().num_fds()
    held, busy = FileLock(tmp_path / "new" / "lock"), FileLock(tmp_path / "new" / "lock")
    with held as lock:
        assert lock.try_alone()
        with pytest.raises(StoreBusyError), busy.alone(0):
            pass
        with busy as second:
            assert not second.try_alone()
    assert psutil.Process().num_fds() == before


def test_a_killed_holder_loses_it(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLDER, str(tmp_path / "lock")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env={"PYTHONPATH": str(Path.cwd())}) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        lock = FileLock(tmp_path / "lock")
        assert not lock.try_alone()
        holder.kill()
        holder.wait(10)
    with lock.alone(5):
        pass
