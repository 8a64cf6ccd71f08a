"""Pairs, time lines, gaps and words: each against pandas."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from core.data.profiling.gaps import Gaps, find_gaps
from core.data.profiling.words import count_words
from core.data.relations.pairs import BOX_QUANTILES, Boxes, Crosstab, PairPoints, look_at_pair
from core.data.relations.relations import relation_to_target
from core.data.relations.timelines import make_timeline, period_text
from core.data.tables.batches import load_from
from core.data.tables.schema import apply_schema, infer_schema
from core.domain.columns import Schema
from core.errors import DataError
from core.plain import from_json, to_json


def typed(**columns: list[str]) -> tuple[pa.Table, Schema]:
    source = pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()})
    schema = infer_schema(source)
    return apply_schema(source, schema), schema


@pytest.fixture
def adult(test_data: Path) -> tuple[pa.Table, Schema, pd.DataFrame]:
    frame = pd.read_csv(test_data / "adult.csv.gz")
    source = pa.Table.from_pandas(frame, preserve_index=False)
    schema = infer_schema(source)
    return apply_schema(source, schema), schema, frame


def test_boxes_are_the_quantiles_of_pandas(adult: tuple[pa.Table, Schema, pd.DataFrame]) -> None:
    table, schema, frame = adult
    for names in (("age", "sex"), ("sex", "age")):
        boxes = look_at_pair(load_from(table), schema, len(table), *names)
        assert isinstance(boxes, Boxes)
        theirs = frame.groupby("sex").age.quantile(list(BOX_QUANTILES)).unstack()
        for label, count, quantiles in zip(boxes.labels, boxes.counts, boxes.quantiles, strict=True):
            assert count == (frame.sex == label).sum()
            assert quantiles == pytest.approx(theirs.loc[label].tolist())


def test_counts_are_the_crosstab_of_pandas(adult: tuple[pa.Table, Schema, pd.DataFrame]) -> None:
    table, schema, frame = adult
    found = look_at_pair(load_from(table), schema, len(table), "sex", "class")
    assert isinstance(found, Crosstab)
    theirs = pd.crosstab(frame["sex"], frame["class"])
    for label, row in zip(found.first_labels, found.counts, strict=True):
        assert dict(zip(found.second_labels, row, strict=True)) == theirs.loc[label].to_dict()


def test_points_are_rows_and_few(adult: tuple[pa.Table, Schema, pd.DataFrame]) -> None:
    table, schema, frame = adult
    found = look_at_pair(load_from(table), schema, len(table), "age", "hours-per-week")
    assert isinstance(found, PairPoints)
    assert 1000 < len(found.x) <= 2000
    known = set(zip(frame["age"], frame["hours-per-week"], strict=True))
    assert set(zip(found.x, found.y, strict=True)) <= known


@pytest.mark.parametrize(
    ("pair", "code"), [(("a", "a"), "relation.same_column"), (("id", "a"), "relation.unsupported")]
)
def test_pairs_that_cannot_be(pair: tuple[str, str], code: str) -> None:
    table, schema = typed(a=["1", "2"], id=["x", "y"])
    with pytest.raises(DataError) as caught:
        look_at_pair(load_from(table), schema, 2, *pair)
    assert caught.value.code == code


# --- time lines ------------------------------------------------------------------------------------------------------


def test_months_are_counted_as_in_pandas() -> None:
    rng = np.random.default_rng(0)
    days = pd.Timestamp("2021-01-15") + pd.to_timedelta(rng.integers(0, 1200, 3000), "D")
    y = np.where(rng.random(3000) < 0.3, "yes", "no")
    table, schema = typed(d=[*days.strftime("%Y-%m-%d"), ""], y=[*y, "yes"])
    keep = np.arange(3001) % 2 == 0
    line = make_timeline(table, "d", schema["y"], keep=keep)
    assert line is not None
    months = pd.Series(days).dt.to_period("M")
    counts = months.value_counts().sort_index()
    assert line.period == "month"
    assert line.rows == tuple(counts)
    assert [period_text(start, line.period) for start in line.starts] == [str(month) for month in counts.index]
    assert line.inside == tuple(months[keep[:-1]].value_counts().reindex(counts.index, fill_value=0))
    assert line.relation is not None
    shares = pd.Series(y[keep[:-1]] == "yes").groupby(months[keep[:-1]].to_numpy()).mean()
    assert [one.values[0] for one in line.relation.bins] == pytest.approx(shares.tolist())


@pytest.mark.parametrize(
    ("texts", "period", "labels"),
    [
        (["2024-01-01 10:05", "2024-01-01 10:20"], "minute", ["2024-01-01 10:05", "2024-01-01 10:20"]),
        (["2024-01-01 10:05", "2024-01-02 10:20"], "hour", ["2024-01-01 10:00", "2024-01-02 10:00"]),
        (["2024-01-03", "2024-06-30"], "week", ["week of 2024-01-01", "week of 2024-06-24"]),
        (["2010-01-01", "2022-05-01"], "quarter", ["2010 Q1", "2022 Q2"]),
        (["1900-01-01", "2022-05-01"], "year", ["1900", "2022"]),
    ],
)
def test_the_period_follows_the_span(texts: list[str], period: str, labels: list[str]) -> None:
    table, _ = typed(d=texts)
    line = make_timeline(table, "d")
    assert line is not None
    assert line.period == period
    assert [period_text(start, line.period) for start in line.starts] == labels
    assert (line.inside, line.relation) == (None, None)


def test_no_date_is_no_time_line() -> None:
    table = pa.table({"d": pa.array([None, None], pa.timestamp("ms"))})
    assert make_timeline(table, "d") is None


def test_a_slice_of_a_relation_keeps_the_bins_of_the_whole() -> None:
    table, schema = typed(c=["a", "a", "b", "b"], y=["yes", "no", "no", "no"])
    part = relation_to_target(table, schema, "c", "y", keep=np.array([True, False, True, False]))
    assert [(one.label, one.rows, one.values) for one in part.bins] == [("a", 1, (1.0,)), ("b", 1, (0.0,))]
    assert part.overall == (0.5,)
    assert part.series == relation_to_target(table, schema, "c", "y").series


# --- gaps and words --------------------------------------------------------------------------------------------------


def test_gaps_along_the_rows_and_together() -> None:
    a = ["" if k < 30 else "1" for k in range(100)]
    b = ["" if k < 40 else "2" for k in range(100)]
    c = ["" if k % 2 else "3" for k in range(100)]
    table, schema = typed(a=a, b=b, c=c)
    found = find_gaps(load_from(table), "a", schema.names, 100)
    assert found.segments == (1.0,) * 15 + (0.0,) * 35
    together = {one.column: one for one in found.together}
    assert (together["b"].both, together["b"].share, together["b"].elsewhere) == (30, 1.0, 10 / 70)
    assert (together["c"].both, together["c"].share, together["c"].elsewhere) == (15, 0.5, 0.5)
    assert [one.column for one in found.together] == ["b", "c"]
    assert from_json(Gaps, to_json(found)) == found
    assert len(find_gaps(load_from(table.slice(0, 3)), "a", (), 3).segments) == 3


def test_words_are_counted_once_a_row() -> None:
    table = pa.table({"t": pa.array(["Good good phone", "the good one", None, "Bad phone", ""], pa.string())})
    words, rows = count_words(load_from(table), "t", 5)
    assert words == (("good", 2), ("phone", 2), ("bad", 1))
    assert rows == 4
    assert count_words(load_from(pa.table({"t": ["", "a"]})), "t", 2) == ((), 2)
    long = pa.table({"t": pa.array(["x" * 1_000_000 + " word"], pa.string())})
    assert count_words(load_from(long), "t", 1)[0] == (("x" * 1000, 1),)
