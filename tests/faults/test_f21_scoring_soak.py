"""F21: scorings one after the other leave no memory, file or process behind.

300 in `make test`, 10,000 with BELLWETHER_SOAK=1 (`make soak`).
"""

import os

import psutil
import pytest

from core.engine.mojo.runtime import MojoRuntime
from core.engine.protocol import Mojo
from core.settings import Settings
from tests.fixtures_mojo import rows

pytestmark = [pytest.mark.engine, pytest.mark.soak]

SCORINGS = 10_000 if os.environ.get("BELLWETHER_SOAK") else 300
MORE_BYTES = 50 * 1024**2


def test_scorings_leave_nothing_behind(runtime: MojoRuntime, settings: Settings, mojos: dict[str, Mojo]) -> None:
    questions = [(mojo, rows(n_rows)) for n_rows in (1, 20, 3000) for mojo in mojos.values()]
    owner = psutil.Process()

    def score(times: int) -> None:
        for number in range(times):
            mojo, batches = questions[number % len(questions)]
            assert runtime.predict(mojo, batches).num_rows == batches[0].num_rows

    score(SCORINGS // 3)  # pools, caches and the heap are as large as they become
    pid = runtime.pid
    child = psutil.Process(pid)

    def held() -> tuple[int, int, int]:
        n_bytes = owner.memory_info().rss + child.memory_info().rss
        return n_bytes, owner.num_fds() + child.num_fds(), owner.num_threads() + child.num_threads()

    before = held()
    score(SCORINGS)
    after = held()
    assert abs(after[0] - before[0]) <= MORE_BYTES
    assert after[1] <= before[1]
    assert after[2] <= before[2] + 2  # the JVM's own
    assert runtime.pid == pid
    assert {path.name for path in settings.home.rglob("*") if path.is_file()} == {"scoring.log"}
    assert runtime._ready()._waiting == {}
    runtime.close()
    assert not child.is_running()
