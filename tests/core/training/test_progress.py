"""How far a run is and what is left, against a hand-made table."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from core.training.progress import make_progress, share_done
from tests.fixtures_store import make_model, make_run

START = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def running(*, max_models: int = 0, limit_s: int = 0, progress: float = 0.0, trained: bool = True, **changes: object):
    run = make_run(1, "running", progress=progress, started_at=START, created_at=START - timedelta(seconds=30))
    settings = replace(run.settings, max_models=max_models, max_runtime_secs=limit_s, **changes)
    return replace(run, settings=settings, trained_since=START + timedelta(seconds=10) if trained else None)


def models(n: int, n_ensembles: int = 0):
    return [replace(make_model(i + 1), algo="StackedEnsemble" if i < n_ensembles else "GBM") for i in range(n)]


@pytest.mark.parametrize(
    ("run", "done", "seconds", "left", "source", "is_limit"),
    [
        # 100 s of building after 110 s in all; 2 of 10 models: 50 s each, 8 to go.
        (running(max_models=10), models(2), 110, 400, "at the pace of the first 2 models, without ensembles", False),
        (running(max_models=10), models(1), 110, 900, "at the pace of the first model, without ensembles", False),
        # An ensemble is not one of the 10.
        (running(max_models=10), models(3, 1), 110, 400, "at the pace of the first 2 models, without ensembles", False),
        # The limit ends sooner than the pace would.
        (running(max_models=10, limit_s=160), models(2), 110, 60, "by the time limit", True),
        (running(max_models=10, limit_s=900), models(2), 110, 400, "at the pace of the first 2 models", False),
        (running(limit_s=300), models(7), 110, 200, "by the time limit", True),
        (running(limit_s=60), models(7), 110, 0, "by the time limit", True),
        (running(max_models=10, progress=0.25), models(0), 110, 300, "by the engine's progress", False),
        (running(max_models=10, progress=0.01), models(0), 110, None, "", False),
        (running(max_models=10), models(10), 110, None, "", False),
        (running(max_models=10, trained=False), models(0), 5, None, "", False),
    ],
)
def test_time_left(run, done, seconds, left, source, is_limit):
    found = make_progress(run, done, START + timedelta(seconds=seconds))
    assert found.left_s == (None if left is None else pytest.approx(left))
    assert found.left_from.startswith(source)
    assert found.is_limit == is_limit
    assert found.used_s == pytest.approx(seconds)
    assert (found.n_models, found.n_wanted) == (len(done), run.settings.max_models or None)


def test_baselines_are_not_counted():
    baseline = replace(make_model(9), baseline="glm")
    found = make_progress(running(max_models=10), [*models(2), baseline], START + timedelta(seconds=110))
    assert (found.n_models, found.left_s) == (2, pytest.approx(400))


@pytest.mark.parametrize(
    ("changes", "n_models", "engine", "share"),
    [
        ({"max_models": 8}, 4, 0.15, 0.4),  # 4 of 8 and two ensembles
        ({"max_models": 8, "exclude_algos": ("StackedEnsemble",)}, 4, 0.15, 0.5),
        ({"max_models": 8, "include_algos": ("GBM",)}, 4, 0.15, 0.5),
        ({"max_models": 8}, 0, 0.0, 0.0),
        ({"max_models": 8}, 12, 0.2, 0.99),
        ({"max_models": 8}, 2, 0.9, 0.9),
        ({"max_models": 0, "limit_s": 60}, 30, 0.37, 0.37),
    ],
)
def test_share_counts_models_where_a_number_is_wanted(changes, n_models, engine, share):
    settings = running(**changes).settings
    keys = [f"GBM_{n}" for n in range(n_models)]
    assert share_done(settings, keys, engine) == pytest.approx(share)
