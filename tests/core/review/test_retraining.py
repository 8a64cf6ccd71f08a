"""Training again alone: what is trained on, which rows are compared on, and when a model is promoted."""

import json
from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from core.cli.main import _parser
from core.errors import DatasetNotFoundError, ExperimentNotFoundError, RunError
from core.review.checklist import TITLES, Check, is_green
from core.review.retraining import Retraining
from core.review.reviews import Reviews
from tests.fixtures_runs import Home, run_to_end, write_customers

pytestmark = pytest.mark.slow


def people(n_rows: int, *, first_id: int = 5000, city: str = "Turin", seed: int = 3) -> pd.DataFrame:
    """Return new customers, of whom those in one city buy."""
    random = np.random.default_rng(seed)
    rows = pd.DataFrame({"customer_id": np.arange(first_id, first_id + n_rows), "age": random.integers(18, 80, n_rows)})
    rows["city"] = random.choice(["Bonn", "Oslo", "Turin"], n_rows)
    rows["premium"] = random.normal(500, 80, n_rows).round(2)
    score = rows["age"] / 80 + (rows["city"] == city) * 0.4 + random.normal(0, 0.2, n_rows)
    rows["buys"] = np.where(score > 0.85, "yes", "no")
    return rows


def add_version(home: Home, folder, rows: pd.DataFrame):
    path = folder / f"customers {len(rows)}.csv"
    rows.to_csv(path, index=False)
    return home.services.datasets.add(path, path.name, version_of=home.dataset.name)


def known(home: Home) -> pd.DataFrame:
    return home.services.datasets.open(home.dataset.id).source().to_pandas()


def retrain(home: Home, services=None, *, train=None, **options):
    services = services or home.services
    train = train or (lambda settings: run_to_end(services, settings, explain=False))
    return services.retraining.retrain("customers", train, person="Ann", **options)


def never(settings):
    raise AssertionError(f"trained on {settings.dataset_id}")


def with_checklist(home: Home, state: str):
    """Return the services with a checklist of one item in that state."""
    services = home.services
    checks = (Check("drift", state, "as said"),)
    checklists = type("Filled", (), {"of": lambda self, model: checks})()
    return with_retraining(services, checklists=checklists)


def with_retraining(services, *, settings=None, reviews=None, checklists=None):
    made = Retraining(
        settings or services.settings, services.store, services.ledger, services.retrainer, services.scorer,
        reviews or services.reviews, checklists or services.checklists,
    )  # fmt: skip
    return replace(services, retraining=made)


def test_without_newer_data_nothing_is_trained(own_home: Home):
    champion = own_home.services.store.champion("customers")
    done = retrain(own_home, train=never)
    assert (done.result, done.run, done.challenger, done.champion.id) == ("nothing new", None, None, champion.id)
    assert done.note.startswith("Nothing was trained")
    assert len(own_home.services.store.list_runs()) == 1


def test_a_better_model_is_promoted_on_rows_that_neither_has_seen(own_home: Home, tmp_path):
    services, store = own_home.services, own_home.services.store
    before = store.champion("customers")
    rows = people(800)
    add_version(own_home, tmp_path, rows)
    done = retrain(own_home, with_checklist(own_home, "not known"), note="weekly")
    trained = services.datasets.open(done.run.settings.dataset_id).source().to_pandas()
    assert trained["customer_id"].tolist() == [str(one) for one in range(5000, 5400)]
    assert done.run.settings == replace(own_home.runs[0].settings, dataset_id=done.run.settings.dataset_id)
    assert (done.n_trained, done.n_new, done.n_compared) == (400, 800, 400)
    held_out = tmp_path / "held.csv"
    rows.tail(400).to_csv(held_out, index=False)
    for model, value in ((before, done.difference.first), (done.challenger, done.difference.second)):
        scored = services.scorer.score_file(held_out, held_out.name, model_uri=model.uri)
        auc = roc_auc_score(rows.tail(400)["buys"] == "yes", scored.results["probability_yes"].to_numpy())
        assert value == pytest.approx(auc)
    assert done.difference.metric == "auc"
    assert 0 < done.difference.low < done.difference.value < done.difference.high
    assert (done.result, done.is_better) == ("promoted", True)
    assert store.champion("customers").id == done.challenger.id
    entry = services.reviews.history("customers")[0]
    assert (entry.person, entry.version, entry.from_version, entry.why) == ("Ann", done.version, 1, done.note)
    assert done.note.startswith("weekly. Trained again: better than the champion beyond chance. AUC ")
    # None of the champion's rows is in the new version: that may be new rows, or the same ones written otherwise.
    assert "No row of this data" in done.warnings[0]


