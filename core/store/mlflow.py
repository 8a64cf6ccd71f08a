"""Runs, models and the registry, kept in MLflow; the only module that imports it.

A run is an MLflow run (queued = SCHEDULED, cancelled = KILLED), a model on a leaderboard a logged model, an
experiment's published models are the versions of a registered model of the same name. What MLflow has no word for
stands in tags that begin with ``bellwether.``. A local store is read straight from its SQLite file
(`catalogue_sqlite`), so that MLflow, whose import takes two seconds, is loaded by the first write and not before.
"""

import functools
import json
import os
import threading
import uuid
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from core.backups import back_up, is_due
from core.domain.datasets import Dataset
from core.domain.models import ModelDetails
from core.errors import StoreError
from core.files import atomic_path, scratch
from core.locks import FileLock
from core.served.description import Description
from core.served.library import LIBRARY, MODEL_CODE, packed_library
from core.settings import Settings
from core.sqlite import check_database, connect, enable_wal, settle_wal
from core.store.artifacts import Files, LocalFiles
from core.store.base import translated
from core.store.catalogue_sqlite import SqliteCatalogue
from core.store.items import Metric
from core.store.models import ModelStore
from core.store.records import PREFIX, Catalogue, ModelRow, RunRow, now_ms, prefixed
from core.store.remote import ClientCatalogue, RemoteFiles
from core.store.runs import RunStore

# Set before anything imports MLflow: no usage statistics; nothing of its own in a command's output.
for _name, _value in {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "1",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_UV_AUTO_DETECT": "false",  # a project that happens to be the current folder is no part of a model
}.items():
    os.environ.setdefault(_name, _value)
# What MLflow says of its own classes while it is imported.
warnings.filterwarnings("ignore", ".*Any type hint is inferred as AnyType")

_LOCK = "store.lock"
_OPEN_WAIT_S = 120.0  # another process may be making the database, on a slow machine
_MAX_SCHEMA_CHARS = 1_048_575  # MLflow's limit
_COLUMN_TYPES = {"numeric": "double", "category": "string", "date": "datetime", "text": "string", "id": "string"}
_BATCH = 100  # MLflow takes this many params or tags at once, and more metrics


class Store(RunStore, ModelStore):
    """Everything about runs and models, for all threads of a process and all processes of a home.

    Parameters
    ----------
    settings : Settings
        `mlruns_dir` holds the store, unless `mlflow_uri` names an MLflow server.
    attempts : int
        How often a call is made while another process holds the store, each of up to 20 s: one is right where a person
        waits, five where losing what was made would be worse.

    Notes
    -----
    Nothing is opened here. The very first write makes the database (about 4 s with MLflow's import); `maintain` in a
    background thread takes that off the first run. Every method may raise `StoreBusyError`, `DiskFullError`,
    `StoreCorruptError` or plain `StoreError`.
    """

    def __init__(self, settings: Settings, *, attempts: int = 1) -> None:
        super().__init__(_Mlflow(settings), attempts)
        self._settings = settings

    @translated("The store of runs and models cannot be opened.")
    def check(self) -> None:
        """Open the store and look for damage and for the right to write."""
        if not self._settings.mlflow_uri and self._database.exists():
            check_database(self._database)
        self._mlflow.client.search_experiments(max_results=1)

    def maintain(self) -> None:
        """Check the store, and back it up when the newest copy is a day old; a server does so each day."""
        self.check()
        if not self._settings.mlflow_uri and is_due(self._database, self._backups):
            self.back_up()

    @translated("The backup cannot be written.")
    def back_up(self) -> Path:
        """Copy the database to `mlruns/backups`, also while others write; the newest `keep_backups` are kept.

        Returns
        -------
        Path
            The copy; `core.backups.restore` puts it back.
        """
        if self._settings.mlflow_uri:
            raise StoreError("A remote store is backed up where it runs.", hint="Ask whoever runs the MLflow server.")
        return back_up(self._database, self._backups, self._settings.keep_backups)

    @property
    def _database(self) -> Path:
        return _database(self._settings)

    @property
    def _backups(self) -> Path:
        return self._settings.mlruns_dir / "backups"


