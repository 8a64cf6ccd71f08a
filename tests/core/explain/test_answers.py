"""What is said of how good a model is, of what it relies on and of how it learned."""

import pytest

from core.explain.comparison import importance_map
from core.explanations.answers import apart_words, good_words, learned_words, moved_words, relied_words
from core.explanations.items import Importance, LearningCurve, LearningSeries, ShapFeature, ShapSummary
from core.explanations.models import ImportanceMap

STEPS = tuple(float(at) for at in range(10, 90, 10))


def curve(unseen: list[float | None], own: list[float | None] | None = None, sd: float = 0.01) -> LearningCurve:
    series = [] if own is None else [LearningSeries("training", tuple(own))]
    spread = tuple(None if value is None else sd for value in unseen)
    folded = LearningSeries("cross-validation", tuple(unseen), sd=spread)
    return LearningCurve("Number of trees", STEPS, "logloss", (*series, folded), n_folds=3)


@pytest.mark.parametrize(
    ("unseen", "verdict"),
    [
        (
            [0.6, 0.5, 0.42, 0.40, 0.395, 0.391, 0.390, 0.389],
            "no overfitting harms it: the last quarter of the trees lowered the error on unseen rows by 0.0020, within",
        ),
        ([0.6, 0.55, 0.5, 0.45, 0.4, 0.35, 0.3, 0.25], "It had not settled: the last quarter brought 0.1000, more"),
        ([0.6, 0.5, 0.4, 0.41, 0.43, 0.45, 0.47, 0.5], "it was best after 30 trees and is 0.1000 worse since"),
        (
            [0.6, 0.5, 0.4, 0.401, 0.402, 0.403, 0.404, 0.405],
            "raised the error on unseen rows by 0.0020, within",
        ),  # by chance
    ],
)
def test_the_verdict_goes_by_the_spread_over_the_folds(unseen: list[float | None], verdict: str) -> None:
    assert verdict in learned_words(curve(unseen))


def test_what_rose_within_a_wide_spread_is_said_with_that_spread() -> None:
    series = LearningSeries("cross-validation", (0.6, 0.4, 0.4, 0.47), sd=(0.1, 0.1, 0.1, 0.01))
    words = learned_words(LearningCurve("Number of trees", (10, 20, 30, 40), "logloss", (series,), n_folds=3))
    assert words.endswith("raised the error on unseen rows by 0.0700, within the spread over the folds (0.1000).")
    series = LearningSeries("cross-validation", (0.6, 0.4, 0.4, 0.4), sd=(0.1, 0.1, 0.1, 0.1))
    words = learned_words(LearningCurve("Number of trees", (10, 20, 30, 40), "logloss", (series,), n_folds=3))
    assert words.endswith("the last quarter of the trees did not change the error on unseen rows.")


def test_what_models_rely_on_is_said_only_where_it_is_known() -> None:
    assert apart_words(ImportanceMap(("GBM_1", "GLM_1"), ("age",), ((0.0, 0.0),))) == ""
    assert apart_words(ImportanceMap(("GBM_1", "GLM_1"), ("age",), ((1.0, 1.0),))) == "All of them rely most on age."
    many = {f"GBM_{n}": {f"f{k}": 1 - k / 30 for k in range(25)} for n in range(5)} | {"GLM_1": {"z": 1.0, "f0": 0.05}}
    words = apart_words(importance_map(many))
    assert words.startswith("What they rely on most is f0 in 5 of 6, z in 1.")  # which the first twenty keep


def test_folds_that_went_on_longer_than_the_model_itself_say_nothing_of_it() -> None:
    unseen: list[float | None] = [0.6, 0.5, 0.445, 0.44, 0.439, 0.5, 0.6, 0.7]
    own: list[float | None] = [0.6, 0.45, 0.4, 0.38, 0.37, None, None, None]
    words = learned_words(curve(unseen, own))
    assert words.startswith(
        "After 50 trees log loss is 0.4390 on rows it had not seen (cross-validation, mean of 3 models, each as"
        " far as it got), 0.3700 on those it learned from."
    )
    assert "It has settled" in words
    assert "0.3700 out of bag." in learned_words(curve(unseen, own), "DRF")
    assert "overfit" in learned_words(curve(unseen))


