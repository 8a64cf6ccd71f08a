"""What all parts of the store share: the connection's shape, the translation of errors, finding a run or a model."""

import functools
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from core.domain.datasets import Dataset
from core.domain.models import ModelDetails
from core.errors import ModelNotFoundError, RunNotFoundError, StoreBusyError
from core.served.description import Description
from core.sqlite import store_errors
from core.store.artifacts import Files
from core.store.items import Metric
from core.store.records import Catalogue, ModelRow, RunRow, check_model_id, check_run_id
from core.store.remembered import Remembered

_P = ParamSpec("_P")
_T = TypeVar("_T")
_S = TypeVar("_S", bound="StoreBase")


class MlflowConnection(Protocol):
    """What the store needs of MLflow; `core.store.mlflow` alone makes one."""

    @property
    def client(self) -> Any:
        """MLflow's client; the first use loads MLflow and opens or makes the database."""

    @property
    def catalogue(self) -> Catalogue:
        """Reads runs and models."""

    @property
    def files(self) -> Files:
        """The artifacts."""

    @property
    def home(self) -> str:
        """The id of this home, made when it is first asked for."""

    @property
    def is_shared(self) -> bool:
        """Whether other homes may have their runs there too."""

    @property
    def artifact_root(self) -> Path | None:
        """The folder for the artifacts of new experiments; None where the server decides."""

    def lock(self) -> AbstractContextManager[None]:
        """Keep all other threads and processes of this home from the same step."""

    def log_batch(
        self,
        run_id: str,
        *,
        params: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
        metrics: Sequence[Metric] = (),
        model_id: str | None = None,
    ) -> None:
        """Write params, metrics (of the run, or of a model) and tags of a run."""

    def log_dataset(self, run_id: str, dataset: Dataset) -> None:
        """Make a dataset the run's input."""

    def write_once(self, run_id: str, name: str, value: str) -> bool:
        """Write a param of a run, once and for all; False if another value stands there."""

    def create_model(self, row: RunRow, details: ModelDetails, tags: Mapping[str, str]) -> str:
        """Make a logged model that a run put out, and return its id."""

    def mlmodel(self, model: ModelRow, about: Description, n_bytes: int) -> AbstractContextManager[Mapping[str, Path]]:
        """Write the files by which MLflow's tools open a model whose own files have so many bytes."""

    def ensure_registered_model(self, name: str) -> None:
        """Make a registered model where there is none of that name."""


class StoreBase:
    """A part of the store.

    Parameters
    ----------
    attempts : int
        How often a call is made while the store is busy.
    """

    def __init__(self, connection: MlflowConnection, attempts: int = 1) -> None:
        self._mlflow = connection
        self._attempts = attempts
        self._locations: dict[str, str] = {}
        self._remembered = Remembered()

    def _run(self, run_id: str, *, complete: bool = False) -> RunRow:
        row = next(iter(self._mlflow.catalogue.runs(ids=(check_run_id(run_id),))), None)
        if row is None or (complete and not row.is_complete):
            raise RunNotFoundError("There is no run with this id.")
        self._locations[run_id] = row.location
        return row

    def _location(self, run_id: str) -> str:
        """Return where the files of a run lie, which never changes: a server is asked for the run once."""
        return self._locations.get(run_id) or self._run(run_id).location

    def _model(self, model_id: str) -> ModelRow:
        row = next(iter(self._mlflow.catalogue.models(ids=(check_model_id(model_id),))), None)
        if row is None or not row.is_ready:
            raise ModelNotFoundError("There is no model with this id.")
        return row


def translated(
    message: str,
) -> Callable[[Callable[Concatenate[_S, _P], _T]], Callable[Concatenate[_S, _P], _T]]:
    """Make a method raise `StoreError` kin only, and call it again while the store is busy.

    Parameters
    ----------
    message : str
        What cannot be done, one sentence safe to show.
    """

    def decorate(method: Callable[Concatenate[_S, _P], _T]) -> Callable[Concatenate[_S, _P], _T]:
        @functools.wraps(method)
        def call(self: _S, /, *args: _P.args, **options: _P.kwargs) -> _T:
            for attempt in range(1, self._attempts):
                try:
                    with store_errors(message, _foreign_errors):
                        return method(self, *args, **options)
                except StoreBusyError:
                    time.sleep(0.1 * 2**attempt)
            with store_errors(message, _foreign_errors):
                return method(self, *args, **options)

        return call

    return decorate


def _foreign_errors() -> tuple[type[Exception], ...]:
    """Return what a store may raise; MLflow's own kinds only when something has loaded it, which costs seconds.

    A module that another thread is still loading may not have its kind yet.
    """
    kinds = (("mlflow.exceptions", "MlflowException"), ("sqlalchemy.exc", "SQLAlchemyError"))
    return tuple(getattr(sys.modules[module], kind) for module, kind in kinds if hasattr(sys.modules.get(module), kind))
