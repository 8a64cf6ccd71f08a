"""Who gets which role from the settings."""

import pytest

from core.access.roles import NOBODY, OWNER, Person, person_of
from core.settings import Settings

SETTINGS = Settings(
    admins="root@firm.com", analysts="group:ml, Ann@Firm.com", reviewers="@audit.firm.com,ann@firm.com", business="*"
)
ANN, EVE = "ann@firm.com", "eve@evil.com"


@pytest.mark.parametrize(
    ("claims", "roles"),
    [
        ({"email": "ROOT@firm.com"}, {"admin", "business"}),
        ({"email": ANN}, {"analyst", "reviewer", "business"}),
        ({"email": EVE, "groups": ["ml"]}, {"analyst", "business"}),
        ({"email": EVE, "groups": "ml"}, {"analyst", "business"}),
        ({"email": "bo@audit.firm.com"}, {"reviewer", "business"}),
        ({"email": EVE}, {"business"}),
        ({"email": "x@notaudit.firm.com"}, {"business"}),
        ({"email": "@audit.firm.com@evil.com"}, {"business"}),
        ({"email": ANN, "email_verified": False, "sub": "7"}, {"business"}),
        ({"name": ANN}, {"business"}),
        ({"sub": "7", "groups": ["group:ml", "*"]}, {"business"}),
        ({}, set()),
    ],
)
def test_roles_follow_from_address_domain_and_group(claims, roles):
    assert set(person_of(claims, SETTINGS).roles(SETTINGS)) == roles


def test_nobody_has_a_role_that_the_settings_do_not_name():
    assert person_of({"email": ANN, "groups": ["admin"]}, Settings()).roles(Settings()) == ()
    assert NOBODY.roles(SETTINGS) == ()


def test_the_owner_of_the_machine_may_do_everything():
    assert OWNER.roles(Settings()) == ("admin",)


def test_the_claim_with_the_groups_can_have_another_name():
    settings = Settings(groups_claim="roles", analysts="group:ml")
    assert person_of({"email": EVE, "roles": ["ml"]}, settings).roles(settings) == ("analyst",)
    assert person_of({"email": EVE, "groups": ["ml"]}, settings).roles(settings) == ()


def test_people_are_written_down_by_their_address():
    assert person_of({"email": "Ann@Firm.com", "name": "Ann", "sub": "7"}, SETTINGS).name == ANN
    assert person_of({"name": "Ann", "sub": "7"}, SETTINGS) == Person(name="Ann")
