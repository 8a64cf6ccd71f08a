"""Reads and files of a store that is an MLflow server, through MLflow's client, which the caller hands in."""

import base64
import functools
import itertools
import json
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from core.domain.foreign import ForeignItem, ForeignItems
from core.errors import ModelIntegrityError
from core.files import atomic_path, scratch, sha256_of
from core.settings import Settings
from core.store.records import (
    ALL,
    ARCHIVED,
    CHALLENGER,
    CHAMPION,
    DELETED,
    MAX_PAGE,
    PREFIX,
    TO_MLFLOW,
    ModelRow,
    RunRow,
    Sort,
    VersionRow,
    Wanted,
    check_file_path,
    own_tags,
    utc,
)

_CHUNK = 100  # ids in one filter: it stands in the address, which servers cut at 8 kB
_EXCLUDED = 2000  # ids in one filter of a POST, which MLflow's parser takes
_NEWEST = 10  # runs, to find the experiments that have any
_COUNTED_S = 15.0  # how old the counts of runs may be
_COUNTED = 16  # models that are read rather than asked for one by one
_LOOKED_AT = 1000  # models and versions, to find those of other tools: MLflow has no filter for them
_ACTIVE_ONLY, _DELETED_ONLY = 1, 2  # MLflow's ViewType
_OURS = f"tags.`{PREFIX}key` LIKE '%'"
_MODELS = f"tags.`{PREFIX}model_key` != ''"


