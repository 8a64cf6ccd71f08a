"""Training again: the settings of the model in use, and its data with the rows whose outcome is known by now."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from core.data.datasets.opened import OpenedDataset
from core.data.datasets.registry import Datasets
from core.data.tables.packed import PackedTable
from core.domain.datasets import Dataset
from core.domain.models import ModelInfo, ModelSpec
from core.domain.reading import ReadOptions
from core.domain.training import TrainingSettings
from core.errors import DataError
from core.features.checking import rename_columns
from core.files import scratch
from core.ledger.database import Ledger
from core.metrics.ranking import BoolArray, IntArray
from core.models.opened import StoredModel
from core.monitoring.monitor import Monitor
from core.scoring.kept.log import ScoringLog
from core.scoring.kept.saved import ID, plain_ids
from core.scoring.known_rows import as_text, not_in
from core.scoring.outcomes import ACTUAL
from core.settings import Settings
from core.store.mlflow import Store
from core.training.plan.in_time import as_asked

NO_NEW_ROWS: Final = "outcomes.no_rows"
MIN_HELD_OUT: Final = 100
MAX_HELD_OUT: Final = 20_000  # enough to tell an AUC .02 better; the rest is better learned from
_PART: Final = "hold out new rows"  # in the audit, of the dataset that lacks them


@dataclass(frozen=True)
class NewData:
    """A dataset with new rows.

    Attributes
    ----------
    dataset : Dataset
        The next version of the model's.
    n_new : int
        Rows that it has beyond those.
    n_scorings : int
        Scorings they come from.
    """

    dataset: Dataset
    n_new: int
    n_scorings: int


@dataclass(frozen=True, eq=False)
class NewRows:
    """What a model has not seen of a dataset, split into rows to learn from and rows to compare on.

    Attributes
    ----------
    dataset : Dataset
        What to train on: all rows but those held out.
    n_new : int
        Rows that the model was not trained on.
    held_out : Table
        The newest of them, as texts; without rows where there are too few.
    reason : str
        Why none are held out; empty where some are.
    """

    dataset: Dataset
    n_new: int
    held_out: pa.Table
    reason: str = ""


class Retrainer:
    """Prepares a training that follows from what was seen in use.

    Every method may raise `StoreError` kin, and `RunNotFoundError` or `DatasetNotFoundError` where those are gone.
    """

    def __init__(
        self, settings: Settings, datasets: Datasets, store: Store, ledger: Ledger, log: ScoringLog, monitor: Monitor
    ) -> None:
        self._settings = settings
        self._datasets = datasets
        self._store = store
        self._ledger = ledger
        self._log = log
        self._monitor = monitor

    def settings_of(self, model: ModelInfo, dataset_id: str | None = None) -> TrainingSettings:
        """Return the settings that trained a model, on its own dataset or on another one."""
        known = as_asked(self._store.get_run(model.run_id).settings)
        return known if dataset_id is None else replace(known, dataset_id=dataset_id)

    def newest(self, model: ModelInfo) -> Dataset:
        """Return the newest version of a model's dataset; of one that `hold_out` made, of that from which it is."""
        own = self._datasets.get(StoredModel(self._store, model).spec.dataset_id)
        while made := self._ledger.entries(action=_PART, subject=own.id, limit=1):
            whole = self._datasets.find_id(made[0].detail["from"])
            if whole is None:  # deleted since
                break
            own = whole
        return next(iter(self._datasets.versions(own.name)), own)

    def add_outcomes(self, model: ModelInfo, *, person: str = "") -> NewData:
        """Make the next version of a model's dataset: its newest rows, then those scored whose outcome is known now.

        Raises
        ------
        DataError
            ``outcomes.no_rows``: no such row is kept.

        Notes
        -----
        Rows come from results that are still kept, so from files scored on the Predict page within
        `Settings.keep_results_days`. A row whose id the dataset has, or an earlier scoring brought, is not added again;
        of data without ids, a row that is in the dataset as it stands.
        """
        spec = StoredModel(self._store, model).spec
        data = self._datasets.open(self.newest(model).id)
        known = data.about
        new, n_scorings = self._new_rows(data, spec, model)
        if not new.num_rows:
            raise DataError(
                "No row with a known outcome is kept in full, so there is nothing to add.",
                hint=f"Rows of files scored on the Predict page are kept for {self._settings.keep_results_days} days.",
                code=NO_NEW_ROWS,
            )
        table = pa.concat_tables([as_text(data.source()), new])
        made = self._add(known, table, "with outcomes", version_of=known.name)
        detail = {"from": known.id, "rows": new.num_rows, "scorings": n_scorings}
        self._ledger.record("add outcomes to dataset", made.id, person=person, detail=detail)
        return NewData(made, new.num_rows, n_scorings)

    def hold_out(self, model: ModelInfo, dataset: Dataset, *, person: str = "") -> NewRows:
        """Split what a model has not seen of a dataset: the newest half is held out of the dataset to train on.

        Notes
        -----
        Rows are known by their id, without one by all their values. The newest ones are the last by the column that the
        training was split by in time, else the last of the file. Of data split by group whole new groups are held out.
        At least `MIN_HELD_OUT` rows with a target are, at most `MAX_HELD_OUT` or so; else none.
        """
        spec, settings = StoredModel(self._store, model).spec, self.settings_of(model)
        data, own = self._datasets.open(dataset.id), self._datasets.open(spec.dataset_id)
        rows = as_text(data.source())
        is_new = not_in(rows, as_text(own.source()), spec.id_column)
        chosen, reason = _newest_half(data, rows, is_new, spec, settings)
        n_new = int(is_new.sum())
        held_out = rows.filter(pa.array(chosen))
        if not held_out.num_rows:
            return NewRows(dataset, n_new, held_out, reason)
        # Not a version of the dataset: whoever asks for its newest one wants all rows.
        name = f"{dataset.name} to train on"
        known = name if self._datasets.versions(name) else None
        part = self._add(dataset, rows.filter(pa.array(~chosen)), "to train on", version_of=known)
        self._ledger.record(_PART, part.id, person=person, detail={"from": dataset.id, "rows": held_out.num_rows})
        return NewRows(part, n_new, held_out)

    def count_rows(self, experiment: str) -> int:
        """Return how many rows with a known outcome are kept in full: of a file scored twice only once.

        An id that is in several files counts in each.
        """
        realised = self._monitor.realised(experiment)
        kept = [record for record in self._monitor.history(experiment) if record.kept == "result"]
        known = {
            record.sha256 or record.id: realised[record.id].found.n_rows for record in kept if record.id in realised
        }
        return sum(known.values())

    def _add(self, like: Dataset, table: pa.Table, what: str, *, version_of: str | None) -> Dataset:
        """Take in rows as a dataset with the types of another one."""
        types = tuple((column.name, column.type) for column in like.schema.columns)
        with scratch(self._settings, "again-") as folder:
            path = folder / "rows.parquet"
            pq.write_table(table, path)
            file_name = f"{like.name} {what}.parquet"
            return self._datasets.add(path, file_name, options=ReadOptions(types=types), version_of=version_of)

    def _new_rows(self, data: OpenedDataset, spec: ModelSpec, model: ModelInfo) -> tuple[pa.Table, int]:
        names = data.about.schema.names
        mapping, outcomes = self._ledger.columns(model.experiment), self._monitor.outcomes(model.experiment)
        taken = _known_ids(data, spec)
        parts, n_scorings = [], 0
        for record in self._monitor.history(model.experiment)[::-1]:
            if record.kept != "result" or record.summary is None:
                continue
            scored = self._log.result(record.id)
            known = {**mapping, **dict(scored.renamed)}
            source, _ = rename_columns(PackedTable.of(scored.source).table(), known)
            actual, ids = _outcomes_of(source, scored.id_name, spec, outcomes)
            if actual is None:
                continue
            rows = _complete(source, names, spec.target, actual)
            chosen = actual.is_valid()
            if ids is not None:
                chosen = pc.and_(chosen, pc.invert(pc.is_in(ids, value_set=taken)))
                taken = pa.concat_arrays([taken, ids.filter(chosen).combine_chunks()])
            part = rows.filter(chosen)
            if part.num_rows:
                parts.append(part)
                n_scorings += 1
        empty = pa.table({name: pa.array([], pa.string()) for name in names})
        found = pa.concat_tables([empty, *parts[::-1]])
        if spec.id_column is None or spec.id_column not in data.about.schema:
            found = found.filter(pa.array(not_in(found, as_text(data.source()))))
        return found, n_scorings


