"""People whom an administrator has signed out: what their provider said of them before that counts no more."""

import json
import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from core.errors import DataError
from core.ledger.database import Ledger

EVERYBODY: Final = "*"
_MAX_CHARS: Final = 320  # of an e-mail address


@dataclass(frozen=True)
class SignedIn:
    """Somebody who has signed in: who, when last, and when they were signed out last, if ever."""

    who: str
    at: datetime
    signed_out_at: datetime | None = None


class SignOuts:
    """Signs people out of every browser at once; every method may raise what `Ledger` does.

    A provider tells groups at the sign-in only, and a browser keeps that in a cookie: until it is signed out, a group
    that was taken away, or a cookie that was copied, would be good for `Settings.sign_in_s`.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def add(self, who: str, *, person: str = "") -> None:
        """Sign somebody out everywhere, or everybody (``*``); they can sign in again, as who they are then.

        Raises
        ------
        DataError
            ``sign_out.who`` if nobody is named.
        """
        who = who.strip().lower()
        if not 0 < len(who) <= _MAX_CHARS:
            hint = "Write an e-mail address, or * for everybody."
            raise DataError("Nobody is named.", hint=hint, code="sign_out.who")
        at = datetime.now(UTC).isoformat()
        with self._ledger.connect("The sign-out cannot be written.") as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("INSERT INTO sign_outs (at, person, who) VALUES (?, ?, ?)", (at, person, who))
            detail = json.dumps({"who": "everybody" if who == EVERYBODY else who}, ensure_ascii=False)
            insert = "INSERT INTO audit (at, person, action, subject, detail) VALUES (?, ?, 'sign out', 'app', ?)"
            connection.execute(insert, (at, person, detail))
            connection.execute("COMMIT")

    def since(self, name: str) -> float:
        """Return the moment from which a person's sign-ins count, in seconds since 1970; kept while nobody writes."""
        at = self._newest(name)
        # Providers tell whole seconds: a sign-in of the second in which somebody was signed out is one of before.
        return math.ceil(at.timestamp()) if at is not None else 0.0

    def list(self) -> tuple[SignedIn, ...]:
        """Return who has signed in, the latest first."""
        query = "SELECT person, MAX(at) FROM audit WHERE action = 'sign in' GROUP BY person ORDER BY MAX(at) DESC"
        rows = self._ledger.read("The sign-ins cannot be read.", query)
        return tuple(SignedIn(who, datetime.fromisoformat(at), self._newest(who)) for who, at in rows)

    def _newest(self, name: str) -> datetime | None:
        query = "SELECT MAX(at) FROM sign_outs WHERE who IN (?, ?)"
        ((at,),) = self._ledger.read("The sign-outs cannot be read.", query, name.lower(), EVERYBODY)
        return None if at is None else datetime.fromisoformat(at)
