"""Signs of life: a run that is worked on shows one each few seconds, and who waits for them knows who is gone."""

import time
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, Self

from core.domain.runs import RunInfo
from core.store.mlflow import Store
from core.work.worker import Worker

BEAT_S: Final = 5.0
GRACE_S: Final = 15.0


class Heartbeat(Worker):
    """Writes down that a run is worked on, for as long as the block goes on."""

    def __init__(self, store: Store, run_id: str) -> None:
        super().__init__("heartbeat", BEAT_S)
        self._store = store
        self._run_id = run_id

    def __enter__(self) -> Self:
        """Begin."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End."""
        self.stop()
        self.join()

    def step(self) -> None:
        """Show one sign."""
        self._store.update_run(self._run_id, heartbeat=datetime.now(UTC))


class HomeWatch:
    """Tells which homes show no life, by whether what their runs say changes: no clock but our own counts."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[frozenset[object], float]] = {}

    def silent(self, runs: Sequence[RunInfo]) -> set[str]:
        """Return the homes of which nothing has changed for `GRACE_S`.

        Parameters
        ----------
        runs : sequence of RunInfo
            All runs of other homes that wait or run, as they are now.
        """
        signs: dict[str, set[object]] = defaultdict(set)
        for run in runs:
            signs[run.home].add((run.run_id, run.status, run.heartbeat))
        now = time.monotonic()
        before, self._seen = self._seen, {}
        for home, shown in signs.items():
            last, since = before.get(home, (frozenset(), now))
            self._seen[home] = (last, since) if last == shown else (frozenset(shown), now)
        return {home for home, (_, since) in self._seen.items() if now - since >= GRACE_S}


def is_alive(run: RunInfo) -> bool:
    """Return whether a run of another home has shown life within `GRACE_S`, by the clocks of both."""
    return run.heartbeat is not None and abs((datetime.now(UTC) - run.heartbeat).total_seconds()) < GRACE_S
