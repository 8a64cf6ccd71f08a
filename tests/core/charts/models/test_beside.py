"""Figures of several models: the numbers handed in, the words made safe, the colours of the theme."""

from dataclasses import replace

import numpy as np
import plotly.graph_objects as go
import pytest

from core.charts import look
from core.charts import models as charts_models
from core.domain.models import ModelInfo, Origin
from core.explanations.items import Dependence, DependenceLine, Item, Kind
from core.explanations.models import Agreement, ImportanceMap
from core.explanations.shapes import Member, Members
from core.metrics import curves, performance
from core.metrics.ranking import rank
from core.metrics.ties import MetricDifference, MetricEstimate
from core.models.standing import Standing, Standings, State
from tests.fixtures_store import make_model

BAD = "<b>bad</b> %{x}"
RNG = np.random.default_rng(1)
TRUTH = RNG.random(400) < 0.3
SCORES = [("first", np.clip(0.3 + 0.3 * TRUTH + RNG.normal(0, 0.2, 400), 0, 1)), (BAD, RNG.random(400))]
ORIGIN = "holdout, 400 rows"
BETTER = MetricDifference("auc", 0.8, 0.83, 0.01, 0.05)
TIED = MetricDifference("auc", 0.8, 0.79, -0.03, 0.01)
WORSE = MetricDifference("auc", 0.8, 0.7, -0.12, -0.08)


def figures() -> dict[str, go.Figure]:
    reliability = [(name, performance.reliability(TRUTH, p)) for name, p in SCORES]
    settings = {"Maximum models": ["3", "10"], "Folds": ["5", "5"], BAD: ["Yes", BAD]}
    return {
        "differences": charts_models.differences([("a", BETTER), (BAD, TIED), ("c", WORSE)], "first", origin=ORIGIN),
        "roc": charts_models.roc_of_models([(name, curves.roc(TRUTH, p)) for name, p in SCORES], origin=ORIGIN),
        "gains": charts_models.gains_of_models(
            [(name, performance.gains(rank(TRUTH, p))) for name, p in SCORES], BAD, origin=ORIGIN
        ),
        "calibration": charts_models.calibration_of_models(reliability, BAD, origin=ORIGIN),
        "errors": charts_models.errors_of_models([(name, p - TRUTH) for name, p in SCORES], origin=ORIGIN),
        "settings": charts_models.settings_of_runs(settings, ["one", BAD], "AUC", [0.8, 0.9], lower_is_better=False),
    }


@pytest.mark.parametrize("name", figures())
def test_names_from_outside_are_escaped_and_every_colour_is_of_the_theme(name: str) -> None:
    figure = look.apply(figures()[name], dark=True)
    assert "<b>bad" not in figure.to_json().replace("\\u003c", "<")
    assert "var(--" not in figure.to_json()


MAP = ImportanceMap(models=("GBM_1", "GLM_2"), features=("age", BAD), values=((1.0, 0.5), (0.25, 0.0)))
AGREEMENT = Agreement(models=("GBM_1", "GLM_2"), values=((1.0, 0.9), (0.9, 1.0)))
MEMBERS = Members((Member("GBM_1", 0.7), Member("GLM_2", 0.3)), ("age", BAD), (1.0, 0.4))


def test_importance_over_models_has_a_row_for_each_feature_and_a_column_for_each_model() -> None:
    figure = charts_models.importance_map(Item(MAP))
    heat, written = figure.data
    assert np.array(heat.z) == pytest.approx(np.array(MAP.values))
    texts = dict(zip(zip(written.x, written.y, strict=True), written.text, strict=True))
    assert texts == {(x, y): f"{v:.2f}" for y, row in enumerate(MAP.values) for x, v in enumerate(row)}
    assert list(figure.layout.xaxis.ticktext) == ["GBM 1", "GLM 2"]
    assert figure.layout.yaxis.ticktext[0] == "age"


