"""A scoring result on disk: rows and predictions as Parquet, the rest as JSON, so that it can be had again later."""

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from core.data.tables.packed import AnyTable, read_packed, write_packed
from core.domain.models import ModelInfo, ModelSpec
from core.features.checking import FileCheck
from core.files import atomic_path, make_folder
from core.metrics.intervals import Intervals
from core.metrics.labels import PREDICTION, WHOLE_NUMBER
from core.metrics.ranking import FloatArray
from core.models.decisions import Decision
from core.plain import from_plain, to_json
from core.scoring.result import Scored

SOURCE, RESULTS, ACTUAL, ABOUT, SCORES = (
    "source.parquet", "results.parquet", "actual.parquet", "scored.json", "scores.parquet",
)  # fmt: skip
ID: Final = "id"
_SCORE: Final = "p_"
_GROUP_ROWS: Final = 65_536
_ARRAYS: Final = ("borders", "low", "high")


def save_scored(scored: Scored, folder: Path) -> None:
    """Write a result into a folder of its own; `load_scored` reads it back."""
    make_folder(folder)
    tables = {SOURCE: scored.source, RESULTS: scored.results}
    if scored.actual is not None:
        tables[ACTUAL] = pa.table({"actual": scored.actual})
    for name, table in tables.items():
        _write(table, folder / name)
    # Last: a folder with it is whole.
    with atomic_path(folder / ABOUT) as temporary:
        temporary.write_text(to_json(_about(scored)), encoding="utf-8")


def load_scored(folder: Path) -> Scored:
    """Read a result (OSError, or ValueError from pyarrow, if it is not there or damaged)."""
    about = json.loads((folder / ABOUT).read_text("utf-8"))
    actual = folder / ACTUAL
    return Scored(
        model=from_plain(ModelInfo, about["model"]),
        spec=from_plain(ModelSpec, about["spec"]),
        decision=from_plain(Decision, about["decision"]),
        source=read_packed(folder / SOURCE),
        results=pq.read_table(folder / RESULTS),
        warnings=tuple(about["warnings"]),
        metrics=about["metrics"],
        actual=pq.read_table(actual)["actual"] if actual.is_file() else None,
        check=None if about["check"] is None else from_plain(FileCheck, about["check"]),
        intervals=_intervals(about["intervals"]),
        reasons_method=about["reasons_method"],
        scored_at=datetime.fromisoformat(about["scored_at"]),
        seconds=about["seconds"],
        renamed=tuple((theirs, ours) for theirs, ours in about.get("renamed", ())),
    )


def save_scores(scored: Scored, path: Path) -> bool:
    """Write the ids with what the model said of each, for outcomes that come later; return whether there are ids.

    Notes
    -----
    Columns: `id` (text as in the file, or whole numbers), and ``p_CLASS`` per class (of two classes the positive one
    alone) or `prediction` for numbers.
    """
    if scored.id_name is None:
        return False
    spec = scored.spec
    columns = {ID: plain_ids(scored.source[scored.id_name])}
    if spec.task == "regression":
        columns[PREDICTION] = scored.results[PREDICTION]
    else:
        names = [str(spec.positive)] if spec.task == "binary" else list(spec.classes)
        columns |= {f"{_SCORE}{name}": scored.results[f"probability_{name}"] for name in names}
    _write(pa.table(columns), path)
    return True


def read_probabilities(scores: pa.Table, spec: ModelSpec) -> FloatArray:
    """Return the probabilities in what `save_scores` wrote, shape (n_rows, n_classes), in the order of the classes."""
    if spec.task != "binary":
        return np.column_stack([scores[f"{_SCORE}{name}"].to_numpy() for name in spec.classes])
    place = spec.classes.index(str(spec.positive))
    probability = scores[f"{_SCORE}{spec.positive}"].to_numpy()
    columns = [1 - probability, 1 - probability]
    columns[place] = probability
    return np.column_stack(columns)


def plain_ids(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return ids as texts that can be compared over files: ``7`` for 7, 7.0 and " 7"."""
    if pa.types.is_floating(values.type):
        values = pa.chunked_array([pa.array([_whole(value) for value in values.to_pylist()], pa.string())])
    return pc.utf8_trim_whitespace(values.cast(pa.string()))


def _whole(value: float | None) -> str | None:
    if value is None:
        return None
    return str(int(value)) if value == int(value) and WHOLE_NUMBER.match(str(int(value))) else repr(value)


def _write(table: AnyTable, path: Path) -> None:
    make_folder(path.parent)
    with atomic_path(path) as temporary:
        write_packed(table, temporary, rows_a_group=_GROUP_ROWS, compression="zstd", compression_level=1)


def _about(scored: Scored) -> dict[str, Any]:
    return {
        "model": scored.model,
        "spec": scored.spec,
        "decision": scored.decision,
        "warnings": scored.warnings,
        "metrics": scored.metrics,
        "check": scored.check,
        "intervals": scored.intervals and _fields(scored.intervals),
        "reasons_method": scored.reasons_method,
        "scored_at": scored.scored_at,
        "seconds": scored.seconds,
        "renamed": scored.renamed,
    }


def _fields(intervals: Intervals) -> dict[str, Any]:
    arrays = {name: getattr(intervals, name).tolist() for name in _ARRAYS}
    return {
        **arrays, "level": intervals.level, "n_residuals": intervals.n_residuals, "coverage": intervals.coverage,
        "n_holdout": intervals.n_holdout,
    }  # fmt: skip


def _intervals(data: Mapping[str, Any] | None) -> Intervals | None:
    if data is None:
        return None
    return Intervals(**{**data, **{name: np.array(data[name], dtype=np.float64) for name in _ARRAYS}})
