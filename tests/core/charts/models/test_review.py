"""Figures of gains, probabilities, decisions and groups: the given numbers, made safe."""

import json
from dataclasses import replace

import numpy as np
import plotly.graph_objects as go
import pyarrow as pa

from core.charts import models as charts_models
from core.domain.columns import Column, Schema
from core.explanations.items import Item
from core.metrics import performance
from core.metrics.curves import confusion
from core.metrics.groups.errors import error_by_prediction, residuals_by
from core.metrics.groups.fairness import measure_fairness
from core.metrics.groups.segments import find_weakness, group_columns
from core.metrics.profits import Money, profit_curve
from core.metrics.ranking import rank
from core.metrics.threshold import outcomes_at, trade_off
from tests.core.metrics.groups.test_segments import _binary, _table

BAD = "<b>bad</b> %{x}"
RNG = np.random.default_rng(1)
TRUTH = RNG.random(500) < 0.3
P = np.clip(0.3 + 0.3 * TRUTH + RNG.normal(0, 0.15, 500), 0, 1)
RANKING = rank(TRUTH, P)
MONEY = Money(10, -4, -1)
ORIGIN = "cross-validation, 500 rows"


def _weakness():
    table = _table()
    return find_weakness(_binary(table), group_columns(table, Schema((Column("city", "category"),))), "logloss")


def _fairness():
    codes = np.arange(500) % 2
    return measure_fairness(TRUTH, P >= 0.5, codes, [BAD, "other"], column="group")


def figures() -> dict[str, go.Figure]:
    gains, weakness, fairness = performance.gains(RANKING), _weakness(), _fairness()
    values = pa.chunked_array([[BAD, "b"] * 250])
    groups = residuals_by(values, Column(BAD, "category"), P, P + 0.1)
    rates = [one.selection for one in fairness.groups]
    return {
        "gains": charts_models.cumulative_gains(gains, BAD, origin=ORIGIN, share=0.2),
        "lift": charts_models.lift(gains, BAD, origin=ORIGIN),
        "separation": charts_models.separation(performance.separation(RANKING), BAD, origin=ORIGIN),
        "calibration": charts_models.calibration_curve(performance.reliability(TRUTH, P), BAD, origin=ORIGIN),
        "spread": charts_models.spread_by_class(
            performance.score_spread(TRUTH, P, (BAD, "no")), origin=ORIGIN, threshold=0.4
        ),
        "profit": charts_models.profit_curve(profit_curve(RANKING, MONEY), origin=ORIGIN, unit=BAD),
        "trade_off": charts_models.trade_off(trade_off(RANKING), origin=ORIGIN, threshold=0.4),
        "outcomes": charts_models.outcome_matrix(outcomes_at(RANKING, 0.5), BAD, "no", origin=ORIGIN),
        "weak": charts_models.weak_segments(weakness, weakness.segments, metric_name="Log loss", is_share=False),
        "fairness": charts_models.group_rates(fairness, rates, title="Selected", origin=ORIGIN, four_fifths=True),
        "by_size": charts_models.errors_by_prediction(error_by_prediction(P, P + 0.1), target=BAD, origin=ORIGIN),
        "by_feature": charts_models.residual_groups(groups, BAD, origin=ORIGIN),
    }


def test_names_from_the_data_are_made_safe_everywhere() -> None:
    for name, figure in figures().items():
        text = json.loads(figure.to_json())
        words = json.dumps([text["data"], text["layout"]], ensure_ascii=False)
        assert "<b>bad" not in words, name
        assert "<b>Turin" not in words, name
        templates = [trace.get("hovertemplate") or "" for trace in text["data"]]
        assert not any("%{x}&" in one or "> %{x}" in one for one in templates if "bad" in one), name


def test_gains_and_lift_draw_the_numbers_handed_in() -> None:
    found = performance.gains(RANKING)
    figure = figures()["gains"]
    assert (tuple(figure.data[0].x), tuple(figure.data[0].y)) == (found.share, found.gain)
    assert tuple(figures()["lift"].data[0].y) == found.lift()