def test_agreement_is_written_into_its_cells() -> None:
    figure = charts_models.agreement(Item(AGREEMENT))
    assert np.array(figure.data[0].z) == pytest.approx(np.array(AGREEMENT.values))
    written = {(one.x, one.y): one.text for one in figure.layout.annotations if one.text in ("1.000", "0.900")}
    assert written == {(0, 0): "1.000", (1, 0): "0.900", (0, 1): "0.900", (1, 1): "1.000"}


def test_members_have_their_shares_and_features_their_importance_in_them() -> None:
    (shares,) = charts_models.members(Item(MEMBERS)).data
    assert (shares.x, shares.text) == ((0.7, 0.3), ("70%", "30%"))
    (bars,) = charts_models.members_importance(Item(MEMBERS)).data
    assert (bars.x, bars.text) == ((1.0, 0.4), ("1.00", "0.40"))
    (first,) = charts_models.members_importance(Item(MEMBERS), max_bars=1).data
    assert first.x == (1.0,)


def test_dependence_of_several_models_has_a_line_for_each_or_points_beside_levels() -> None:
    def of(values: tuple[float | str, ...], mean: tuple[float, ...], kind: Kind) -> Dependence:
        return Dependence("f", kind, values, (DependenceLine("", mean, (0.0,) * len(mean)),), (), ())

    numbers = [("one", of((1.0, 2.0), (0.1, 0.3), "numeric")), (BAD, of((1.0, 2.0), (0.2, 0.2), "numeric"))]
    lines = charts_models.dependence_of_models(numbers, "", predicted="price").data
    assert [(line.x, line.y) for line in lines] == [((1.0, 2.0), (0.1, 0.3)), ((1.0, 2.0), (0.2, 0.2))]
    levels = [("one", of(("a", "b"), (0.1, 0.3), "category")), ("two", of(("b",), (0.4,), "category"))]
    figure = charts_models.dependence_of_models(levels, "", predicted="price")
    assert [(points.x, points.y) for points in figure.data] == [((0.1, 0.3), (0, 1)), ((0.4,), (1,))]
    assert list(figure.layout.yaxis.ticktext) == ["a", "b"]


@pytest.mark.parametrize(
    "figure",
    [
        charts_models.importance_map(Item(MAP)),
        charts_models.members_importance(Item(MEMBERS)),
        charts_models.dependence_of_models(
            [(BAD, Dependence(BAD, "category", (BAD,), (DependenceLine("", (0.1,), (0.0,)),), (), ()))],
            "",
            predicted=BAD,
        ),
    ],
    ids=["map", "members", "dependence"],
)
def test_names_in_figures_of_models_are_shown_literally(figure: go.Figure) -> None:
    assert "<b>bad" not in figure.to_json().replace("\\u003c", "<")


def test_differences_have_their_intervals_and_say_what_is_chance() -> None:
    points = figures()["differences"].data
    for place, one in enumerate((BETTER, TIED, WORSE)):
        assert (points[place].x, points[place].y) == ((one.value,), (place,))
        assert points[place].error_x.array == pytest.approx([one.high - one.value])
        assert points[place].error_x.arrayminus == pytest.approx([one.value - one.low])
    said = [point.hovertemplate for point in points]
    assert [words in text for words, text in zip((": better", ": tied", ": worse"), said, strict=True)] == [True] * 3
    assert len({point.marker.color for point in points}) == 3


def test_of_a_metric_of_which_less_is_better_the_smaller_one_is_better() -> None:
    less = MetricDifference("logloss", 0.4, 0.3, -0.15, -0.05)
    assert ": better" in charts_models.differences([("a", less)], "first", origin=ORIGIN).data[0].hovertemplate


def test_curves_are_those_handed_in() -> None:
    drawn = figures()
    for place, (_, p) in enumerate(SCORES):
        roc, gains, bins = (
            curves.roc(TRUTH, p),
            performance.gains(rank(TRUTH, p)),
            performance.reliability(TRUTH, p).bins,
        )
        assert drawn["roc"].data[place].y == roc.true_positive_rate
        assert f"{roc.auc:.4f}" in drawn["roc"].data[place].name
        assert drawn["gains"].data[place].y == gains.gain
        assert drawn["calibration"].data[place].x == tuple(one.predicted for one in bins)
        errors = drawn["errors"].data[place]
        within = np.mean(np.abs(p - TRUTH) <= errors.x[100])
        assert within == pytest.approx(errors.y[100], abs=0.01)


