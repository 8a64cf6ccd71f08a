"""Adding data by its address, and scoring data into an address: both done by the cluster."""

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from core.data.datasets.registry import Datasets
from core.domain.columns import Schema
from core.domain.datasets import Dataset, RemoteData, RemoteFrame
from core.domain.models import ModelInfo
from core.engine.protocol import Engine
from core.engine.rest.addresses import allowed_prefixes, check_address, result_format
from core.engine.rest.client import NOT_FOUND
from core.errors import AppError, DataError, EngineError, SchemaMismatchError
from core.files import scratch
from core.ledger.database import Ledger
from core.ledger.scoring_records import ScoringRecord, ScoringRequest, ScoringStatus, ScoringSummary
from core.ledger.scorings import ScoringTable
from core.models.decisions import decide
from core.models.opened import StoredModel
from core.processes import Mark
from core.settings import Settings
from core.store.mlflow import Store
from core.wording import count_text, list_text

SAMPLE_ROWS: Final = 20_000
_LARGEST_SHARE: Final = 0.5  # of little data half is left to train on


class ClusterData:
    """Data that no row of passes through here, but those of a sample."""

    def __init__(self, settings: Settings, datasets: Datasets, store: Store, ledger: Ledger, engine: Engine) -> None:
        self._settings = settings
        self._datasets = datasets
        self._store = store
        self._ledger = ledger
        self._engine = engine

    def prefixes(self) -> tuple[str, ...]:
        """Return where the cluster may read and write; empty when it may not."""
        return allowed_prefixes(self._settings)

    def add(self, address: str, *, name: str | None = None, version_of: str | None = None, person: str = "") -> Dataset:
        """Let the cluster read data once, and keep what it counts and a sample of about 20,000 rows as a dataset.

        Raises
        ------
        DataError
            If the address is not allowed (``cluster.address``), or importing is off (``cluster.import_off``).
        EngineError
            If the cluster cannot read it, with its reason.
        """
        check_address(address, self._settings)
        self._engine.ensure_ready()
        imports = self._engine.imports
        keys = [imports.read(address)]
        try:
            whole = imports.describe(keys[0])
            share = min(SAMPLE_ROWS / max(whole.n_rows, 1), _LARGEST_SHARE)
            keys += imports.part(keys[0], share)
            counted = imports.describe(keys[1])
            remote = RemoteData(address, whole, share, counted.checksum)
            with scratch(self._settings, "remote-") as folder:
                path = folder / "sample.csv"
                imports.save(keys[1], path)
                called = name or address.rstrip("/").rpartition("/")[2]
                dataset = self._datasets.add(path, path.name, name=called, version_of=version_of, remote=remote)
        finally:
            self._engine.delete(keys)
        dataset = self._as_the_cluster_reads(dataset, whole)
        self._ledger.record(
            "add dataset", dataset.id, person=person, detail={"name": dataset.label, "address": address}
        )
        return dataset

    def score(
        self, model: ModelInfo, source: str, target: str, *, threshold: float | None = None, person: str = ""
    ) -> int:
        """Let the cluster score data at one address into another, and return how many rows that were.

        The result has the model's id column, where the data has it, ``prediction`` and one ``probability_CLASS`` per
        class, in the data's order.

        Raises
        ------
        DataError
            If an address is not allowed, the result cannot be written there like that (``cluster.format``), or the
            model needs what only Bellwether itself does: a recipe, a calibration or dates (``cluster.model``).
        SchemaMismatchError
            If columns are missing.
        """
        for address in (source, target):
            check_address(address, self._settings)
        result_format(target)
        stored = StoredModel(self._store, model)
        spec, decision = stored.spec, decide(self._ledger, model, stored.spec, threshold)
        dates = [column.name for column in spec.features.columns if column.type == "date"]
        if spec.recipe or spec.target_recipe or decision.calibration or dates or spec.aliases.classes:
            raise DataError(
                "The cluster alone cannot score with this model: it has a recipe, a calibration, dates or classes with"
                " names that H2O uses itself.",
                hint="Score the file with `score --data`, or train a model without them.",
                code="cluster.model",
            )
        begun, request = time.monotonic(), ScoringRequest(threshold=threshold, result_address=target)
        with self._recording(model, source, request, person) as told:
            n_rows = self._score(stored, decision.threshold, source, target)
            told.n_rows, told.summary = n_rows, ScoringSummary(
                task=spec.task, threshold=decision.threshold, decision=decision.words,
                seconds=time.monotonic() - begun,
            )  # fmt: skip
        detail = {"from": source, "to": target, "rows": n_rows, "model": model.id}
        self._ledger.record("score on cluster", model.experiment, person=person, detail=detail)
        return n_rows

    def _score(self, stored: StoredModel, threshold: float | None, source: str, target: str) -> int:
        try:
            return self._score_once(stored, threshold, source, target)
        except EngineError as error:
            if error.code != NOT_FOUND:
                raise
            # The engine has one model of this name. Who explained its run meanwhile has removed it, as is due.
            return self._score_once(stored, threshold, source, target)

    def _score_once(self, stored: StoredModel, threshold: float | None, source: str, target: str) -> int:
        spec = stored.spec
        self._engine.ensure_ready()
        imports, keys = self._engine.imports, list[str]()
        key = self._engine.models.load_native(*stored.native())
        try:
            keys.append(imports.read(source))
            found = imports.describe(keys[0])
            keys[0] = imports.as_types(keys[0], _named(found, spec.features, spec.aliases.column))
            keys.append(imports.predict(key, keys[0], classes=spec.classes, threshold=threshold, keep=spec.id_column))
            imports.export(keys[1], target)
        finally:
            is_in_use = self._store.get_run(stored.info.run_id).explanations == "computing"
            self._engine.delete(keys if is_in_use else [*keys, key])
        return found.n_rows

    @contextmanager
    def _recording(self, model: ModelInfo, source: str, request: ScoringRequest, person: str) -> Iterator["_Told"]:
        """Keep a record of the scoring that the block does, among those of files."""
        table, told, now, error = ScoringTable(self._ledger), _Told(), datetime.now(UTC), None
        record = ScoringRecord(
            id=uuid.uuid4().hex, experiment=model.experiment, model_id=model.id, model_version=model.version,
            algo=model.algo, submitted_at=now, started_at=now, origin="cluster", status="running", file_name=source,
            sha256="", n_bytes=0, request=request, person=person, owner=str(Mark.own()),
        )  # fmt: skip
        table.add(record)
        try:
            yield told
        except AppError as caught:
            error = caught.to_dict()
            raise
        finally:
            status: ScoringStatus = "failed" if told.summary is None else "finished"
            table.end(record.id, status, n_rows=told.n_rows, summary=told.summary, error=error)

    def _as_the_cluster_reads(self, dataset: Dataset, whole: RemoteFrame) -> Dataset:
        """Leave out as text what is not read alike here and there: dates, and numbers with signs beside them."""
        for column, theirs in zip(dataset.schema.columns, whole.columns, strict=True):
            if column.type == "date" or (column.type == "numeric" and theirs.type != "numeric"):
                dataset = self._datasets.set_type(dataset.id, column.name, "text")
        return dataset


@dataclass
class _Told:
    """What became of a scoring; without a summary it has failed."""

    n_rows: int = 0
    summary: ScoringSummary | None = None


def _named(found: RemoteFrame, features: Schema, alias: Callable[[str], str]) -> list[tuple[str, str]]:
    """Return the engine's name and kind of each column of data to score; no kind for what the model does not use."""
    wanted = {column.name: column for column in features.columns}
    names = [column.name for column in found.columns]
    missing = tuple(name for name in wanted if name not in names)
    if missing:
        raise SchemaMismatchError(
            f"The data lacks {count_text(len(missing), 'column')} that the model needs: {list_text(missing)}.",
            code="schema.missing_columns",
            missing=missing,
        )
    kinds = {name: "Enum" if column.type == "category" else "Numeric" for name, column in wanted.items()}
    return [(alias(name) if name in wanted else name, kinds.get(name, "")) for name in names]
