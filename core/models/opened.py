"""A stored model, opened: the one place that knows the names of its files, those beside it and those of its run."""

import copy
import io
import json
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from core.data.drift.compare import Reference
from core.domain.backtest import Backtest
from core.domain.models import ModelDetails, ModelInfo, ModelSpec, Origin
from core.errors import ExplanationError, StoreCorruptError, StoreError
from core.explanations.items import FORMAT, Explanations, ShapFeature
from core.explanations.points import from_points, to_points
from core.features.indicators import NO_INDICATORS, Indicators
from core.metrics.predictions import Predictions, read_table
from core.metrics.ranking import IntArray
from core.plain import from_json, from_plain, to_json
from core.store.items import Artifact
from core.store.mlflow import Store

MOJO: Final = "model.mojo.zip"
NATIVE: Final = "model.bin"
SPEC: Final = "spec.json"
ORIGINS: Final[tuple[Origin, ...]] = ("cv", "holdout")
_REFERENCE: Final = "reference.json"
_BACKTEST: Final = "backtest.json"
_EXPLANATIONS, _POINTS = "explanations.json", "shap.parquet"


class StoredModel:
    """A stored model; each file is read when it is asked for.

    Parameters
    ----------
    store : Store
        Where it is.
    info : ModelInfo
        Which one.

    Notes
    -----
    Everything may raise `StoreError`; `spec`, `predictions`, `mojo` and `native` `ModelNotFoundError` where the model's
    files were not kept.
    """

    def __init__(self, store: Store, info: ModelInfo) -> None:
        self.info = info
        self._store = store

    def known_as(self, info: ModelInfo) -> "StoredModel":
        """Return it with what the store says of it now; what was read of its files, which never change, stays read."""
        if info == self.info:
            return self
        found = copy.copy(self)
        found.info = info
        return found

    @cached_property
    def spec(self) -> ModelSpec:
        """What must be known of the model to score with it."""
        path, _ = self._store.model_file(self.info.id, SPEC)
        return from_json(ModelSpec, path.read_bytes())

    def mojo(self) -> tuple[Path, str]:
        """Return a local path of the file that scores, and the sha256 that it must have."""
        return self._store.model_file(self.info.id, MOJO)

    def native(self) -> tuple[Path, str]:
        """Return a local path of the engine's own file, and the sha256 that it must have."""
        return self._store.model_file(self.info.id, NATIVE)

    @cached_property
    def details(self) -> ModelDetails:
        """What the engine knew of the model; next to nothing where a run was killed before it was noted."""
        path = self._find(_details_path(self.info.model_key))
        if path is None:
            return ModelDetails(key=self.info.model_key, algo=self.info.algo, metrics=self.info.metrics)
        return from_json(ModelDetails, path.read_bytes())

    @cached_property
    def reference(self) -> Reference | None:
        """What the training rows looked like; None for models trained before this was stored."""
        return find_reference(self._store, self.info.run_id)

    @cached_property
    def origins(self) -> tuple[Origin, ...]:
        """Where predictions are stored from: cross-validation, holdout, both (in this order) or neither."""
        folder = _predictions_path(self.info.model_key, "cv").rpartition("/")[0]
        stored = set(self._store.artifacts(self.info.run_id, folder))
        return tuple(origin for origin in ORIGINS if _predictions_path(self.info.model_key, origin) in stored)

    def predictions(self, origin: Origin) -> Predictions:
        """Read the stored predictions of one of the `origins`.

        DataError if there are no rows, or they are not the model's.
        """
        path = _predictions_path(self.info.model_key, origin)
        return read_table(pq.read_table(self._store.artifact(self.info.run_id, path)), self.spec, origin)

    def promised(self) -> Predictions | None:
        """Read what the model is held to: its holdout, else cross-validation; None where neither was stored."""
        return self.predictions(self.origins[-1]) if self.origins else None

    @cached_property
    def held_out_rows(self) -> IntArray:
        """Places in the dataset of the rows that training never saw; empty when none were held out."""
        path = self._find(_predictions_path(self.info.model_key, "holdout"))
        if path is None:
            return np.array([], dtype=np.int64)
        rows: IntArray = pq.read_table(path, columns=["row"])["row"].to_numpy()
        return rows

    @property
    def explanations(self) -> Explanations | None:
        """The stored explanations, read again each time; None when none were stored, or they name features otherwise.

        An older version explained what a recipe one-hot encoded level by level (docs/decisions/0044).
        ExplanationError if what is stored was written by a newer version or is damaged.
        """
        path = self._find(self._explanations_path(_EXPLANATIONS))
        if path is None:
            return None
        try:
            data = json.loads(path.read_bytes())
            if data["format"] > FORMAT:
                raise ExplanationError(
                    "A newer version of Bellwether stored these explanations.", hint="Update Bellwether."
                )
            found = from_plain(Explanations, data)
            if self._names_levels(found):
                return None
            points = self._find(self._explanations_path(_POINTS))
            return found if points is None else found.with_shap(from_points(pq.read_table(points)))
        except (KeyError, TypeError, ValueError, StoreCorruptError) as error:  # pyarrow's and json's are ValueErrors
            raise ExplanationError(
                "The stored explanations of this model cannot be read.", hint="Compute them again."
            ) from error

    def _names_levels(self, found: Explanations) -> bool:
        ranked = found.variable_importance.data or ()
        indicators = Indicators.of(self.spec) if self.info.has_files else NO_INDICATORS
        return any(indicators.column_of(one.feature) != one.feature for one in ranked)

    def save_explanations(self, found: Explanations) -> None:
        """Store explanations with the model's run, in place of earlier ones."""
        items, plain = [], found
        if found.shap_summary.data is not None:
            features = found.shap_summary.data.features
            plain = found.with_shap(tuple(ShapFeature(f.feature, f.mean_absolute) for f in features))
            buffer = io.BytesIO()
            pq.write_table(to_points(features), buffer, compression="zstd")
            items.append(Artifact(self._explanations_path(_POINTS), buffer.getvalue()))
        # The JSON comes last: reading looks for it.
        items.append(Artifact(self._explanations_path(_EXPLANATIONS), to_json(plain).encode()))
        self._store.log(self.info.run_id, items)

    def _explanations_path(self, name: str) -> str:
        return f"explanations/{self.info.model_key}/{name}"

    def _find(self, path: str) -> Path | None:
        return _find(self._store, self.info.run_id, path)


