"""Tokens of programs in Bellwether's own tables: everything about them but the token itself."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from core.ledger.database import Ledger

_COLUMNS: Final = "id, at, person, name, experiment, sha256, expires_at, revoked_at"


@dataclass(frozen=True, kw_only=True)
class Token:
    """A token as it is kept.

    Attributes
    ----------
    id : str
        The part of it that is no secret.
    person, name : str
        Who made it, and for what.
    experiment : str
        The only one that it is for; empty for all.
    sha256 : str
        Of the secret part.
    revoked_at : datetime or None
        None while nobody has taken it back.
    """

    id: str
    at: datetime
    person: str
    name: str
    experiment: str
    sha256: str
    expires_at: datetime
    revoked_at: datetime | None = None

    @property
    def state(self) -> str:
        """``active``, ``expired`` or ``revoked``."""
        if self.revoked_at is not None:
            return "revoked"
        return "active" if self.expires_at > datetime.now(UTC) else "expired"


class TokenTable:
    """Rows of the table `tokens`; each method may raise what `Ledger` does."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def add(self, token: Token) -> None:
        """Keep a new token."""
        row = (
            token.id, token.at.isoformat(), token.person, token.name, token.experiment, token.sha256,
            token.expires_at.isoformat(),
        )  # fmt: skip
        with self._ledger.connect("The token cannot be written.") as connection:
            connection.execute(f"INSERT INTO tokens ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, NULL)", row)  # noqa: S608 - a constant

    def list(self) -> tuple[Token, ...]:
        """Return all tokens, the newest first."""
        query = f"SELECT {_COLUMNS} FROM tokens ORDER BY at DESC, id"  # noqa: S608 - a constant
        return tuple(map(_token, self._ledger.read("The tokens cannot be read.", query)))

    def find(self, token_id: str) -> Token | None:
        """Return one token."""
        query = f"SELECT {_COLUMNS} FROM tokens WHERE id = ?"  # noqa: S608 - a constant
        return next(map(_token, self._ledger.read("The token cannot be read.", query, token_id)), None)

    def revoke(self, token_id: str) -> None:
        """Take a token back; one that was taken back stays so."""
        with self._ledger.connect("The token cannot be revoked.") as connection:
            connection.execute(
                "UPDATE tokens SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL",
                (datetime.now(UTC).isoformat(), token_id),
            )


def _token(row: Any) -> Token:
    token_id, at, person, name, experiment, sha256, expires_at, revoked_at = row
    return Token(
        id=token_id, at=datetime.fromisoformat(at), person=person, name=name, experiment=experiment, sha256=sha256,
        expires_at=datetime.fromisoformat(expires_at),
        revoked_at=datetime.fromisoformat(revoked_at) if revoked_at else None,
    )  # fmt: skip
