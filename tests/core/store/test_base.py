"""What `translated` makes of errors, whoever loads MLflow and however far that is."""

import sys
from collections.abc import Callable
from types import ModuleType

import pytest

from core.errors import StoreBusyError, StoreError
from core.store.base import StoreBase, translated


class Kind(Exception):
    """An error of MLflow."""


class Reading(StoreBase):
    """A part of the store whose methods raise what they are given."""

    next: Callable[[], Exception | None]

    @translated("It cannot be read.")
    def read(self, error: Exception | None, loads: ModuleType | None = None) -> str:
        if loads is not None:
            sys.modules["mlflow.exceptions"] = loads
        if error is not None:
            raise error
        return "read"

    @translated("It cannot be read.")
    def read_next(self) -> str:
        """Fail as `next` says, which is asked each time."""
        if (error := self.next()) is not None:
            raise error
        return "read"


@pytest.fixture
def part(monkeypatch) -> Reading:
    monkeypatch.delitem(sys.modules, "mlflow.exceptions", raising=False)
    return Reading(None)  # type: ignore[arg-type]


def test_a_read_while_another_thread_is_loading_mlflow_is_a_read(part, monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow.exceptions", ModuleType("mlflow.exceptions"))
    assert part.read(None) == "read"
    with pytest.raises(StoreError):
        part.read(OSError(5, "gone"))


def test_an_error_of_mlflow_that_the_call_itself_loaded_is_translated(part, monkeypatch):
    loaded = ModuleType("mlflow.exceptions")
    loaded.MlflowException = Kind  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "mlflow.exceptions", loaded)  # so that it is put back
    monkeypatch.delitem(sys.modules, "mlflow.exceptions")
    with pytest.raises(StoreError, match="It cannot be read"):
        part.read(Kind("gone"), loaded)


def test_a_call_that_a_server_broke_off_is_made_again_by_who_has_patience(part, monkeypatch):
    loaded = ModuleType("mlflow.exceptions")
    loaded.MlflowException = Kind  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "mlflow.exceptions", loaded)
    broken = Kind("API request to http://x/runs/search failed with exception ('Connection broken: IncompleteRead(0)')")
    with pytest.raises(StoreBusyError, match="The MLflow server does not answer"):
        part.read(broken)
    tries = iter([broken, None])
    patient = Reading(None, attempts=2)  # type: ignore[arg-type]
    monkeypatch.setattr("core.store.base.time.sleep", lambda _: None)
    patient.next = lambda: next(tries)
    assert patient.read_next() == "read"
