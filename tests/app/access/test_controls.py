"""Four roles by every page: nothing that can be pressed leads to a call, or to a page, that the role lacks."""

import pytest
from streamlit.testing.v1 import AppTest

from app.ui import navigation
from app.ui.services import set_services
from core.access import guard
from core.access.permissions import CALLS
from core.access.roles import ROLES
from core.domain.models import ModelInfo
from core.errors import DataError
from tests.app.access.people import NAMED, browser, name_roles, words
from tests.app.access.test_roles import PAGES_OF
from tests.fixtures_runs import Home, make_home, run_to_end, write_customers

__all__ = ["browser"]
READING = {"look", "score", "inspect"}
# Calls that are made while a page is drawn; all others wait for somebody to press something.
DRAWN = {"rows", "list", "lines", "people", "actions", "is_working"}


class Stopped(DataError):
    """A press got through to a call that changes something, which is not made in this test."""

    def __init__(self) -> None:
        super().__init__("Stopped.", hint="By the test.", code="test.stopped")


@pytest.fixture(scope="module")
def home(tmp_path_factory, migrated_database):
    """Runs that have ended, one archived, one that waits; a scored file; a dataset with alerts that can be fixed."""
    folder = tmp_path_factory.mktemp("controls")
    made = make_home(folder, migrated_database, n_runs=1)
    services = made.services
    run_to_end(services, made.settings(seed=2), explain=False)
    services.store.archive_run(run_to_end(services, made.settings(seed=3, max_models=1), explain=False).run_id)
    services.jobs.submit(made.settings(seed=4))
    leak = folder / "leak.csv"
    leak.write_text("a,b,c,y\n" + "".join(f"{n},7,,{n % 2}\n" for n in range(60)), encoding="utf-8")
    services.datasets.add(leak, leak.name)
    scored = write_customers(folder / "scored.csv", 60, seed=9, with_target=False)
    services.scorer.score_file(scored, scored.name, experiment="customers", origin="page")
    name_roles(services.settings)
    set_services(services)
    yield made
    set_services(None)
    name_roles(services.settings, dict.fromkeys(NAMED, ""))


def other_model(home: Home) -> ModelInfo:
    """Return a stored model that is not the champion."""
    models = home.services.store.models(experiment="customers")
    return next(model for model in models if model.has_files and not model.is_champion)


def places(home: Home) -> dict[str, tuple[str, dict[str, str], dict[str, object]]]:
    """Return what is looked at: by its name the page, its address and what is opened or ticked on it."""
    store = home.services.store
    first, second, *_ = [run.run_id for run in store.list_runs(statuses=("finished",))]
    (archived,) = [run.run_id for run in store.list_runs(archived=True)]
    (waiting,) = [run.run_id for run in home.services.jobs.queue()]
    leak = next(one.id for one in home.services.datasets.list() if one.name == "leak")
    champion, other = store.champion("customers").id, other_model(home).id
    found: dict[str, tuple[str, dict[str, str], dict[str, object]]] = {
        "home": ("home", {}, {}),
        "data": ("data", {}, {}),
        "data, one": ("data", {"dataset": leak}, {}),
        "explore": ("explore", {"dataset": leak}, {"explore_more_alerts": True}),
        "explore, one kind": ("explore", {"dataset": leak}, {"explore_more_alerts": True,
                                                             "explore_alert_kinds": ["constant"]}),
        "prepare": ("prepare", {"dataset": leak}, {}),
        "train": ("train", {"dataset": leak}, {}),
        "train, a run": ("train", {"run": first}, {"run_reproduce": True, "run_comments": True}),
        "train, one that waits": ("train", {"run": waiting}, {}),
        "runs": ("runs", {}, {"runs_table": {"selection": {"rows": [0, 1]}}}),
        "runs, one that waits": ("runs", {"run": waiting}, {"runs_tabs": "Manage"}),
        "runs, archived": ("runs", {"run": archived}, {"runs_tabs": "Manage", "runs_delete_sure": True}),
        "leaderboard": ("leaderboard", {}, {}),
        "leaderboard, champion": ("leaderboard", {"model": champion}, {}),
        "leaderboard, other": ("leaderboard", {"model": other}, {"leaderboard.promoting": (other, 1)}),
        "compare": ("compare", {"run": first}, {}),
        "predict": ("predict", {}, {}),
        "predict, one case": ("predict", {}, {"predict_mode": "One case"}),
        "predict, history": ("predict", {}, {"predict_mode": "Earlier files"}),
    }  # fmt: skip
    for tab in ("Settings", "Report", "Files", "Manage"):
        opened = {"runs_tabs": tab, "run_reproduce": True, "run_comments": True, "runs_delete_sure": True}
        found[f"runs, {tab}"] = ("runs", {"run": second}, opened)
    for view in ("Overview", "Decision", "Report"):
        why = {"explain_policy_why": "Fewer calls."}
        found[f"explain, {view}"] = ("explain", {"model": champion}, {"explain_view": view, **why})
    for view in ("Files", "Drift", "Outcomes"):
        found[f"monitor, {view}"] = ("monitor", {}, {"monitor_view": view})
    for tab in ("Checks", "Limits and folders", "Tokens", "Activity"):
        found[f"settings, {tab}"] = ("settings", {}, {"settings_tabs": tab})
    return found


