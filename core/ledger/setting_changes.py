"""What administrators have changed of the settings, in Bellwether's own tables; the newest change of each in force."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from core.ledger.database import Ledger

_COLUMNS: Final = "id, at, person, name, value"


@dataclass(frozen=True)
class SettingChange:
    """A change of one setting.

    Attributes
    ----------
    name : str
        The field of `core.settings.Settings`.
    value : object
        The new value; None where the setting went back to what the environment says.
    """

    id: int
    at: datetime
    person: str
    name: str
    value: Any


class SettingChangeTable:
    """Rows of the table `setting_changes`, which nothing changes or removes; may raise what `Ledger` does."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def newest(self) -> dict[str, SettingChange]:
        """Return the newest change of each setting; kept while nobody writes, so it can be asked before every act."""
        query = (
            f"SELECT {_COLUMNS} FROM setting_changes WHERE id IN (SELECT MAX(id) FROM setting_changes GROUP BY name)"  # noqa: S608 - a constant
        )
        return {row[3]: _change(row) for row in self._ledger.read("The settings cannot be read.", query)}

    def add(self, name: str, value: object, *, person: str, seen: int, words: str) -> SettingChange | None:
        """Add a change with a line in the audit, unless there is a newer one than the person saw.

        Parameters
        ----------
        seen : int
            The id of the change that was in force when the person looked; 0 for none.
        words : str
            The value in words, for the audit.

        Returns
        -------
        SettingChange or None
            The change that somebody else made meanwhile; nothing is written then.
        """
        at = datetime.now(UTC).isoformat()
        with self._ledger.connect("The setting cannot be written.") as connection:
            connection.execute("BEGIN IMMEDIATE")
            query = f"SELECT {_COLUMNS} FROM setting_changes WHERE name = ? ORDER BY id DESC LIMIT 1"  # noqa: S608 - a constant
            row = connection.execute(query, (name,)).fetchone()
            if row is not None and row[0] != seen:
                return _change(row)  # the connection is closed, which ends the transaction
            text = None if value is None else json.dumps(value)
            insert = "INSERT INTO setting_changes (at, person, name, value) VALUES (?, ?, ?, ?)"
            connection.execute(insert, (at, person, name, text))
            connection.execute(
                "INSERT INTO audit (at, person, action, subject, detail) VALUES (?, ?, 'setting', ?, ?)",
                (at, person, name, json.dumps({"value": words}, ensure_ascii=False)),
            )
            connection.execute("COMMIT")
        return None


def _change(row: Any) -> SettingChange:
    number, at, person, name, text = row
    return SettingChange(number, datetime.fromisoformat(at), person, name, None if text is None else json.loads(text))
