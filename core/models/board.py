"""What the leaderboard of an experiment is read from: its runs, and their models as far as they are needed."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.domain.models import ModelInfo
from core.domain.runs import RunInfo
from core.models.judged import JudgedRows, judged_on
from core.models.leaderboard import DEFAULT_METRIC, sort_models

if TYPE_CHECKING:
    from core.store.mlflow import Store

LIMIT = 10_000
_MOST_RUNS, _MOST_RUNS_SERVER = 500, 20  # the newest of an experiment; a run costs a server as much as three models


def open_board(store: "Store", experiment: str) -> "Board | None":
    """Read the newest runs of an experiment; None where it has no run.

    Returns
    -------
    Board or None
        Without models yet: `Board.read_models` reads them. Its metric is the usual one of the task.
    """
    most = _MOST_RUNS_SERVER if store.is_shared else _MOST_RUNS
    newest = store.list_runs(experiment=experiment, limit=most)
    runs = {run.run_id: run for run in newest if run.n_models}
    first = next(iter(runs.values()), None) or next(iter(newest), None)
    if first is None:
        return None
    usual = f"cv_{DEFAULT_METRIC[first.settings.task]}"
    return Board(store, experiment, usual, runs, most_runs=most, has_all_runs=len(newest) < most)


@dataclass
class Board:
    """What is read of an experiment.

    Attributes
    ----------
    runs : dict of str to RunInfo
        Those that have models: the newest ones, the chosen one, and those of the best models; newest first.
    models : tuple of ModelInfo
        Those of the chosen run, or the best of the experiment.
    is_cut : bool
        Whether there are more models than these.
    most_runs : int
        So many runs of the experiment were read at most.
    has_all_runs : bool
        Whether there are no other runs.
    """

    store: "Store"
    experiment: str
    metric: str
    runs: dict[str, RunInfo]
    models: tuple[ModelInfo, ...] = ()
    is_cut: bool = False
    most_runs: int = _MOST_RUNS
    has_all_runs: bool = True

    def read_models(self, run_id: str, limit: int) -> None:
        """Read the models of a run, or so many of the experiment, and the runs of those."""
        if run_id:
            self.models, self.is_cut = self.store.models(run_id=run_id, limit=LIMIT), False
        else:
            # The store sorts before it cuts; one more tells whether there are more.
            found = self.store.models(experiment=self.experiment, sort=self.metric, limit=limit + 1)
            self.models, self.is_cut = found[:limit], len(found) > limit
        self.add_runs(*(model.run_id for model in self.models))

    def add_runs(self, *ids: str) -> None:
        """Read those of the runs that are not known yet."""
        missing = tuple(dict.fromkeys(one for one in ids if one not in self.runs))
        found = self.store.list_runs(ids=missing, archived=None, limit=len(missing))
        runs = [*self.runs.values(), *found]
        self.runs = {run.run_id: run for run in sorted(runs, key=lambda run: run.created_at, reverse=True)}

    def ranked(self, run_id: str, judged: JudgedRows, limit: int) -> tuple[ModelInfo, ...]:
        """Return the models of the run, or so many of those judged on the same rows, best first."""
        if run_id:
            return sort_models(self.models, self.metric)
        read = limit
        while True:
            known = {key for key, run in self.runs.items() if judged_on(run.settings) == judged}
            own = sort_models([model for model in self.models if model.run_id in known], self.metric)
            if len(own) >= limit or not self.is_cut:
                self.is_cut = self.is_cut or len(own) > limit
                return own[:limit]
            read *= 5  # others stand among them: the best of these may come late
            self.read_models(run_id, read)
