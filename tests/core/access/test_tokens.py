"""Tokens of programs: shown once, kept as a hash, refused when forged, expired or revoked."""

from datetime import UTC, datetime, timedelta

import pytest

from core.access.tokens import Tokens
from core.errors import DataError, ExperimentNotFoundError, SignInError, TokenNotFoundError
from core.ledger.database import Ledger
from core.ledger.tokens import Token, TokenTable


class Store:
    """Knows one experiment."""

    def experiments(self):
        return ("sales",)


@pytest.fixture
def ledger(settings):
    return Ledger(settings.ledger_path)


@pytest.fixture
def tokens(ledger):
    return Tokens(ledger, Store())


def test_a_token_stands_for_a_program_that_may_score(tokens, settings):
    text, token = tokens.create("nightly job", experiment="sales", days=30, person="ada")
    person = tokens.person_of(text)
    assert (person.name, person.experiment) == (f"nightly job (token {token.id})", "sales")
    assert person.roles(settings) == ("business",)
    assert tokens.list() == (token,)
    assert token.state == "active"


def test_only_its_hash_is_kept(tokens, settings, ledger):
    text, token = tokens.create("job", person="ada")
    secret = text.rpartition(f"{token.id}_")[2]
    assert len(secret) >= 43
    for path in settings.data_dir.glob("bellwether.db*"):
        assert secret.encode() not in path.read_bytes()
    assert secret not in str(ledger.entries())
    assert [(entry.action, entry.person) for entry in ledger.entries()] == [("create token", "ada")]


@pytest.mark.parametrize(
    "change",
    [
        lambda text, token: text[:-1] + ("A" if text[-1] != "A" else "B"),
        lambda text, token: text[:-1],
        lambda text, token: text + "A",
        lambda text, token: text.replace(token.id, "00000000"),
        lambda text, token: f"bw_{token.id}_",
        lambda text, token: f"bw_{token.id}_{token.sha256}",
        lambda text, token: "",
        lambda text, token: "bw__",
        lambda text, token: "日本",
        lambda text, token: "x" * 100_000,
    ],
)
def test_a_forged_token_is_not_known(tokens, change):
    text, token = tokens.create("job")
    with pytest.raises(SignInError) as caught:
        tokens.person_of(change(text, token))
    assert caught.value.code == "token.unknown"
    assert tokens.person_of(text).name


def test_a_revoked_token_is_refused_at_once_and_stays_so(tokens, ledger):
    text, token = tokens.create("job")
    revoked = tokens.revoke(token.id, person="bea")
    assert revoked.state == "revoked"
    with pytest.raises(SignInError) as caught:
        tokens.person_of(text)
    assert caught.value.code == "token.revoked"
    assert tokens.revoke(token.id, person="cy") == revoked
    assert [entry.person for entry in ledger.entries(action="revoke token")] == ["bea"]


def test_an_expired_token_is_refused(tokens, ledger):
    text, token = tokens.create("job")
    past = datetime.now(UTC) - timedelta(seconds=1)
    old = Token(
        id="11111111", at=past, person="", name="old", experiment="", sha256=token.sha256, expires_at=past
    )  # fmt: skip
    TokenTable(ledger).add(old)
    with pytest.raises(SignInError) as caught:
        tokens.person_of(text.replace(token.id, old.id))
    assert caught.value.code == "token.expired"


def test_another_process_sees_a_revoked_token(tokens, settings):
    text, token = tokens.create("job")
    assert tokens.person_of(text)
    Tokens(Ledger(settings.ledger_path), Store()).revoke(token.id)
    with pytest.raises(SignInError):
        tokens.person_of(text)


def test_what_cannot_be_made_is_refused(tokens):
    for name in ("", "  ", "x" * 101):
        with pytest.raises(DataError, match="name"):
            tokens.create(name)
    for days in (0, -1, 3651):
        with pytest.raises(DataError, match="days"):
            tokens.create("job", days=days)
    with pytest.raises(ExperimentNotFoundError):
        tokens.create("job", experiment="other")
    with pytest.raises(TokenNotFoundError):
        tokens.revoke("00000000")
    assert tokens.list() == ()
