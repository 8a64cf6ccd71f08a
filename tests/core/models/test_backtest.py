"""What a backtest says, and its figure: the data it draws, and the words on too hopeful cross-validation."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from core.charts.models import backtest_lines
from core.domain.backtest import Backtest, BacktestStep, Period
from core.domain.baselines import CONSTANT
from core.domain.models import ModelInfo
from core.domain.training import TrainingSettings
from core.models.backtest import BacktestView, backtest_table, backtest_words, step_notes, view_backtest

GBM, GLM, ENSEMBLE = "GBM_2_AutoML_1_2026", "GLM_1_AutoML_1_2026", "StackedEnsemble_BestOfFamily_1_AutoML_1_2026"
SETTINGS = TrainingSettings(
    dataset_id="d", target="y", experiment="e", task="binary", split="time", split_column="day", nfolds=4
)
CONSTANT_METRICS = {"cv_auc": 0.5, "holdout_auc": 0.5}


def ms(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000


def period(first: str, last: str, n_rows: int = 300) -> Period:
    return Period(first=ms(first), last=ms(last), n_rows=n_rows)


def step(learned: Period, judged: Period, **aucs: float) -> BacktestStep:
    names = {"gbm": GBM, "glm": GLM, "constant": CONSTANT}
    return BacktestStep(
        learned=learned, judged=judged, metrics={names[name]: {"auc": value} for name, value in aucs.items()}
    )


STEPS = (
    step(period("2024-01-01", "2024-01-31"), period("2024-02-01", "2024-02-29"), gbm=0.80, glm=0.70, constant=0.5),
    step(period("2024-01-01", "2024-02-29"), period("2024-03-01", "2024-03-31"), gbm=0.82, constant=0.5),
    step(period("2024-01-01", "2024-03-31"), period("2024-04-01", "2024-04-30"), gbm=0.81, glm=0.72, constant=0.5),
)
FOUND = Backtest(
    time_column="day", is_date=True, models=(GBM, GLM, CONSTANT), leader=GBM, steps=STEPS,
    holdout=period("2024-05-01", "2024-05-31", 150),
)  # fmt: skip


def model(key: str, **metrics: float) -> ModelInfo:
    return ModelInfo(
        id=f"m-{key}", model_key=key, algo=key.partition("_")[0], run_id="r", experiment="e", task="binary",
        metrics=metrics, created_at=datetime(2026, 1, 1, tzinfo=UTC),
    )  # fmt: skip


def view(found: Backtest = FOUND, *, cv: float = 0.87) -> BacktestView:
    models = (model(GBM, cv_auc=cv, holdout_auc=0.79), model(GLM, cv_auc=0.74, holdout_auc=0.71))
    return view_backtest(found, models, CONSTANT_METRICS, SETTINGS)


def test_the_figure_has_each_models_steps_and_the_holdout_as_its_last_point() -> None:
    figure = backtest_lines(view())
    lines = {trace.name: trace for trace in figure.data}
    assert list(lines) == [
        "GBM 2", "GBM 2, holdout", "GLM 1", "GLM 1, holdout", "Constant predictor", "Constant predictor, holdout",
    ]  # fmt: skip
    assert list(lines["GBM 2"].y) == [0.80, 0.82, 0.81]
    assert list(lines["GLM 1"].y) == [0.70, 0.72]
    assert [moment.month for moment in lines["GLM 1"].x] == [2, 4]
    assert (list(lines["GBM 2, holdout"].y), lines["GBM 2, holdout"].x[0].month) == ([0.79], 5)
    assert lines["Constant predictor"].line.dash == "dot"
    assert {shape.y0 for shape in figure.layout.shapes if shape.y0 == shape.y1} == {0.87}
    assert "cross-validation 0.8700" in figure.layout.annotations[0].text
    assert "backtest" in figure.layout.title.text


def test_the_figure_says_of_each_point_what_was_learned_and_judged() -> None:
    first = backtest_lines(view()).data[0]
    assert list(first.customdata[2]) == ["31 Mar 2024", "300", "1 Apr 2024 to 30 Apr 2024", "300"]


def test_without_a_holdout_and_with_numbers_as_times() -> None:
    steps = tuple(
        replace(
            one, learned=Period(first=1, last=place, n_rows=9), judged=Period(first=place + 1, last=place + 1, n_rows=9)
        )
        for place, one in enumerate(STEPS, 1)
    )
    figure = backtest_lines(view(replace(FOUND, steps=steps, holdout=None, is_date=False)))
    assert [trace.name for trace in figure.data] == ["GBM 2", "GLM 1", "Constant predictor"]
    assert list(figure.data[0].x) == [2, 3, 4]


def test_the_words_say_the_latest_step_and_how_hopeful_cross_validation_was() -> None:
    latest, all_steps = backtest_words(view())
    assert latest == (
        "GBM 2, built again on the rows up to 31 Mar 2024 and judged on 1 Apr 2024 to 30 Apr 2024: AUC 0.8100,"
        " a constant predictor 0.5000 (backtest)."
    )
    assert all_steps.startswith(
        "Mean of 3 steps forward: 0.8100 ± 0.01. Cross-validation said 0.8700: better than every"
    )
    assert "too hopeful" in all_steps
    assert all_steps.endswith("The holdout after it: 0.7900.")


@pytest.mark.parametrize(
    ("cv", "words"), [(0.811, "within what the steps show"), (0.75, "no better than the steps"), (0.87, "likely too")]
)
def test_cross_validation_is_judged_by_the_spread_of_the_steps(cv: float, words: str) -> None:
    assert words in backtest_words(view(cv=cv))[1]


def test_for_a_metric_of_which_less_is_better_hopeful_means_less() -> None:
    settings = replace(SETTINGS, sort_metric="logloss")
    steps = tuple(replace(one, metrics={GBM: {"logloss": 0.5 + place / 100}}) for place, one in enumerate(STEPS))
    for cv, words in ((0.3, "likely too hopeful"), (0.7, "no better than the steps")):
        found = view_backtest(replace(FOUND, steps=steps), (model(GBM, cv_logloss=cv),), {}, settings)
        assert words in backtest_words(found)[1]


def test_one_step_tells_nothing_about_cross_validation() -> None:
    said = backtest_words(view(replace(FOUND, steps=STEPS[:1])))
    assert "one step alone does not tell" in said[1]
    assert "Mean" not in said[1]


def test_a_model_that_did_better_in_every_step_is_named() -> None:
    better = tuple(
        replace(one, metrics=one.metrics | {GLM: {"auc": 0.86 + place / 100}}) for place, one in enumerate(STEPS)
    )
    assert "Going forward GLM 1 did better: 0.8700 on average." in backtest_words(view(replace(FOUND, steps=better)))
    mixed = tuple(
        replace(one, metrics=one.metrics | {GLM: {"auc": value}})
        for one, value in zip(STEPS, (0.9, 0.7, 0.9), strict=True)
    )
    assert not any("Going forward" in one for one in backtest_words(view(replace(FOUND, steps=mixed))))


def test_the_table_has_each_step_then_the_other_origins() -> None:
    head, rows = backtest_table(view())
    assert head[4:] == ("GBM 2 · AUC", "GLM 1 · AUC", "Constant predictor · AUC")
    assert rows[1] == ("1 Mar 2024 to 31 Mar 2024", "300", "29 Feb 2024", "300", "0.8200", "–", "0.5000")
    assert [row[0] for row in rows[3:]] == [
        "Mean of the backtest", "Spread of the backtest", "Cross-validation", "Holdout, 1 May 2024 to 31 May 2024",
    ]  # fmt: skip
    assert [row[4] for row in rows[3:]] == ["0.8100", "0.0100", "0.8700", "0.7900"]


def test_an_ensemble_that_leads_is_said_not_to_be_backtested() -> None:
    said = backtest_words(view(replace(FOUND, leader=ENSEMBLE)))
    assert any("is an ensemble and is not backtested" in one and "GBM 2 is the best single" in one for one in said)


def test_what_is_missing_is_said_in_words() -> None:
    steps = (
        BacktestStep(learned=STEPS[0].learned, judged=STEPS[0].judged),
        replace(STEPS[1], missing={GLM: "Too few rows."}),
        replace(STEPS[2], metrics={}, skipped="No row before this stretch has the class 'x'."),
    )
    found = view(replace(FOUND, steps=steps, ended="The time was up.", has_recipe=True))
    assert step_notes(found) == (
        "1 Feb 2024 to 29 Feb 2024: not reached.",
        "1 Mar 2024 to 31 Mar 2024, GLM 1: Too few rows.",
        "1 Apr 2024 to 30 Apr 2024: skipped. No row before this stretch has the class 'x'.",
    )
    said = " ".join(backtest_words(found))
    assert "It ended early. The time was up." in said
    assert "recipe was fitted once" in said


def test_where_nothing_was_judged_there_is_no_line_and_no_claim() -> None:
    steps = tuple(BacktestStep(learned=one.learned, judged=one.judged, skipped="No.") for one in STEPS)
    found = view(replace(FOUND, steps=steps))
    assert (found.lines, found.main, backtest_words(found)) == ((), None, ())
    assert len(backtest_lines(found).data) == 0
