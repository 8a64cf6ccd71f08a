"""One file scored by two models: who moves, which is better on it, and what that brings."""

from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from core.errors import DataError
from core.metrics.policy import Policy
from core.metrics.profits import Money
from core.models.decisions import save_policy
from core.scoring.swap import changed_rows, swap_set
from tests.fixtures_runs import run_to_end, write_customers


def score_both(services, path, models):
    with closing(services.scorer.open(path, path.name)) as file:
        return services.scorer.score_beside(file, models, person="Ann")


@pytest.fixture
def pair(own_home, tmp_path):
    path = write_customers(tmp_path / "new.csv", seed=11)
    models = own_home.services.store.models(run_id=own_home.runs[0].run_id)[:2]
    return own_home.services, path, models


def test_who_moves_is_counted_by_label(pair) -> None:
    services, path, models = pair
    first, second = score_both(services, path, models)
    found = swap_set(first, second)
    before, after = (np.array(one.results["prediction"].to_pylist()) for one in (first, second))
    assert (found.n_rows, found.n_changed) == (240, int((before != after).sum()))
    assert found.n_changed > 0
    for move in found.moves:
        assert move.n_rows == int(((before == move.before) & (after == move.after)).sum())
    changed = changed_rows(first, second)
    assert set(changed) == set(np.flatnonzero(before != after))
    distance = np.abs(np.subtract(*(one.results["probability_yes"].to_numpy() for one in (second, first))))
    assert (np.diff(distance[changed]) <= 0).all()


def test_metrics_are_compared_on_the_rows_with_an_actual_value(pair) -> None:
    services, path, models = pair
    lines = path.read_text().splitlines()
    lines[1:41] = [line.rpartition(",")[0] + "," for line in lines[1:41]]
    path.write_text("\n".join(lines) + "\n")
    first, second = score_both(services, path, models)
    found = swap_set(first, second)
    assert found.n_compared == 200
    truth = np.array([line.endswith("yes") for line in lines[41:]])
    auc = next(one for one in found.differences if one.metric == "auc")
    for value, scored in ((auc.first, first), (auc.second, second)):
        assert value == pytest.approx(roc_auc_score(truth, scored.results["probability_yes"].to_numpy()[40:]))


def test_profit_is_compared_where_a_policy_has_money(pair) -> None:
    services, path, models = pair
    money = Money(10, -4, -1, unit="EUR")
    save_policy(services.ledger, models[0], Policy(threshold=0.3, rule="money", money=money), person="Ada", why="costs")
    first, second = score_both(services, path, models)
    found = swap_set(first, second)
    truth = np.array([line.endswith("yes") for line in path.read_text().splitlines()[1:]])
    totals = []
    for scored in (first, second):
        yes = np.array(scored.results["prediction"].to_pylist()) == "yes"
        totals.append(10 * (yes & truth).sum() - 4 * (yes & ~truth).sum() - (~yes & truth).sum())
    assert (found.profit.first, found.profit.second) == pytest.approx([1000 * total / 240 for total in totals])
    assert found.profit.low < found.profit.value < found.profit.high
    assert found.unit == "EUR"


def test_a_file_without_the_target_has_no_metrics_and_no_record_is_kept(pair, tmp_path) -> None:
    services, _, models = pair
    path = write_customers(tmp_path / "unlabelled.csv", seed=11, with_target=False)
    found = swap_set(*score_both(services, path, models))
    assert (found.n_compared, found.differences, found.profit) == (0, (), None)
    assert services.ledger.entries(action="compare")[0].detail["rows"] == 240
    assert not services.ledger.entries(action="score")


@pytest.mark.slow
def test_numbers_rise_and_fall(own_home, tmp_path) -> None:
    services = own_home.services
    run = run_to_end(
        services, own_home.settings(target="premium", task="regression", experiment="prices"), explain=False
    )
    models = services.store.models(run_id=run.run_id)[:2]
    first, second = score_both(services, write_customers(tmp_path / "new.csv", seed=11), models)
    found = swap_set(first, second)
    assert found.n_changed is None
    before, after = (one.results["prediction"].to_numpy() for one in (first, second))
    counts = {"higher": (after > before).sum(), "lower": (after < before).sum(), "equal": (after == before).sum()}
    assert {move.after: move.n_rows for move in found.moves} == counts
    assert {move.after: move.n_rows for move in swap_set(first, first).moves} == {"higher": 0, "lower": 0, "equal": 240}
    assert {one.metric for one in found.differences} == {"rmse", "mae", "r2", "rmsle"}
    assert len(changed_rows(first, second)) == 240


def test_models_of_different_classes_are_refused(pair) -> None:
    services, path, models = pair
    first, second = score_both(services, path, models)
    with pytest.raises(DataError, match="do not predict the same") as refused:
        swap_set(first, replace(second, spec=replace(second.spec, classes=("a", "b"), positive="b")))
    assert refused.value.code == "compare.targets"
