"""Reads runs and models straight from MLflow's SQLite file, without loading MLflow.

MLflow's own searches build an object per tag and metric: 0.4 s for 200 runs and 0.6 s for 500 models, against 0.01 s
and 0.05 s here, and a page asks every second. The tables are those of the pinned MLflow; `tests/core/store`
holds these answers against those of MLflow's client. Nothing is ever written to them here.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

from core.domain.foreign import ForeignItem, ForeignItems
from core.errors import StoreCorruptError
from core.sqlite import Unchanged, connect
from core.store.records import (
    ALL,
    ARCHIVED,
    CHALLENGER,
    CHAMPION,
    MAX_PAGE,
    PREFIX,
    ModelRow,
    RunRow,
    Sort,
    VersionRow,
    Wanted,
    utc,
)

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
"""  # noqa: S608 - as above
# As `RunRow.is_complete`: what has not been made whole yet is no run.
_RUNS_COUNT = f"""
    SELECT r.status, count(*) FROM runs r JOIN experiments e USING (experiment_id) {_OURS}
    WHERE r.lifecycle_stage = 'active' AND e.lifecycle_stage = 'active'
      AND (r.status != 'RUNNING'
           OR EXISTS (SELECT 1 FROM tags WHERE run_uuid = r.run_uuid AND key = '{PREFIX}started_at'))
    GROUP BY r.status
"""  # noqa: S608 - as above
_RUNS_ORDER = "ORDER BY r.start_time DESC, r.rowid DESC"
_IS_ARCHIVED = f"EXISTS (SELECT 1 FROM tags WHERE run_uuid = r.run_uuid AND key = '{PREFIX}{ARCHIVED}')"  # noqa: S608
_MODELS_FROM = f"""
    FROM logged_models m
    JOIN experiments e USING (experiment_id)
    JOIN runs r ON r.run_uuid = m.source_run_id
    JOIN logged_model_tags k ON k.model_id = m.model_id AND k.tag_key = '{PREFIX}model_key'
    WHERE m.lifecycle_stage = 'active' AND r.lifecycle_stage = 'active' AND e.lifecycle_stage = 'active'
"""
_NEWEST_FIRST = "m.creation_timestamp_ms DESC, m.rowid DESC"
# Of a metric that was logged twice the newest value counts.
_SORTED = """
    (SELECT metric_value FROM logged_model_metrics WHERE model_id = m.model_id AND metric_name = :sort
     ORDER BY metric_timestamp_ms DESC, metric_step DESC LIMIT 1)
"""
_MODELS = f"""
    SELECT m.model_id, m.source_run_id, e.name, m.creation_timestamp_ms, m.status = {_READY}, m.artifact_location,
      (SELECT json_group_object(substr(tag_key, {len(PREFIX) + 1}), tag_value) FROM logged_model_tags
       WHERE model_id = m.model_id AND tag_key GLOB '{PREFIX}*')
    FROM json_each(:found) asked JOIN logged_models m ON m.model_id = asked.value
    JOIN experiments e USING (experiment_id)
    ORDER BY asked.key
"""  # noqa: S608 - as above
_METRICS = """
    SELECT model_id, metric_name, metric_value FROM logged_model_metrics
    WHERE model_id IN (SELECT value FROM json_each(:found)) ORDER BY metric_timestamp_ms, metric_step
"""
_VERSIONS = f"""
    SELECT v.name, v.version, t.value,
      (SELECT json_group_array(alias) FROM registered_model_aliases
       WHERE name = v.name AND version = v.version AND alias IN ('{CHAMPION}', '{CHALLENGER}'))
    FROM model_versions v
    JOIN model_version_tags t ON t.name = v.name AND t.version = v.version AND t.key = '{PREFIX}model_id'
    WHERE v.current_stage != 'Deleted_Internal'
"""  # noqa: S608 - as above
_ALIASED = "v.version = (SELECT version FROM registered_model_aliases WHERE name = v.name AND alias = :version)"

