"""The checklist of a review: each item from what is stored, its numbers held against other ways to them."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from core.domain.models import Origin
from core.domain.runs import Verdict
from core.ledger.problem_cards import ProblemCard
from core.metrics.predictions import Predictions
from core.models.opened import StoredModel
from core.review import checklist
from core.review.checklist import TITLES, Check, is_green
from core.review.difference import OTHER_ROWS, compare_with_champion
from tests.fixtures_runs import Home, run_to_end, write_customers


def items(home: Home, model) -> dict[str, Check]:
    return {check.topic: check for check in home.services.checklists.of(model)}


def leader(home: Home, run=None):
    store = home.services.store
    return store.resolve(f"models:/{(run or home.runs[0]).leader_id}")


def test_every_item_is_there_with_numbers_and_where_they_are_from(trained: Home):
    found = items(trained, leader(trained))
    assert list(found) == list(TITLES)
    assert found["leakage"].state == found["holdout"].state == found["baselines"].state == "ok"
    assert [found[topic].state for topic in ("fairness", "drift", "reproducible")] == ["not known"] * 3
    model = leader(trained)
    assert f"{model.metrics['cv_auc']:.4f}" in found["baselines"].text
    assert found["baselines"].origin == "cross-validation"
    opened = StoredModel(trained.services.store, model).predictions("holdout")
    auc = roc_auc_score(opened.is_class("yes"), opened.probability("yes"))
    assert f"holdout {auc:.4f}" in found["holdout"].text
    assert "240 rows" in found["leakage"].origin


@pytest.mark.slow
def test_a_column_that_gives_the_target_away_is_found_where_the_model_uses_it(fresh_home: Home, tmp_path):
    services = fresh_home.services
    lines = write_customers(tmp_path / "leak.csv").read_text().splitlines()
    leaky = [lines[0] + ",called_back", *(f"{line},{'y' if line.endswith('yes') else 'n'}" for line in lines[1:])]
    (tmp_path / "leak.csv").write_text("\n".join(leaky))
    home = replace(fresh_home, dataset=services.datasets.add(tmp_path / "leak.csv", "leak.csv"))
    for ignored, state in ((("customer_id",), "not ok"), (("customer_id", "called_back"), "ok")):
        run = run_to_end(services, home.settings(ignored=ignored, experiment=f"leak {state}"), explain=False)
        found = items(home, leader(home, run))["leakage"]
        assert found.state == state
        assert ("called_back" in found.text) == (state == "not ok")


def test_groups_are_compared_when_the_problem_card_asks_for_it(own_home: Home):
    services, model = own_home.services, leader(own_home)
    unasked = items(own_home, model)["fairness"]
    assert unasked.state == "not known"
    assert unasked.text.startswith("Nobody asked for it on the problem card. Smallest ratio of selection rates: age 0.")
    services.problems.save("customers", ProblemCard(groups=("city",)), person="Ann")
    found = items(own_home, model)["fairness"]
    stored = StoredModel(services.store, model)
    predictions = stored.predictions("cv")
    chosen = predictions.probability("yes") >= stored.spec.threshold
    data = services.datasets.open(stored.spec.dataset_id).typed(["city"])["city"].to_numpy()[predictions.rows]
    rates = [chosen[data == city].mean() for city in np.unique(data)]
    assert f"city {min(rates) / max(rates):.2f}" in found.text
    assert found.state == ("ok" if min(rates) / max(rates) >= 0.8 else "not ok")


@pytest.mark.parametrize("is_same", [True, False])
def test_training_again_counts_once_somebody_has_done_it(own_home: Home, is_same: bool):
    store, run = own_home.services.store, own_home.runs[0]
    verdict = Verdict(run.run_id, run.run_id, is_same, 3, 30, 0.0 if is_same else 0.25, is_same)
    store.update_run(run.run_id, verification=verdict)
    found = items(own_home, leader(own_home))["reproducible"]
    assert found.state == ("ok" if is_same else "not ok")
    assert "3 models and 30 metrics" in found.text


def test_a_model_no_better_than_a_constant_is_not_ok(own_home: Home):
    model = replace(leader(own_home), no_better="No better than a guess: AUC 0.5.")
    found = items(own_home, model)
    assert (found["baselines"].state, found["baselines"].text) == ("not ok", model.no_better)
    assert not is_green(found.values())


def test_what_is_not_known_does_not_speak_against_a_model():
    known = [Check("drift", "not known", ""), Check("leakage", "ok", "")]
    assert is_green(known)
    assert not is_green([*known, Check("weak", "not ok", "")])


def test_probabilities_far_from_the_truth_are_not_ok(trained: Home):
    found = StoredModel(trained.services.store, leader(trained)).predictions("cv")
    truth = found.is_class("yes")
    assert checklist._calibration([found.with_probability(np.full(len(truth), truth.mean()))]).state == "ok"
    shifted = np.linspace(0.7, 0.99, len(truth))  # whoever it is
    assert checklist._calibration([found.with_probability(shifted)]).state == "not ok"


# --- the difference to the champion -----------------------------------------------------------------------------------


def test_two_models_of_one_run_are_compared_on_the_same_rows_and_who_moves_is_counted(trained: Home):
    services = trained.services
    champion, model = services.store.models(run_id=trained.runs[0].run_id)[:2]
    found = compare_with_champion(services.store, services.ledger, champion, model)
    pair = [StoredModel(services.store, one) for one in (champion, model)]
    answers = [one.predictions("holdout") for one in pair]
    auc = [roc_auc_score(one.is_class("yes"), one.probability("yes")) for one in answers]
    headline = found.headline("auc")
    assert (headline.first, headline.second) == (pytest.approx(auc[0]), pytest.approx(auc[1]))
    before, after = (one.probability("yes") >= p.spec.threshold for one, p in zip(answers, pair, strict=True))
    assert (found.gained, found.lost) == ((after & ~before).sum(), (before & ~after).sum())
    assert (found.origin, found.n_rows, found.money) == ("holdout", len(before), None)
    assert set(found.worse()) | set(found.better()) <= set(found.differences)


def test_models_of_another_truth_on_the_same_rows_are_not_compared(trained: Home, monkeypatch: pytest.MonkeyPatch):
    services, run = trained.services, trained.runs[0]
    first, second = services.store.models(run_id=run.run_id)[:2]
    read = StoredModel.predictions

    def of_another_target(self: StoredModel, origin: Origin) -> Predictions:
        found = read(self, origin)
        return found if self.info.id == first.id else replace(found, codes=1 - found.codes)

    assert compare_with_champion(services.store, services.ledger, first, second).differences
    monkeypatch.setattr(StoredModel, "predictions", of_another_target)
    assert compare_with_champion(services.store, services.ledger, first, second).reason == OTHER_ROWS


@pytest.mark.slow
def test_models_judged_on_other_rows_are_not_compared(own_home: Home):
    services = own_home.services
    other = run_to_end(services, own_home.settings(seed=77, holdout_share=0.4), explain=False)
    found = compare_with_champion(services.store, services.ledger, leader(own_home), leader(own_home, other))
    assert found.differences == ()
    assert found.reason == OTHER_ROWS
