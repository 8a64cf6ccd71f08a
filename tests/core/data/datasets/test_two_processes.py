"""Two processes take files in at once: as here, each has a registry of its own, and they share only the folder."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from core.data.datasets.registry import Datasets
from core.domain.datasets import Dataset
from core.errors import DataError
from core.settings import Settings
from tests.fixtures_runs import write_customers

pytestmark = pytest.mark.slow


@pytest.fixture
def both(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> tuple[Datasets, Datasets]:
    """Two registries; who has looked at what is there waits a moment for the other one to look too."""
    looked, real = threading.Barrier(2), Datasets.list

    def slow(self: Datasets) -> tuple[Dataset, ...]:
        found = real(self)
        try:
            looked.wait(0.5)
        except threading.BrokenBarrierError:
            looked.reset()
        return found

    registries = Datasets(settings), Datasets(settings)
    monkeypatch.setattr(Datasets, "list", slow)
    return registries


def at_once(*acts: Callable[[], object]) -> list[Exception]:
    failed: list[Exception] = []

    def run(act: Callable[[], object]) -> None:
        try:
            act()
        except DataError as error:
            failed.append(error)

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return failed


def files(tmp_path: Path, *seeds: int) -> list[Path]:
    return [write_customers(tmp_path / f"{seed}.csv", 50, seed=seed) for seed in seeds]


def test_no_two_datasets_get_one_name(both: tuple[Datasets, Datasets], tmp_path: Path) -> None:
    one, two = both
    first, second = files(tmp_path, 1, 2)
    assert at_once(lambda: one.add(first, "same.csv"), lambda: two.add(second, "same.csv")) == []
    assert {dataset.name for dataset in one.list()} == {"same", "same (2)"}


def test_no_two_files_become_one_version(both: tuple[Datasets, Datasets], tmp_path: Path) -> None:
    one, two = both
    first, second, third = files(tmp_path, 1, 2, 3)
    one.add(first, "same.csv")
    failed = at_once(
        lambda: one.add(second, "b.csv", version_of="same"), lambda: two.add(third, "c.csv", version_of="same")
    )
    assert failed == []
    assert [dataset.version for dataset in one.versions("same")] == [3, 2, 1]


def test_no_two_are_renamed_alike(both: tuple[Datasets, Datasets], tmp_path: Path) -> None:
    one, two = both
    first, second = (one.add(path, path.name) for path in files(tmp_path, 1, 2))
    (error,) = at_once(lambda: one.rename(first.id, "new"), lambda: two.rename(second.id, "new"))
    assert error.code == "dataset.name_taken"
    assert len({dataset.name for dataset in one.list()}) == 2


def test_a_changed_type_and_a_new_name_are_both_kept(both: tuple[Datasets, Datasets], tmp_path: Path) -> None:
    one, two = both
    dataset = one.add(files(tmp_path, 1)[0], "a.csv")
    assert at_once(lambda: one.rename(dataset.id, "b"), lambda: two.set_type(dataset.id, "age", "category")) == []
    known = one.get(dataset.id)
    assert (known.name, known.schema["age"].type) == ("b", "category")
