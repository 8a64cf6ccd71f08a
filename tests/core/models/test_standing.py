"""Who is as good as the leader within chance, what is advised, and who holds what cross-validation promised."""

from dataclasses import replace

import numpy as np
import pytest

from core.domain.columns import Column, Schema
from core.domain.models import ModelInfo, ModelSpec, model_name
from core.metrics.predictions import Predictions
from core.metrics.ties import METHOD
from core.models import standing
from core.models.leaderboard import rows
from core.models.standing import NOT_STORED, Standings, stand
from tests.fixtures_store import make_model

TRUTH = np.arange(4000) % 5 == 0
SPEC = ModelSpec(
    task="binary", target="y", target_column=Column("y", "category"), features=Schema(()), classes=("no", "yes"),
    positive="yes", threshold=0.5,
)  # fmt: skip


class Known:
    """Takes the place of a stored model; what each says of the rows is written down in `answers`."""

    answers: dict[str, dict[str, Predictions]]

    def __init__(self, store: object, info: ModelInfo) -> None:
        self.spec = SPEC
        self.origins = tuple(self.answers.get(info.id, ()))
        self.predictions = self.answers.get(info.id, {}).__getitem__


def said(seed: int, strength: float, origin: str = "cv", first_row: int = 0) -> Predictions:
    """Return what a model says that sees the truth so strongly, through noise that all models share in part."""
    noise = 0.9 * np.random.default_rng(0).normal(size=len(TRUTH)) + 0.3 * np.random.default_rng(seed).normal(
        size=len(TRUTH)
    )
    p = 1 / (1 + np.exp(-(strength * TRUTH + noise - 1)))
    none = np.zeros(0)
    return Predictions(
        "binary", origin, SPEC.classes, "yes", np.arange(first_row, first_row + len(TRUTH)), TRUTH.astype(np.int64),
        np.column_stack([1 - p, p]), none, none,
    )  # fmt: skip


def model(number: int, algo: str, seconds: float | None = None, **changes: object) -> ModelInfo:
    return make_model(
        number,
        model_key=f"{algo}_{number}_AutoML_1_20260101_1200",
        algo=algo,
        predict_time_per_row_s=seconds,
        **({"run_id": "r"} | changes),
    )


def compare(
    monkeypatch, models: list[ModelInfo], *answers: dict[str, Predictions], metric: str = "cv_auc"
) -> Standings:
    Known.answers = {one.id: own for one, own in zip(models, answers, strict=True) if own}
    monkeypatch.setattr(standing, "StoredModel", Known)
    return stand(None, models, metric)


def test_a_model_within_chance_is_tied_and_a_worse_one_is_behind(monkeypatch) -> None:
    models = [model(1, "StackedEnsemble", 6e-6), model(2, "GBM", 0.5e-6), model(3, "GLM", 0.1e-6), model(4, "DRF")]
    found = compare(monkeypatch, models, {"cv": said(1, 2)}, {"cv": said(2, 2)}, {"cv": said(3, 1.6)}, {})
    assert [found.of(one).state for one in models] == ["leader", "tied", "behind", "unknown"]
    assert found.of(models[3]).reason == standing.NOT_TESTED
    assert (found.origin, found.n_rows, found.n_tied, found.leader) == ("cv", 4000, 1, models[0])
    assert found.advised == models[1]
    assert found.advice() == "GBM 2 is not clearly worse than the leader, and 12 times faster and simpler."
    assert found.evidence().startswith("AUC 0.9")
    assert found.evidence().endswith("cross-validation, 4,000 rows")


def test_the_champion_is_said_to_lead_to_tie_or_to_lag_and_models_have_the_names_they_are_given(monkeypatch) -> None:
    models = [model(1, "StackedEnsemble", 6e-6), model(2, "GBM", 0.5e-6), model(3, "GLM", 0.1e-6), model(4, "DRF")]
    found = compare(monkeypatch, models, {"cv": said(1, 2)}, {"cv": said(2, 2)}, {"cv": said(3, 1.6)}, {})
    names = {models[1].id: "GBM 2 · #7"}
    assert found.advice(names).startswith("GBM 2 · #7 is not clearly worse")
    assert [found.champion_words(one, names) for one in models[:3]] == [
        f"The champion, {model_name(models[0].model_key)}, leads.",
        "The champion, GBM 2 · #7, is tied with the leader.",
        "The champion, GLM 3, is behind the leader, by more than chance.",
    ]
    assert (found.champion_words(models[3]), found.champion_words(None)) == ("", "")


