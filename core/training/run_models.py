"""The models of one run: what is stored of each, at once when it appears and whole at the end."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa

from core.data.drift.compare import Reference
from core.domain.models import ModelDetails, ModelInfo, ModelSpec
from core.domain.runs import AutoMLJob
from core.engine.protocol import Engine
from core.files import scratch
from core.metrics.curves import best_f1_threshold
from core.models.leaderboard import no_better_text
from core.models.opened import MOJO, NATIVE, SPEC, details_file, find_reference, predictions_file
from core.plain import to_json
from core.served.description import describe
from core.settings import Settings
from core.store.items import RunItem
from core.store.mlflow import Store
from core.training.frames import target_of, weights_of
from core.training.plan.plan import Plan

KEEP_TOP = 5  # besides the leader: these keep their MOJO and native binary
THRESHOLD_ORIGIN = "max F1 on cross-validation predictions"
ONCE = ", each row counted once"  # said where the rows have weights
ENGINE_THRESHOLD_ORIGIN = "max F1 on cross-validation predictions, as the engine rounds it"


class RunModels:
    """Stores the models of one run with what scoring and explaining them later needs.

    Parameters
    ----------
    run_id : str
        The run that the models are of.

    Attributes
    ----------
    logged : dict of str to str
        The store's model id by the engine's model key.
    secured : set of str
        Keys of the models whose files are stored: they can score.
    kept : set of str
        Keys of those whose predictions are stored too: they can be explained.
    """

    def __init__(self, settings: Settings, store: Store, engine: Engine, run_id: str) -> None:
        self._settings = settings
        self._store = store
        self._engine = engine
        self._run_id = run_id
        self.logged: dict[str, str] = {}
        self.secured: set[str] = set()
        self.kept: set[str] = set()

    def reload(self) -> None:
        """Note what a former owner of the run has stored already."""
        for model in self._store.models(run_id=self._run_id):
            self.logged[model.model_key] = model.id
            if model.has_files:
                self.secured.add(model.model_key)

    def add(self, plan: Plan, job: AutoMLJob, key: str, *, is_top: bool) -> None:
        """Note a model that has appeared, with its metrics; one of the best with the files that scoring needs."""
        details = self._engine.models.details(key)
        if job.holdout_frame:
            metrics = self._engine.models.holdout_metrics(key, job.holdout_frame)
            details = replace(
                details, metrics={**details.metrics, **{f"holdout_{name}": value for name, value in metrics.items()}}
            )
        model_id = self._store.add_model(self._run_id, details, plan.settings.task)
        self.logged[key] = model_id
        if is_top:
            self._secure(plan, details, model_id)
        self._store.log(self._run_id, [details_file(details)])

    def keep(self, plan: Plan, job: AutoMLJob, details: ModelDetails, model_id: str) -> None:
        """Store what scoring and explaining this model later needs."""
        spec = _make_spec(plan, details, self._run_id)
        items: list[RunItem] = [details_file(details)]
        with scratch(self._settings, "run-") as folder:
            if plan.dataset.remote:  # those of all rows stay in the cluster
                if plan.settings.task == "binary" and details.cv_threshold is not None:
                    spec = spec.with_threshold(details.cv_threshold, ENGINE_THRESHOLD_ORIGIN)
            elif details.cv_predictions_key:
                raw = _named(self._engine.frames.download(details.cv_predictions_key), details)
                # With rows for blending an ensemble is fitted on these, and judged in folds of them.
                is_blended = bool(details.base_models) and len(plan.blending_rows) > 0
                table = self._predictions(plan, raw, plan.blending_rows if is_blended else plan.train_rows)
                items.append(predictions_file(details.key, "cv", table, folder))
                if plan.settings.task == "binary":
                    origin = THRESHOLD_ORIGIN + (ONCE if plan.settings.weights_column else "")
                    spec = spec.with_threshold(_best_threshold(table, plan), origin)
            if job.holdout_frame:
                raw = self._engine.models.predict(details.key, job.holdout_frame)
                table = self._predictions(plan, raw, plan.holdout_rows)
                items.append(predictions_file(details.key, "holdout", table, folder))
            self._store.log(self._run_id, items)
            self._save(details.key, model_id, spec, folder)
        self.kept.add(details.key)

    def rank(self, board: pa.Table, order: Sequence[str]) -> None:
        """Note the places of the models on the leaderboard; those that fell behind lose their files."""
        names = board.column_names
        for place, key in enumerate(order):
            tags = {"rank": str(place + 1)}
            if "training_time_ms" in names:
                tags["training_time_s"] = str(float(board["training_time_ms"][place].as_py() or 0) / 1000)
            self._store.set_model_tags(self.logged[key], tags)
            if place > KEEP_TOP and key in self.secured:
                self._store.drop_model_files(self.logged[key])

    def compare(self, plan: Plan, constant: Mapping[str, float], order: Sequence[str]) -> None:
        """Note of each model that does not beat the constant predictor that it does not."""
        for model in self._store.models(run_id=self._run_id, limit=10_000):
            if model.model_key in order and (words := no_better_text(model.metrics, constant, plan.settings)):
                self._store.set_model_tags(model.id, {"no_better": words})

    def _secure(self, plan: Plan, details: ModelDetails, model_id: str) -> None:
        """Store what scoring needs, should the engine die later; what takes longer to fetch waits for the end."""
        spec = _make_spec(plan, details, self._run_id)
        if plan.settings.task == "binary" and details.cv_threshold is not None:
            spec = spec.with_threshold(details.cv_threshold, ENGINE_THRESHOLD_ORIGIN)
        with scratch(self._settings, "run-") as folder:
            self._save(details.key, model_id, spec, folder)

    def _save(self, key: str, model_id: str, spec: ModelSpec, folder: Path) -> None:
        """Store a model's files, those of the engine once; the tag that says "complete" comes last."""
        (folder / SPEC).write_bytes(to_json(spec, indent=1).encode())
        names, about = [SPEC], None
        if key not in self.secured:
            self._engine.models.save_mojo(key, folder / MOJO)
            self._engine.models.save_native(key, folder / NATIVE)
            names, about = [MOJO, NATIVE, SPEC], describe(spec, self._reference, NATIVE)
        self._store.save_model_files(model_id, {name: folder / name for name in names}, about)
        self.secured.add(key)

    @cached_property
    def _reference(self) -> Reference | None:
        return find_reference(self._store, self._run_id)

    def _predictions(self, plan: Plan, raw: pa.Table, rows: np.ndarray) -> pa.Table:
        """Return the engine's predictions with row numbers and actual values, one row per row of the frame."""
        actual = target_of(plan).take(pa.array(rows))
        columns = {"row": pa.chunked_array([pa.array(rows)])}
        if weights := plan.settings.weights_column:
            columns["weight"] = weights_of(plan, weights, rows)
        if plan.classes:
            columns["actual"] = actual
            columns |= {f"p_{name}": raw[name] for name in plan.classes}
        else:
            columns["actual"] = actual.cast(pa.float64())
            columns["predicted"] = raw["predict"]
        return pa.table(columns)


