"""Reports of models, made from what is stored and kept as files of their run: the newest one counts."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from core.data.datasets.registry import Datasets
from core.domain.models import ModelInfo
from core.errors import ExplanationError, RunNotFoundError
from core.explain import load_comparison
from core.ledger.database import AuditEntry, Ledger
from core.models.decisions import decide
from core.models.groups import as_decided, look_at_groups
from core.models.opened import StoredModel, find_backtest
from core.report.contents import Contents
from core.report.gather import judge
from core.store.items import Artifact
from core.store.mlflow import Store

PROMOTE: Final = "promote"
NO_FILES: Final = "There is no report of this model, because its files were not stored."
_FOLDER = "reports"
_CARD, _WHOLE, _END = "card-", "report-", ".html"
_TIME = "%Y%m%dT%H%M%S%fZ"


@dataclass(frozen=True)
class SavedReport:
    """A report that is stored with its run; `card` and `whole` are the paths of its files there."""

    made_at: datetime
    card: str
    whole: str


class Reports:
    """Makes the reports of models, and finds those that were made.

    Notes
    -----
    Everything may raise `StoreError`. What makes a report raises `ExplanationError` where the model's files were not
    kept or its explanations cannot be read, and `DataError` where its stored predictions cannot be measured.
    """

    def __init__(self, store: Store, datasets: Datasets, ledger: Ledger) -> None:
        self._store = store
        self._datasets = datasets
        self._ledger = ledger

    def make(self, model: ModelInfo) -> SavedReport:
        """Make the report of a model from what is stored, and store it with the run; earlier ones stay.

        Notes
        -----
        The time grows with the rows of the stored predictions: they are ranked, calibrated and cut into parts once
        each.
        """
        from core.report.page import write  # with Plotly and all that figures are of: only who makes a report waits

        contents = self.gather(model)
        made = write(contents)
        saved = _saved(model, contents.made_at)
        # The report comes last: `find` looks for it.
        files = ((saved.card, made.card), (saved.whole, made.whole))
        self._store.log(model.run_id, [Artifact(path, text.encode()) for path, text in files])
        return saved

    def current(self, model: ModelInfo) -> SavedReport:
        """Return the newest report of a model, made now when there is none or something changed since."""
        saved = self.find(model)
        return self.make(model) if saved is None or self.what_changed(model, saved) else saved

    def find(self, model: ModelInfo) -> SavedReport | None:
        """Return the newest report that is stored of a model; None when there is none."""
        return next(iter(self.list(model)), None)

    def list(self, model: ModelInfo) -> tuple[SavedReport, ...]:
        """Return the stored reports of a model, newest first."""
        start = f"{_FOLDER}/{model.model_key}/{_WHOLE}"
        names = [name for name in self._store.artifacts(model.run_id) if name.startswith(start) and name.endswith(_END)]
        times = (datetime.strptime(name[len(start) : -len(_END)], _TIME).replace(tzinfo=UTC) for name in names)
        return tuple(_saved(model, made_at) for made_at in sorted(times, reverse=True))

    def what_changed(self, model: ModelInfo, saved: SavedReport) -> str:
        """Return what is newer than a report, in words; empty when it is up to date."""
        policy = next(iter(self._ledger.policies(model.id, limit=1)), None)
        if policy is not None and policy.at > saved.made_at:
            return "The decision policy has changed since"
        found = StoredModel(self._store, model).explanations
        if found is not None and datetime.fromisoformat(found.created_at) > saved.made_at:
            return "Explanations have been computed since"
        for entry in self._ledger.entries(action=PROMOTE):
            if entry.at > saved.made_at and _is_about(entry, model):
                became = entry.detail.get("model") == model.uri
                return f"{'This' if became else 'Another'} model has become the champion since"
        verdict = self._store.get_run(model.run_id).verification
        ended_at = self._end_of(verdict.rerun_id) if verdict is not None else None
        return "The run has been verified since" if ended_at is not None and ended_at > saved.made_at else ""

    def gather(self, model: ModelInfo) -> Contents:
        """Read everything that the report of a model tells."""
        if not model.has_files:
            raise ExplanationError(NO_FILES)
        opened, run = StoredModel(self._store, model), self._store.get_run(model.run_id)
        decision = decide(self._ledger, model, opened.spec)
        known = [opened.predictions(origin) for origin in opened.origins]
        judged = [as_decided(one, decision) for one in known]
        return Contents(
            made_at=datetime.now(UTC),
            model=model,
            run=run,
            models=self._store.models(run_id=model.run_id, limit=10_000),
            spec=opened.spec,
            details=opened.details,
            dataset=self._datasets.find_id(opened.spec.dataset_id),
            reference=opened.reference,
            decision=decision,
            policies=self._ledger.policies(model.id),
            found=opened.explanations,
            comparison=load_comparison(self._store, model.run_id),
            judged=tuple(judge(raw, decided, decision) for raw, decided in zip(known, judged, strict=True)),
            groups=look_at_groups(self._datasets, opened.spec, judged, decision),
            verdict=run.verification,
            backtest=find_backtest(self._store, model.run_id),
        )

    def _end_of(self, run_id: str) -> datetime | None:
        try:
            return self._store.get_run(run_id).ended_at
        except RunNotFoundError:  # deleted since
            return None


def _is_about(entry: AuditEntry, model: ModelInfo) -> bool:
    """Whether the model became champion, or was replaced as champion."""
    return model.uri in (entry.detail.get("model"), entry.detail.get("before"))


def _saved(model: ModelInfo, made_at: datetime) -> SavedReport:
    folder, time = f"{_FOLDER}/{model.model_key}", made_at.strftime(_TIME)
    return SavedReport(made_at, f"{folder}/{_CARD}{time}{_END}", f"{folder}/{_WHOLE}{time}{_END}")


def in_dark(html: str) -> str:
    """Return a document without figures as it looks on a dark page; on paper it stays as it is."""
    return html.replace('<html lang="en">', '<html lang="en" data-look="dark">', 1)