def test_what_was_compared_once_is_not_trained_again_until_there_is_more(own_home: Home, tmp_path):
    rows = people(800)
    add_version(own_home, tmp_path, rows)
    services = with_checklist(own_home, "ok")
    first = retrain(own_home, services)
    assert first.result == "promoted"
    assert retrain(own_home, services, train=never).result == "nothing new"
    # The rows that were held out are new to the champion of now, and not lost: the newest version has them.
    assert services.datasets.find(own_home.dataset.name).n_rows == 800
    assert services.retrainer.newest(services.store.champion("customers")).n_rows == 800
    add_version(own_home, tmp_path, pd.concat([rows, people(40, first_id=9000, seed=4)]))
    second = retrain(own_home, services)
    assert (second.n_new, second.n_compared, second.n_trained) == (440, 220, 620)
    assert second.result == "challenger"
    assert retrain(own_home, services, train=never).result == "nothing new"


def test_a_model_that_is_no_better_is_left_as_challenger_with_a_comment(own_home: Home, tmp_path):
    services, store = own_home.services, own_home.services.store
    before = store.champion("customers")
    more = people(300, city="Oslo")
    add_version(own_home, tmp_path, pd.concat([known(own_home), more]))
    done = retrain(own_home, with_checklist(own_home, "ok"))
    assert (done.n_new, done.n_compared, done.n_trained, done.warnings) == (300, 150, 390, ())
    assert (done.result, done.is_better, done.difference.is_tied) == ("challenger", False, True)
    assert store.champion("customers").id == before.id
    assert store.challenger("customers").id == done.challenger.id
    assert done.version == store.challenger("customers").version
    (said,) = services.reviews.of_model(done.challenger).thread
    assert (said.kind, said.person, said.text) == ("comment", "Ann", done.note)
    assert "no better than the champion" in said.text


@pytest.mark.parametrize(
    ("state", "options", "words"),
    [
        ("not ok", {}, "The checklist speaks against it: Recent files differ from the training data."),
        ("ok", {"promote": "never"}, "better than"),
    ],
)
def test_a_better_model_is_not_promoted_against_the_checklist_or_when_nobody_wants_it(
    own_home: Home, tmp_path, state, options, words
):
    store = own_home.services.store
    before = store.champion("customers")
    add_version(own_home, tmp_path, people(800))
    done = retrain(own_home, with_checklist(own_home, state), **options)
    assert (done.result, done.is_better, is_green(done.checks)) == ("challenger", True, state == "ok")
    assert (store.champion("customers").id, store.challenger("customers").id) == (before.id, done.challenger.id)
    assert words in own_home.services.reviews.of_model(done.challenger).thread[0].text


def test_too_few_new_rows_are_learned_from_but_never_promote(own_home: Home, tmp_path):
    before = own_home.services.store.champion("customers")
    newest = add_version(own_home, tmp_path, pd.concat([known(own_home), people(150)]))
    done = retrain(own_home)
    assert done.run.settings.dataset_id == newest.id
    assert (done.n_trained, done.n_new, done.n_compared, done.difference) == (390, 150, 0, None)
    assert done.compared_on.startswith("The champion has not seen 150 rows with a known target; at least 100")
    assert (done.result, done.is_better) == ("challenger", False)
    assert [check.topic for check in done.checks] == list(TITLES)
    assert own_home.services.store.champion("customers").id == before.id
    assert "Not compared with the champion." in done.note


