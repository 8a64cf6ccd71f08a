"""Columns with a role: weights, folds, time, group; who is held out, and what is not a feature."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.model_selection import StratifiedGroupKFold

from core.data.datasets.registry import Datasets
from core.domain.training import TrainingSettings
from core.errors import AppError, TrainingSettingsError
from core.settings import Settings
from core.training.plan.plan import Plan, make_plan

pytestmark = pytest.mark.slow
N = 120
MakePlan = Callable[..., Plan]


def make_row(row: int) -> str:
    day = f"2024-{row % 12 + 1:02d}-{row % 5 + 1:02d}"
    weight, target = (row * 7 % 10) / 4, "yes" if row % 7 < 2 else "no"
    part = 0 if target == "yes" else row % 3 + 1
    return f"{row % 7}.5,{'abc'[row % 3]},{day},s{row % 15},{part},{weight},{target}"


TEXT = "\n".join(["size,kind,day,store,part,weight,target", *(make_row(row) for row in range(N))]) + "\n"


@pytest.fixture
def plan(settings: Settings, tmp_path: Path) -> MakePlan:
    def make(text: str = TEXT, **changes: object) -> Plan:
        path = tmp_path / "rows.csv"
        path.write_text(text, encoding="utf-8")
        datasets = Datasets(settings)
        dataset = datasets.add(path, path.name)
        base = TrainingSettings(dataset_id=dataset.id, target="target", experiment="test", task="binary")
        return make_plan(replace(base, **changes), datasets, settings)  # type: ignore[arg-type]

    return make


def column(name: str, text: str = TEXT) -> np.ndarray:
    lines = [line.split(",") for line in text.splitlines()]
    place = lines[0].index(name)
    return np.array([line[place] for line in lines[1:]])


def test_a_split_by_time_holds_out_the_latest_rows_and_makes_blocks(plan: MakePlan) -> None:
    made = plan(split="time", split_column="day", holdout_share=0.25, nfolds=3)
    days = column("day")
    assert min(days[made.holdout_rows]) > max(days[made.train_rows])
    assert len(made.holdout_rows) == 30
    in_time = np.argsort(days[made.train_rows], kind="stable")
    assert (np.diff(made.folds[in_time]) >= 0).all()
    assert (int(made.folds.max()) + 1, made.fold_column) == (3, "bellwether_fold")
    assert "day" not in made.features
    assert made.features.names == ("size", "kind", "store", "part", "weight")


def test_a_split_by_group_never_parts_a_group(plan: MakePlan) -> None:
    made = plan(split="group", split_column="store", holdout_share=0.2, nfolds=4)
    stores, target = column("store"), column("target")
    assert not set(stores[made.holdout_rows]) & set(stores[made.train_rows])
    for store in set(stores[made.train_rows]):
        assert len(set(made.folds[stores[made.train_rows] == store])) == 1
    assert "store" not in made.features
    # The same as scikit-learn makes of the training rows.
    groups = np.unique(stores[made.train_rows], return_inverse=True)[1]
    classes = (target[made.train_rows] == "yes").astype(int)
    splitter = StratifiedGroupKFold(4, shuffle=True, random_state=1)
    for number, (_, rows) in enumerate(splitter.split(groups, classes, groups)):
        assert set(made.folds[rows]) == {number}


def test_the_values_of_a_fold_column_are_the_folds(plan: MakePlan) -> None:
    made = plan(fold_column="kind", holdout_share=0.2)
    assert ["abc".index(kind) for kind in column("kind")[made.train_rows]] == made.folds.tolist()
    assert "kind" not in made.features
    assert made.folds.max() == 2


def test_rows_of_weight_0_are_left_out_and_counted(plan: MakePlan) -> None:
    made = plan(weights_column="weight", holdout_share=0.2)
    weights = column("weight").astype(float)
    used = np.sort(np.concatenate([made.train_rows, made.holdout_rows]))
    assert np.array_equal(used, np.flatnonzero(weights > 0))
    assert made.dropped_rows == int((weights == 0).sum()) > 0
    assert "weight" not in made.features
    assert made.settings.exclude_algos == ("StackedEnsemble",)


def test_rows_for_blending_are_a_part_of_their_own(plan: MakePlan) -> None:
    made = plan(blending_share=0.25, holdout_share=0.2)
    parts = [set(made.train_rows), set(made.holdout_rows), set(made.blending_rows)]
    assert [len(part) for part in parts] == [72, 24, 24]
    assert set.union(*parts) == set(range(N))


def test_the_fold_column_of_the_engine_never_meets_a_name_that_is_there(plan: MakePlan) -> None:
    text = TEXT.replace("size", "bellwether_fold")
    made = plan(text, split="group", split_column="store")
    assert made.fold_column == "bellwether_fold_"


def test_a_recipe_that_drops_a_role_column_changes_nothing_about_the_role(plan: MakePlan) -> None:
    recipe = {"recipe_version": 1, "steps": [{"kind": "drop", "columns": ["store", "weight"]}]}
    plain = plan(split="group", split_column="store", weights_column="weight", holdout_share=0.2)
    made = plan(split="group", split_column="store", weights_column="weight", holdout_share=0.2, recipe=recipe)
    assert np.array_equal(made.train_rows, plain.train_rows)
    assert np.array_equal(made.folds, plain.folds)
    assert made.inputs.names == made.features.names == ("size", "kind", "day", "part")


def test_what_a_recipe_makes_of_a_group_is_no_feature_but_the_month_of_a_time_is(plan: MakePlan) -> None:
    recipe = {
        "recipe_version": 1,
        "steps": [
            {"kind": "one_hot", "columns": ["store"]},
            {"kind": "date_parts", "column": "day", "parts": ["month"]},
        ],
    }
    by_group = plan(split="group", split_column="store", recipe=recipe)
    assert not [name for name in by_group.features.names if name.startswith("store")]
    by_time = plan(split="time", split_column="day", recipe=recipe)
    assert "day" not in by_time.features
    assert [name for name in by_time.features.names if "month" in name]
    assert [name for name in by_time.features.names if name.startswith("store")]


def test_folds_are_made_of_the_rows_that_a_recipe_leaves(plan: MakePlan) -> None:
    text = TEXT + "\n".join(make_row(row) for row in range(40)) + "\n"
    recipe = {"recipe_version": 1, "steps": [{"kind": "drop_duplicates"}]}
    made = plan(text, split="time", split_column="day", recipe=recipe)
    assert len(made.folds) == len(made.train_rows) < N + 40
    days = column("day", text)[made.train_rows]
    assert (np.diff(made.folds[np.argsort(days, kind="stable")]) >= 0).all()


MANY = "\n".join(f"{n}{line}" if n else line for n, line in enumerate(TEXT.splitlines()))
BAD: dict[str, tuple[dict[str, object], str, str]] = {
    "fold column of one value": ({"fold_column": "kind"}, re.sub(",[bc],", ",a,", TEXT), "single fold"),
    "fold column with a gap": ({"fold_column": "kind"}, TEXT.replace(",b,", ",,"), "missing in 40 of 120"),
    "fold column of many values": ({"fold_column": "size"}, MANY, "at most 20"),
    "a class in one fold": ({"fold_column": "part"}, TEXT, "in one fold"),
    "weights negative": ({"weights_column": "weight"}, TEXT.replace(",0.25,", ",-0.25,"), "negative"),
    "weights missing": ({"weights_column": "weight"}, TEXT.replace(",0.25,", ",,"), "missing"),
    "weights all 0": (
        {"weights_column": "weight"},
        re.sub(r",[\d.]+,(yes|no)\n", r",0,\1\n", TEXT),
        "is 0",
    ),
    "weights of words": ({"weights_column": "kind"}, TEXT, "type category"),
    "time with a gap": ({"split": "time", "split_column": "day"}, TEXT.replace("2024-01-01", ""), "missing"),
    "time of words": ({"split": "time", "split_column": "kind"}, TEXT, "no order in time"),
    "group with a gap": ({"split": "group", "split_column": "kind"}, TEXT.replace(",b,", ",,"), "missing"),
    "too few groups": ({"split": "group", "split_column": "kind"}, TEXT, "3 groups"),
    "unknown weights": ({"weights_column": "nope"}, TEXT, "'nope'"),
    "constraint on a category": ({"monotone_constraints": {"kind": 1}}, TEXT, "category 'kind'"),
    "constraint on nothing": ({"monotone_constraints": {"nope": 1}}, TEXT, "not a feature"),
    "constraint on the weights": (
        {"monotone_constraints": {"weight": 1}, "weights_column": "weight"}, TEXT, "not a feature",
    ),
    "factors for three classes": (
        {"balance_classes": True, "class_sampling_factors": (1.0, 2.0, 3.0)}, TEXT, "3 class sampling factors for 2",
    ),
    "a holdout without a class": (
        {"split": "time", "split_column": "size", "holdout_share": 0.1, "target": "late"},
        "size,kind,late\n" + "".join(f"{n},{'abc'[n % 3]},{'yes' if n < 50 and n % 2 else 'no'}\n" for n in range(100)),
        "holdout would have 0 rows of the class 'yes'",
    ),
    "a holdout without one of several classes": (
        {"split": "time", "split_column": "size", "holdout_share": 0.1, "target": "late", "task": "multiclass"},
        "size,kind,late\n" + "".join(f"{n},{'abc'[n % 3]},{'xy'[n % 2] if n > 9 else 'z'}\n" for n in range(100)),
        "holdout would have 0 rows of the class 'z'",
    ),
    "a class of two rows and a holdout": (
        {"holdout_share": 0.2, "target": "late", "task": "multiclass"},
        "size,kind,late\n" + "".join(f"{n},{'abc'[n % 3]},{'xy'[n % 2] if n > 1 else 'z'}\n" for n in range(60)),
        "holdout would have 0 rows of the class 'z'",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD, ids=BAD.keys())
def test_columns_that_cannot_have_their_role_are_refused_with_what_to_change(plan: MakePlan, case: str) -> None:
    changes, text, words = BAD[case]
    with pytest.raises(AppError, match=words) as caught:
        plan(text, **changes)
    assert isinstance(caught.value, TrainingSettingsError)
    assert caught.value.hint


@pytest.mark.parametrize("least", ["0", "-1"])
def test_what_the_hint_for_a_distribution_names_works(plan: MakePlan, least: str) -> None:
    text = TEXT.replace("size", "amount").replace("\n0.5,", f"\n{least},")
    with pytest.raises(TrainingSettingsError) as caught:
        plan(text, target="amount", task="regression", distribution="gamma")
    named = [name for name in ("tweedie", "gaussian", "laplace", "huber") if name in caught.value.hint]
    assert named
    for name in named:
        assert plan(text, target="amount", task="regression", distribution=name).settings.distribution == name


def test_numbers_that_a_distribution_does_not_have_are_refused(plan: MakePlan) -> None:
    text = TEXT.replace("size", "amount")
    for distribution, words in (("gamma", "above 0"), ("poisson", "no negative")):
        shown = text if distribution == "gamma" else text.replace("\n0.5,", "\n-3.5,")
        shown = shown.replace("\n0.5,", "\n0,")
        with pytest.raises(TrainingSettingsError, match=words):
            plan(shown, target="amount", task="regression", distribution=distribution)
    assert plan(text, target="amount", task="regression", distribution="gamma").settings.distribution == "gamma"