def test_each_run_is_a_line_through_its_settings_to_its_metric() -> None:
    first, second = figures()["settings"].data
    assert (first.x, first.y) == ((0, 1, 2, 3), (0, 0.5, 1, 0))
    assert second.y == (1, 0.5, 0, 1)
    assert first.customdata[0] == "Maximum models: 3"
    less = charts_models.settings_of_runs({"Seed": ["1", "2"]}, ["a", "b"], "RMSE", [3.0, 2.0], lower_is_better=True)
    assert [line.y[-1] for line in less.data] == [0, 1]


def stood(origin: Origin) -> tuple[list[ModelInfo], Standings]:
    """Return four models, of which the second is tied with the first, the third behind and the fourth not tested."""
    auc = (0.85, 0.84, 0.7, 0.6)
    models = [
        make_model(
            n, metrics={"cv_auc": value}, predict_time_per_row_s=n * 1e-6, is_champion=n == 2, algo="GBM", run_id="one"
        )
        for n, value in enumerate(auc, 1)
    ]
    differences = (
        None,
        MetricDifference("auc", 0.85, 0.84, -0.03, 0.01),
        MetricDifference("auc", 0.85, 0.7, -0.2, -0.1),
    )
    states: tuple[State, ...] = ("leader", "tied", "behind")
    found = {
        model.id: Standing(
            state=state, estimates={"cv": MetricEstimate(value, value - 0.02, value + 0.03, 0.01)},
            difference=difference,
        )
        for model, state, value, difference in zip(models, states, auc, differences, strict=False)
    }  # fmt: skip
    return models, Standings(metric="auc", origin=origin, n_rows=400, leader=models[0], models=found)


def test_whiskers_of_metrics_tested_on_other_rows_are_their_own() -> None:
    models, standings = stood("holdout")
    figure = charts_models.pareto(models, "cv_auc", standings)
    tied = next(trace for trace in figure.data if trace.name == "leader and those tied with it")
    assert tied.error_y.array == pytest.approx([0.03, 0.03])
    assert tied.error_y.arrayminus == pytest.approx([0.02, 0.02])
    assert not figure.layout.shapes
    assert "whiskers: 95% interval<" in figure.layout.title.text


def test_quality_and_speed_show_differences_ties_and_the_champion() -> None:
    models, standings = stood("cv")
    figure = charts_models.pareto(models, "cv_auc", standings)
    traces = {trace.name: trace for trace in figure.data}
    tied = traces["leader and those tied with it"]
    assert (tied.x, tied.y) == (pytest.approx((1, 2)), (0.85, 0.84))
    assert tied.error_y.array == pytest.approx([0, 0.02])  # the leader differs from itself by nothing
    assert tied.error_y.arrayminus == pytest.approx([0, 0.02])
    behind = traces["behind beyond chance"]
    assert behind.y[0] + behind.error_y.array[0] == pytest.approx(0.75)
    (line,) = figure.layout.shapes
    assert line.y0 == line.y1 == 0.85
    assert "of the difference to the leader" in figure.layout.title.text
    assert "95% interval 0.83 to 0.88" in tied.customdata[0]
    assert "champion" in tied.customdata[1]
    assert traces["behind beyond chance"].y == (0.7,)
    assert traces["not tested"].y == (0.6,)
    assert traces["not tested"].error_y.array is None
    assert traces["best for their speed"].y == (0.85,)
    assert traces["champion"].x == pytest.approx((2,))


def test_no_line_joins_models_whose_times_were_taken_under_another_load() -> None:
    models, standings = stood("cv")
    figure = charts_models.pareto([replace(models[0], run_id="another"), *models[1:]], "cv_auc", standings)
    (line,) = (trace for trace in figure.data if trace.name == "best for their speed")
    assert not line.visible
    assert not line.x
    assert "times of different runs were taken under another load" in figure.layout.title.text


