"""The check before every call: four roles by every call of every service, and nobody gets past it."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from core.access.guard import Access, Guarded
from core.access.permissions import CALLS, CLOSED
from core.access.roles import NOBODY, OWNER, Person
from core.errors import PermissionDeniedError
from core.settings import Settings
from tests.fixtures_store import make_model

# Written out by hand: which roles may do what.
EXPECTED = {
    "look": {"business", "reviewer", "analyst", "admin"},
    "score": {"business", "reviewer", "analyst", "admin"},
    "inspect": {"reviewer", "analyst", "admin"},
    "discuss": {"reviewer", "analyst", "admin"},
    "publish": {"reviewer", "analyst", "admin"},
    "decide": {"reviewer", "admin"},
    "build": {"analyst", "admin"},
    "administer": {"admin"},
}
ROLES = ("business", "reviewer", "analyst", "admin")
SETTINGS = Settings(admins="admin@x.de", analysts="analyst@x.de", reviewers="reviewer@x.de", business="business@x.de")
EVERY_CALL = [(member, call, permission) for member, calls in CALLS.items() for call, permission in calls.items()]


def person(role: str) -> Person:
    return Person(name=f"{role}@x.de", email=f"{role}@x.de")


def guarded(member: str, who: Person, target: object, settings: Settings = SETTINGS) -> Guarded:
    return Guarded(target, member, Access(settings, lambda: None, lambda name: 0.0), lambda: who)


@pytest.mark.parametrize("role", ROLES)
def test_every_call_is_allowed_or_refused_as_written(role):
    for member, call, permission in EVERY_CALL:
        target = SimpleNamespace(**{call: lambda: "done"})
        service = guarded(member, person(role), target)
        if role in EXPECTED[permission]:
            assert getattr(service, call)() == "done", (member, call)
        else:
            with pytest.raises(PermissionDeniedError) as caught:
                getattr(service, call)()
            assert caught.value.code == "access.denied"


def test_what_matters_most_is_written_as_people_would_say_it():
    needed = {f"{member}.{call}": permission for member, call, permission in EVERY_CALL}
    for call in ("jobs.submit", "jobs.cancel", "datasets.delete", "datasets.add", "removals.remove", "recipes.save"):
        assert EXPECTED[needed[call]] == {"analyst", "admin"}, call
    for call in ("tokens.create", "tokens.revoke", "live.change", "audit.lines", "ledger.entries"):
        assert EXPECTED[needed[call]] == {"admin"}, call
    assert EXPECTED[needed["reviews.approve"]] == EXPECTED[needed["reviews.reject"]] == {"reviewer", "admin"}
    assert "business" not in EXPECTED[needed["reviews.promote"]]


@pytest.mark.parametrize("who", [NOBODY, Person(name="eve@x.de", email="eve@x.de")])
def test_nobody_may_do_anything(who):
    for member, call, _ in EVERY_CALL:
        with pytest.raises(PermissionDeniedError):
            getattr(guarded(member, who, SimpleNamespace(**{call: lambda: "done"})), call)()


def test_what_is_closed_or_not_declared_cannot_be_reached_by_anybody():
    for member, closed in CLOSED.items():
        for call in (*closed, "forgotten", "_private", "__dict__x"):
            with pytest.raises(AttributeError):
                getattr(guarded(member, OWNER, SimpleNamespace(**{call: lambda: "done"})), call)


def test_a_value_is_checked_like_a_call():
    target = SimpleNamespace(mojos="facet")
    assert guarded("engine", person("business"), target).mojos == "facet"
    with pytest.raises(PermissionDeniedError):
        _ = guarded("engine", Person(name="eve"), target).mojos


def test_a_role_that_is_taken_away_is_gone_at_the_next_call():
    settings = replace(SETTINGS)
    submit = guarded("jobs", person("analyst"), SimpleNamespace(submit=lambda: "done"), settings).submit
    assert submit() == "done"
    object.__setattr__(settings, "analysts", "")
    with pytest.raises(PermissionDeniedError, match="changing data and training models"):
        submit()


def test_who_acts_is_asked_at_each_call():
    now = [person("business")]
    service = Guarded(
        SimpleNamespace(submit=lambda: "done"), "jobs", Access(SETTINGS, lambda: None, lambda name: 0.0), lambda: now[0]
    )
    submit = service.submit
    with pytest.raises(PermissionDeniedError):
        submit()
    now[0] = person("analyst")
    assert submit() == "done"


class Jobs:
    """Takes a person, as the real one does."""

    def submit(self, settings: str, *, person: str = "") -> str:
        return f"{settings} by {person}"


def test_nobody_acts_under_another_name():
    jobs = guarded("jobs", person("analyst"), Jobs())
    assert jobs.submit("run", person="Somebody Else") == "run by analyst@x.de"
    assert jobs.submit("run") == "run by analyst@x.de"


def test_where_nobody_signs_in_people_say_who_they_are():
    jobs = guarded("jobs", OWNER, Jobs())
    assert jobs.submit("run", person="ada") == "run by ada"
    assert jobs.submit("run") == "run by "


class Scorer:
    """Chooses and uses models, as the real one does."""

    def choose_model(self, uri: str | None, experiment: str | None = None) -> object:
        return make_model(1, experiment="sales" if uri is None else "other")

    def score(self, file: str, model: object, *, person: str = "") -> str:
        return f"{file} by {person}"


def test_a_token_reaches_the_models_of_its_experiment_only():
    token = Person(name="CI (token 1)", given=("business",), experiment="sales")
    scorer = guarded("scorer", token, Scorer())
    own = scorer.choose_model(None, "sales")
    assert scorer.score("rows", own) == "rows by CI (token 1)"
    for act in (
        lambda: scorer.choose_model(None, "other"),
        lambda: scorer.choose_model("models:/other/1"),
        lambda: scorer.score("rows", make_model(2, experiment="other")),
        lambda: scorer.score("rows", model=make_model(2, experiment="other")),
    ):
        with pytest.raises(PermissionDeniedError) as caught:
            act()
        assert caught.value.code == "access.experiment"
