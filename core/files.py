"""Files written whole or not at all, and those that are there for a while; readable by their owner only."""

import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from core.errors import DiskFullError, FileTooLargeError
from core.settings import Settings
from core.wording import bytes_text

# EFBIG: a file-size limit (ulimit -f) or a file system's largest file; to a person it is the same as a full disk.
NO_SPACE = frozenset({errno.ENOSPC, errno.EFBIG, errno.EDQUOT})
_FOLDER_MODE = 0o700


@contextmanager
def disk_errors(folder: Path) -> Iterator[None]:
    """Turn "no space left" and its kin into `DiskFullError`; every other error passes.

    Parameters
    ----------
    folder : Path
        What is being written to; its name goes into the message.

    Raises
    ------
    DiskFullError
        If the block fails with ENOSPC, EFBIG or EDQUOT.
    """
    try:
        yield
    except DiskFullError:
        raise
    except OSError as error:
        if error.errno in NO_SPACE:
            raise DiskFullError(f"The disk that holds the folder {folder.name!r} is full.") from error
        raise


def make_folder(folder: Path) -> None:
    """Create a folder and its parents for the owner only (0700); an existing folder is left as it is."""
    with disk_errors(folder):
        for part in [*reversed(folder.parents), folder]:
            with suppress(FileExistsError):
                part.mkdir(mode=_FOLDER_MODE)


@contextmanager
def atomic_path(path: Path, *, lasting: bool = True) -> Iterator[Path]:
    """Give a temporary path that becomes `path` when the block ends well, and vanishes when it does not.

    The temporary file lies in the same folder, so the final rename is atomic: other processes see the old file or the
    whole new one. A lasting file and its folder are synced, so that it outlives a power cut. The mode is 0600.

    Parameters
    ----------
    path : Path
        The file to write; an existing one is replaced. Missing folders are made (0700).
    lasting : bool
        False spares some milliseconds where nobody wants the file after a power cut.

    Yields
    ------
    Path
        An empty file to write to, with the suffix of `path`.

    Raises
    ------
    DiskFullError
        If the disk, the quota or a file-size limit is reached, in the block or on the way out.
    """
    make_folder(path.parent)
    with disk_errors(path.parent):
        # mkstemp makes the file 0600 under a name that nobody can guess or has taken.
        handle, name = tempfile.mkstemp(prefix=".part-", suffix=path.suffix, dir=path.parent)
        os.close(handle)
        temporary = Path(name)
        try:
            yield temporary
            if lasting:
                sync(temporary)
            temporary.replace(path)
            if lasting:
                sync(path.parent)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def scratch(settings: Settings, prefix: str) -> Iterator[Path]:
    """Give an empty folder in the home's work folder (0700), which is gone with all in it when the block ends.

    Parameters
    ----------
    prefix : str
        What its name begins with, to tell who made it.

    Raises
    ------
    DiskFullError
        If it cannot be made, or the block meets a full disk.
    """
    make_folder(settings.work_dir)
    with disk_errors(settings.work_dir), tempfile.TemporaryDirectory(prefix=prefix, dir=settings.work_dir) as name:
        yield Path(name)


def new_work_file(settings: Settings) -> Path:
    """Make an empty file in the home's work folder (0600), for what is being received; whoever asks removes it.

    DiskFullError if less is free than the settings ask for.
    """
    check_free_space(settings.work_dir, settings)
    with disk_errors(settings.work_dir):
        handle, name = tempfile.mkstemp(prefix="upload-", dir=settings.work_dir)
        os.close(handle)
    return Path(name)


def too_large(limit: int, setting: str, instead: str = "") -> FileTooLargeError:
    """Return the error of a file over a limit in bytes; `instead` is what else can be done."""
    return FileTooLargeError(
        f"The file is larger than the {bytes_text(limit)} allowed.",
        hint=f"Split the file, {instead}or raise {setting}.",
    )


def check_free_space(folder: Path, settings: Settings) -> None:
    """Refuse new work when the disk is nearly full.

    Parameters
    ----------
    folder : Path
        Where the work would be written; it need not exist yet.
    settings : Settings
        `min_free_bytes` is the least that must be free.

    Raises
    ------
    DiskFullError
        If less than `settings.min_free_bytes` is free.
    """
    existing = next(part for part in [folder, *folder.resolve().parents] if part.exists())
    free = shutil.disk_usage(existing).free
    if free < settings.min_free_bytes:
        raise DiskFullError(
            f"Only {bytes_text(free)} are free on the disk; new work needs {bytes_text(settings.min_free_bytes)}.",
            hint="Free some space and try again, or lower BELLWETHER_MIN_FREE.",
        )


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file's content as 64 hex digits."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def sync(path: Path) -> None:
    """Make a file's content, or the names in a folder, outlive a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
