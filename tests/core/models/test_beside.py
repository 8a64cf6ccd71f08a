"""Stored models beside each other: the rows, the differences, who is left out and why, where they disagree."""

from collections import defaultdict

import numpy as np
import pytest

from core.metrics.ties import Answers, SameRows
from core.models import beside
from core.models.beside import disagreement, left_out_words, put_beside
from core.models.evaluation import measure
from core.models.opened import StoredModel
from core.models.standing import ReadAnswers
from tests.fixtures_runs import run_to_end

NAMES = defaultdict(lambda: "other")


def opened(home, run: int = 0) -> list[StoredModel]:
    services = home.services
    return [StoredModel(services.store, model) for model in services.store.models(run_id=home.runs[run].run_id)]


def test_models_of_a_run_are_compared_with_the_first_on_the_holdout(trained) -> None:
    models = opened(trained)
    found = put_beside(models)
    assert [model.id for model in found.models] == [model.info.id for model in models]
    assert (found.origin, found.words) == ("holdout", f"holdout, {len(found.rows):,} rows")
    assert set(found.rows) == set(models[0].held_out_rows)
    assert list(found.differences()) == [model.info.id for model in models[1:]]
    for model in models[1:]:
        one, other = (measure(m.predictions("holdout"), m.spec.threshold) for m in (models[0], model))
        for difference in found.differences()[model.info.id]:
            assert difference.first == pytest.approx(one[difference.metric])
            assert difference.second == pytest.approx(other[difference.metric])
            assert difference.low <= difference.value <= difference.high


@pytest.mark.slow
def test_models_of_other_holdouts_are_compared_on_the_rows_they_share(
    own_home, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = run_to_end(own_home.services, own_home.settings(seed=9), explain=False)
    models = [
        opened(own_home)[0],
        StoredModel(own_home.services.store, own_home.services.store.models(run_id=other.run_id)[0]),
    ]
    one, two = (model.predictions("cv") for model in models)
    both = np.intersect1d(one.rows, two.rows)
    found = put_beside(models)
    assert [model.id for model in found.models] == [model.info.id for model in models]
    assert found.rows.tolist() == both.tolist()
    assert found.words == f"cross-validation, {len(both)} of {len(one.rows)} rows"
    for answers, predictions in zip(found.same_rows.answers, (one, two), strict=True):
        said = dict(zip(predictions.rows.tolist(), predictions.probabilities.tolist(), strict=True))
        assert answers.output.tolist() == [said[row] for row in both.tolist()]
    assert np.array_equal(*(answers.truth for answers in found.same_rows.answers))
    monkeypatch.setattr("core.models.beside.COMMON_SHARE", 0.99)
    found = put_beside(models)
    assert [model.id for model in found.models] == [models[0].info.id]
    assert left_out_words(found, NAMES) == "other: Judged on other cross-validation rows than the first model."
    assert found.differences() == {}


def test_the_rows_shared_do_not_depend_on_the_order_and_need_the_same_truth() -> None:
    def answers(rows: list[int], truth: int = 0) -> ReadAnswers:
        n = len(rows)
        said = Answers("binary", np.full(n, truth), np.full((n, 2), 0.5), np.zeros(n, np.int64), 1)
        return ReadAnswers(np.array(rows), said)

    all_rows = list(range(10))
    half, most, more = answers(all_rows[:5]), answers(all_rows[1:]), answers(all_rows[2:])
    for order in ({"half": half, "most": most, "more": more}, {"more": more, "most": most, "half": half}):
        found = beside._shared({"first": answers(all_rows), **order, "otherwise": answers(all_rows, 1)}, "first")
        assert set(found) == {"first", "most", "more"}
        assert {tuple(one.rows) for one in found.values()} == {tuple(all_rows[2:])}


@pytest.mark.slow
def test_without_a_common_holdout_cross_validation_counts(own_home) -> None:
    services = own_home.services
    runs = [run_to_end(services, own_home.settings(seed=seed, holdout_share=0.0), explain=False) for seed in (3, 4)]
    models = [StoredModel(services.store, services.store.models(run_id=run.run_id)[0]) for run in runs]
    found = put_beside(models)
    assert (found.origin, len(found.models), len(found.rows)) == ("cv", 2, 240)


@pytest.mark.slow
def test_a_model_of_another_target_is_left_out(own_home) -> None:
    services = own_home.services
    other = run_to_end(
        services,
        own_home.settings(target="premium", task="regression", experiment="prices", holdout_share=0.2),
        explain=False,
    )
    models = [opened(own_home)[0], StoredModel(services.store, services.store.models(run_id=other.run_id)[0])]
    assert left_out_words(put_beside(models), NAMES) == "other: Another target is predicted: premium."


def test_models_without_files_are_said_to_have_none(own_home) -> None:
    services = own_home.services
    for model in services.store.models(run_id=own_home.runs[0].run_id):
        services.store.drop_model_files(model.id)
    found = put_beside(opened(own_home))
    assert (found.models, found.words, found.differences()) == ((), "", {})
    assert len(found.left_out) == 3


def test_the_rows_that_models_disagree_on_most_come_first() -> None:
    def answers(*p: float) -> Answers:
        yes = np.array(p)
        return Answers("binary", np.array([0, 1, 1]), np.column_stack([1 - yes, yes]), (yes >= 0.5).astype(np.int64), 1)

    found = disagreement(SameRows([answers(0.1, 0.9, 0.2), answers(0.2, 0.4, 0.2)]), most=2)
    assert found.places.tolist() == [1, 0]
    assert found.spread == pytest.approx([0.5, 0.1])
    assert found.same_label == pytest.approx(2 / 3)
