"""Scoring: a file in, the same rows with label and probabilities out."""

import json
import re
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from core import curves
from core.config import Settings
from core.datasets import Datasets
from core.decisions import Decision, decide
from core.engine import Engine
from core.errors import ExperimentNotFoundError, ModelNotFoundError
from core.files import check_free_space
from core.ledger import Ledger
from core.matching import prepare
from core.readers import read_file
from core.schema import apply_schema, as_category, engine_csv, infer_schema, match_levels
from core.store import Store
from core.training import MOJO, SPEC
from core.types import ModelInfo, ModelSpec, Schema

PREDICTION = "prediction"
WHOLE_NUMBER = re.compile(r"^-?(0|[1-9]\d{0,14})$")


@dataclass(frozen=True, kw_only=True)
class Scored:
    """The result of scoring one file.

    Attributes
    ----------
    source : pa.Table
        The file's own columns as they were read (source text for CSV and Excel), shape (rows, n_columns).
    decision : Decision
        How the labels were made.
    results : pa.Table
        `prediction` and, for classification, `probability_CLASS` per class, in the file's row order.
    warnings : tuple of str
        What was ignored, emptied or replaced, in words with counts.
    metrics : dict of str to float or None
        Metrics on this file when it holds the target.
    seconds : dict of str to float
        Time per step: engine (waiting for it), read, check, upload, predict, total.
    """

    model: ModelInfo
    spec: ModelSpec
    decision: Decision
    source: pa.Table
    results: pa.Table
    warnings: tuple[str, ...]
    metrics: dict[str, float] | None
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def threshold(self) -> float | None:
        """The threshold that the labels were made by; binary only."""
        return self.decision.threshold

    @property
    def n_rows(self) -> int:
        """Number of rows, the same as in the file."""
        return int(self.source.num_rows)

    def table(self, *, as_text: bool) -> pa.Table:
        """Return the file's own columns, then the results.

        Parameters
        ----------
        as_text : bool
            True keeps the source text of each cell (CSV); False turns columns of numbers into numbers.

        Notes
        -----
        An input column whose name a result column needs comes back as ``NAME_input``.
        """
        source = self.source if as_text else _typed_output(self.source)
        taken = set(self.results.column_names)
        names = [_free_name(name, taken, set(source.column_names)) for name in source.column_names]
        table = source.rename_columns(names)
        for name in self.results.column_names:
            table = table.append_column(name, self.results[name])
        return table

    def summary(self) -> dict[str, str]:
        """Return what a reader of the file must know, in words: model, threshold, rows, warnings."""
        version = f" version {self.model.version}" if self.model.version else ""
        rows = {
            "Model": f"{self.spec.experiment}{version} ({self.model.algo}, {self.model.id})",
            "Trained on": self.spec.dataset_name,
            "Target": self.spec.target,
            "Rows": str(self.n_rows),
        }
        rows |= self.decision.summary(self.spec)
        rows |= {f"Note {number}": text for number, text in enumerate(self.warnings, 1)}
        rows |= {f"{name} on this file": f"{value:.6g}" for name, value in (self.metrics or {}).items()}
        return rows


