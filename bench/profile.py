"""Profiles: ours against skrub's TableReport, the warm page, wide tables, and ten million rows.

    python bench/profile.py [insurance] [ydata] [wide] [page] [big] [ROWSxCOLUMNS …]

Prints one JSON object for each. Without skrub (`make setup-dev` installs it) theirs is skipped, and that is said. For
`ydata` the package ydata-profiling is installed into an environment that is removed afterwards: it pins other versions
than ours.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import venv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

# In place of this folder: the standard library has a module called profile, too.
sys.path.pop(0)
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
import pandas as pd
import psutil
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bench.common import data_folder, median_s, report, scratch_services
from core.data.datasets.registry import Datasets
from core.data.profiling.profile import Profile, profile_columns
from core.data.relations.relations import rank_relations, relation_to_target
from core.domain.columns import FEATURE_TYPES
from core.domain.datasets import Dataset
from core.services import Services
from core.settings import load_settings

ROOT = Path(__file__).resolve().parent.parent
WIDE = {"house_prices.csv": "SalePrice", "caravan.csv.gz": "Purchase"}
WIDE_S, PAGE_S, BIG_S, BIG_BYTES = 2.0, 0.3, 20.0, 1.5 * 2**30
PAGE_COLUMNS = ("Age", "Vintage", "Gender", "Annual_Premium")
BIG_ROWS = 10_000_000
BIG_TARGET = "bought"
YDATA, YDATA_TIMEOUT_S = "ydata-profiling==4.18.4", 900
SMALL_CELLS, SKRUB_CELLS, SKRUB_COLUMNS = 5_000_000, 20_000_000, 500


@contextmanager
def home() -> Iterator[Path]:
    """Give a home that is removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="bellwether-bench-") as folder:
        yield Path(folder)


def open_datasets(folder: Path) -> Datasets:
    """Open the datasets of a home with nothing in memory yet."""
    return Datasets(replace(load_settings(), home=folder))


def explore(folder: Path, dataset: Dataset, target: str) -> Profile:
    """Do all that the page does of a dataset nobody has looked at: profile, leakage, ranking and every relation."""
    load = open_datasets(folder).open(dataset.id).load
    profile = profile_columns(load, dataset.schema, dataset.n_rows, target=target)
    rank_relations(load, dataset.schema, target, dataset.n_rows)
    for column in dataset.schema.columns:
        if column.type in FEATURE_TYPES and column.name != target:
            relation_to_target(load([column.name, target]), dataset.schema, column.name, target)
    return profile


def bench_insurance() -> None:
    """Ours, cold and with the relations to the target, against a TableReport, which has none."""
    path = data_folder() / "insurance_cross_sell.csv.gz"
    with home() as folder:
        dataset = open_datasets(folder).add(path, path.name)
        ours = median_s(lambda: explore(folder, dataset, "Response"))
    frame = pd.read_csv(path)
    theirs = table_report_s(frame)
    skipped = {} if theirs else {"skrub": "not installed: make setup-dev"}
    report(
        bench="profile_insurance",
        rows=dataset.n_rows,
        columns=dataset.n_columns,
        ours_s=round(ours, 3),
        skrub_s=theirs and round(theirs, 3),
        ratio=theirs and round(ours / theirs, 3),
        ok=ours <= theirs if theirs else None,
        **skipped,
    )


def table_report_s(frame: pd.DataFrame) -> float | None:
    """Return the median time of skrub's report on a table in memory, written as HTML; None without skrub."""
    try:
        from skrub import TableReport
    except ImportError:
        return None
    return median_s(lambda: TableReport(frame, verbose=0).html())


def bench_ydata() -> None:
    """Ours, cold and with the relations to the target, against the minimal report of ydata-profiling."""
    path = data_folder() / "insurance_cross_sell.csv.gz"
    with home() as folder:
        dataset = open_datasets(folder).add(path, path.name)
        ours = median_s(lambda: explore(folder, dataset, "Response"))
        theirs = ydata_report_s(path, folder)
    found = theirs.get("ydata_s")
    report(
        bench="profile_ydata", rows=dataset.n_rows, ours_s=ours, **theirs, ok=None if found is None else ours <= found
    )


def ydata_report_s(path: Path, folder: Path) -> dict[str, Any]:
    """Return the seconds of `ProfileReport(frame, minimal=True).to_html()`; where it cannot be had, why."""
    code = (
        "import sys, time, pandas as pd; from ydata_profiling import ProfileReport; frame = pd.read_csv(sys.argv[1]); "
        "begun = time.monotonic(); ProfileReport(frame, minimal=True, progress_bar=False).to_html(); "
        "print(time.monotonic() - begun)"
    )
    venv.create(folder / "ydata", with_pip=True)
    python = folder / "ydata" / "bin" / "python"
    # The old pkg_resources, which newer versions of setuptools lack, is imported by some of its releases.
    install = [python, "-m", "pip", "install", "--quiet", "--only-binary", ":all:", YDATA, "setuptools<81"]
    times = []
    for command in (install, *([python, "-c", code, str(path)] for _ in range(3))):
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=YDATA_TIMEOUT_S)
        if done.returncode:
            return {"missing": (done.stderr.strip() or "it ended").splitlines()[-1][-300:]}
        times += [float(line) for line in done.stdout.split()[-1:] if command is not install]
    return {"ydata_s": statistics.median(times)}


