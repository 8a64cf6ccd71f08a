"""Settings that administrators change while the app runs."""

from collections.abc import Mapping
from dataclasses import Field, dataclass, fields, replace
from datetime import datetime
from typing import Any, Final

from core.access.roles import split_names
from core.errors import SettingMovedError, SettingsError
from core.ledger.database import Ledger
from core.ledger.setting_changes import SettingChange, SettingChangeTable
from core.settings import Settings, read_value
from core.wording import ago_text, bytes_text

_MIB: Final = 1024**2

# What can be changed while it runs, and the least that is taken. Who administers is not among it: that is for whoever
# starts the app, so nobody can make themselves an administrator or lock everybody out.
LIVE: Final[Mapping[str, float]] = {
    "max_file_bytes": _MIB, "max_columns": 2, "max_cell_bytes": 1024, "max_unpacked_bytes": _MIB, "min_free_bytes": 0,
    "max_queue": 1, "max_scorings": 1, "max_score_rows": 1, "max_http_scorings": 1, "background_rows": 0,
    "keep_results_days": 1, "keep_scores_days": 1, "alert_psi": 0.01, "alert_loss": 0.001, "four_eyes": 0,
    "max_datasets": 1, "max_runtime_cap_s": 60, "sign_in_s": 60, "analysts": 0, "reviewers": 0, "business": 0,
}  # fmt: skip
_CHARS: Final = 4000


@dataclass(frozen=True, kw_only=True)
class SettingRow:
    """A setting as it is now.

    Attributes
    ----------
    value : str
        In words; of a secret only whether it is set.
    text : str
        The value as it would be written in the environment; empty for a secret.
    source : str
        ``default``, ``environment`` or ``changed here``.
    can_change : bool
        Whether an administrator can while the app runs.
    changed_by : str
        Who changed it last; empty where nobody did.
    seen : int
        The change that is in force, for `Live.change`; 0 for none.
    """

    name: str
    variable: str
    help: str
    value: str
    text: str
    source: str
    can_change: bool
    changed_by: str = ""
    changed_at: datetime | None = None
    seen: int = 0


class Live:
    """Changes settings for everybody who holds them, and keeps the changes for the next start and other processes.

    Every method may raise what `Ledger` does.

    Parameters
    ----------
    settings : Settings
        The one object that all services hold; what it says now is what a setting goes back to.
    environ : mapping of str to str
        The environment that the settings were read from.
    """

    def __init__(self, settings: Settings, ledger: Ledger, environ: Mapping[str, str]) -> None:
        self._settings = settings
        self._base = replace(settings)
        self._given = {spec.name for spec in fields(Settings) if environ.get(spec.metadata["env"], "").strip()}
        self._table = SettingChangeTable(ledger)
        self._seen: dict[str, SettingChange] = {}
        self.refresh()

    def refresh(self) -> None:
        """Bring the settings up to date with what administrators of any process have changed."""
        newest = self._table.newest()
        if newest == self._seen:
            return
        for name in LIVE:
            change = newest.get(name)
            value = change.value if change is not None and change.value is not None else getattr(self._base, name)
            object.__setattr__(self._settings, name, value)  # frozen for everybody else
        self._seen = newest

    def rows(self) -> tuple[SettingRow, ...]:
        """Return every setting with its value and where that came from."""
        self.refresh()
        return tuple(map(self._row, fields(Settings)))

    def change(self, name: str, text: str, *, seen: int, person: str = "") -> None:
        """Change a setting.

        Parameters
        ----------
        text : str
            The new value, written as in the environment.
        seen : int
            `SettingRow.seen` of when the person looked.

        Raises
        ------
        SettingsError
            If the value cannot be used (``settings.invalid``), or the setting cannot be changed while the app runs
            (``settings.fixed``).
        SettingMovedError
            If somebody else has changed it meanwhile; nothing is changed then.
        """
        spec = _spec(name)
        value = _check(spec, read_value(spec, text.strip()))
        self._write(spec, value, value_text(spec, value), seen, person)

    def reset(self, name: str, *, seen: int, person: str = "") -> None:
        """Let a setting be what the environment, or else the default, says; raises as `change` does."""
        spec = _spec(name)
        self._write(spec, None, f"{value_text(spec, getattr(self._base, name))}, as at the start", seen, person)

    def _write(self, spec: Field[Any], value: object, words: str, seen: int, person: str) -> None:
        other = self._table.add(spec.name, value, person=person, seen=seen, words=words)
        self.refresh()
        if other is not None:
            told = value_text(spec, getattr(self._settings, spec.name))
            by = f"{other.person or 'Somebody else'} changed it {ago_text(other.at)}"
            raise SettingMovedError(f"{by}: it is {told} now. Nothing was changed.")

    def _row(self, spec: Field[Any]) -> SettingRow:
        change = self._seen.get(spec.name)
        is_changed = change is not None and change.value is not None
        return SettingRow(
            name=spec.name,
            variable=spec.metadata["env"],
            help=spec.metadata["help"],
            value=value_text(spec, getattr(self._settings, spec.name)),
            text=_written(spec, getattr(self._settings, spec.name)) if spec.repr else "",
            source="changed here" if is_changed else "environment" if spec.name in self._given else "default",
            can_change=spec.name in LIVE,
            changed_by=change.person if change is not None else "",
            changed_at=change.at if change is not None else None,
            seen=change.id if change is not None else 0,
        )


def value_text(spec: Field[Any], value: Any) -> str:
    """Return the value of a setting in words; of a secret only whether it is set."""
    if not spec.repr:
        return "set" if value else "not set"
    if spec.metadata.get("size"):
        return bytes_text(value)
    if isinstance(value, bool):
        return "on" if value else "off"
    if spec.name.endswith("_s"):
        return f"{value:,g} s"
    return f"{value:,}" if isinstance(value, int) else str(value) or "not set"


def _written(spec: Field[Any], value: Any) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    return f"{value // _MIB}m" if spec.metadata.get("size") and value % _MIB == 0 else str(value)


def _spec(name: str) -> Field[Any]:
    found = next((spec for spec in fields(Settings) if spec.name == name), None)
    if found is None or name not in LIVE:
        raise SettingsError(
            f"{found.metadata['env'] if found else name} cannot be changed while the app runs.",
            hint="Set it in the environment and start the app again.",
            code="settings.fixed",
        )
    return found


def _check(spec: Field[Any], value: object) -> object:
    name, least = spec.metadata["env"], LIVE[spec.name]
    if isinstance(value, str):
        wrong = [
            part for part in split_names(value) if part != "*" and "@" not in part and not part.startswith("group:")
        ]
        if wrong or len(value) > _CHARS:
            hint = "Write e-mail addresses, @domain, group:NAME or *, separated by commas."
            raise SettingsError(f"{name} cannot be {wrong[0] if wrong else 'so long'!r}.", hint=hint)
    elif isinstance(value, (int, float)) and not least <= value < 2**62:  # which NaN is not
        low = value_text(spec, least)
        raise SettingsError(f"{name} has to be at least {low}.", hint=f"Write {low} or more.")
    return value