class ClientCatalogue:
    """The `Catalogue` of a remote store."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._counted: dict[tuple[Any, ...], int] = {}
        self._counting = threading.Lock()
        self._run_counts: tuple[float, dict[str, int]] | None = None

    def experiments(self) -> tuple[str, ...]:
        """Return the names of the experiments that have runs, sorted."""
        names, found = self._names(), set[str]()
        # The newest runs of the experiments that none was found of yet, until there is none.
        while left := [one for one in names if one not in found]:
            runs = self._client.search_runs(left, filter_string=_OURS, max_results=min(len(left), _NEWEST))
            if not runs:
                break
            found |= {run.info.experiment_id for run in runs}
        return tuple(sorted((names[one] for one in found), key=str.lower))

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
        # The values are checked ids and keys: no quote can be in them.
        parts = [f"tags.`{PREFIX}key` = '{key}'" if key else _OURS]
        if dataset_id:
            parts.append(f"tags.`{PREFIX}dataset_id` = '{dataset_id}'")
        if statuses:
            parts += [f"attributes.status != '{other}'" for other in TO_MLFLOW.values() if other not in statuses]
        if archived is not None:
            parts.append(f"tags.`{PREFIX}{ARCHIVED}` IS {'NOT ' if archived else ''}NULL")
        for name, text in tags.items():
            if text.isascii() and not set(text) & set("'\"%_\\"):  # what MLflow compares as we do
                parts.append(f"tags.`{PREFIX}{name}` ILIKE '%{text}%'")
        chunks = [ids[start : start + _CHUNK] for start in range(0, len(ids), _CHUNK)]
        asked = [[*parts, f"attributes.run_id IN ({_listed(chunk)})"] for chunk in chunks] if ids else [parts]
        names = self._names(experiment)
        found = itertools.chain.from_iterable(self._runs(names, one, page=page) for one in asked)
        for row in sorted(found, key=lambda row: -row.start_ms) if len(asked) > 1 else found:
            if all(text.casefold() in row.tags.get(name, "").casefold() for name, text in tags.items()):
                yield row

    def count_runs(self) -> dict[str, int]:
        """Return how many whole runs there are in each of MLflow's statuses, as they were `_COUNTED_S` ago at most.

        MLflow counts nothing: all are read for it, so that whoever scrapes often must not ask for it each time.
        """
        with self._counting:
            now = time.monotonic()
            if self._run_counts is None or now - self._run_counts[0] >= _COUNTED_S:
                self._run_counts = (now, dict(Counter(row.status for row in self.runs() if row.is_complete)))
            return dict(self._run_counts[1])

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
    ) -> Iterator[ModelRow]:
        """Return the models of those runs, half-made ones too: newest first, or sorted, those without a value last."""
        if ids:
            names = self._names()
            chunks = [self._models_of(names, ids[start : start + _CHUNK]) for start in range(0, len(ids), _CHUNK)]
            yield from sorted(itertools.chain(*chunks), key=lambda row: -row.created_ms)
            return
        names, parts, gone = self._asked(experiment, run_id, wanted)
        if model_key:
            parts.append(f"tags.`{PREFIX}model_key` = '{model_key}'")
        order = [{"field_name": f"metrics.{sort.metric}", "ascending": sort.ascending}] if sort else None
        found = _pages(
            self._client.search_logged_models, list(names), filter_string=" AND ".join(parts), order_by=order,
            page=MAX_PAGE if limit is None else limit,
        )  # fmt: skip
        rows = (_model_row(model, names[model.experiment_id]) for model in found if model.source_run_id not in gone)
        yield from itertools.islice((row for row in rows if wanted.baselines or "baseline" not in row.tags), limit)

    def count_models(self, *, experiment: str | None = None, run_id: str | None = None, wanted: Wanted = ALL) -> int:
        """Return how many models there are, half-made ones too.

        Notes
        -----
        MLflow counts nothing. It is asked for the models at a place, first where the last count of the same ended, and
        else at places found by halving: one call, and 16 for the first count of 10,000, where reading them takes a
        minute.
        """
        names, parts, _ = self._asked(experiment, run_id, wanted)
        search = functools.partial(self._client.search_logged_models, list(names), filter_string=" AND ".join(parts))
        first = search(max_results=_COUNTED)
        if not first.token:
            return len(first)
        token = json.loads(base64.b64decode(first.token))
        key = (experiment, run_id, wanted)
        low, high = len(first), 0  # at least so many; at most so many, once that is known
        place, page = max(self._counted.get(key, 0) - 1, low), _COUNTED
        while True:
            moved = base64.b64encode(json.dumps(token | {"offset": place}).encode()).decode()
            found = search(page_token=moved, max_results=page)
            if (found and not found.token) or (not found and place == low):
                self._counted[key] = place + len(found)
                return self._counted[key]
            low, high = (place + len(found), high) if found else (low, place)
            is_near = high and high - low < _COUNTED
            place, page = (low, _COUNTED) if is_near else ((low + high) // 2 if high else 4 * low, 1)

    def versions(
        self, experiment: str | None = None, *, version: int | str | None = None, run_ids: Sequence[str] | None = None
    ) -> tuple[VersionRow, ...]:
        """Return the registered versions, oldest first; `version` is a number or an alias of the experiment."""
        wanted = sorted(run_ids or ())
        chunks = [wanted[start : start + _CHUNK] for start in range(0, len(wanted), _CHUNK)]
        searches = [""] if run_ids is None else [f"run_id IN ({_listed(chunk)})" for chunk in chunks]
        name = _quoted(experiment) if experiment is not None else None
        is_named = f"name = {name}" if name else ""
        aliases = {
            (model.name, int(number), alias)
            for model in _pages(self._client.search_registered_models, filter_string=is_named or None)
            for alias, number in model.aliases.items()
        }
        asked = {version} if isinstance(version, int) else {at for own, at, alias in aliases if alias == version}
        if version is not None and not asked:
            return ()
        is_one = isinstance(version, int) or (len(asked) == 1 and experiment is not None)
        number = f"version_number = {min(asked)}" if is_one else ""
        rows = []
        for search in searches:
            parts = " AND ".join(filter(None, (is_named, number, search)))
            for found in _pages(self._client.search_model_versions, filter_string=parts or None):
                key, model_id = (found.name, int(found.version)), found.tags.get(f"{PREFIX}model_id")
                is_asked_for = not isinstance(version, str) or (*key, version) in aliases
                if model_id and is_asked_for and experiment in (None, found.name):
                    own = frozenset(alias for alias in (CHAMPION, CHALLENGER) if (*key, alias) in aliases)
                    rows.append(VersionRow(*key, model_id, own))
        return tuple(sorted(rows, key=lambda row: (row.experiment, row.version)))

    def alias(self, experiment: str, alias: str) -> int | None:
        """Return the number of the version that an alias points to, another tool's too; None if there is none."""
        is_named = f"name = {_quoted(experiment)}"
        for model in _pages(self._client.search_registered_models, filter_string=is_named):
            if model.name == experiment and alias in model.aliases:
                return int(model.aliases[alias])
        return None

    def foreign_version(self, name: str, version: int | str) -> int | None:
        """Return the number of a version, or of an alias's, that another tool registered; None if there is none."""
        is_named = f"name = {_quoted(name)}"  # a name with both kinds of quotes finds nothing
        aliases = {
            alias: int(number)
            for model in _pages(self._client.search_registered_models, filter_string=is_named)
            for alias, number in model.aliases.items()
        }
        number = version if isinstance(version, int) else aliases.get(version)
        found = _pages(self._client.search_model_versions, filter_string=is_named)
        return next((number for one in found if int(one.version) == number and _is_foreign_version(one)), None)

    def foreign(self, limit: int) -> ForeignItems:
        """Return what other tools have logged, newest first.

        Of models and versions the newest are looked at, and those of the runs of other tools: MLflow finds runs that
        lack a tag, but no models and no versions.
        """
        names = self._names()
        items = [
            ForeignItem(
                "run", names[run.info.experiment_id], run.info.run_name, run.info.run_id, utc(run.info.start_time)
            )
            for run in self._client.search_runs(
                list(names), f"tags.`{PREFIX}key` IS NULL", max_results=limit, order_by=["attributes.start_time DESC"]
            )
        ]
        runs = [item.id for item in items]
        chunks = [_listed(runs[start : start + _CHUNK]) for start in range(0, len(runs), _CHUNK)]
        search = functools.partial(_pages, self._client.search_logged_models, list(names))
        newest = list(itertools.islice(search(), _LOOKED_AT + 1))
        models = {one.model_id: one for one in newest}
        models |= {one.model_id: one for part in chunks for one in search(filter_string=f"source_run_id IN ({part})")}
        items += [
            ForeignItem("model", names[one.experiment_id], one.name, one.model_id, utc(one.creation_timestamp))
            for one in models.values()
            if f"{PREFIX}model_key" not in one.tags
        ]
        searches = [None, *(f"run_id IN ({part})" for part in chunks)]
        looked = [
            list(itertools.islice(_pages(self._client.search_model_versions, filter_string=one), _LOOKED_AT + 1))
            for one in searches
        ]
        versions = {(one.name, one.version): one for found in looked for one in found}
        items += [
            ForeignItem(
                "version", one.name, str(one.version), f"models:/{one.name}/{one.version}", utc(one.creation_timestamp)
            )
            for one in versions.values()
            if _is_foreign_version(one)
        ]
        items.sort(key=lambda item: item.created_at, reverse=True)
        is_all = max(len(newest), *map(len, looked)) <= _LOOKED_AT
        return ForeignItems(tuple(items[:limit]), None if is_all else _LOOKED_AT)

    def _runs(
        self, names: Mapping[str, str], parts: Sequence[str], *, deleted: bool = False, page: int = MAX_PAGE
    ) -> Iterator[RunRow]:
        for run in _pages(
            self._client.search_runs, list(names), filter_string=" AND ".join(parts),
            run_view_type=_DELETED_ONLY if deleted else _ACTIVE_ONLY, page=page,
            order_by=["attributes.start_time DESC"],
        ):  # fmt: skip
            yield RunRow(
                run_id=run.info.run_id,
                experiment_id=run.info.experiment_id,
                experiment=names[run.info.experiment_id],
                name=run.info.run_name,
                status=run.info.status,
                start_ms=run.info.start_time,
                end_ms=run.info.end_time,
                location=run.info.artifact_uri,
                tags=own_tags(run.data.tags),
            )

    def _models_of(self, names: Mapping[str, str], ids: Sequence[str]) -> list[ModelRow]:
        """Return the models with these ids whose runs nobody deleted."""
        parts = [_MODELS, f"model_id IN ({_listed(ids)})"]
        found = list(_pages(self._client.search_logged_models, list(names), filter_string=" AND ".join(parts)))
        runs = sorted({model.source_run_id for model in found})
        gone = self._deleted(names, [f"attributes.run_id IN ({_listed(runs)})"]) if runs else set()
        return [_model_row(model, names[model.experiment_id]) for model in found if model.source_run_id not in gone]

    def _asked(
        self, experiment: str | None, run_id: str | None, wanted: Wanted
    ) -> tuple[dict[str, str], list[str], set[str]]:
        """Return the experiments to search, the conditions, and the runs whose models do not count."""
        names, parts = self._names(experiment), [_MODELS]
        parts += [] if wanted.without_files else [f"tags.`{PREFIX}files` = 'complete'"]
        if run_id is not None:
            parts.append(f"source_run_id = '{run_id}'")
            return names, parts, self._deleted(names, [f"attributes.run_id = '{run_id}'"])
        # Only what another tool deleted: our own deleting takes the models along.
        gone = self._deleted(names, [f"tags.`{PREFIX}{DELETED}` IS NULL"])
        if not wanted.archived:
            gone |= {row.run_id for row in self._runs(names, [_OURS, f"tags.`{PREFIX}{ARCHIVED}` IS NOT NULL"])}
        if gone:
            parts.append(f"source_run_id NOT IN ({_listed(sorted(gone)[:_EXCLUDED])})")
        return names, parts, gone

    def _deleted(self, names: Mapping[str, str], parts: Sequence[str]) -> set[str]:
        return {row.run_id for row in self._runs(names, [_OURS, *parts], deleted=True)}

    def _names(self, experiment: str | None = None) -> dict[str, str]:
        if experiment is None:
            return {one.experiment_id: one.name for one in _pages(self._client.search_experiments)}
        one = self._client.get_experiment_by_name(experiment)
        return {one.experiment_id: one.name} if one is not None and one.lifecycle_stage == "active" else {}


