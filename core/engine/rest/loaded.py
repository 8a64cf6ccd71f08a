"""Which stored models are loaded in the engine, and how many may be."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from core.engine.rest import frames, models
from core.engine.rest.client import Client
from core.errors import EngineDiedError, EngineError, EngineUnavailableError

MAX_MOJOS = 16
GRACE_S = 600.0  # a MOJO that was asked for without a hold stays for so long


@dataclass
class _Entry:
    key: str
    used_at: float = 0.0
    holders: int = 0
    free_at: float = 0.0


class LoadedModels:
    """Loads each file once, and lets the MOJOs go that nobody has used for longest.

    Parameters
    ----------
    max_mojos : int
        How many MOJOs stay; more only while more are in use.
    """

    def __init__(self, max_mojos: int = MAX_MOJOS) -> None:
        self._max_mojos = max_mojos
        self._entries: dict[tuple[str, str, str], _Entry] = {}
        self._changing = threading.Lock()

    @contextmanager
    def hold_mojo(self, client: Client, cluster: str, path: Path, sha256: str) -> Iterator[str]:
        """Load a MOJO and keep it loaded for the block; see `Engine.hold_mojo`."""
        with self._changing:
            entry = self._get(client, (cluster, "mojo", sha256), path, models.load_mojo)
            entry.holders += 1
            self._evict(client, cluster)
        try:
            yield entry.key
        finally:
            with self._changing:
                entry.holders -= 1
                entry.used_at = time.monotonic()

    def load_mojo(self, client: Client, cluster: str, path: Path, sha256: str) -> str:
        """Load a MOJO; see `Engine.load_mojo`."""
        with self._changing:
            entry = self._get(client, (cluster, "mojo", sha256), path, models.load_mojo)
            entry.free_at = time.monotonic() + GRACE_S
            self._evict(client, cluster)
            return entry.key

    def load_native(self, client: Client, cluster: str, path: Path, sha256: str) -> str:
        """Load a native binary; see `Engine.load_native`. Who loads it removes it."""
        with self._changing:
            return self._get(client, (cluster, "native", sha256), path, models.load_native).key

    def _get(
        self, client: Client, place: tuple[str, str, str], path: Path, load: Callable[[Client, Path], str]
    ) -> _Entry:
        entry = self._entries.get(place)
        if entry is None or not models.exists(client, entry.key):
            try:
                entry = _Entry(load(client, path))
            except (EngineDiedError, EngineUnavailableError):
                raise
            except EngineError as error:
                raise models.incompatible(path, error) from error
            self._entries[place] = entry
        entry.used_at = time.monotonic()
        return entry

    def _evict(self, client: Client, cluster: str) -> None:
        """Remove MOJOs over the limit, and forget what was loaded into an engine that is gone."""
        self._entries = {place: entry for place, entry in self._entries.items() if place[0] == cluster}
        mojos = {place: entry for place, entry in self._entries.items() if place[1] == "mojo"}
        now = time.monotonic()
        idle = [place for place, entry in mojos.items() if not entry.holders and entry.free_at <= now]
        idle.sort(key=lambda place: mojos[place].used_at)
        for place in idle[: max(0, len(mojos) - self._max_mojos)]:
            frames.delete(client, models.mojo_keys(self._entries.pop(place).key))