def test_new_rows_of_one_class_cannot_be_compared_on(own_home: Home, tmp_path):
    add_version(own_home, tmp_path, pd.concat([known(own_home), people(300).assign(buys="no")]))
    done = retrain(own_home)
    assert (done.n_compared, done.result) == (0, "challenger")
    assert "all of one class" in done.compared_on


def test_where_two_people_are_needed_it_is_proposed(own_home: Home, tmp_path):
    services = own_home.services
    before = services.store.champion("customers")
    strict = replace(services.settings, four_eyes=True)
    add_version(own_home, tmp_path, people(800))
    checked = with_checklist(own_home, "ok").retraining._checklists
    reviews = Reviews(strict, services.store, services.ledger)
    done = retrain(own_home, with_retraining(services, settings=strict, reviews=reviews, checklists=checked))
    assert (done.result, services.store.champion("customers").id) == ("proposed", before.id)
    review = services.reviews.of_model(done.challenger)
    assert (review.state, review.decision.text) == ("proposed", done.note)
    assert services.store.challenger("customers").id == done.challenger.id


def test_a_champion_of_meanwhile_is_left_and_said(own_home: Home, tmp_path):
    services = own_home.services
    other = services.store.models(run_id=own_home.runs[0].run_id)[1]
    add_version(own_home, tmp_path, people(800))

    def train(settings):
        services.reviews.promote(other, "simpler", person="Bob")
        return run_to_end(services, settings, explain=False)

    done = retrain(own_home, with_checklist(own_home, "ok"), train=train)
    assert (done.result, services.store.champion("customers").id) == ("challenger", other.id)
    assert "champion" in done.warnings[-1]


def test_a_cancelled_run_decides_nothing(own_home: Home, tmp_path):
    services = own_home.services
    before = services.store.champion("customers")
    add_version(own_home, tmp_path, people(800))
    with pytest.raises(RunError) as caught:
        retrain(own_home, train=lambda settings: replace(own_home.runs[0], status="cancelled"))
    assert caught.value.code == "run.cancelled"
    assert services.store.champion("customers").id == before.id
    assert services.store.challenger("customers") is None


def test_rows_whose_outcome_is_known_are_added_to_the_newest_version(own_home: Home, tmp_path):
    services = own_home.services
    more = people(120)
    add_version(own_home, tmp_path, pd.concat([known(own_home), more]))
    scored = people(100, first_id=7000, seed=9)
    path = tmp_path / "scored.csv"
    scored.to_csv(path, index=False)
    services.scorer.score_file(path, path.name, origin="page")
    done = retrain(own_home)
    assert (done.n_new, done.n_trained, done.n_compared) == (220, 350, 110)
    trained = services.datasets.open(done.run.settings.dataset_id).source().to_pandas()
    assert trained["customer_id"].astype(int).max() == 5109  # the 100 outcomes came last, and ten rows before them
    assert retrain(own_home, train=never).result == "nothing new"


def test_rows_without_ids_are_known_by_all_their_values(fresh_home: Home, tmp_path):
    """A row that is there twice, once in the champion's data, is new once."""
    services = fresh_home.services
    rows = pd.read_csv(write_customers(tmp_path / "plain.csv")).drop(columns="customer_id")
    first, more = rows.head(140), rows.tail(100)
    first.to_csv(tmp_path / "plain.csv", index=False)
    dataset = services.datasets.add(tmp_path / "plain.csv", "plain.csv", name="plain")
    home = replace(fresh_home, dataset=dataset)
    run_to_end(services, home.settings(ignored=()), explain=False)
    newest = add_version(home, tmp_path, pd.concat([more, first, first.head(120)]))
    found = services.retrainer.hold_out(services.store.champion("customers"), newest)
    assert (found.n_new, found.held_out.num_rows, found.dataset.n_rows) == (220, 110, 250)
    # The last copies count as the new ones, and they are the newest rows.
    assert found.held_out["premium"].to_pylist() == first["premium"].head(120).tail(110).astype(str).tolist()


