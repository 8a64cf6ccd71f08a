"""Scoring: a file in, the same rows with label and probabilities out."""

import threading
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
from cachetools import LRUCache, cachedmethod

from core.data.datasets.registry import Datasets
from core.data.reading.like import read_like
from core.data.reading.reader import FileInfo
from core.data.tables.packed import AnyTable, PackedTable, read_packed
from core.domain.formats import BOOK_FORMATS
from core.domain.models import ModelInfo, ModelSpec
from core.domain.reading import ReadOptions
from core.engine import Engine
from core.errors import ExperimentNotFoundError, ModelNotFoundError
from core.features.checking import FileCheck, check, refuse_red, rename_columns
from core.features.engine_csv import engine_csv
from core.features.matching import fit_notation, prepare_packed
from core.files import check_free_space, scratch
from core.ledger.database import Ledger
from core.ledger.outcomes import OutcomeTable
from core.ledger.scoring_records import ScoringOrigin, ScoringRecord, ScoringRequest
from core.models.decisions import Decision, decide
from core.models.opened import StoredModel
from core.scoring.columns import file_metrics, label_rows, read_actual, result_columns, side_by_side
from core.scoring.details import interval_columns, leading_score, rank_rows, read_intervals
from core.scoring.log import Entry, ScoringLog
from core.scoring.outcomes import Rules, read_promise, realise_file
from core.scoring.parts import Clock, Facts, Task, Wanted, check_rows
from core.scoring.reasons import Reasoner, Reasons, check_reasons
from core.scoring.result import Scored
from core.scoring.summary import ExpectedScores, quick_drift, summarise
from core.settings import Settings
from core.store.mlflow import Store

__all__ = ["Scored", "Scorer", "label_rows"]

_EXPECTATIONS = 32


