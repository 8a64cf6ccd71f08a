"""`Engine` on H2O: our own JVM, or a cluster that somebody else runs."""

import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

from core.domain.models import ModelDetails
from core.domain.runs import AutoMLJob, AutoMLState, EngineStatus
from core.domain.training import TrainingSettings
from core.engine.jvm.external import ExternalServer
from core.engine.jvm.server import Server
from core.engine.protocol import BaselineState, EngineSize, PartialDependence
from core.engine.rest import automl, baselines, explain, frames, models
from core.engine.rest.client import Client, quoted
from core.engine.rest.loaded import LoadedModels
from core.engine.rest.spec import Frames
from core.errors import AppError, EngineDiedError
from core.settings import Settings


class H2OEngine:
    """The engine of a home. Starts nothing until it is used; the methods are documented at `Engine`.

    Parameters
    ----------
    settings : Settings
        With `h2o_url` the cluster there is used, else a JVM of our own under `mlruns_dir`.
    """

    def __init__(self, settings: Settings) -> None:
        self._server: Server | ExternalServer = ExternalServer(settings) if settings.h2o_url else Server(settings)
        self._loaded = LoadedModels()

    def status(self) -> EngineStatus:
        """See `Engine.status`."""
        return self._server.status()

    def start_in_background(self) -> None:
        """See `Engine.start_in_background`."""
        if self.status().state not in ("starting", "ready"):
            threading.Thread(target=self._start_quietly, name="start engine", daemon=True).start()

    def ensure_ready(self) -> str:
        """See `Engine.ensure_ready`."""
        return self._server.connect()

    def is_alive(self, cluster: str) -> bool:
        """See `Engine.is_alive`."""
        return self._server.is_alive(cluster)

    def end_idle(self) -> bool:
        """See `Engine.end_idle`."""
        return self._server.end_idle()

    def stop(self) -> None:
        """See `Engine.stop`."""
        self._server.stop()

    def has_xgboost(self) -> bool:
        """See `Engine.has_xgboost`."""
        return automl.has_xgboost(self._client())

    def upload(self, csv: Path, columns: Sequence[tuple[str, str]], *, key: str | None = None) -> str:
        """See `Engine.upload`."""
        return frames.upload(self._client(), csv, columns, key)

    def relevel(self, frame: str, column: str, first: str) -> str:
        """See `Engine.relevel`."""
        return frames.relevel(self._client(), frame, column, first)

    def delete(self, keys: Iterable[str]) -> None:
        """See `Engine.delete`."""
        frames.delete(self._client(), keys)

    def start_automl(
        self,
        frame: str,
        settings: TrainingSettings,
        *,
        features: Sequence[str],
        project: str,
        holdout: str | None,
        blending: str | None = None,
        fold_column: str | None = None,
        classes: Sequence[str] = (),
    ) -> AutoMLJob:
        """See `Engine.start_automl`."""
        client, cluster = self._client(), self._server.connect()
        about = Frames(frame, holdout=holdout, blending=blending, fold_column=fold_column, classes=tuple(classes))
        return automl.start(client, cluster, about, settings, features, project)

    def poll(self, job: AutoMLJob, last: AutoMLState | None = None) -> AutoMLState:
        """See `Engine.poll`."""
        self._check(job)
        return automl.poll(self._client(), job, last)

    def find_automl(self, job: AutoMLJob) -> AutoMLJob | None:
        """See `Engine.find_automl`."""
        self._check(job)
        return automl.find(self._client(), job)

    def cancel(self, job: AutoMLJob) -> None:
        """See `Engine.cancel`."""
        self._check(job)
        automl.cancel(self._client(), job)

    def leaderboard(self, job: AutoMLJob, *, timed: bool = False) -> pa.Table:
        """See `Engine.leaderboard`."""
        self._check(job)
        return automl.leaderboard(self._client(), job, timed=timed)

    def start_baseline(
        self,
        name: str,
        frame: str,
        settings: TrainingSettings,
        *,
        features: Sequence[str],
        key: str,
        fold_column: str | None = None,
    ) -> str:
        """See `Engine.start_baseline`."""
        return baselines.start(
            self._client(), name, frame, settings, features=features, key=key, fold_column=fold_column
        )

    def poll_baseline(self, job_key: str, key: str) -> BaselineState:
        """See `Engine.poll_baseline`."""
        return baselines.poll(self._client(), job_key, key)

    def cancel_baseline(self, job_key: str) -> None:
        """See `Engine.cancel_baseline`."""
        baselines.cancel(self._client(), job_key)

    def describe(self) -> EngineSize:
        """See `Engine.describe`."""
        return automl.describe_engine(self._client())

    def details(self, model_key: str) -> ModelDetails:
        """See `Engine.details`."""
        return models.details(self._client(), model_key)

    def holdout_metrics(self, model_key: str, frame: str) -> dict[str, float]:
        """See `Engine.holdout_metrics`."""
        return models.metrics_on(self._client(), model_key, frame)

    def download_frame(self, key: str) -> pa.Table:
        """See `Engine.download_frame`."""
        return frames.download(self._client(), key)

    def predict(self, model_key: str, frame: str) -> pa.Table:
        """See `Engine.predict`."""
        return models.predict(self._client(), model_key, frame)

    def save_mojo(self, model_key: str, path: Path) -> None:
        """See `Engine.save_mojo`."""
        models.save(self._client(), f"/3/Models/{quoted(model_key)}/mojo", path)

    def save_native(self, model_key: str, path: Path) -> None:
        """See `Engine.save_native`."""
        models.save(self._client(), f"/3/Models.fetch.bin/{quoted(model_key)}", path)

    @contextmanager
    def hold_mojo(self, path: Path, sha256: str) -> Iterator[str]:
        """See `Engine.hold_mojo`."""
        models.check_sha256(path, sha256)
        with self._loaded.hold_mojo(self._client(), self._server.connect(), path, sha256) as key:
            yield key

    def load_mojo(self, path: Path, sha256: str) -> str:
        """See `Engine.load_mojo`."""
        models.check_sha256(path, sha256)
        return self._loaded.load_mojo(self._client(), self._server.connect(), path, sha256)

    def load_native(self, path: Path, sha256: str) -> str:
        """See `Engine.load_native`."""
        models.check_sha256(path, sha256)
        return self._loaded.load_native(self._client(), self._server.connect(), path, sha256)

    def contributions(self, model_key: str, frame: str, *, background: str | None = None) -> pa.Table:
        """See `Engine.contributions`."""
        return explain.contributions(self._client(), model_key, frame, background)

    def permutation_importance(self, model_key: str, frame: str, *, seed: int) -> tuple[tuple[str, float], ...]:
        """See `Engine.permutation_importance`."""
        return explain.permutation_importance(self._client(), model_key, frame, seed)

    def partial_dependence(
        self, model_key: str, frame: str, columns: Sequence[str], *, n_bins: int, targets: Sequence[str] = ()
    ) -> tuple[PartialDependence, ...]:
        """See `Engine.partial_dependence`."""
        return explain.partial_dependence(self._client(), model_key, frame, columns, n_bins, targets)

    def _client(self) -> Client:
        return self._server.client()

    def _check(self, job: AutoMLJob) -> None:
        if not self._server.is_alive(job.cluster):
            raise EngineDiedError("The engine that ran this training has ended.")

    def _start_quietly(self) -> None:
        try:
            self._server.connect()
        except AppError:
            return  # `status` tells the reason; who needs the engine gets it from `ensure_ready`
