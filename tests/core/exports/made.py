"""Results as the scorer makes them, written down by hand."""

from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from core.domain.columns import Column, Schema
from core.domain.models import ModelInfo, ModelSpec
from core.models.decisions import Decision
from core.scoring.result import Scored

FEATURES = Schema(
    (Column("age", "numeric", integer=True), Column("city", "category", levels=("Bonn", "Oslo")), Column("at", "date"))
)
SOURCE = pa.table(
    {"id": ["7", "8", "9"], "age": ["33", "51", "40"], "city": ["Bonn", "Oslo", "Bonn"],
     "at": ["2026-01-01", "2026-01-02", ""], "left": ["a", "b", "c"]}
)  # fmt: skip


def model(**changes: Any) -> ModelInfo:
    """Return a model of the problem `sales`."""
    values: dict[str, Any] = {
        "id": "m-" + "0" * 32, "model_key": "GBM_1", "algo": "GBM", "run_id": "0" * 32, "experiment": "sales",
        "task": "binary", "metrics": {}, "created_at": datetime(2026, 1, 2, tzinfo=UTC),
    }  # fmt: skip
    return ModelInfo(**(values | changes))


def spec(**changes: Any) -> ModelSpec:
    """Return what that model needs; it tells buyers from others."""
    values: dict[str, Any] = {
        "task": "binary", "target": "buys", "target_column": Column("buys", "category", levels=("no", "yes")),
        "features": FEATURES, "classes": ("no", "yes"), "positive": "yes", "threshold": 0.5, "id_column": "id",
        "experiment": "sales", "dataset_name": "customers.csv",
    }  # fmt: skip
    return ModelSpec(**(values | changes))


def scored(results: dict[str, list[Any]], source: pa.Table = SOURCE, *, about: Any = None, **changes: Any) -> Scored:
    """Return a result of three rows; `changes` are the spec's, `about` is the model."""
    made = spec(**changes)
    return Scored(
        model=about or model(), spec=made, decision=Decision(0.5 if made.task == "binary" else None, "by hand"),
        source=source, results=pa.table(results), warnings=(), metrics=None,
    )  # fmt: skip
