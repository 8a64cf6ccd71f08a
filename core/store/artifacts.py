"""The artifacts of runs and models: where they lie on this machine, and how they get there whole."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from core.errors import StoreError
from core.files import atomic_path
from core.store.records import check_file_path, is_file_path

# EXPERIMENT/RUN/artifacts or EXPERIMENT/models/MODEL/artifacts at the end of what MLflow has written down.
_TAIL = re.compile(r"(?:^|/)((?!\.)[\w.-]+/(?:models/m-)?[0-9a-f]{32}/artifacts)/?$", re.ASCII)


class Files(Protocol):
    """Files under a location, which is the artifact URI that MLflow has for a run or model."""

    def put(self, location: str, name: str, data: bytes | Path) -> None:
        """Write one file; one that is there is replaced."""

    def names(self, location: str, folder: str = "") -> tuple[str, ...]:
        """Return the names of all files, or of those in a folder, sorted."""

    def get(self, location: str, name: str, sha256: str | None = None) -> Path | None:
        """Return a local path of the file, None when there is none; a file of a known sha256 may come from a cache."""

    def clear(self, location: str) -> None:
        """Remove all files of the location."""


class LocalFiles:
    """Artifacts under `mlruns/artifacts`, wherever that folder lies now.

    MLflow writes absolute URIs down; only their last parts count here, so that a home that was moved keeps working.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def put(self, location: str, name: str, data: bytes | Path) -> None:
        """Write one file whole or not at all (0600); one that is there is replaced."""
        with atomic_path(self._folder(location) / check_file_path(name)) as temporary:
            if isinstance(data, Path):
                shutil.copyfile(data, temporary)
            else:
                temporary.write_bytes(data)

    def names(self, location: str, folder: str = "") -> tuple[str, ...]:
        """Return the names of all files, or of those in a folder, sorted."""
        root = self._folder(location)
        return tuple(sorted(self._iter_names(root, root / check_file_path(folder) if folder else root)))

    def get(self, location: str, name: str, sha256: str | None = None) -> Path | None:
        """Return the path of the file; None when there is none, or when a link leads out of the artifacts."""
        path = self._folder(location) / check_file_path(name)
        return path if path.is_file() and path.resolve().is_relative_to(self._root.resolve()) else None

    def clear(self, location: str) -> None:
        """Remove all files of the location."""
        shutil.rmtree(self._folder(location), ignore_errors=True)

    def _folder(self, location: str) -> Path:
        match = _TAIL.search(location)
        if match is None:
            raise StoreError("The location of these artifacts is not valid.")
        return self._root / match[1]

    def _iter_names(self, root: Path, folder: Path) -> Iterator[str]:
        for path in folder.rglob("*"):
            name = path.relative_to(root).as_posix()
            if is_file_path(name) and path.is_file():  # leaves out temporary files, which begin with a dot
                yield name
