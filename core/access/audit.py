"""The audit as people read it: the names of things instead of their ids, and who did it on every line."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from core.data.datasets.registry import Datasets
from core.errors import ModelNotFoundError, RunNotFoundError
from core.ledger.database import AuditEntry, Ledger
from core.ledger.scorings import ScoringTable
from core.ledger.tokens import TokenTable
from core.settings import Settings
from core.store.mlflow import Store
from core.wording import cut_text

NOT_SIGNED_IN: Final = "not signed in"
_ID: Final = re.compile(r"[0-9a-f]{32}")  # of a dataset, a scoring or a run
_VERSION: Final = re.compile(r"models:/(?P<name>.+)/(?P<version>\d+)")
_EVERYTHING: Final = 1_000_000
_CHARS: Final = 120


@dataclass(frozen=True, kw_only=True)
class AuditLine:
    """One act, in words.

    Attributes
    ----------
    who : str
        The person, program or part of Bellwether.
    on : str
        The name of what it was done to.
    subject : str
        Its id.
    """

    at: datetime
    who: str
    action: str
    on: str
    subject: str
    detail: Mapping[str, Any]


class Audit:
    """Reads the audit; every method may raise what `Ledger` and `Store` do."""

    def __init__(self, ledger: Ledger, store: Store, datasets: Datasets) -> None:
        self._ledger = ledger
        self._store = store
        self._datasets = datasets

    def lines(
        self,
        *,
        person: str | None = None,
        action: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        about: str = "",
        limit: int = 200,
    ) -> tuple[AuditLine, ...]:
        """Return lines, newest first.

        Parameters
        ----------
        person, action : str, optional
            As `people` and `actions` return them.
        about : str
            Words that the name, the id or the detail of the thing holds, in either case.
        limit : int
            Most lines that are returned.
        """
        wanted = "" if person == NOT_SIGNED_IN else person
        most = _EVERYTHING if about else limit
        entries = self._ledger.entries(person=wanted, action=action, since=since, until=until, limit=most)
        names: dict[str, str] = {}
        found: list[AuditLine] = []
        for entry in entries:
            line = self._line(entry, names)
            if about.casefold() in f"{line.on} {line.subject} {line.detail}".casefold():
                found.append(line)
            if len(found) == limit:
                break
        return tuple(found)

    def people(self) -> tuple[str, ...]:
        """Return everybody who stands in the audit."""
        rows = self._ledger.read("The audit log cannot be read.", "SELECT DISTINCT person FROM audit ORDER BY person")
        return tuple(person or NOT_SIGNED_IN for (person,) in rows)

    def actions(self) -> tuple[str, ...]:
        """Return every kind of act in the audit."""
        rows = self._ledger.read("The audit log cannot be read.", "SELECT DISTINCT action FROM audit ORDER BY action")
        return tuple(action for (action,) in rows)

    def _line(self, entry: AuditEntry, names: dict[str, str]) -> AuditLine:
        if entry.subject not in names:
            names[entry.subject] = cut_text(self._name(entry), _CHARS)
        return AuditLine(
            at=entry.at, who=entry.person or NOT_SIGNED_IN, action=entry.action, on=names[entry.subject],
            subject=entry.subject, detail=entry.detail,
        )  # fmt: skip

    def _name(self, entry: AuditEntry) -> str:
        """Return what people call the subject; its id where it is gone."""
        subject = entry.subject
        if version := _VERSION.fullmatch(subject):
            return f"{version['name']}, version {version['version']}"
        try:
            if subject.startswith("models:/"):
                model = self._store.resolve(subject)
                return f"{model.experiment}, version {model.version}" if model.version else model.model_key
            if _ID.fullmatch(subject):
                if (dataset := self._datasets.find_id(subject)) is not None:
                    return dataset.label
                if (record := ScoringTable(self._ledger).find(subject)) is not None:
                    return record.file_name
                run = self._store.get_run(subject)
                return f"run {run.title}"
        except (ModelNotFoundError, RunNotFoundError):
            return subject
        if entry.action == "setting" and subject in Settings.__dataclass_fields__:
            return str(Settings.__dataclass_fields__[subject].metadata["env"])
        if entry.action.endswith("token") and (token := TokenTable(self._ledger).find(subject)) is not None:
            return token.name
        return subject
