"""``compare``: models on the rows they were judged on, and on a file."""

import argparse
import json
from pathlib import Path

import pytest

from core.cli.commands import compare as command
from core.errors import DataError, ModelNotFoundError
from tests.fixtures_runs import write_customers


def asked(*words: object) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    args = parser.parse_args(list(map(str, words)))
    command.check(args)
    return args


def test_differences_name_both_models_metric_interval_and_whether_they_are_tied(own_home) -> None:
    models = own_home.services.store.models(run_id=own_home.runs[0].run_id)
    found = command.compare(asked(*(model.uri for model in models)), own_home.services)
    json.dumps(found)
    assert [one["uri"] for one in found["models"]] == [model.uri for model in models]
    assert found["metrics"][models[1].uri]["cv_auc"] == models[1].metrics["cv_auc"]
    assert found["compared_on"] == {"origin": "holdout", "rows": 48}
    assert {(one["model_from"], one["model_to"]) for one in found["differences"]} == {
        (models[0].uri, models[1].uri), (models[0].uri, models[2].uri),
    }  # fmt: skip
    for one in found["differences"]:
        assert one["low"] <= one["difference"] <= one["high"]
        assert one["tied"] is (one["low"] <= 0 <= one["high"])
    assert found["swap"] is None


def test_with_a_file_it_is_said_who_moves_and_who_is_better(own_home, tmp_path: Path) -> None:
    path = write_customers(tmp_path / "new.csv", seed=11)
    models = own_home.services.store.models(run_id=own_home.runs[0].run_id)[:2]
    found = command.compare(asked(*(model.uri for model in models), "--data", path), own_home.services)
    (swap,) = found["swap"]
    assert (swap["model_from"], swap["model_to"], swap["rows"]) == (models[0].uri, models[1].uri, 240)
    assert swap["changed"] == sum(move["rows"] for move in swap["moves"])
    assert {one["metric"] for one in swap["differences"]} >= {"auc", "logloss"}
    assert (swap["rows_with_actual_values"], swap["profit_per_1000_rows"]) == (240, None)


def test_models_that_were_not_judged_on_the_same_rows_are_named(own_home) -> None:
    store = own_home.services.store
    models = store.models(run_id=own_home.runs[0].run_id)[:2]
    store.drop_model_files(models[1].id)
    found = command.compare(asked(*(model.uri for model in models)), own_home.services)
    assert found["differences"] == []
    assert "Files and predictions were not kept." in found["not_compared"]


@pytest.mark.parametrize("words", [["models:/m-1"], ["a", "a"], [f"m{n}" for n in range(11)]])
def test_two_to_ten_different_models_can_be_compared(words: list[str]) -> None:
    with pytest.raises(DataError) as refused:
        asked(*words)
    assert refused.value.code == "compare.count"


def test_two_names_of_one_model_are_one_and_ids_that_do_not_exist_are_refused(own_home) -> None:
    champion = own_home.services.store.champion("customers")
    with pytest.raises(DataError, match="1 different models"):
        command.compare(asked(champion.uri, "models:/customers@champion"), own_home.services)
    with pytest.raises(ModelNotFoundError):
        command.compare(asked(champion.uri, "models:/m-" + "0" * 32), own_home.services)
    with pytest.raises(DataError, match="not a file"):
        asked("a", "b", "--data", "nowhere.csv")
