"""What is said of a learning curve."""

import pytest

from core.explanations.items import LearningCurve, LearningSeries
from core.explanations.learned import learned_words

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
            "It has settled, and not begun to learn by heart: the last quarter brought 0.0020, within",
        ),
        ([0.6, 0.55, 0.5, 0.45, 0.4, 0.35, 0.3, 0.25], "It had not settled: the last quarter brought 0.1000, more"),
        ([0.6, 0.5, 0.4, 0.41, 0.43, 0.45, 0.47, 0.5], "it was best after 30 trees and is 0.1000 worse since"),
        ([0.6, 0.5, 0.4, 0.401, 0.402, 0.403, 0.404, 0.405], "It has settled"),  # worse than once, but by chance
    ],
)
def test_the_verdict_goes_by_the_spread_over_the_folds(unseen: list[float | None], verdict: str) -> None:
    assert verdict in learned_words(curve(unseen))


def test_folds_that_went_on_longer_than_the_model_itself_say_nothing_of_it() -> None:
    unseen: list[float | None] = [0.6, 0.5, 0.445, 0.44, 0.439, 0.5, 0.6, 0.7]
    own: list[float | None] = [0.6, 0.45, 0.4, 0.38, 0.37, None, None, None]
    words = learned_words(curve(unseen, own))
    assert words.startswith(
        "After 50 trees log loss is 0.4390 on rows it had not seen (cross-validation, mean of 3 models), 0.3700 on"
        " those it learned from."
    )
    assert "It has settled" in words
    assert "0.3700 out of bag." in learned_words(curve(unseen, own), "DRF")
    assert "by heart" in learned_words(curve(unseen))


@pytest.mark.parametrize("unseen", [[None] * 8, [0.5] + [None] * 7])
def test_without_a_curve_of_the_folds_nothing_is_said(unseen: list[float | None]) -> None:
    plain = LearningCurve("Epochs", STEPS, "rmse", (LearningSeries("training", (1.0,) * 8),))
    assert learned_words(plain) == ""
    assert learned_words(curve(unseen)) == ""
