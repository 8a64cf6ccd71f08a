"""Commands of people in several homes that share one MLflow server, at random from a seed."""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from core.domain.runs import RunInfo
from core.errors import RunError
from core.services import build
from tests.engines.fake import FakeEngine
from tests.fixtures_runs import Home

DEADLINE_S = 120.0


class Commands:
    """What people do in their homes; `done` counts it by kind.

    Parameters
    ----------
    rows : Path
        A file to score.
    busy : int
        Number of the home that trains meanwhile: it is not restarted, and what is asked for there waits.
    """

    def __init__(self, homes: list[Home], rows: Path, seed: int, *, busy: int) -> None:
        self.homes, self.done = list(homes), Counter[str]()
        self._rows, self._random, self._busy = rows, random.Random(seed), busy
        self._n_seeds = 1000
        self._kinds: dict[str, Callable[[int], str | None]] = {
            "runs": self._runs, "leaderboard": self._leaderboard, "score": self._score, "train": self._train,
            "cancel": self._cancel, "cancel elsewhere": self._cancel_elsewhere, "promote": self._promote,
            "delete": self._delete, "archive": self._archive, "restart": self._restart,
        }  # fmt: skip
        self._waiting: list[str] = []

    def next(self) -> tuple[int, str, str | None]:
        """Do one; return the number of its home, what it was, and the run whose model it was about, if any."""
        number = self._random.randrange(len(self.homes))
        if not self._waiting:  # each kind comes up, in an order that the seed says
            self._waiting = self._random.sample(sorted(self._kinds), len(self._kinds))
        kind = self._waiting.pop()
        if kind in ("restart", "cancel elsewhere") and number == self._busy:
            number = (number + 1) % len(self.homes)
        named = self._kinds[kind](number)
        self.done[kind] += 1
        return number, kind, named

    def _runs(self, number: int) -> None:
        services = self.homes[number].services
        listed = {run.run_id for run in services.store.list_runs()}
        assert {run.run_id for run in services.jobs.queue()} <= listed

    def _leaderboard(self, number: int) -> None:
        assert self.homes[number].services.store.models(experiment="customers", sort="cv_auc")

    def _score(self, number: int) -> str:
        scorer = self.homes[number].services.scorer
        scored = scorer.score_file(self._rows, self._rows.name, experiment="customers")
        assert scored.n_rows == len(self._rows.read_text("utf-8").splitlines()) - 1
        return scorer.choose_model(None, "customers").run_id

    def _submit(self, number: int) -> str:
        self._n_seeds += 1
        home = self.homes[number]
        return home.services.jobs.submit(home.settings(seed=self._n_seeds, max_models=1))

    def _train(self, number: int) -> None:
        run_id = self._submit(number)
        if number == self._busy:
            return
        jobs = self.homes[number].services.jobs
        jobs.start()  # the whole worker, which settles first and looks at the queue of all homes
        assert jobs.wait(run_id, DEADLINE_S, until_explained=True).status == "finished"
        jobs.stop()
        jobs.join()

    def _cancel(self, number: int) -> None:
        jobs = self.homes[number].services.jobs
        jobs.cancel(self._submit(number))

    def _cancel_elsewhere(self, number: int) -> str:
        store, jobs = self.homes[number].services.store, self.homes[number].services.jobs
        (run,) = (one for one in store.list_runs(statuses=("running",)) if not store.owns(one))
        with pytest.raises(RunError) as refused:
            jobs.cancel(run.run_id)
        assert refused.value.code == "run.elsewhere"
        return run.run_id

    def _promote(self, number: int) -> str:
        models = self.homes[number].services.store.models(experiment="customers", can_score=True)
        model = self._random.choice([one for one in models if not one.is_champion])
        self.homes[number].services.reviews.promote(model, f"by home {number}")
        return model.run_id

    def _own(self, number: int) -> RunInfo:
        """Return a run of the home that may go; there is one, since one is made for it."""
        services = self.homes[number].services
        services.jobs.cancel(self._submit(number))
        ended = services.store.list_runs(statuses=("finished", "cancelled"))
        own = [run for run in ended if services.store.owns(run)]
        return self._random.choice([run for run in own if not services.removals.plan(run).in_use])

    def _delete(self, number: int) -> None:
        self.homes[number].services.removals.remove(self._own(number))

    def _archive(self, number: int) -> None:
        self.homes[number].services.store.archive_run(self._own(number).run_id)

    def _restart(self, number: int) -> None:
        """End a home's process and begin another one, whose engine knows no run; its worker settles what it finds."""
        home = self.homes[number]
        home.services.close()
        engine = FakeEngine()
        engine.cluster = f"restarted {self._random.random()}"
        services = build(home.services.settings, engine=engine)
        services.jobs.settle()
        services.jobs.settle(finish=True)
        self.homes[number] = replace(home, services=services)
