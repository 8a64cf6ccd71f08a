"""One experiment, one problem: RMSE never ranks among AUC."""

from dataclasses import replace

import pytest

from core.domain.training import TrainingSettings
from core.errors import TrainingSettingsError
from core.store.records import check_experiment_name
from core.work.problems import free_name
from tests.fixtures_runs import Home

OTHERS = {
    "another target": {"target": "premium", "task": "regression"},
    "several classes": {"target": "city", "task": "multiclass"},
}


@pytest.mark.parametrize("changes", OTHERS.values(), ids=OTHERS.keys())
def test_another_problem_in_an_experiment_is_refused_with_a_free_name(trained: Home, changes: dict) -> None:
    jobs = trained.services.jobs
    with pytest.raises(TrainingSettingsError, match="cannot be ranked") as caught:
        jobs.submit(trained.settings(**changes))
    assert caught.value.code == "experiment.problem"
    asked = trained.settings(**changes)
    free = free_name(asked, trained.services.store.experiments())
    assert repr(free) in caught.value.hint
    assert free not in trained.services.store.experiments()
    assert jobs.queue() == ()


def test_the_free_name_works_and_so_does_the_same_problem(own_home: Home) -> None:
    jobs = own_home.services.jobs
    asked = own_home.settings(target="premium", task="regression", ignored=())
    run_id = jobs.submit(replace(asked, experiment=free_name(asked, own_home.services.store.experiments())))
    assert jobs.submit(own_home.settings(seed=7)) != run_id
    with pytest.raises(TrainingSettingsError, match="cannot be ranked"):  # what only waits has its problem too
        jobs.submit(own_home.settings(experiment=free_name(asked, ("customers",))))


def test_a_run_that_made_no_model_leaves_its_experiment_free(fresh_home: Home) -> None:
    jobs = fresh_home.services.jobs
    jobs.cancel(jobs.submit(fresh_home.settings(target="premium", task="regression", ignored=())))
    assert jobs.submit(fresh_home.settings())


@pytest.mark.parametrize("experiment", ["e", "x" * 120, "a b"])
@pytest.mark.parametrize("target", ["y", "a/b: c", "t" * 300, ".", " "])
def test_a_free_name_is_one_that_an_experiment_can_have(experiment: str, target: str) -> None:
    asked = TrainingSettings(dataset_id="d", target=target, experiment=experiment, task="regression")
    taken = {experiment}
    for _ in range(4):
        name = free_name(asked, taken)
        assert check_experiment_name(name) not in taken
        taken.add(name)
