"""Model files into the engine: each loaded once, and how many may be."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from core.engine.rest import frames
from core.engine.rest.client import NOT_FOUND, Client, ClusterConnection, quoted, unique
from core.errors import (
    EngineDiedError,
    EngineError,
    EngineUnavailableError,
    ModelIncompatibleError,
    ModelIntegrityError,
)
from core.files import sha256_of

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
    connection : ClusterConnection
        To the cluster that the files are loaded into.
    max_mojos : int
        How many MOJOs stay; more only while more are in use.
    """

    def __init__(self, connection: ClusterConnection, max_mojos: int = MAX_MOJOS) -> None:
        self._connection = connection
        self._max_mojos = max_mojos
        self._entries: dict[tuple[str, str, str], _Entry] = {}
        self._changing = threading.Lock()

    @contextmanager
    def hold_mojo(self, path: Path, sha256: str) -> Iterator[str]:
        """Load a MOJO and keep it loaded for the block."""
        with self._loading(path, sha256, "mojo", _load_mojo) as entry:
            entry.holders += 1
        try:
            yield entry.key
        finally:
            with self._changing:
                entry.holders -= 1
                entry.used_at = time.monotonic()

    def load_mojo(self, path: Path, sha256: str) -> str:
        """Load a MOJO."""
        with self._loading(path, sha256, "mojo", _load_mojo) as entry:
            entry.free_at = time.monotonic() + GRACE_S
        return entry.key

    def load_native(self, path: Path, sha256: str) -> str:
        """Load a native binary. Who loads it removes it."""
        with self._loading(path, sha256, "native", _load_native) as entry:
            return entry.key

    @contextmanager
    def _loading(self, path: Path, sha256: str, kind: str, load: Callable[[Client, Path], str]) -> Iterator[_Entry]:
        """Give the file's entry, loaded, to be changed in the block; what is too much goes after it."""
        _check_sha256(path, sha256)
        client, cluster = self._connection.client(), self._connection.connect()
        place = (cluster, kind, sha256)
        with self._changing:
            entry = self._entries.get(place)
            if entry is None or not exists(client, entry.key):
                try:
                    entry = _Entry(load(client, path))
                except (EngineDiedError, EngineUnavailableError):
                    raise
                except EngineError as error:
                    raise ModelIncompatibleError(
                        f"H2O cannot open the model file {path.name}: {error.message}"
                    ) from error
                self._entries[place] = entry
            entry.used_at = time.monotonic()
            yield entry
            self._evict(client, cluster)

    def _evict(self, client: Client, cluster: str) -> None:
        """Remove MOJOs over the limit, and forget what was loaded into an engine that is gone."""
        self._entries = {place: entry for place, entry in self._entries.items() if place[0] == cluster}
        mojos = {place: entry for place, entry in self._entries.items() if place[1] == "mojo"}
        now = time.monotonic()
        idle = [place for place, entry in mojos.items() if not entry.holders and entry.free_at <= now]
        idle.sort(key=lambda place: mojos[place].used_at)
        for place in idle[: max(0, len(mojos) - self._max_mojos)]:
            frames.delete(client, mojo_keys(self._entries.pop(place).key))


def exists(client: Client, model_key: str) -> bool:
    """Return whether the engine has a model of this key."""
    try:
        client.get(f"/3/Models/{quoted(model_key)}", _exclude_fields="models/output")
    except EngineError as error:
        if error.code == NOT_FOUND:
            return False
        raise
    return True


def mojo_keys(key: str) -> tuple[str, str]:
    """Return all that a loaded MOJO takes in the engine: the model, and the file that it was made of."""
    return key, f"{key}_file"


def _load_mojo(client: Client, path: Path) -> str:
    """Load a MOJO as a Generic model and return its key."""
    key = unique("mojo")
    _, source = mojo_keys(key)
    try:
        client.send_file("/3/PostFile.bin", path, destination_frame=source)
        client.wait(client.post("/3/ModelBuilders/generic", model_id=key, model_key=source))
    except EngineError:
        frames.delete_quietly(client, (key, source))
        raise
    return key


def _load_native(client: Client, path: Path) -> str:
    """Load a native binary and return its key, which is the name the model had when it was trained."""
    source = unique("native_file")
    try:
        client.send_file("/3/PostFile.bin", path, destination_frame=source)
        answer = client.post("/99/Models.upload.bin/", dir=source)
    finally:
        frames.delete_quietly(client, [source])
    return str(answer["models"][0]["model_id"]["name"])


def _check_sha256(path: Path, sha256: str) -> None:
    if sha256_of(path) != sha256:
        raise ModelIntegrityError(f"The model file {path.name} was changed or damaged since it was saved.")
