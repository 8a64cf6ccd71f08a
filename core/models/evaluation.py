"""What a model is judged by without an engine: its stored predictions, and the rows of the dataset they belong to."""

import pyarrow as pa

from core.data.datasets.registry import Datasets
from core.domain.columns import FEATURE_TYPES, Schema
from core.domain.models import ModelSpec
from core.errors import DataError
from core.metrics import curves
from core.metrics.predictions import Predictions

NO_PREDICTIONS = "No predictions on unseen rows were stored with this model."


def read_columns(datasets: Datasets, spec: ModelSpec, predictions: Predictions) -> tuple[pa.Table, Schema]:
    """Read what the dataset says of the rows predicted, in their order: every column but the target, names and texts.

    Returns
    -------
    Table of shape (n_rows, n_columns)
        Typed; columns that the model does not use are among them.
    """
    data = datasets.open(spec.dataset_id)
    schema = data.about.schema
    wanted = schema.select(c.name for c in schema.columns if c.type in FEATURE_TYPES and c.name != spec.target)
    if not wanted.columns:
        raise DataError("The dataset has no column to group rows by.", hint="Look at all rows together.")
    return data.typed(wanted.names).take(pa.array(predictions.rows)), wanted


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
