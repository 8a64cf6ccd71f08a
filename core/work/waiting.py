"""Runs that wait in the queue because the cluster of others that trains them is away."""

import logging
import time
from collections.abc import Callable, Iterable
from typing import Final

from core.domain.runs import RunInfo
from core.engine.protocol import Engine
from core.errors import AppError, EngineUnavailableError
from core.settings import Settings
from core.store.mlflow import Store
from core.wording import duration_text

logger = logging.getLogger(__name__)

ASK_S: Final = 10.0
# What passes by itself; a wrong password, address, certificate or version does not.
_PASSES: Final = frozenset({"cluster.unreachable", "cluster.nodes"})
STAGE: Final = f"Waiting for the cluster, asked again every {ASK_S:.0f} s"


class ClusterWait:
    """Holds queued runs back while the cluster at ``BELLWETHER_H2O_URL`` is away, each for a limited time.

    An engine of our own is never waited for: it starts when it is asked for.

    Parameters
    ----------
    fail : callable
        Fails a run that has waited for too long, with the reason.
    """

    def __init__(self, settings: Settings, store: Store, engine: Engine, fail: Callable[[str, AppError], None]) -> None:
        self._settings = settings
        self._store = store
        self._engine = engine
        self._fail = fail
        self._asked_at: float | None = None
        self._since: dict[str, float] = {}
        self.reason = ""  # why they wait; empty while none does

    def is_over(self, queued: Iterable[RunInfo]) -> bool:
        """Ask the cluster, unless that was done just now; return whether a training can start.

        Parameters
        ----------
        queued : iterable of RunInfo
            The runs that wait; the stage of each says what for.
        """
        if not self._settings.h2o_url:
            return True
        now = time.monotonic()
        # The engine's own watch sees it come back, so that nobody waits for our next question.
        is_early = self._asked_at is not None and now - self._asked_at < ASK_S
        if self.reason and is_early and self._engine.status().state != "ready":
            return False
        self._asked_at = now
        try:
            self._engine.ensure_ready()
        except EngineUnavailableError as error:
            if error.code not in _PASSES:
                self.end()
                return True  # the training says why it cannot be
            self._hold(queued, error, now)
            return False
        self.end()
        return True

    def end(self) -> None:
        """Forget who waited: the cluster is there, or nothing is left to start."""
        if self.reason:
            logger.info("the H2O cluster is waited for no more")
        self.reason = ""
        self._since.clear()

    def _hold(self, queued: Iterable[RunInfo], error: EngineUnavailableError, now: float) -> None:
        """Let the runs wait on; fail those that have waited for too long."""
        if not self.reason:
            logger.warning("runs wait for the H2O cluster: %s", error.message)
        self.reason = error.message
        limit_s = self._settings.cluster_wait_s
        for run in queued:
            waited_s = now - self._since.setdefault(run.run_id, now)
            if waited_s >= limit_s:
                self._fail(run.run_id, _away(error, waited_s))
            elif run.stage != STAGE:
                self._store.update_run(run.run_id, stage=STAGE)


def _away(error: EngineUnavailableError, waited_s: float) -> EngineUnavailableError:
    return EngineUnavailableError(
        f"{error.message} The run has waited for {duration_text(waited_s)}.",
        hint=f"{error.hint} BELLWETHER_CLUSTER_WAIT sets how long runs wait for the cluster.",
        code="cluster.away",
    )
