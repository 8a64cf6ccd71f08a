"""An H2O cluster that somebody else runs: attached to, watched, never started, never stopped."""

import logging
import threading
import time
from typing import Final

from core.domain.runs import EngineStatus
from core.engine.jvm.reach import Cloud, cluster_client, describe, look
from core.engine.rest.client import Client
from core.errors import EngineDiedError, EngineUnavailableError
from core.settings import Settings
from core.wording import count_text

logger = logging.getLogger(__name__)

_LOOK_S: Final = 1.0
_HINT: Final = (
    "Look at the cluster's nodes and restart the whole cluster; H2O cannot replace a lost node. Bellwether connects"
    " again by itself. Models that were finished are kept."
)


class _Life:
    """The cluster as it was found once, until it is lost or another one."""

    def __init__(self) -> None:
        self.dead = threading.Event()
        self._reason = ""

    def end(self, reason: str) -> None:
        """Say that it is over, and why."""
        self._reason = reason
        self.dead.set()

    def death(self) -> EngineDiedError:
        """Return why it is over."""
        return EngineDiedError(self._reason, hint=_HINT)


class NodeWatch:
    """Tells which nodes are lost: by H2O's word after a minute, by ours sooner.

    H2O counts a node as unhealthy 60 s after its last sign of life. Each gives one a second, so one whose last sign is
    the same for `timeout_s` is gone. No clock but our own counts.
    """

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._seen: dict[str, tuple[int, float]] = {}

    def lost(self, cloud: Cloud) -> str:
        """Return what is wrong with a cluster's nodes, in a sentence; empty when nothing is."""
        now = time.monotonic()
        before, self._seen = self._seen, {}
        gone = []
        for place, node in enumerate(cloud.nodes):
            ping, since = before.get(node.address, (node.last_ping_ms, now))
            self._seen[node.address] = (ping, since) if ping == node.last_ping_ms else (node.last_ping_ms, now)
            is_silent = now - self._seen[node.address][1] >= self._timeout_s
            if place != cloud.asked and (is_silent or not node.healthy):
                gone.append(node.address)
        if not gone:
            return ""
        return f"The H2O cluster has lost {len(gone)} of its {count_text(len(cloud.nodes), 'node')}: {', '.join(gone)}."


