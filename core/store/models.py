"""The models of the store: with metrics, files, versions and the champion."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from core.domain.champions import ChampionEntry
from core.domain.foreign import ForeignItems
from core.domain.models import ModelDetails, ModelInfo
from core.domain.training import Task
from core.errors import AliasMovedError, ForeignModelError, ModelNotFoundError, StoreCorruptError
from core.files import sha256_of
from core.served.description import Description
from core.store.base import StoreBase, translated
from core.store.items import Metric
from core.store.promotions import Promotions
from core.store.records import (
    CHALLENGER,
    CHAMPION,
    VERSIONS_TAG,
    ModelRow,
    Sort,
    VersionRow,
    Wanted,
    check_model_id,
    check_run_id,
    is_larger_better,
    make_model_info,
    make_model_tags,
    parse_model_uri,
    prefixed,
)

_NO_FILES, _OTHER_MODEL = "This model's files are not stored.", "Use one of the top models of the run."


class ModelStore(StoreBase):
    """What the store knows of models; `core.store.mlflow.Store` is the whole.

    Every method may raise `ModelNotFoundError` where a model or a version is named.
    """

    @translated("The model cannot be stored.")
    def add_model(self, run_id: str, details: ModelDetails, task: Task, *, baseline: str | None = None) -> str:
        """Store a model of a run with its metrics; the same model twice is the same as once. Returns ``m-…``."""
        row = self._run(run_id)
        client = self._mlflow.client
        with self._mlflow.lock():
            model = next(iter(self._mlflow.catalogue.models(run_id=run_id, model_key=details.key)), None)
            if model is not None and model.is_ready:
                return model.id
            if model is None:
                tags = prefixed(make_model_tags(details, task, baseline))
                model_id = self._mlflow.create_model(row, details, tags)
            else:
                model_id = model.id
            finite = [Metric(name, float(value)) for name, value in details.metrics.items() if math.isfinite(value)]
            self._mlflow.log_batch(row.run_id, metrics=finite, model_id=model_id)
            client.finalize_logged_model(model_id, "READY")
        return model_id

    @translated("The model cannot be changed.")
    def set_model_tags(self, model_id: str, tags: Mapping[str, str]) -> None:
        """Set tags of a model, all at once; names without the prefix."""
        self._mlflow.client.set_logged_model_tags(self._model(model_id).id, prefixed(tags))
        self._remembered.clear()

    @translated("The model's files cannot be stored.")
    def save_model_files(self, model_id: str, files: Mapping[str, Path], about: Description | None = None) -> None:
        """Store a model's files: first the files, then the sha256 of each, last the tag that says they are complete.

        Parameters
        ----------
        about : Description, optional
            What is said of the model to MLflow's own tools, which open it by that.
        """
        model = self._model(model_id)
        if about is not None:
            n_bytes = sum(path.stat().st_size for path in files.values())
            with self._mlflow.mlmodel(model, about, n_bytes) as described:
                for name, path in described.items():
                    self._mlflow.files.put(model.location, name, path)
        for name, path in files.items():
            self._mlflow.files.put(model.location, name, path)
        sums = {f"sha256.{name}": sha256_of(path) for name, path in files.items()}
        sizes = {f"bytes.{name}": str(path.stat().st_size) for name, path in files.items()}
        self._mlflow.client.set_logged_model_tags(model_id, prefixed(sums | sizes))
        self._mlflow.client.set_logged_model_tags(model_id, prefixed({"files": "complete"}))

    @translated("The model's files cannot be removed.")
    def drop_model_files(self, model_id: str) -> None:
        """Remove a model's files; its metrics stay."""
        model = self._model(model_id)
        self._mlflow.client.set_logged_model_tags(model_id, prefixed({"files": "dropped"}))
        self._remembered.clear()
        self._mlflow.files.clear(model.location)

    @translated("The model's file cannot be read.")
    def model_file(self, model_id: str, name: str) -> tuple[Path, str]:
        """Return a local path of a model's file and the sha256 that it must have; the reader checks it.

        ModelNotFoundError if there is no such model, or the model has no such file.
        """
        is_shared = self._mlflow.is_shared
        model = (
            self._remembered.get((ModelRow, model_id), lambda: self._with_files(model_id))
            if is_shared
            else self._with_files(model_id)
        )
        sha256 = model.tags.get(f"sha256.{name}")
        if sha256 is None:
            raise ModelNotFoundError(_NO_FILES, hint=_OTHER_MODEL)
        path = self._mlflow.files.get(model.location, name, sha256)
        if path is None:
            raise ModelNotFoundError("This model's file is gone.", hint="Restore it from a backup, or train again.")
        return path, sha256

    @translated("The models cannot be listed.")
    def models(
        self,
        *,
        experiment: str | None = None,
        run_id: str | None = None,
        ids: Sequence[str] | None = None,
        can_score: bool = False,
        sort: str | None = None,
        ascending: bool | None = None,
        limit: int = 200,
    ) -> tuple[ModelInfo, ...]:
        """Return stored models: sorted, else those of a run by rank, else newest first.

        Parameters
        ----------
        ids : sequence of str, optional
            Only these, archived ones too. Models of archived runs are left out of any list but this and that of a run.
        can_score : bool
            Only models whose files are stored.
        sort : str, optional
            A metric named by origin, such as ``"cv_auc"``: best first, models without it last. The store sorts before
            it cuts, so a list costs what `limit` costs, and its first is the best there is.
        ascending : bool, optional
            Whether less is better; known from the metric when omitted.
        """
        if run_id is not None:
            check_run_id(run_id)
        if ids is not None and not ids:
            return ()
        by_rank = run_id is not None and sort is None
        found = self._infos(
            self._mlflow.catalogue.models(
                ids=[check_model_id(one) for one in ids or ()],
                experiment=experiment,
                run_id=run_id,
                wanted=Wanted(archived=bool(run_id or ids), without_files=not can_score),
                sort=_sort(sort, ascending=ascending) if sort else None,
                limit=None if by_rank or ids else limit,
            )
        )
        if by_rank:
            found = sorted(found, key=lambda model: (model.rank is None, model.rank, model.created_at))
        return tuple(found[:limit])

    @translated("The models cannot be counted.")
    def count_models(self, *, experiment: str | None = None, run_id: str | None = None, can_score: bool = False) -> int:
        """Return how many models `models` would list without a limit; a server is asked up to 17 times."""
        if run_id is not None:
            check_run_id(run_id)
        wanted = Wanted(archived=run_id is not None, without_files=not can_score)
        return self._mlflow.catalogue.count_models(experiment=experiment, run_id=run_id, wanted=wanted)

    @translated("The models cannot be compared.")
    def best(
        self, metric: str = "cv_logloss", *, experiment: str | None = None, ascending: bool | None = None
    ) -> ModelInfo | None:
        """Return the best model that can score, over all experiments or in one; a baseline is none, nor one archived.

        Parameters
        ----------
        metric : str
            Named by origin. If no model has it from cross-validation, the same one on the holdout counts.
        ascending : bool, optional
            Whether less is better; known from the metric when omitted.
        """
        wanted = Wanted(archived=False, without_files=False, baselines=False)
        for name in dict.fromkeys((metric, metric.replace("cv_", "holdout_", 1))):
            rows = self._mlflow.catalogue.models(
                experiment=experiment, wanted=wanted, sort=_sort(name, ascending=ascending), limit=1
            )
            if found := [model for model in self._infos(rows) if name in model.metrics]:
                return found[0]
        return None

    @translated("The model cannot be read.")
    def resolve(self, uri: str) -> ModelInfo:
        """Return the model of ``models:/NAME@champion`` (or ``@challenger``), ``models:/NAME/3`` or ``models:/m-…``."""
        name, version = parse_model_uri(uri)
        if version is None:
            return self._infos([self._model(name)])[0]
        return self._model_of(self._version(name, version))

    @translated("The model cannot be found.")
    def resolve_to_score(self, uri: str) -> ModelInfo:
        """Return what `resolve` does, for who asks many times a second.

        A server is asked each time where an alias points to, and what a model or a version is once in `REMEMBERED_S`.
        """
        if not self._mlflow.is_shared:
            return self.resolve(uri)
        name, version = parse_model_uri(uri)
        if isinstance(version, str):
            version = self._mlflow.catalogue.alias(name, version)
            if version is None:
                return self.resolve(uri)  # says what is wrong
        return self._remember(name, version)

    @translated("The champion cannot be read.")
    def champion_to_score(self, experiment: str) -> ModelInfo | None:
        """Return what `champion` does, for who asks many times a second; see `resolve_to_score`.

        ForeignModelError if another tool registered it, so that it scores nothing.
        """
        if not self._mlflow.is_shared:
            return self.champion(experiment)
        version = self._mlflow.catalogue.alias(experiment, CHAMPION)
        return None if version is None else self._remember(experiment, version)

    @translated("The model cannot be registered.")
    def register(self, model_id: str) -> int:
        """Give a model a version under its experiment's name; a registered one keeps its own."""
        model, client = self._model(model_id), self._mlflow.client  # opened first: opening takes the lock too
        with self._mlflow.lock():
            for known in self._mlflow.catalogue.versions(run_ids=(model.run_id,)):
                if known.model_id == model_id:
                    return known.version
            self._mlflow.ensure_registered_model(model.experiment)
            version = client.create_model_version(
                model.experiment,
                model.location,
                run_id=model.run_id,
                tags=prefixed({"model_id": model_id}),
                model_id=model_id,
            )
            self._name_version(model_id, model.experiment, str(version.version))
        self._remembered.clear()
        return int(version.version)

    def _name_version(self, model_id: str, name: str, version: str) -> None:
        """Note a version with its model, where MLflow's own pages look for it; an MLflow server has done so already."""
        client, this = self._mlflow.client, {"name": name, "version": version}
        known = json.loads(client.get_logged_model(model_id).tags.get(VERSIONS_TAG, "[]"))
        if this not in [{**one, "version": str(one["version"])} for one in known]:
            client.set_logged_model_tags(model_id, {VERSIONS_TAG: json.dumps([*known, this])})

    @translated("The champion cannot be set.")
    def set_champion(
        self,
        experiment: str,
        version: int,
        *,
        instead_of: int | Literal["any"] | None = "any",
        entry: ChampionEntry | None = None,
    ) -> None:
        """Let the alias ``champion`` point to a version of an experiment, which is no challenger from then on.

        Parameters
        ----------
        instead_of : int or None, optional
            The version that is the champion, as the person has seen it; None for none. AliasMovedError if it is
            another one by now, also where another home of the same MLflow server moves it at the same time; nobody is
            kept from moving it by MLflow's own pages.
        entry : ChampionEntry, optional
            What is said of it to other homes.
        """
        client = self._mlflow.client  # opened first: opening takes the lock too
        with self._mlflow.lock():
            row = self._version(experiment, version)
            promotions = self._promotions(experiment)
            if promotions:
                promotions.check_idle(entry)
            rows = self._mlflow.catalogue.versions(experiment, version=CHAMPION)
            now = rows[0].version if rows else None
            if instead_of != "any" and now not in (instead_of, version):
                raise AliasMovedError(experiment, now, instead_of)
            said = entry or ChampionEntry(
                experiment=experiment, version=version, model_id=row.model_id, at=datetime.now(UTC), from_version=now
            )
            if promotions:
                promotions.take(said)
            client.set_registered_model_alias(experiment, CHAMPION, str(version))
            if CHALLENGER in row.aliases:
                client.delete_registered_model_alias(experiment, CHALLENGER)
            if promotions:
                promotions.finish()
        self._remembered.clear()

    @translated("The champion history cannot be read.")
    def promotions(self, experiment: str) -> tuple[ChampionEntry, ...]:
        """Return the promotions of all homes that share an MLflow server, newest first; none are kept elsewhere."""
        found = self._promotions(experiment)
        return found.done(self.champion_version(experiment)) if found else ()

    def _promotions(self, experiment: str) -> Promotions | None:
        """Return the promotions of an experiment; None where no other home can promote, or nothing is registered."""
        for version in self._mlflow.catalogue.versions(experiment) if self._mlflow.is_shared else ():
            with suppress(ModelNotFoundError):  # deleted with its run: then the next oldest holds them
                return Promotions(self._mlflow, experiment, self._model(version.model_id).run_id)
        return None

    @translated("The challenger cannot be set.")
    def set_challenger(self, experiment: str, version: int | None) -> None:
        """Let the alias ``challenger`` of an experiment point to a version; None takes it away."""
        client = self._mlflow.client
        with self._mlflow.lock():
            if version is not None:
                client.set_registered_model_alias(
                    experiment, CHALLENGER, str(self._version(experiment, version).version)
                )
            elif self._mlflow.catalogue.versions(experiment, version=CHALLENGER):
                client.delete_registered_model_alias(experiment, CHALLENGER)
        self._remembered.clear()

    @translated("The champion cannot be read.")
    def champion(self, experiment: str) -> ModelInfo | None:
        """Return the model that scores for an experiment; None while there is none."""
        rows = self._mlflow.catalogue.versions(experiment, version=CHAMPION)
        return self._model_of(rows[0]) if rows else None

    @translated("The champion cannot be read.")
    def champion_version(self, experiment: str) -> int | None:
        """Return the version that is the champion, also where its model is gone; None while there is none."""
        rows = self._mlflow.catalogue.versions(experiment, version=CHAMPION)
        return rows[0].version if rows else None

    @translated("The champion cannot be read.")
    def foreign_champion(self, experiment: str) -> int | None:
        """Return the version with the alias ``champion`` if another tool registered it, so that it scores nothing."""
        return self._mlflow.catalogue.foreign_version(experiment, CHAMPION)

    @translated("What other tools have logged cannot be listed.")
    def foreign(self, *, limit: int = 200) -> ForeignItems:
        """Return runs, logged models and registered versions that Bellwether did not make, newest first."""
        return self._mlflow.catalogue.foreign(limit)

    @translated("The challenger cannot be read.")
    def challenger(self, experiment: str) -> ModelInfo | None:
        """Return the model that is a candidate to become the champion; None while there is none."""
        rows = self._mlflow.catalogue.versions(experiment, version=CHALLENGER)
        return self._model_of(rows[0]) if rows else None

    @translated("The champions cannot be read.")
    def champions(self) -> dict[str, ModelInfo]:
        """Return the model that scores for each experiment that has one, by experiment; two reads for all of them."""
        return self._champions()[0]

    @translated("The champions cannot be read.")
    def lost_champions(self) -> dict[str, int]:
        """Return the version of each champion whose model is gone: another tool has deleted its run."""
        return self._champions()[1]

    def _champions(self) -> tuple[dict[str, ModelInfo], dict[str, int]]:
        rows = {row.model_id: row for row in self._mlflow.catalogue.versions(version=CHAMPION)}
        models = self._mlflow.catalogue.models(ids=tuple(rows)) if rows else ()
        found = [_model_info(model, rows[model.id]) for model in models if model.is_ready]
        known = {model.experiment: model for model in sorted(found, key=lambda model: model.experiment.lower())}
        return known, {row.experiment: row.version for row in rows.values() if row.experiment not in known}

    def _remember(self, name: str, version: int | None) -> ModelInfo:
        """Return a version of an experiment, or without one the model of that name, as it was a moment ago."""

        def ask() -> ModelInfo:
            if version is None:
                return self._infos([self._model(name)])[0]
            return self._model_of(self._version(name, version))

        return self._remembered.get((ModelInfo, name, version), ask)

    def _with_files(self, model_id: str) -> ModelRow:
        row = self._model(model_id)
        if row.tags.get("files") != "complete":
            raise ModelNotFoundError(_NO_FILES, hint=_OTHER_MODEL)
        return row

    def _version(self, experiment: str, version: int | str) -> VersionRow:
        rows = self._mlflow.catalogue.versions(experiment, version=version)
        if rows:
            return rows[0]
        foreign = self._mlflow.catalogue.foreign_version(experiment, version)
        if foreign is not None:
            raise ForeignModelError(f"Version {foreign} of {experiment} was registered by another tool.")
        raise ModelNotFoundError("There is no such version.")

    def _model_of(self, version: VersionRow) -> ModelInfo:
        try:
            return _model_info(self._model(version.model_id), version)
        except ModelNotFoundError as error:
            raise ModelNotFoundError(
                f"Version {version.version} of {version.experiment} has no model any more: its run was deleted.",
                hint="Use another version, or choose a new champion on the leaderboard.",
            ) from error

    def _infos(self, rows: Iterable[ModelRow]) -> list[ModelInfo]:
        """Return ready models in our words, with the versions of these and no others."""
        ready = [row for row in rows if row.is_ready]
        runs = {row.run_id for row in ready}
        found = self._mlflow.catalogue.versions(run_ids=sorted(runs)) if ready else ()
        versions = {version.model_id: version for version in found}
        return [_model_info(row, versions.get(row.id)) for row in ready]


def _sort(metric: str, *, ascending: bool | None) -> Sort:
    return Sort(metric, not is_larger_better(metric) if ascending is None else ascending)


def _model_info(row: ModelRow, version: VersionRow | None) -> ModelInfo:
    try:
        return make_model_info(row, version)
    except (ValueError, KeyError) as error:
        raise StoreCorruptError(f"What is stored of model {row.id} cannot be read.") from error
