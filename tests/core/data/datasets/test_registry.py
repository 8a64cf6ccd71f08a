"""The registry of datasets: one content, one dataset; whole or not at all; nothing outside its folder."""

import gzip
import json
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.data.datasets.cache import ColumnCache
from core.data.datasets.registry import Datasets
from core.data.reading.reader import FileInfo
from core.domain.columns import Column
from core.domain.reading import ReadOptions
from core.errors import (
    DataError,
    DatasetInUseError,
    DatasetNotFoundError,
    DatasetQuotaError,
    DiskFullError,
    StoreCorruptError,
    UnsupportedFileError,
)
from core.settings import Settings

CSV = "id,age,code\n1,30,007\n2,,008\n3,x,009\n"

opened: list[str] | None = None


def _listen(event: str, arguments: tuple[Any, ...]) -> None:
    if opened is not None and event in ("open", "os.listdir", "os.scandir", "os.rename"):
        opened.append(str(arguments[0]))


sys.addaudithook(_listen)


@pytest.fixture
def opened_files() -> Iterator[list[str]]:
    """What is opened, listed or renamed during the test."""
    global opened  # noqa: PLW0603 - an audit hook cannot be taken away again
    opened = []
    yield opened
    opened = None


@pytest.fixture
def datasets(settings: Settings) -> Datasets:
    return Datasets(settings)