def bench_wide() -> None:
    """Tables of many columns, cold, relations included."""
    for name, target in WIDE.items():
        with home() as folder:
            dataset = open_datasets(folder).add(data_folder() / name, name)
            seconds = median_s(lambda folder=folder, dataset=dataset, target=target: explore(folder, dataset, target))
        report(bench="profile_wide", file=name, columns=dataset.n_columns, s=round(seconds, 3), ok=seconds <= WIDE_S)


def bench_page() -> None:
    """The page of the insurance data with its target once it has been looked at: its script, and drawn in a browser."""
    path = data_folder() / "insurance_cross_sell.csv.gz"
    with scratch_services() as services:
        dataset = services.datasets.add(path, path.name)
        script_s = page_script_s(services, dataset)
        drawn_s = page_drawn_s(services.settings.home, dataset)
    report(bench="profile_page", script_s=round(script_s, 3), drawn_s=round(drawn_s, 3), ok=drawn_s <= PAGE_S)


def page_script_s(services: Services, dataset: Dataset) -> float:
    """Return the median time of the page's script when another column is chosen."""
    from streamlit.testing.v1 import AppTest

    from app.ui.services import set_services

    set_services(services)
    app = AppTest.from_file(str(ROOT / "app" / "ui" / "shell.py"), default_timeout=60).run()
    app.query_params["dataset"] = dataset.id
    app.switch_page("../pages/explore.py").run()
    app.selectbox(key="explore_target").select("Response").run()
    columns = iter(PAGE_COLUMNS * 3)

    def look() -> None:
        app.selectbox(key="explore_column").select(next(columns)).run()
        assert not app.exception
        assert not app.error

    for _ in PAGE_COLUMNS:
        look()
    found = median_s(look, times=5)
    set_services(None)
    return found


def page_drawn_s(folder: Path, dataset: Dataset) -> float:
    """Return the median time from a click on Explore to its figures, in a real browser."""
    from tests.browser.driver import new_tab, run_browser, run_server

    with run_browser() as browser, run_server(folder) as server:
        tab = new_tab(browser, server)
        page = tab.open(f"/explore?dataset={dataset.id}")
        box = page.locator(".st-key-explore_target input").first
        box.click()
        box.fill("Response")
        page.get_by_role("option", name="Response").first.click()
        drawn = page.locator(".st-key-explore_look .points path").first
        drawn.wait_for(state="attached", timeout=60_000)
        times = []
        for _ in range(5):
            page.get_by_role("link", name="Data", exact=True).first.click()
            page.get_by_role("heading", name="Data", exact=True).first.wait_for()
            tab.settle()
            begun = time.monotonic()
            page.get_by_role("link", name="Explore", exact=True).first.click()
            drawn.wait_for(state="attached", timeout=30_000)
            times.append(time.monotonic() - begun)
    return statistics.median(times)


def bench_big() -> None:
    """Ten million rows of twelve mixed columns, in a process of its own."""
    with home() as folder:
        path = folder / "big.parquet"
        make_big(path)
        for step in ("--add", "--profile"):
            done = subprocess.run(
                [sys.executable, __file__, step, str(folder)], capture_output=True, text=True, check=False
            )
            if done.returncode:
                sys.exit(done.stderr)
        found = json.loads(done.stdout)
        exact = check_big(path, found.pop("columns"))
    ok = found["s"] <= BIG_S and found["bytes"] <= BIG_BYTES and exact
    report(bench="profile_big", rows=BIG_ROWS, **found, gib=round(found["bytes"] / 2**30, 2), exact=exact, ok=ok)


def make_big(path: Path) -> None:
    """Write ids, amounts, whole numbers, words, dates, codes as text and true/false, a million rows at a time."""
    rng = np.random.default_rng(0)
    segments = pa.array([f"segment {k}" for k in range(40)])
    cities = pa.array([f"city {k}" for k in range(3000)])
    writer = None
    n = BIG_ROWS // 10
    for part in range(10):
        ids = pc.cast(pa.array(np.arange(part * n, (part + 1) * n)), pa.string())
        table = pa.table(
            {
                "customer_id": pc.binary_join_element_wise("u", ids, ""),
                "amount": pa.array(rng.lognormal(3, 1, n), mask=rng.random(n) < 0.05),
                "balance": rng.normal(0, 1000, n),
                "age": rng.integers(18, 90, n),
                "score": pa.array(rng.random(n), mask=rng.random(n) < 0.05),
                "visits": rng.poisson(3, n),
                "segment": segments.take(pa.array(rng.integers(0, len(segments), n))),
                "city": cities.take(pa.array(rng.integers(0, len(cities), n))),
                "since": pa.array((rng.integers(0, 3650, n) * 86_400_000 + 1_400_000_000_000).astype("datetime64[ms]")),
                "flag": pa.array(rng.random(n) < 0.3),
                "code": pc.cast(pa.array(rng.integers(0, 99_999_999, n)), pa.string()),
                BIG_TARGET: rng.integers(0, 2, n),
            }
        )
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
    if writer:
        writer.close()


