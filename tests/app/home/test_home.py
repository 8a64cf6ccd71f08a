"""Home: with nothing, with a lot, and when the store cannot be read."""

import re
from dataclasses import replace
from urllib.parse import parse_qs

import pytest

from core.errors import StoreBusyError, StoreCorruptError
from tests.fixtures_runs import run_to_end
from tests.fixtures_store import DATASET, SETTINGS, add_champion, add_run, make_details


def texts(app) -> str:
    return "\n".join(str(element.value) for element in [*app.markdown, *app.caption, *app.title, *app.header])


def test_an_empty_home_says_the_next_step(open_page):
    app = open_page("home")
    assert "From a raw file" in app.title[0].value
    assert "Nothing has been trained yet" in texts(app)
    assert app.button(key="home_sample").label == "Try it with sample data"
    assert app.button(key="home_sample").proto.type == "primary"
    assert "Start something" not in [head.value for head in app.header]
    assert not app.error


def test_runs_and_champions_are_listed(open_page, services):
    store = services.store
    for number in range(8):
        add_champion(store, f"experiment {number}", cv_auc=0.8575, cv_logloss=0.2679)
    running = add_run(store)
    store.set_status(running, "running")
    store.update_run(running, progress=0.4, stage="Training GBM_2")
    add_run(store)
    app = open_page("home")
    shown = texts(app)
    assert "Running now" in shown
    assert app.button(key="home_sample").proto.type == "secondary"  # who has trained needs no sample
    assert app.get("progress")[0].value == 40
    assert shown.count("ago") <= 2 + 6 + 6
    assert "AUC **0.8575**" in shown
    assert not app.error


def test_what_goes_on_comes_first_for_those_who_have_been_here_before(own_home, visit):
    heads = [head.value for head in visit(own_home.services, "home").header]
    assert heads.index("Latest runs") < heads.index("Start something")


def test_a_failed_run_says_why(fresh_home, visit):
    fresh_home.services.engine.dead = True
    assert run_to_end(fresh_home.services, fresh_home.settings(), explain=False).status == "failed"
    assert "engine ended" in texts(visit(fresh_home.services, "home"))


def test_names_from_data_are_shown_as_they_are(open_page, services):
    name = "![x](y) <img onerror=alert(1)> `x` $x$"  # an experiment's has no / and no :
    dataset = replace(DATASET, name="![x](http://127.0.0.1:9/b) <img onerror=alert(1)> :material/home: $x$")
    services.store.create_run(replace(SETTINGS, experiment=name), dataset, key="first")
    add_champion(services.store, name)
    app = open_page("home")
    shown = texts(app)
    # The queued run with its dataset, in the latest runs, the models in use and where one left off.
    assert shown.count("onerror") == 5
    own = re.compile(r":[a-z-]+\[")
    assert not re.search(r"(?<!\\)[<\[$]", own.sub("", shown))
    assert ":material/home: " not in shown


@pytest.mark.parametrize("error", [StoreBusyError("The store is busy."), StoreCorruptError("The database is damaged.")])
def test_an_error_is_shown_with_its_hint_and_the_doors_stay(open_page, services, monkeypatch, error):
    def broken(**_):
        raise error

    monkeypatch.setattr(services.store, "list_runs", broken)
    app = open_page("home")
    assert len(app.error) == 1
    assert error.code in app.error[0].value
    assert "Bring data in" in texts(app)
    assert app.button(key="home_sample")


def test_the_sample_is_one_click_away(open_page, services):
    app = open_page("home")
    app.button(key="home_sample").click().run()
    assert not app.exception
    assert not app.error
    [dataset] = services.datasets.list()
    assert dataset.n_rows == 5000
    assert app.session_state["chosen.dataset"] == dataset.id
    app.switch_page("../pages/train.py").run()
    assert not app.exception
    assert app.selectbox(key="train_target").value == "interested"
    assert app.session_state["train_preset"] == "quick"
    assert app.number_input(key="train_max_models").value == 5
    assert app.multiselect(key="train_ignored").value == ["customer_id"]
    assert app.button(key="train_start")


def test_a_finished_run_waits_on_home_until_it_is_looked_at(own_home, visit):
    [run] = own_home.services.store.list_runs()
    app = visit(own_home.services, "home")
    assert "Where you left off" in texts(app)
    assert "not looked at yet" in texts(app)
    app.button(key=f"home_run_{run.run_id}").click().run()
    visit(own_home.services, "train", run=run.run_id)
    shown = texts(visit(own_home.services, "home"))
    assert "not looked at yet" not in shown


def test_the_data_looked_at_last_is_one_click_away(fresh_home, visit):
    [dataset] = fresh_home.services.datasets.list()
    assert "Where you left off" not in texts(visit(fresh_home.services, "home"))
    visit(fresh_home.services, "data", dataset=dataset.id)
    shown = texts(visit(fresh_home.services, "home"))
    assert "the data you looked at last" in shown
    assert dataset.name in shown


def test_a_version_that_is_not_in_use_is_one_click_away_from_the_comparison(open_page, services):
    store = services.store
    champion = add_champion(store, "prices", cv_auc=0.8)
    links = [one.label for one in open_page("home").get("page_link")]
    assert not [label for label in links if "not in use" in label]
    run_id = add_run(store, experiment="prices")
    newer = store.add_model(run_id, make_details(cv_auc=0.9), "binary")
    store.register(newer)
    store.update_run(run_id, leader_id=newer)
    store.set_status(run_id, "finished")
    (link,) = (one for one in open_page("home").get("page_link") if "not in use" in one.label)
    assert link.label == "Version 2 is not in use: compare the two"
    assert parse_qs(link.proto.query_string) == {"model": [champion.id, newer]}
