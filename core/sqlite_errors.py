"""What a database's or a disk's own error means to a person."""

import errno

from core.errors import DiskFullError, StoreBusyError, StoreCorruptError, StoreError

# EFBIG is a file-size limit (ulimit -f); SQLite reports it, and a disk that fills up, as "disk I/O error".
_NO_SPACE = frozenset({errno.ENOSPC, errno.EFBIG, errno.EDQUOT})
_SIGNS: tuple[tuple[type[StoreError], tuple[str, ...], str], ...] = (
    (
        StoreBusyError,
        ("database is locked", "database table is locked", "database schema is locked"),
        "It is in use elsewhere.",
    ),
    (DiskFullError, ("disk i/o error", "disk is full", "no space left on device"), "The disk is full."),
    (
        StoreCorruptError,
        (
            "malformed",
            "not a database",
            "file is encrypted",
            "could not decode to utf-8",
            "no such table",
            "no such column",
            "unsupported file format",
        ),
        "The database is damaged.",
    ),
)
_OTHER_VERSION = ("out-of-date database schema", "can't locate revision")


def as_store_error(error: BaseException, message: str) -> StoreError:
    """Return the `StoreError` that says what `error`, or what caused it, means.

    Parameters
    ----------
    error : BaseException
        From sqlite3, SQLAlchemy, MLflow or the operating system; only its text and errno are looked at.
    message : str
        What was being done, one sentence safe to show.

    Returns
    -------
    StoreError
        `StoreBusyError`, `DiskFullError`, `StoreCorruptError`, or plain `StoreError` when the cause is none of these.
    """
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno in _NO_SPACE:
            return DiskFullError(f"{message} The disk is full.")
        text = str(cause).lower()
        if any(sign in text for sign in _OTHER_VERSION):
            return StoreError(
                f"{message} Another version of MLflow made the database.",
                hint="Install the MLflow of requirements.txt, or back up mlruns/mlflow.db and run `mlflow db upgrade`.",
                code="store.other_version",
            )
        for kind, signs, reason in _SIGNS:
            if any(sign in text for sign in signs):
                return kind(f"{message} {reason}")
        cause = cause.__cause__
    return StoreError(message)
