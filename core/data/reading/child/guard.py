"""What the process does that opens a file nobody has checked: one request, one answer, one Parquet file.

Memory, processor time and output size are limited by the kernel, so a hostile file ends this process and nothing else.
It imports no pandas: start-up counts.
"""

import os
import resource
from typing import Any

from core.domain.formats import BOOK_FORMATS
from core.errors import AppError, FileTooLargeError
from core.plain import from_plain, to_plain

_NICENESS = 5
# The output is smaller than what is read; this stops a writer that runs away.
_OUTPUT_SLACK_BYTES = 64 * 1024**2


def answer(fields: dict[str, Any]) -> dict[str, object]:
    """Give up what this process may do, then answer a request."""
    _limit(resource.RLIMIT_AS, fields["memory_bytes"])
    _limit(resource.RLIMIT_CPU, fields["cpu_s"])
    _limit(resource.RLIMIT_FSIZE, max(fields["max_file_bytes"], fields["max_unpacked_bytes"]) + _OUTPUT_SLACK_BYTES)
    _limit(resource.RLIMIT_CORE, 0)
    os.nice(_NICENESS)
    return _answer(fields)


def _limit(kind: int, value: int) -> None:
    # A limit set from outside may be lower, and only root can raise it.
    _, hard = resource.getrlimit(kind)
    ceiling = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(kind, (ceiling, ceiling))


def _answer(fields: dict[str, object]) -> dict[str, object]:
    try:
        return {"ok": _read(fields)}
    except AppError as error:
        return _error(error)
    except MemoryError:
        return _error(
            FileTooLargeError(
                "Reading the file takes more memory than is allowed.",
                hint="Split the file, or raise BELLWETHER_READER_MEMORY.",
                code="file.memory",
            )
        )
    except OSError as error:
        # Libraries raise OSError for damaged content too, then without a number; that is not the disk's fault.
        if error.errno is None:
            raise
        return {"errno": error.errno}


def _error(error: AppError) -> dict[str, object]:
    return {"error": {"kind": type(error).__name__, **error.to_dict()}}


def _read(fields: dict[str, object]) -> dict[str, object]:
    # Imported under the limits, and only what this file needs.
    from core.data.reading.child.request import Request

    request, member = from_plain(Request, fields), None
    if request.format == "zip":
        from core.data.reading.child.archive import unpack_one

        request = unpack_one(request)
        member = request.name
    if request.action == "sheets" and request.format not in BOOK_FORMATS:
        return {}
    if request.format == "csv":
        from core.data.reading.child.flat.separated import read_csv as read
    elif request.format == "parquet":
        from core.data.reading.child.parquet import read_parquet as read
    elif request.action == "sheets":
        from core.data.reading.child.book.workbook import list_sheets as read
    else:
        from core.data.reading.child.book.workbook import read_workbook as read
    return {**to_plain(read(request)), "member": member}
