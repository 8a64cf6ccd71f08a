"""Training again: the settings of the model in use, and its data with the rows whose outcome is known by now."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

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
from core.models.opened import StoredModel
from core.monitoring.monitor import Monitor
from core.scoring.log import ScoringLog
from core.scoring.outcomes import ACTUAL
from core.scoring.saved import ID, plain_ids
from core.settings import Settings
from core.store.mlflow import Store

NO_NEW_ROWS: Final = "outcomes.no_rows"


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
        known = self._store.get_run(model.run_id).settings
        return known if dataset_id is None else replace(known, dataset_id=dataset_id)

    def add_outcomes(self, model: ModelInfo, *, person: str = "") -> NewData:
        """Make the next version of a model's dataset: its rows, then those that were scored and have an outcome now.

        Raises
        ------
        DataError
            ``outcomes.no_rows``: no such row is kept.

        Notes
        -----
        Rows come from results that are still kept, so from files scored on the Predict page within
        `Settings.keep_results_days`. A row whose id the dataset has, or an earlier scoring brought, is not added again.
        """
        spec = StoredModel(self._store, model).spec
        data = self._datasets.open(spec.dataset_id)
        known = data.about
        new, n_scorings = self._new_rows(data, spec, model)
        if not new.num_rows:
            raise DataError(
                "No row with a known outcome is kept in full, so there is nothing to add.",
                hint=f"Rows of files scored on the Predict page are kept for {self._settings.keep_results_days} days.",
                code=NO_NEW_ROWS,
            )
        table = pa.concat_tables([_as_text(data.source()), new])
        types = tuple((column.name, column.type) for column in known.schema.columns)
        with scratch(self._settings, "again-") as folder:
            path = folder / "rows.parquet"
            pq.write_table(table, path)
            file_name = f"{known.name} with outcomes.parquet"
            made = self._datasets.add(path, file_name, options=ReadOptions(types=types), version_of=known.name)
        detail = {"from": known.id, "rows": new.num_rows, "scorings": n_scorings}
        self._ledger.record("add outcomes to dataset", made.id, person=person, detail=detail)
        return NewData(made, new.num_rows, n_scorings)

    def count_rows(self, experiment: str) -> int:
        """Return how many rows with a known outcome are kept in full; an id that is in several files counts in each."""
        realised = self._monitor.realised(experiment)
        kept = {record.id for record in self._monitor.history(experiment) if record.kept == "result"}
        return sum(one.found.n_rows for one in realised.values() if one.scoring_id in kept)

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
        return pa.concat_tables([empty, *parts[::-1]]), n_scorings


def _known_ids(data: OpenedDataset, spec: ModelSpec) -> pa.Array:
    if spec.id_column is None or spec.id_column not in data.about.schema:
        return pa.array([], pa.string())
    return plain_ids(data.source([spec.id_column])[spec.id_column]).combine_chunks()


def _outcomes_of(
    source: pa.Table, id_name: str | None, spec: ModelSpec, outcomes: pa.Table
) -> tuple[pa.ChunkedArray | None, pa.ChunkedArray | None]:
    """Return the outcome of each row, by id, else from the file itself, and the ids."""
    ids = plain_ids(source[id_name]) if id_name in source.column_names else None
    own = _as_text(source.select([spec.target]))[spec.target] if spec.target in source.column_names else None
    if own is not None:
        own = pc.if_else(pc.equal(pc.fill_null(own, ""), ""), pa.scalar(None, pa.string()), own)
    if ids is None or not outcomes.num_rows:
        return own, ids
    places = pc.index_in(ids, value_set=outcomes[ID].combine_chunks(), skip_nulls=True)
    found = outcomes[ACTUAL].take(places.combine_chunks())
    return (found if own is None else pc.coalesce(found, own)), ids


def _complete(source: pa.Table, names: Sequence[str], target: str, actual: pa.ChunkedArray) -> pa.Table:
    """Return the rows with the columns of a dataset: those the file lacks are empty, the target is the outcome."""
    texts = _as_text(source)
    empty = pa.nulls(source.num_rows, pa.string())
    columns = [actual if name == target else texts[name] if name in texts.column_names else empty for name in names]
    return pa.table(columns, names=list(names))


def _as_text(table: pa.Table) -> pa.Table:
    return pa.table([column.cast(pa.string()) for column in table.columns], names=table.column_names)
