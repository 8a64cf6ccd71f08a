"""How long a generated workbook of 100,000 rows x 12 columns takes: ours against pandas with openpyxl, in one run.

    python bench/xlsx_read.py [ROWS]

Prints one JSON object; `ratio` is ours over theirs (the goal is <= 0.25).
"""

import json
import random
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import openpyxl
import pandas as pd

from core.data.reading.reader import read_file
from core.settings import Settings

N_COLUMNS = 12


def make_workbook(path: Path, n_rows: int) -> None:
    """Write four columns each of decimals, whole numbers and text, the last one dates."""
    rng = random.Random(1)
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("data")
    sheet.append([f"column {number}" for number in range(N_COLUMNS)])
    for _ in range(n_rows):
        numbers = [value for _ in range(4) for value in (round(rng.gauss(0, 1), 4), rng.randrange(100_000))]
        texts = [rng.choice(["red", "green", "a longer text"]) for _ in range(3)]
        sheet.append([*numbers, *texts, date(2024, 1, 1) + timedelta(days=rng.randrange(1000))])
    book.save(path)


def seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def main(n_rows: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path, out = Path(folder) / "data.xlsx", Path(folder) / "data.parquet"
        make_workbook(path, n_rows)
        settings = Settings(home=Path(folder), min_free_bytes=1)
        ours = seconds(lambda: read_file(path, path.name, out, settings))
        theirs = seconds(lambda: pd.read_excel(path, engine="openpyxl"))
    result = {"rows": n_rows, "columns": N_COLUMNS, "ours_s": round(ours, 2), "pandas_openpyxl_s": round(theirs, 2)}
    print(json.dumps(result | {"ratio": round(ours / theirs, 3), "goal": 0.25}))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
