"""The process that scores for MLflow: raw rows come in on its standard input, labels and probabilities go out.

Each table and each answer is one Arrow stream; an answer without columns says in its metadata what was wrong. It ends
when its input ends. `core/served/served_model.py` starts it, from the library beside the model's files.
"""

import os
from pathlib import Path
from typing import BinaryIO

import jpype
import pyarrow as pa
import pyarrow.compute as pc

from core.domain.models import ModelSpec
from core.engine.jvm.embedded import embedded_jvm
from core.engine.mojo.child import java
from core.engine.mojo.child.models import read_model
from core.errors import AppError, EmptyDataError, EngineError
from core.features.engine_input import engine_rows
from core.features.matching import fit_notation, prepare_packed
from core.metrics.labels import result_columns
from core.plain import from_json
from core.settings import load_settings

ERROR = b"error"


def main(folder: str, mojo: str, spec: str) -> None:
    """Answer until the input ends; the first answer, which nobody asked for, says whether the model can be used.

    Parameters
    ----------
    folder, mojo, spec : str
        Where the model is, and what its two files are called there.
    """
    questions, answers = os.fdopen(0, "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what Java prints is no answer
    try:
        scorer = RowScorer(Path(folder) / mojo, Path(folder) / spec)
    except AppError as error:
        _refuse(answers, error)
        return
    _send(answers, pa.table({}))
    while questions.peek(1):
        with pa.ipc.open_stream(questions) as rows:
            table = rows.read_all()
        try:
            _send(answers, scorer.score(table))
        except AppError as error:
            _refuse(answers, error)
        except jpype.JException as error:
            _refuse(answers, EngineError(f"H2O's MOJO runtime refused the rows: {error.message()}"))


class RowScorer:
    """One stored model, in a JVM of this process.

    Parameters
    ----------
    mojo, spec : Path
        Its two files.
    """

    def __init__(self, mojo: Path, spec: Path) -> None:
        self._spec = from_json(ModelSpec, spec.read_bytes())
        jvm = embedded_jvm(load_settings().scoring_memory_bytes)
        java.start(jvm.libjvm, jvm.jar, jvm.options)
        self._model = read_model(mojo.read_bytes())

    def score(self, raw: pa.Table) -> pa.Table:
        """Return the label and the probabilities, or the number, of each row.

        Parameters
        ----------
        raw : Table of shape (n_rows, n_columns)
            Columns as people have them: typed as in a Parquet file, or texts as in a CSV.

        Raises
        ------
        AppError
            If a column is missing, or there are no rows.
        """
        if not raw.num_rows:
            raise EmptyDataError("There are no rows to score.")
        source = pa.table([_plain(column) for column in raw.columns], names=raw.column_names)
        spec, _ = fit_notation(source, self._spec, is_workbook=False)
        typed, _ = prepare_packed(source, spec)
        found = pa.Table.from_batches([self._model.predict(rows) for rows in engine_rows(typed, spec.features)])
        return result_columns(found, spec, spec.threshold)


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column in one of the types that a file is read to."""
    types, kind = pa.types, column.type
    if types.is_dictionary(kind):
        return _plain(column.cast(kind.value_type))
    if types.is_decimal(kind) or types.is_float16(kind):
        return pc.cast(column, pa.float64(), safe=False)
    is_kept = types.is_integer(kind) or types.is_floating(kind) or types.is_timestamp(kind) or types.is_date(kind)
    return column if is_kept else pc.cast(column, pa.string())


def _send(answers: BinaryIO, table: pa.Table) -> None:
    with pa.ipc.new_stream(answers, table.schema) as writer:
        writer.write_table(table)
    answers.flush()


def _refuse(answers: BinaryIO, error: AppError) -> None:
    words = f"{error.message} {error.hint or ''}".strip()
    _send(answers, pa.table({}).replace_schema_metadata({ERROR: words.encode()}))
