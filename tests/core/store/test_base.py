"""What `translated` makes of errors, whoever loads MLflow and however far that is."""

import sys
from types import ModuleType

import pytest

from core.errors import StoreError
from core.store.base import StoreBase, translated


class Kind(Exception):
    """An error of MLflow."""


class Reading(StoreBase):
    """A part of the store whose one method raises what is given."""

    @translated("It cannot be read.")
    def read(self, error: Exception | None, loads: ModuleType | None = None) -> str:
        if loads is not None:
            sys.modules["mlflow.exceptions"] = loads
        if error is not None:
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