class _Mlflow:
    """The `MlflowConnection`: MLflow's client for one home, opened when it is first needed."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._folder = settings.mlruns_dir
        self._remote = settings.mlflow_uri
        self._database = _database(settings)
        self._opening = threading.Lock()
        self._client: Any = None

    @functools.cached_property
    def home(self) -> str:
        path = self._folder / "home.id"
        if not path.exists():
            with FileLock(self._folder / "home.lock").alone():
                if not path.exists():
                    with atomic_path(path) as temporary:
                        temporary.write_text(uuid.uuid4().hex, encoding="utf-8")
        return path.read_text(encoding="utf-8").strip()

    @property
    def is_shared(self) -> bool:
        return bool(self._remote)

    @property
    def artifact_root(self) -> Path | None:
        return None if self._remote else self._folder / "artifacts"

    @property
    def client(self) -> Any:
        self._ensure_open()
        return self._client

    @property
    def catalogue(self) -> Catalogue:
        return self._catalogue

    @functools.cached_property
    def _catalogue(self) -> Catalogue:
        return ClientCatalogue(self.client) if self._remote else SqliteCatalogue(self._database)

    @property
    def files(self) -> Files:
        if not self._remote:
            return LocalFiles(self._folder / "artifacts")
        from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

        open_repository = functools.partial(get_artifact_repository, tracking_uri=self._remote)
        return RemoteFiles(open_repository, self._settings)

    def lock(self) -> AbstractContextManager[None]:
        return FileLock(self._folder / _LOCK).alone()

    def log_batch(
        self,
        run_id: str,
        *,
        params: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
        metrics: Sequence[Metric] = (),
        model_id: str | None = None,
    ) -> None:
        from mlflow import entities

        all_params = [entities.Param(name, value) for name, value in (params or {}).items()]
        all_tags = [entities.RunTag(name, value) for name, value in prefixed(tags or {}).items()]
        all_metrics = [
            entities.Metric(
                metric.name,
                metric.value,
                int(metric.timestamp.timestamp() * 1000) if metric.timestamp else now_ms(),
                metric.step,
                model_id=model_id,
                run_id=run_id,
            )
            for metric in metrics
        ]
        for start in range(0, max(len(all_params), len(all_tags), len(all_metrics)), _BATCH):
            part = slice(start, start + _BATCH)
            self.client.log_batch(run_id, all_metrics[part], all_params[part], all_tags[part])

    def log_dataset(self, run_id: str, dataset: Dataset) -> None:
        from mlflow import entities

        source = json.dumps({"uri": f"data/datasets/{dataset.id}", "file": dataset.file_name}, ensure_ascii=False)
        known = entities.Dataset(
            name=dataset.name,
            digest=dataset.id,
            source_type="local",
            source=source,
            schema=_dataset_schema(dataset),
            profile=json.dumps({"num_rows": dataset.n_rows, "num_elements": dataset.n_rows * dataset.n_columns}),
        )
        context = entities.InputTag("mlflow.data.context", "training")
        self.client.log_inputs(run_id, [entities.DatasetInput(known, [context])])

    def create_model(self, row: RunRow, details: ModelDetails, tags: Mapping[str, str]) -> str:
        from mlflow import entities

        name = details.key.replace(".", "_")
        model = self.client.create_logged_model(
            row.experiment_id, name, row.run_id, dict(tags), model_type=details.algo or None
        )
        self.client.log_outputs(row.run_id, [entities.LoggedModelOutput(model.model_id, step=0)])
        return str(model.model_id)

    @contextmanager
    def mlmodel(self, model: ModelRow, about: Description, n_bytes: int) -> Iterator[Mapping[str, Path]]:
        with scratch(self._settings, "mlmodel-") as work:
            folder = work / "model"
            _write_mlmodel(folder, model, about, n_bytes)
            yield {path.name: path for path in folder.iterdir()}

    def write_once(self, run_id: str, name: str, value: str) -> bool:
        # MLflow takes a param again only with the same value: of two homes it lets one have it.
        write = functools.partial(self.client.log_param, run_id, PREFIX + name, value)
        return self._unless("INVALID_PARAMETER_VALUE", write)

    def ensure_registered_model(self, name: str) -> None:
        self._unless("RESOURCE_ALREADY_EXISTS", lambda: self.client.create_registered_model(name))

    def _unless(self, code: str, write: Callable[[], object]) -> bool:
        """Write; return False where MLflow refuses with that code."""
        from mlflow.exceptions import MlflowException

        try:
            write()
        except MlflowException as error:
            if error.error_code != code:
                raise
            return False
        return True

    def _ensure_open(self) -> None:
        with self._opening:
            if self._client is None:
                self._client = self._open()

    def _open(self) -> Any:
        from mlflow import MlflowClient

        if self._remote:
            return MlflowClient(tracking_uri=self._remote, registry_uri=self._remote)
        uri = f"sqlite:///{self._database}"
        with FileLock(self._folder / _LOCK).alone(_OPEN_WAIT_S):
            self._folder.chmod(0o700)
            if not self._database.exists():
                self._create()
            enable_wal(self._database)
            self._bring_up_to_date(uri)
            client = MlflowClient(tracking_uri=uri, registry_uri=uri)
            client.search_registered_models(max_results=1)  # opens the registry while the lock is held
        return client

    def _bring_up_to_date(self, uri: str) -> None:
        """Copy and upgrade a database of an older MLflow, which does so itself only at times, and without a copy."""
        from alembic.script import ScriptDirectory
        from mlflow.store import db_migrations

        scripts = ScriptDirectory(str(Path(db_migrations.__file__).parent))
        with connect(self._database, read_only=True) as connection:
            (found,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        if found == scripts.get_current_head() or found not in {one.revision for one in scripts.walk_revisions()}:
            return  # it is of this MLflow, or of a newer one, which refuses
        from mlflow.db import upgrade

        back_up(self._database, self._folder / "backups", self._settings.keep_backups)
        upgrade.callback(uri)

    def _create(self) -> None:
        """Make the database under another name first: a migration that was killed leaves nothing half-made behind."""
        from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

        for left in self._folder.glob("new-*.db*"):
            left.unlink()
        path = self._folder / f"new-{uuid.uuid4().hex}.db"
        enable_wal(path)
        SqlAlchemyStore(f"sqlite:///{path}", (self._folder / "artifacts").as_uri()).engine.dispose()
        settle_wal(path)
        path.rename(self._database)


def _database(settings: Settings) -> Path:
    return settings.mlruns_dir / "mlflow.db"


def _dataset_schema(dataset: Dataset) -> str | None:
    """Return the columns as MLflow's pages show them; None where they are more than MLflow takes."""
    from mlflow.types.schema import ColSpec, Schema

    columns = [ColSpec(_COLUMN_TYPES[column.type], column.name) for column in dataset.schema.columns]
    text = json.dumps({"mlflow_colspec": Schema(columns).to_dict()}, ensure_ascii=False)
    return text if len(text) <= _MAX_SCHEMA_CHARS else None


