"""The composition root: builds every service once from the settings; the one place that tests patch."""

import os
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

from core.access.audit import Audit
from core.access.guard import Access, Guarded
from core.access.live import Live
from core.access.roles import Person
from core.access.sign_outs import SignOuts
from core.access.tokens import Tokens
from core.backups import home_lock
from core.cluster_data.data import ClusterData
from core.data.datasets.registry import Datasets
from core.data.datasets.samples import SAMPLE_NAME, sample_training_path
from core.domain.datasets import Dataset
from core.engine.h2o import H2OEngine
from core.engine.protocol import Engine
from core.explain import Explainer
from core.files import make_folder
from core.ledger.database import Ledger
from core.ledger.visits import Visits
from core.locks import FileLock
from core.models.removal import Removals
from core.monitoring.monitor import Monitor
from core.monitoring.retraining import Retrainer
from core.recipes.saved import Recipes
from core.report import Reports
from core.retention import Retention
from core.review.checklist import Checklists
from core.review.problems import ProblemCards
from core.review.retraining import Retraining
from core.review.reviews import Reviews
from core.scoring.kept.log import ScoringLog
from core.scoring.scorer import Scorer
from core.settings import Settings
from core.state import HomeState, look
from core.store.mlflow import Store
from core.training.trainer import Trainer
from core.work.inbox import Inbox
from core.work.minutes import MinuteWriter
from core.work.runs import Jobs
from core.work.schedule import Schedules
from core.work.scorings import Scorings

UNGUARDED = ("settings", "access", "use")  # plain values, what checks, and what start and close share
_STOP_S = 3.0  # for what the end of the engine ends


@dataclass(frozen=True)
class Services:
    """Everything the pages, the HTTP routes and the command line call.

    Attributes
    ----------
    settings : Settings
        What they were built from.
    datasets : Datasets
        The registry of files taken in.
    cluster_data : ClusterData
        Data that stays with a cluster.
    store : Store
        Runs, models and the registry (MLflow).
    ledger : Ledger
        The audit table.
    engine : Engine
        H2O; starts when it is first needed.
    jobs : Jobs
        The queue of runs.
    scorer : Scorer
        Predictions.
    recipes : Recipes
        The saved recipes.
    inbox : Inbox
        The watch folder.
    scorings : Scorings
        Predictions in the background.
    minutes : MinuteWriter
        The history of predictions of single rows.
    scoring_log : ScoringLog
        The history of all predictions, and results that are kept.
    monitor : Monitor
        How models do in use.
    retrainer : Retrainer
        Trainings that follow from it.
    explainer : Explainer
        Why models say what they say.
    reports : Reports
        All of that, to hand on.
    reviews : Reviews
        What people say about models, and which one is the champion.
    checklists : Checklists
        What speaks for and against a model, from what is stored.
    problems : ProblemCards
        What experiments are about.
    retraining : Retraining
        A training that replaces the champion by itself, where it is better.
    schedules : Schedules
        When that is done.
    retention : Retention
        How long things are kept.
    use : FileLock
        Shared from `start` to `close`, so that no backup is restored meanwhile; a command shares it itself.
    removals : Removals
        Runs that are deleted for good.
    tokens : Tokens
        What programs sign in with.
    sign_outs : SignOuts
        Who was signed out, and when.
    live : Live
        Settings that administrators change while it runs.
    audit : Audit
        What was done, in words.
    visits : Visits
        What people have looked at.
    access : Access
        Who may do what.
    """

    settings: Settings
    datasets: Datasets
    cluster_data: ClusterData
    store: Store
    ledger: Ledger
    engine: Engine
    jobs: Jobs
    scorer: Scorer
    recipes: Recipes
    inbox: Inbox
    scorings: Scorings
    minutes: MinuteWriter
    scoring_log: ScoringLog
    monitor: Monitor
    retrainer: Retrainer
    explainer: Explainer
    reports: Reports
    reviews: Reviews
    checklists: Checklists
    problems: ProblemCards
    retraining: Retraining
    schedules: Schedules
    retention: Retention
    use: FileLock
    removals: Removals
    tokens: Tokens
    sign_outs: SignOuts
    live: Live
    audit: Audit
    visits: Visits
    access: Access

    def acting_as(self, who: Callable[[], Person]) -> "Services":
        """Return the services as people may use them: each call is checked against the role of who acts then.

        Parameters
        ----------
        who : callable
            Returns who acts; asked at each call.
        """
        guarded: dict[str, Any] = {
            spec.name: Guarded(getattr(self, spec.name), spec.name, self.access, who)
            for spec in fields(self)
            if spec.name not in UNGUARDED
        }
        return replace(self, **guarded)

    def start(self) -> None:
        """Begin to work on the queues, after what a killed owner left is settled, and to watch the inbox."""
        self.use.share()
        self.jobs.start()
        self.scorings.start()
        self.inbox.start()
        self.minutes.start()
        self.schedules.start()

    def maintain(self) -> None:
        """Open, check and back up the databases and clean up; what a server does after its first page, and each day."""
        self.store.maintain()
        self.ledger.maintain(self.settings.mlruns_dir / "backups", self.settings.keep_backups)
        self.retention.apply()

    def state(self) -> HomeState:
        """Return what the home does and holds right now; see `core.state.look`."""
        return look(self.settings, self.store, self.scoring_log, self.engine)

    def close(self) -> None:
        """Stop the queues, then the engine if nobody else uses it.

        A run in progress is cancelled and its models are kept; a scoring in progress waits for the next start.
        """
        for worker in (self.schedules, self.minutes, self.inbox, self.scorings, self.jobs):
            worker.stop()
        self.jobs.join()  # while the engine is there: the models that a cancelled run has built are kept
        self.jobs.stop_engine()
        for worker in (self.schedules, self.minutes, self.inbox, self.scorings):
            worker.join(_STOP_S)
        self.minutes.close()
        self.use.release()

    def sample_dataset(self) -> Dataset:
        """Return the built-in synthetic dataset, taking it in when it is not there yet."""
        path = sample_training_path()
        return self.datasets.add(path, path.name, name=SAMPLE_NAME)


