"""Figures of data: what they are given is what they draw, and text from data is shown literally."""

from typing import Any

import numpy as np
import plotly.graph_objects as go
import pyarrow as pa
import pytest

from core.charts.data import columns as charts
from core.charts.data import relation as charts_relation
from core.charts.look import ACCENT, MUTED, SERIES
from core.data.profiling.profile import ColumnProfile, profile_table, rank_relations, relation_to_target
from core.data.relations.relations import Relation, RelationBin
from core.data.tables.batches import load_from
from core.data.tables.schema import apply_schema, infer_schema
from core.domain.columns import Column, Schema

NASTY = '<img src=x onerror=alert(1)>&<a href="javascript:1">%{x}</a>'


def typed(**columns: list[str]) -> tuple[pa.Table, Any]:
    table = pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()})
    schema = infer_schema(table)
    return apply_schema(table, schema), schema


def column(name: str = "x", **columns: list[str]) -> ColumnProfile:
    return profile_table(*typed(**columns))[name]


def texts(value: Any) -> list[str]:
    """Return every string in a figure's data and layout, the template left out."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for key, inner in value.items() if key != "template" for text in texts(inner)]
    if isinstance(value, (list, tuple, np.ndarray)):
        return [text for inner in value for text in texts(inner)]
    return []


def notes(figure: go.Figure) -> list[str]:
    return [one.text for one in figure.layout.annotations]


def test_histogram_of_whole_numbers() -> None:
    figure = charts.histogram(column(x=["1", "2", "2", "4"]))
    (bars,) = figure.data
    assert list(bars.x) == [1, 2, 3, 4]
    assert list(bars.y) == [1, 2, 0, 1]
    assert list(bars.customdata) == ["1", "2", "3", "4"]
    assert figure.layout.xaxis.title.text == "x"
    assert figure.layout.yaxis.title.text == "rows"
    assert bars.marker.color == ACCENT


def test_a_text_is_drawn_by_how_long_its_values_are() -> None:
    values = [f"{'word ' * n}{n}" for n in (1, 1, 2, 4)]
    table, _ = typed(note=values)
    profile = profile_table(table, Schema((Column("note", "text"),)))["note"]
    figure = charts.lengths(profile)
    (bars,) = figure.data
    drawn = {int(x): y for x, y in zip(bars.x, bars.y, strict=True) if y}
    assert drawn == {len(values[0]): 2, len(values[2]): 1, len(values[3]): 1}
    assert figure.layout.xaxis.title.text == "characters of note"


def test_histogram_of_dates_and_of_far_values() -> None:
    dates = charts.histogram(column(x=[f"2024-01-{day:02}" for day in range(1, 29)]))
    assert dates.layout.xaxis.type == "date"
    assert np.datetime64("2024-01-01") < dates.data[0].x[0] < np.datetime64("2024-01-04")
    assert dates.data[0].customdata[0].startswith("2024-01-01 to 2024-01-0")
    far = charts.histogram(column(x=[str(n / 7) for n in range(1000)] + ["1000000.5"]))
    assert notes(far) == ["Rows not shown: 1 above"]
    assert sum(far.data[0].y) == 1000


def test_histogram_without_values_says_so() -> None:
    empty = pa.table({"x": pa.array([None], pa.float64())})
    figure = charts.histogram(profile_table(empty, infer_schema(empty))["x"])
    assert (len(figure.data), notes(figure)) == (0, ["There are no values."])


def test_levels_show_the_rest_and_the_missing_apart() -> None:
    values = [f"l{n:02}" for n in range(22) for _ in range(30 - n)] + ["", ""]
    figure = charts.levels(column(c=values, name="c"))
    (bars,) = figure.data
    assert list(figure.layout.yaxis.ticktext[-2:]) == ["other (2 levels)", "missing"]
    assert list(bars.x[:2]) == [30, 29]
    assert list(bars.x[-2:]) == [10 + 9, 2]
    assert set(bars.marker.color[:20]) == {ACCENT}
    assert set(bars.marker.color[20:]) == {MUTED}
    assert figure.layout.yaxis.range == (21.5, -0.5)
    assert bars.customdata[0].startswith("l00<br>30 rows (")


def test_levels_that_are_cut_alike_stay_apart() -> None:
    long = "a level with a very long name, number "
    (bars,) = charts.levels(column(c=[f"{long}{n}" for n in (1, 2, 2)], name="c")).data
    assert list(bars.y) == [0, 1]
    assert f"{long}2" in bars.customdata[0]


def test_relation_by_level_runs_downwards() -> None:
    relation = relation_to_target(*typed(c=["a", "a", "b", ""], y=["yes", "no", "no", "yes"]), "c", "y")
    figure = charts_relation.relation(relation)
    marks, rows = figure.data
    assert list(marks.x) == [0.5, 0.0, 1.0]
    assert list(marks.y) == list(rows.y) == [0, 1, 2]
    assert list(rows.x) == [2, 1, 1]
    assert list(figure.layout.yaxis.ticktext) == ["a", "b", "missing"]
    assert figure.layout.xaxis.title.text == "share of y = yes, 95% interval"
    assert figure.layout.xaxis.tickformat == ".0%"
    assert marks.error_x.array[0] == pytest.approx(relation.bins[0].ci_high[0] - 0.5)
    assert marks.error_x.arrayminus[0] == pytest.approx(0.5 - relation.bins[0].ci_low[0])
    assert figure.layout.shapes[0].x0 == 0.5
    assert marks.customdata[0].startswith("a<br>yes: 50.0% (95% interval ")


def test_relation_of_numbers_runs_to_the_right_and_the_line_ends_before_missing() -> None:
    known = typed(x=["1", "2", "2", "3", ""], y=["1.5", "2.5", "3.5", "4", "9.5"])
    relation = relation_to_target(*known, "x", "y")
    line, marks, rows = charts_relation.relation(relation).data
    assert list(line.y) == [1.5, 3.0, 4.0]
    assert list(marks.y) == [1.5, 3.0, 4.0, 9.5]
    assert list(rows.y) == [1, 2, 1, 1]
    assert marks.error_y.array[0] is None
    assert charts_relation.relation(relation).layout.yaxis.title.text == "mean of y, 95% interval"


def test_between_two_values_there_is_no_line() -> None:
    relation = relation_to_target(*typed(x=["0", "1", "1", ""], y=["1.5", "2.5", "3.5", "9.5"]), "x", "y")
    marks, rows = charts_relation.relation(relation).data
    assert (marks.mode, list(marks.x)) == ("markers", [1.5, 3.0, 9.5])
    assert list(rows.x) == [1, 2, 1]


def test_relation_to_several_classes_has_a_legend() -> None:
    relation = relation_to_target(*typed(c=["a", "b"] * 6, y=["p", "q", "r"] * 4), "c", "y")
    figure = charts_relation.relation(relation)
    assert [trace.name for trace in figure.data if trace.showlegend] == ["p", "q", "r"]
    assert [trace.marker.color for trace in figure.data[:3]] == list(SERIES[:3])
    assert figure.layout.xaxis.title.text == "share of y, 95% interval"


def test_relation_without_rows_is_an_empty_figure() -> None:
    figure = charts_relation.relation(Relation("x", "y", "mean", ("y",), (), ()))
    assert all(len(trace.x) == 0 for trace in figure.data)


def test_ranking() -> None:
    figure = charts.ranking([(f"c{n}", 1 - n / 30) for n in range(30)])
    (bars,) = figure.data
    assert list(figure.layout.yaxis.ticktext) == [f"c{n}" for n in range(20)]
    assert bars.x[0] == 1
    assert notes(figure) == ["20 of 30 columns"]
    assert charts.ranking([]).data[0].x == ()


def test_text_from_data_is_shown_literally_everywhere() -> None:
    table, schema = typed(**{
        NASTY: [NASTY, "b", NASTY, "", "b", "b"],
        "y": [NASTY, "n", "n", NASTY, "n", "n"],
        "n" + NASTY: ["1", "2", "2", "4.5", "5", ""],
    })  # fmt: skip
    profile = profile_table(table, schema)
    one = RelationBin(label=NASTY, kind="value", rows=1, values=(1.0, 0.0), ci_low=(0.5, 0.0), ci_high=(1.0, 0.5))
    figures = [
        charts.levels(profile[NASTY]),
        charts.histogram(profile["n" + NASTY]),
        charts_relation.relation(relation_to_target(table, schema, NASTY, "y")),
        charts_relation.relation(relation_to_target(table, schema, "n" + NASTY, "y")),
        charts_relation.relation(Relation(NASTY, NASTY, "rate", (NASTY, NASTY + "2"), (0.5, 0.5), (one,))),
        charts_relation.relation(Relation(NASTY, NASTY, "mean", (NASTY,), (0.5,), (one,))),
        charts.ranking(rank_relations(load_from(table), schema, "y", len(table))),
    ]
    for figure in figures:
        found = texts(figure.to_dict())
        assert any("&lt;img" in text for text in found)
        assert not any("<img" in text or "<a " in text for text in found)
        # Plotly fills in %{…} in templates only, so no name may stand in one.
        assert not any("img" in (trace.hovertemplate or "") for trace in figure.data)