class Scorer:
    """Scores files with stored models.

    Parameters
    ----------
    settings, datasets, store, ledger, engine, log
        The services it works with.
    """

    def __init__(
        self,
        settings: Settings,
        datasets: Datasets,
        store: Store,
        ledger: Ledger,
        engine: Engine,
        log: ScoringLog | None = None,
    ) -> None:
        self._settings = settings
        self._datasets = datasets
        self._store = store
        self._ledger = ledger
        self._engine = engine
        self._log = log or ScoringLog(settings, ledger)
        self._expectations: LRUCache[tuple[str, int | None], ExpectedScores | None] = LRUCache(_EXPECTATIONS)
        self._lock = threading.Lock()

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
        if experiment is not None and (champion := self._store.champion(experiment)) is not None:
            return champion
        champions = self._store.champions()
        names = ", ".join(champions) or "none yet"
        if experiment is not None:
            raise ExperimentNotFoundError(f"Experiment {experiment!r} has no champion. There is: {names}.")
        if len(champions) != 1:
            code = "experiment.ambiguous" if champions else "experiment.none"
            hint = "Name one of them." if champions else "Train a model first; its leader becomes the champion."
            raise ExperimentNotFoundError(f"Which experiment's champion? There is: {names}.", hint=hint, code=code)
        return next(iter(champions.values()))

    def mapping(self, experiment: str) -> dict[str, str]:
        """Return which columns of people's files are known to be which of an experiment's.

        Raises
        ------
        StoreError
            If the ledger cannot be read.
        """
        return self._ledger.columns(experiment)

    def read(
        self, path: Path, file_name: str, out: Path, spec: ModelSpec, *, sheet: str | None = None
    ) -> tuple[FileInfo, tuple[str, ...]]:
        """Read a file to score into a Parquet file, as the model's training data was read; see `read_like`.

        Raises
        ------
        DataError, DiskFullError
            As `core.data.reading.reader.read_file`.
        """
        known = self._datasets.find_id(spec.dataset_id)
        options = known.options if known else ReadOptions()
        return read_like(path, file_name, out, self._settings, options=options, needed=spec.needed.names, sheet=sheet)

    def check(
        self, source: AnyTable, model: ModelInfo, spec: ModelSpec, info: FileInfo, mapping: Mapping[str, str]
    ) -> FileCheck:
        """Check a file that was read against a model, before any scoring; see `core.features.checking.check`."""
        renamed, used = rename_columns(source, mapping)
        fitted, _ = fit_notation(renamed, spec, is_workbook=info.format in BOOK_FORMATS)
        return check(renamed, fitted, StoredModel(self._store, model).reference, renamed=used)

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
        mapping: Mapping[str, str] | None = None,
        reasons: int = 0,
        details: bool = False,
        checked: bool = False,
        origin: ScoringOrigin = "python",
    ) -> Scored:
        """Score one file; a record of it is kept, see `core.scoring.log`.

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
        mapping : mapping of str to str, optional
            The file's columns to the model's; what is remembered for the experiment when omitted.
        reasons : int
            How many reasons each row gets, in words.
        details : bool
            Add rank, decile, trust and, for a regression, the interval; check the file.
        checked : bool
            Check the file, and refuse it when the check is red.
        origin : str
            Who asks: ``page``, ``cli``, ``http``, ``inbox`` or ``python``. What a page gets is kept, to be had again.

        Returns
        -------
        Scored
            One result per row of the file, in its order.

        Raises
        ------
        DataError
            If the file cannot be read or has too many rows, or threshold or reasons cannot be used.
        SchemaMismatchError
            If a needed column is missing; as UnfitFileError, with the findings, where the file was to be `checked`.
        ModelNotFoundError, ModelIntegrityError, ExperimentNotFoundError
            If there is no such model, or its file is not the one that was saved.
        EngineError
            If the engine cannot be started, or dies.
        """
        check_free_space(self._settings.work_dir, self._settings)
        model = self.choose_model(model_uri, experiment)
        self._engine.start_in_background()
        request = ScoringRequest(sheet=sheet, threshold=threshold, reasons=reasons, details=details, checked=checked)
        with self._log.recording(model, path, file_name, request, origin=origin, person=person) as entry:
            return self._score_file(path, file_name, model, request, mapping, entry)

    def score_waiting(self, record: ScoringRecord, stopping: threading.Event) -> Scored:
        """Score the file of a record that was claimed from the queue; it says how far it is and can be cancelled.

        Raises
        ------
        ScoringCancelled
            If somebody cancelled it, or `stopping` was set.
        AppError
            As `score_file`.
        """
        with self._log.resuming(record, stopping) as entry:
            check_free_space(self._settings.work_dir, self._settings)
            model = self._store.resolve(f"models:/{record.model_id}")
            self._engine.start_in_background()
            return self._score_file(
                self._log.input(record.id), record.file_name, model, record.request, None, entry
            )  # fmt: skip

    def _score_file(
        self,
        path: Path,
        file_name: str,
        model: ModelInfo,
        request: ScoringRequest,
        mapping: Mapping[str, str] | None,
        entry: Entry,
    ) -> Scored:
        clock, opened = Clock(entry.step), StoredModel(self._store, model)
        spec = opened.spec
        decision = decide(self._ledger, model, spec, request.threshold)
        wanted = Wanted(decision, request.reasons, request.details, request.checked)
        check_reasons(request.reasons, spec)
        if mapping is None:
            mapping = self.mapping(model.experiment)
        with scratch(self._settings, "score-") as folder:
            with clock.step("read"):
                info, notes = self.read(path, file_name, folder / "source.parquet", spec, sheet=request.sheet)
                check_rows(info.rows, self._settings)
                source = read_packed(folder / "source.parquet")
            task = Task(opened, source, mapping, is_workbook=info.format in BOOK_FORMATS)
            scored, facts = self._score(task, wanted, folder, clock)
        warnings = (*info.warnings, *notes, *scored.warnings)
        with clock.step("write"):
            scored = replace(scored, warnings=warnings, scoring_id=entry.id)
            expected = self._expected(opened, decision)
            summary = summarise(scored, facts, expected)
            entry.keep(scored)
            pa.default_memory_pool().release_unused()
        clock.stop()
        entry.finish(replace(summary, seconds=clock.seconds["total"]), scored, file_name)
        self._realise(scored, opened)
        return scored

    def _realise(self, scored: Scored, model: StoredModel) -> None:
        """Keep how good the predictions were, where the file itself holds what came true."""
        saved = scored.decision.saved
        rules = Rules(scored.threshold, saved.policy.money if saved else None)
        found = realise_file(scored, rules)
        if found is None:
            return
        promise = read_promise(model, rules, scored.decision.calibration)
        if promise is not None:
            found = replace(found, promised=promise[0], origin=promise[1])
        OutcomeTable(self._ledger).save_realised(scored.model.experiment, [found])

    @cachedmethod(
        lambda self: self._expectations,
        key=lambda _, model, decision: (model.info.id, decision.saved.id if decision.saved else None),
        lock=lambda self: self._lock,
    )
    def _expected(self, model: StoredModel, decision: Decision) -> ExpectedScores | None:
        """Return what the scores are compared with, read once for each model and policy."""
        promised = model.promised()
        return ExpectedScores(promised, decision.calibration) if promised else None

    def score_table(
        self, source: pa.Table, model: ModelInfo, *, reasons: int = 0, details: bool = True, person: str = ""
    ) -> Scored:
        """Score rows that are in memory, such as a case from a form; texts as a person would write them.

        Parameters
        ----------
        source : Table of shape (n_rows, n_columns)
            With every column that the model needs.

        Raises
        ------
        DataError, SchemaMismatchError, ModelNotFoundError, ModelIntegrityError, EngineError
            As `score_file`.
        """
        clock, opened = Clock(), StoredModel(self._store, model)
        check_reasons(reasons, opened.spec)
        with scratch(self._settings, "score-") as folder:
            task = Task(opened, source, {}, is_workbook=False)
            wanted = Wanted(decide(self._ledger, model, opened.spec), reasons, details)
            scored, _ = self._score(task, wanted, folder, clock)
        clock.stop()
        self._ledger.record("score", model.uri, person=person, detail={"rows": source.num_rows, "by": "form"})
        return scored

    def _score(self, task: Task, wanted: Wanted, folder: Path, clock: Clock) -> tuple[Scored, Facts]:
        spec = task.model.spec
        with clock.step("check"):
            renamed, used = rename_columns(task.source, task.mapping)
            fitted, notes = fit_notation(renamed, spec, is_workbook=task.is_workbook)
            reference, checked = task.model.reference, None
            if wanted.details or wanted.checked:
                checked = check(renamed, fitted, reference, renamed=used)
            if checked is not None and wanted.checked:
                refuse_red(checked)
                checked = checked if wanted.details else replace(checked, notes=None)  # as large as the file
            typed, warnings = prepare_packed(renamed, fitted)
            drift = checked.drift if checked is not None else quick_drift(renamed, fitted, reference)
            csv = folder / "features.csv"
            columns = engine_csv(typed, spec.features, csv)
            typed = typed if wanted.reasons else typed.slice(0, 0)  # lets go of a copy of the file
            pa.default_memory_pool().release_unused()
        with clock.step("engine"):
            self._engine.ensure_ready()
        raw, why = self._predict(task, typed, wanted.reasons, csv, columns, clock)
        raw = wanted.decision.calibrate(raw, spec)
        threshold = wanted.decision.threshold
        with clock.step("predict"):
            intervals = read_intervals(task.model) if wanted.details else None
            scores = leading_score(raw, spec)
            tables = [result_columns(raw, spec, threshold)]
            if intervals is not None:
                tables.append(interval_columns(intervals, raw))
            if wanted.details:
                tables.append(rank_rows(scores))
            if checked is not None and checked.notes is not None:
                tables.append(checked.notes.trust())
            if why is not None:
                tables.append(why.table)
            actual = read_actual(renamed, spec)
            metrics = None if actual is None else file_metrics(actual, raw, spec, threshold)
        told = [f"“{theirs}” is taken for “{ours}”." for theirs, ours in used]
        scored = Scored(
            model=task.model.info,
            spec=spec,
            decision=wanted.decision,
            source=task.source,
            results=side_by_side(tables),
            warnings=(*told, *notes, *warnings),
            metrics=metrics,
            actual=actual,
            check=None if checked is None else replace(checked, notes=None),
            intervals=intervals,
            reasons_method=why.method if why else "",
            seconds=clock.seconds,
        )
        return scored, Facts(scores, drift, reference)

    def _predict(
        self,
        task: Task,
        typed: PackedTable,
        n_reasons: int,
        csv: Path,
        columns: Sequence[tuple[str, str]],
        clock: Clock,
    ) -> tuple[pa.Table, Reasons | None]:
        with ExitStack() as stack:
            with clock.step("upload"):
                key = stack.enter_context(self._engine.models.hold_mojo(*task.model.mojo()))
                frame = self._engine.frames.upload(csv, columns)
                stack.callback(self._engine.delete, [frame])
            with clock.step("predict"):
                raw = self._engine.models.predict(key, frame)
            if not n_reasons:
                return raw, None
            with clock.step("reasons"):
                reasoner = Reasoner(self._engine, self._datasets, csv.parent)
                return raw, reasoner.explain(task.model, frame, typed.table(), raw, n_reasons)