def build(settings: Settings, *, engine: Engine | None = None) -> Services:
    """Build all services for one home.

    Parameters
    ----------
    settings : Settings
        Where things live and how much is allowed.
    engine : Engine, optional
        Another engine than H2O's; for tests.
    """
    for folder in (
        settings.data_dir,
        settings.mlruns_dir,
        settings.datasets_dir,
        settings.work_dir,
        settings.scorings_dir,
    ):
        make_folder(folder)
    datasets = Datasets(settings)
    store = Store(settings)
    ledger = Ledger(settings.ledger_path)
    sign_outs, live = SignOuts(ledger), Live(settings, ledger, os.environ)  # before anybody looks at a setting
    engine = engine or H2OEngine(settings)
    # Background work waits out a busy store; a page would rather say so.
    patient = Store(settings, attempts=5)
    trainer = Trainer(settings, datasets, patient, ledger, engine)
    explainer, reports = Explainer(engine, patient, datasets), Reports(patient, datasets, ledger)
    jobs = Jobs(settings, patient, ledger, engine, trainer, explainer, reports)
    log = ScoringLog(settings, ledger)
    scorer = Scorer(settings, datasets, store, ledger, engine, log)
    inbox = Inbox(settings, patient, ledger, scorer)
    scorings = Scorings(settings, ledger, log, scorer)
    monitor = Monitor(settings, store, ledger, log)
    retrainer = Retrainer(settings, datasets, store, ledger, log, monitor)
    reviews, checklists = Reviews(settings, store, ledger), Checklists(store, datasets, ledger, monitor)
    retraining = Retraining(settings, store, ledger, retrainer, scorer, reviews, checklists)
    recipes, removals = Recipes(settings), Removals(store, ledger)
    return Services(
        settings, datasets, ClusterData(settings, datasets, store, ledger, engine),
        store, ledger, engine, jobs, scorer, recipes, inbox, scorings, MinuteWriter(scorer), log,
        monitor, retrainer, Explainer(engine, store, datasets), Reports(store, datasets, ledger),
        reviews, checklists, ProblemCards(ledger), retraining,
        Schedules(settings, ledger, monitor, retraining, jobs),
        Retention(settings, store, ledger, log, monitor, removals), home_lock(settings), removals,
        Tokens(ledger, store), sign_outs, live, Audit(ledger, store, datasets), Visits(ledger),
        Access(settings, live.refresh, sign_outs.since),
    )  # fmt: skip
