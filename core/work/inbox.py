"""The watch folder: files dropped into ``data/inbox/EXPERIMENT/`` are scored by its champion, each of them once.

A file is claimed by a rename into ``working/``. Its result is written beside it, then the file is renamed into
``done/``, which is the moment from which it counts as scored, and last the result is renamed into
``data/outbox/EXPERIMENT/``. Whatever moment a process is killed at, the next one scores again what was not done yet,
whose result nobody has seen, and hands over what was.
"""

import logging
import os
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Final

from core.domain.formats import BOOK_FORMATS, split_format
from core.errors import (
    AppError,
    EngineError,
    ExperimentNotFoundError,
    StoreError,
    UnsupportedFileError,
)
from core.exports.answers import save
from core.files import atomic_path, make_folder
from core.ledger.database import Ledger
from core.locks import FileLock
from core.scoring.result import Scored
from core.scoring.scorer import Scorer
from core.settings import Settings
from core.store.mlflow import Store
from core.work.worker import Worker

WORKING, DONE, FAILED = "working", "done", "failed"
PERSON: Final = "inbox"
_RESULT = ".result-"
_UNFINISHED = (".part", ".partial", ".tmp", ".temp", ".crdownload", ".download", ".filepart", ".swp")
_HIDDEN = (".", "~$")
_TRIES = 3
_MAX_NAME_BYTES, _MAX_ENDING = 200, 20

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Size:
    """What must stay the same for a file to count as whole."""

    n_bytes: int
    changed_ns: int
    inode: int


class Inbox(Worker):
    """Watches the folder."""

    def __init__(self, settings: Settings, store: Store, ledger: Ledger, scorer: Scorer) -> None:
        super().__init__("inbox", settings.inbox_interval_s)
        self._settings = settings
        self._store = store
        self._ledger = ledger
        self._scorer = scorer
        self._current: Path | None = None
        self._seen: dict[Path, dict[str, _Size]] = {}
        self._tries: dict[Path, int] = {}

    def start(self) -> None:
        """Begin to watch, if the settings say so."""
        if self._settings.inbox_interval_s > 0:
            super().start()

    def step(self) -> None:
        """Do one round, unless another process of the home does one."""
        with FileLock(self._settings.inbox_dir / ".lock") as lock:
            if lock.try_alone():
                self.look()

    def drop(self, reference: str) -> None:
        """Put the file that met a bug aside."""
        path, self._current = self._current, None
        if path is not None and path.exists():
            self._fail(path, "app.unexpected", f"Something went wrong (ref {reference}).", "Look for it in the log.")

    def look(self) -> None:
        """Do one round: make folders, hand over and take up what was left, claim what is whole, score it.

        A file is whole when it has not changed since the round before, so a new one is never taken at once.
        """
        self._current = None
        for folder in self._folders():
            self._hand_over(folder)
            # One after the other: whether a file is whole is looked at when its turn has come.
            for path in chain(self._claimed(folder), self._claim(folder)):
                if self._stopping.is_set():
                    return
                self._current = path
                self._process(path)
                self._current = None

    def _folders(self) -> list[Path]:
        """Return the folders of the inbox, after making one for each experiment with a champion."""
        try:
            names = tuple(self._store.champions())
        except StoreError as error:
            logger.warning("the experiments cannot be listed [%s]", error.code)
            names = ()
        for name in names:
            if not name.startswith(_HIDDEN) and len(name.encode()) <= 255:
                make_folder(self._settings.inbox_dir / name)
        found = sorted(path for path in self._settings.inbox_dir.iterdir() if _is_folder(path))
        for folder in found:
            for part in (WORKING, DONE, FAILED):
                make_folder(folder / part)
        return found

    def _claim(self, folder: Path) -> Iterator[Path]:
        """Claim the files that have not changed since the last round, and yield where they are then."""
        before, now = self._seen.get(folder, {}), dict[str, _Size]()
        self._seen[folder] = now
        for path in sorted(folder.iterdir()):
            found = None if path.name.lower().startswith(_HIDDEN) or _is_unfinished(path) else _size(path)
            if found is not None and found == before.get(path.name):
                yield _move(path, folder / WORKING, name=_safe_name(path.name))
            elif found is not None:
                now[path.name] = found

    def _claimed(self, folder: Path) -> list[Path]:
        """Return the files that were claimed and not scored: by a killed process, or tried in vain."""
        return [path for path in sorted((folder / WORKING).iterdir()) if not path.name.startswith(_RESULT)]

    def _hand_over(self, folder: Path) -> None:
        """Move results whose file is done to the outbox; drop those whose file is still to be scored."""
        for result in sorted((folder / WORKING).glob(f"{_RESULT}*")):
            name = result.name.removeprefix(_RESULT).rpartition(".")[0]
            if (folder / WORKING / name).exists():
                result.unlink()
            else:
                self._deliver(result, folder.name, name)

    def _process(self, path: Path) -> None:
        begun, experiment = time.monotonic(), path.parent.parent.name
        result = _result_path(path)
        try:
            scored = self._score(path, experiment)
            save(scored, result)
        except (EngineError, StoreError) as error:
            if self._stopping.is_set():  # the engine ends with us; the file is scored after the next start
                return
            self._tries[path] = self._tries.get(path, 0) + 1
            logger.warning("%s cannot be scored now [%s], try %s", experiment, error.code, self._tries[path])
            if self._tries[path] >= _TRIES:
                self._fail(path, error.code, error.message, error.hint)
            return
        except AppError as error:
            self._fail(path, error.code, error.message, error.hint)
            return
        if self._stopping.is_set():
            result.unlink(missing_ok=True)
            return
        note = "".join(f"{about}: {value}\n" for about, value in scored.summary().items())
        _write_note(_move(path, path.parent.parent / DONE), note)
        self._deliver(result, experiment, path.name)
        self._tries.pop(path, None)
        logger.info("%s: %s rows scored in %.1f s", experiment, scored.n_rows, time.monotonic() - begun)

    def _score(self, path: Path, experiment: str) -> Scored:
        if not stat.S_ISREG(path.lstat().st_mode):
            raise UnsupportedFileError(
                "This is not a regular file, but a link for example.", hint="Copy the file itself."
            )
        if self._store.champion(experiment) is None:
            raise ExperimentNotFoundError(f"Experiment {experiment!r} has no champion.")
        return self._scorer.score_file(
            path, path.name, experiment=experiment, person=PERSON, details=True, checked=True, origin="inbox"
        )

    def _fail(self, path: Path, code: str, message: str, hint: str) -> None:
        _result_path(path).unlink(missing_ok=True)
        failed = _move(path, path.parent.parent / FAILED)
        _write_note(failed, f"{path.name} was not scored.\n\n{message}\n{hint}\n\nCode: {code}\n")
        self._tries.pop(path, None)
        self._ledger.record("score failed", path.parent.parent.name, person=PERSON, detail={"code": code})
        logger.warning("%s: a file was not scored [%s]", path.parent.parent.name, code)

    def _deliver(self, result: Path, experiment: str, name: str) -> None:
        stem = name[: -len(_ending(name))] if _ending(name) else name
        _move(result, self._settings.outbox_dir / experiment, name=f"{stem}_predictions{result.suffix}")


