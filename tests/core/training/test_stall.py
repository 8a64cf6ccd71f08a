"""A training that stands still is ended; one that moves is not."""

from dataclasses import replace

import pytest

from core.domain.runs import AutoMLState
from core.errors import RunError
from core.training import progress
from core.training.progress import StallWatch
from core.training.trainer import Trainer

pytestmark = pytest.mark.slow

STATE = AutoMLState("running", 0.25, "Building GBM_1", ("GLM_1",), ())


def test_only_a_training_in_which_nothing_changes_is_stalled(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    watch, endless = StallWatch(600), StallWatch(0)
    moving = (
        STATE,
        replace(STATE, progress=0.2500001),
        replace(STATE, message="Building GBM_2"),
        replace(STATE, models=("GLM_1", "GBM_2")),
        replace(STATE, events=(("12:00:00", "Model", "built"),)),
    )
    for state in moving:
        watch.look(state)
        now[0] += 599
        watch.look(state)
        endless.look(state)
    now[0] += 2
    endless.look(moving[-1])
    with pytest.raises(RunError, match="no progress for 10 min") as caught:
        watch.look(moving[-1])
    assert caught.value.code == "run.stalled"


def test_a_run_that_stands_still_fails_and_keeps_its_models(fresh_home) -> None:
    services = fresh_home.services
    services.engine.hold = True
    settings = replace(services.settings, stall_limit_s=0.2)
    trainer = Trainer(settings, services.datasets, services.store, services.ledger, services.engine)
    run = trainer.run(services.jobs.submit(fresh_home.settings()), lambda: False)
    assert run.status == "failed"
    assert run.error is not None
    assert run.error["code"] == "run.stalled"
    assert services.engine.jobs[run.job.job_key]["cancelled"]  # nothing of it goes on


def test_a_baseline_that_stands_still_is_ended_and_the_run_is_not(fresh_home) -> None:
    services = fresh_home.services
    services.engine.baselines.hold = True
    settings = replace(services.settings, stall_limit_s=0.2)
    trainer = Trainer(settings, services.datasets, services.store, services.ledger, services.engine)
    run = trainer.run(services.jobs.submit(fresh_home.settings(baselines=("GLM",))), lambda: False)
    assert run.status == "finished"
    assert "no progress" in run.baselines["GLM"]
    assert services.engine.jobs[run.baseline_jobs["GLM"]]["cancelled"]
