"""What a run will do, decided before it starts; every bad request is refused with a reason."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.data.datasets.registry import Datasets
from core.domain.datasets import Dataset, RemoteData, RemoteFrame
from core.domain.training import TrainingSettings
from core.errors import DataError, TargetError, TrainingSettingsError
from core.settings import Settings
from core.training.plan.plan import make_plan, propose

pytestmark = pytest.mark.slow

Take = Callable[[str], tuple[Dataset, Datasets]]


@pytest.fixture
def take(settings: Settings, tmp_path: Path) -> Take:
    """Take a CSV text in and return its dataset and the registry."""

    def take_(text: str) -> tuple[Dataset, Datasets]:
        path = tmp_path / "rows.csv"
        path.write_text(text, encoding="utf-8")
        datasets = Datasets(settings)
        return datasets.add(path, path.name), datasets

    return take_


def rows(target: Callable[[int], str], n: int = 60) -> str:
    lines = [f"{row},{row % 7}.5,{'abc'[row % 3]},{target(row)}" for row in range(n)]
    return "\n".join(["id,size,kind,target", *lines]) + "\n"


def wanted(dataset: Dataset, **changes: object) -> TrainingSettings:
    base = TrainingSettings(dataset_id=dataset.id, target="target", experiment="test", task="binary")
    return replace(base, **changes)  # type: ignore[arg-type]


def test_the_positive_class_comes_last_and_ids_are_not_features(take: Take, settings: Settings) -> None:
    dataset, datasets = take(rows(lambda row: "yes" if row % 4 == 0 else "zero"))
    plan = make_plan(wanted(dataset), datasets, settings)
    assert plan.classes == ("zero", "yes")
    assert plan.features.names == ("size", "kind")
    assert plan.features["kind"].levels == ("a", "b", "c")
    assert plan.id_column == "id"


@pytest.mark.parametrize(
    ("what", "changes"),
    [
        ("A split or folds by a column", {"split": "time", "split_column": "size"}),
        ("A split or folds by a column", {"split": "group", "split_column": "size"}),
        ("A split or folds by a column", {"fold_column": "kind"}),
        ("Training without a holdout", {"holdout_share": 0.0}),
        ("A blending frame", {"blending_share": 0.2}),
    ],
)
def test_what_needs_all_rows_is_refused_for_data_of_a_cluster(
    settings: Settings, tmp_path: Path, what: str, changes: dict[str, object]
) -> None:
    path, datasets = tmp_path / "rows.csv", Datasets(settings)
    path.write_text(rows(lambda row: "yes" if row % 4 == 0 else "zero", n=200), encoding="utf-8")
    remote = RemoteData("/mnt/lake/all.csv", RemoteFrame(10_000_000, "17", ()), 0.002, "5")
    dataset, own = datasets.add(path, path.name, remote=remote), datasets.add(path, path.name)
    usual = {"nfolds": 2, "holdout_share": 0.2}
    assert make_plan(wanted(dataset, **usual), datasets, settings).dataset.remote == remote
    make_plan(wanted(own, **usual | changes), datasets, settings)  # a file of one's own has all rows
    with pytest.raises(TrainingSettingsError, match=f"^{what} cannot be had for data that stays") as caught:
        make_plan(wanted(dataset, **usual | changes), datasets, settings)
    assert caught.value.code == "cluster.training"
    assert "add a file" in caught.value.hint


def test_the_rarer_class_is_positive_when_no_name_tells(take: Take, settings: Settings) -> None:
    dataset, datasets = take(rows(lambda row: "alpha" if row % 4 == 0 else "beta"))
    assert make_plan(wanted(dataset), datasets, settings).classes == ("beta", "alpha")
    assert make_plan(wanted(dataset, positive="beta"), datasets, settings).classes == ("alpha", "beta")


def test_the_holdout_is_a_share_of_each_class_and_never_trains(take: Take, settings: Settings) -> None:
    dataset, datasets = take(rows(lambda row: "1" if row % 10 == 0 else "0", n=200))
    plan = make_plan(wanted(dataset, holdout_share=0.25), datasets, settings)
    assert not set(plan.train_rows) & set(plan.holdout_rows)
    assert len(plan.train_rows) + len(plan.holdout_rows) == 200
    assert sum(row % 10 == 0 for row in plan.holdout_rows) == 5
    again = make_plan(wanted(dataset, holdout_share=0.25), datasets, settings)
    assert np.array_equal(plan.holdout_rows, again.holdout_rows)
    other = make_plan(wanted(dataset, holdout_share=0.25, seed=2), datasets, settings)
    assert not np.array_equal(plan.holdout_rows, other.holdout_rows)


def test_rows_without_a_target_are_left_out_and_counted(take: Take, settings: Settings) -> None:
    dataset, datasets = take(rows(lambda row: "" if row < 5 else str(row % 2)))
    plan = make_plan(wanted(dataset), datasets, settings)
    assert plan.dropped_rows == 5
    assert plan.train_rows.min() == 5


def test_a_regression_has_no_classes(take: Take, settings: Settings) -> None:
    dataset, datasets = take(rows(lambda row: f"{row}.25"))
    plan = make_plan(wanted(dataset, task="regression", holdout_share=0.1), datasets, settings)
    assert plan.classes == ()
    assert len(plan.holdout_rows) == 6


@pytest.mark.parametrize(
    ("target", "task"),
    [
        (lambda row: "", "binary"),
        (lambda row: "same", "binary"),
        (lambda row: "7", "regression"),
        (lambda row: "rare" if row == 3 else "common", "binary"),
        (lambda row: "only" if row == 3 else "abc"[row % 3], "multiclass"),
        (lambda row: "abc"[row % 3], "binary"),
        (lambda row: "abc"[row % 3], "regression"),
        (lambda row: f"free text number {row} " * 5, "multiclass"),
    ],
    ids=[
        "missing",
        "constant",
        "constant number",
        "class of one row",
        "one of three",
        "3 as 2",
        "text as number",
        "text",
    ],
)
def test_a_target_that_cannot_be_learned_is_refused(
    take: Take, settings: Settings, target: Callable[[int], str], task: str
) -> None:
    dataset, datasets = take(rows(target))
    with pytest.raises(TargetError) as caught:
        make_plan(wanted(dataset, task=task), datasets, settings)
    assert caught.value.hint
    assert caught.value.code.startswith("target.")


@pytest.mark.parametrize(
    "changes",
    [
        {"max_models": 0},
        {"max_models": -1},
        {"max_runtime_secs": 10**9},
        {"nfolds": 1},
        {"nfolds": 99},
        {"seed": -1},
        {"holdout_share": 0.9},
        {"holdout_share": -0.1},
        {"sort_metric": "rmsle"},
        {"sort_metric": "nonsense"},
        {"include_algos": ("GBM",), "exclude_algos": ("GLM",)},
        {"include_algos": ("CatBoost",)},
        {"include_algos": ("StackedEnsemble",)},
        {"exclude_algos": ("DRF", "GLM", "XGBoost", "GBM", "DeepLearning", "StackedEnsemble")},
        {"ignored": ("nowhere",)},
        {"ignored": ("size", "kind")},
        {"positive": "maybe"},
        {"experiment": "a/b"},
        {"experiment": ""},
        {"task": "clustering"},
    ],
    ids=str,
)
def test_a_request_that_cannot_work_is_refused_before_anything_starts(
    take: Take, settings: Settings, changes: dict[str, object]
) -> None:
    dataset, datasets = take(rows(lambda row: str(row % 2)))
    with pytest.raises((TrainingSettingsError, DataError)) as caught:
        make_plan(wanted(dataset, **changes), datasets, settings)
    assert caught.value.hint


def test_an_unknown_target_is_named(take: Take, settings: Settings) -> None:
    dataset, datasets = take(rows(lambda row: str(row % 2)))
    with pytest.raises(TargetError, match="'nope'"):
        make_plan(wanted(dataset, target="nope"), datasets, settings)


def test_a_first_run_is_proposed_with_task_and_positive_class(take: Take) -> None:
    dataset, datasets = take(rows(lambda row: "true" if row % 3 == 0 else "false"))
    proposed = propose(datasets.open(dataset.id), "target", experiment="test")
    assert (proposed.task, proposed.positive) == ("binary", "true")