@pytest.mark.parametrize("unseen", [[None] * 8, [0.5] + [None] * 7])
def test_without_a_curve_of_the_folds_nothing_is_said(unseen: list[float | None]) -> None:
    plain = LearningCurve("Epochs", STEPS, "rmse", (LearningSeries("training", (1.0,) * 8),))
    assert learned_words(plain) == ""
    assert learned_words(curve(unseen)) == ""


def test_what_a_model_is_beside_a_constant_predictor_is_said_with_the_rows() -> None:
    assert good_words({"rmse": 50.0}, {"rmse": 200.0}, "cross-validation") == (
        "RMSE (cross-validation) is 75% lower than that of a constant predictor."
    )
    assert good_words({"auc": 0.996, "logloss": 1.2}, {"auc": 0.5, "logloss": 0.3}, "holdout") == (
        "Of all pairs of a positive and a negative row (holdout) it ranks 99.6% the right way round, the positive one"
        " first. Log loss is no lower than that of a constant predictor."
    )
    assert "no lower than that of a constant predictor" in good_words({"rmse": 5.0}, {"rmse": 5.0}, "holdout")
    assert good_words({"rmse": 0.1}, {}, "holdout") == ""


def _moving(
    name: str, values: tuple[str, ...], shade: tuple[float | None, ...], moved: tuple[float, ...]
) -> ShapFeature:
    return ShapFeature(name, 1.0, values, shade, moved)


def test_the_features_that_move_predictions_are_named_with_the_way_of_their_values() -> None:
    four, none = ("1", "2", "3", "4"), (None,) * 4
    rising = _moving("rising", four, (0.0, 0.3, 0.6, 1.0), (-2.0, -1.0, 1.0, 5.0))
    falling = _moving("falling", four, (0.0, 0.3, None, 1.0), (2.0, 1.0, 9.0, -5.0))
    bent = _moving("bent", four, (0.0, 0.3, 0.6, 1.0), (1.0, -1.0, -1.0, 1.0))
    raising = _moving("raising", four, (0.0, 0.3, 0.6, 1.0), (0.5, 0.9, 0.4, 0.6))
    levels = _moving("levels", ("a", "b", "a", "c"), none, (0.4, -0.1, 0.2, -0.3))
    two = _moving("two", ("No", "Yes", "Yes", "No"), (0.0, 1.0, 1.0, 0.0), (-0.4, 0.1, 0.2, -0.1))
    up = _moving("up", ("a", "b", "a", "b"), none, (0.4, 0.1, 0.2, 0.1))
    beyond = _moving("beyond", four, none, (1.0,) * 4)

    def words(*features: ShapFeature) -> str:
        return moved_words(ShapSummary(features, "log-odds", 0.0, 4), lambda text: f"<{text}>")

    assert words(rising, falling, bent, beyond) == (
        "Row by row, predictions move most with <rising> (high values raise them), <falling> (high values lower them)"
        " and <bent> (in no one direction)."
    )
    assert (
        words(levels) == "Row by row, predictions move most with <levels> (<a> raises them most, <c> lowers them most)."
    )
    assert words(two) == "Row by row, predictions move most with <two> (<Yes> raises them, <No> lowers them)."
    assert words(up) == "Row by row, predictions move most with <up> (<a> raises them most)."
    assert words(raising) == "Row by row, predictions move most with <raising> (in no one direction)."
    assert words() == ""
    rare = _moving("rare", ("a",) * 60 + ("b",) * 60 + ("c",), (None,) * 121, (0.4,) * 60 + (-0.1,) * 60 + (-9.0,))
    assert words(rare) == "Row by row, predictions move most with <rare> (<a> raises them, <b> lowers them)."
    clipped = _moving("n", ("0", "1", "2", "4"), (0.0, 1.0, 1.0, 1.0), (-1.0, 0.1, 0.2, 0.3))
    assert words(clipped) == "Row by row, predictions move most with <n> (high values raise them)."


@pytest.mark.parametrize(
    ("importances", "words"),
    [
        ((1.0,), "f0 carries 100% of all importance."),
        ((1.0, 0.4, 0.001), "f0 carries 71% of all importance. f2 carries next to none."),
        ((1.0,) * 20, "No few stand out: the first 5 of 20 features carry 25% of all importance."),
        ((0.0, 0.0), ""),
        ((), ""),
    ],
)
def test_the_features_that_carry_two_thirds_are_named(importances: tuple[float, ...], words: str) -> None:
    assert relied_words([Importance(f"f{at}", value) for at, value in enumerate(importances)]) == words