def _make_spec(plan: Plan, details: ModelDetails, run_id: str) -> ModelSpec:
    return ModelSpec(
        task=plan.settings.task,
        target=plan.target.name,
        target_column=plan.target,
        features=plan.features,
        classes=plan.classes,
        positive=plan.classes[-1] if plan.settings.task == "binary" else None,
        id_column=plan.id_column,
        experiment=plan.settings.experiment,
        run_id=run_id,
        model_key=details.key,
        algo=details.algo,
        dataset_id=plan.dataset.id,
        dataset_name=plan.dataset.name,
        inputs=plan.recipe.inputs if plan.recipe else None,
        recipe=plan.recipe.to_dict() if plan.recipe else None,
        target_recipe=plan.target_recipe.to_dict() if plan.target_recipe else None,
        aliases=plan.aliases,
        renamed=plan.renamed,
        weights_column=plan.settings.weights_column,
    )


def _named(raw: pa.Table, details: ModelDetails) -> pa.Table:
    """Name the probability columns like the classes and leave out the label, for a class may be called like it."""
    return pa.table(raw.columns[1:], names=details.domain) if details.domain else raw


def _best_threshold(predictions: pa.Table, plan: Plan) -> float:
    positive = plan.classes[-1]
    is_positive = np.asarray(predictions["actual"].to_numpy(zero_copy_only=False) == positive)
    return best_f1_threshold(is_positive, predictions[f"p_{positive}"].to_numpy())[0]


def with_holdout(board: pa.Table, models: Mapping[str, ModelInfo]) -> pa.Table:
    """Add the holdout metrics to H2O's leaderboard, whose own metrics come from cross-validation."""
    found = [models[key].metrics if key in models else {} for key in board["model_id"].to_pylist()]
    for name in sorted({name for metrics in found for name in metrics if name.startswith("holdout_")}):
        board = board.append_column(name, pa.array([metrics.get(name) for metrics in found], pa.float64()))
    return board
