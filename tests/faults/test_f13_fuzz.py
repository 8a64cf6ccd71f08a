"""F13: damaged files of every kind, by a fixed seed: each is read or refused with a `DataError`, and nothing is left.

60 files in `make test`, 2,000 with BELLWETHER_SOAK=1 (`make soak`).
"""

import gzip
import io
import os
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import openpyxl
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.data.reading.reader import read_file
from core.errors import DataError
from core.settings import Settings
from tests.office_files import ods, xls, zipped

pytestmark = pytest.mark.soak

SEED = 13
FILES = 2_000 if os.environ.get("BELLWETHER_SOAK") else 60
READ = "read"
DRIFT_BYTES = 50 * 1024**2
ROWS = [["id", "name", "amount"], *([n, f"näme {n}", n / 7] for n in range(200))]


def csv_file() -> bytes:
    return "".join(",".join(map(str, row)) + "\n" for row in ROWS).encode()


def xlsx_file() -> bytes:
    book = openpyxl.Workbook()
    for row in ROWS:
        book.active.append(row)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def parquet_file() -> bytes:
    buffer = io.BytesIO()
    columns = zip(*ROWS[1:], strict=True)
    pq.write_table(pa.table([list(column) for column in columns], names=ROWS[0]), buffer)
    return buffer.getvalue()


def originals() -> dict[str, bytes]:
    """Return one good file of each kind, by its ending."""
    return {
        ".csv": csv_file(),
        ".csv.gz": gzip.compress(csv_file(), mtime=0),
        ".xlsx": xlsx_file(),
        ".parquet": parquet_file(),
        ".zip": zipped({"rows.csv": csv_file()}),
        ".xls": xls(ROWS),
        ".ods": ods(ROWS),
    }


def flip(content: bytearray, rng: random.Random) -> None:
    for _ in range(rng.choice((1, 4, 32))):
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)


def cut(content: bytearray, rng: random.Random) -> None:
    del content[rng.randrange(1, max(len(content), 2)) :]


def drop(content: bytearray, rng: random.Random) -> None:
    start = rng.randrange(len(content))
    del content[start : start + rng.randrange(1, 200)]


def repeat(content: bytearray, rng: random.Random) -> None:
    start = rng.randrange(len(content))
    content[start:start] = content[start : start + 200] * rng.randrange(1, 20)


def overwrite(content: bytearray, rng: random.Random) -> None:
    start = rng.randrange(len(content))
    odd = (b"\0" * 8, b"\xff" * 8, b'"', b"\r", b"\xff\xfe", b"\x80" * 4, b"=1+1", b"9" * 400)
    content[start : start + 8] = rng.choice(odd)


DAMAGES: tuple[Callable[[bytearray, random.Random], None], ...] = (flip, cut, drop, repeat, overwrite)


def names_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def read_or_refuse(source: Path, out: Path, settings: Settings) -> str:
    """Return the code of the refusal; any error but a `DataError` goes through."""
    try:
        read_file(source, source.name, out, settings)
    except DataError as error:
        return error.code
    return READ


def test_damaged_files_are_read_or_refused(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home", min_free_bytes=0, reader_cpu_s=20, reader_wall_s=60)
    rng, good, seen = random.Random(SEED), originals(), Counter[str]()
    out = tmp_path / "out" / "data.parquet"
    for ending, content in good.items():
        source = tmp_path / f"good{ending}"
        source.write_bytes(content)
        assert read_or_refuse(source, out, settings) == READ, ending
        assert pq.read_table(out).num_rows == 200, ending
        out.unlink()
        source.unlink()
    before = psutil.Process().memory_info().rss
    for number in range(FILES):
        ending = list(good)[number % len(good)]
        content = bytearray(good[ending])
        for _ in range(rng.choice((1, 1, 3))):
            if content:
                rng.choice(DAMAGES)(content, rng)
        source = tmp_path / f"file{ending}"
        source.write_bytes(content)
        code = read_or_refuse(source, out, settings)
        seen[code] += 1
        assert out.exists() == (code == READ), number
        if out.exists():
            assert pq.read_table(out).num_rows > 0, number
            out.unlink()
        assert names_in(tmp_path) == [source.name], number
        source.unlink()
    assert psutil.Process().memory_info().rss - before <= DRIFT_BYTES
    assert seen[READ], "all files were refused: the damage is too coarse to reach the parsers"
    assert seen["file.unreadable"], seen