def test_the_holdout_counts_where_the_leader_has_one_and_can_put_another_model_ahead(monkeypatch) -> None:
    models = [model(1, "GBM"), model(2, "GLM"), model(3, "DRF")]
    found = compare(
        monkeypatch, models,
        {"cv": said(1, 2), "holdout": said(1, 1.6, "holdout")},
        {"cv": said(2, 2), "holdout": said(2, 2, "holdout")},
        {"cv": said(3, 2)},
    )  # fmt: skip
    assert found.origin == "holdout"
    assert [found.of(one).state for one in models] == ["leader", "ahead", "unknown"]
    assert found.of(models[2]).reason == "It was judged on other rows than the leader's holdout."
    assert found.of(models[0]).disagrees
    assert not found.of(models[1]).disagrees
    assert found.of(models[0]).gap < -0.01
    assert found.of(models[2]).gap is None


def test_a_model_tied_on_few_rows_held_out_is_not_advised_where_cross_validation_shows_it_behind(monkeypatch) -> None:
    models = [model(1, "StackedEnsemble"), model(2, "GLM")]
    found = compare(
        monkeypatch, models,
        {"cv": said(1, 2), "holdout": said(1, 2, "holdout")},
        {"cv": said(2, 1.5), "holdout": said(2, 2, "holdout")},
    )  # fmt: skip
    assert (found.of(models[1]).state, found.advised) == ("tied", None)
    assert found.advice() == (
        "Nothing speaks for another model than StackedEnsemble 1: GLM 2 is simpler and tied with it on the holdout, but"
        " behind it in cross-validation."
    )


def test_of_two_simpler_models_the_faster_one_of_the_leaders_run_is_advised(monkeypatch) -> None:
    models = [model(1, "StackedEnsemble", 9e-6), model(2, "GLM", 1e-9, run_id="other"), model(3, "GBM", 1e-6)]
    found = compare(monkeypatch, models, {"cv": said(1, 2)}, {"cv": said(2, 2)}, {"cv": said(3, 2)})
    assert found.advised == models[2]


def test_times_of_different_runs_are_not_compared(monkeypatch) -> None:
    models = [model(1, "GBM", 9e-6), model(2, "GBM", 1e-6, run_id="other"), model(3, "GLM", 20e-6, run_id="other")]
    found = compare(monkeypatch, models, {"cv": said(1, 2)}, {"cv": said(2, 2)}, {"cv": said(3, 2)})
    assert found.advised == models[2]  # which is simpler; how fast it is beside the leader, nobody knows
    assert found.advice() == "GLM 3 is not clearly worse than the leader, and simpler."
    assert "faster" not in found.champion_words(models[1])


def test_models_of_other_rows_and_unstored_ones_are_not_known(monkeypatch) -> None:
    models = [model(1, "GBM"), model(2, "GLM"), model(3, "DRF", has_files=False)]
    found = compare(monkeypatch, models, {"cv": said(1, 2)}, {"cv": said(2, 2, first_row=7)}, {"cv": said(3, 2)})
    assert [found.of(one).state for one in models] == ["leader", "unknown", "unknown"]
    assert found.of(models[2]).reason == NOT_STORED
    assert found.advice() == ""


def test_a_baseline_never_leads_but_may_be_advised(monkeypatch) -> None:
    models = [model(1, "GLM", baseline="GLM"), model(2, "StackedEnsemble")]
    found = compare(monkeypatch, models, {"cv": said(2, 2)}, {"cv": said(1, 2)})
    assert (found.leader, found.advised) == (models[1], models[0])
    assert found.advice() == "GLM 1 is not clearly worse than the leader, and simpler."


def test_nothing_is_advised_where_the_leader_is_the_fastest_or_better_beyond_chance(monkeypatch) -> None:
    models = [model(1, "GLM", 1e-6), model(2, "GBM", 2e-6)]
    found = compare(monkeypatch, models, {"cv": said(1, 2)}, {"cv": said(2, 2)})
    assert found.advice() == "None of the models tied with the leader is simpler or clearly faster than it."
    found = compare(monkeypatch, models, {"cv": said(1, 2)}, {"cv": said(2, 1.5)})
    assert (
        found.advice() == "GLM 1, the champion, leads beyond chance: every other model that was compared is behind it."
    )