class ExternalServer:
    """The cluster at ``BELLWETHER_H2O_URL``; the same methods as `Server`.

    From the first `connect` on a thread looks at it each second: a lost node, a restart or no answer for
    `h2o_node_timeout_s` ends every client of it with the reason, and a cluster that is back is connected to again.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._looks = cluster_client(settings, _Life())
        self._mutex = threading.RLock()
        self._nodes = NodeWatch(settings.h2o_node_timeout_s)
        self._stopping = threading.Event()
        self._watcher: threading.Thread | None = None
        self._cloud: Cloud | None = None
        self._life: _Life | None = None
        self._client: Client | None = None
        self._answered_at = 0.0
        self._status = EngineStatus("stopped")

    def status(self) -> EngineStatus:
        """Return what the last look at it showed."""
        return self._status

    def connect(self) -> str:
        """Check that it answers, is whole and is the H2O that this Bellwether was made for; return its name."""
        with self._mutex:
            if self._cloud is not None and self._life is not None and not self._life.dead.is_set():
                return self._cloud.name
            self._watch()
            try:
                return self._attach(look(self._looks, self._settings))
            except EngineUnavailableError as error:
                self._status = EngineStatus("failed", error.message)
                raise

    def client(self) -> Client:
        """Return its client, after a first `connect`; EngineDiedError if what it was connected to is lost."""
        client, life = self._client, self._life
        if client is None or life is None:
            self.connect()
            return self.client()
        if life.dead.is_set():
            raise life.death()
        return client

    def is_alive(self, cluster: str) -> bool:
        """Return whether a cluster of that name is connected, after a first `connect`."""
        if self._life is None:
            try:
                self.connect()
            except EngineUnavailableError:
                return False
        cloud, life = self._cloud, self._life
        return cloud is not None and cloud.name == cluster and life is not None and not life.dead.is_set()

    def death(self) -> EngineDiedError:
        """Return why a cluster that worked for us is not there any more."""
        life = self._life
        if life is not None and life.dead.is_set():
            return life.death()
        return EngineDiedError("The H2O cluster that ran this training is gone.", hint=_HINT)

    def stop(self, *, leave: bool = False) -> None:
        """Leave it to those who run it, in any case."""
        self._stopping.set()
        with self._mutex:
            if self._life is not None:
                self._life.end("Bellwether has left the H2O cluster.")
            if self._client is not None:
                self._client.close()
            self._life = self._client = self._watcher = None
            self._status = EngineStatus("stopped")
        self._looks.close()

    def end_idle(self) -> bool:
        """Nothing to end: it is not ours."""
        return False

    # --- the watch ----------------------------------------------------------------------------------------------------

    def _watch(self) -> None:
        if self._watcher is None:
            self._stopping = threading.Event()
            self._watcher = threading.Thread(
                target=self._look_on, args=(self._stopping,), name="watch cluster", daemon=True
            )
            self._watcher.start()

    def _look_on(self, stopping: threading.Event) -> None:
        while not stopping.wait(_LOOK_S):
            try:
                cloud, error = look(self._looks, self._settings), None
            except EngineUnavailableError as problem:
                cloud, error = None, problem
            with self._mutex:
                if stopping.is_set():
                    return
                try:
                    if cloud is not None:
                        self._attach(cloud)
                    elif error is not None:
                        self._note(error)
                except EngineUnavailableError as problem:
                    self._status = EngineStatus("failed", problem.message)

    def _attach(self, cloud: Cloud) -> str:
        """Take a look into account: keep what is connected, end it or connect again; return the cluster's name."""
        self._answered_at = time.monotonic()
        if self._cloud is not None and cloud.is_restart_of(self._cloud):
            self._end("The H2O cluster was restarted; what was in it is lost.")
            self._nodes = NodeWatch(self._settings.h2o_node_timeout_s)
        self._cloud = cloud
        if lost := self._nodes.lost(cloud):
            self._end(lost)
            raise EngineUnavailableError(lost, hint=_HINT, code="cluster.nodes")
        if self._life is None or self._life.dead.is_set():
            self._life = _Life()
            self._client = cluster_client(self._settings, self._life, hint=_HINT)
            self._status = EngineStatus("ready")
            logger.info("connected to the H2O cluster with %s", count_text(len(cloud.nodes), "node"))
        return cloud.name

    def _note(self, error: EngineUnavailableError) -> None:
        """Take a look in vain into account: a cluster that is silent for long enough, or another one, is lost."""
        is_connected = self._life is not None and not self._life.dead.is_set()
        is_other = error.code in ("cluster.version", "cluster.not_h2o")
        silent_s = time.monotonic() - self._answered_at
        if is_connected and not is_other and silent_s < self._settings.h2o_node_timeout_s:
            return  # it may be only a moment; requests that can be repeated are
        self._end(f"The H2O cluster is lost. {error.message}")
        self._status = EngineStatus("failed", error.message)

    def _end(self, reason: str) -> None:
        if self._life is not None and not self._life.dead.is_set():
            logger.warning("%s", reason)
            self._life.end(reason)
            self._status = EngineStatus("failed", reason)
            if self._client is not None:
                self._client.close()


def describe_cluster(settings: Settings) -> str:
    """Return the cluster that the settings name in one line; `EngineUnavailableError` when it cannot be used."""
    client = cluster_client(settings, _Life())
    try:
        cloud = look(client, settings)
    finally:
        client.close()
    if lost := NodeWatch(settings.h2o_node_timeout_s).lost(cloud):
        raise EngineUnavailableError(lost, hint=_HINT, code="cluster.nodes")
    return describe(cloud)
