"""How models do in use: the history of scorings, actual outcomes that come later, and when to look again.

Outcomes are kept as uploaded (``data/outcomes/ID.parquet``: id and outcome as text), as long as scores are; what came
of each scoring is measured when they are handed in, and kept in the ledger.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from core.data.reading.reader import FileInfo, read_file
from core.errors import DataError, ModelNotFoundError
from core.files import atomic_path, check_free_space, sha256_of
from core.ledger.database import Ledger
from core.ledger.outcome_records import AlertRule, OutcomeFile, Realised, UseAlert
from core.ledger.outcomes import OutcomeTable
from core.ledger.scoring_records import ScoringRecord
from core.models.opened import StoredModel
from core.monitoring.alerts import find_alerts
from core.monitoring.repeats import LatestScorings, latest_scorings
from core.scoring.kept.log import ScoringLog
from core.scoring.kept.saved import ID, plain_ids
from core.scoring.outcomes import ACTUAL, Rules, join_outcomes, read_promise, realise
from core.settings import Settings
from core.store.mlflow import Store

HISTORY: Final = 200
RECENT: Final = 3  # files that speak for or against a new training
_LATEST: Final = 24


@dataclass(frozen=True)
class Added:
    """What came of a file of outcomes.

    Attributes
    ----------
    n_rows : int
        Ids with an outcome in the file.
    n_matched : int
        Rows that were scored and have an outcome now, over all scorings and all files of outcomes.
    n_scorings : int
        Scorings with such rows.
    n_gone : int
        Scorings that cannot be measured any more, because their model was deleted.
    """

    file: OutcomeFile
    n_rows: int
    n_matched: int
    n_scorings: int
    n_gone: int


@dataclass
class _Found:
    """What outcomes say of the scorings of a problem; counts are of rows, but for `n_gone`."""

    realised: list[Realised] = field(default_factory=list)
    n_new: int = 0
    n_unusable: int = 0
    n_gone: int = 0


class Monitor:
    """What is known of models in use; every method may raise `StoreError`."""

    def __init__(self, settings: Settings, store: Store, ledger: Ledger, log: ScoringLog) -> None:
        self._settings = settings
        self._store = store
        self._ledger = ledger
        self._log = log
        self._table = OutcomeTable(ledger)

    # --- reading ------------------------------------------------------------------------------------------------------

    def history(self, experiment: str, *, limit: int = HISTORY) -> tuple[ScoringRecord, ...]:
        """Return the finished scorings of a problem, the oldest first; the latest `limit` of them."""
        return self._log.list(experiment=experiment, statuses=("finished",), limit=limit)[::-1]

    def files(self, experiment: str, *, limit: int = HISTORY) -> LatestScorings:
        """Return the latest scoring of each file among the last `HISTORY` scorings, with what came of it.

        Of many files the latest `limit`.
        """
        found = latest_scorings(self.history(experiment), self.realised(experiment))
        return replace(found, records=found.records[-limit:])

    def realised(self, experiment: str) -> dict[str, Realised]:
        """Return what came of the scorings of a problem, by scoring."""
        return self._table.realised(experiment)

    def outcome_files(self, experiment: str) -> tuple[OutcomeFile, ...]:
        """Return the files of outcomes of a problem, the newest first."""
        return self._table.list(experiment)

    def rule(self, experiment: str) -> AlertRule:
        """Return when to raise an alert for a problem: its own rule, else that of the settings."""
        return self._table.rule(experiment) or AlertRule(psi=self._settings.alert_psi, loss=self._settings.alert_loss)

    def set_rule(self, experiment: str, *, psi: float, loss: float, person: str = "") -> None:
        """Set when to raise an alert for a problem.

        Raises
        ------
        DataError
            ``monitor.rule``: a number that cannot be meant.
        """
        if not (0 < psi <= 100 and 0 < loss <= 10):
            raise DataError(
                "The rule's numbers must be above 0.", hint="PSI is usually 0.1 to 0.25.", code="monitor.rule"
            )
        self._table.set_rule(experiment, AlertRule(psi=psi, loss=loss, person=person))
        self._ledger.record("alert rule", experiment, person=person, detail={"psi": psi, "loss": loss})

    def alert_keys(self, experiment: str) -> tuple[str, ...]:
        """Return what tells the alerts of a problem apart, and stays the same when a file is scored again."""
        found = self.files(experiment)
        alerts = find_alerts(found.records, found.realised, self.rule(experiment))
        return tuple(dict.fromkeys(f"{found.first[one.scoring_id]} {one.kind} {one.name}" for one in alerts))

    def last_files(self, experiment: str) -> tuple[tuple[ScoringRecord, ...], tuple[UseAlert, ...]]:
        """Return the files scored last for a problem, at most `RECENT`, the oldest first, with their alerts.

        Only the latest scorings are read, for Home asks it of every champion and each takes a millisecond: a file that
        came before dozens of scorings of another one is not among them.
        """
        found = latest_scorings(self.history(experiment, limit=_LATEST), self.realised(experiment))
        files = found.last_files(RECENT)
        return files, find_alerts(files, found.realised, self.rule(experiment))

    # --- outcomes -----------------------------------------------------------------------------------------------------

    def read_outcomes(self, path: Path, file_name: str, out: Path, *, sheet: str | None = None) -> FileInfo:
        """Read a file of outcomes into a Parquet file."""
        return read_file(path, file_name, out, self._settings, sheet=sheet)

    def guess_columns(self, experiment: str, names: Sequence[str]) -> tuple[str | None, str | None]:
        """Return which columns of a file are likely the id and the outcome."""
        history = self.history(experiment)
        ids = [record.summary.id_column for record in reversed(history) if record.summary and record.summary.id_column]
        id_column = next((name for name in ids if name in names), names[0] if len(names) == 2 else None)
        model = self._store.champion(experiment)
        target = StoredModel(self._store, model).spec.target if model is not None else None
        rest = [name for name in names if name != id_column]
        return id_column, target if target in rest else rest[0] if len(rest) == 1 else None

    def add_outcomes(
        self, experiment: str, table: pa.Table, id_column: str, target_column: str, file_name: str, *, person: str = ""
    ) -> Added:
        """Keep actual outcomes, and measure the predictions of every scoring that has the ids.

        Parameters
        ----------
        id_column, target_column : str
            The column that names the rows, as in the files that were scored, and the one with what came true.

        Raises
        ------
        DataError
            ``outcomes.columns``: one column for both; ``outcomes.conflict``: an id with two outcomes;
            ``outcomes.no_match``: nothing in this file can be set against a prediction. Nothing is kept then.
        """
        if id_column == target_column:
            raise DataError(
                "The id and the outcome cannot be the same column.", hint="Choose two.", code="outcomes.columns"
            )
        check_free_space(self._settings.data_dir, self._settings)
        new = _one_each(table, id_column, target_column)
        found = self._measure(experiment, new)
        if not found.n_new:
            raise self._no_match(found)
        path = self._path(uuid.uuid4().hex)
        with atomic_path(path) as temporary:
            pq.write_table(new, temporary, compression="zstd")
        file = OutcomeFile(
            id=path.stem, experiment=experiment, at=datetime.now(UTC), person=person, file_name=file_name,
            sha256=sha256_of(path), id_column=id_column, target_column=target_column, n_rows=new.num_rows,
        )  # fmt: skip
        self._table.add(file)
        self._table.save_realised(experiment, found.realised)
        detail = {"file": file_name, "rows": new.num_rows, "scorings": len(found.realised)}
        self._ledger.record("add outcomes", experiment, person=person, detail=detail)
        n_matched = sum(one.found.n_rows for one in found.realised)
        return Added(file, new.num_rows, n_matched, len(found.realised), found.n_gone)

    def outcomes(self, experiment: str) -> pa.Table:
        """Return all outcomes of a problem, columns `id` and `actual`; of two for an id the later one."""
        return _merged(self._read_kept(experiment))

    def maintain(self, now: datetime | None = None) -> None:
        """Remove outcomes whose scores are not kept any more either."""
        for path in self.overdue(now or datetime.now(UTC)):
            path.unlink(missing_ok=True)
            self._table.remove(path.stem)

    def overdue(self, now: datetime) -> tuple[Path, ...]:
        """Return the files of outcomes that `maintain` would remove at that time."""
        until = now - timedelta(days=self._settings.keep_scores_days)
        return tuple(self._path(file.id) for file in self._table.list() if file.at < until)

    def _measure(self, experiment: str, new: pa.Table) -> _Found:
        """Measure every scoring on all outcomes, new and kept."""
        outcomes, found = _merged([new, *self._read_kept(experiment)]), _Found()
        for record in self._log.list(experiment=experiment, statuses=("finished",), limit=10_000):
            path = self._log.scores_path(record.id)
            if path is None or record.summary is None:
                continue
            try:
                model = StoredModel(self._store, self._store.resolve(f"models:/{record.model_id}"))
                spec = model.spec
            except ModelNotFoundError:
                found.n_gone += 1
                continue
            scores = pq.read_table(path)
            added = join_outcomes(scores, new, spec)
            found.n_new += added.scores.num_rows
            found.n_unusable += added.n_unusable
            joined = join_outcomes(scores, outcomes, spec)
            if joined.scores.num_rows:
                rules = Rules(record.summary.threshold, record.summary.money)
                one = realise(record.id, joined, spec, rules)
                found.realised.append(self._with_promise(one, record, model, rules))
        return found

    def _no_match(self, found: _Found) -> DataError:
        days = self._settings.keep_scores_days
        if found.n_unusable:
            return DataError(
                "These ids were scored, but none of the outcomes is a value that the model knows.",
                hint="Choose the column with the actual outcome, written as in the training data.",
                code="outcomes.no_match",
            )
        gone = f" Scorings whose model was deleted: {found.n_gone:,}." if found.n_gone else ""
        return DataError(
            f"None of these ids was scored, or their scores are no longer kept.{gone}",
            hint=f"Choose the column that named the rows when they were scored; scores are kept for {days} days.",
            code="outcomes.no_match",
        )

    def _with_promise(self, one: Realised, record: ScoringRecord, model: StoredModel, rules: Rules) -> Realised:
        policy_id = record.summary.policy_id if record.summary else None
        policies = self._ledger.policies(model.info.id, limit=10_000) if policy_id else ()
        saved = next((entry for entry in policies if entry.id == policy_id), None)
        promise = read_promise(model, rules, saved.policy.calibration if saved else None)
        return one if promise is None else replace(one, promised=promise[0], origin=promise[1])

    def _read_kept(self, experiment: str) -> list[pa.Table]:
        paths = [self._path(file.id) for file in self._table.list(experiment)]
        return [pq.read_table(path) for path in paths if path.is_file()]

    def _path(self, outcome_id: str) -> Path:
        return self._settings.outcomes_dir / f"{outcome_id}.parquet"


def _one_each(table: pa.Table, id_column: str, target_column: str) -> pa.Table:
    """Return ids and outcomes as text, each id once; rows without an id or an outcome are left out."""
    ids, actual = plain_ids(table[id_column]), plain_ids(table[target_column])
    found = pa.table({ID: ids, ACTUAL: actual})
    is_given = pc.and_(_is_filled(found[ID]), _is_filled(found[ACTUAL]))
    pairs = found.filter(is_given).group_by([ID, ACTUAL], use_threads=False).aggregate([])
    twice = pairs.group_by([ID], use_threads=False).aggregate([(ACTUAL, "count")])
    many = twice.filter(pc.greater(twice[f"{ACTUAL}_count"], 1))
    if many.num_rows:
        raise DataError(
            f"{many.num_rows:,} ids have two outcomes or more in this file, such as {many[ID][0].as_py()!r}.",
            hint="Keep one row for each id, and choose the column that names the rows.",
            code="outcomes.conflict",
        )
    return pairs


def _is_filled(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.and_kleene(texts.is_valid(), pc.not_equal(pc.fill_null(texts, ""), ""))


def _merged(tables: Sequence[pa.Table]) -> pa.Table:
    """Put tables of outcomes together; of two outcomes for an id, the one of the earlier table in the list counts."""
    if not tables:
        return pa.table({ID: pa.array([], pa.string()), ACTUAL: pa.array([], pa.string())})
    every = pa.concat_tables([table.select([ID, ACTUAL]) for table in tables])
    first = every.group_by([ID], use_threads=False).aggregate([(ACTUAL, "first")])
    return first.rename_columns({f"{ACTUAL}_first": ACTUAL}).select([ID, ACTUAL])
