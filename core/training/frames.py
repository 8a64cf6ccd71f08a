"""The tables that a run sends to the engine, rebuilt from its plan: the same bytes each time."""

from pathlib import Path

import numpy as np
import pyarrow as pa

from core.domain.columns import Column, Schema
from core.engine.protocol import Engine
from core.errors import DataError
from core.features.engine_input import engine_csv
from core.features.features import read_target, to_features
from core.files import scratch
from core.settings import Settings
from core.training.plan.plan import Plan


def write_frame(
    plan: Plan, rows: np.ndarray, path: Path, *, folds: np.ndarray | None = None
) -> tuple[tuple[str, str], ...]:
    """Write rows as the engine gets them: features, then weights and folds where there are any, then the target.

    Parameters
    ----------
    rows : ndarray of int64
        Row numbers in the dataset, in the order to write them.
    path : Path
        The CSV file to write, without a header; `core.features.engine_input` tells its form.
    folds : ndarray of int64, optional
        The fold of each row; not for rows that are not trained on.

    Returns
    -------
    tuple of (str, str)
        The engine's name and ``"Numeric"`` or ``"Enum"`` of every column.
    """
    columns = list(plan.features.columns)
    raw = plan.data.typed(plan.inputs.names).take(pa.array(rows))
    typed = to_features(raw, plan.recipe, plan.features)[0]
    if weights := plan.settings.weights_column:
        columns.append(plan.dataset.schema[weights])
        typed = typed.append_column(weights, weights_of(plan, weights, rows))
    if folds is not None and plan.fold_column:
        columns.append(Column(plan.fold_column, "numeric", integer=True))
        typed = typed.append_column(plan.fold_column, pa.array(folds))
    typed = typed.append_column(plan.target.name, target_of(plan).take(pa.array(rows)))
    return engine_csv(typed, Schema((*columns, plan.target)), path, plan.aliases, target=plan.target.name)


def send_frame(
    engine: Engine, settings: Settings, plan: Plan, rows: np.ndarray, *, folds: np.ndarray | None = None
) -> str:
    """Send rows to the engine as it trains on them and is judged on them; return the frame's key.

    Parameters
    ----------
    settings : Settings
        Of the home, in whose work folder the rows are written.
    rows, folds
        As `write_frame` takes them.
    """
    with scratch(settings, "run-") as folder:
        csv = folder / "frame.csv"
        frame = engine.frames.upload(csv, write_frame(plan, rows, csv, folds=folds))
    if plan.settings.task != "binary":
        return frame
    # H2O takes the last class as the positive one; put ours there.
    releveled = engine.frames.relevel(frame, plan.target.name, plan.classes[0])
    engine.delete([frame])
    return releveled


def target_of(plan: Plan) -> pa.ChunkedArray:
    """Return the target of all rows of the dataset as the engine gets it."""
    return read_target(plan.data, plan.target, plan.target_recipe)


def weights_of(plan: Plan, name: str, rows: np.ndarray) -> pa.ChunkedArray:
    """Return how much each of some rows counts, by the column of that name."""
    return plan.data.typed([name])[name].take(pa.array(rows))


def import_frame(engine: Engine, plan: Plan) -> str:
    """Let the cluster read the data that a dataset is a sample of, without the rows of the sample; return the key.

    Raises
    ------
    DataError
        Code ``cluster.data_changed`` if the data is not what it was when the dataset was added.
    """
    remote = plan.dataset.remote
    if remote is None:
        raise ValueError("The dataset is no sample.")
    aliases, schema = plan.aliases, plan.dataset.schema
    whole = engine.imports.read(remote.address)
    sample, rest = engine.imports.part(whole, remote.share)
    try:
        if engine.imports.describe(sample).checksum != remote.sample_checksum:
            raise DataError(
                f"The data at {remote.address} has changed since it was added.",
                hint="Add it again as a new version.",
                code="cluster.data_changed",
            )
    finally:
        engine.delete([whole, sample])
    used = (*plan.features.columns, plan.target)
    kinds = {one.name: "Enum" if one.type == "category" else "Numeric" for one in used}
    typed = engine.imports.as_types(rest, [(aliases.column(name), kinds.get(name, "")) for name in schema.names])
    if plan.settings.task != "binary":
        return typed
    # H2O takes the last class as the positive one; put ours there.
    releveled = engine.frames.relevel(typed, plan.target.name, plan.classes[0])
    engine.delete([typed])
    return releveled
