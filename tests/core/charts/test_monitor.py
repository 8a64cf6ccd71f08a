"""Figures of models in use: what they are given is what they draw, and names of files are shown literally."""

from datetime import UTC, datetime, timedelta

import numpy as np
import plotly.graph_objects as go
import pytest

from core.charts import monitor as charts_monitor
from core.charts.look import ACCENT, SERIES, on_shares
from core.charts.monitor import Point
from core.ledger.scoring_records import FeatureDrift, ScoreShape, ScoringRecord, ScoringRequest, ScoringSummary

BAD = "<b>bad</b> %{x}"
QUANTILES = tuple(np.linspace(0.1, 0.9, 21).tolist())
EXPECTED = tuple(np.linspace(0.2, 0.8, 21).tolist())


def drift(name: str, psi: float) -> FeatureDrift:
    return FeatureDrift(name=name, type="numeric", rows_was=100, rows_now=50, psi=psi)


def record(number: int, *, n_rows: int = 50, drifts: tuple[FeatureDrift, ...] = (), name: str = BAD) -> ScoringRecord:
    score = ScoreShape(mean=0.5, quantiles=QUANTILES, expected_quantiles=EXPECTED, expected_origin="cv")
    return ScoringRecord(
        id=f"{number:032x}", experiment="e", model_id="m", model_version=2, algo="GBM",
        submitted_at=datetime(2026, 3, 1, 8, tzinfo=UTC) + timedelta(hours=number), origin="page", status="finished",
        file_name=name, sha256=str(number), n_bytes=1, request=ScoringRequest(), n_rows=n_rows,
        summary=ScoringSummary(task="binary", score=score, drift=drifts, drift_rows=n_rows),
    )  # fmt: skip


FIRST = record(1, n_rows=40, drifts=(drift("age", 0.02), drift(BAD, 0.5)))
SECOND = record(2, n_rows=60, drifts=(drift("age", 0.3),))


def named(figure: go.Figure, name: str) -> go.Scatter | go.Bar:
    return next(trace for trace in figure.data if trace.name == name)


def test_each_file_has_a_bar_of_its_rows_in_the_colour_of_an_alert_or_not() -> None:
    figure = charts_monitor.rows_over_time([FIRST, SECOND], frozenset({SECOND.id}))
    calm, alerted = named(figure, "no alert"), named(figure, "with an alert")
    assert (calm.x, calm.y, calm.marker.color) == ((1,), (40,), ACCENT)
    assert (alerted.x, alerted.y, alerted.marker.color) == ((2,), (60,), SERIES[1])


def test_scores_are_drawn_by_their_quantiles_with_the_median_of_training() -> None:
    figure = charts_monitor.score_bands([FIRST, SECOND], "probability of yes", is_share=True)
    wide, half, median = named(figure, "9 of 10 rows"), named(figure, "half of the rows"), named(figure, "median")
    assert np.add(wide.base, wide.y) == pytest.approx([QUANTILES[19]] * 2)
    assert list(wide.base) == pytest.approx([QUANTILES[1]] * 2)
    assert np.add(half.base, half.y) == pytest.approx([QUANTILES[15]] * 2)
    assert list(half.base) == pytest.approx([QUANTILES[5]] * 2)
    assert list(median.y) == pytest.approx([QUANTILES[10]] * 2)
    assert set(named(figure, "median in training").y) == {EXPECTED[10]}
    assert figure.layout.yaxis.tickformat == ".0%"


def test_a_scoring_without_scores_leaves_an_empty_figure() -> None:
    bare = record(1)
    bare = ScoringRecord(**{**vars(bare), "summary": None})
    assert not charts_monitor.score_bands([bare], "probability of yes", is_share=True).data


def test_the_feature_that_drifted_most_is_first_and_an_alert_stands_out() -> None:
    figure = charts_monitor.drift_map([FIRST, SECOND], 0.25, frozenset({(SECOND.id, "age")}))
    heat, written = figure.data
    assert charts_monitor.drifting_features([FIRST, SECOND]) == [BAD, "age"]
    assert np.asarray(heat.z, dtype=float) == pytest.approx(np.array([[0.25, np.nan], [0.02, 0.25]]), nan_ok=True)
    texts = dict(zip(zip(written.x, written.y, strict=True), written.text, strict=True))
    assert (texts[1, 1], texts[2, 1]) == ("0.02", "<b>0.30</b>")
    assert len(texts) == 3  # one feature was not compared in the first file
    assert list(written.textfont.color) == [
        on_shares(min(float(text.strip("<b/>")) / 0.25, 1.0)) for text in written.text
    ]
    many = [record(number, drifts=(drift("age", 0.3),)) for number in range(1, 9)]
    heat, dots = charts_monitor.drift_map(many, 0.25, frozenset({(many[4].id, "age")})).data
    assert (dots.x, dots.y) == ((5,), (0,))
    heat = figure.data[0]
    assert "PSI 0.300" in heat.customdata[1][1]  # the colour ends at the rule, the words do not


def test_a_number_over_time_has_its_interval_the_promise_and_the_rule() -> None:
    points = [Point(1, 0.8, low=0.7, high=0.85, promised=0.82), Point(2, 0.6, promised=0.82, is_alert=True)]
    figure = charts_monitor.over_time([FIRST, SECOND], points, "AUC", "against the holdout", limit=0.9)
    actual, promised = named(figure, "actual"), named(figure, "promised")
    assert (actual.x, actual.y) == ((1, 2), (0.8, 0.6))
    assert actual.error_y.array[0] == pytest.approx(0.05)
    assert actual.error_y.arrayminus[0] == pytest.approx(0.1)
    assert list(actual.marker.color) == [ACCENT, SERIES[1]]
    assert set(promised.y) == {0.82}
    assert [shape.y0 for shape in figure.layout.shapes] == [0.9]


def test_few_files_stand_above_their_names_and_many_above_times_of_which_some_are_shown() -> None:
    named_files = [record(1, name="october.csv"), record(2, name="a rather long name of a file.xlsx")]
    few = charts_monitor.rows_over_time(named_files, frozenset()).layout.xaxis
    assert (few.tickvals, few.ticktext) == ((1, 2), ("october.csv", "a rather long nam…"))
    more = charts_monitor.rows_over_time([record(n) for n in range(1, 8)], frozenset()).layout.xaxis
    assert more.ticktext[:2] == ("09:00", "10:00")
    many = charts_monitor.rows_over_time([record(n) for n in range(1, 40)], frozenset()).layout.xaxis
    assert len(many.ticktext) <= charts_monitor.MAX_TICKS
    assert many.tickvals[-1] == 39


def test_names_of_files_and_features_are_shown_literally() -> None:
    points = [Point(1, 0.8, words=BAD)]
    for figure in (
        charts_monitor.rows_over_time([FIRST], frozenset()),
        charts_monitor.score_bands([FIRST], BAD, is_share=False),
        charts_monitor.drift_map([FIRST], 0.25, frozenset()),
        charts_monitor.over_time([FIRST], points, BAD, BAD),
    ):
        assert "<b>bad" not in figure.to_json().replace("\\u003c", "<")
