"""The report of a model: its numbers are those of the store, or counted here by pandas; names stay text."""

import csv
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, d2_log_loss_score, mean_absolute_error

from core.domain.backtest import Backtest, BacktestStep, Period
from core.domain.models import METRIC_NAMES, ModelInfo
from core.domain.training import TrainingSettings
from core.errors import ExplanationError
from core.metrics.calibration import cross_fitted, fit_calibration
from core.metrics.policy import Policy
from core.models.decisions import save_policy
from core.models.opened import StoredModel
from core.report.contents import Contents
from core.report.page import write
from tests.fixtures_runs import Home, run_to_end
from tests.html_text import PageText, parse_html

pytestmark = pytest.mark.slow

EVIL = "</script><img src=x onerror=alert(1)>"


def leader_of(home: Home, place: int = 0) -> ModelInfo:
    return home.services.store.resolve(f"models:/{home.runs[place].leader_id}")


def gather(home: Home, model: ModelInfo) -> Contents:
    return home.services.reports.gather(model)


def predictions(home: Home, model: ModelInfo, origin: str) -> pd.DataFrame:
    path = f"predictions/{model.model_key}/{origin}.parquet"
    return pd.read_parquet(home.services.store.artifact(model.run_id, path))


def outcomes(table: pd.DataFrame, threshold: float) -> list[int]:
    """Count the four outcomes in the order of the card: right yes, wrong yes, missed, right no."""
    truth, selected = table["actual"] == "yes", table["p_yes"] >= threshold
    return [
        int((truth & selected).sum()), int((~truth & selected).sum()), int((truth & ~selected).sum()),
        int((~truth & ~selected).sum()),
    ]  # fmt: skip


def shown_outcomes(page: PageText) -> list[str]:
    """Return the counts of the first grid of outcomes, which is the card's."""
    words = "correctly left out", "wrongly selected", "missed", "correctly selected"
    found = re.search("".join(rf"([\d,]+){word}" for word in words), page.text)
    assert found is not None
    return list(found.groups())


@pytest.fixture
def home(fresh_home: Home) -> Home:
    """A home with one explained binary run of its own."""
    return replace(fresh_home, runs=(run_to_end(fresh_home.services, fresh_home.settings()),))


def test_every_metric_of_the_store_stands_under_its_origin(trained: Home) -> None:
    model = leader_of(trained)
    page = parse_html(write(gather(trained, model)).whole)
    place = next(at for at, row in enumerate(page.rows) if row[:2] == ["Metric", "Training"])
    head = page.rows[place]
    assert head == ["Metric", "Training", "Cross-validation", "Holdout", "Mean of folds", "Spread over folds"]
    shown = {row[0]: row[1:] for row in page.rows[place + 1 :] if len(row) == len(head)}
    checked = 0
    for plain, words in METRIC_NAMES.items():
        cells = shown.get(words[:1].upper() + words[1:])
        for cell, name in zip(
            cells or (), (f"train_{plain}", f"cv_{plain}", f"holdout_{plain}", f"cv_{plain}_mean", f"cv_{plain}_sd"),
            strict=False,
        ):  # fmt: skip
            if name in model.metrics:
                assert float(cell.replace(",", "")) == pytest.approx(model.metrics[name], rel=2e-3, abs=5e-5)
                checked += 1
            else:
                assert cell == ""
    assert checked >= 10
    assert f"{model.metrics['cv_auc']:.4f}" in page.text[: page.text.index("What it looks at most")]


def test_the_outcomes_are_those_that_pandas_counts_at_the_threshold_of_training(trained: Home) -> None:
    model = leader_of(trained)
    contents = gather(trained, model)
    threshold = StoredModel(trained.services.store, model).spec.threshold
    for judged in contents.judged:
        found = judged.outcomes
        assert found is not None
        counted = [found.true_positive, found.false_positive, found.false_negative, found.true_negative]
        assert counted == outcomes(predictions(trained, model, judged.origin), threshold)
    page = parse_html(write(contents).card)
    found, wrong, missed, left = outcomes(predictions(trained, model, "holdout"), threshold)  # these rows say most
    assert shown_outcomes(page) == [f"{count:,}" for count in (left, wrong, missed, found)]  # as every matrix is drawn
    assert "Nobody has saved a policy" in page.text


def test_a_saved_policy_decides_and_the_report_says_whose_and_which(home: Home) -> None:
    services, model = home.services, leader_of(home)
    then = StoredModel(services.store, model).spec.threshold
    save_policy(services.ledger, model, Policy(threshold=0.7, rule="threshold"), why="costs", person="Ann")
    contents = gather(home, model)
    page = parse_html(write(contents).whole)
    found, wrong, missed, left = outcomes(predictions(home, model, "holdout"), 0.7)
    assert shown_outcomes(page) == [f"{count:,}" for count in (left, wrong, missed, found)]
    assert "at least 0.7: set by hand" in page.text
    assert "saved by Ann" in page.text
    assert "costs" in page.text
    assert f"stored while the threshold was {then:.4g}" in page.text
    assert "counted at 0.7, the policy saved since" in page.text
    exact = {one.origin: one.metrics for one in contents.judged}
    table = predictions(home, model, "cv")
    truth = table["actual"] == "yes"
    assert exact["cv"]["recall"] == pytest.approx((truth & (table["p_yes"] >= 0.7)).sum() / truth.sum())


