"""The app without an engine: the pages through the shell, with services in a temporary home.

Datasets, profiles and the audit table are the real ones; the engine, the store and the queue are stand-ins that hold
what a test gives them, so that a page test needs neither Java nor MLflow.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.domain.models import ModelInfo
from core.domain.runs import EngineStatus, RunInfo, RunStatus
from core.domain.training import TrainingSettings
from core.errors import AppError, ModelNotFoundError, RunNotFoundError
from core.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
SHELL = ROOT / "app" / "ui" / "shell.py"
NOW = datetime.now(UTC)


def make_run(number: int, status: RunStatus = "finished", **changes: object) -> RunInfo:
    """Return one run of experiment ``experiment-N``; what differs is given by name."""
    settings = TrainingSettings(dataset_id=f"{number:032x}", target="interested", experiment="sales", task="binary")
    run = RunInfo(
        run_id=f"{number:032x}",
        name=f"run {number}",
        experiment=f"experiment-{number}",
        status=status,
        settings=settings,
        dataset_name="customers",
        created_at=NOW - timedelta(hours=number),
        n_models=number,
    )
    return replace(run, **changes)


def make_model(number: int, **changes: object) -> ModelInfo:
    """Return one registered model of experiment ``experiment-N``."""
    model = ModelInfo(
        id=f"m-{number:032x}",
        model_key=f"GBM_{number}_AutoML",
        algo="GBM",
        run_id=f"{number:032x}",
        experiment=f"experiment-{number}",
        task="binary",
        metrics={"cv_auc": 0.8575, "cv_logloss": 0.2679},
        created_at=NOW - timedelta(days=number),
        rank=1,
        has_files=True,
        version=number,
        is_champion=True,
    )
    return replace(model, **changes)


class FakeEngine:
    """An engine that only says how it is."""

    def __init__(self, state: str = "stopped", detail: str = "") -> None:
        self._status = EngineStatus(state, detail)
        self.stopped = 0

    def status(self) -> EngineStatus:
        return self._status

    def start_in_background(self) -> None:
        self._status = EngineStatus("starting")

    def stop(self) -> None:
        self.stopped += 1


class FakeStore:
    """A store that holds what a test gives it, or fails with what a test gives it."""

    def __init__(self) -> None:
        self.runs: list[RunInfo] = []
        self.stored: list[ModelInfo] = []
        self.error: AppError | None = None

    def _check(self) -> None:
        if self.error is not None:
            raise self.error

    def list_runs(
        self, *, experiment=None, statuses=(), dataset_id=None, text="", limit: int = 500
    ) -> tuple[RunInfo, ...]:
        self._check()
        found = [
            run
            for run in self.runs
            if (not statuses or run.status in statuses)
            and experiment in (None, run.experiment)
            and dataset_id in (None, run.settings.dataset_id)
        ]
        return tuple(found[:limit])

    def get_run(self, run_id: str) -> RunInfo:
        self._check()
        for run in self.runs:
            if run.run_id == run_id:
                return run
        raise RunNotFoundError(f"There is no run {run_id!r}.")

    def experiments(self) -> tuple[str, ...]:
        self._check()
        return tuple(dict.fromkeys(model.experiment for model in self.stored))

    def champion(self, experiment: str) -> ModelInfo | None:
        self._check()
        return next((m for m in self.stored if m.experiment == experiment and m.is_champion), None)

    def champions(self) -> dict[str, ModelInfo]:
        self._check()
        return {model.experiment: model for model in self.stored if model.is_champion}

    def models(self, *, experiment=None, run_id=None, limit: int = 200) -> tuple[ModelInfo, ...]:
        self._check()
        found = [m for m in self.stored if experiment in (None, m.experiment) and run_id in (None, m.run_id)]
        return tuple(found[:limit])

    def resolve(self, uri: str) -> ModelInfo:
        for model in self.stored:
            if model.uri == uri:
                return model
        raise ModelNotFoundError(f"There is no model {uri!r}.")


class FakeJobs:
    """A queue that notes what it is asked for."""

    def __init__(self, store: FakeStore) -> None:
        self._store = store
        self.submitted: list[TrainingSettings] = []
        self.cancelled: list[str] = []

    def submit(self, settings: TrainingSettings, *, key: str | None = None, person: str = "") -> str:
        self.submitted.append(settings)
        run = make_run(len(self._store.runs) + 1, "queued", settings=settings, experiment=settings.experiment)
        self._store.runs.insert(0, run)
        return run.run_id

    def cancel(self, run_id: str, *, person: str = "") -> None:
        self.cancelled.append(run_id)

    def queue(self) -> tuple[RunInfo, ...]:
        active = self._store.list_runs(statuses=("running", "queued"))
        oldest_first = active[::-1]
        return tuple(sorted(oldest_first, key=lambda run: run.status != "running"))

    def position(self, run_id: str) -> int | None:
        return 1

    def start(self) -> None: ...
    def stop(self) -> None: ...
    def settle(self) -> None: ...


def build_services(settings: Settings):
    """Return services in `settings.home` with stand-ins for engine, store, queue and scorer."""
    from core.data.datasets.registry import Datasets
    from core.ledger.database import Ledger
    from core.monitoring.monitor import Monitor
    from core.monitoring.retraining import Retrainer
    from core.recipes.saved import Recipes
    from core.scoring.log import ScoringLog
    from core.services import Services
    from core.work.inbox import Inbox
    from core.work.scorings import Scorings

    for folder in (settings.data_dir, settings.mlruns_dir, settings.datasets_dir, settings.work_dir):
        folder.mkdir(parents=True, exist_ok=True)
    store = FakeStore()
    datasets, ledger, recipes = Datasets(settings), Ledger(settings.ledger_path), Recipes(settings)
    log = ScoringLog(settings, ledger)
    scorings, monitor = Scorings(settings, ledger, log, None), Monitor(settings, store, ledger, log)
    inbox = Inbox(settings, store, ledger, None)
    retrainer = Retrainer(settings, datasets, store, ledger, log, monitor)
    return Services(
        settings,
        datasets,
        store,
        ledger,
        FakeEngine(),
        FakeJobs(store),
        None,
        recipes,
        inbox,
        scorings,
        monitor,
        retrainer,
    )


@pytest.fixture
def services(settings: Settings) -> Iterator:
    """Services of an empty home, put into the app."""
    from app.ui.services import set_services

    built = build_services(settings)
    set_services(built)
    yield built
    set_services(None)


@pytest.fixture
def open_page(services) -> Callable[..., AppTest]:
    """Open a page through the shell; keyword arguments are the address's parameters."""

    def open_(name: str, **query: str) -> AppTest:
        app = AppTest.from_file(str(SHELL), default_timeout=30).run()
        assert not app.exception, app.exception
        if query:
            app.query_params.update(query)
        if name != "home":
            app.switch_page(f"../pages/{name}.py")
        app.run()
        assert not app.exception, app.exception
        return app

    return open_
