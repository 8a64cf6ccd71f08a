"""How long a training may take and how much memory it needs, from the trainings that this home has seen."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from core.domain.datasets import Dataset
from core.domain.runs import RunInfo
from core.domain.training import TrainingSettings
from core.training.plan.in_time import cells, n_wanted
from core.training.plan.options import ENSEMBLE, algorithms, backtest_fits, has_backtest, resolve

MOST_RUNS: Final = 50
_ENSEMBLES: Final = 2
_BYTES_A_CELL: Final = 8
# H2O advises a heap of four times the data: copies for folds, predictions and the models come on top of it.
_MEMORY_FACTOR: Final = 4
_LEAST_SPREAD, _MOST_SPREAD = 1.5, 4.0
# Fewer runs than this always fit the rule that is made from them.
_FEW_RUNS, _SPREAD_OF_FEW = 4, 2.5


@dataclass(frozen=True)
class PastTraining:
    """What a finished training took.

    Attributes
    ----------
    fits : int
        Models times folds, the last fit on all rows included.
    cells : int
        Rows times columns.
    train_s : float
        Time from the start of the AutoML to its end.
    """

    fits: int
    cells: int
    train_s: float


@dataclass(frozen=True)
class Estimate:
    """What to expect of a training.

    Attributes
    ----------
    seconds : float or None
        The most likely duration; None when nobody can tell.
    low_s, high_s : float or None
        Where it lies in most cases.
    n_runs : int
        Past trainings that it is made from.
    is_capped : bool
        Whether the time limit ends it before its models are built.
    memory_bytes : int
        What the engine may need at most.
    """

    seconds: float | None
    low_s: float | None
    high_s: float | None
    n_runs: int
    is_capped: bool
    memory_bytes: int


def past_trainings(runs: Sequence[RunInfo], datasets: Mapping[str, Dataset]) -> tuple[PastTraining, ...]:
    """Return what the newest finished runs took, those whose dataset is still there.

    Parameters
    ----------
    runs : sequence of RunInfo
        Newest first.
    """
    found = []
    for run in runs:
        dataset = datasets.get(run.settings.dataset_id)
        seconds = run.seconds.get("train", 0.0)
        if run.status != "finished" or dataset is None or not run.n_models or seconds <= 0:
            continue
        found.append(PastTraining(run.n_models * (run.settings.nfolds + 1), cells(run.settings, dataset), seconds))
        if len(found) == MOST_RUNS:
            break
    return tuple(found)


def estimate(settings: TrainingSettings, dataset: Dataset, past: Sequence[PastTraining]) -> Estimate:
    """Estimate a training.

    Parameters
    ----------
    settings : TrainingSettings
        As they are trained (`core.training.plan.in_time.within_time`).
    past : sequence of PastTraining
        From `past_trainings`; without any, only a limit in time says how long it may take.

    Notes
    -----
    A fit takes a constant plus a share of the cells; both are fitted to the past trainings by non-negative least
    squares of the relative error. The range is as wide as the worst of the past ones lay off, from 1.5 times (2.5 with
    fewer than four runs) to 4 times.
    """
    n_cells = cells(settings, dataset)
    memory = n_cells * _BYTES_A_CELL * _MEMORY_FACTOR
    has_search = "XGBoost" in settings.baselines  # as many models again, in the same time again
    # The search and the backtest may each take as long again.
    cap = settings.max_runtime_secs * (1 + has_search + has_backtest(settings)) or math.inf
    ensembles = _ENSEMBLES if ENSEMBLE in algorithms(resolve(settings)) else 0
    more = (settings.max_models or math.inf if has_search else 0) + ("GLM" in settings.baselines)
    n_models = (n_wanted(settings) or math.inf) + ensembles + more
    forward = backtest_fits(settings) / 2  # the windows have half of the rows on average
    if not past:
        known = None if math.isinf(cap) else float(cap)
        return Estimate(known, None, known, 0, known is not None, memory)
    constant, share, spread = _fit(past)
    seconds = (n_models * (settings.nfolds + 1) + forward) * (constant + share * n_cells)
    low, high = seconds / spread, seconds * spread
    return Estimate(min(seconds, cap), min(low, cap), min(high, cap), len(past), seconds >= cap, memory)


def _fit(past: Sequence[PastTraining]) -> tuple[float, float, float]:
    """Return seconds a fit, seconds a fit and cell, and by how many times the worst past one lay off."""
    from scipy.optimize import nnls

    took = np.array([one.train_s for one in past])
    parts = np.array([[one.fits, one.fits * one.cells] for one in past], dtype=float) / took[:, None]
    scale = np.maximum(parts.max(axis=0), 1e-300)
    found = nnls(parts / scale, np.ones(len(past)))[0] / scale
    off = np.abs(np.log(np.maximum(parts @ found, 1e-9)))
    least = _LEAST_SPREAD if len(past) >= _FEW_RUNS else _SPREAD_OF_FEW
    return float(found[0]), float(found[1]), float(np.clip(np.exp(off.max()), least, _MOST_SPREAD))