@pytest.mark.parametrize("split", ["time", "group"])
def test_the_newest_rows_are_those_of_the_training_split(fresh_home: Home, tmp_path, split):
    services, random = fresh_home.services, np.random.default_rng(1)
    both = pd.concat([known(fresh_home), people(400, city="Oslo")], ignore_index=True)
    both["when"] = pd.Series(pd.date_range("2024-01-01", periods=640).strftime("%Y-%m-%d"))
    both["branch"] = [f"b{place}" for place in np.arange(640) // 20]
    first = both.head(240)
    first.to_csv(tmp_path / "split.csv", index=False)
    home = replace(fresh_home, dataset=services.datasets.add(tmp_path / "split.csv", "split.csv"))
    column = {"time": "when", "group": "branch"}[split]
    run_to_end(services, home.settings(split=split, split_column=column), explain=False)
    new = both.tail(400).iloc[random.permutation(400)]
    newest = add_version(home, tmp_path, pd.concat([first, new]))
    found = services.retrainer.hold_out(services.store.champion("customers"), newest)
    held = found.held_out.to_pandas()
    trained = services.datasets.open(found.dataset.id).source().to_pandas()
    assert len(held) + len(trained) == 640
    if split == "time":
        assert (len(held), held["when"].min() > trained["when"].max()) == (200, True)
    else:
        assert not set(held["branch"]) & set(trained["branch"])
        assert len(held) >= 200


def test_a_dataset_that_is_gone_and_an_experiment_without_champion_are_refused(own_home: Home):
    services = own_home.services
    services.datasets.delete(own_home.dataset.id, used_by=())
    with pytest.raises(DatasetNotFoundError):
        retrain(own_home, train=never)
    with pytest.raises(ExperimentNotFoundError) as caught:
        services.retraining.retrain("nobody's", never, person="Ann")
    assert caught.value.code == "experiment.none"


def test_the_command_trains_through_the_queue_and_answers_as_promised(own_home: Home, tmp_path, monkeypatch, capsys):
    services = own_home.services
    before = services.store.champion("customers")
    monkeypatch.setattr("core.cli.main._services", lambda *args, **options: nullcontext(services))

    def run(*words):
        args = _parser().parse_args(["retrain", "--experiment", "customers", *words])
        return json.loads(json.dumps(args.command(args, services.settings), default=str))

    nothing = run()
    assert (nothing["run_id"], nothing["challenger"], nothing["promoted"]) == (None, None, False)
    add_version(own_home, tmp_path, people(800))
    services.engine.release()
    found = run("--promote", "never", "--note", "a trial", "--person", "Bob")
    services.jobs.stop()
    services.jobs.join()
    challenger = services.store.challenger("customers")
    assert list(found) == [
        "experiment", "run_id", "champion", "challenger", "rows", "compared_on", "metric", "from", "to", "low", "high",
        "better", "checklist", "promoted", "result", "version", "note", "warnings",
    ]  # fmt: skip
    assert (found["champion"], found["challenger"]) == (before.uri, challenger.uri)
    assert found["rows"] == {"trained": 400, "new": 800, "compared": 400}
    assert (found["metric"], found["better"], found["promoted"], found["version"]) == (
        "auc", True, False, challenger.version,
    )  # fmt: skip
    assert found["low"] < found["to"] - found["from"] < found["high"]
    assert [item["topic"] for item in found["checklist"]] == list(TITLES)
    assert services.store.get_run(found["run_id"]).person == "Bob"
    err = capsys.readouterr().err
    assert "[finished]" in err
    assert found["note"] in err
