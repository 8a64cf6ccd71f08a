"""What can be compared: the same target, data and rows judged on."""

from dataclasses import replace

import pytest

from core.domain.training import TrainingSettings
from core.models.judged import group_runs, judged_on, judged_words
from tests.fixtures_store import make_run

ASKED = TrainingSettings(dataset_id="d1", target="y", experiment="e", task="binary", holdout_share=0.2)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"max_models": 20, "nfolds": 10, "experiment": "f", "ignored": ("a",)}, ""),
        ({"seed": 2}, "Other rows held out: 20% at random, seed 2; here 20% at random, seed 1"),
        ({"holdout_share": 0.0}, "Other rows held out: none; here 20% at random, seed 1"),
        ({"split": "time", "split_column": "day"}, "Other rows held out: 20% the latest by day; here 20% at random"),
        ({"target": "z"}, "Another target: z; here y"),
        ({"dataset_id": "d2"}, "Other data: new; here old"),
        ({"weights_column": "w"}, "Rows weighted otherwise: w; here each counts once"),
        ({"blending_share": 0.1}, "Other rows set aside for ensembles: 10% at random, seed 1; here none"),
    ],
)
def test_runs_that_cannot_be_compared_say_why(changes: dict, reason: str) -> None:
    found = judged_on(replace(ASKED, **changes)).unlike(judged_on(ASKED), "new", "old")
    assert found.startswith(reason)
    assert bool(found) is bool(reason)


def test_without_a_holdout_the_seed_does_not_matter_and_a_split_by_time_has_none() -> None:
    no_holdout = replace(ASKED, holdout_share=0.0)
    assert judged_on(no_holdout) == judged_on(replace(no_holdout, seed=9))
    by_time = replace(ASKED, split="time", split_column="day")
    assert judged_on(by_time) == judged_on(replace(by_time, seed=9))


def test_several_reasons_are_all_said_and_versions_of_one_dataset_are_told_apart() -> None:
    found = judged_on(replace(ASKED, dataset_id="d2", seed=3)).unlike(judged_on(ASKED), "customers", "customers")
    assert found.startswith("Another content of the same data. Other rows held out")


def test_runs_are_grouped_in_their_order() -> None:
    runs = [make_run(n, settings=replace(ASKED, seed=seed)) for n, seed in enumerate((1, 2, 1))]
    groups = group_runs(runs)
    assert [[run.run_id for run in group] for group in groups.values()] == [
        [runs[0].run_id, runs[2].run_id], [runs[1].run_id],
    ]  # fmt: skip
    assert judged_words(next(iter(groups)), "customers") == "y · customers · 20% at random, seed 1 held out"
