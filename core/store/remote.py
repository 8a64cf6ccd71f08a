"""Reads and files of a store that is an MLflow server, through MLflow's client, which the caller hands in."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from core.errors import ModelIntegrityError
from core.files import atomic_path, scratch, sha256_of
from core.settings import Settings
from core.store.records import CHAMPION, PREFIX, TO_MLFLOW, ModelRow, RunRow, VersionRow, check_file_path, own_tags

_PAGE = 200


class ClientCatalogue:
    """The `Catalogue` of a remote store."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def experiments(self) -> tuple[str, ...]:
        """Return the names of the experiments that have runs, sorted."""
        marker = f"tags.`{PREFIX}key` LIKE '%'"
        found = [
            name
            for experiment_id, name in self._names().items()
            if self._client.search_runs([experiment_id], filter_string=marker, max_results=1)
        ]
        return tuple(sorted(found, key=str.lower))

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
        # The values are checked ids and keys: no quote can be in them.
        parts = [f"tags.`{PREFIX}key` = '{key}'" if key else f"tags.`{PREFIX}key` LIKE '%'"]
        if run_id:
            parts.append(f"attributes.run_id = '{run_id}'")
        if dataset_id:
            parts.append(f"tags.`{PREFIX}dataset_id` = '{dataset_id}'")
        if statuses:
            parts += [f"attributes.status != '{other}'" for other in TO_MLFLOW.values() if other not in statuses]
        names = self._names(experiment)
        order = ["attributes.start_time DESC"]
        for run in _pages(self._client.search_runs, list(names), filter_string=" AND ".join(parts), order_by=order):
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

    def models(
        self,
        *,
        ids: Sequence[str] = (),
        experiment: str | None = None,
        run_id: str | None = None,
        model_key: str | None = None,
    ) -> Iterator[ModelRow]:
        """Return the models of those runs, newest first, half-made ones too."""
        parts = [f"tags.`{PREFIX}model_key` != ''"]
        parts += [f"source_run_id = '{run_id}'"] if run_id else []
        parts += [f"model_id = '{ids[0]}'"] if len(ids) == 1 else []  # MLflow knows no OR
        names = self._names(experiment)
        alive = {row.run_id for row in self.runs(experiment=experiment, run_id=run_id)}
        for model in _pages(self._client.search_logged_models, list(names), filter_string=" AND ".join(parts)):
            tags = own_tags(model.tags)
            is_asked_for = model_key in (None, tags["model_key"]) and (not ids or model.model_id in ids)
            if is_asked_for and model.source_run_id in alive:
                yield _model_row(model, names[model.experiment_id], tags)

    def versions(self, experiment: str | None = None) -> tuple[VersionRow, ...]:
        """Return the registered versions, oldest first."""
        champions = {}
        for model in _pages(self._client.search_registered_models):
            champions[model.name] = model.aliases.get(CHAMPION)
        rows = []
        for version in _pages(self._client.search_model_versions):
            model_id = version.tags.get(f"{PREFIX}model_id")
            if model_id and experiment in (None, version.name):
                number = int(version.version)
                rows.append(VersionRow(version.name, number, model_id, str(number) == str(champions.get(version.name))))
        return tuple(sorted(rows, key=lambda row: (row.experiment, row.version)))

    def _names(self, experiment: str | None = None) -> dict[str, str]:
        found = _pages(self._client.search_experiments)
        return {e.experiment_id: e.name for e in found if experiment in (None, e.name)}


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

    def names(self, location: str) -> tuple[str, ...]:
        """Return the names of all files, sorted."""
        return tuple(sorted(self._iter_names(self._open(location), None)))

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


def _pages(search: Callable[..., Any], *args: Any, **options: Any) -> Iterator[Any]:
    token = None
    while True:
        page = search(*args, **options, max_results=_PAGE, page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def _model_row(model: Any, experiment: str, tags: dict[str, str]) -> ModelRow:
    # Of a metric that was logged twice the newest value counts.
    metrics = {m.key: m.value for m in sorted(model.metrics or [], key=lambda m: m.timestamp)}
    return ModelRow(
        id=model.model_id,
        run_id=model.source_run_id,
        experiment=experiment,
        created_ms=model.creation_timestamp,
        is_ready=str(model.status) == "READY",
        location=model.artifact_location,
        tags=tags,
        metrics=metrics,
    )
