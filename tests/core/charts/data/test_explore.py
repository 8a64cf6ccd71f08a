"""Figures of the Explore page: what they are given is what they draw, and text from data is shown literally."""

from dataclasses import replace
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pyarrow as pa
import pytest

from core.charts.data import explore as charts_explore
from core.charts.data import pairs as charts_pairs
from core.charts.data import relation as charts_relation
from core.charts.look import apply
from core.data.drift.compare import compare_column, reference_column
from core.data.profiling.gaps import Gaps, find_gaps
from core.data.profiling.profile import profile_table
from core.data.profiling.slices import count_inside
from core.data.relations.associations import find_associations
from core.data.relations.pairs import Crosstab, look_at_pair
from core.data.relations.relations import relation_to_target
from core.data.relations.timelines import make_timeline
from core.data.tables.batches import load_from
from core.data.tables.schema import apply_schema, infer_schema
from core.domain.columns import Schema
from tests.colours import contrast, read

NASTY = '<img src=x onerror=alert(1)>&<a href="javascript:1">%{x}</a>'
ROWS = {
    "c" + NASTY: [NASTY, "b", NASTY, "", "b", "b"],
    "g" + NASTY: ["p", "p", NASTY, "q", "q", NASTY],
    "n" + NASTY: [str(v) for v in (1, 2.5, 2, 4.5, 5)] + [""],
    "d" + NASTY: ["2024-01-01", "2024-01-02", "2024-01-02", "2024-02-01", "2024-03-01", ""],
    "y" + NASTY: [NASTY, "n", "n", NASTY, "n", "n"],
}
C, G, N, D, Y = ROWS


@pytest.fixture(scope="module")
def data() -> tuple[pa.Table, Schema]:
    wide = {name: values * 4 for name, values in ROWS.items()}
    wide[N] = [f"{k}.5" for k in range(23)] + [""]
    source = pa.table({name: pa.array(values, pa.string()) for name, values in wide.items()})
    schema = infer_schema(source)
    return apply_schema(source, schema), schema


def texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for key, inner in value.items() if key != "template" for text in texts(inner)]
    if isinstance(value, (list, tuple, np.ndarray)):
        return [text for inner in value for text in texts(inner)]
    return []


def every_figure(table: pa.Table, schema: Schema) -> list[go.Figure]:
    load, n_rows = load_from(table), len(table)
    profile = profile_table(table, schema)
    keep = np.arange(n_rows) % 2 == 0
    part = table.filter(pa.array(keep))
    line = make_timeline(table, D, schema[Y], keep=keep)
    gaps = find_gaps(load, C, schema.names, n_rows)
    assert line is not None
    pairs = [look_at_pair(load, schema, n_rows, *pair) for pair in ((C, G), (C, N), (N, D), (D, Y))]
    drifts = [compare_column(reference_column(table[name], schema[name]), part[name]) for name in (C, N, D)]
    relation = relation_to_target(table, schema, C, Y)
    return [
        *(
            charts_explore.shares(profile[name], count_inside(profile[name], part[name]), 12, name=NASTY)
            for name in (C, N)
        ),
        charts_explore.timeline(line, D),
        charts_explore.timeline_target(line),
        charts_explore.gaps_together(gaps),
        charts_explore.words([(NASTY, 3)], 6),
        *(charts_explore.drift_bins(drift, was=NASTY, now="now") for drift in drifts),
        charts_pairs.associations(find_associations(load, schema, n_rows)),
        *map(charts_pairs.pair, pairs),
        charts_relation.relation(relation_to_target(table, schema, C, Y, keep=keep), whole=relation),
    ]


def test_text_from_data_is_shown_literally_everywhere(data: tuple[pa.Table, Schema]) -> None:
    for figure in every_figure(*data):
        found = texts(figure.to_dict())
        assert any("&lt;img" in text for text in found)
        assert not any("<img" in text or "<a " in text for text in found)
        # Plotly fills in %{…} in templates only, so no name may stand in one.
        assert not any("img" in (trace.hovertemplate or "") for trace in figure.data)


def test_the_gaps_of_a_column_stand_along_its_rows() -> None:
    figure = charts_explore.gaps_along(Gaps("x", 200, (0.0, 0.5, 1.0, 0.25), ()))
    (bars,) = figure.data
    assert list(bars.x) == [25, 75, 125, 175]
    assert list(bars.width) == [50] * 4
    assert list(bars.y) == [0.0, 0.5, 1.0, 0.25]
    assert bars.customdata[1] == "rows 51 to 100<br>50.0% missing"
    assert figure.layout.xaxis.range == (0, 200)


def test_shares_of_a_slice_and_of_all_rows(data: tuple[pa.Table, Schema]) -> None:
    table, schema = data
    column = profile_table(table, schema)[C]
    whole, inside = charts_explore.shares(column, (3, 1), 8).data
    assert list(whole.x) == [12 / 24, 8 / 24]
    assert list(inside.x) == [3 / 8, 1 / 8]
    assert inside.customdata[1].endswith("slice: 1 rows (12.5%)")