def test_the_trade_off_draws_its_lines_and_marks_the_threshold() -> None:
    found, figure = trade_off(RANKING), figures()["trade_off"]
    lines = {trace.name: tuple(trace.y) for trace in figure.data}
    names = ("precision", "recall", "F1", "rows selected")
    assert lines == dict(zip(names, (found.precision, found.recall, found.f1, found.selected_share), strict=True))
    assert abs(found.f1[-1] - outcomes_at(RANKING, found.threshold[-1]).f1) < 1e-12
    assert all(tuple(trace.x) == found.threshold for trace in figure.data)
    (mark,) = figure.layout.shapes
    assert mark.x0 == mark.x1 == 0.4


def test_the_profit_curve_marks_the_best_point() -> None:
    found = profit_curve(RANKING, MONEY)
    mark = figures()["profit"].data[-1]
    assert (mark.x[0], mark.y[0]) == (found.best_share, found.best.total)


def test_the_outcomes_are_written_into_their_places() -> None:
    found = outcomes_at(RANKING, 0.5)
    written = {(note.x, note.y): note.text for note in figures()["outcomes"].layout.annotations}
    assert f"<b>{found.true_negative}</b>" in written[0, 0]
    assert f"<b>{found.false_positive}</b>" in written[1, 0]
    assert f"<b>{found.false_negative}</b>" in written[0, 1]
    assert f"<b>{found.true_positive}</b>" in written[1, 1]


def test_decision_and_confusion_matrix_have_one_orientation() -> None:
    names, labels = (np.where(found, "yes", "no").tolist() for found in (TRUTH, P >= 0.5))
    matrix = charts_models.confusion_matrix(Item(confusion(names, labels, ["no", "yes"]), origin=ORIGIN))
    decided = charts_models.outcome_matrix(outcomes_at(RANKING, 0.5), "yes", "no", origin=ORIGIN)
    for axis in ("xaxis", "yaxis"):
        one, two = matrix.layout[axis], decided.layout[axis]
        assert one.title.text == two.title.text == {"xaxis": "predicted", "yaxis": "actual"}[axis]
        assert (list(one.ticktext), one.autorange) == (list(two.ticktext), two.autorange)
    one, two = ({(note.x, note.y): note.text for note in figure.layout.annotations} for figure in (matrix, decided))
    for place, text in one.items():
        assert two[place].startswith(f"<b>{text.split('<br>')[0]}</b>")


def test_segments_lie_at_their_value_the_worst_on_top_and_clear_ones_apart() -> None:
    found = _weakness()
    figure = figures()["weak"]
    places = {row: x for trace in figure.data for x, row in zip(trace.x, trace.y, strict=True)}
    assert [places[row] for row in range(len(found.segments))] == [one.value for one in found.segments]
    assert len(figure.data[0].x) == sum(one.is_clear for one in found.segments) == 1


def test_a_rate_that_cannot_be_had_leaves_its_row_empty() -> None:
    fairness = _fairness()
    rates = [fairness.groups[0].selection, None]
    if fairness.reference != fairness.groups[0].name:
        fairness = replace(fairness, reference=fairness.groups[0].name)
    figure = charts_models.group_rates(fairness, rates, title="Selected", origin=ORIGIN)
    assert tuple(figure.data[0].y) == (0,)
    assert len(figure.layout.yaxis.ticktext) == 2


def test_calibration_shows_both_curves_when_there_are_two() -> None:
    one = performance.reliability(TRUTH, P)
    figure = charts_models.calibration_curve(one, "yes", origin=ORIGIN, calibrated=one)
    assert len(figure.data) == 2
    assert tuple(figure.data[1].x) == tuple(part.predicted for part in one.bins)
    assert f"ECE {one.ece:.4f}" in figure.data[0].name
