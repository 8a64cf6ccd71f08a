"""Deleting a run for good: what goes with it, and what stands in the way."""

from dataclasses import dataclass

from core.domain.models import ModelInfo
from core.domain.runs import RunInfo
from core.errors import ModelInUseError, RunError
from core.ledger.database import Ledger
from core.ledger.scorings import ScoringTable
from core.store.mlflow import Store
from core.wording import count_text, list_text

_MOST = 10_000


@dataclass(frozen=True)
class Removal:
    """What deleting a run would take away.

    Attributes
    ----------
    n_models, n_files : int
        Models, and files of the run itself.
    versions : tuple of int
        Registered versions of its experiment that go with it.
    in_use : tuple of str
        Why it cannot be deleted, a sentence each; empty where it can.
    """

    run: RunInfo
    n_models: int
    n_files: int
    versions: tuple[int, ...]
    in_use: tuple[str, ...]

    def words(self) -> str:
        """Return what goes, in words.

        Examples
        --------
        >>> from datetime import datetime
        >>> from core.domain.training import TrainingSettings
        >>> asked = TrainingSettings(dataset_id="d", target="y", experiment="sales", task="binary")
        >>> run = RunInfo(
        ...     run_id="r", name="n", experiment="sales", status="finished", settings=asked, created_at=datetime.max
        ... )
        >>> Removal(run, 3, 12, (1, 4), ()).words()
        '3 models with their explanations and reports, 12 files of the run and versions 1 and 4 of sales'
        """
        models = f"{count_text(self.n_models, 'model')} with their explanations and reports" if self.n_models else ""
        files = f"{count_text(self.n_files, 'file')} of the run"
        numbers = list_text(map(str, self.versions), most=20)
        versions = f"version{'s' if len(self.versions) > 1 else ''} {numbers} of {self.run.experiment}"
        return list_text(part for part in (models, files, versions if self.versions else "") if part)


class Removals:
    """Deletes runs; every method may raise `StoreError` kin."""

    def __init__(self, store: Store, ledger: Ledger) -> None:
        self._store = store
        self._ledger = ledger

    def plan(self, run: RunInfo) -> Removal:
        """Return what deleting a run would take away, and what stands in the way."""
        models = self._store.models(run_id=run.run_id, limit=_MOST)
        registered = [model for model in models if model.version]
        waiting = ScoringTable(self._ledger).list(statuses=("queued", "running"), limit=_MOST) if models else ()
        busy = {record.model_id for record in waiting}
        found = (_reason(self._ledger, model, is_scoring=model.id in busy) for model in models)
        return Removal(
            run,
            n_models=len(models),
            n_files=len(self._store.artifacts(run.run_id)),
            versions=tuple(sorted(model.version for model in registered if model.version)),
            in_use=tuple(reason for reason in found if reason),
        )

    def remove(self, run: RunInfo, *, person: str = "") -> Removal:
        """Delete a run for good, with its models, files and versions, and write down who did it.

        Raises
        ------
        RunError
            Code ``run.active`` if it waits or runs.
        ModelInUseError
            If one of its models is in use.
        """
        if not run.is_final:
            raise RunError("A run that waits or runs cannot be deleted.", hint="Cancel it first.", code="run.active")
        planned = self.plan(run)
        if planned.in_use:
            raise ModelInUseError(f"This run cannot be deleted. {planned.in_use[0]}")
        self._store.delete_run(run.run_id)
        detail = {"experiment": run.experiment, "models": planned.n_models, "versions": list(planned.versions)}
        self._ledger.record("delete run", run.run_id, person=person, detail=detail)
        return planned


def _reason(ledger: Ledger, model: ModelInfo, *, is_scoring: bool) -> str:
    """Return why a model has to stay, in a sentence with what to do; empty where it can go."""
    name = f"Version {model.version}" if model.version else model.model_key
    if model.is_champion:
        return f"{name} is the champion of {model.experiment}: promote another model first, or archive the run."
    if model.is_challenger:
        return f"{name} is the challenger in {model.experiment}: take it back first, or archive the run."
    if is_scoring:
        return f"{name} is scoring a file: wait until that has ended, or cancel it on Predict."
    if model.version and ledger.policies(model.id, limit=1):
        return f"{name} has a decision policy, which its decisions refer to: archive the run."
    return ""
