"""``profile`` and ``data add``: what the reader guessed is told, and columns may be named as in the file."""

import argparse
from pathlib import Path
from types import SimpleNamespace

import pytest

from core.cli.commands import data as commands
from core.cli.commands import train as train_command
from core.data.datasets.registry import Datasets
from core.settings import Settings

ODD = b'Report of May\n\n"tar get,""?\\", when ,Price,Price\n' + b"".join(
    b"%s,%02d/02/2024,%d,%d\n" % (b"yes" if n % 3 else b"No", n % 12 + 1, n, 2 * n) for n in range(30)
)
RAW_TARGET = 'tar get,"?\\'


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path, min_free_bytes=1)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "odd.csv"
    path.write_bytes(ODD)
    return path


def test_profile_tells_what_data_add_tells(settings: Settings, path: Path) -> None:
    found = commands.profile(argparse.Namespace(data=str(path), target=RAW_TARGET), settings)
    added = Datasets(settings).add(path, "odd.csv")
    assert set(added.warnings) == set(found["warnings"])
    text = "\n".join(found["warnings"])
    assert all(word in text for word in ("Report of May", "is called 'Price_2'", "day/month and month/day"))


def test_a_column_is_found_by_the_name_that_stands_in_the_file(settings: Settings, path: Path) -> None:
    dataset = Datasets(settings).add(path, "odd.csv")
    assert dataset.column_called(RAW_TARGET) == "tar get,'?/"
    assert [dataset.column_called(name) for name in (" when ", "when", "Price", "Price_2", "none")] == [
        "when", "when", "Price", "Price_2", "none",
    ]  # fmt: skip
    assert Datasets(settings).get(dataset.id).renamed == dataset.renamed


def test_options_of_train_take_names_and_classes_as_they_stand_in_the_file(settings: Settings, path: Path) -> None:
    datasets = Datasets(settings)
    dataset = datasets.add(path, "odd.csv")
    parser = argparse.ArgumentParser()
    train_command.add_arguments(parser)
    words = ["--data", "d", "--target", RAW_TARGET, "--ignore", " when ", "--monotone", "Price=+1", "--positive", " no"]
    services = SimpleNamespace(datasets=datasets)
    wanted = train_command.read_settings(parser.parse_args(words), services, dataset, "x")
    assert (wanted.target, wanted.ignored, wanted.positive) == ("tar get,'?/", ("when",), "No")
    assert wanted.monotone_constraints == {"Price": 1}


def test_types_of_data_add_take_names_as_they_stand_in_the_file(settings: Settings, path: Path) -> None:
    arguments = argparse.ArgumentParser()
    commands.add_arguments(arguments)
    args = arguments.parse_args([str(path), "--type", " when =text"])
    services = SimpleNamespace(datasets=Datasets(settings), ledger=SimpleNamespace(record=lambda *a, **k: None))
    columns = {column["name"]: column["type"] for column in commands.add_dataset(args, services)["columns"]}
    assert columns["when"] == "text"
