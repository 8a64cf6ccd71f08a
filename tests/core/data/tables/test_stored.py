"""Tables on disk: looked at column by column, with the same findings as in memory."""

import weakref
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.data.tables.remarks import number_doubts, number_remarks, zone_doubts
from core.data.tables.schema import ambiguous_dates, infer_noted, zoned_dates
from core.data.tables.stored import Columns, StoredTable

N_ROWS = 12_000
ODD = {
    "customer_id": [str(number) for number in range(N_ROWS)],
    "income": [f"{number / 7:.2f}" for number in range(N_ROWS)],
    "amount": [f"{number % 997},{number % 89:02d} €" for number in range(N_ROWS)],
    "points": [f"1.{number % 1000:03d}" for number in range(N_ROWS)],
    "score": ["-" if number % 11 == 0 else str(number % 13) for number in range(N_ROWS)],
    "ratio": ["inf" if number == 5 else f"{number}.5" for number in range(N_ROWS)],
    "day": [f"{number % 12 + 1:02d}/{number % 11 + 1:02d}/2024" for number in range(N_ROWS)],
    "city": [("Ulm", "Bonn", "Oslo")[number % 3] for number in range(N_ROWS)],
    "price": [f"{chr(36) if number % 2 else chr(8364)}{number}" for number in range(N_ROWS)],
    "remark": [f"seen {number} times, and more besides" for number in range(N_ROWS)],
}


class Counted(StoredTable):
    """Keeps nothing, and knows how many of the columns that it gave out are still in use."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, kept_bytes=0)
        self._given: list[weakref.ref[pa.ChunkedArray]] = []
        self.most = 0

    def __getitem__(self, name: str) -> pa.ChunkedArray:
        values = super().__getitem__(name)
        self._given = [*(known for known in self._given if known() is not None), weakref.ref(values)]
        self.most = max(self.most, len(self._given))
        return values


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "odd.parquet"
    pq.write_table(pa.table(ODD), path, row_group_size=5_000)
    return path


def findings(table: Columns) -> tuple[object, ...]:
    found = infer_noted(table)
    return (
        found,
        number_doubts(table, found, said=None, is_workbook=False),
        number_remarks(table, found),
        zone_doubts(table, found),
        ambiguous_dates(table, found.schema),
        zoned_dates(table, found.schema),
    )


@pytest.mark.slow
def test_a_table_on_disk_is_read_as_one_in_memory(path: Path) -> None:
    stored = findings(StoredTable(path, kept_bytes=0))
    assert stored == findings(pa.table(ODD))
    assert stored == findings(StoredTable(path))
    assert stored[1]  # there are doubts and remarks to agree on
    assert stored[2]


def test_columns_are_never_in_memory_together(path: Path) -> None:
    table = Counted(path)
    findings(table)
    assert table.most <= 2


def test_what_is_kept_has_a_bound(path: Path) -> None:
    one = StoredTable(path)["income"].nbytes
    table = StoredTable(path, kept_bytes=one)
    first = table["income"]
    assert table["income"] is first
    assert table["city"].nbytes + one > one
    assert table["income"] is not first
    assert (table.num_rows, table.num_columns, table.column_names) == (N_ROWS, len(ODD), list(ODD))
