"""`Engine` on H2O: our own JVM, or a cluster that somebody else runs."""

import threading
from collections.abc import Iterable

from core.domain.runs import EngineMemory, EngineSize, EngineStatus
from core.engine.jvm.external import ExternalServer
from core.engine.jvm.server import Server
from core.engine.mojo.runtime import MojoRuntime
from core.engine.protocol import (
    EngineAutoML,
    EngineBaselines,
    EngineExplanations,
    EngineFrames,
    EngineImports,
    EngineModels,
    EngineMojos,
)
from core.engine.rest import automl, frames
from core.engine.rest.automl import H2OAutoML
from core.engine.rest.baselines import H2OBaselines
from core.engine.rest.explain import H2OExplanations
from core.engine.rest.frames import H2OFrames
from core.engine.rest.imports import H2OImports
from core.engine.rest.models import H2OModels
from core.errors import AppError
from core.settings import Settings


class H2OEngine:
    """The engine of a home. Starts nothing until it is used; all it does is documented at `Engine` and its facets.

    Parameters
    ----------
    settings : Settings
        With `h2o_url` the cluster there is used, else a JVM of our own under `mlruns_dir`.
    """

    def __init__(self, settings: Settings) -> None:
        self._server: Server | ExternalServer = ExternalServer(settings) if settings.h2o_url else Server(settings)
        self.frames: EngineFrames = H2OFrames(self._server)
        self.automl: EngineAutoML = H2OAutoML(self._server)
        self.baselines: EngineBaselines = H2OBaselines(self._server)
        self.models: EngineModels = H2OModels(self._server)
        self._runtime = MojoRuntime(settings)
        self.mojos: EngineMojos = self._runtime
        self.explanations: EngineExplanations = H2OExplanations(self._server)
        self.imports: EngineImports = H2OImports(self._server, settings)

    def status(self) -> EngineStatus:
        """Return where the engine stands."""
        return self._server.status()

    def start_in_background(self) -> None:
        """Begin to start the engine."""
        if self.status().state not in ("starting", "ready"):
            threading.Thread(target=self._start_quietly, name="start engine", daemon=True).start()

    def ensure_ready(self) -> str:
        """Start or reach the engine and return its cluster's name."""
        return self._server.connect()

    def is_alive(self, cluster: str) -> bool:
        """Return whether that cluster runs."""
        return self._server.is_alive(cluster)

    def end_idle(self) -> bool:
        """End an engine that is left behind."""
        return self._server.end_idle()

    def stop(self, *, leave: bool = False) -> None:
        """Let go of the engine."""
        self._runtime.close()
        self._server.stop(leave=leave)

    def has_xgboost(self) -> bool:
        """Return whether XGBoost can be trained."""
        return automl.has_xgboost(self._server.client())

    def describe(self) -> EngineSize:
        """Return what the cluster is made of."""
        return automl.describe_engine(self._server.client())

    def memory(self) -> EngineMemory | None:
        """Return how much heap is in use."""
        try:
            return automl.describe_memory(self._server.client()) if self.status().state == "ready" else None
        except AppError:
            return None  # busy, or gone since: both are told elsewhere

    def delete(self, keys: Iterable[str]) -> None:
        """Remove keys of any kind."""
        frames.delete(self._server.client(), keys)

    def _start_quietly(self) -> None:
        try:
            self._server.connect()
        except AppError:
            return  # `status` tells the reason; who needs the engine gets it from `ensure_ready`