def _known_ids(data: OpenedDataset, spec: ModelSpec) -> pa.Array:
    if spec.id_column is None or spec.id_column not in data.about.schema:
        return pa.array([], pa.string())
    return plain_ids(data.source([spec.id_column])[spec.id_column]).combine_chunks()


def _newest_half(
    data: OpenedDataset, rows: pa.Table, is_new: BoolArray, spec: ModelSpec, settings: TrainingSettings
) -> tuple[BoolArray, str]:
    """Choose the rows to hold out, and say why there are none."""
    none = np.zeros(rows.num_rows, bool)
    if spec.target not in rows.column_names:
        return none, f"The data has no column {spec.target}, so the models cannot be held against it."
    target = pc.fill_null(rows[spec.target], "")
    order: IntArray = np.arange(rows.num_rows)
    by = settings.split_column if settings.split_column in rows.column_names else None
    if settings.split == "time" and by is not None:
        order = pc.sort_indices(data.load([by]), sort_keys=[(by, "ascending", "at_start")]).to_numpy()
    can_judge = is_new & pc.not_equal(target, "").to_numpy()
    groups = None
    if settings.split == "group" and by is not None:
        groups = pc.fill_null(rows[by], "").combine_chunks().dictionary_encode().indices.to_numpy(zero_copy_only=False)
        can_judge &= ~np.isin(groups, groups[~is_new])
    candidates = order[can_judge[order]]
    n_wanted = min(len(candidates) // 2, MAX_HELD_OUT)
    newest = candidates[len(candidates) - n_wanted :]
    chosen = none.copy()
    chosen[newest] = True
    if groups is not None:
        chosen = can_judge & np.isin(groups, groups[newest])
    if chosen.sum() < MIN_HELD_OUT:
        few = f"at least {MIN_HELD_OUT} rows have to be held out to compare on, and as many be learned from"
        return none, f"The champion has not seen {len(candidates):,} rows with a known target; {few}."
    if settings.task != "regression" and len(pc.unique(target.filter(pa.array(chosen)))) < 2:
        return none, "The newest rows are all of one class, so the models cannot be compared on them."
    return chosen, ""


def _outcomes_of(
    source: pa.Table, id_name: str | None, spec: ModelSpec, outcomes: pa.Table
) -> tuple[pa.ChunkedArray | None, pa.ChunkedArray | None]:
    """Return the outcome of each row, by id, else from the file itself, and the ids."""
    ids = plain_ids(source[id_name]) if id_name in source.column_names else None
    own = as_text(source.select([spec.target]))[spec.target] if spec.target in source.column_names else None
    if own is not None:
        own = pc.if_else(pc.equal(pc.fill_null(own, ""), ""), pa.scalar(None, pa.string()), own)
    if ids is None or not outcomes.num_rows:
        return own, ids
    places = pc.index_in(ids, value_set=outcomes[ID].combine_chunks(), skip_nulls=True)
    found = outcomes[ACTUAL].take(places.combine_chunks())
    return (found if own is None else pc.coalesce(found, own)), ids


def _complete(source: pa.Table, names: Sequence[str], target: str, actual: pa.ChunkedArray) -> pa.Table:
    """Return the rows with the columns of a dataset: those the file lacks are empty, the target is the outcome."""
    texts = as_text(source)
    empty = pa.nulls(source.num_rows, pa.string())
    columns = [actual if name == target else texts[name] if name in texts.column_names else empty for name in names]
    return pa.table(columns, names=list(names))