def check_big(path: Path, columns: dict[str, list[float | None]]) -> bool:
    """Whether rows missing, means and distinct values are those that pyarrow counts."""
    for name, (missing, mean, unique) in columns.items():
        values = pq.read_table(path, columns=[name])[name]
        if missing != values.null_count:
            return False
        if name != "customer_id" and unique != pc.count_distinct(values, "only_valid").as_py():
            return False
        if mean is not None and name != "code" and abs(mean - pc.mean(values).as_py()) > 1e-9 * abs(mean):
            return False
    return columns["customer_id"][2] == BIG_ROWS


def measure(work: Callable[[], Profile]) -> dict[str, object]:
    """Return how long work takes and what it needs over the idle process, watched every 10 ms."""
    process, done = psutil.Process(), threading.Event()
    idle = peak = process.memory_info().rss

    def watch() -> None:
        nonlocal peak
        while not done.wait(0.01):
            peak = max(peak, process.memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    begun = time.monotonic()
    profile = work()
    seconds = time.monotonic() - begun
    done.set()
    watcher.join()
    columns = {column.name: [column.missing, column.mean, column.unique] for column in profile.columns}
    return {"s": round(seconds, 2), "bytes": peak - idle, "columns": columns}


def add_big(folder: Path) -> None:
    """Take the file in, in a process of its own: reading it is not what is measured."""
    limit = 64 * 2**30
    settings = replace(
        load_settings(), home=folder, max_file_bytes=limit, reader_memory_bytes=16 * 2**30, reader_cpu_s=600
    )
    Datasets(settings).add(folder / "big.parquet", "big.parquet")


def profile_big(folder: Path) -> None:
    """Measure the profile with its target."""
    datasets = open_datasets(folder)
    (dataset,) = datasets.list()
    load = datasets.open(dataset.id).load
    print(json.dumps(measure(lambda: profile_columns(load, dataset.schema, dataset.n_rows, target=BIG_TARGET))))


def bench_grown(n_rows: int, n_columns: int) -> None:
    """A generated table of any size, cold and with the relations to its target, against a TableReport of it."""
    with home() as folder:
        path = folder / "grown.parquet"
        make_grown(path, n_rows, n_columns)
        settings = replace(load_settings(), home=folder, reader_memory_bytes=16 * 2**30, reader_cpu_s=600)
        dataset = Datasets(replace(settings, max_file_bytes=64 * 2**30)).add(path, path.name)
        times = 3 if n_rows * n_columns <= SMALL_CELLS else 1
        ours = median_s(lambda: explore(folder, dataset, BIG_TARGET), times=times)
        theirs = None
        if n_rows * n_columns <= SKRUB_CELLS and n_columns <= SKRUB_COLUMNS:
            theirs = table_report_s(pd.read_parquet(path))
    report(bench="profile_grown", rows=n_rows, columns=n_columns, ours_s=round(ours, 3), skrub_s=theirs)


def make_grown(path: Path, n_rows: int, n_columns: int) -> None:
    """Write numbers, whole numbers and words in turn, a million cells at a time, and a target of two classes."""
    rng, words = np.random.default_rng(0), pa.array([f"word {k}" for k in range(50)])
    kinds: tuple[Callable[[int], object], ...] = (
        rng.standard_normal,
        lambda n: rng.integers(0, 1000, n),
        lambda n: words.take(pa.array(rng.integers(0, len(words), n))),
    )
    writer, left, most = None, n_rows, max(1_000_000 // n_columns, 1)
    while left:
        n = min(left, most)
        columns = {f"column {k}": pa.array(kinds[k % 3](n)) for k in range(n_columns - 1)}
        table = pa.table({**columns, BIG_TARGET: rng.integers(0, 2, n)})
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
        left -= n
    if writer:
        writer.close()


BENCHES = {"insurance": bench_insurance, "ydata": bench_ydata, "wide": bench_wide, "page": bench_page, "big": bench_big}


def main() -> None:
    """Run the benches that are named, or all."""
    arguments = sys.argv[1:]
    if arguments[:1] == ["--add"]:
        add_big(Path(arguments[1]))
    elif arguments[:1] == ["--profile"]:
        profile_big(Path(arguments[1]))
    else:
        for name in arguments or BENCHES:
            if name in BENCHES:
                BENCHES[name]()
            else:
                bench_grown(*map(int, name.split("x")))


if __name__ == "__main__":
    main()
