"""What a model is judged by without an engine: its stored predictions, and the rows of the dataset they belong to."""

import pyarrow as pa
import pyarrow.parquet as pq

from core.data.datasets.registry import Datasets
from core.domain.columns import FEATURE_TYPES, Schema
from core.domain.models import ModelInfo, ModelSpec, Origin
from core.errors import DataError
from core.metrics import curves
from core.metrics.predictions import Predictions, read_table
from core.store.mlflow import Store

ORIGINS: tuple[Origin, ...] = ("cv", "holdout")
NO_PREDICTIONS = "No predictions on rows that it had not seen were stored with this model."


def stored_origins(store: Store, model: ModelInfo) -> tuple[Origin, ...]:
    """Return where predictions of a model are stored from: cross-validation, holdout, both or neither."""
    files = set(store.artifacts(model.run_id))
    return tuple(origin for origin in ORIGINS if _path(model, origin) in files)


def read_predictions(store: Store, model: ModelInfo, spec: ModelSpec, origin: Origin) -> Predictions:
    """Read the stored predictions of a model.

    Raises
    ------
    DataError
        If there are no rows, or they are not the model's.
    StoreError
        If they cannot be read.
    """
    return read_table(pq.read_table(store.artifact(model.run_id, _path(model, origin))), spec, origin)


def read_columns(datasets: Datasets, spec: ModelSpec, predictions: Predictions) -> tuple[pa.Table, Schema]:
    """Read what the dataset says of the rows predicted, in their order: every column but the target, names and texts.

    Returns
    -------
    Table of shape (n_rows, n_columns)
        Typed; columns that the model does not use are among them.
    Schema

    Raises
    ------
    DatasetNotFoundError
        If the dataset is gone.
    """
    schema = datasets.get(spec.dataset_id).schema
    wanted = schema.select(c.name for c in schema.columns if c.type in FEATURE_TYPES and c.name != spec.target)
    if not wanted.columns:
        raise DataError("The dataset has no column to part its rows by.", hint="Look at all rows together.")
    return datasets.typed(spec.dataset_id, wanted.names).take(pa.array(predictions.rows)), wanted


def measure(predictions: Predictions, threshold: float | None) -> dict[str, float]:
    """Return the metrics of stored predictions, exact over all rows; labels by the threshold where there is one."""
    if predictions.task == "regression":
        return curves.regression_metrics(predictions.actual, predictions.predicted)
    return curves.coded_metrics(
        predictions.codes,
        predictions.probabilities,
        predictions.classes,
        predictions.positive,
        predictions.decided(threshold),
    )


def _path(model: ModelInfo, origin: Origin) -> str:
    return f"predictions/{model.model_key}/{origin}.parquet"
