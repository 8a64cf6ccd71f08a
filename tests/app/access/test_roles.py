"""Four roles by every page: in the navigation and opened, or not there and refused with a way on."""

import time
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from app.ui.navigation import PAGES
from app.ui.services import get_services, set_services
from app.ui.widgets.text import escape_markdown
from core.errors import PermissionDeniedError, SignInError
from tests.app.access.people import NAMED, browser, name_roles, words
from tests.app.predict.test_predict import upload
from tests.fixtures_runs import SHELL, write_customers

# Written out by hand: the pages of each role.
PAGES_OF = {
    "business": {"home", "predict"},
    "reviewer": {"home", "explore", "runs", "leaderboard", "compare", "explain", "predict", "monitor"},
    "analyst": {
        "home", "data", "explore", "prepare", "train", "runs", "leaderboard", "compare", "explain", "predict",
        "monitor",
    },
    "admin": {page.name for page in PAGES},
}  # fmt: skip
ROLES = tuple(PAGES_OF)
__all__ = ["browser"]


@pytest.fixture
def home(trained):
    name_roles(trained.services.settings)
    set_services(trained.services)
    yield trained
    set_services(None)
    name_roles(trained.services.settings, dict.fromkeys(NAMED, ""))


@pytest.mark.parametrize("page", [page.name for page in PAGES])
def test_nobody_sees_a_page_before_signing_in(home, browser, page):
    app = browser.open(page)
    assert [button.label for button in app.button] == ["Sign in"]
    assert [one.value for one in app.title] == ["Sign in to Bellwether"]
    assert not app.dataframe


@pytest.mark.parametrize("role", ROLES)
def test_each_role_has_its_pages_and_no_other(home, browser, role):
    browser.sign_in(role)
    for page in PAGES:
        app = browser.open(page.name)
        text = words(app)
        if page.name in PAGES_OF[role]:
            assert "not for your role" not in text, page.name
            assert "access.denied" not in text, page.name
        else:
            assert f"The page {page.title} is not for your role" in text
            assert app.button(key="gate_home").label == "Go to Home"
            assert not app.dataframe
        assert escape_markdown(f"{role}@x.de") in text


@pytest.mark.parametrize("role", ["business", "reviewer"])
def test_what_was_promised_stands_beside_a_file_with_its_target_for_those_who_may_see_it(home, browser, role, tmp_path):
    browser.sign_in(role)
    data = write_customers(tmp_path / "known.csv", 80, seed=5).read_bytes()
    app = upload(browser.open("predict"), "known.csv", data)
    app.button(key="predict_start").click().run()
    assert not app.exception, app.exception
    assert not app.error, [one.value for one in app.error]
    (auc,) = (metric for metric in app.metric if metric.label.startswith("AUC") and "this file" in metric.label)
    assert bool(auc.delta) is (role == "reviewer")
    app.segmented_control(key="predict_mode").set_value("One case").run()
    app.button(key="predict_case_start").click().run()
    assert not app.exception, app.exception
    assert not app.error, [one.value for one in app.error]
    assert any("Prediction for" in metric.label for metric in app.metric)


def test_who_has_no_role_is_told_and_written_down(home, browser):
    browser.sign_in("stranger")
    app = browser.open("data")
    assert "nobody has given you a role" in words(app)
    assert [button.label for button in app.button] == ["Sign out"]
    (entry, *_) = home.services.ledger.entries(action="sign-in refused")
    assert entry.person == "stranger@x.de"


def test_a_sign_in_of_long_ago_is_asked_for_again(home, browser):
    browser.sign_in("admin", iat=1_600_000_000)
    assert "Sign in again" in words(browser.open())


def test_a_role_taken_away_is_gone_at_the_next_action(home, browser):
    browser.sign_in("analyst")
    app = browser.open("data")
    assert "not for your role" not in words(app)
    object.__setattr__(home.services.settings, "analysts", "")
    app.run()
    assert "nobody has given you a role" in words(app)


def test_a_role_that_changes_is_said_and_the_page_is_that_of_the_new_one(home, browser):
    browser.sign_in("analyst")
    app = browser.open("data")
    object.__setattr__(home.services.settings, "reviewers", "analyst@x.de")
    object.__setattr__(home.services.settings, "analysts", "")
    app.run()
    assert "The page Data is not for your role" in words(app)
    assert [one.value for one in app.toast] == ["Your roles have changed. You are reviewer now."]
    name_roles(home.services.settings)


def test_who_is_signed_out_in_the_midst_is_asked_to_sign_in_again_and_comes_back_as_who_they_are(home, browser):
    browser.sign_in("analyst", iat=time.time() - 60)
    app = browser.open("data")
    home.services.sign_outs.add("analyst@x.de")
    with pytest.raises(SignInError, match="signed you out"):
        get_services().datasets.add(Path("never-read.csv"), "never-read.csv")
    app.run()
    assert "An administrator has signed you out" in words(app)
    assert [button.label for button in app.button] == ["Sign in"]
    browser.sign_in("analyst", iat=time.time() + 2)
    app.run()
    assert "signed you out" not in words(app)
    assert app.title[0].value == "Data"


def test_a_page_calls_under_the_name_of_who_signed_in(home, browser):
    browser.sign_in("reviewer")
    (model, *_) = home.services.store.models(experiment="customers")
    get_services().reviews.comment(model, "Looks right.", person="Somebody Else")
    assert home.services.reviews.of_model(model).thread[-1].person == "reviewer@x.de"
    browser.sign_in("business")
    with pytest.raises(PermissionDeniedError):
        get_services().reviews.comment(model, "Me too.")


def test_without_a_provider_the_sidebar_says_whom_it_serves(home):
    app = AppTest.from_file(str(SHELL), default_timeout=120).run()
    assert "This machine only" in words(app)
    assert "Sign in" not in [button.label for button in app.button]
