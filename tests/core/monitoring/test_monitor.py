"""Monitoring: drift of scorings, alerts that chance does not raise, outcomes joined by id, and what was promised."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy import stats
from sklearn import metrics

from core.data.drift.chance import alarm_level
from core.data.drift.compare import compare, make_reference, reference_column
from core.data.tables.batches import load_from
from core.data.tables.schema import apply_schema, infer_schema
from core.domain.columns import Column
from core.errors import DataError
from core.ledger.outcome_records import AlertRule, MeasuredOutcomes, Realised
from core.ledger.scoring_records import FeatureDrift, ScoringRecord, ScoringRequest, ScoringSummary
from core.metrics.calibration import Calibration
from core.metrics.policy import Policy
from core.metrics.profits import Money
from core.models.decisions import save_policy
from core.models.opened import StoredModel
from core.monitoring.alerts import find_alerts
from core.scoring.outcomes import Rules, auc_interval, join_outcomes, realise
from tests.fixtures_runs import run_to_end, write_customers

pytestmark = pytest.mark.slow

RULE = AlertRule(psi=0.25, loss=0.1)
MONEY = Money(90.0, -10.0, -5.0, 1.0, unit="EUR")


def champion(home):
    return home.services.store.champion("customers")


def score(home, folder, *, seed=3, n_rows=200, shift=None, **options):
    """Score new customers, whose truth is returned by id; a shift moves their age."""
    known = pd.read_csv(write_customers(folder / f"known{seed}.csv", n_rows, seed=seed))
    if shift:
        known["age"] += shift
    path = folder / f"new{seed}.csv"
    known.drop(columns="buys").to_csv(path, index=False)
    scored = home.services.scorer.score_file(path, path.name, origin=options.pop("origin", "page"), **options)
    return scored, known[["customer_id", "buys"]]


def hand_in(home, truth, **names):
    table = pa.Table.from_pandas(truth.astype(str), preserve_index=False)
    return home.services.monitor.add_outcomes(
        "customers", table, names.get("id", "customer_id"), names.get("target", "buys"), "truth.csv", person="Ann"
    )


def index(was, now):
    was, now = np.maximum(was, 1e-4), np.maximum(now, 1e-4)
    return float(((now - was) * np.log(now / was)).sum())


# --- drift ------------------------------------------------------------------------------------------------------------


def test_the_drift_in_the_record_is_that_of_scipy_and_by_hand(own_home, tmp_path):
    scored, _ = score(own_home, tmp_path, shift=15)
    record = own_home.services.monitor.history("customers")[0]
    reference = {one.name: one for one in StoredModel(own_home.services.store, champion(own_home)).reference.columns}
    source = scored.source.table().to_pandas()
    found = {drift.name: drift for drift in record.summary.drift}

    levels = dict(reference["city"].levels)
    shares = source["city"].value_counts(normalize=True)
    was = np.array([rows / reference["city"].rows for rows in levels.values()])
    assert found["city"].psi == pytest.approx(index(was, shares.reindex(list(levels)).to_numpy()), abs=1e-9)

    age, known = source["age"].astype(float).to_numpy(), reference["age"]
    edges = [-np.inf, *known.borders, np.inf]
    now = pd.Series(pd.cut(age, edges, right=True)).value_counts(sort=False).to_numpy() / len(age)
    assert found["age"].psi == pytest.approx(index(np.array(known.counts) / known.rows, now), abs=1e-9)
    assert found["age"].ks == pytest.approx(stats.ks_2samp(known.sketch, age).statistic, abs=1e-9)
    assert record.summary.drift[0].name == "age"


def test_the_checklist_speaks_of_any_of_the_last_three_files(own_home, tmp_path):
    def drift_check():
        (found,) = (c for c in own_home.services.checklists.of(champion(own_home)) if c.topic == "drift")
        return found

    score(own_home, tmp_path, seed=4, shift=25)
    score(own_home, tmp_path, seed=5)
    found = drift_check()
    assert (found.state, found.origin.partition(" rows")[0]) == ("not ok", "the last 2 files, 400")
    assert re.fullmatch(r"Above 0\.25: age \(PSI \d+\.\d+\)( and .*)? in new4\.csv\.", found.text)
    for seed in (6, 7):
        score(own_home, tmp_path, seed=seed)
    assert (drift_check().state, drift_check().origin.partition(",")[0]) == ("ok", "the last 3 files")


def test_a_file_scored_at_another_threshold_is_one_file_for_the_checklist(own_home, tmp_path):
    model = champion(own_home)
    score(own_home, tmp_path, seed=4, shift=25)
    save_policy(own_home.services.ledger, model, Policy(threshold=0.3, rule="f1"), why="costs", person="Ann")
    score(own_home, tmp_path, seed=4, shift=25)
    assert len({one.summary.threshold for one in own_home.services.monitor.history("customers")}) == 2
    (found,) = (c for c in own_home.services.checklists.of(model) if c.topic == "drift")
    assert found.origin.startswith("the last file, 200 rows")
    assert found.text.count("age (PSI") == found.text.count("new4.csv") == 1


def test_the_drift_of_the_scores_is_against_the_holdout(own_home, tmp_path):
    scored, _ = score(own_home, tmp_path, shift=15)
    model, store = champion(own_home), own_home.services.store
    held = pq.read_table(store.artifact(model.run_id, f"predictions/{model.model_key}/holdout.parquet"))["p_yes"]
    shape = own_home.services.monitor.history("customers")[0].summary.score
    now = scored.results["probability_yes"].to_numpy()
    assert shape.drift.ks == pytest.approx(stats.ks_2samp(held.to_numpy(), now).statistic, abs=1e-9)
    assert shape.expected_quantiles[10] == pytest.approx(float(np.median(held.to_numpy())), abs=1e-12)


def test_calibrated_scores_are_compared_with_calibrated_ones(own_home, tmp_path):
    model = champion(own_home)
    calibration = Calibration("platt", slope=2.0, intercept=-1.0)
    save_policy(
        own_home.services.ledger,
        model,
        Policy(threshold=0.3, rule="f1", calibration=calibration),
        why="costs",
        person="Ann",
    )
    score(own_home, tmp_path)
    shape = own_home.services.monitor.history("customers")[0].summary.score
    held = pq.read_table(
        own_home.services.store.artifact(model.run_id, f"predictions/{model.model_key}/holdout.parquet")
    )["p_yes"]
    assert shape.expected_quantiles[10] == pytest.approx(float(np.median(calibration.apply(held.to_numpy()))), abs=1e-9)


def _as_record(drift, reference, place=0):
    known = {one.name: one for one in reference.columns}
    found = tuple(
        FeatureDrift(
            name=one.name, type=one.type, rows_was=one.rows_was, rows_now=one.rows_now, psi=one.psi, ks=one.ks,
            chance=alarm_level(known[one.name], one.rows_now, len(known)) if one.psi > RULE.psi else 0.0,
        )
        for one in drift.columns
    )  # fmt: skip
    return ScoringRecord(
        id=f"{place:032x}", experiment="e", model_id="m", model_version=1, algo="GBM", submitted_at=datetime.now(UTC),
        origin="page", status="finished", file_name="f", sha256="", n_bytes=0, request=ScoringRequest(),
        summary=ScoringSummary(task="binary", drift=found),
    )  # fmt: skip


@pytest.mark.parametrize(("n_was", "n_now"), [(20_000, 2_000), (20_000, 100), (1_000, 40), (400, 400)])
def test_unchanged_data_alarms_in_at_most_5_of_100_of_200_resamples(test_data, n_was, n_now):
    frame = pd.read_csv(test_data / "adult.csv.gz", dtype=str, keep_default_na=False)
    source = pa.Table.from_pandas(frame, preserve_index=False)
    schema = infer_schema(source)
    typed = apply_schema(source, schema)
    random = np.random.default_rng(5)
    alarms = by_plain_rule = 0
    for place in range(200):
        if not place or n_was <= 1_000:  # so few training rows are resampled, too
            order = random.permutation(len(frame))
            rest = order[n_was:]
            reference = make_reference(load_from(typed.take(order[:n_was])), schema, n_was)
        now = typed.take(random.choice(rest, n_now, replace=False))
        drift = compare(reference, load_from(now), schema, n_now)
        by_plain_rule += any(one.psi > RULE.psi for one in drift.columns)
        alarms += bool(find_alerts([_as_record(drift, reference, place)], {}, RULE))
    assert alarms <= 10
    if n_now <= 100:
        assert by_plain_rule > 10, "the plain rule would alarm more often"


def test_a_real_change_is_still_seen_in_a_small_file(test_data):
    frame = pd.read_csv(test_data / "adult.csv.gz", dtype=str, keep_default_na=False)
    source = pa.Table.from_pandas(frame, preserve_index=False)
    schema = infer_schema(source)
    reference = make_reference(load_from(apply_schema(source, schema)), schema, len(frame))
    older = frame[frame.age.astype(int) > 50].sample(200, random_state=1)
    now = apply_schema(pa.Table.from_pandas(older, preserve_index=False), schema)
    record = _as_record(compare(reference, load_from(now), schema, 200), reference)
    assert "age" in {alert.name for alert in find_alerts([record], {}, RULE)}


@pytest.mark.parametrize("rows_now", [30, 300, 3000])
def test_the_level_of_chance_is_passed_by_few_samples_of_the_same(rows_now):
    random = np.random.default_rng(7)
    column = Column("x", "category")
    shares = np.array([0.5, 0.2, 0.1, 0.1, 0.05, 0.03, 0.02])
    passed = 0
    for _ in range(300):
        was = pa.chunked_array([[f"l{k}" for k in random.choice(7, 1000, p=shares)]])
        known = reference_column(was, column)
        counts = random.multinomial(rows_now, shares) / rows_now
        by_level = {f"l{k}": share for k, share in enumerate(counts)}
        before = np.array([rows / 1000 for _, rows in known.levels])
        now = np.array([by_level[level] for level, _ in known.levels])
        passed += index(before, now) > alarm_level(known, rows_now, 1)
    assert passed <= 12  # 1% of 300 is 3; binomial(300, 0.01) passes 12 in fewer than 1 of 10,000 cases


# --- outcomes ---------------------------------------------------------------------------------------------------------


def test_outcomes_by_id_give_the_metrics_of_scikit_learn(own_home, tmp_path):
    scored, truth = score(own_home, tmp_path)
    shuffled = truth.sample(frac=1, random_state=1).head(150)
    added = hand_in(own_home, shuffled)
    assert (added.n_rows, added.n_matched, added.n_scorings) == (150, 150, 1)
    realised = own_home.services.monitor.realised("customers")[scored.scoring_id]
    predicted = (
        scored.table(as_text=True).to_pandas().merge(shuffled.astype(str), on="customer_id", suffixes=("", "_actual"))
    )
    is_yes, p = predicted["buys"] == "yes", predicted["probability_yes"]
    found = realised.found
    assert (found.n_rows, realised.n_scored) == (150, 200)
    assert found.metrics["auc"] == pytest.approx(metrics.roc_auc_score(is_yes, p), abs=1e-9)
    assert found.metrics["logloss"] == pytest.approx(metrics.log_loss(is_yes, p), abs=1e-9)
    assert found.metrics["f1"] == pytest.approx(metrics.f1_score(is_yes, predicted["prediction"] == "yes"), abs=1e-9)
    assert found.reliability.brier == pytest.approx(metrics.brier_score_loss(is_yes, p), abs=1e-9)
    assert found.actual == pytest.approx(is_yes.mean())
    assert found.predicted == pytest.approx(p.mean())
    assert found.low < found.metrics["auc"] < found.high
    assert found.profit is None


def test_what_was_promised_is_the_leaderboards_holdout(own_home, tmp_path):
    scored, truth = score(own_home, tmp_path)
    hand_in(own_home, truth)
    realised = own_home.services.monitor.realised("customers")[scored.scoring_id]
    model = champion(own_home)
    held = pq.read_table(
        own_home.services.store.artifact(model.run_id, f"predictions/{model.model_key}/holdout.parquet")
    ).to_pandas()
    assert realised.origin == "holdout"
    assert realised.promised.metrics["auc"] == pytest.approx(
        metrics.roc_auc_score(held["actual"] == "yes", held["p_yes"]), abs=1e-9
    )
    assert realised.promised.n_rows == len(held)


def test_profit_is_counted_with_the_policy_that_made_the_labels(own_home, tmp_path):
    model = champion(own_home)
    save_policy(
        own_home.services.ledger, model, Policy(threshold=0.4, rule="money", money=MONEY), why="costs", person="Ann"
    )
    scored, truth = score(own_home, tmp_path)
    save_policy(own_home.services.ledger, model, Policy(threshold=0.9, rule="threshold"), why="later", person="Ann")
    hand_in(own_home, truth)
    realised = own_home.services.monitor.realised("customers")[scored.scoring_id]
    is_yes = (truth["buys"] == "yes").to_numpy()
    chosen = scored.results["probability_yes"].to_numpy() >= 0.4
    amounts = np.select([is_yes & chosen, ~is_yes & chosen, is_yes & ~chosen], [90.0, -10.0, -5.0], 1.0)
    assert realised.found.profit.total == pytest.approx(1000 * amounts.mean(), abs=1e-9)
    assert realised.promised.profit is not None


def test_a_file_that_holds_the_target_is_measured_at_once(own_home, tmp_path):
    path = write_customers(tmp_path / "known.csv", 90, seed=9)
    scored = own_home.services.scorer.score_file(path, path.name)
    realised = own_home.services.monitor.realised("customers")[scored.scoring_id]
    assert realised.found.metrics == pytest.approx(scored.metrics)
    assert realised.promised.metrics["auc"] > 0


def test_outcomes_of_two_files_are_put_together_and_the_later_one_counts(own_home, tmp_path):
    scored, truth = score(own_home, tmp_path)
    hand_in(own_home, truth.head(100).assign(buys="no"))
    hand_in(own_home, truth.tail(150))
    kept = own_home.services.monitor.outcomes("customers").to_pandas().set_index("id")["actual"]
    wanted = pd.concat([truth.head(50).assign(buys="no"), truth.tail(150)])
    assert kept.to_dict() == dict(zip(wanted["customer_id"].astype(str), wanted["buys"], strict=True))
    assert own_home.services.monitor.realised("customers")[scored.scoring_id].found.n_rows == 200


def test_repeated_ids_and_unknown_classes_are_left_out_and_counted(own_home):
    spec = StoredModel(own_home.services.store, champion(own_home)).spec
    scores = pa.table({"id": ["1", "1", "2", "3", "4", None], "p_yes": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]})
    outcomes = pa.table({"id": ["1", "2", "3", "9"], "actual": ["yes", "no", "perhaps", "yes"]})
    joined = join_outcomes(scores, outcomes, spec)
    assert joined.scores["id"].to_pylist() == ["2"]
    assert joined.actual.to_pylist() == ["no"]
    assert (joined.n_scored, joined.n_repeated, joined.n_unusable) == (6, 2, 1)


def test_outcomes_by_other_words_and_weights_are_said(own_home):
    spec = replace(StoredModel(own_home.services.store, champion(own_home)).spec, weights_column="w")
    scores = pa.table({"id": ["1", "2"], "p_yes": [0.3, 0.8]})
    joined = join_outcomes(scores, pa.table({"id": ["1", "2"], "actual": ["0", "1"]}), spec)
    assert joined.actual.to_pylist() == ["no", "yes"]
    taken, weights = realise("s", joined, spec, Rules(0.5)).notes
    assert "“0” was taken as “no” (1)" in taken
    assert "the weights “w” are not used" in weights


def test_outcomes_that_cannot_be_used_are_refused_and_not_kept(own_home, tmp_path):
    _, truth = score(own_home, tmp_path)
    with pytest.raises(DataError, match="same column") as caught:
        hand_in(own_home, truth, target="customer_id")
    assert caught.value.code == "outcomes.columns"
    with pytest.raises(DataError, match="1 ids have two outcomes") as caught:
        hand_in(own_home, pd.concat([truth, truth.head(1).assign(buys="both")]))
    assert caught.value.code == "outcomes.conflict"
    with pytest.raises(DataError, match="None of these ids") as caught:
        hand_in(own_home, truth.assign(customer_id=truth["customer_id"] + 10**6))
    assert caught.value.code == "outcomes.no_match"
    assert own_home.services.monitor.outcome_files("customers") == ()
    assert list(own_home.services.settings.outcomes_dir.glob("*")) == []


def test_a_second_file_that_matches_nothing_is_refused_and_not_kept(own_home, tmp_path):
    _, truth = score(own_home, tmp_path)
    hand_in(own_home, truth)
    before = own_home.services.monitor.realised("customers")
    for useless in (truth.assign(customer_id=truth["customer_id"] + 10**6), truth.assign(buys="perhaps")):
        with pytest.raises(DataError) as caught:
            hand_in(own_home, useless)
        assert caught.value.code == "outcomes.no_match"
    assert len(own_home.services.monitor.outcome_files("customers")) == 1
    assert own_home.services.monitor.realised("customers") == before


def test_outcomes_can_be_added_after_a_run_that_scored_was_deleted(own_home, tmp_path):
    services = own_home.services
    other = run_to_end(services, own_home.settings(seed=9), explain=False)
    score(own_home, tmp_path, seed=4, model_uri=f"models:/{other.leader_id}")
    scored, truth = score(own_home, tmp_path)
    services.store.delete_run(other.run_id)
    added = hand_in(own_home, truth)
    assert (added.n_matched, added.n_scorings, added.n_gone) == (200, 1, 1)
    assert set(services.monitor.realised("customers")) == {scored.scoring_id}


def test_outcomes_of_a_deleted_model_alone_are_refused_with_the_reason(own_home, tmp_path):
    _, truth = score(own_home, tmp_path)
    own_home.services.store.delete_run(own_home.runs[0].run_id)
    with pytest.raises(DataError, match="whose model was deleted: 1") as caught:
        hand_in(own_home, truth)
    assert caught.value.code == "outcomes.no_match"


def test_rows_without_an_outcome_yet_are_passed_over(own_home, tmp_path):
    _, truth = score(own_home, tmp_path)
    added = hand_in(own_home, truth.assign(buys=truth["buys"].where(truth.index < 80, "")))
    assert (added.n_rows, added.n_matched) == (80, 80)


def test_numbers_are_measured_with_what_was_promised(tmp_path, migrated_database):
    from tests.fixtures_runs import make_home

    home = make_home(tmp_path, migrated_database, n_runs=0)
    settings = home.settings(target="premium", task="regression", experiment="premiums", holdout_share=0.0)
    run_to_end(home.services, settings, explain=False)
    known = pd.read_csv(write_customers(tmp_path / "known.csv", 120, seed=4))
    path = tmp_path / "new.csv"
    known.drop(columns="premium").to_csv(path, index=False)
    scored = home.services.scorer.score_file(path, path.name)
    table = pa.Table.from_pandas(known[["customer_id", "premium"]].astype(str), preserve_index=False)
    home.services.monitor.add_outcomes("premiums", table, "customer_id", "premium", "truth.csv")
    realised = home.services.monitor.realised("premiums")[scored.scoring_id]
    rmse = metrics.root_mean_squared_error(known["premium"], scored.results["prediction"].to_numpy())
    assert realised.found.metrics["rmse"] == pytest.approx(rmse, abs=1e-9)
    assert realised.found.low < rmse < realised.found.high
    assert realised.origin == "cv"


def test_the_columns_of_outcomes_are_guessed_from_the_history(own_home, tmp_path):
    score(own_home, tmp_path)
    guess = own_home.services.monitor.guess_columns
    assert guess("customers", ("x", "customer_id", "buys")) == ("customer_id", "buys")
    assert guess("customers", ("customer_id", "result")) == ("customer_id", "result")
    assert guess("customers", ("a", "b", "c")) == (None, None)


def test_outcomes_go_with_the_scores(own_home, tmp_path):
    _, truth = score(own_home, tmp_path)
    hand_in(own_home, truth)
    days = own_home.services.settings.keep_scores_days
    own_home.services.monitor.maintain(datetime.now(UTC) + timedelta(days=days - 1))
    assert len(own_home.services.monitor.outcome_files("customers")) == 1
    own_home.services.monitor.maintain(datetime.now(UTC) + timedelta(days=days + 1))
    assert own_home.services.monitor.outcome_files("customers") == ()
    assert list(own_home.services.settings.outcomes_dir.glob("*")) == []


def test_the_interval_of_the_auc_holds_its_share():
    """Simulated: 95% of the intervals hold the true AUC of two normal classes one apart, Phi(1 / sqrt 2)."""
    random, truth = np.random.default_rng(1), stats.norm.cdf(1 / np.sqrt(2))
    inside = 0
    for _ in range(400):
        scores = np.concatenate([random.normal(1, 1, 120), random.normal(0, 1, 180)])
        low, high = auc_interval(metrics.roc_auc_score([1] * 120 + [0] * 180, scores), 120, 180)
        inside += low <= truth <= high
    assert 0.92 <= inside / 400 <= 0.98


# --- alerts and rules -------------------------------------------------------------------------------------------------


def measured(auc, low, high, n_rows=500):
    return MeasuredOutcomes(n_rows=n_rows, metrics={"auc": auc}, low=low, high=high)


@pytest.mark.parametrize(
    ("found", "is_alert"),
    [
        (measured(0.70, 0.65, 0.75), True),
        (measured(0.70, 0.55, 0.85), False),  # what was promised lies inside
        (measured(0.75, 0.74, 0.76), False),  # less than a tenth worse
        (measured(0.95, 0.94, 0.96), False),
        (measured(0.50, 0.40, 0.60, n_rows=49), False),
    ],
)
def test_a_metric_alerts_when_it_is_worse_than_chance_explains(found, is_alert):
    record = replace(_as_record(compare_nothing(), reference=type("R", (), {"columns": ()})()), summary=None)
    known = Realised(
        scoring_id=record.id, task="binary", n_scored=500, found=found, promised=measured(0.8, 0.78, 0.82), origin="cv"
    )
    assert bool(find_alerts([record], {record.id: known}, RULE)) is is_alert


def compare_nothing():
    return type("D", (), {"columns": ()})()


def test_a_large_error_of_numbers_alerts(own_home):
    record = replace(_as_record(compare_nothing(), reference=compare_nothing()), summary=None)
    found = MeasuredOutcomes(n_rows=300, metrics={"rmse": 12.0}, low=11.5, high=12.5)
    promised = MeasuredOutcomes(n_rows=300, metrics={"rmse": 10.0})
    known = Realised(
        scoring_id=record.id, task="regression", n_scored=300, found=found, promised=promised, origin="holdout"
    )
    (alert,) = find_alerts([record], {record.id: known}, RULE)
    assert alert.text == "RMSE is 12 on 300 actual outcomes; it was 10 on the holdout."


def test_a_drifted_file_alerts_and_the_rule_is_the_problems_own(own_home, tmp_path):
    monitor = own_home.services.monitor
    score(own_home, tmp_path, seed=3)
    drifted, _ = score(own_home, tmp_path, seed=4, shift=25)
    alerts = monitor.last_files("customers")[1]
    assert {alert.scoring_id for alert in alerts} == {drifted.scoring_id}
    assert "age" in {alert.name for alert in alerts}
    assert monitor.rule("customers") == RULE
    monitor.set_rule("customers", psi=50.0, loss=0.2, person="Ann")
    assert monitor.last_files("customers")[1] == ()
    assert (monitor.rule("customers").psi, monitor.rule("customers").person) == (50.0, "Ann")
    assert own_home.services.ledger.entries(action="alert rule")[0].detail == {"psi": 50.0, "loss": 0.2}
    with pytest.raises(DataError, match="above 0"):
        monitor.set_rule("customers", psi=0, loss=0.1)


# --- training again ---------------------------------------------------------------------------------------------------


def test_rows_with_outcomes_become_the_next_version_of_the_dataset(own_home, tmp_path):
    services = own_home.services
    score(own_home, tmp_path, seed=3, n_rows=60)
    before = services.datasets.get(own_home.dataset.id)
    _, truth = score(own_home, tmp_path, seed=4, n_rows=300)
    hand_in(own_home, truth.tail(50))
    new = services.retrainer.add_outcomes(champion(own_home))
    # Ids 1000 to 1239 are those of the training data; 1250 to 1299 are new.
    assert (new.n_new, new.n_scorings) == (50, 1)
    assert (new.dataset.name, new.dataset.version) == (before.name, before.version + 1)
    rows = services.datasets.open(new.dataset.id).source().to_pandas()
    assert len(rows) == before.n_rows + 50
    added = rows.tail(50).set_index("customer_id")["buys"]
    assert (
        added.to_dict()
        == truth.tail(50)
        .assign(customer_id=lambda t: t.customer_id.astype(str))
        .set_index("customer_id")["buys"]
        .to_dict()
    )
    types = {column.name: column.type for column in new.dataset.schema.columns}
    assert types == {column.name: column.type for column in before.schema.columns}
    settings = services.retrainer.settings_of(champion(own_home), new.dataset.id)
    assert settings == replace(own_home.runs[0].settings, dataset_id=new.dataset.id)


def test_a_file_that_is_scored_twice_is_counted_once(own_home, tmp_path):
    _, truth = score(own_home, tmp_path, n_rows=300)
    score(own_home, tmp_path, n_rows=300)
    hand_in(own_home, truth.tail(50))
    assert len(own_home.services.monitor.realised("customers")) == 2
    assert own_home.services.retrainer.count_rows("customers") == 50


def test_without_a_kept_row_there_is_nothing_to_add(own_home, tmp_path):
    _, truth = score(own_home, tmp_path, origin="cli", n_rows=300)
    hand_in(own_home, truth)
    assert own_home.services.retrainer.count_rows("customers") == 0
    with pytest.raises(DataError, match="No row with a known outcome") as caught:
        own_home.services.retrainer.add_outcomes(champion(own_home))
    assert caught.value.code == "outcomes.no_rows"