class RemoteFiles:
    """Artifacts on a server or in an object store; model files are kept in a folder here, by their sha256.

    Parameters
    ----------
    open_repository : callable
        Takes a location and returns MLflow's artifact repository for it.
    settings : Settings
        The home, in whose folders files lie on their way and afterwards.
    """

    def __init__(self, open_repository: Callable[[str], Any], settings: Settings) -> None:
        self._open = open_repository
        self._settings = settings

    def put(self, location: str, name: str, data: bytes | Path) -> None:
        """Upload one file; one that is there is replaced."""
        folder, _, base = check_file_path(name).rpartition("/")
        with scratch(self._settings, "artifact-") as work:
            path = work / base
            if isinstance(data, Path):
                path.symlink_to(data.resolve())
            else:
                path.write_bytes(data)
            self._open(location).log_artifact(str(path), folder or None)

    def names(self, location: str, folder: str = "") -> tuple[str, ...]:
        """Return the names of all files, or of those in a folder, sorted."""
        return tuple(sorted(self._iter_names(self._open(location), check_file_path(folder) if folder else None)))

    def get(self, location: str, name: str, sha256: str | None = None) -> Path | None:
        """Return a local copy of the file, None when there is none; a known sha256 is downloaded once only."""
        key = sha256 or "/".join(location.rstrip("/").split("/")[-2:-1])
        kept = self._settings.mlruns_dir / "cache" / key / check_file_path(name)
        if sha256 and kept.is_file():
            return kept
        repository = self._open(location)
        folder, _, _ = name.rpartition("/")
        if name not in [item.path for item in repository.list_artifacts(folder or None)]:
            return None
        with scratch(self._settings, "artifact-") as work, atomic_path(kept) as temporary:
            shutil.copyfile(repository.download_artifacts(name, dst_path=str(work)), temporary)
            if sha256 and sha256_of(temporary) != sha256:
                raise ModelIntegrityError("The model's file on the server is not the one that was saved.")
        return kept

    def clear(self, location: str) -> None:
        """Remove all files of the location."""
        self._open(location).delete_artifacts()

    def _iter_names(self, repository: Any, folder: str | None) -> Iterator[str]:
        for item in repository.list_artifacts(folder):
            if item.is_dir:
                yield from self._iter_names(repository, item.path)
            else:
                yield item.path


def _is_foreign_version(version: Any) -> bool:
    return f"{PREFIX}model_id" not in version.tags


def _pages(search: Callable[..., Any], *args: Any, page: int = MAX_PAGE, **options: Any) -> Iterator[Any]:
    token = None
    while True:
        found = search(*args, **options, max_results=min(page, MAX_PAGE), page_token=token)
        yield from found
        token = found.token
        if not token:
            return


def _quoted(text: str) -> str | None:
    """Return a text as MLflow's filters take it; None where they cannot."""
    return next((f"{quote}{text}{quote}" for quote in "'\"" if quote not in text), None)


def _listed(ids: Sequence[str]) -> str:
    return ", ".join(f"'{one}'" for one in ids)


def _model_row(model: Any, experiment: str) -> ModelRow:
    # Of a metric that was logged twice the newest value counts.
    metrics = {m.key: m.value for m in sorted(model.metrics or [], key=lambda m: (m.timestamp, m.step))}
    return ModelRow(
        id=model.model_id,
        run_id=model.source_run_id,
        experiment=experiment,
        created_ms=model.creation_timestamp,
        is_ready=str(model.status) == "READY",
        location=model.artifact_location,
        tags=own_tags(model.tags),
        metrics=metrics,
    )
