"""A run as a script and a notebook in plain h2o and mlflow, with the prepared data that they need.

Why the prepared data and not the file that was uploaded: docs/decisions/0021-reproduce.md.
"""

import json
import pprint
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.data.datasets.registry import Datasets
from core.domain.models import ModelInfo
from core.domain.runs import RunInfo
from core.domain.training import TrainingSettings
from core.engine.rest.spec import Frames, build_spec
from core.errors import DataError
from core.files import atomic_path, sha256_of
from core.recipes.recipe import Recipe
from core.settings import Settings
from core.store.items import recipe_label
from core.store.mlflow import Store
from core.store.records import versions
from core.training.frames import write_frame
from core.training.plan.plan import Plan, make_plan
from core.training.proof.verification import check_verifiable, obstacles, step_name

SCRIPT, NOTEBOOK = "rebuild.py", "rebuild.ipynb"
CHUNK_BYTES = 4 * 1024**2  # as core.engine.rest.frames has the engine read
_BODY = Path(__file__).parent / "templates" / "rebuild.py.txt"
_CELL = "# %%\n"
_TYPES = {"Numeric": "numeric", "Enum": "enum"}
_WIDTH = 110


@dataclass(frozen=True)
class Bundle:
    """What rebuilds a run.

    Attributes
    ----------
    script, notebook : str
        The text of both.
    frames : mapping of str to Path
        The prepared data by file name: training rows, and held-out and blending rows where there are any.
    """

    script: str
    notebook: str
    frames: Mapping[str, Path]

    def write(self, folder: Path) -> list[Path]:
        """Write script and notebook beside the data, wherever that lies; return all files."""
        for name, text in ((SCRIPT, self.script), (NOTEBOOK, self.notebook)):
            with atomic_path(folder / name) as temporary:
                temporary.write_text(text, encoding="utf-8")
        return [folder / SCRIPT, folder / NOTEBOOK, *self.frames.values()]

    def zip_to(self, path: Path) -> None:
        """Write everything as one zip file."""
        with atomic_path(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(SCRIPT, self.script)
            archive.writestr(NOTEBOOK, self.notebook)
            for name, frame in self.frames.items():
                archive.write(frame, name)


def make_bundle(run: RunInfo, store: Store, datasets: Datasets, settings: Settings, folder: Path) -> Bundle:
    """Prepare a run's data again and write the script and the notebook for it.

    Raises
    ------
    RunError
        If the run has not finished.
    DataError
        If its rows stay with a cluster (``cluster.reproduce``), or its dataset no longer allows the run: its column
        types were changed since.

    Notes
    -----
    Takes as long as preparing and writing the training rows: about 2 s for 300,000 rows of 12 columns.
    """
    check_verifiable(run)
    plan = make_plan(run.settings, datasets, settings)
    if plan.dataset.remote:
        raise DataError(
            "The rows that this run trained on stay with the cluster; a script would have those of the sample only.",
            hint="Train it again on the cluster's data instead: Verify on the run's page, or `python -m core verify`.",
            code="cluster.reproduce",
        )
    parts: dict[str, tuple[np.ndarray, np.ndarray | None]] = {"train": (plan.train_rows, plan.folds)}
    parts |= {"holdout": (plan.holdout_rows, None)} if len(plan.holdout_rows) else {}
    parts |= {"blending": (plan.blending_rows, None)} if len(plan.blending_rows) else {}
    frames: dict[str, Path] = {}
    files: dict[str, dict[str, Any]] = {}
    for part, (rows, folds) in parts.items():
        path = frames[f"{part}.csv"] = folder / f"{part}.csv"
        columns = write_frame(plan, rows, path, folds=folds)
        files[part] = {
            "name": path.name,
            "rows": len(rows),
            "sha256": sha256_of(path),
            "columns": [(name, _TYPES[kind]) for name, kind in columns],
        }
    models = store.models(run_id=run.run_id, limit=10_000)
    why_not = obstacles(run, models, plan.dataset, None)
    script = make_script(run, plan, files, models, why_not)
    return Bundle(script, to_notebook(script), frames)


def make_script(
    run: RunInfo,
    plan: Plan,
    files: Mapping[str, Mapping[str, Any]],
    models: Sequence[ModelInfo],
    why_not: Sequence[str],
) -> str:
    """Return the script as text: what it is, its constants, and the body that is the same for all runs."""
    options, columns = automl_arguments(plan)
    constants = {
        "RUN_ID": run.run_id,
        "EXPERIMENT": run.experiment,
        "H2O_VERSION": _versions(run)["h2o"],
        "THREADS": run.engine.n_threads if run.engine else -1,
        "CHUNK_BYTES": CHUNK_BYTES,
        "TARGET": plan.aliases.column(plan.target.name),
        "FIRST_CLASS": plan.aliases.level(plan.classes[0]) if plan.settings.task == "binary" else None,
        "FEATURES": [plan.aliases.column(name) for name in plan.features.names],
        "OPTIONS": options,
        "COLUMNS": columns,
        "FILES": {part: dict(file) for part, file in files.items()},
        "EXPECTED": expected(models),
    }
    lines = [f"{name} = {_literal(value)}" for name, value in constants.items()]
    return f"{_header(run, plan, why_not)}\n{_CELL}" + "\n".join(lines) + "\n\n" + _BODY.read_text(encoding="utf-8")


def automl_arguments(plan: Plan) -> tuple[dict[str, Any], dict[str, str]]:
    """Return a run's settings as arguments of `H2OAutoML`, and the columns that its `train` is told of by name.

    They are read off what the engine gets, so that there is one place that says what a setting means to H2O.
    """
    frames = Frames("train", fold_column=plan.fold_column, classes=plan.engine_classes, target_sd=plan.target_sd)
    settings = plan.aliases.settings(plan.settings)
    spec = build_spec(settings, frames, (), "rebuild")
    control = {name: value for name, value in spec["build_control"].items() if name != "project_name"}
    options = control | control.pop("stopping_criteria")
    for name in ("tweedie_power", "quantile_alpha", "huber_alpha"):
        if name in options:
            options["distribution"] = {"type": options["distribution"], name: options.pop(name)}
    models = dict(spec["build_models"])
    if settings.monotone_constraints:
        options["monotone_constraints"] = dict(settings.monotone_constraints)
    search = [parameter for parameter in models.pop("algo_parameters", ()) if parameter["scope"] != "any"]
    if search:
        options["algo_parameters"] = {f"{found['scope']}__{found['name']}": found["value"] for found in search}
    if models.pop("preprocessing", None):
        options["preprocessing"] = ["target_encoding"]
    options |= models
    given = spec["input_spec"]
    if "sort_metric" in given:
        options["sort_metric"] = given["sort_metric"]
    return options, {name: given[name] for name in ("fold_column", "weights_column") if name in given}


def expected(models: Sequence[ModelInfo]) -> dict[str, dict[str, float]]:
    """Return the run's leaderboard by step: the metrics that H2O lists; baselines are not part of it."""
    shown = ("auc", "logloss", "aucpr", "mean_per_class_error", "rmse", "mse", "mae", "rmsle")
    return {
        step_name(model.model_key): {
            name: model.metrics[f"cv_{name}"] for name in shown if f"cv_{name}" in model.metrics
        }
        for model in models
        if model.baseline is None
    }


def to_notebook(script: str) -> str:
    """Return a script with cells as a Jupyter notebook (nbformat 4.5).

    The header stays a cell of comments: names that come from data would be markup in a cell of text.
    """
    found: list[dict[str, Any]] = [_cell("markdown", 0, "# A training run, rebuilt in plain h2o and mlflow")]
    found += [_cell("code", number, cell.strip("\n")) for number, cell in enumerate(script.split(_CELL), 1)]
    notebook = {
        "cells": found,
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(notebook, ensure_ascii=False, indent=1) + "\n"


def _cell(kind: str, number: int, text: str) -> dict[str, Any]:
    cell: dict[str, Any] = {"cell_type": kind, "id": f"cell-{number}", "metadata": {}}
    if kind == "code":
        cell |= {"execution_count": None, "outputs": []}
    return {**cell, "source": text.splitlines(keepends=True)}


def _header(run: RunInfo, plan: Plan, why_not: Sequence[str]) -> str:
    """Return what a reader must know, as comments; whatever comes from data stands in it as a Python literal."""
    known = _versions(run)
    lines = [
        f"Rebuild run {run.run_id} of the experiment {run.experiment!r}, which predicts {plan.target.name!r}.",
        "",
        f"Made by Bellwether {known['bellwether']}. It needs Java 8 to 17 (H2O_JAVA_HOME), Python 3.11 or newer, and",
        "",
        f"    pip install h2o=={known['h2o']} mlflow=={known['mlflow']} pandas",
        "",
        "The files named in FILES must lie beside it. They contain the rows that the engine got, without a header:",
        _row_words(plan),
        f"They come from the dataset {plan.dataset.label!r} ({plan.dataset.id}, first 32 digits of its sha256).",
        _holdout_words(plan.settings),
        *_recipe_words(run.settings),
    ]
    if plan.settings.baselines:
        lines.append(f"The run's baselines ({', '.join(plan.settings.baselines)}) are not rebuilt.")
    if why_not:
        lines += ["", "The leaderboard may differ:", *(f"- {reason}" for reason in why_not)]
    else:
        lines += ["", "The leaderboard is the same to 1e-9 with the same number of threads."]
    return "\n".join(f"# {line}".rstrip() for line in lines) + "\n"


def _row_words(plan: Plan) -> str:
    parts = ((plan.train_rows, "to train on"), (plan.holdout_rows, "held out"), (plan.blending_rows, "for ensembles"))
    counts = ", ".join(f"{len(rows):,} {words}" for rows, words in parts if len(rows))
    return f"{counts}; {plan.dropped_rows:,} rows of the dataset were left out."


def _holdout_words(settings: TrainingSettings) -> str:
    if not settings.holdout_share:
        return "No rows are held out."
    if settings.split == "random":
        return (
            f"Held out: {settings.holdout_share:g} of the rows, drawn with numpy.random.default_rng({settings.seed})"
            " within each class."
        )
    how = "the latest rows by" if settings.split == "time" else "all rows of some values of"
    return f"Held out: {settings.holdout_share:g} of the rows, {how} {settings.split_column!r}."


def _recipe_words(settings: TrainingSettings) -> list[str]:
    if settings.recipe is None:
        return ["The features are the dataset's own columns."]
    steps = [step.words(None, repr) for step in Recipe.from_dict(settings.recipe).steps if step.on]
    return [
        f"The features were made by the recipe {recipe_label(settings.recipe)!r}, fitted on the training rows:",
        *(f"- {' '.join(words.split())}" for words in steps),
    ]


def _versions(run: RunInfo) -> dict[str, str]:
    return {**versions(), **run.versions}


def _literal(value: object) -> str:
    return pprint.pformat(value, width=_WIDTH, sort_dicts=False)