def _is_folder(path: Path) -> bool:
    is_named_well = path.name == _decoded(path.name) and not path.name.startswith(_HIDDEN)
    return is_named_well and stat.S_ISDIR(path.lstat().st_mode)


def _is_unfinished(path: Path) -> bool:
    return path.name.lower().endswith(_UNFINISHED)


def _size(path: Path) -> _Size | None:
    """Return what must not change; None for folders, for what is empty still, and for what is gone meanwhile."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(found.st_mode) or (stat.S_ISREG(found.st_mode) and not found.st_size):
        return None
    return _Size(found.st_size, found.st_mtime_ns, found.st_ino)


def _decoded(name: str) -> str:
    """Return a file's name as text that can be written: bytes that are not UTF-8 become a question mark."""
    return os.fsencode(name).decode("utf-8", "replace")


def _safe_name(name: str) -> str:
    """Return a name that leaves room for what is put before and behind it, with its ending."""
    text = _decoded(name)
    ending = _ending(text)[-_MAX_ENDING:]
    stem = text[: len(text) - len(ending)]
    while len(f"{stem}{ending}".encode()) > _MAX_NAME_BYTES:
        stem = stem[:-1]
    return stem + ending


def _move(path: Path, folder: Path, *, name: str | None = None) -> Path:
    """Rename a file into a folder under a name that is free there; return where it is."""
    make_folder(folder)
    name = name or path.name
    ending = _ending(name)
    stem = name[: len(name) - len(ending)]
    number = 1
    target = folder / name
    while target.exists() or target.is_symlink():
        number += 1
        target = folder / f"{stem} ({number}){ending}"
    return path.rename(target)


def _ending(name: str) -> str:
    """Return the ending by which a file is read, such as ``.csv.gz``; else what follows the last dot."""
    try:
        return split_format(name)[1]
    except UnsupportedFileError:
        return Path(name).suffix


def _result_path(path: Path) -> Path:
    """Return where the result of a claimed file is written."""
    return path.with_name(f"{_RESULT}{path.name}{_result_suffix(path.name)}")


def _result_suffix(name: str) -> str:
    """Return the ending of the result: of the same kind as the file."""
    try:
        kind = split_format(name)[0]
    except UnsupportedFileError:
        return ".csv"
    return ".xlsx" if kind in BOOK_FORMATS else ".parquet" if kind == "parquet" else ".csv"


def _write_note(path: Path, text: str) -> None:
    with atomic_path(path.with_name(f"{path.name}.txt")) as temporary:
        temporary.write_text(text, encoding="utf-8")