def test_the_model_that_comes_closest_to_a_leader_beyond_chance_is_named_with_its_numbers(monkeypatch) -> None:
    models = [model(1, "GLM"), model(2, "GBM"), model(3, "DRF"), model(4, "XGBoost", baseline="XGBoost")]
    answers = [{"cv": said(one, strength)} for one, strength in ((1, 2), (2, 1.3), (3, 1.5), (4, 1.4))]
    found = compare(monkeypatch, models, *answers)
    difference = found.of(models[2]).difference
    assert (
        found.evidence() == f"Closest is Random forest 3: {standing.difference_words(difference)}, {found.rows_words}"
    )
    tied = compare(monkeypatch, models[:2], {"cv": said(1, 2)}, {"cv": said(2, 2)})
    assert (tied.advised, tied.evidence()) == (None, "")


def test_only_the_best_are_tested(monkeypatch) -> None:
    models = [model(number, "GBM") for number in range(1, standing.MOST_TESTED + 3)]
    found = compare(monkeypatch, models, *({"cv": said(number, 2)} for number in range(len(models))))
    assert len(found.models) == standing.MOST_TESTED
    assert found.of(models[-1]).reason == standing.NOT_TESTED
    assert found.tested_words(models) == "cross-validation, 4,000 rows: the best 12 of 14 stored models"
    assert found.tested_words(models[: standing.MOST_TESTED]) == "cross-validation, 4,000 rows"


def test_models_of_another_problem_among_them_are_not_compared(monkeypatch) -> None:
    models = [model(1, "GBM"), model(2, "GLM"), model(3, "DRF", task="regression")]
    other = replace(said(2, 2), codes=1 - TRUTH.astype(np.int64))  # the same places, of another dataset
    found = compare(monkeypatch, models, {"cv": said(1, 2)}, {"cv": other}, {"cv": said(3, 2)})
    assert [found.of(one).state for one in models] == ["leader", "unknown", "unknown"]
    assert found.of(models[1]).reason == "It was judged on other rows than the leader's cross-validation."


def test_a_leaderboard_as_rows_says_who_is_tied_and_how_that_was_found(monkeypatch) -> None:
    models = [model(1, "StackedEnsemble", size_bytes=2000), model(2, "GBM"), model(3, "GLM"), model(4, "DRF")]
    found = compare(monkeypatch, models, {"cv": said(1, 2)}, {"cv": said(2, 2)}, {"cv": said(3, 1.6)}, {})
    records = rows(models, found)
    assert [record["vs_leader"] for record in records] == ["leader", "tied", "behind", "unknown"]
    assert [record["tied_with_leader"] for record in records] == [None, True, False, None]
    assert [record["size_bytes"] for record in records] == [2000, None, None, None]
    difference = found.of(models[1]).difference
    assert records[1]["difference"] == difference.value
    assert (records[1]["difference_low"], records[1]["difference_high"]) == (difference.low, difference.high)
    assert records[0]["difference"] is None
    assert {record["tie_method"] for record in records[:3]} == {f"auc on cross-validation, 4,000 rows: {METHOD}"}
    assert records[3]["tie_method"] is None
    assert list(rows(models, Standings(metric="auc"))[0]) == list(records[0])


def test_without_any_predictions_nothing_is_said(monkeypatch) -> None:
    found = compare(monkeypatch, [model(1, "GBM")], {})
    assert (found.leader, found.advice(), found.evidence(), found.rows_words) == (None, "", "", "")
    assert stand(None, [], "cv_auc").models == {}


@pytest.mark.parametrize(
    ("task", "metric", "tested"),
    [
        ("binary", "cv_auc", "auc"), ("binary", "holdout_aucpr", "average_precision"), ("binary", "cv_rmse", "auc"),
        ("regression", "cv_mse", "rmse"), ("regression", "cv_mean_residual_deviance", "rmse"),
        ("multiclass", "cv_logloss", "logloss"),
    ],
)  # fmt: skip
def test_what_cannot_be_tested_is_compared_by_the_tasks_usual_metric(task: str, metric: str, tested: str) -> None:
    assert standing.tested_metric(metric, replace(model(1, "GBM"), task=task)) == tested