def find_reference(store: Store, run_id: str) -> Reference | None:
    """Return what the training rows of a run looked like; None for runs of before this was stored."""
    path = _find(store, run_id, _REFERENCE)
    return None if path is None else from_json(Reference, path.read_bytes())


def find_backtest(store: Store, run_id: str) -> Backtest | None:
    """Return what came of the backtest of a run; None for runs without one."""
    path = _find(store, run_id, _BACKTEST)
    return None if path is None else from_json(Backtest, path.read_bytes())


def _find(store: Store, run_id: str, path: str) -> Path | None:
    """Return a local path of a file of a run; None when there is none."""
    try:
        return store.artifact(run_id, path)
    except StoreError as error:
        if error.code != "artifact.not_found":
            raise
        return None


# --- written while the model is trained -------------------------------------------------------------------------------


def details_file(details: ModelDetails) -> Artifact:
    """Return what the engine knows of a model as a file of its run."""
    return Artifact(_details_path(details.key), to_json(details, indent=1).encode())


def predictions_file(model_key: str, origin: Origin, table: pa.Table, folder: Path) -> Artifact:
    """Write predictions on rows that a model had not seen to a folder, and return them as a file of its run."""
    path = folder / f"{model_key}_{origin}.parquet"
    pq.write_table(table, path, compression="zstd")
    return Artifact(_predictions_path(model_key, origin), path)


def reference_file(reference: Reference) -> Artifact:
    """Return what the training rows looked like as a file of the run."""
    return Artifact(_REFERENCE, to_json(reference).encode())


def backtest_file(found: Backtest) -> Artifact:
    """Return what came of a backtest as a file of the run."""
    return Artifact(_BACKTEST, to_json(found, indent=1).encode())


def _details_path(model_key: str) -> str:
    return f"details/{model_key}.json"


def _predictions_path(model_key: str, origin: Origin) -> str:
    return f"predictions/{model_key}/{origin}.parquet"