def test_close_times_have_ticks_and_no_name_leaves_the_figure() -> None:
    models = [
        make_model(
            n,
            metrics={"cv_auc": 0.9 - n / 100},
            predict_time_per_row_s=n * 1e-6,
            is_champion=n == 9,
            algo="GBM",
            run_id="one",
        )
        for n in range(1, 10)
    ]
    figure = charts_models.pareto(models, "cv_auc")
    assert figure.layout.xaxis.dtick is None  # 1, 2 and 5 alone may all lie outside of so few times
    (trace,) = (one for one in figure.data if one.text)
    sides = [side for text, side in zip(trace.text, trace.textposition, strict=True) if text]
    assert sides == ["top right", "bottom left"]  # the fastest, and the champion, which is the slowest


def test_the_names_of_neighbours_stand_on_other_sides() -> None:
    metrics = {1: (0.83, 1e-6), 2: (0.84, 28e-6), 3: (0.844, 30e-6)}
    models = [
        make_model(n, metrics={"cv_auc": value}, predict_time_per_row_s=time, algo="GBM")
        for n, (value, time) in metrics.items()
    ]
    (trace,) = (one for one in charts_models.pareto(models, "cv_auc").data if one.text)
    assert list(trace.textposition) == ["bottom right", "bottom left", "top left"]


def test_one_far_worse_is_named_and_leaves_the_others_their_room() -> None:
    rmse = {1: 540.0, 2: 552.0, 3: 560.0, 4: 571.0, 5: 1210.0}

    def drawn(champion: int) -> tuple[list[float], str]:
        models = [
            make_model(
                n, metrics={"cv_rmse": value}, predict_time_per_row_s=n * 1e-6, algo="GBM", is_champion=n == champion
            )
            for n, value in rmse.items()
        ]
        figure = charts_models.pareto(models, "cv_rmse")
        (trace,) = (one for one in figure.data if one.name == "models")
        return list(trace.y), figure.layout.title.text

    kept, title = drawn(champion=1)
    assert kept == [540.0, 552.0, 560.0, 571.0]
    assert "far worse and not drawn: GBM 5" in title
    kept, title = drawn(champion=5)  # whoever it is that predicts, is in the picture
    assert kept == list(rmse.values())
    assert "not drawn" not in title


def test_few_models_are_all_drawn() -> None:
    models = [
        make_model(n, metrics={"cv_auc": value}, predict_time_per_row_s=1e-6, algo="GBM", is_champion=False)
        for n, value in enumerate((0.9, 0.89, 0.2), 1)
    ]
    (trace,) = (one for one in charts_models.pareto(models, "cv_auc").data if one.name == "models")
    assert list(trace.y) == [0.9, 0.89, 0.2]


def test_who_is_tied_is_drawn_however_far() -> None:
    models = [
        make_model(n, metrics={"cv_auc": value}, predict_time_per_row_s=n * 1e-6, algo="GBM", is_champion=False)
        for n, value in enumerate((0.9, 0.89, 0.88, 0.2), 1)
    ]
    tied = Standings(metric="auc", models={models[-1].id: Standing(state="tied")})
    figure = charts_models.pareto(models, "cv_auc", tied)
    assert 0.2 in [y for one in figure.data for y in one.y or ()]
    assert 0.2 not in [y for one in charts_models.pareto(models, "cv_auc").data for y in one.y or ()]


def test_small_differences_are_never_far() -> None:
    values = (0.9, 0.8999, 0.8998, 0.8985, 0.897)
    models = [
        make_model(n, metrics={"cv_auc": value}, predict_time_per_row_s=1e-6, algo="GBM", is_champion=False)
        for n, value in enumerate(values, 1)
    ]
    (trace,) = (one for one in charts_models.pareto(models, "cv_auc").data if one.name == "models")
    assert list(trace.y) == list(values)
