"""Whose turn it is to move the alias ``champion`` where homes share an MLflow server, and who moved it before.

MLflow moves an alias for whoever asks, without a look at where it points. But it keeps a param as it was first
written, and of two homes that write the same one refuses the second. So the promotions of an experiment are numbered
params of one run, that of its oldest version: who has written the next number may move the alias.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from core.domain.champions import ChampionEntry
from core.errors import AliasMovedError, StoreBusyError
from core.plain import from_json, to_json
from core.store.base import MlflowConnection
from core.store.records import PREFIX

_NAME: Final = "promotion."
_MOVES_FOR: Final = timedelta(seconds=60)  # longer than the calls of one promotion take; then it was broken off
_MAX_WHY: Final = 2000  # MLflow takes 6000 characters, of which JSON may need two for one


class Promotions:
    """The promotions of an experiment as they stood when this was made.

    Parameters
    ----------
    run_id : str
        The run that holds them.
    """

    def __init__(self, connection: MlflowConnection, experiment: str, run_id: str) -> None:
        self._mlflow, self._experiment, self._run_id = connection, experiment, run_id
        data = connection.client.get_run(run_id).data
        start = PREFIX + _NAME
        self._taken = {
            int(name.removeprefix(start)): from_json(ChampionEntry, text, what=f"promotion {name} of {experiment}")
            for name, text in data.params.items()
            if name.startswith(start)
        }
        self._done = {number for number in self._taken if f"{start}{number}" in data.tags}
        self._next = max(self._taken, default=0) + 1

    @property
    def newest(self) -> ChampionEntry | None:
        """The one that took its number last, whether it has moved the alias yet or not."""
        return self._taken.get(self._next - 1)

    def done(self, now: int | None) -> tuple[ChampionEntry, ...]:
        """Return those that moved the alias, which points to version `now`, the newest first."""
        last = {self._next - 1} if self.newest and self.newest.version == now else set()
        return tuple(self._taken[number] for number in sorted(self._done | last, reverse=True))

    def check_idle(self, entry: ChampionEntry | None) -> None:
        """Refuse to go on while another home may be about to move the alias; StoreBusyError.

        Parameters
        ----------
        entry : ChampionEntry, optional
            What is about to be done: where it has its number already, but was broken off, it goes on with that.
        """
        last = self.newest
        if not last or self._next - 1 in self._done:
            return
        if entry and last == _shortened(entry):
            self._next -= 1
        elif abs(datetime.now(UTC) - last.at) < _MOVES_FOR:
            raise StoreBusyError(
                f"Version {last.version} is being made the champion of {self._experiment} right now.",
                hint="Try again in a minute, and look at the champion first.",
            )

    def take(self, entry: ChampionEntry) -> None:
        """Take the next number; AliasMovedError if another home was first."""
        if not self._mlflow.write_once(self._run_id, f"{_NAME}{self._next}", to_json(_shortened(entry))):
            won = Promotions(self._mlflow, self._experiment, self._run_id).newest
            raise AliasMovedError(self._experiment, won.version if won else None, entry.from_version)

    def finish(self) -> None:
        """Note that the alias points where the number that was taken said."""
        self._mlflow.log_batch(self._run_id, tags={f"{_NAME}{self._next}": datetime.now(UTC).isoformat()})


def _shortened(entry: ChampionEntry) -> ChampionEntry:
    return entry if len(entry.why) <= _MAX_WHY else replace(entry, why=entry.why[: _MAX_WHY - 1] + "…")