class Scorer:
    """Scores files with stored models.

    Parameters
    ----------
    settings, datasets, store, ledger, engine
        The services it works with.
    """

    def __init__(self, settings: Settings, datasets: Datasets, store: Store, ledger: Ledger, engine: Engine) -> None:
        self._settings = settings
        self._datasets = datasets
        self._store = store
        self._ledger = ledger
        self._engine = engine

    def choose_model(self, model_uri: str | None, experiment: str | None = None) -> ModelInfo:
        """Return the model to score with.

        Parameters
        ----------
        model_uri : str or None
            A model URI, ``"best"`` for the lowest cross-validated log loss of all, or None for the champion.
        experiment : str, optional
            Whose champion; needed when there are several experiments with one.

        Raises
        ------
        ModelNotFoundError
            If no stored model answers to the URI.
        ExperimentNotFoundError
            If the experiment is unknown or has to be named; the message names the ones there are.
        """
        if model_uri == "best":
            best = self._store.best()
            if best is None:
                raise ModelNotFoundError("There is no model with a log loss yet.", hint="Train a classification first.")
            return best
        if model_uri:
            return self._store.resolve(model_uri)
        champions = {name: model for name in self._store.experiments() if (model := self._store.champion(name))}
        if experiment is None and len(champions) == 1:
            return next(iter(champions.values()))
        names = ", ".join(champions) or "none yet"
        if experiment is None:
            code = "experiment.ambiguous" if champions else "experiment.none"
            hint = "Name one of them." if champions else "Train a model first; its leader becomes the champion."
            raise ExperimentNotFoundError(f"Which experiment's champion? There is: {names}.", hint=hint, code=code)
        if experiment not in champions:
            raise ExperimentNotFoundError(f"Experiment {experiment!r} has no champion. There is: {names}.")
        return champions[experiment]

    def spec(self, model: ModelInfo) -> ModelSpec:
        """Return what scoring must know of a stored model.

        Raises
        ------
        ModelNotFoundError
            If the model's files were not kept.
        """
        path, _ = self._store.model_file(model.id, SPEC)
        return ModelSpec.from_dict(json.loads(path.read_text("utf-8")))

    def score_file(
        self,
        path: Path,
        file_name: str,
        *,
        model_uri: str | None = None,
        experiment: str | None = None,
        threshold: float | None = None,
        sheet: str | None = None,
        person: str = "",
    ) -> Scored:
        """Score one file.

        Parameters
        ----------
        path : Path
            Where its bytes are.
        file_name : str
            The person's name for it; its extension decides how it is read.
        model_uri, experiment
            See `choose_model`.
        threshold : float, optional
            Between 0 and 1, instead of the one of the model's policy; binary models only.
        sheet : str, optional
            The sheet of a workbook.

        Returns
        -------
        Scored
            One result per row of the file, in its order.

        Raises
        ------
        DataError
            If the file cannot be read, or the threshold cannot be used.
        SchemaMismatchError
            If a needed column is missing.
        ModelNotFoundError, ModelIntegrityError, ExperimentNotFoundError
            If there is no such model, or its file is not the one that was saved.
        EngineError
            If the engine cannot be started, or dies.
        """
        clock = _Clock()
        check_free_space(self._settings.work_dir, self._settings)
        model = self.choose_model(model_uri, experiment)
        self._engine.start_in_background()
        spec = self.spec(model)
        decision = decide(self._ledger, model, spec, threshold)
        with self._scratch() as folder:
            with clock.step("read"):
                notes, source = self._read(path, file_name, folder, sheet)
            with clock.step("check"):
                typed, warnings = prepare(source, spec)
                csv = folder / "features.csv"
                columns = engine_csv(typed, spec.features, csv)
            with clock.step("engine"):
                self._engine.ensure_ready()
            raw = decision.calibrate(self._predict(model, csv, columns, clock), spec)
        cut = decision.threshold
        results = _results(raw, spec, cut)
        metrics = _metrics(source, raw, spec, cut)
        clock.stop()
        self._ledger.record(
            "score", model.uri, person=person, detail={"file": file_name, "rows": source.num_rows, "threshold": cut}
        )
        return Scored(
            model=model,
            spec=spec,
            decision=decision,
            source=source,
            results=results,
            warnings=(*notes, *warnings),
            metrics=metrics,
            seconds=clock.seconds,
        )

    def _read(self, path: Path, file_name: str, folder: Path, sheet: str | None) -> tuple[tuple[str, ...], pa.Table]:
        out = folder / "source.parquet"
        info = read_file(path, file_name, out, self._settings, sheet=sheet)
        return info.warnings, pq.read_table(out)

    def _predict(self, model: ModelInfo, csv: Path, columns: Sequence[tuple[str, str]], clock: "_Clock") -> pa.Table:
        with ExitStack() as stack:
            with clock.step("upload"):
                key = stack.enter_context(self._engine.hold_mojo(*self._store.model_file(model.id, MOJO)))
                frame = self._engine.upload(csv, columns)
                stack.callback(self._engine.delete, [frame])
            with clock.step("predict"):
                return self._engine.predict(key, frame)

    @contextmanager
    def _scratch(self) -> Iterator[Path]:
        with tempfile.TemporaryDirectory(dir=self._settings.work_dir, prefix="score-") as name:
            yield Path(name)


