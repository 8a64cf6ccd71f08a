"""An H2O cluster that somebody else runs: attached to, never started, never stopped."""

import threading
from importlib.metadata import version

from core.domain.runs import EngineStatus
from core.engine.rest.client import Client
from core.errors import EngineDiedError, EngineError, EngineUnavailableError
from core.settings import Settings

_TIMEOUT_S = 5.0


class _Unknown:
    """The life of a process on another machine: only its answers show it."""

    def __init__(self) -> None:
        self.dead = threading.Event()

    def death(self) -> EngineDiedError:
        """Never asked for: `dead` is never set."""
        return EngineDiedError("The H2O cluster is gone.")


class ExternalServer:
    """The cluster at ``BELLWETHER_H2O_URL``; the same methods as `Server`."""

    def __init__(self, settings: Settings) -> None:
        self._client = Client(settings.h2o_url, settings.h2o_user, settings.h2o_password, _Unknown(), trust_env=True)
        self._name: str | None = None
        self._status = EngineStatus("stopped")

    def status(self) -> EngineStatus:
        """Return what the last attempt to reach it showed."""
        return self._status

    def connect(self) -> str:
        """Check that it answers and is the H2O that this Bellwether was made for; return its name."""
        try:
            cloud = self._client.cloud(_TIMEOUT_S)
        except EngineError as error:
            self._status = EngineStatus("failed", error.message)
            raise EngineUnavailableError(
                f"The H2O cluster cannot be used: {error.message}",
                hint="Check BELLWETHER_H2O_URL, BELLWETHER_H2O_USER and BELLWETHER_H2O_PASSWORD, and whether it runs.",
            ) from error
        ours = version("h2o")
        if cloud["version"] != ours:
            message = f"The H2O cluster has version {cloud['version']}; Bellwether works with {ours}."
            self._status = EngineStatus("failed", message)
            raise EngineUnavailableError(message, hint=f"Start the cluster with H2O {ours}.")
        self._name = str(cloud["cloud_name"])
        self._status = EngineStatus("ready")
        return self._name

    def client(self) -> Client:
        """Return its client, after a first `connect`."""
        if self._name is None:
            self.connect()
        return self._client

    def is_alive(self, cluster: str) -> bool:
        """Return whether a cluster of that name answers."""
        try:
            return self.connect() == cluster
        except EngineError:
            return False

    def stop(self, *, leave: bool = False) -> None:
        """Leave it to those who run it, in any case."""
        self._client.close()
        self._name = None
        self._status = EngineStatus("stopped")

    def end_idle(self) -> bool:
        """Nothing to end: it is not ours."""
        return False
