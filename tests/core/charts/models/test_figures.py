"""Figures of models: what they show of the data, in both looks, with names that must not become markup."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from core.charts import models as charts_models
from core.charts.look import ACCENT, MUTED
from core.charts.models.look import new_figure
from core.domain.models import ModelInfo
from core.errors import ExplanationError
from core.explanations.items import (
    ClassPrecisionRecall,
    ClassRoc,
    Dependence,
    DependenceLine,
    Explanations,
    Importance,
    Item,
    LearningCurve,
    LearningSeries,
    ShapFeature,
    ShapSummary,
)
from core.metrics import curves
from core.report.page import explanations_page
from tests import gallery
from tests.html_text import parse_html

NASTY = "<script>a & %{x}"
SAFE = "&lt;script&gt;a &amp; "
ORIGIN = "cross-validation, 400 rows"


def _scores() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(2)
    truth = rng.random(400) < 0.3
    return truth, np.clip(rng.normal(0.3 + 0.3 * truth, 0.15), 0, 1)


TRUTH, SCORES = _scores()
IMPORTANCE = Item((Importance(NASTY, 1.0), Importance("plain", 0.25)), origin="all training rows")
SHAP = Item(
    ShapSummary(
        (
            ShapFeature(NASTY, 0.5, ("1", "2", "missing"), (0.0, 1.0, None), (-0.5, 0.5, 0.5)),
            ShapFeature("flat", 0.0, ("a", "b", NASTY), (None, None, None), (0.0, 0.0, 0.0)),
        ),
        "log-odds",
        -2.0,
        3,
    ),
    origin="a sample of 3 training rows",
)
NUMBER = Dependence(
    NASTY, "numeric", (0.0, 1.0), (DependenceLine("", (0.1, 0.4), (0.0, 0.1)),), (-0.5, 0.5, 1.5), (0.9, 0.1)
)
DATE = replace(NUMBER, feature="since", kind="date", values=(0.0, 365.0), edges=(0.0, 365.0), share=(1.0,))
LEVELS = Dependence(
    "city", "category", ("Bonn", NASTY), (DependenceLine("", (0.2, 0.3), (0.1, 0.1)),), (), (0.75, 0.25)
)
CLASSES = replace(
    NUMBER, lines=tuple(DependenceLine(name, (0.1, 0.4), (0.0, 0.1)) for name in ("a", NASTY)), feature="classes"
)
DEPENDENCE = Item((NUMBER, DATE, LEVELS, CLASSES), origin="a sample of 1,000 training rows")
CONFUSION = Item(curves.confusion(["no"] * 3 + ["yes"], ["no", "no", "yes", "yes"], ("no", "yes")), origin=ORIGIN)
ROC = Item((ClassRoc("yes", curves.roc(TRUTH, SCORES)),), origin=ORIGIN)
PRECISION = Item((ClassPrecisionRecall("yes", curves.precision_recall(TRUTH, SCORES)),), origin=ORIGIN)
RESIDUALS = Item(curves.residuals(SCORES * 100, SCORES * 90, max_points=50), origin=ORIGIN)
LEARNING = Item(
    LearningCurve(
        "Number of trees",
        (0.0, 5.0, 10.0),
        "logloss",
        (LearningSeries("training", (0.7, 0.5, 0.4)), LearningSeries("validation", (None, 0.6, 0.5))),
    ),
    origin="training and validation rows",
)
EXPLANATIONS = Explanations(
    model_key="GBM_1",
    algo="GBM",
    task="binary",
    target="answer",
    classes=("no", "yes"),
    positive=NASTY,
    threshold=0.4,
    threshold_origin="max F1",
    created_at="2026-01-01T00:00:00+00:00",
    metrics={},
    variable_importance=IMPORTANCE,
    shap_summary=SHAP,
    partial_dependence=DEPENDENCE,
    confusion={"cv": CONFUSION, "holdout": Item(reason="none")},
    roc={"cv": ROC},
    precision_recall={"cv": PRECISION},
    residuals={"cv": Item(reason="none"), "holdout": RESIDUALS},
    learning_curve=LEARNING,
)


def test_every_figure_is_drawn_with_its_origin_and_no_markup_from_names() -> None:
    figures = gallery.figures(EXPLANATIONS)
    assert list(figures) == [
        "variable_importance",
        "shap_summary",
        *(f"partial_dependence_{place}" for place in range(1, 5)),
        "confusion_cv",
        "roc_cv",
        "precision_recall_cv",
        "predicted_actual_holdout",
        "residuals_holdout",
        "learning_curve",
    ]
    for figure in figures.values():
        assert "rows" in figure.layout.title.text
        text = figure.to_json().replace("\\u003c", "<")
        assert "<script" not in text
        templates = [trace.hovertemplate or "" for trace in figure.data]
        assert not any("a & %{x}" in template or "a &amp; %{x}" in template for template in templates)


def test_what_has_no_data_is_left_out() -> None:
    nothing = Item(reason="none")
    bare = replace(
        EXPLANATIONS, variable_importance=nothing, shap_summary=nothing, partial_dependence=nothing,
        confusion={}, roc={}, precision_recall={}, residuals={}, learning_curve=nothing,
    )  # fmt: skip
    assert parse_html(explanations_page(bare)).n_figures == 0


@pytest.mark.parametrize(
    "draw",
    [
        charts_models.variable_importance,
        charts_models.shap_summary,
        charts_models.confusion_matrix,
        charts_models.roc,
        charts_models.precision_recall,
        charts_models.residuals,
        charts_models.predicted_actual,
        charts_models.learning_curve,
        lambda item: charts_models.partial_dependence(item, "age", predicted="probability"),
    ],
)
def test_no_data_is_said_in_the_words_of_the_reason(draw) -> None:
    with pytest.raises(ExplanationError, match="because of this"):
        draw(Item(reason="because of this"))


def test_importance_shows_the_first_twenty() -> None:
    many = Item(tuple(Importance(f"f{number}", 1 / (number + 1)) for number in range(30)))
    figure = charts_models.variable_importance(many)
    assert len(figure.data[0].x) == 20
    assert "the first 20 of 30" in figure.layout.title.text
    assert figure.layout.yaxis.ticktext[0] == "f0"


def test_shap_separates_values_with_and_without_a_shade() -> None:
    figure = charts_models.shap_summary(SHAP)
    without, shaded = figure.data
    assert list(shaded.x) == [-0.5, 0.5]
    assert list(shaded.marker.color) == [0.0, 1.0]
    assert list(without.x) == [0.5, 0.0, 0.0, 0.0]
    assert sorted(without.y[1:]) == pytest.approx([1 - 0.38, 1, 1 + 0.38])  # equal values stand beside each other
    assert "log-odds" in figure.layout.xaxis.title.text


def test_a_strip_of_fewer_points_says_so() -> None:
    item = replace(SHAP, origin="a sample of 3 training rows")
    whole, cut = charts_models.shap_summary(item), charts_models.shap_summary(item, most=2)
    assert sum(len(trace.x) for trace in whole.data) == 6
    assert sum(len(trace.x) for trace in cut.data) == 4
    assert "of them drawn" not in whole.layout.title.text
    assert "a sample of 3 training rows, 2 of them drawn; usual prediction" in cut.layout.title.text


def test_dependence_draws_rows_below_numbers_and_shares_beside_levels() -> None:
    number = charts_models.partial_dependence(DEPENDENCE, NASTY, predicted="probability of yes", y_range=(0, 1))
    bars, line = number.data
    assert (list(bars.x), list(bars.y), bars.yaxis) == ([0.0, 1.0], [0.9, 0.1], "y2")
    assert list(line.y) == [0.1, 0.4]
    assert number.layout.yaxis.range == (0, 1)
    assert number.layout.yaxis.title.text == "mean probability of yes"
    date = charts_models.partial_dependence(DEPENDENCE, "since", predicted="price")
    assert date.data[1].x[0].startswith("1970-01-01")
    levels = charts_models.partial_dependence(DEPENDENCE, "city", predicted="price")
    assert levels.layout.yaxis.ticktext[0] == "Bonn  75%"
    classes = charts_models.partial_dependence(DEPENDENCE, "classes", predicted="probability")
    assert classes.layout.showlegend
    assert classes.data[1].name == "a"


def test_the_shared_range_holds_every_line() -> None:
    low, high = charts_models.dependence_range([NUMBER, LEVELS])
    assert low < 0.1 < 0.4 < high
    flat = replace(NUMBER, lines=(DependenceLine("", (0.0, 0.0), (0.0, 0.0)),))
    assert charts_models.dependence_range([flat]) == (-0.05, 0.05)


def test_confusion_shows_counts_and_shares_of_rows() -> None:
    figure = charts_models.confusion_matrix(CONFUSION)
    assert figure.data[0].z[0].tolist() == pytest.approx([2 / 3, 1 / 3])
    assert figure.data[0].customdata[0][1] == ["no", "yes", "1", "33%"]
    assert [note.text.split("<br>")[0] for note in figure.layout.annotations] == ["2", "1", "0", "1"]


def test_confusion_of_many_classes_has_no_numbers_in_the_cells() -> None:
    names = tuple(f"c{number}" for number in range(15))
    figure = charts_models.confusion_matrix(Item(curves.confusion(names, names, names)))
    assert not figure.layout.annotations


@pytest.mark.parametrize("draw", [charts_models.roc, charts_models.precision_recall])
def test_the_threshold_is_marked_on_the_curve(draw) -> None:
    item = ROC if draw is charts_models.roc else PRECISION
    figure = draw(item, threshold=0.4)
    curve, mark = figure.data
    found = float(np.mean(SCORES[TRUTH] >= 0.4))
    place = mark.y[0] if draw is charts_models.roc else mark.x[0]
    assert place == pytest.approx(found, abs=0.01)
    assert len(draw(item).data) == 1
    assert curve.line.color == ACCENT


def test_several_classes_have_a_legend_with_their_numbers() -> None:
    names = ("a", NASTY, "c", "d", "e", "f", "g", "h")
    figure = charts_models.roc(Item(tuple(ClassRoc(name, ROC.data[0].curve) for name in names), origin=ORIGIN))
    assert figure.layout.showlegend
    assert figure.data[0].name == f"a  {ROC.data[0].curve.auc:.4f}"
    assert len({(trace.line.color, trace.line.dash) for trace in figure.data}) == len(names)
    assert not figure.layout.annotations


def test_residuals_say_how_many_are_shown() -> None:
    figure = charts_models.residuals(RESIDUALS, target="price")
    assert len(figure.data[0].x) == 50
    assert "50 of them shown" in figure.layout.title.text
    assert figure.layout.xaxis.title.text == "predicted price"
    actual = charts_models.predicted_actual(RESIDUALS)
    assert np.allclose(np.array(actual.data[0].y), np.array(actual.data[0].x) / 0.9)


def test_learning_curve_labels_its_lines() -> None:
    figure = charts_models.learning_curve(LEARNING)
    assert [list(trace.x) for trace in figure.data] == [[0, 5, 10], [5, 10]]
    assert [trace.name for trace in figure.data] == ["training", "validation"]
    assert figure.layout.showlegend
    folded = LearningSeries("cross-validation", (None, 0.6, 0.5), sd=(None, 0.1, 0.2))
    figure = charts_models.learning_curve(Item(replace(LEARNING.data, series=(LEARNING.data.series[0], folded))))
    band = figure.data[1]
    assert (list(band.x), list(band.y)) == ([5, 10, 10, 5], pytest.approx([0.7, 0.7, 0.3, 0.5]))
    one = replace(LEARNING.data, series=LEARNING.data.series[:1])
    assert charts_models.learning_curve(Item(one)).layout.yaxis.title.text == "log loss (training)"


def _model(number: int, metric: str, value: float | None) -> ModelInfo:
    return ModelInfo(
        id=f"m-{number}", model_key=f"{NASTY}_{number}", algo="GBM", run_id="r", experiment="e", task="binary",
        metrics={} if value is None else {metric: value},
        created_at=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=number),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("metric", "best", "leader"), [("cv_auc", [0.7, 0.8, 0.8], 1), ("cv_logloss", [0.7, 0.7, 0.6], 2)]
)
def test_progress_runs_in_time_and_knows_what_is_better(metric: str, best: list, leader: int) -> None:
    values = [0.7, 0.8, 0.6]
    models = [_model(number, metric, value) for number, value in enumerate(values)]
    figure = charts_models.leaderboard_progress([*models[::-1], _model(9, metric, None)], metric)
    line, points = figure.data
    assert list(line.y) == best
    assert list(points.y) == values
    assert points.marker.color[leader] == ACCENT
    assert SAFE in points.customdata[0]
    assert "cross-validation" in figure.layout.title.text
    assert figure.layout.yaxis.title.text == {"cv_auc": "AUC", "cv_logloss": "log loss"}[metric]


@pytest.mark.parametrize(
    ("seconds", "places", "unit"),
    [((10, 40, 150), [10, 40, 150], "seconds"), ((60, 240), [1, 4], "minutes"), ((3600, 18000), [1, 5], "hours")],
)
def test_progress_over_time_has_the_unit_that_reads_best(seconds, places, unit) -> None:
    since = datetime(2026, 11, 24, 12, tzinfo=UTC)
    models = [
        replace(_model(number, "cv_auc", 0.5 + number / 10), created_at=since + timedelta(seconds=after))
        for number, after in enumerate(seconds)
    ]
    figure = charts_models.leaderboard_progress(models, "cv_auc", since=since)
    assert list(figure.data[1].x) == list(figure.data[0].x) == places
    assert figure.layout.xaxis.title.text == f"{unit} since the training began"


def test_progress_before_the_first_model_is_an_empty_figure() -> None:
    assert not charts_models.leaderboard_progress([], "cv_auc").data


def test_scores_count_every_row_and_mark_the_threshold() -> None:
    figure = charts_models.score_distribution(SCORES, NASTY, threshold=0.4, origin="400 rows")
    assert sum(figure.data[0].y) == 400
    above = int((SCORES >= 0.4).sum())
    assert figure.layout.annotations[0].text == f"{above} of 400 rows at 0.4 or above"
    assert set(figure.data[0].marker.color) == {ACCENT, MUTED}
    plain = charts_models.score_distribution(SCORES, "yes")
    assert set(plain.data[0].marker.color) == {ACCENT}
    assert not plain.layout.annotations


def test_a_figure_without_origin_has_a_title_of_one_line() -> None:
    assert new_figure("Title", "").layout.title.text == "Title"
