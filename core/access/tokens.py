"""Tokens with which programs use the HTTP interface: shown once, kept as a hash."""

import hmac
import secrets
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final

from core.access.roles import Person
from core.errors import DataError, ExperimentNotFoundError, SignInError, TokenNotFoundError
from core.ledger.database import Ledger
from core.ledger.tokens import Token, TokenTable
from core.store.mlflow import Store
from core.wording import day_text

PREFIX: Final = "bw"  # so that people and secret scanners know one when they see it
MAX_DAYS: Final = 3650
_MAX_NAME: Final = 100


class Tokens:
    """Creates, lists, revokes and checks tokens; every method may raise what `Ledger` does."""

    def __init__(self, ledger: Ledger, store: Store) -> None:
        self._ledger = ledger
        self._store = store
        self._table = TokenTable(ledger)

    def create(self, name: str, *, experiment: str = "", days: int = 90, person: str = "") -> tuple[str, Token]:
        """Make a token that lists and uses models.

        Parameters
        ----------
        name : str
            What it is for.
        experiment : str
            The only one that it is for; all when empty.
        days : int
            How long it is valid, at most `MAX_DAYS`.

        Returns
        -------
        str, Token
            The token, which cannot be shown again, and what is kept of it.

        Raises
        ------
        DataError
            ``token.name``, ``token.days`` if one cannot be used.
        ExperimentNotFoundError
            If there is no such experiment.
        """
        name = " ".join(name.split())
        if not 0 < len(name) <= _MAX_NAME:
            message = f"A token needs a name of 1 to {_MAX_NAME} characters."
            raise DataError(message, hint="Say what it is for.", code="token.name")
        if not 1 <= days <= MAX_DAYS:
            message = f"A token cannot be valid for {days} days."
            raise DataError(message, hint=f"Write 1 to {MAX_DAYS}.", code="token.days")
        if experiment and experiment not in self._store.experiments():
            raise ExperimentNotFoundError(f"There is no experiment {experiment!r}.")
        at, secret = datetime.now(UTC), secrets.token_urlsafe(32)
        token = Token(
            id=secrets.token_hex(4), at=at, person=person, name=name, experiment=experiment, sha256=_hash(secret),
            expires_at=at + timedelta(days=days),
        )  # fmt: skip
        self._table.add(token)
        detail = {"name": name, "experiment": experiment or "all", "expires": token.expires_at.date().isoformat()}
        self._ledger.record("create token", token.id, person=person, detail=detail)
        return f"{PREFIX}_{token.id}_{secret}", token

    def list(self) -> tuple[Token, ...]:
        """Return all tokens, the newest first."""
        return self._table.list()

    def revoke(self, token_id: str, *, person: str = "") -> Token:
        """Take a token back, at once; returns it as it is then (TokenNotFoundError if there is none)."""
        found = self._find(token_id)
        if found.revoked_at is None:
            self._table.revoke(token_id)
            self._ledger.record("revoke token", token_id, person=person, detail={"name": found.name})
        return self._find(token_id)

    def person_of(self, text: str) -> Person:
        """Return whom a token stands for.

        Raises
        ------
        SignInError
            If nobody made it (``token.unknown``), or it is no longer valid (``token.expired``, ``token.revoked``).
        """
        token_id, _, secret = text.removeprefix(f"{PREFIX}_").partition("_")
        found = self._table.find(token_id)
        # Compared also where there is nothing to compare with, so that the time tells nothing of the ids there are.
        is_same = hmac.compare_digest(_hash(secret), found.sha256 if found is not None else _hash(""))
        if found is None or not is_same:
            raise SignInError("This token is not known.", code="token.unknown")
        if found.state == "revoked":
            raise SignInError("This token was revoked.", code="token.revoked")
        if found.state == "expired":
            raise SignInError(f"This token expired on {day_text(found.expires_at)}.", code="token.expired")
        name = f"{found.name} (token {found.id})"
        return Person(name=name, given=("business",), experiment=found.experiment)

    def _find(self, token_id: str) -> Token:
        found = self._table.find(token_id)
        if found is None:
            raise TokenNotFoundError(f"There is no token {token_id!r}.")
        return found


def _hash(secret: str) -> str:
    """Return the hash of 256 random bits, which no table of guesses holds: no salt, no slow function."""
    return sha256(secret.encode()).hexdigest()