# --- small things -----------------------------------------------------------------------------------------------------


class _Clock:
    """Seconds per step."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._begun = time.monotonic()

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        begun = time.monotonic()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.monotonic() - begun

    def stop(self) -> None:
        self.seconds["total"] = time.monotonic() - self._begun


def label_rows(raw: pa.Table, spec: ModelSpec, threshold: float | None) -> pa.Array:
    """Return the label per row: by threshold for two classes, the most probable one for more.

    Parameters
    ----------
    raw : pa.Table
        The engine's answer: one column of probabilities per class.
    spec : ModelSpec
        The classes and which of them is positive.
    threshold : float or None
        Binary only; 0.5 when None.

    Returns
    -------
    pa.Array
        Of int64 when every class is a whole number, else of strings.
    """
    classes = np.array(spec.classes, dtype=object)
    if spec.task == "binary":
        cut = 0.5 if threshold is None else threshold
        chosen = (raw[str(spec.positive)].to_numpy() >= cut).astype(int)
    else:
        chosen = np.column_stack([raw[name].to_numpy() for name in spec.classes]).argmax(axis=1)
    if all(WHOLE_NUMBER.match(name) for name in spec.classes):
        return pa.array(classes[chosen].astype(np.int64))
    return pa.array(classes[chosen], pa.string())


def _results(raw: pa.Table, spec: ModelSpec, threshold: float | None) -> pa.Table:
    if spec.task == "regression":
        return pa.table({PREDICTION: raw["predict"]})
    columns = {PREDICTION: label_rows(raw, spec, threshold)}
    return pa.table(columns | {f"probability_{name}": raw[name] for name in spec.classes})


def _metrics(source: pa.Table, raw: pa.Table, spec: ModelSpec, threshold: float | None) -> dict[str, float] | None:
    """Return metrics on the scored file when it holds the target, over the rows where it is known."""
    if spec.target not in source.column_names:
        return None
    column = spec.target_column
    typed = apply_schema(source.select([spec.target]), Schema((column,)))[spec.target]
    if spec.task == "regression":
        known = typed.is_valid()
        if not pc.any(known).as_py():
            return None
        return curves.regression_metrics(typed.filter(known).to_numpy(), raw["predict"].filter(known).to_numpy())
    actual, _ = match_levels(as_category(typed), spec.classes)
    known = actual.is_valid()
    if not pc.any(known).as_py():
        return None
    probabilities = np.column_stack([raw[name].filter(known).to_numpy() for name in spec.classes])
    return curves.classification_metrics(
        actual.filter(known).to_numpy(zero_copy_only=False), probabilities, spec.classes, spec.positive, threshold
    )


def _typed_output(source: pa.Table) -> pa.Table:
    """Return the file's columns with numbers as numbers; ids that are whole numbers too."""
    schema = infer_schema(source)
    typed = apply_schema(source, schema)
    for index, column in enumerate(schema.columns):
        values = typed[column.name]
        if column.type == "id" and pc.all(pc.match_substring_regex(values, WHOLE_NUMBER.pattern)).as_py():
            typed = typed.set_column(index, column.name, values.cast(pa.int64()))
    return typed


def _free_name(name: str, taken: set[str], own: set[str]) -> str:
    while name in taken:
        name = f"{name}_input"
        if name in own:
            own = own - {name}
            name = f"{name}_input"
    return name
