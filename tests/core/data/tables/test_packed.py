"""Packed tables: whatever goes in comes out, in less memory and whatever its type."""

from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.data.tables.packed import PackedTable, pack, read_packed, unpack, write_packed

N = 30_000
TABLE = pa.table(
    {
        "a.b": ["ü", "", None] * (N // 3),
        "a": ["x", "y"] * (N // 2),
        "id": [str(number) for number in range(N)],
        "whole": [7, None, -7] * (N // 3),
        "number": [1.5, float("nan"), None] * (N // 3),
        "flag": [True, False] * (N // 2),
        "at": [date(2024, 1, 1), None] * (N // 2),
        "list": [[1], None] * (N // 2),
        "word": pa.array(["p", "q"] * (N // 2)).dictionary_encode(),
    }
)
PLAIN = TABLE.set_column(8, "word", TABLE["word"].cast(pa.string()))


def test_a_packed_table_gives_back_what_it_was_made_of():
    packed = PackedTable.of(TABLE)
    assert packed.num_rows == N
    assert packed.column_names == TABLE.column_names
    assert packed.schema == PLAIN.schema
    assert same(packed.table(), PLAIN)
    assert same(packed.select(["id", "a"]).table(), PLAIN.select(["id", "a"]))
    assert same(packed.slice(11, 222).table(), PLAIN.slice(11, 222))
    assert same(packed.take(pa.array([5, 2])), PLAIN.take(pa.array([5, 2])))
    assert same(pa.concat_tables([part.table() for part in packed.iter_slices(7_001)]), PLAIN)
    renamed = packed.rename_columns([name.upper() for name in TABLE.column_names])
    assert renamed["ID"].equals(PLAIN["id"])
    assert PackedTable.of(packed) is packed


def test_repeating_values_take_a_byte_a_row():
    values = pa.chunked_array([["male", "female"] * 50_000])
    assert values.nbytes > 8 * len(values)
    assert pack(values).nbytes < 1.1 * len(values)
    ids = pa.chunked_array([[str(number) for number in range(50_000)]])
    assert pack(ids) is ids


@pytest.mark.parametrize("n_values", [127, 128, 32_767, 32_768])
def test_codes_are_as_wide_as_needed(n_values):
    first = np.zeros(20_000, dtype=np.int64)  # so that the column counts as repeating
    values = pa.chunked_array([first, np.arange(n_values)])
    packed = pack(values)
    assert unpack(packed).to_pylist() == values.to_pylist()
    assert packed.type.index_type == {127: pa.int8(), 32_767: pa.int16()}.get(
        n_values, pa.int16() if n_values == 128 else pa.int32()
    )


@given(st.lists(st.lists(st.none() | st.text(max_size=3), max_size=8), max_size=5))
@settings(deadline=None)
def test_any_texts_in_any_chunks(chunks):
    values = pa.chunked_array([pa.array(chunk, pa.string()) for chunk in chunks], pa.string())
    assert unpack(pack(values)).to_pylist() == values.to_pylist()


@pytest.mark.slow
def test_a_file_is_read_and_written_in_parts(tmp_path):
    written, again = tmp_path / "a.parquet", tmp_path / "b.parquet"
    pq.write_table(TABLE, written, row_group_size=1_000)
    packed = read_packed(written)
    assert same(packed.table(), PLAIN)
    write_packed(packed, again, rows_a_group=4_000)
    assert same(pq.read_table(again), PLAIN)
    assert pq.ParquetFile(again).num_row_groups == 8


def test_only_what_repeats_is_written_as_a_dictionary(tmp_path):
    numbers = [place / 7 for place in range(9_000)]
    table = pa.table({"a.b": ["x", "y", "z"] * 3_000, "Größe 😀": [1, 2, 3] * 3_000, "score": numbers})
    write_packed(PackedTable.of(table), tmp_path / "a.parquet", rows_a_group=5_000)
    assert pq.read_table(tmp_path / "a.parquet").equals(table)
    group = pq.ParquetFile(tmp_path / "a.parquet").metadata.row_group(1)
    coded = [group.column(place).has_dictionary_page for place in range(3)]
    assert coded == [True, True, False]


def test_a_file_without_rows(tmp_path):
    pq.write_table(PLAIN.slice(0, 0), tmp_path / "a.parquet")
    packed = read_packed(tmp_path / "a.parquet")
    assert (packed.num_rows, packed.schema) == (0, PLAIN.schema)
    write_packed(packed, tmp_path / "b.parquet", rows_a_group=10)
    assert pq.read_table(tmp_path / "b.parquet").schema == PLAIN.schema


def same(left: pa.Table, right: pa.Table) -> bool:
    """Whether two tables hold the same; NaN equals NaN."""
    return left.schema == right.schema and str(left.to_pydict()) == str(right.to_pydict())


def test_words_may_be_replaced():
    packed = PackedTable.of(pa.table({"city": ["Ulm", None, "Bonn"] * 40_000}))
    assert packed.words("city").to_pylist() == ["Ulm", "Bonn"]
    short = packed.recoded("city", pa.chunked_array([["U", None]]))
    assert unpack(short).to_pylist()[:3] == ["U", None, None]
    assert PackedTable.of(pa.table({"id": ["1", "2"]})).words("id") is None