@pytest.fixture
def quick_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read comma-separated text in this process: the guarded child has its own tests."""

    def read(path: Path, name: str, out: Path, settings: Settings, *, options: ReadOptions) -> FileInfo:
        header, *rows = [line.split(",") for line in path.read_text().splitlines()]
        columns = {name: [row[number] for row in rows] for number, name in enumerate(header)}
        pq.write_table(pa.table(columns), out)
        book = name.endswith(".xlsx")
        return FileInfo(
            len(rows), tuple(header), "csv", "utf-8", ",", (options.sheet or "One") if book else None, (), ("note",)
        )

    monkeypatch.setattr("core.data.datasets.registry.read_file", read)


def write(folder: Path, content: str = CSV, name: str = "people.csv") -> Path:
    path = folder / name
    path.write_text(content)
    return path


def left_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_add_reads_a_file_through_the_guarded_child(datasets: Datasets, settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "upload"
    path.write_bytes(gzip.compress(CSV.encode()))
    added = datasets.add(path, "../people.csv.gz")
    assert (added.name, added.file_name, added.format) == ("people", "people.csv.gz", "csv")
    assert (added.n_rows, added.n_columns, added.size_bytes) == (3, 3, path.stat().st_size)
    assert added.schema.columns == (
        Column("id", "id"),
        Column("age", "category"),
        Column("code", "category"),
    )
    folder = settings.datasets_dir / added.id
    assert left_in(folder) == ["data.parquet", "dataset.json", "original.csv.gz"]
    assert (folder / "original.csv.gz").read_bytes() == path.read_bytes()
    assert folder.stat().st_mode & 0o777 == settings.datasets_dir.stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777 for file in folder.iterdir()} == {0o600}
    assert datasets.open(added.id).source().to_pydict() == {
        "id": ["1", "2", "3"],
        "age": ["30", "", "x"],
        "code": ["007", "008", "009"],
    }
    assert Datasets(settings).get(added.id) == added
    assert path.exists()
    assert left_in(settings.work_dir) == []


@pytest.mark.parametrize("broken", [b"", b"a,b\n", b"PK\x03\x04 not text"])
def test_a_file_that_cannot_be_read_leaves_nothing(
    datasets: Datasets, settings: Settings, tmp_path: Path, broken: bytes
) -> None:
    path = tmp_path / "upload"
    path.write_bytes(broken)
    with pytest.raises(DataError):
        datasets.add(path, "people.csv")
    assert left_in(settings.datasets_dir) == left_in(settings.work_dir) == []


def test_a_name_of_another_kind_is_refused_before_anything_is_written(datasets: Datasets, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedFileError):
        datasets.add(write(tmp_path), "people.exe")
    assert left_in(tmp_path) == ["people.csv"]


def test_a_full_disk_is_told_first(settings: Settings, tmp_path: Path) -> None:
    crowded = Datasets(Settings(home=settings.home, min_free_bytes=2**62))
    with pytest.raises(DiskFullError):
        crowded.add(write(tmp_path), "people.csv")


@pytest.mark.usefixtures("quick_reader")
class TestRegistry:
    def test_the_same_content_is_one_dataset(self, datasets: Datasets, tmp_path: Path) -> None:
        first = datasets.add(write(tmp_path), "people.csv")
        assert datasets.add(write(tmp_path), "again.csv", name="other") == first
        assert datasets.list() == (first,)

    def test_two_threads_that_add_at_once_get_the_same_dataset(
        self, datasets: Datasets, settings: Settings, tmp_path: Path
    ) -> None:
        path, found, start = write(tmp_path), [], threading.Barrier(6)

        def add() -> None:
            start.wait()
            found.append(datasets.add(path, "people.csv"))

        threads = [threading.Thread(target=add) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(found) == 6
        assert set(found) == {datasets.list()[0]}
        assert left_in(settings.work_dir) == []

    def test_another_process_that_was_first_wins(
        self, datasets: Datasets, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first = Datasets(settings).add(write(tmp_path), "people.csv")
        seen = datasets.find_id
        answers = iter([None, None])
        monkeypatch.setattr(datasets, "find_id", lambda dataset_id: next(answers, seen(dataset_id)))
        assert datasets.add(write(tmp_path), "late.csv") == first
        assert left_in(settings.work_dir) == []

    def test_sheets_of_a_workbook_are_datasets_of_their_own(self, datasets: Datasets, tmp_path: Path) -> None:
        path = write(tmp_path)
        first, second = datasets.add(path, "book.xlsx"), datasets.add(path, "book.xlsx", sheet="Two")
        assert (first.sheet, second.sheet) == ("One", "Two")
        assert first.id != second.id
        assert (first.name, second.name) == ("book", "book (2)")
        assert datasets.add(path, "book.xlsx", sheet="One") == first
        assert datasets.add(path, "book.xlsx") == first

    def test_names_are_unique_and_clean(self, datasets: Datasets, tmp_path: Path) -> None:
        names = [datasets.add(write(tmp_path, f"a,b\n{n},2\n"), "x.csv", name=" my\n\x07data ").name for n in range(3)]
        assert names == ["my data", "my data (2)", "my data (3)"]

    def test_list_is_newest_first_and_find_takes_id_or_name(self, datasets: Datasets, tmp_path: Path) -> None:
        old, new = (datasets.add(write(tmp_path, f"a,b\n{n},2\n"), f"{n}.csv") for n in range(2))
        assert datasets.list() == (new, old)
        assert datasets.find(old.id) == datasets.find("0") == old
        assert datasets.find("2") is None

    def test_rename(self, datasets: Datasets, tmp_path: Path) -> None:
        one, two = (datasets.add(write(tmp_path, f"a,b\n{n},2\n"), f"{n}.csv") for n in range(2))
        assert datasets.rename(one.id, " first ").name == datasets.get(one.id).name == "first"
        assert datasets.rename(one.id, "first").name == "first"
        for name, code in (("1", "dataset.name_taken"), (" \n", "dataset.name_empty")):
            with pytest.raises(DataError) as caught:
                datasets.rename(one.id, name)
            assert caught.value.code == code
        assert datasets.get(two.id) == two

    def test_delete_removes_the_files(self, datasets: Datasets, settings: Settings, tmp_path: Path) -> None:
        added = datasets.add(write(tmp_path), "people.csv")
        data = datasets.open(added.id)
        data.typed()
        datasets.delete(added.id, used_by=())
        assert left_in(settings.datasets_dir) == left_in(settings.work_dir) == []
        for act in (datasets.get, datasets.open):
            with pytest.raises(DatasetNotFoundError):
                act(added.id)
        with pytest.raises(DatasetNotFoundError):
            data.source()
        assert datasets.add(write(tmp_path), "people.csv").id == added.id

    def test_a_dataset_in_use_stays_and_the_runs_are_named(self, datasets: Datasets, tmp_path: Path) -> None:
        added = datasets.add(write(tmp_path), "people.csv")
        with pytest.raises(DatasetInUseError, match=r"run-0, .*run-4 and 2 more"):
            datasets.delete(added.id, used_by=[f"run-{n}" for n in range(7)])
        assert datasets.get(added.id) == added

    def test_columns_are_read_in_the_order_asked(self, datasets: Datasets, tmp_path: Path) -> None:
        added = datasets.add(write(tmp_path, "a.b,a,n\nx,y,1\nz,w,2\n"), "dots.csv")
        assert datasets.open(added.id).source(["n", "a"]).to_pydict() == {"n": ["1", "2"], "a": ["y", "w"]}
        assert datasets.open(added.id).source(["a.b"]).column_names == ["a.b"]
        for _ in range(2):  # the second time from memory
            assert datasets.open(added.id).typed(["n", "a"]).to_pydict() == {"n": [1, 2], "a": ["y", "w"]}
        assert datasets.open(added.id).typed().column_names == ["a.b", "a", "n"]
        with pytest.raises(DataError) as caught:
            datasets.open(added.id).typed(["absent"])
        assert caught.value.code == "column.not_found"

    def test_a_type_can_be_changed_and_changed_back(self, datasets: Datasets, tmp_path: Path) -> None:
        added = datasets.add(write(tmp_path), "people.csv")
        changed = datasets.set_type(added.id, "age", "numeric")
        assert changed.schema["age"] == Column("age", "numeric", integer=True)
        assert datasets.get(added.id) == changed
        assert datasets.open(added.id).typed()["age"].to_pylist() == [30, None, None]
        datasets.set_type(added.id, "age", "category")
        assert datasets.open(added.id).typed()["age"].to_pylist() == ["30", None, "x"]

    @pytest.mark.parametrize(
        ("column", "kind", "code"),
        [
            ("age", "number", "schema.type"),
            ("absent", "text", "column.not_found"),
            ("code", "date", "schema.type_unfit"),
        ],
    )
    def test_a_type_that_cannot_be(self, datasets: Datasets, tmp_path: Path, column: str, kind: Any, code: str) -> None:
        added = datasets.add(write(tmp_path), "people.csv")
        with pytest.raises(DataError) as caught:
            datasets.set_type(added.id, column, kind)
        assert caught.value.code == code
        assert datasets.get(added.id) == added

    def test_dates_that_could_be_read_both_ways_are_told(self, datasets: Datasets, tmp_path: Path) -> None:
        added = datasets.add(write(tmp_path, "when,n\n01/02/2024,1\n03/04/2024,2\n"), "dates.csv")
        assert added.warnings[0] == "note"
        assert "'when'" in added.warnings[1]

    def test_derived_data_is_made_once_per_schema(self, datasets: Datasets, settings: Settings, tmp_path: Path) -> None:
        added, made = datasets.add(write(tmp_path), "people.csv"), []

        def make() -> dict[str, Any]:
            made.append(1)
            return {"n": len(made)}

        assert [datasets.open(added.id).cached_json("profile", make) for _ in range(2)] == [{"n": 1}, {"n": 1}]
        assert datasets.open(added.id).cached_json("relation/../x 名", make) == {"n": 2}
        assert datasets.open(added.id).cached_json("dataset", make) == {"n": 3}
        assert datasets.get(added.id) == added
        datasets.set_type(added.id, "age", "numeric")
        assert datasets.open(added.id).cached_json("profile", make) == {"n": 4}
        (settings.datasets_dir / added.id / "profile.json").write_text("{")
        assert datasets.open(added.id).cached_json("profile", make) == {"n": 5}

    def test_derived_data_of_a_deleted_dataset_is_not_kept(
        self, datasets: Datasets, settings: Settings, tmp_path: Path
    ) -> None:
        added = datasets.add(write(tmp_path), "people.csv")

        def make() -> dict[str, Any]:
            datasets.delete(added.id, used_by=())
            return {}

        with pytest.raises(DatasetNotFoundError):
            datasets.open(added.id).cached_json("profile", make)
        assert left_in(settings.datasets_dir) == []

    def test_damaged_files(self, datasets: Datasets, settings: Settings, tmp_path: Path) -> None:
        good, bad = (datasets.add(write(tmp_path, f"a,b\n{n},2\n"), f"{n}.csv") for n in range(2))
        folder = settings.datasets_dir / bad.id
        (folder / "data.parquet").write_bytes(b"PAR1 no PAR1")
        with pytest.raises(StoreCorruptError):
            datasets.open(bad.id).source()
        (folder / "dataset.json").write_text(json.dumps({"id": bad.id}))
        with pytest.raises(StoreCorruptError):
            datasets.get(bad.id)
        assert datasets.list() == (good,)

    def test_a_link_among_the_datasets_is_none(self, datasets: Datasets, settings: Settings, tmp_path: Path) -> None:
        added = datasets.add(write(tmp_path), "people.csv")
        link = settings.datasets_dir / ("0" * 32)
        link.symlink_to(settings.datasets_dir / added.id)
        with pytest.raises(DatasetNotFoundError):
            datasets.get(link.name)
        assert datasets.list() == (added,)


@pytest.mark.parametrize(
    "dataset_id",
    [
        "", ".", "..", "../..", "/etc/passwd", "..%2f..", "%2e%2e", "a" * 31, "a" * 33, "A" * 32, "g" * 32,
        "a" * 32 + "\n", "a" * 32 + "/..", "a" * 31 + "#", "\\\\host\\share", "C:\\x", "a\x00", "~", "０" * 32, "*",
    ],
)  # fmt: skip
def test_what_is_no_id_touches_no_file(datasets: Datasets, opened_files: list[str], dataset_id: str) -> None:
    acts = (
        datasets.get,
        datasets.open,
        lambda wrong: datasets.rename(wrong, "x"),
        lambda wrong: datasets.set_type(wrong, "a", "text"),
        lambda wrong: datasets.delete(wrong, used_by=()),
        lambda wrong: datasets.open(wrong).cached_json("profile", dict),
    )
    for act in acts:
        with pytest.raises(DatasetNotFoundError):
            act(dataset_id)
    assert opened_files == []


def test_the_cache_forgets_what_was_unused_for_longest() -> None:
    column = pa.chunked_array([pa.array(range(100), pa.int64())])
    cache = ColumnCache(max_bytes=2 * column.nbytes)
    keys = [("d", Column(name, "numeric")) for name in "abc"]
    cache.put(keys[0], column)
    cache.put(keys[1], column)
    cache.put(keys[1], column)
    assert cache.get(keys[0]) is column
    cache.put(keys[2], column)
    assert [cache.get(key) is not None for key in keys] == [True, False, True]
    cache.put(keys[1], pa.chunked_array([pa.array(range(1000), pa.int64())]))
    assert cache.get(keys[1]) is None
    cache.drop("d")
    assert [cache.get(key) for key in keys] == [None, None, None]


def test_real_files_come_in_with_their_types(datasets: Datasets, test_data: Path) -> None:
    book = datasets.add(test_data / "insurance_score_sample.xlsx", "insurance_score_sample.xlsx")
    assert (book.n_rows, book.schema["id"].type, book.schema["Age"].integer) == (1000, "id", True)
    cars = datasets.add(test_data / "vehicle.csv", "vehicle.csv")
    assert datasets.open(cars.id).typed(["PR.AXIS_ASPECT_RATIO"]).num_rows == 846


def test_t19_one_dataset_too_many_is_refused_at_once_until_there_is_room(tmp_path, settings, record_property):
    datasets = Datasets(settings)
    object.__setattr__(settings, "max_datasets", 2)
    paths = [tmp_path / f"{n}.csv" for n in range(3)]
    for n, path in enumerate(paths):
        path.write_text(f"a,b\n1,{n}\n", encoding="utf-8")
    first, _ = (datasets.add(path, path.name) for path in paths[:2])
    begun = time.monotonic()
    with pytest.raises(DatasetQuotaError, match="2 datasets") as caught:
        datasets.add(paths[2], paths[2].name)
    record_property("refused_s", round(time.monotonic() - begun, 3))
    assert caught.value.code == "dataset.quota"
    assert "BELLWETHER_MAX_DATASETS" in caught.value.hint
    assert datasets.add(paths[0], "again.csv") == first  # what is there already takes no room
    assert list(settings.work_dir.iterdir()) == []
    object.__setattr__(settings, "max_datasets", 3)
    assert datasets.add(paths[2], paths[2].name) in datasets.list()
