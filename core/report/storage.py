"""Reports as files of their run: each is kept under the time it was made, the newest one counts."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from core.data.datasets.registry import Datasets
from core.domain.models import ModelInfo
from core.errors import RunNotFoundError
from core.explain import load
from core.ledger.database import AuditEntry, Ledger
from core.report.gather import gather
from core.report.page import write
from core.store.items import Artifact
from core.store.mlflow import Store
from core.training.proof.verification import read_verdict

PROMOTE = "promote"
_FOLDER = "reports"
_CARD, _WHOLE, _END = "card-", "report-", ".html"
_TIME = "%Y%m%dT%H%M%S%fZ"


@dataclass(frozen=True)
class SavedReport:
    """A report that is stored with its run; `card` and `whole` are the paths of its files there."""

    made_at: datetime
    card: str
    whole: str


def make_report(store: Store, datasets: Datasets, ledger: Ledger, model: ModelInfo) -> SavedReport:
    """Make the report of a model from what is stored, and store it with the run; earlier ones stay.

    Raises
    ------
    ExplanationError
        If the model's files were not kept, or its explanations cannot be read.
    DataError
        If its stored predictions cannot be measured.
    StoreError
        If something cannot be read or written.

    Notes
    -----
    Needs no engine. The time grows with the rows of the stored predictions: they are ranked, calibrated and cut into
    parts once each.
    """
    contents = gather(store, datasets, ledger, model)
    made = write(contents)
    saved = _saved(model, contents.made_at)
    # The report comes last: `find_report` looks for it.
    files = ((saved.card, made.card), (saved.whole, made.whole))
    store.log(model.run_id, [Artifact(path, text.encode()) for path, text in files])
    return saved


def find_report(store: Store, model: ModelInfo) -> SavedReport | None:
    """Return the newest report that is stored of a model; None when there is none."""
    return next(iter(list_reports(store, model)), None)


def list_reports(store: Store, model: ModelInfo) -> tuple[SavedReport, ...]:
    """Return the stored reports of a model, newest first."""
    start = f"{_FOLDER}/{model.model_key}/{_WHOLE}"
    names = [name for name in store.artifacts(model.run_id) if name.startswith(start) and name.endswith(_END)]
    times = (datetime.strptime(name[len(start) : -len(_END)], _TIME).replace(tzinfo=UTC) for name in names)
    return tuple(_saved(model, made_at) for made_at in sorted(times, reverse=True))


def report_file(store: Store, model: ModelInfo, path: str) -> Path:
    """Return a local path of one of the two files of a stored report.

    Raises
    ------
    StoreError
        If it is gone.
    """
    return store.artifact(model.run_id, path)


def what_changed(store: Store, ledger: Ledger, model: ModelInfo, saved: SavedReport) -> str:
    """Return what is newer than a report, in words; empty when it is up to date.

    Raises
    ------
    StoreError
        If the ledger or the run cannot be read.
    """
    policy = next(iter(ledger.policies(model.id, limit=1)), None)
    if policy is not None and policy.at > saved.made_at:
        return "The decision policy was changed since"
    found = load(store, model)
    if found is not None and datetime.fromisoformat(found.created_at) > saved.made_at:
        return "Explanations were computed since"
    if any(entry.at > saved.made_at for entry in ledger.entries(action=PROMOTE) if _is_about(entry, model)):
        return "The champion was changed since"
    verdict = read_verdict(store.get_run(model.run_id))
    if verdict is not None and (ended := _end_of(store, verdict.rerun_id)) is not None and ended > saved.made_at:
        return "The run was verified since"
    return ""


def _is_about(entry: AuditEntry, model: ModelInfo) -> bool:
    """Whether the model became champion, or was replaced as champion."""
    return model.uri in (entry.detail.get("model"), entry.detail.get("before"))


def _end_of(store: Store, run_id: str) -> datetime | None:
    try:
        return store.get_run(run_id).ended_at
    except RunNotFoundError:  # deleted since
        return None


def current_report(store: Store, datasets: Datasets, ledger: Ledger, model: ModelInfo) -> SavedReport:
    """Return the newest report of a model, made now when there is none or something changed since.

    Raises
    ------
    ExplanationError, DataError, StoreError
        As `make_report`.
    """
    saved = find_report(store, model)
    if saved is None or what_changed(store, ledger, model, saved):
        return make_report(store, datasets, ledger, model)
    return saved


def _saved(model: ModelInfo, made_at: datetime) -> SavedReport:
    folder, time = f"{_FOLDER}/{model.model_key}", made_at.strftime(_TIME)
    return SavedReport(made_at, f"{folder}/{_CARD}{time}{_END}", f"{folder}/{_WHOLE}{time}{_END}")
