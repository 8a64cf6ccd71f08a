"""What a run reads of its dataset, counted."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from core.data.datasets import registry
from core.data.datasets.opened import OpenedDataset
from core.data.datasets.registry import Datasets
from core.errors import DatasetNotFoundError
from core.settings import Settings
from core.training import trainer
from core.training.plan.plan import make_plan, propose
from core.training.trainer import Trainer
from core.work.steps import QueueWork
from tests.fixtures_runs import Home, write_customers

RECIPE = {"recipe_version": 1, "steps": [{"kind": "impute", "columns": ["age"], "method": "median"}]}


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The columns of each read of a dataset's data."""
    found: list[list[str]] = []
    real = OpenedDataset._read

    def read(self: OpenedDataset, names: Sequence[str]) -> pa.Table:
        found.append(list(names))
        return real(self, names)

    monkeypatch.setattr(OpenedDataset, "_read", read)
    return found


@pytest.mark.parametrize("changes", [{}, {"recipe": RECIPE}, {"weights_column": "age", "holdout_share": 0.2}])
def test_a_plan_reads_its_dataset_once(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reads: list[list[str]], changes: dict[str, Any]
) -> None:
    monkeypatch.setattr(registry, "_CACHE_BYTES", 0)  # it does not lean on what is kept in memory
    datasets = Datasets(settings)
    dataset = datasets.add(write_customers(tmp_path / "customers.csv", 120, seed=1), "customers.csv")
    wanted = replace(propose(datasets.open(dataset.id), "buys", experiment="x"), **changes)
    reads.clear()
    make_plan(wanted, datasets, settings)
    assert reads == [list(dataset.schema.names)]


@pytest.mark.slow
def test_a_run_is_planned_once_and_reads_its_dataset_once(
    fresh_home: Home, monkeypatch: pytest.MonkeyPatch, reads: list[list[str]]
) -> None:
    plans = []
    monkeypatch.setattr(trainer, "make_plan", lambda *args: (plans.append(args), make_plan(*args))[1])
    monkeypatch.setattr(QueueWork, "explain", lambda *_: None)  # reads the rows that it explains
    jobs = fresh_home.services.jobs
    run_id = jobs.submit(fresh_home.settings())
    jobs.start()
    status = jobs.wait(run_id, 60).status
    jobs.stop()
    assert status == "finished"
    assert len(plans) == 1
    assert reads == [list(fresh_home.dataset.schema.names)]


def test_a_type_that_changed_since_makes_another_plan(fresh_home: Home) -> None:
    services, dataset_id = fresh_home.services, fresh_home.dataset.id
    planner = Trainer(services.settings, services.datasets, services.store, services.ledger, services.engine)
    first = planner.plan(fresh_home.settings())
    assert planner.plan(first.settings) is first
    services.datasets.set_type(dataset_id, "age", "category")
    assert planner.plan(first.settings).features["age"].type == "category"
    services.datasets.delete(dataset_id, used_by=())
    with pytest.raises(DatasetNotFoundError):
        planner.plan(first.settings)


def test_a_description_is_read_once(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    datasets, others = Datasets(settings), Datasets(settings)
    dataset = datasets.add(write_customers(tmp_path / "customers.csv", 50, seed=1), "customers.csv")
    parsed, real = [], registry.from_json
    monkeypatch.setattr(registry, "from_json", lambda *args, **what: (parsed.append(1), real(*args, **what))[1])
    assert [datasets.list(), datasets.versions("customers"), (datasets.open(dataset.id).about,)] == [(dataset,)] * 3
    assert len(parsed) == 1
    others.rename(dataset.id, "others")
    assert datasets.get(dataset.id).name == "others"