def test_a_calibrated_policy_is_judged_on_rows_that_did_not_calibrate_themselves(home: Home) -> None:
    services, model = home.services, leader_of(home)
    table = predictions(home, model, "cv")
    truth, raw = (table["actual"] == "yes").to_numpy(), table["p_yes"].to_numpy()
    made = fit_calibration(truth, raw, "platt", fitted_on="cv")
    save_policy(
        services.ledger, model, Policy(threshold=0.5, rule="threshold", calibration=made), why="costs", person="Ann"
    )
    by_origin = {one.origin: one for one in gather(home, model).judged}
    selected = cross_fitted(truth, raw, "platt") >= 0.5
    found = by_origin["cv"].outcomes
    assert found is not None
    assert (found.true_positive, found.selected) == (int((truth & selected).sum()), int(selected.sum()))
    held_out = predictions(home, model, "holdout")
    found = by_origin["holdout"].outcomes
    assert found is not None
    assert found.selected == int((made.apply(held_out["p_yes"].to_numpy()) >= 0.5).sum())
    assert by_origin["cv"].calibrated is not None
    assert "calibrated first" in parse_html(write(gather(home, model)).card).text


def test_several_classes_and_numbers_are_told_in_plain_counts(fresh_home: Home) -> None:
    several = run_to_end(fresh_home.services, fresh_home.settings(target="city", task="multiclass"))
    premiums = fresh_home.settings(target="premium", task="regression", holdout_share=0, experiment="premiums")
    number = run_to_end(fresh_home.services, premiums)
    home = replace(fresh_home, runs=(several, number))

    model = leader_of(home, 0)
    table = predictions(home, model, "holdout")
    classes = ["Bonn", "Oslo", "Turin"]
    likeliest = np.array(classes)[table[[f"p_{name}" for name in classes]].to_numpy().argmax(axis=1)]
    right = accuracy_score(table["actual"], likeliest)
    most = table["actual"].value_counts().max() / len(table)
    text = parse_html(write(gather(home, model)).whole).text
    assert f"the right class for {100 * right:.0f}% of them" in text
    assert f"most frequent class would be right for {100 * most:.0f}%" in text
    assert "How groups fare" not in text
    assert "two classes and for numbers only" in text  # why there are no contributions

    model = leader_of(home, 1)
    table = predictions(home, model, "cv")
    contents = gather(home, model)
    (judged,) = contents.judged
    off = (table["actual"] - table["predicted"]).abs()
    assert (judged.off_half, judged.off_most) == pytest.approx((off.quantile(0.5), off.quantile(0.9)))
    assert judged.metrics["mae"] == pytest.approx(mean_absolute_error(table["actual"], table["predicted"]))
    text = parse_html(write(contents).whole).text
    assert f"off by at most {off.quantile(0.5):.4g}" in text
    assert "Picked by what it is judged by" in text  # nothing was held out


def test_data_settings_and_reproduction_are_those_of_the_run(trained: Home) -> None:
    page = parse_html(write(gather(trained, leader_of(trained))).whole)
    run, dataset = trained.runs[0], trained.dataset
    for words in (run.run_id, dataset.id, "customers.csv", "240 rows, 5 columns", "192 rows", "48 rows"):
        assert words in page.text, words
    assert "customer_id: left out by choice" in page.text
    assert "h2o 3.46.0.11" in page.text
    head = next(at for at, row in enumerate(page.rows) if row[:2] == ["Column", "Type"])
    frame = pd.read_csv(trained.services.datasets.open(dataset.id).original())
    train_rows = predictions(trained, leader_of(trained), "cv")["row"]
    ages = frame.loc[train_rows, "age"]
    columns = {row[0]: row for row in page.rows[head + 1 : head + 4]}
    assert columns["age"][1:3] == ["numeric", f"{ages.min()} to {ages.max()}"]
    order = [row[0] for row in page.rows[head + 1 : head + 4]]
    found = gather(trained, leader_of(trained)).found
    assert found is not None
    assert order == [one.feature for one in found.variable_importance.data or ()][:3]


def test_groups_and_weak_parts_carry_their_counts(trained: Home) -> None:
    contents = gather(trained, leader_of(trained))
    ages = next(one for one in contents.groups.fairness if one.column == "age")
    table = predictions(trained, leader_of(trained), "cv")
    assert sum(group.n_rows for group in ages.groups) == len(table)
    threshold = contents.decision.threshold
    assert sum(group.outcomes.selected for group in ages.groups) == int((table["p_yes"] >= threshold).sum())
    weakness = contents.groups.weakness
    assert weakness is not None
    assert weakness.overall == pytest.approx(d2_log_loss_score(table["actual"] == "yes", table["p_yes"]))
    text = parse_html(write(contents).whole).text
    assert f"compared with {ages.reference}" in text
    assert "Not the law." in text


