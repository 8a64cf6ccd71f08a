"""How long a styled result workbook of 100,000 rows x 12 columns takes: ours against pandas with openpyxl, in one run.

    python -m bench.xlsx_write [ROWS]

Prints one JSON object; `ratio` is ours over theirs (the goal is <= 0.5).
"""

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa

from bench.common import report
from core.exports.tables import Look, write_table

GOAL = 0.5


def make_table(n_rows: int) -> pa.Table:
    """Return four columns each of decimals, whole numbers and text."""
    rng = np.random.default_rng(1)
    columns = {f"share_{n}": rng.random(n_rows) for n in range(4)}
    columns |= {f"count_{n}": rng.integers(0, 100_000, n_rows) for n in range(4)}
    columns |= {f"word_{n}": rng.choice(["red", "green", "a longer text"], n_rows) for n in range(4)}
    return pa.table({name: pa.array(values.tolist()) for name, values in columns.items()})


def seconds(work: Callable[[], object]) -> float:
    """Return how long something takes."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def main(n_rows: int) -> None:
    """Write both and report."""
    table = make_table(n_rows)
    look = Look(
        formats={"share_0": "0.0%"}, colours={"word_0": {"red": "#F7D9A8", "green": "#E8EEF7"}}, scales=("share_0",),
        sheets={"Model card": (("About", "Value"), ("Model", "GBM"))},
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as name:
        ours, theirs = Path(name) / "ours.xlsx", Path(name) / "theirs.xlsx"
        frame = table.to_pandas()
        ours_s = seconds(lambda: write_table(table, ours, summary={"Rows": str(n_rows)}, look=look))
        theirs_s = seconds(lambda: frame.to_excel(theirs, index=False, engine="openpyxl"))
    report(
        bench="xlsx_write", rows=n_rows, columns=table.num_columns, ours_s=ours_s, pandas_openpyxl_s=theirs_s,
        ratio=ours_s / theirs_s, goal=GOAL, ok=ours_s / theirs_s <= GOAL,
    )  # fmt: skip


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
