import csv
import io
import json
from dataclasses import replace

import pyarrow as pa
import pytest

from core.domain.training import TrainingSettings
from core.plain import from_plain
from core.store.items import MAX_PARAM_CHARS, Artifact, Metric, Param, iter_events, iter_leaderboard, iter_settings

SETTINGS = TrainingSettings(
    dataset_id="d" * 32, target="bought", experiment="sales", task="binary", ignored=("id", "zip"), max_models=3
)


def params(settings: TrainingSettings) -> dict[str, str]:
    return {item.name: item.value for item in iter_settings(settings) if isinstance(item, Param)}


def test_factors_plans_and_constraints_become_params_that_can_be_read():
    plan = ({"name": "GBM", "alias": "all"}, {"name": "GLM"})
    found = params(
        replace(
            SETTINGS, class_sampling_factors=(1.0, 2.5), modeling_plan=plan, monotone_constraints={"age": 1, "bmi": -1}
        )
    )
    assert found["class_sampling_factors"] == "1.0, 2.5"
    assert found["modeling_plan"] == '{"name": "GBM", "alias": "all"}, {"name": "GLM"}'
    assert found["monotone_constraints"] == '{"age": 1, "bmi": -1}'
    assert "monotone_constraints" not in params(SETTINGS)


def test_settings_become_params_without_what_is_not_given():
    found = params(SETTINGS)
    assert found["target"] == "bought"
    assert found["ignored"] == "id, zip"
    assert found["max_models"] == "3"
    assert found["balance_classes"] == "False"
    assert "positive" not in found
    assert "include_algos" not in found


def test_settings_json_holds_everything():
    (artifact,) = [item for item in iter_settings(SETTINGS) if isinstance(item, Artifact)]
    assert artifact.path == "settings.json"
    assert isinstance(artifact.data, bytes)
    assert from_plain(TrainingSettings, json.loads(artifact.data)) == SETTINGS


@pytest.mark.parametrize("count", [1, 2000])
def test_a_param_is_never_longer_than_mlflow_takes(count: int):
    found = params(replace(SETTINGS, ignored=("column" * 1100,) * count, target="t" * 7000))
    assert all(len(value) <= MAX_PARAM_CHARS for value in found.values())
    assert found["ignored"].endswith(f"({count} in all; see settings.json)")
    assert found["target"].endswith("…")


def test_leaderboard_is_csv_in_the_order_given():
    table = pa.table({"model_id": ["GBM_2", 'a,"b"'], "auc": [0.9, None]})
    (item,) = iter_leaderboard(table)
    assert isinstance(item, Artifact)
    assert isinstance(item.data, bytes)
    rows = list(csv.reader(io.StringIO(item.data.decode())))
    assert (item.path, rows) == ("leaderboard.csv", [["model_id", "auc"], ["GBM_2", "0.9"], ['a,"b"', ""]])


def test_events_keep_line_breaks_and_unicode():
    events = [("10:00:01", "ModelTraining", "GBM: 中\nline two"), ("10:00:02", "Workflow", "done")]
    (item,) = iter_events(events)
    assert isinstance(item, Artifact)
    assert isinstance(item.data, bytes)
    rows = list(csv.reader(io.StringIO(item.data.decode(), newline="")))
    assert rows == [["time", "stage", "message"], *map(list, events)]


def test_a_metric_is_of_now_and_of_step_0_unless_said():
    assert (Metric("auc", 0.5).step, Metric("auc", 0.5).timestamp) == (0, None)