def test_names_with_markup_stay_text(fresh_home: Home, tmp_path: Path) -> None:
    path, target = tmp_path / "evil.csv", f"who {EVIL}"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([f"gender {EVIL}", "amount <b>", target])
        for k in range(300):
            writer.writerow([f"{k % 3}{EVIL}", (7 * k) % 50, f"yes{EVIL}" if (7 * k) % 50 + k % 9 > 28 else "no<i>"])
    services = fresh_home.services
    dataset = services.datasets.add(path, "<u>evil.csv")
    settings = TrainingSettings(
        dataset_id=dataset.id, target=target, experiment="<b onclick=x>", task="binary", max_models=2, nfolds=2,
        holdout_share=0.2,
    )  # fmt: skip
    home = replace(fresh_home, runs=(run_to_end(services, settings),))
    model = leader_of(home)
    save_policy(services.ledger, model, Policy(threshold=0.4, rule="threshold"), why=EVIL, person=EVIL)
    made = write(gather(home, model))
    for html in made:
        page = parse_html(html)
        assert not [tag for tag, _ in page.tags if tag in ("img", "b onclick", "u", "i onclick")]
        assert not [attrs for _, attrs in page.tags if any(name.startswith("on") for name in attrs)]
        assert page.text.count(EVIL) > 4
        policy = next(attrs["content"] for _, attrs in page.tags if attrs.get("http-equiv"))
        assert policy == "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:"
        assert not [attrs for tag, attrs in page.tags if "src" in attrs or tag == "link"]
        assert all((attrs["href"] or "").startswith("#") for tag, attrs in page.tags if "href" in attrs)
    assert parse_html(made.card).n_figures == 0
    assert parse_html(made.whole).n_figures > 15


def test_reports_are_kept_by_time_and_the_newest_counts(home: Home) -> None:
    services, model = home.services, leader_of(home)
    store, ledger, reports = services.store, services.ledger, services.reports
    assert reports.find(model) is None
    first = reports.current(model)
    assert reports.current(model) == first
    assert reports.what_changed(model, first) == ""

    save_policy(ledger, model, Policy(threshold=0.6, rule="threshold"), why="costs", person="Ann")
    assert "policy" in reports.what_changed(model, first)
    second = reports.current(model)
    assert reports.find(model) == second
    assert reports.list(model) == (second, first)
    assert {first.whole, first.card, second.whole, second.card} <= set(store.artifacts(model.run_id))
    texts = [parse_html(store.artifact(model.run_id, one.card).read_text()).text for one in (first, second)]
    assert ["at least 0.6" in text for text in texts] == [False, True]
    other = next(one for one in store.models(run_id=model.run_id) if one.has_files and one.id != model.id)
    services.reviews.promote(other, "simpler")
    assert reports.what_changed(model, second) == "Another model has become the champion since"
    services.reviews.promote(store.resolve(f"models:/{model.id}"), "better after all")
    assert reports.what_changed(model, second) == "This model has become the champion since"
    assert reports.current(model) != second
    assert first.made_at < second.made_at <= datetime.now(UTC)


def test_a_model_that_is_not_explained_has_a_report_that_says_so(fresh_home: Home) -> None:
    run = run_to_end(fresh_home.services, fresh_home.settings(), explain=False)
    home = replace(fresh_home, runs=(run,))
    page = parse_html(write(gather(home, leader_of(home))).whole)
    assert "Explanations were not computed" in page.text
    assert "Counted over every stored prediction" in page.text


def test_a_dataset_that_is_gone_leaves_the_rest(home: Home) -> None:
    home.services.datasets.delete(home.dataset.id, used_by=())
    page = parse_html(write(gather(home, leader_of(home))).whole)
    assert "The dataset has since been deleted" in page.text
    assert "How good it is" in page.text
    assert page.n_figures > 10


def test_a_model_without_files_has_no_report(trained: Home) -> None:
    with pytest.raises(ExplanationError, match="not stored"):
        gather(trained, replace(leader_of(trained), has_files=False))


def test_a_run_split_by_time_tells_how_models_did_over_time(trained: Home) -> None:
    contents = gather(trained, leader_of(trained))
    assert "backtest" not in write(contents).whole.partition("</nav>")[0]
    moments = [float(day * 86_400_000) for day in range(19_700, 19_760, 10)]
    steps = tuple(
        BacktestStep(
            learned=Period(first=moments[0], last=moments[place], n_rows=50 * place),
            judged=Period(first=moments[place] + 86_400_000, last=moments[place + 1], n_rows=50),
            metrics={contents.model.model_key: {"auc": 0.6 + place / 100}},
        )
        for place in range(1, 4)
    )
    found = Backtest(
        time_column="day",
        is_date=True,
        models=(contents.model.model_key,),
        leader=contents.model.model_key,
        steps=steps,
    )
    page = parse_html(write(replace(contents, backtest=found)).whole)
    assert "How it did over time" in page.text
    assert "0.6200 ± 0.01" in page.text
    assert "Mean of the backtest" in page.text