def test_a_time_line_draws_its_periods(data: tuple[pa.Table, Schema]) -> None:
    table, schema = data
    line = make_timeline(table, D, schema[Y])
    assert line is not None
    (bars,) = charts_explore.timeline(line, D).data
    assert [str(moment)[:10] for moment in bars.x] == ["2024-01-01", "2024-01-29", "2024-02-26"]  # weeks
    assert list(bars.y) == [12, 4, 4]
    low, high, means = charts_explore.timeline_target(line).data
    assert list(means.y) == pytest.approx([1 / 3, 1, 0])
    assert all(a <= b <= c for a, b, c in zip(low.y, means.y, high.y, strict=True))


def test_the_square_can_be_clicked_everywhere_but_on_its_diagonal(data: tuple[pa.Table, Schema]) -> None:
    table, schema = data
    found = find_associations(load_from(table), schema, len(table))
    square, words, points = charts_pairs.associations(found).data
    strength = [[None if i == j else abs(value) for j, value in enumerate(row)] for i, row in enumerate(found.values)]
    assert [list(row) for row in square.z] == strength
    cells = zip(words.y, words.x, words.text, strict=True)
    written = {(int(row), int(place)): text for row, place, text in cells}
    assert written == {  # none falls as one rises; what is next to none is not written
        (i, j): f"{value:.2f}".removeprefix("0")
        for i, row in enumerate(found.values)
        for j, value in enumerate(row)
        if i != j and value is not None and value > 0.05
    }
    assert len(points.x) == 5 * 4
    row, place, text = points.customdata[0]
    assert (row, place, points.y[0], points.x[0]) == (0, 1, 0, 1)
    assert text.endswith(f"Cramér's V: {found.values[0][1]:.2f}")


@pytest.mark.parametrize(("n_columns", "sign"), [(12, "−.60"), (13, "−")])
def test_what_falls_as_another_rises_is_as_strong_and_marked(
    data: tuple[pa.Table, Schema], n_columns: int, sign: str
) -> None:
    table, schema = data
    found = find_associations(load_from(table), schema, len(table))
    values = [[0.01 if row != place else 1.0 for place in range(n_columns)] for row in range(n_columns)]
    values[0][1] = values[1][0] = -0.6
    names = tuple(f"column {at}" for at in range(n_columns))
    square, words, _ = charts_pairs.associations(
        replace(found, columns=names, kinds=(found.kinds[0],) * n_columns, values=values)
    ).data
    assert square.z[0][1] == 0.6
    assert {(row, place) for row, place, text in zip(words.y, words.x, words.text, strict=True) if text == sign} == {
        (0, 1),
        (1, 0),
    }


def test_a_crosstab_draws_shares_of_each_row(data: tuple[pa.Table, Schema]) -> None:
    table, schema = data
    square, shares = charts_pairs.pair(look_at_pair(load_from(table), schema, len(table), C, G)).data
    assert np.asarray(square.z).sum(axis=1) == pytest.approx([1, 1, 1])
    assert list(shares.text) == [f"{share:.0%}" for share in np.asarray(square.z).ravel()]
    assert [(x, y) for x, y in zip(shares.x, shares.y, strict=True)][:2] == [(0, 0), (1, 0)]


@pytest.mark.parametrize("dark", [False, True])
def test_the_shares_of_a_crosstab_can_be_read_on_every_shade(data: tuple[pa.Table, Schema], *, dark: bool) -> None:
    table, schema = data
    pair = look_at_pair(load_from(table), schema, len(table), C, G)
    assert isinstance(pair, Crosstab)
    shades = 40  # shares from 0 to 1: every shade of the scale
    wide = replace(
        pair,
        first_labels=tuple(f"row {n}" for n in range(shades)),
        second_labels=("a", "b"),
        counts=tuple((n, shades - 1 - n) for n in range(shades)),
    )
    square, shares = apply(charts_pairs.pair(wide), dark=dark).data
    places = [place for place, _ in square.colorscale]
    channels = list(zip(*(read(colour) for _, colour in square.colorscale), strict=True))
    for share, ink in zip(np.asarray(square.z).ravel(), shares.textfont.color, strict=True):
        red, green, blue = (float(np.interp(share, places, channel)) for channel in channels)
        assert contrast((red, green, blue), read(ink)) > 3.7


def test_drift_draws_both_sides(data: tuple[pa.Table, Schema]) -> None:
    table, schema = data
    drift = compare_column(reference_column(table[C], schema[C]), table[C].slice(0, 3))
    was, now = charts_explore.drift_bins(drift, was="before", now="now").data
    assert (list(was.x), list(now.x)) == ([12 / 24, 8 / 24, 4 / 24], [1 / 3, 2 / 3, 0])


def test_nothing_to_draw_says_so(data: tuple[pa.Table, Schema]) -> None:
    assert [note.text for note in charts_explore.words([], 0).layout.annotations] == ["There are no words."]
    line = make_timeline(data[0], D)
    assert line is not None
    assert charts_explore.timeline_target(line).layout.annotations[0].text.startswith("No row has")
