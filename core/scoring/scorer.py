"""Scoring: a file in, the same rows with label and probabilities out."""

import threading
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
from cachetools import LRUCache, cachedmethod

from core.data.datasets.registry import Datasets
from core.data.drift.compare import Drift
from core.domain.models import ModelInfo
from core.engine.protocol import Engine
from core.errors import ExperimentNotFoundError, ModelNotFoundError
from core.files import check_free_space
from core.ledger.database import Ledger
from core.ledger.outcomes import OutcomeTable
from core.ledger.scoring_records import ScoringOrigin, ScoringRecord, ScoringRequest, ScoringSummary
from core.models.decisions import Decision, decide
from core.models.opened import StoredModel
from core.scoring.kept.log import Entry, ScoringLog
from core.scoring.kept.minutes import Minute, Minutes
from core.scoring.kept.summary import ExpectedScores, quick_drift, summarise
from core.scoring.opened import OpenedFile, OpenedRows, fit
from core.scoring.outcomes import Rules, read_promise, realise_file
from core.scoring.pipeline import Clock, Pipeline
from core.scoring.reasons import check_reasons
from core.scoring.result import Scored
from core.settings import Settings
from core.store.mlflow import Store

_EXPECTATIONS = 32
_MODELS = 16


class Scorer:
    """Scores files with stored models.

    Every method may raise `StoreError` kin, and `ModelNotFoundError` where the model's files were not kept.
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
        self._models: LRUCache[str, StoredModel] = LRUCache(_MODELS)
        self._minutes = Minutes()
        self._lock = threading.Lock()
        self._pipeline = Pipeline(datasets, engine)

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
            return self._store.resolve_to_score(model_uri)
        if experiment is not None and (champion := self._store.champion_to_score(experiment)) is not None:
            return champion
        if experiment is not None and self._store.foreign_champion(experiment) is not None:
            return self._store.resolve(f"models:/{experiment}@champion")  # says whose it is
        champions = self._store.champions()
        names = ", ".join(champions) or "none yet"
        if experiment is not None:
            raise ExperimentNotFoundError(f"Experiment {experiment!r} has no champion. There is: {names}.")
        if len(champions) != 1:
            code = "experiment.ambiguous" if champions else "experiment.none"
            hint = "Name one of them." if champions else "Train a model first; its leader becomes the champion."
            raise ExperimentNotFoundError(f"Which experiment's champion? There is: {names}.", hint=hint, code=code)
        return next(iter(champions.values()))

    def stored(self, info: ModelInfo) -> StoredModel:
        """Return a model opened for whoever may score with it, also where they may not look into its run.

        What was read of those used last is kept.
        """
        with self._lock:
            model = self._models.get(info.id) or StoredModel(self._store, info)
            model = self._models[info.id] = model.known_as(info)
        return model

    def open(self, path: Path, file_name: str, *, sheet: str | None = None) -> OpenedFile:
        """Open a file to score; its rows are read when they are first asked for."""
        return OpenedFile(path, file_name, self._settings, self._datasets, self._ledger, sheet=sheet)

    def open_rows(self, table: pa.Table, content: bytes) -> OpenedRows:
        """Open rows to score: cells as texts, and the bytes that they came in."""
        return OpenedRows(table, content, self._ledger)

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
        reasons: int = 0,
        details: bool = False,
        checked: bool = False,
        origin: ScoringOrigin = "python",
    ) -> Scored:
        """Open a file and score it with one model; parameters and errors as `open`, `choose_model` and `score`."""
        request = ScoringRequest(threshold=threshold, reasons=reasons, details=details, checked=checked)
        model = self.choose_model(model_uri, experiment)
        with closing(self.open(path, file_name, sheet=sheet)) as file:
            return self.score(file, model, request, person=person, origin=origin)

    def score(
        self,
        file: OpenedFile,
        model: ModelInfo,
        request: ScoringRequest,
        *,
        person: str = "",
        origin: ScoringOrigin = "python",
    ) -> Scored:
        """Score an opened file; a record of it is kept, see `core.scoring.kept.log`.

        Parameters
        ----------
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
        ModelNotFoundError, ModelIntegrityError
            If the model's files are not kept, or are not the ones that were saved.
        """
        request = replace(request, sheet=file.sheet)
        with self._log.recording(model, file, request, origin=origin, person=person) as entry:
            return self._score(file, model, request, entry)

    def score_beside(self, file: OpenedFile, models: Sequence[ModelInfo], *, person: str = "") -> tuple[Scored, ...]:
        """Score an opened file with several models to compare them; only the audit knows of it: nobody acts on these.

        Errors as `score`.
        """
        check_free_space(self._settings.work_dir, self._settings)
        self._engine.mojos.start()
        found = []
        for info in models:
            model, clock = self.stored(info), Clock()
            decision = decide(self._ledger, info, model.spec)
            scored, _ = self._pipeline.run(file.fit(model), None, decision, ScoringRequest(), clock)
            clock.stop()
            found.append(scored)
        compared = [model.uri for model in models]
        self._ledger.record("compare", file.name, person=person, detail={"models": compared, "rows": found[0].n_rows})
        return tuple(found)

    def score_waiting(self, record: ScoringRecord, stopping: threading.Event) -> Scored:
        """Score the file of a record that was claimed from the queue; it says how far it is and can be cancelled.

        ScoringCancelled if somebody cancelled it, or `stopping` was set.
        """
        with self._log.resuming(record, stopping) as entry:
            model = self._store.resolve(f"models:/{record.model_id}")
            path = self._log.input(record.id)
            with closing(self.open(path, record.file_name, sheet=record.request.sheet)) as file:
                return self._score(file, model, record.request, entry)

    def _score(self, file: OpenedFile, info: ModelInfo, request: ScoringRequest, entry: Entry) -> Scored:
        check_free_space(self._settings.work_dir, self._settings)
        self._engine.mojos.start()
        clock, model = Clock(entry.step), self.stored(info)
        decision = decide(self._ledger, info, model.spec, request.threshold)
        check_reasons(request.reasons, model.spec)
        with clock.step("read"):
            read, fitted = file.read(model), file.fit(model)
        with clock.step("check"):
            checked = file.check(model) if request.details or request.checked else None
        scored, drift = self._pipeline.run(fitted, checked, decision, request, clock)
        with clock.step("write"):
            scored = replace(scored, warnings=(*read.warnings, *scored.warnings), scoring_id=entry.id)
            summary = self._keep(scored, drift, model, entry)
            pa.default_memory_pool().release_unused()
        clock.stop()
        entry.finish(replace(summary, seconds=clock.seconds["total"]), scored, file.name)
        self._realise(scored, model)
        return scored

    def _keep(self, scored: Scored, drift: Drift | None, model: StoredModel, entry: Entry) -> ScoringSummary:
        """Keep of a result what outcomes and pages will want of it, and return what the record says of it."""
        summary = summarise(scored, drift, model.reference, self._expected(model, scored.decision))
        entry.keep(scored)
        return summary

    def score_rows(
        self,
        rows: OpenedRows,
        info: ModelInfo,
        request: ScoringRequest,
        *,
        person: str = "",
        origin: ScoringOrigin = "python",
    ) -> Scored:
        """Score a few rows that are in memory; the record counts all of a minute, see `core.scoring.kept.minutes`.

        Parameters and errors as `score`; somebody must call `write_minutes` now and then.
        """
        if self._minutes.is_behind:
            self.write_minutes()
        clock, model = Clock(), self.stored(info)
        decision = decide(self._ledger, info, model.spec, request.threshold)
        check_reasons(request.reasons, model.spec)
        with clock.step("check"):
            fitted = rows.fit(model)
            checked = fitted.check() if request.details or request.checked else None
        scored, _ = self._pipeline.run(fitted, checked, decision, request, clock)
        clock.stop()
        if self._minutes.add(fitted, scored, Minute(model, request, origin, person, scored), rows.content):
            self.write_minutes()
        return scored

    def write_minutes(self, *, unfinished: bool = False) -> None:
        """Write the records of `score_rows`: of minutes that are over, or all (StoreError; then they wait)."""
        while (minute := self._minutes.take(unfinished=unfinished)) is not None:
            entry = None
            recording = self._log.recording(
                minute.model.info, minute, minute.request, origin=minute.origin, person=minute.person, at=minute.at
            )
            try:
                with recording as entry:
                    self._write(minute, entry)
            finally:
                if entry is None:  # what has a record is not tried again: the record says why it failed
                    self._minutes.put_back(minute)

    def _write(self, minute: Minute, entry: Entry) -> None:
        scored, fitted = minute.together()
        scored, model = replace(scored, scoring_id=entry.id), minute.model
        summary = self._keep(scored, quick_drift(fitted.named, fitted.spec, model.reference), model, entry)
        entry.finish(replace(summary, n_requests=minute.n_requests), scored, minute.name)
        self._realise(scored, model)

    def _realise(self, scored: Scored, model: StoredModel) -> None:
        """Keep how good the predictions were, where the file itself has the actual outcomes."""
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
        """
        clock, opened = Clock(), self.stored(model)
        check_reasons(reasons, opened.spec)
        decision = decide(self._ledger, model, opened.spec)
        request = ScoringRequest(reasons=reasons, details=details)
        fitted = fit(source, opened)
        scored, _ = self._pipeline.run(fitted, fitted.check() if details else None, decision, request, clock)
        clock.stop()
        self._ledger.record("score", model.uri, person=person, detail={"rows": source.num_rows, "by": "form"})
        return scored
