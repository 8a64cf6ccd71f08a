"""What goes to the engine: values as CSV, and a full disk on the way."""

import csv
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.data.tables.schema import apply_schema
from core.domain.columns import Column, Schema
from core.features.engine_input import engine_csv, engine_rows

quick = settings(max_examples=40, deadline=None)


def text(**columns: list[str]) -> pa.Table:
    return pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()})


def test_engine_csv(tmp_path: Path) -> None:
    table = text(
        c=['say "x", y', "NA", "a\nb"], n=["0.30000000000000004", "", "-1e-300"], k=["1", "2", "9007199254740993"],
        d=["2024-01-01", "2024-01-01 12:00", ""], id=["1", "2", "3"], t=["x", "y", "z"],
    )  # fmt: skip
    types: dict[str, Column] = {
        "c": Column("c", "category"), "n": Column("n", "numeric"), "k": Column("k", "numeric", integer=True),
        "d": Column("d", "date"), "id": Column("id", "id"), "t": Column("t", "text"),
    }  # fmt: skip
    schema = Schema(tuple(types.values()))
    columns = engine_csv(apply_schema(table, schema), schema, tmp_path / "x.csv")
    assert columns == (("c", "Enum"), ("n", "Numeric"), ("k", "Numeric"), ("d", "Numeric"))
    assert (tmp_path / "x.csv").read_text() == (
        '"say ""x"", y",0.30000000000000004,1,19723\n,,2,19723.5\n"a b",-1e-300,9007199254740993,\n'
    )


def test_a_whole_number_that_is_no_double_becomes_the_nearest_one() -> None:
    schema = Schema((Column("k", "numeric", integer=True),))
    (batch,) = engine_rows(apply_schema(text(k=["9007199254740993", "-9007199254740995", "7"]), schema), schema)
    assert batch["k"].to_pylist() == [9007199254740992.0, -9007199254740996.0, 7.0]


def test_engine_csv_of_one_column_has_no_empty_line(tmp_path: Path) -> None:
    schema = Schema((Column("c", "category"),))
    columns = engine_csv(apply_schema(text(c=["a", "", "b"]), schema), schema, tmp_path / "x.csv")
    assert [kind for _, kind in columns] == ["Enum", "Numeric"]
    assert (tmp_path / "x.csv").read_text().splitlines() == ['"a",0', ",0", '"b",0']


def test_engine_csv_takes_numbers_as_classes(tmp_path: Path) -> None:
    schema = Schema((Column("y", "category"), Column("x", "numeric")))
    engine_csv(pa.table({"y": [0.0, 1.0], "x": [1.0, 2.0]}), schema, tmp_path / "x.csv")
    assert (tmp_path / "x.csv").read_text() == '"0",1\n"1",2\n'


@quick
@given(
    st.lists(st.tuples(st.text(max_size=6), st.floats(allow_nan=False, allow_infinity=False)), min_size=1, max_size=10)
)
def test_engine_csv_can_be_read_back(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, float]]) -> None:
    path = tmp_path_factory.getbasetemp() / "read_back.csv"
    schema = Schema((Column("c", "category"), Column("n", "numeric")))
    typed = apply_schema(text(c=[c for c, _ in rows], n=[repr(n) for _, n in rows]), schema)
    engine_csv(typed, schema, path)
    with path.open(encoding="utf-8", newline="") as file:
        back = [(c or None, float(n)) for c, n in csv.reader(file)]
    assert back == list(zip(*typed.to_pydict().values(), strict=True))
