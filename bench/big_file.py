"""Memory of the app while a large file is added: through core, and through the browser's upload.

``python -m bench.big_file [ROWS] [core] [browser]`` writes a CSV of that many rows (2 million when omitted) and twelve
columns, and prints one JSON line a way. The guarded process that reads the file is not the app and counts apart.
"""

import argparse
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.csv

from bench.common import report
from tests.browser.driver import new_tab, run_browser, run_server

ROWS_AT_ONCE = 250_000
WAIT_S = 1_200.0
_CORE = """
import sys, time
from dataclasses import replace
from pathlib import Path
from core.memory import give_back
give_back()
from core.services import build
from core.settings import load_settings
services = build(replace(load_settings(), home=Path(sys.argv[1])))
services.datasets.add(Path(sys.argv[2]), "warm.csv")
print("ready", flush=True)
sys.stdin.readline()
begun = time.monotonic()
dataset = services.datasets.add(Path(sys.argv[3]), "big.csv")
print(f"{dataset.n_rows} {time.monotonic() - begun:.1f}", flush=True)
sys.stdin.readline()
services.close()
"""


def write_file(path: Path, n_rows: int, *, prefix: str = "") -> None:
    """Write made-up customers: ids, numbers, amounts, words and days, some rows at a time; all names get a prefix."""
    random = np.random.default_rng(11)
    cities = np.array([f"{name}{number}" for name in ("Ulm", "Bonn", "Oslo", "Turin") for number in range(150)])
    days = np.datetime_as_string(np.datetime64("2015-01-01") + np.arange(3650))
    with path.open("wb") as file:
        for begin in range(0, n_rows, ROWS_AT_ONCE):
            n = min(ROWS_AT_ONCE, n_rows - begin)
            visits = random.poisson(3, n)
            columns = {
                "customer_id": np.arange(begin, begin + n),
                "income": random.lognormal(10, 0.6, n).round(2),
                "balance": random.normal(0, 1000, n).round(2),
                "score": random.random(n).round(4),
                "age": random.integers(18, 90, n),
                "visits": visits,
                "segment": random.choice(["basic", "plus", "gold"], n),
                "city": random.choice(cities, n),
                "since": random.choice(days, n),
                "code": [f"{number:08d}" for number in random.integers(0, 99_999_999, n)],
                "flag": random.choice(["yes", "no"], n),
                "bought": np.where(visits + random.normal(size=n) > 4, 1, 0),
            }
            options = pyarrow.csv.WriteOptions(include_header=begin == 0)
            rows = pa.table({prefix + name: values for name, values in columns.items()})
            pyarrow.csv.write_csv(rows, file, options)


@dataclass
class Watched:
    """Memory of one process and of those below it, looked at every 10 ms until the block ends."""

    process: psutil.Process
    before_bytes: int = 0
    peak_bytes: int = 0
    reader_bytes: int = 0
    after_bytes: int = 0
    done: threading.Event = field(default_factory=threading.Event)

    def look(self) -> None:
        """Note what is in use until it is done."""
        while not self.done.wait(0.01):
            self.peak_bytes = max(self.peak_bytes, int(self.process.memory_info().rss))
            self.reader_bytes = max(self.reader_bytes, *map(_resident, self.process.children(recursive=True)), 0)

    def figures(self) -> dict[str, int]:
        """Return what there is to report, in MB."""
        return {
            "before_mb": self.before_bytes // 10**6,
            "growth_mb": (self.peak_bytes - self.before_bytes) // 10**6,
            "kept_mb": (self.after_bytes - self.before_bytes) // 10**6,
            "reader_mb": self.reader_bytes // 10**6,
        }


def _resident(process: psutil.Process) -> int:
    try:
        return 0 if process.name() == "java" else int(process.memory_info().rss)
    except psutil.Error:
        return 0


@contextmanager
def watched(pid: int) -> Iterator[Watched]:
    """Watch a process."""
    process = psutil.Process(pid)
    now = int(process.memory_info().rss)
    found = Watched(process, now, now)
    watcher = threading.Thread(target=found.look)
    watcher.start()
    try:
        yield found
    finally:
        found.done.set()
        watcher.join()
        found.after_bytes = int(process.memory_info().rss)


def through_core(folder: Path, file: Path, warm: Path) -> dict[str, object]:
    """Add the file in a process of its own, after a small one that loads what any first file does."""
    command = [sys.executable, "-c", _CORE, str(folder / "core"), str(warm), str(file)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        if process.stdout.readline().strip() != "ready":
            raise SystemExit("the process that adds the file did not start")
        with watched(process.pid) as found:
            process.stdin.write("\n")
            process.stdin.flush()
            n_rows, seconds = process.stdout.readline().split()
        process.stdin.write("\n")
        process.stdin.flush()
    return {"way": "core", "rows": int(n_rows), "seconds": float(seconds), **found.figures()}


def through_browser(folder: Path, file: Path, warm: Path) -> dict[str, object]:
    """Upload the file on the Data page, after a small one."""
    with run_server(folder / "browser") as server, run_browser() as browser:
        tab = new_tab(browser, server)
        page = tab.open("/data")

        def upload(path: Path) -> float:
            begun = time.monotonic()
            page.locator("[data-testid=stFileUploaderDropzoneInput]").set_input_files(path)
            page.get_by_text(f"{path.name} · added").first.wait_for(timeout=WAIT_S * 1000)
            tab.settle(WAIT_S)
            return time.monotonic() - begun

        upload(warm)
        tab.open("/data")
        with watched(server.process.pid) as found:
            seconds = upload(file)
        errors = tab.errors
    return {"way": "browser", "seconds": round(seconds, 1), "errors": errors, **found.figures()}


WAYS: dict[str, Callable[[Path, Path, Path], dict[str, object]]] = {"core": through_core, "browser": through_browser}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", type=int, nargs="?", default=2_000_000)
    parser.add_argument("ways", nargs="*", metavar="WAY", help=" or ".join(WAYS))
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bellwether-bench-") as name:
        folder = Path(name)
        file, warm = folder / "big.csv", folder / "warm.csv"
        write_file(file, args.rows)
        write_file(warm, 5_000, prefix="warm_")  # other columns: no version of one another
        for way in args.ways or WAYS:
            report(file_mb=file.stat().st_size // 10**6, **WAYS[way](folder, file, warm))


if __name__ == "__main__":
    main()