def _write_mlmodel(folder: Path, model: ModelRow, about: Description, n_bytes: int) -> None:
    """Write a model's folder but for its own files (docs/decisions/0033-models-for-others.md)."""
    import mlflow.pyfunc
    from mlflow.models import Model, ModelSignature
    from mlflow.types.schema import AnyType, ColSpec, Schema

    mlmodel = Model(model_uuid=model.id, model_id=model.id, run_id=model.run_id)
    # What mlflow.h2o writes itself, but for the place: the engine's own file lies beside all others.
    mlmodel.add_flavor("h2o", h2o_version=about.h2o_version, data=".", code=None)
    mlflow.pyfunc.save_model(
        folder,
        mlflow_model=mlmodel,
        python_model=MODEL_CODE,
        signature=ModelSignature(
            Schema([ColSpec(AnyType(), name) for name in about.example.column_names]),
            Schema([ColSpec(kind, name) for name, kind in about.outputs]),
        ),
        input_example=about.example.to_pandas(),
        pip_requirements=list(about.requirements),
    )
    (folder / LIBRARY).write_bytes(packed_library())
    (folder / "h2o.yaml").write_text(f"model_file: {about.native}\n", encoding="utf-8")
    mlmodel.flavors["python_function"]["model_code_path"] = MODEL_CODE.name  # not the path on this machine
    mlmodel.model_size_bytes = n_bytes + sum(path.stat().st_size for path in folder.iterdir())
    mlmodel.save(folder / "MLmodel")
