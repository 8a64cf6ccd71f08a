"""Zip archives: what may be unpacked (trust T06), and the one data file inside; runs in the child process only."""

import shutil
import unicodedata
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path, PurePosixPath

from core.data.reading.child.request import Request
from core.domain.formats import split_format
from core.errors import DataError, FileTooLargeError, UnreadableFileError, UnsupportedFileError
from core.files import NO_SPACE

MAX_MEMBERS = 1000
MAX_RATIO = 200
# Below this size a member cannot hurt, however well it is packed.
SMALL_BYTES = 1024**2
_COPY_BYTES = 1024**2
_ENCRYPTED_FLAG = 0x1
# What macOS and Windows put beside people's files.
_LITTER = frozenset({"__macosx", ".ds_store", "thumbs.db", "desktop.ini"})
_DAMAGE = (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, ValueError)


@contextmanager
def open_zip(path: str, what: str) -> Iterator[zipfile.ZipFile]:
    """Open an archive; whatever is wrong with its structure is one error.

    UnreadableFileError if the archive is damaged.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except DataError:
        raise
    except _DAMAGE as error:
        raise UnreadableFileError(f"The {what} is damaged.") from error
    except OSError as error:
        # A damaged directory sends its reader to places that do not exist; only a full disk is not the file's fault.
        if error.errno in NO_SPACE:
            raise
        raise UnreadableFileError(f"The {what} is damaged.") from error


def check_members(members: Sequence[zipfile.ZipInfo], limit: int, setting: str, what: str) -> None:
    """Look at the directory of an archive before anything is unpacked.

    Raises
    ------
    FileTooLargeError
        If it unpacks to more than `limit` bytes.
    UnreadableFileError
        If it has too many members, or one that is packed absurdly well.
    """
    unpacked = sum(member.file_size for member in members)
    if unpacked > limit:
        raise FileTooLargeError(
            f"The {what} unpacks to {unpacked:,} bytes; the limit is {limit:,}.",
            hint=f"Save the table as CSV or split it, or raise {setting}.",
            code="file.unpacked_too_large",
        )
    if len(members) > MAX_MEMBERS:
        raise suspicious(what, f"it has {len(members):,} parts; the limit is {MAX_MEMBERS:,}")
    for member in members:
        if member.file_size > SMALL_BYTES and member.file_size > MAX_RATIO * member.compress_size:
            raise suspicious(what, f"a part unpacks to more than {MAX_RATIO} times its size")


def check_doctypes(archive: zipfile.ZipFile, members: Iterable[zipfile.ZipInfo]) -> None:
    """Refuse document type declarations: entities are declared there, and office programs write none (trust T07).

    UnreadableFileError if a part has one.
    """
    for member in members:
        if member.filename.lower().endswith((".xml", ".rels", ".vml", ".rdf")):
            with archive.open(member) as part:
                head = part.read(64 * 1024)
            # Dropping NULs makes UTF-16 text comparable.
            if b"<!DOCTYPE" in head.replace(b"\0", b"").upper():
                raise UnreadableFileError(
                    "The workbook contains XML declarations that Excel does not write.", code="file.xml_entities"
                )


def suspicious(what: str, reason: str) -> UnreadableFileError:
    """Return the error for an archive that no program would pack like that."""
    return UnreadableFileError(
        f"The {what} was not opened because {reason}.",
        hint="Save the table as CSV, without an archive around it.",
        code="file.suspicious_archive",
    )


def unpack_one(request: Request) -> Request:
    """Unpack the only data file of an archive to the scratch file; return the request to read that.

    DataError if the archive does not hold exactly one file that is read, or breaks a limit.
    """
    with Path(request.path).open("rb") as file:
        if not file.read(4).startswith(b"PK"):
            raise UnsupportedFileError(
                "The name ends in .zip, but this is not a zip archive.", code="file.content_mismatch"
            )
    with open_zip(request.path, "archive") as archive:
        members = archive.infolist()
        check_members(members, request.max_file_bytes, "BELLWETHER_MAX_FILE", "archive")
        member = _only_file(members)
        # Only the last part of the name is ever used, and only to know the format.
        name = _shown_name(member)
        kind, ending = split_format(name)
        if member.flag_bits & _ENCRYPTED_FLAG:
            raise UnsupportedFileError(
                "The archive is protected by a password.", hint="Pack it without a password.", code="file.encrypted"
            )
        with archive.open(member) as packed, Path(request.scratch).open("wb") as out:
            # The reader gives no more than the directory says, and checks the sum of what it gave.
            shutil.copyfileobj(packed, out, _COPY_BYTES)
    return replace(request, path=request.scratch, name=name, format=kind, gzipped=ending.lower().endswith(".gz"))


def _only_file(members: Sequence[zipfile.ZipInfo]) -> zipfile.ZipInfo:
    files = [member for member in members if not member.is_dir() and not _is_litter(member.filename)]
    names = [_shown_name(member) for member in files]
    nested = [name for name in names if name.lower().endswith((".zip", ".gz", ".7z", ".rar"))]
    if len(files) != 1 or nested:
        shown = ", ".join(repr(name[:60]) for name in names[:5]) + (", …" if len(names) > 5 else "")
        found = f"it contains {len(files):,} files: {shown}" if len(files) > 1 else f"it contains {shown or 'no file'}"
        raise UnsupportedFileError(
            f"An archive must contain exactly one data file; {found}.",
            hint="Unpack it and add its files one by one, or pack one CSV, Excel or Parquet file alone.",
            code="file.zip_members",
        )
    return files[0]


def _shown_name(member: zipfile.ZipInfo) -> str:
    visible = "".join(char for char in member.filename if unicodedata.category(char)[0] != "C")
    return PurePosixPath(visible.replace("\\", "/")).name


def _is_litter(name: str) -> bool:
    parts = PurePosixPath(name.replace("\\", "/").lower()).parts
    return bool(_LITTER.intersection(parts)) or (bool(parts) and parts[-1].startswith("._"))
