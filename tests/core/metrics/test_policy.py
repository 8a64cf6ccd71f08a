"""Policies against counting every threshold by brute force; kept in the ledger, and what scoring makes of them."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from core.errors import DataError, ModelError
from core.ledger.database import Ledger
from core.metrics.calibration import fit_calibration
from core.metrics.policy import Policy, make_policy, pick
from core.metrics.profits import Money, profit, profit_curve
from core.metrics.ranking import rank
from core.metrics.threshold import outcomes_at
from core.models.decisions import decide, save_policy
from core.plain import from_plain, to_plain
from tests.core.scoring import test_scorer as test_scoring
from tests.core.scoring.test_scorer import spec

ROWS = st.lists(
    st.tuples(st.booleans(), st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.75, 1.0])), min_size=2, max_size=30
).filter(lambda rows: any(row[0] for row in rows))
MODEL = replace(test_scoring.MODEL, has_files=True)
MONEY = Money(true_positive=40, false_positive=-5, false_negative=-12, true_negative=0.5, unit="EUR")


def _arrays(rows: list[tuple[bool, float]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([row[0] for row in rows]), np.array([row[1] for row in rows])


def _brought(truth: np.ndarray, selected: np.ndarray, money: Money = MONEY) -> np.ndarray:
    """Return what each row brings, one by one."""
    return np.select(
        [truth & selected, ~truth & selected, truth & ~selected],
        [money.true_positive, money.false_positive, money.false_negative],
        money.true_negative,
    )


@settings(max_examples=80, deadline=None)
@given(ROWS)
def test_most_money_equals_counting_every_threshold(rows) -> None:
    truth, p = _arrays(rows)
    every = {cut: _brought(truth, p >= cut).sum() for cut in [*np.unique(p), 2.0]}
    curve = profit_curve(rank(truth, p), MONEY, max_points=1000)
    best = max(every.values())
    assert curve.best.total == pytest.approx(best * 1000 / len(p))
    chosen = pick(rank(truth, p), "money", money=MONEY)
    assert _brought(truth, p >= chosen).sum() == pytest.approx(best)
    points = zip(curve.threshold, curve.share, curve.profit, strict=True)
    for cut, share, brought in points:
        assert share == pytest.approx((p >= cut).mean())
        assert brought == pytest.approx(_brought(truth, p >= cut).sum() * 1000 / len(p))


@settings(max_examples=80, deadline=None)
@given(ROWS, st.sampled_from([0.05, 0.2, 0.5, 0.8, 1.0]))
def test_thresholds_by_rate_equal_looking_at_every_threshold(rows, wanted: float) -> None:
    truth, p = _arrays(rows)
    ranking, cuts = rank(truth, p), np.unique(p)
    recall = {cut: (truth & (p >= cut)).sum() / truth.sum() for cut in cuts}
    precision = {cut: truth[p >= cut].mean() for cut in cuts}
    share = {cut: (p >= cut).mean() for cut in cuts}
    assert pick(ranking, "recall", wanted=wanted) == max(cut for cut in cuts if recall[cut] >= wanted)
    for rule, fitting in (
        ("precision", [cut for cut in cuts if precision[cut] >= wanted]),
        ("share", [cut for cut in cuts if share[cut] <= wanted]),
    ):
        if fitting:
            assert pick(ranking, rule, wanted=wanted) == min(fitting)
        else:
            with pytest.raises(DataError) as caught:
                pick(ranking, rule, wanted=wanted)
            assert caught.value.code == "policy.unreachable"


@settings(max_examples=80, deadline=None)
@given(ROWS)
def test_best_f1_is_the_highest_threshold_of_the_best_ones(rows) -> None:
    truth, p = _arrays(rows)
    f1 = {cut: 2 * (truth & (p >= cut)).sum() / (truth.sum() + (p >= cut).sum()) for cut in np.unique(p)}
    assert pick(rank(truth, p), "f1") == max(cut for cut, value in f1.items() if value == max(f1.values()))


@pytest.mark.parametrize(
    ("rule", "wanted", "what"),
    [
        ("precision", 0.9, "precision is at most 50.0%"),
        ("share", 0.3, "the highest probability alone selects 40.0% "),
    ],
)
def test_what_cannot_be_reached_says_what_can_be_had(rule, wanted: float, what: str) -> None:
    ranking = rank([True, False, True, False, False], [0.8, 0.8, 0.4, 0.4, 0.1])
    with pytest.raises(DataError, match=what):
        pick(ranking, rule, wanted=wanted)


@pytest.mark.parametrize(
    ("rule", "given_", "threshold", "words"),
    [
        ("f1", {}, 0.8, "best F1"),
        ("recall", {"wanted": 0.95}, 0.4, "finds at least 95% of the positive rows"),
        ("precision", {"wanted": 0.6}, 0.4, "is right in at least 60% of the rows it selects"),
        ("share", {"wanted": 0.4}, 0.6, "selects at most 40% of the rows"),
        (
            "money",
            {"money": Money(10, -1)},
            0.4,
            "highest profit (right yes +10, wrong yes -1, missed yes +0, right no +0)",
        ),
        ("threshold", {"threshold": 0.33}, 0.33, "set by hand"),
    ],
)
def test_a_policy_keeps_what_it_was_made_of_and_says_it(rule, given_: dict, threshold: float, words: str) -> None:
    ranking = rank([True, False, True, False, False], [0.8, 0.6, 0.4, 0.2, 0.1])
    policy = make_policy(ranking, rule, origin="holdout", **given_)
    if rule != "f1":
        assert policy.threshold == threshold
    assert (policy.rule, policy.origin, policy.n_rows) == (rule, "holdout", 5)
    assert (policy.wanted, policy.money) == (given_.get("wanted"), given_.get("money"))
    assert policy.words() == f"{words}, chosen on holdout predictions of 5 rows"


def test_the_threshold_of_training_says_nothing_of_rows_and_what_a_rule_does_not_need_is_not_kept() -> None:
    ranking = rank([True, False], [0.8, 0.1])
    policy = make_policy(ranking, "model", origin="cv", threshold=0.2, wanted=0.5, money=MONEY)
    assert (policy.threshold, policy.wanted, policy.money) == (0.2, None, None)
    assert policy.words() == "the threshold stored by training"


@pytest.mark.parametrize("rule", ["recall", "precision", "share", "money", "threshold", "model"])
def test_a_rule_without_its_value_is_a_bug_and_not_a_threshold(rule) -> None:
    with pytest.raises(ValueError, match="needs a value"):
        make_policy(rank([True, False], [0.8, 0.1]), rule, origin="cv")


def test_the_interval_of_a_profit_is_the_normal_one_of_a_sum() -> None:
    rng = np.random.default_rng(2)
    truth, p = rng.random(5000) < 0.15, rng.random(5000)
    brought = _brought(truth, p >= 0.7)
    found = profit(outcomes_at(rank(truth, p), 0.7), MONEY)
    spread = stats.norm.ppf(0.975) * brought.std() * np.sqrt(len(brought))
    assert (found.total, found.low, found.high) == pytest.approx(
        (brought.sum(), brought.sum() - spread, brought.sum() + spread)
    )
    again = [rng.choice(brought, len(brought)).sum() for _ in range(2000)]
    assert np.quantile(again, [0.025, 0.975]) == pytest.approx([found.low, found.high], abs=0.08 * spread)


def test_nobody_is_selected_when_every_row_selected_costs() -> None:
    truth, p = np.array([True, False, False]), np.array([0.9, 0.4, 0.1])
    policy = make_policy(rank(truth, p), "money", origin="cv", money=Money(-1, -1))
    assert outcomes_at(rank(truth, p), policy.threshold).selected == 0


def test_without_a_positive_row_nothing_can_be_picked_but_money() -> None:
    ranking = rank([False, False], [0.1, 0.2])
    with pytest.raises(DataError, match="No row is positive"):
        pick(ranking, "f1")
    assert pick(ranking, "money", money=Money(10, -1)) > 0.2


def test_a_policy_is_read_back_as_it_was_written() -> None:
    rng = np.random.default_rng(3)
    truth = rng.random(1000) < 0.3
    calibration = fit_calibration(truth, rng.random(1000), "isotonic", fitted_on="cross-validation, 1,000 rows")
    policy = Policy(threshold=0.25, rule="money", money=MONEY, origin="holdout", n_rows=1000, calibration=calibration)
    assert from_plain(Policy, to_plain(policy)) == policy
    assert policy.words() == (
        "highest profit (right yes +40 EUR, wrong yes -5 EUR, missed yes -12 EUR, right no +0.5 EUR),"
        " chosen on holdout predictions of 1,000 rows"
    )


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "data" / "bellwether.db")


def test_the_newest_policy_of_a_model_is_in_force_and_the_others_stay(ledger: Ledger) -> None:
    first = save_policy(ledger, MODEL, Policy(threshold=0.4, rule="f1", n_rows=10), why="to begin with", person="Ann")
    save_policy(
        ledger,
        replace(MODEL, version=3),
        Policy(threshold=0.2, rule="threshold", n_rows=10),
        why="call more",
        person="Ann",
    )
    save_policy(ledger, replace(MODEL, id="m-other"), Policy(threshold=0.9, rule="f1"), why="costs", person="Ann")
    newest, oldest = ledger.policies(MODEL.id)
    assert oldest == first
    assert (newest.policy.threshold, newest.why, newest.version) == (0.2, "call more", 3)
    assert [entry.detail["threshold"] for entry in ledger.entries(action="policy", subject=MODEL.uri)] == [0.2, 0.4]
    assert ledger.entries(action="policy", subject=MODEL.uri)[1].person == "Ann"


@pytest.mark.parametrize(
    "statement",
    ["DELETE FROM policies", "UPDATE policies SET why = 'x'", "REPLACE INTO policies SELECT * FROM policies"],
)
def test_policies_cannot_be_changed_or_removed(ledger: Ledger, tmp_path: Path, statement: str) -> None:
    save_policy(ledger, MODEL, Policy(threshold=0.4, rule="f1"), why="costs", person="Ann")
    before = ledger.policies(MODEL.id)
    with (
        closing(sqlite3.connect(tmp_path / "data" / "bellwether.db")) as connection,
        pytest.raises(sqlite3.IntegrityError, match="append-only"),
    ):
        connection.execute(statement)
    assert ledger.policies(MODEL.id) == before


def test_a_ledger_of_before_there_were_policies_is_brought_up_to_date(tmp_path: Path, monkeypatch) -> None:
    import core.ledger.database

    path = tmp_path / "data" / "bellwether.db"
    with monkeypatch.context() as patch:
        patch.setattr(core.ledger.database, "_MIGRATIONS", core.ledger.database._MIGRATIONS[:1])
        Ledger(path).record("train", "run-1")
    ledger = Ledger(path)
    assert ledger.policies(MODEL.id) == ()
    save_policy(ledger, MODEL, Policy(threshold=0.4, rule="f1"), why="costs", person="Ann")
    assert [entry.action for entry in ledger.entries()] == ["policy", "train"]


def test_only_a_stored_model_of_two_classes_takes_a_policy(ledger: Ledger) -> None:
    for model in (replace(MODEL, task="regression"), replace(MODEL, has_files=False)):
        with pytest.raises(ModelError) as caught:
            save_policy(ledger, model, Policy(threshold=0.4, rule="f1"), why="costs", person="Ann")
        assert caught.value.code == "model.no_policy"


def test_a_threshold_given_wins_over_the_policy_which_wins_over_training(ledger: Ledger) -> None:
    own = spec(threshold_origin="max F1")
    assert (decide(ledger, MODEL, own).threshold, decide(ledger, MODEL, own).words) == (0.3, "max F1")
    save_policy(ledger, MODEL, Policy(threshold=0.12, rule="recall", wanted=0.9, n_rows=50), why="audit", person="Ann")
    found = decide(ledger, MODEL, own)
    assert found.threshold == 0.12
    summary = found.summary(own)
    assert summary["Decision"].startswith("1 when probability_1 is at least 0.12 (finds at least 90%")
    assert summary["Policy"].endswith(": audit")
    given_ = decide(ledger, MODEL, own, 0.7)
    assert given_.threshold == 0.7
    assert "given for this file; the model's own is 0.12" in given_.summary(own)["Decision"]
    for wrong, what in ((1.2, own), (0.4, spec(task="regression", classes=(), threshold=None))):
        with pytest.raises(DataError) as caught:
            decide(ledger, MODEL, what, wrong)
        assert caught.value.code == "predict.threshold"


def test_calibrated_probabilities_replace_the_engines(ledger: Ledger) -> None:
    rng = np.random.default_rng(4)
    p = rng.random(2000)
    truth = rng.random(2000) < p**2
    calibration = fit_calibration(truth, p, "platt", fitted_on="cross-validation, 2,000 rows")
    save_policy(ledger, MODEL, Policy(threshold=0.25, rule="f1", calibration=calibration), why="costs", person="Ann")
    decision = decide(ledger, MODEL, spec())
    raw = pa.table({"predict": ["0", "1"], "0": [0.6, 0.2], "1": [0.4, 0.8]})
    found = decision.calibrate(raw, spec())
    assert found.column_names == raw.column_names
    assert found["1"].to_pylist() == pytest.approx(calibration.apply(np.array([0.4, 0.8])).tolist())
    assert found["0"].to_pylist() == pytest.approx([1 - value for value in found["1"].to_pylist()])
    assert found["1"].to_pylist() == pytest.approx([0.4**2, 0.8**2], abs=0.06)
    assert "Platt scaling" in decision.summary(spec())["Probabilities"]