_FOREIGN_VERSION = f"""
    SELECT v.version FROM model_versions v
    WHERE v.name = :experiment AND v.current_stage != 'Deleted_Internal'
      AND NOT EXISTS (SELECT 1 FROM model_version_tags
                      WHERE name = v.name AND version = v.version AND key = '{PREFIX}model_id')
"""  # noqa: S608 - as above
_FOREIGN = f"""
    SELECT 'run', e.name, r.name, r.run_uuid, r.start_time AS at FROM runs r JOIN experiments e USING (experiment_id)
    WHERE r.lifecycle_stage = 'active' AND e.lifecycle_stage = 'active'
      AND NOT EXISTS (SELECT 1 FROM tags WHERE run_uuid = r.run_uuid AND key = '{PREFIX}key')
    UNION ALL
    SELECT 'model', e.name, m.name, m.model_id, m.creation_timestamp_ms
    FROM logged_models m JOIN experiments e USING (experiment_id)
    WHERE m.lifecycle_stage = 'active' AND e.lifecycle_stage = 'active'
      AND NOT EXISTS (SELECT 1 FROM logged_model_tags WHERE model_id = m.model_id AND tag_key = '{PREFIX}model_key')
    UNION ALL
    SELECT 'version', v.name, CAST(v.version AS TEXT), 'models:/' || v.name || '/' || v.version, v.creation_time
    FROM model_versions v WHERE v.current_stage != 'Deleted_Internal'
      AND NOT EXISTS (SELECT 1 FROM model_version_tags
                      WHERE name = v.name AND version = v.version AND key = '{PREFIX}model_id')
    ORDER BY at DESC LIMIT :limit
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
        self._kept: Unchanged[list[tuple[Any, ...]]] = Unchanged(path, _KEPT)
        self._kept_models: Unchanged[tuple[ModelRow, ...]] = Unchanged(path, _KEPT)

    def experiments(self) -> tuple[str, ...]:
        """Return the names of the experiments that have runs, sorted."""
        return tuple(name for (name,) in self._read(_EXPERIMENTS, {}))

    def runs(
        self,
        *,
        ids: Sequence[str] = (),
        experiment: str | None = None,
        statuses: Sequence[str] = (),
        dataset_id: str | None = None,
        key: str | None = None,
        archived: bool | None = None,
        tags: Mapping[str, str] = MappingProxyType({}),
        page: int = MAX_PAGE,
    ) -> Iterator[RunRow]:
        """Return the runs that Bellwether made and nobody deleted, newest first; `tags` hold these texts."""
        values: dict[str, Any] = {
            "ids": json.dumps(ids) if ids else None,
            "experiment": experiment,
            "statuses": json.dumps(statuses) if statuses else None,
            "dataset_id": dataset_id,
            "key": key,
        }
        # Only what is asked for stands in the query: SQLite uses no index for what may be anything.
        parts = {
            "ids": "r.run_uuid IN (SELECT value FROM json_each(:ids))",
            "experiment": "e.name = :experiment",
            "statuses": "r.status IN (SELECT value FROM json_each(:statuses))",
            "dataset_id": f"EXISTS ({_tag('dataset_id')} AND value = :dataset_id)",
            "key": "ours.value = :key",
        }
        asked = [part for name, part in parts.items() if values[name] is not None]
        asked += [] if archived is None else [_IS_ARCHIVED if archived else f"NOT {_IS_ARCHIVED}"]
        for number, (name, text) in enumerate(tags.items()):
            values[f"tag{number}"] = text.casefold()
            asked.append(f"EXISTS ({_tag(name)} AND instr(casefold(value), :tag{number}))")
        for run, experiment_id, name, title, status, start_ms, end_ms, location, found in self._read(
            f"{_and(_RUNS, asked)} {_RUNS_ORDER}", values
        ):
            yield RunRow(run, experiment_id, name, title, status, start_ms, end_ms, location, json.loads(found))

    def count_runs(self) -> dict[str, int]:
        """Return how many whole runs there are in each of MLflow's statuses."""
        return dict(self._read(_RUNS_COUNT, {}))

    def models(
        self,
        *,
        ids: Sequence[str] = (),
        experiment: str | None = None,
        run_id: str | None = None,
        model_key: str | None = None,
        wanted: Wanted = ALL,
        sort: Sort | None = None,
        limit: int | None = None,
    ) -> tuple[ModelRow, ...]:
        """Return the models of those runs, half-made ones too: newest first, or sorted, those without a value last."""
        asked, values = _asked(ids, experiment, run_id, model_key, wanted)
        order = _NEWEST_FIRST
        if sort is not None:
            way = "ASC" if sort.ascending else "DESC"
            order = f"sorted IS NULL, sorted {way}, m.creation_timestamp_ms DESC, m.model_id"
        values |= {"sort": sort and sort.metric, "limit": -1 if limit is None else limit}
        query = f"""
            SELECT m.model_id, {_SORTED if sort else "NULL"} AS sorted {_and(_MODELS_FROM, asked)}
            ORDER BY {order} LIMIT :limit
        """
        if ids:  # every scoring asks for its model, a page for lists that may be long
            return self._kept_models.get((query, *values.values()), lambda: self._models(query, values))
        return self._models(query, values)

    def count_models(self, *, experiment: str | None = None, run_id: str | None = None, wanted: Wanted = ALL) -> int:
        """Return how many models there are, half-made ones too."""
        asked, values = _asked((), experiment, run_id, None, wanted)
        rows = self._read(f"SELECT count(*) {_and(_MODELS_FROM, asked)}", values)
        return sum(count for (count,) in rows)

    def versions(
        self, experiment: str | None = None, *, version: int | str | None = None, run_ids: Sequence[str] | None = None
    ) -> tuple[VersionRow, ...]:
        """Return the registered versions, oldest first; `version` is a number or an alias of the experiment."""
        asked = [] if experiment is None else ["v.name = :experiment"]
        asked += [] if run_ids is None else ["v.run_id IN (SELECT value FROM json_each(:run_ids))"]
        if version is not None:
            asked.append("v.version = :version" if isinstance(version, int) else _ALIASED)
        values = {"experiment": experiment, "version": version, "run_ids": json.dumps(sorted(run_ids or ()))}
        query = f"{_and(_VERSIONS, asked)} ORDER BY v.name, v.version"
        rows = self._kept.get((query, *values.values()), lambda: self._read(query, values))
        return tuple(
            VersionRow(name, number, model_id, frozenset(json.loads(aliases)))
            for name, number, model_id, aliases in rows
        )

    def alias(self, experiment: str, alias: str) -> int | None:
        """Return the number of the version that an alias points to; None if there is none."""
        rows = self.versions(experiment, version=alias)
        return rows[0].version if rows else None

    def foreign_version(self, name: str, version: int | str) -> int | None:
        """Return the number of a version, or of an alias's, that another tool registered; None if there is none."""
        asked = ["v.version = :version" if isinstance(version, int) else _ALIASED]
        rows = self._read(_and(_FOREIGN_VERSION, asked), {"experiment": name, "version": version})
        return int(rows[0][0]) if rows else None

    def foreign(self, limit: int) -> ForeignItems:
        """Return what other tools have logged, newest first."""
        rows = self._read(_FOREIGN, {"limit": limit})
        return ForeignItems(
            tuple(ForeignItem(kind, experiment, name, id_, utc(at)) for kind, experiment, name, id_, at in rows)
        )

    def _models(self, query: str, values: Mapping[str, Any]) -> tuple[ModelRow, ...]:
        with self._looking() as read:
            found = {"found": json.dumps([model for model, _ in read(query, values)])}
            rows, numbers = read(_MODELS, found), read(_METRICS, found)
        metrics: dict[str, dict[str, float]] = defaultdict(dict)
        for model, name, value in numbers:
            metrics[model][name] = value
        return tuple(
            ModelRow(model, run, name, created_ms, bool(is_ready), location, json.loads(tags), metrics[model])
            for model, run, name, created_ms, is_ready, location, tags in rows
        )

    def _read(self, query: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        with self._looking() as read:
            return read(query, values)

    @contextmanager
    def _looking(self) -> Iterator[Callable[[str, Mapping[str, Any]], list[tuple[Any, ...]]]]:
        """Open the database for one look, whatever others write meanwhile."""
        if not self._path.exists():
            yield lambda query, values: []
            return
        with connect(self._path, read_only=True) as connection:
            connection.create_function("casefold", 1, str.casefold, deterministic=True)
            connection.execute("BEGIN")
            try:
                yield lambda query, values: connection.execute(query, values).fetchall()
            except UnicodeDecodeError as error:
                raise StoreCorruptError("The database of runs and models is damaged.") from error


def _asked(
    ids: Sequence[str], experiment: str | None, run_id: str | None, model_key: str | None, wanted: Wanted
) -> tuple[list[str], dict[str, Any]]:
    """Return the conditions on models that are asked for, and their values."""
    values = {"ids": json.dumps(ids) if ids else None, "experiment": experiment}
    values |= {"run_id": run_id, "model_key": model_key}
    parts = {
        "ids": "m.model_id IN (SELECT value FROM json_each(:ids))",
        "experiment": "e.name = :experiment",
        "run_id": "m.source_run_id = :run_id",
        "model_key": "k.tag_value = :model_key",
    }
    asked = [part for name, part in parts.items() if values[name] is not None]
    asked += [] if wanted.archived else [f"NOT {_IS_ARCHIVED}"]
    asked += [] if wanted.without_files else [f"EXISTS ({_model_tag('files')} AND tag_value = 'complete')"]
    return asked + ([] if wanted.baselines else [f"NOT EXISTS ({_model_tag('baseline')})"]), values


def _and(query: str, conditions: Sequence[str]) -> str:
    return " AND ".join([query, *conditions])


def _tag(name: str) -> str:
    return f"SELECT 1 FROM tags WHERE run_uuid = r.run_uuid AND key = '{PREFIX}{name}'"  # noqa: S608 - a name of ours


def _model_tag(name: str) -> str:
    return f"SELECT 1 FROM logged_model_tags WHERE model_id = m.model_id AND tag_key = '{PREFIX}{name}'"  # noqa: S608
