"""Signed out by an administrator: at once, in every browser, until the person signs in again."""

import time

import pytest

from core.access.guard import Access
from core.access.roles import OWNER, Person, person_of
from core.access.sign_outs import EVERYBODY, SignOuts
from core.errors import DataError, PermissionDeniedError, SignInError
from core.ledger.database import Ledger
from core.settings import Settings

SETTINGS = Settings(analysts="group:data-science", admins="admin@x.de")


@pytest.fixture
def ledger(settings):
    return Ledger(settings.ledger_path)


@pytest.fixture
def sign_outs(ledger):
    return SignOuts(ledger)


@pytest.fixture
def access(sign_outs):
    return Access(SETTINGS, lambda: None, sign_outs.since)


def ann(*, ago_s: float, groups: tuple[str, ...] = ("data-science",)) -> Person:
    """Somebody whose provider said who she is so many seconds ago."""
    return person_of({"email": "Ann@X.de", "groups": list(groups), "iat": int(time.time() - ago_s)}, SETTINGS)


def test_who_is_signed_out_loses_every_role_at_the_next_call_and_is_told(sign_outs, access):
    before = ann(ago_s=60)
    access.check(before, "build")
    sign_outs.add("ann@x.de", person="admin@x.de")
    assert access.roles(before) == ()
    with pytest.raises(SignInError, match="signed you out") as caught:
        access.check(before, "look")
    assert caught.value.code == "access.signed_out"


def test_the_next_sign_in_counts_with_what_the_provider_says_then(sign_outs, access):
    sign_outs.add(" ANN@x.de ")
    assert access.roles(ann(ago_s=-5)) == ("analyst",)
    assert access.roles(ann(ago_s=-5, groups=())) == ()
    with pytest.raises(PermissionDeniedError, match="does not include"):
        access.check(ann(ago_s=-5, groups=()), "build")


def test_a_sign_in_of_the_same_second_is_one_of_before(sign_outs, access):
    now = time.time()
    sign_outs.add("ann@x.de")
    assert access.is_signed_out(person_of({"email": "ann@x.de", "iat": int(now)}, SETTINGS))


def test_others_stay_and_everybody_is_everybody_but_the_owner_and_programs(sign_outs, access):
    sign_outs.add("bob@x.de")
    assert access.roles(ann(ago_s=60)) == ("analyst",)
    sign_outs.add(EVERYBODY)
    assert access.roles(ann(ago_s=60)) == ()
    assert access.roles(OWNER) == ("admin",)
    assert access.roles(Person(name="nightly (token 1)", given=("business",))) == ("business",)


def test_another_process_of_the_home_sees_it(settings, sign_outs):
    other = SignOuts(Ledger(settings.ledger_path))
    assert other.since("ann@x.de") == 0
    sign_outs.add("ann@x.de")
    assert other.since("Ann@x.de") >= time.time() - 5


def test_who_signed_in_is_listed_and_each_sign_out_is_in_the_audit(ledger, sign_outs):
    ledger.record("sign in", "app", person="ann@x.de")
    ledger.record("sign in", "app", person="bob@x.de")
    sign_outs.add("ann@x.de", person="admin@x.de")
    assert [(one.who, one.signed_out_at is not None) for one in sign_outs.list()] == [
        ("bob@x.de", False), ("ann@x.de", True),
    ]  # fmt: skip
    (entry,) = ledger.entries(action="sign out")
    assert (entry.person, entry.detail) == ("admin@x.de", {"who": "ann@x.de"})


@pytest.mark.parametrize("who", ["", "  ", "x" * 400])
def test_nobody_is_refused(sign_outs, who):
    with pytest.raises(DataError) as caught:
        sign_outs.add(who)
    assert caught.value.code == "sign_out.who"