class Session:
    """One person in one tab, who goes from place to place."""

    def __init__(self, browser, role: str) -> None:
        self._browser, self.role = browser, role
        browser.sign_in(role)
        self.app = browser.open()

    def look(self, page: str, query: dict[str, str], opened: dict[str, object]) -> AppTest:
        self._browser.sign_in(self.role)
        self.app.query_params.clear()
        self.app.query_params.update(query)
        for key, value in opened.items():
            self.app.session_state[key] = value
        self.app.switch_page(f"../pages/{page}.py").run()
        assert not self.app.exception, (self.role, page, opened, self.app.exception)
        assert "access.denied" not in words(self.app), (self.role, page, opened)
        return self.app


def enabled(app: AppTest) -> set[str]:
    return {button.key for button in app.button if not button.disabled}


@pytest.fixture
def asked(monkeypatch):
    """Collect what presses ask for, and stop them there."""
    wanted: set[str] = set()
    is_pressed = [False]
    check = guard._checked

    def spy(call, permission, access, who):
        real = check(call, permission, access, who)

        def checked(*args, **options):
            if not is_pressed[0] or (permission in READING and call.__name__ not in ("cancel", "again")):
                return real(*args, **options)
            if call.__name__ in DRAWN:
                return real(*args, **options)
            wanted.add(permission)
            raise Stopped

        return checked

    def go(name, **_query):
        wanted.add(navigation.get_page(name).needs)
        raise Stopped

    monkeypatch.setattr(guard, "_checked", spy)
    monkeypatch.setattr(navigation, "go", go)

    def press(app: AppTest, key: str) -> set[str]:
        wanted.clear()
        is_pressed[0] = True
        app.button(key=key).click().run()
        is_pressed[0] = False
        return set(wanted)

    return press


def test_an_administrator_may_do_everything():
    assert all(granted <= ROLES["admin"] for granted in ROLES.values())
    assert {permission for calls in CALLS.values() for permission in calls.values()} <= ROLES["admin"]


def pressed(browser, asked, page: str, query: dict[str, str], opened: dict[str, object]) -> dict[str, set[str]]:
    """Return what each press of an administrator asks for; a place that a press changes is opened anew."""
    app = Session(browser, "admin").look(page, query, opened)
    acts = {}
    keys = enabled(app)
    for key in sorted(keys - {"gate_sign_out"}):
        acts[key] = asked(app, key)
        if not keys <= enabled(app):
            app = Session(browser, "admin").look(page, query, opened)
            if not acts[key] and key in enabled(app):
                acts[key] = asked(app, key)
                app = Session(browser, "admin").look(page, query, opened)
    return acts


def test_what_can_be_pressed_leads_to_nothing_that_is_refused(home, browser, asked):
    sessions = {role: Session(browser, role) for role in ("business", "reviewer", "analyst")}
    refused, told, reached = [], set(), set()
    for place, (page, query, opened) in places(home).items():
        acts = pressed(browser, asked, page, query, opened)
        reached |= set().union(*acts.values())
        for role, session in sessions.items():
            # Who holds all that the presses ask for, and all that the page draws with, cannot be refused.
            if page not in PAGES_OF[role] or not any(wanted - ROLES[role] for wanted in acts.values()):
                continue
            app = session.look(page, query, opened)
            refused += [(role, place, key) for key in enabled(app) if not acts.get(key, set()) <= ROLES[role]]
            for button in app.button:
                if button.disabled and not acts.get(button.key, set()) <= ROLES[role]:
                    assert button.help.startswith("Needs the role "), (role, place, button.key)
                    told.add((role, button.key))
    assert not refused
    # The presses did reach what they are for, and the reasons were seen: an empty table would prove nothing.
    assert reached >= {"build", "publish", "discuss", "decide", "administer", "score"}
    assert told >= {("reviewer", "runs_archive"), ("reviewer", "runs_delete"), ("analyst", "leaderboard_approve")}
    assert any(role == "business" and key.startswith("home_cancel_") for role, key in told)
