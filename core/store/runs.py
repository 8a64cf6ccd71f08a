"""The runs of the store: queued, followed, searched, with their files."""

import math
import uuid
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Unpack

from core.domain.datasets import Dataset
from core.domain.runs import RunInfo, RunStatus
from core.domain.training import TrainingSettings
from core.errors import DataError, RunError, StoreCorruptError, StoreError
from core.plain import from_json, to_json
from core.store.base import StoreBase, translated
from core.store.items import Artifact, Metric, Param, RunItem, Tag, iter_settings
from core.store.records import (
    ARCHIVED,
    DELETED,
    FINAL,
    FROM_MLFLOW,
    KIND_TAG,
    MACHINE_LEARNING,
    MAX_TAG_CHARS,
    PREFIX,
    TO_MLFLOW,
    RunChanges,
    RunRow,
    check_experiment_name,
    check_key,
    check_run_id,
    is_file_path,
    make_change_tags,
    make_run_info,
    make_run_tags,
    now_ms,
    prefixed,
)
from core.store.run_search import parse_search

MAX_NAME_CHARS, MAX_NOTE_CHARS = 200, 5000  # MLflow keeps 250, and 8000 of a tag


class RunStore(StoreBase):
    """What the store knows of runs; `core.store.mlflow.Store` is the whole.

    Every method may raise `RunNotFoundError` where a run is named.
    """

    @translated("The experiments cannot be listed.")
    def experiments(self) -> tuple[str, ...]:
        """Return the names of the experiments that have runs, sorted."""
        return self._mlflow.catalogue.experiments()

    @translated("The run cannot be stored.")
    def create_run(
        self, settings: TrainingSettings, dataset: Dataset, *, key: str, person: str = "", verifies: str = ""
    ) -> str:
        """Queue a run; the same key gives the same run, whoever asks and however often.

        Parameters
        ----------
        settings : TrainingSettings
            What to train; `settings.experiment` is made when it is new.
        dataset : Dataset
            What it is trained on; it becomes the run's input.
        key : str
            Names this request, 1 to 200 of letters, digits and ``. : @ + - _``.
        verifies : str
            The run that this one trains again, to compare the two.

        Raises
        ------
        DataError
            If the experiment cannot have its name, or the key is none.
        """
        check_experiment_name(settings.experiment)
        check_key(key)
        client, home = self._mlflow.client, self._mlflow.home
        with self._mlflow.lock():
            row = next(iter(self._mlflow.catalogue.runs(key=key)), None)
            if row is None:
                number = self._next_number(settings.experiment)
                tags = prefixed(
                    make_run_tags(
                        settings, dataset, key=key, home=home, person=person, number=number, verifies=verifies
                    )
                )
                name = f"{settings.experiment} #{number}"
                user = {"mlflow.user": person} if person else {}
                run = client.create_run(self._experiment_id(settings.experiment), now_ms(), {**tags, **user}, name)
                row = self._run(run.info.run_id)
            # A run that a killed process left half-made is completed: each of these steps can be repeated.
            if not row.is_complete:
                self._mlflow.log_dataset(row.run_id, dataset)
                self._log(row, iter_settings(settings))
                client.update_run(row.run_id, status=TO_MLFLOW["queued"])
        return row.run_id

    def _next_number(self, experiment: str) -> int:
        """Return the number of the next run of an experiment; whoever asks holds the lock."""
        last = next(iter(self._mlflow.catalogue.runs(experiment=experiment, page=1)), None)
        if last is None:
            return 1
        if "number" in last.tags:
            return int(last.tags["number"]) + 1
        return sum(1 for _ in self._mlflow.catalogue.runs(experiment=experiment)) + 1  # stored before runs had numbers

    @translated("The run cannot be read.")
    def get_run(self, run_id: str) -> RunInfo:
        """Return a run (RunNotFoundError if there is none, or it was deleted)."""
        return self._run_info(self._run(run_id, complete=True))

    @translated("The run cannot be read.")
    def mlflow_page(self, run_id: str) -> str:
        """Return where a run is below the address of MLflow's own pages, which show it as GenAI's unless told."""
        row = self._run(run_id)
        return f"#/experiments/{row.experiment_id}/runs/{row.run_id}?workflowType=machine_learning"

    @translated("The runs cannot be listed.")
    def list_runs(
        self,
        *,
        ids: Sequence[str] | None = None,
        experiment: str | None = None,
        statuses: Sequence[RunStatus] = (),
        dataset_id: str | None = None,
        text: str = "",
        archived: bool | None = False,
        limit: int = 500,
    ) -> tuple[RunInfo, ...]:
        """Return runs, newest first.

        Parameters
        ----------
        ids : sequence of str, optional
            Only these.
        statuses : sequence of RunStatus
            Only runs in one of these; all when empty.
        text : str
            Only runs with all of these words in name, experiment, dataset, target, person, tags, note or id;
            ``field:words`` looks in one field (`core.store.run_search.FIELDS`). Case does not matter.
        archived : bool or None
            Whether to list the archived runs, and no others; None for both.
        """
        if ids is not None and not ids:
            return ()
        search = parse_search(text)
        rows = self._mlflow.catalogue.runs(
            ids=[check_run_id(one) for one in ids or ()],
            experiment=experiment,
            statuses=[TO_MLFLOW[status] for status in statuses],
            dataset_id=dataset_id,
            archived=archived,
            tags=search.tags,
            page=limit,
        )
        found = (row for row in rows if row.is_complete and search.matches(row))
        return tuple(self._run_info(row) for row in islice(found, limit))

    @translated("The runs cannot be counted.")
    def count_runs(self) -> dict[str, int]:
        """Return how many runs are in each status, archived ones too; of a server, as it was some seconds ago."""
        return {FROM_MLFLOW[status]: count for status, count in self._mlflow.catalogue.count_runs().items()}

    @translated("The run's status cannot be stored.")
    def set_status(self, run_id: str, status: RunStatus) -> None:
        """Set a run's status, and with it when it started or ended; one that is taken up again keeps its start."""
        row = self._run(run_id)
        if status == "running" and "started_at" not in row.tags:
            # First the time, then the status: a RUNNING run without the time counts as half-made.
            self._mlflow.log_batch(row.run_id, tags={"started_at": datetime.now(UTC).isoformat()})
        if TO_MLFLOW[status] in FINAL:
            self._mlflow.client.set_terminated(run_id, TO_MLFLOW[status], now_ms())
        else:
            self._mlflow.client.update_run(run_id, status=TO_MLFLOW[status])

    @property
    def is_shared(self) -> bool:
        """Whether other homes may have their runs here too."""
        return self._mlflow.is_shared

    @translated("The home's id cannot be read.")
    def owns(self, run: RunInfo) -> bool:
        """Return whether a run is this home's to train, cancel and settle: all are, in a store that no other uses."""
        return not self.is_shared or run.home == self._mlflow.home

    @translated("The run cannot be claimed.")
    def claim_run(self, run_id: str) -> bool:
        """Make a queued run this home's own, so that no other home trains it; False if another one was first."""
        row = self._run(run_id)
        if self.is_shared:
            if not self._mlflow.write_once(row.run_id, "home", self._mlflow.home):
                return False
            if row.tags.get("home") != self._mlflow.home:
                self._mlflow.log_batch(row.run_id, tags={"home": self._mlflow.home})
        return True

    @translated("The run cannot be changed.")
    def update_run(self, run_id: str, **changes: Unpack[RunChanges]) -> None:
        """Change what a run says, all at once. MLflow cuts what is longer than 8000 characters."""
        self._mlflow.log_batch(self._run(run_id).run_id, tags=make_change_tags(changes))

    @translated("The run cannot be changed.")
    def describe_run(self, run_id: str, *, name: str, note: str, tags: Sequence[str]) -> None:
        """Write what people call a run and say about it.

        Raises
        ------
        DataError
            Code ``run.words`` if the name is empty, or something is longer than the store keeps.
        """
        row, wanted = self._run(run_id), tuple(dict.fromkeys(tag.strip() for tag in tags if tag.strip()))
        if (
            not 0 < len(name.strip()) <= MAX_NAME_CHARS
            or len(note) > MAX_NOTE_CHARS
            or len(to_json(wanted)) > MAX_TAG_CHARS
        ):
            raise DataError(
                "This name, note or list of tags cannot be kept.",
                hint=f"A name has 1 to {MAX_NAME_CHARS} characters, a note at most {MAX_NOTE_CHARS}.",
                code="run.words",
            )
        self._mlflow.client.update_run(row.run_id, name=name.strip())
        self._mlflow.log_batch(row.run_id, tags=make_change_tags({"note": note.strip(), "tags": wanted}))

    @translated("The run cannot be archived.")
    def archive_run(self, run_id: str) -> None:
        """Put a run out of the way: out of lists, leaderboards and the search for the best. Its models still score."""
        row = self._run(run_id)
        if row.status not in FINAL:
            raise RunError("A run that waits or runs cannot be archived.", hint="Cancel it first.", code="run.active")
        self._mlflow.log_batch(row.run_id, tags={ARCHIVED: datetime.now(UTC).isoformat()})

    @translated("The run cannot be restored.")
    def restore_run(self, run_id: str) -> None:
        """Take a run out of the archive; one that is not archived stays as it is."""
        row = self._run(run_id)
        if ARCHIVED in row.tags:
            self._mlflow.client.delete_tag(row.run_id, PREFIX + ARCHIVED)

    @translated("The run's files cannot be stored.")
    def log(self, run_id: str, items: Iterable[RunItem]) -> None:
        """Write params, metrics, tags and artifacts of a run; the same twice is the same as once."""
        self._log(self._run(run_id), items)

    @translated("The run cannot be deleted.")
    def delete_run(self, run_id: str) -> None:
        """Delete a run, its models and their registered versions; `mlflow gc` then frees their place on the disk."""
        row = self._run(run_id)
        client = self._mlflow.client
        versions = {known.model_id: known.version for known in self._mlflow.catalogue.versions(run_ids=(run_id,))}
        for model in self._mlflow.catalogue.models(run_id=run_id):
            if model.id in versions:
                client.delete_model_version(row.experiment, str(versions[model.id]))
            client.delete_logged_model(model.id)
        self._mlflow.log_batch(run_id, tags={DELETED: datetime.now(UTC).isoformat()})
        client.delete_run(run_id)
        self._locations.pop(run_id, None)
        self._remembered.clear()

    @translated("The run's files cannot be listed.")
    def artifacts(self, run_id: str, folder: str = "") -> tuple[str, ...]:
        """Return the paths of a run's files, or of those in one of its folders, sorted."""
        return self._mlflow.files.names(self._location(run_id), folder)

    @translated("The run's file cannot be read.")
    def artifact(self, run_id: str, path: str) -> Path:
        """Return a local path of one of a run's files.

        Raises
        ------
        StoreError
            Code ``artifact.not_found`` if the run has no such file.
        """
        found = self._mlflow.files.get(self._location(run_id), path) if is_file_path(path) else None
        if found is None:
            raise StoreError(
                "The run has no such file.", hint="Pick one of the files listed.", code="artifact.not_found"
            )
        return found

    def _run_info(self, row: RunRow) -> RunInfo:
        self._locations[row.run_id] = row.location
        text = row.tags.get("settings")
        if text is None:
            path = self._mlflow.files.get(row.location, "settings.json")
            if path is None:
                raise StoreError("The settings of a run are missing.", hint="Restore mlruns/artifacts from a backup.")
            text = path.read_text(encoding="utf-8")
        settings = from_json(TrainingSettings, text, what=f"what is stored of run {row.run_id}")
        try:
            return make_run_info(row, settings)
        except (ValueError, KeyError) as error:
            raise StoreCorruptError(f"What is stored of run {row.run_id} cannot be read.") from error

    def _experiment_id(self, name: str) -> str:
        client = self._mlflow.client
        known = client.get_experiment_by_name(name)
        if known is None:
            root = self._mlflow.artifact_root
            location = (root / uuid.uuid4().hex).as_uri() if root else None
            return str(client.create_experiment(name, location, {KIND_TAG: MACHINE_LEARNING}))
        if KIND_TAG not in known.tags:  # made before this was noted, or by another tool
            client.set_experiment_tag(known.experiment_id, KIND_TAG, MACHINE_LEARNING)
        if known.lifecycle_stage == "deleted":
            client.restore_experiment(known.experiment_id)
        return str(known.experiment_id)

    def _log(self, row: RunRow, items: Iterable[RunItem]) -> None:
        params: dict[str, str] = {}
        tags: dict[str, str] = {}
        metrics: list[Metric] = []
        for item in items:
            match item:
                case Artifact(path, data):
                    self._mlflow.files.put(row.location, path, data)
                case Param(name, value):
                    params[name] = value
                case Tag(name, value):
                    tags[name] = value
                case Metric():
                    metrics += [item] if math.isfinite(item.value) else []
        self._mlflow.log_batch(row.run_id, params=params, tags=tags, metrics=metrics)
