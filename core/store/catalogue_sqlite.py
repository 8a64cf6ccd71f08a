"""Reads runs and models straight from MLflow's SQLite file, without loading MLflow.

MLflow's own searches build an object per tag and metric: 0.4 s for 200 runs and 0.6 s for 500 models, against 0.01 s
and 0.05 s here, and a page asks every second. The tables are those of the pinned MLflow; `tests/core/store`
holds these answers against those of MLflow's client. Nothing is ever written to them here.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from core.errors import StoreCorruptError
from core.sqlite import Unchanged, connect
from core.store.records import CHAMPION, PREFIX, ModelRow, RunRow, VersionRow

_KEPT = 64
_READY = 2  # MLflow's LoggedModelStatus.READY
_OURS = f"JOIN tags ours ON ours.key = '{PREFIX}key' AND ours.run_uuid = r.run_uuid"
_EXPERIMENTS = f"""
    SELECT DISTINCT e.name FROM runs r JOIN experiments e USING (experiment_id) {_OURS}
    WHERE r.lifecycle_stage = 'active' AND e.lifecycle_stage = 'active' ORDER BY lower(e.name)
"""  # noqa: S608 - a constant of this module
_RUNS = f"""
    SELECT r.run_uuid, CAST(e.experiment_id AS TEXT), e.name, r.name, r.status, r.start_time, r.end_time,
      r.artifact_uri,
      (SELECT json_group_object(substr(key, {len(PREFIX) + 1}), value) FROM tags
       WHERE run_uuid = r.run_uuid AND key GLOB '{PREFIX}*')
    FROM runs r JOIN experiments e USING (experiment_id) {_OURS}
    WHERE r.lifecycle_stage = 'active' AND e.lifecycle_stage = 'active'
      AND (:run_id IS NULL OR r.run_uuid = :run_id) AND (:experiment IS NULL OR e.name = :experiment)
      AND (:statuses IS NULL OR r.status IN (SELECT value FROM json_each(:statuses)))
      AND (:key IS NULL OR ours.value = :key)
      AND (:dataset_id IS NULL OR :dataset_id =
           (SELECT value FROM tags WHERE run_uuid = r.run_uuid AND key = '{PREFIX}dataset_id'))
    ORDER BY r.start_time DESC, r.rowid DESC
"""  # noqa: S608 - as above
_MODELS_FROM = f"""
    FROM logged_models m
    JOIN experiments e USING (experiment_id)
    JOIN runs r ON r.run_uuid = m.source_run_id
    JOIN logged_model_tags k ON k.model_id = m.model_id AND k.tag_key = '{PREFIX}model_key'
    WHERE m.lifecycle_stage = 'active' AND r.lifecycle_stage = 'active' AND e.lifecycle_stage = 'active'
      AND (:ids IS NULL OR m.model_id IN (SELECT value FROM json_each(:ids)))
      AND (:experiment IS NULL OR e.name = :experiment)
      AND (:run_id IS NULL OR m.source_run_id = :run_id) AND (:model_key IS NULL OR k.tag_value = :model_key)
"""  # noqa: S608 - as above
_MODELS = f"""
    SELECT m.model_id, m.source_run_id, e.name, m.creation_timestamp_ms, m.status = {_READY}, m.artifact_location,
      (SELECT json_group_object(substr(tag_key, {len(PREFIX) + 1}), tag_value) FROM logged_model_tags
       WHERE model_id = m.model_id AND tag_key GLOB '{PREFIX}*')
    {_MODELS_FROM}
    ORDER BY m.creation_timestamp_ms DESC, m.rowid DESC
"""  # noqa: S608 - as above
# Oldest first: of a metric that was logged twice the newest value counts.
_METRICS = f"""
    SELECT model_id, metric_name, metric_value FROM logged_model_metrics
    WHERE model_id IN (SELECT m.model_id {_MODELS_FROM}) ORDER BY metric_timestamp_ms
"""  # noqa: S608 - as above
_VERSIONS = f"""
    SELECT v.name, v.version, t.value, a.alias IS NOT NULL
    FROM model_versions v
    JOIN model_version_tags t ON t.name = v.name AND t.version = v.version AND t.key = '{PREFIX}model_id'
    LEFT JOIN registered_model_aliases a ON a.name = v.name AND a.version = v.version AND a.alias = '{CHAMPION}'
    WHERE v.current_stage != 'Deleted_Internal' AND (:experiment IS NULL OR v.name = :experiment)
    ORDER BY v.name, v.version
"""  # noqa: S608 - as above


class SqliteCatalogue:
    """The `Catalogue` of a local store.

    Parameters
    ----------
    path : Path
        MLflow's database; where there is none yet, nothing is stored yet.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._kept: Unchanged[list[list[tuple[Any, ...]]]] = Unchanged(path, _KEPT)

    def experiments(self) -> tuple[str, ...]:
        """Return the names of the experiments that have runs, sorted."""
        return tuple(name for (name,) in self._read({}, _EXPERIMENTS)[0])

    def runs(
        self,
        *,
        run_id: str | None = None,
        experiment: str | None = None,
        statuses: Sequence[str] = (),
        dataset_id: str | None = None,
        key: str | None = None,
    ) -> Iterator[RunRow]:
        """Return the runs that Bellwether made and nobody deleted, newest first."""
        values = {
            "run_id": run_id,
            "experiment": experiment,
            "statuses": json.dumps(statuses) if statuses else None,
            "dataset_id": dataset_id,
            "key": key,
        }
        (rows,) = self._read(values, _RUNS)
        for run, experiment_id, name, title, status, start_ms, end_ms, location, tags in rows:
            yield RunRow(run, experiment_id, name, title, status, start_ms, end_ms, location, json.loads(tags))

    def models(
        self,
        *,
        ids: Sequence[str] = (),
        experiment: str | None = None,
        run_id: str | None = None,
        model_key: str | None = None,
    ) -> Iterator[ModelRow]:
        """Return the models of those runs, newest first, half-made ones too."""
        wanted = json.dumps(ids) if ids else None
        values = {"ids": wanted, "experiment": experiment, "run_id": run_id, "model_key": model_key}
        # Every scoring asks for its model, a page for lists that may be long.
        read = self._keep if ids else self._read
        rows, numbers = read(values, _MODELS, _METRICS)
        metrics: dict[str, dict[str, float]] = defaultdict(dict)
        for model, name, value in numbers:
            metrics[model][name] = value
        for model, run, name, created_ms, is_ready, location, tags in rows:
            yield ModelRow(model, run, name, created_ms, bool(is_ready), location, json.loads(tags), metrics[model])

    def versions(self, experiment: str | None = None) -> tuple[VersionRow, ...]:
        """Return the registered versions, oldest first."""
        (rows,) = self._keep({"experiment": experiment}, _VERSIONS)
        return tuple(VersionRow(name, version, model_id, bool(champion)) for name, version, model_id, champion in rows)

    def _keep(self, values: dict[str, str | None], *queries: str) -> list[list[tuple[Any, ...]]]:
        return self._kept.get((*values.values(), *queries), lambda: self._read(values, *queries))

    def _read(self, values: dict[str, str | None], *queries: str) -> list[list[tuple[Any, ...]]]:
        if not self._path.exists():
            return [[] for _ in queries]
        with connect(self._path, read_only=True) as connection:
            connection.execute("BEGIN")  # one look for all queries
            try:
                return [connection.execute(query, values).fetchall() for query in queries]
            except UnicodeDecodeError as error:
                raise StoreCorruptError("The database of runs and models is damaged.") from error
