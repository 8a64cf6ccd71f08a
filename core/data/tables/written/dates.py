"""Dates: which formats read a column of text, and reading it; the rules are in docs/types.md."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cache, partial
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from core.data.tables.written.cells import parse_numbers
from core.data.tables.written.clocks import settle
from core.errors import DataError

_DATE = pa.timestamp("ms")
_EXCEL_EPOCH = 25_569.0  # Excel's number of 1970-01-01
_CENTURY_MS = 36_525 * 86_400_000  # any hundred years that end from 2001 to 2099
# RE2 patterns.
_ISO = r"^\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?)?$"
_ISO_ZONE = r":.*(?:Z|[+-]\d\d:?\d\d)$"
_WORDED = r"\d{1,2} [A-Za-z]{3,9} \d{4}|[A-Za-z]{3,9} \d{1,2}, \d{4}|\d{4}年"
_DATE_LIKE = rf"^(?:\d{{1,4}}[-/.][0-9A-Za-z]{{1,3}}[-/.]\d{{1,4}}|\d{{8}}T\d{{4}}|{_WORDED})"
_EXCEL_DAY = r"^[1-7]\d{4}(?:\.\d+)?$"  # 1927 to 2119

# Day before month: a column that fits both is read the way most of the world writes (docs/types.md).
_DAYS = (
    *("%Y/%m/%d", "%Y.%m.%d", "%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%d-%b-%Y"),
    *("%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%Y年%m月%d日"),
)
TIMES: Final = ("", " %H:%M:%S", " %H:%M", " %I:%M:%S %p", " %I:%M %p")
ISO: Final = "ISO 8601"
EXCEL: Final = "Excel"
SEVERAL: Final = " | "
_MAX_FORMATS = 3
_CLOCK: Final = re.compile(r" %[HI]")
DATE_FORMATS: Final[tuple[str | None, ...]] = (None, *(day + time for day in _DAYS for time in TIMES))
_DIRECTIVES = {
    "%Y": r"\d{4}",
    "%y": r"\d\d",
    "%m": r"\d{1,2}",
    "%d": r"(?P<day>\d{1,2})",
    "%H": r"\d{1,2}",
    "%I": r"\d{1,2}",
    "%M": r"[0-5]\d",
    "%S": r"[0-5]\d",
    "%p": r"[AaPp][Mm]",
    "%b": r"[A-Za-z]{3}",
    "%B": r"[A-Za-z]{3,9}",
    "%a": r"[A-Za-z]{3}",
    "%A": r"[A-Za-z]{6,9}",
}
_MONTHS: Final = ("%m", "%b", "%B")


def matching_date_formats(text: pa.Array) -> tuple[str | None, ...]:
    """Name the formats that read every value, the preferred one first.

    Parameters
    ----------
    text : Array of string, shape (n_values,)
        Trimmed values without missing ones.

    Returns
    -------
    tuple of str or None
        `strptime` formats, None for ISO 8601; two of them when day and month cannot be told apart.
    """
    sample = text.slice(0, 50)
    # Ordinary words leave here: trying every format costs milliseconds, and a table may have thousands of columns.
    if not len(text) or not pc.all(pc.match_substring_regex(sample, _DATE_LIKE)).as_py():
        return ()
    listed = sample.to_pylist()
    begun = [known for known in DATE_FORMATS if begin_like(listed, known)]
    likely = [known for known in begun if parse_dates(sample, known).null_count == 0]
    return tuple(known for known in likely if parse_dates(text, known).null_count == 0)


def joined_date_format(text: pa.Array) -> str | None:
    """Return up to three formats, joined by `SEVERAL`, that together read a column which no single one reads.

    Day before month and month before day never go together: then no value tells which is meant.

    Parameters
    ----------
    text : Array of string, shape (n_values,)
        Trimmed values without missing ones.
    """
    sample = text.slice(0, 50)
    like = pc.match_substring_regex(sample, _DATE_LIKE)
    excel = pc.match_substring_regex(sample, _EXCEL_DAY)
    if not len(text) or not pc.all(pc.or_(like, excel)).as_py() or pc.sum(like).as_py() * 2 <= len(sample):
        return None
    chosen: list[str] = []
    rest = text
    while len(rest) and len(chosen) < _MAX_FORMATS:
        found = {known: len(rest) - parse_dates(rest, known).null_count for known in DATE_FORMATS}
        best = max(DATE_FORMATS, key=lambda known: found[known])
        if not found[best]:
            break
        chosen.append(best or ISO)
        rest = rest.filter(pc.is_null(parse_dates(rest, best)))
    if len(rest) * 2 < len(text) and pc.all(pc.match_substring_regex(rest, _EXCEL_DAY)).as_py() and len(rest):
        chosen.append(EXCEL)
    elif len(rest):
        return None
    numeric = [part for part in chosen if "%m" in part and not part.startswith("%Y")]
    if len({part.index("%d") < part.index("%m") for part in numeric}) > 1:
        return None
    return SEVERAL.join(chosen)


def swapped_date_format(date_format: str) -> str | None:
    """Return the format with day and month exchanged, where that is a usual one."""
    swapped = date_format.replace("%d", "%?").replace("%m", "%d").replace("%?", "%m")
    return swapped if swapped != date_format and swapped in DATE_FORMATS else None


def parse_dates(text: pa.Array, date_format: str | None) -> pa.Array:
    """Return timestamp[ms] without a zone (UTC where the text has one); null where the text is not such a date.

    Several formats are joined by `SEVERAL`; the first that reads a value counts. `ISO` and `EXCEL` name ISO 8601 and
    the day numbers that Excel counts from 1899-12-30.

    A clock may have a zone, a fraction and AM or PM in any usual way (`core.data.tables.written.clocks`), whatever the
    format.

    DataError if the format has a directive other than those of docs/types.md.
    """
    if date_format is not None and SEVERAL in date_format:
        return pc.coalesce(*(parse_dates(text, part) for part in date_format.split(SEVERAL)))
    if date_format == EXCEL:
        return _parse_excel(text)
    read = _parse_iso if date_format in (None, ISO) else partial(_parse_format, date_format=date_format)
    found = read(text)
    # What is written in the plain form is read at once; only what is not pays for a closer look.
    settled = settle(text) if found.null_count > text.null_count else None
    if settled is None:
        return found
    plain, moved_ms = settled
    return pc.coalesce(found, pc.cast(pc.add(pc.cast(read(plain), pa.int64()), moved_ms), _DATE))


def _parse_format(text: pa.Array, date_format: str) -> pa.Array:
    if "%d" not in date_format:  # a month is its first day
        text, date_format = pc.binary_join_element_wise(text, "1", " "), f"{date_format} %d"
    # strptime takes the 30th of February for the 1st of March and the year 15 for 0015: the pattern checks the shape,
    # the day that comes out is compared with the one written.
    parts = pc.extract_regex(text, date_pattern(date_format))
    known = pc.if_else(pc.is_valid(parts), text, pa.scalar(None, text.type))
    dates = pc.strptime(known, format=date_format, unit="ms", error_is_null=True)
    if "%y" in date_format:
        dates = _not_ahead(dates)
    same_day = pc.equal(pc.day(dates), pc.cast(pc.struct_field(parts, "day"), pa.int64()))
    return pc.if_else(same_day, dates, pa.scalar(None, _DATE))


@cache
def date_pattern(date_format: str) -> str:
    r"""Return the RE2 pattern of a `strptime` format.

    Raises
    ------
    DataError
        If it has no month, two days, or a directive that is not supported.

    Examples
    --------
    >>> date_pattern("%Y/%m/%d")
    '^\\d{4}/\\d{1,2}/(?P<day>\\d{1,2})$'
    """
    pieces = re.split(r"(%.)", date_format)
    unknown = [piece for piece in pieces if piece.startswith("%") and piece not in _DIRECTIVES]
    if unknown or pieces.count("%d") > 1 or not any(month in pieces for month in _MONTHS):
        raise DataError(
            f"{date_format!r} is not a date format that can be used.",
            hint="Write a month, a day (%d) at most once, and otherwise only: "
            f"{' '.join(_DIRECTIVES)}; for example %d.%m.%Y.",
            code="schema.date_format",
        )
    return "^" + "".join(_DIRECTIVES.get(piece, re.escape(piece)) for piece in pieces) + "$"


def begin_like(texts: Iterable[str], date_format: str | None) -> bool:
    """Whether any text begins with a day of the format: quickly told, for the many formats of which none does."""
    if date_format is None:
        return True
    day = re.compile(date_pattern(_CLOCK.split(date_format)[0]).removesuffix("$"))
    return any(map(day.match, texts))


def _not_ahead(dates: pa.Array) -> pa.Array:
    """Move years of two digits that are still to come into the last century: somebody born in 63 was born in 1963."""
    stamps = pc.cast(dates, pa.int64())
    ahead = pc.greater(pc.year(dates), datetime.now(UTC).year)
    return pc.cast(pc.if_else(ahead, pc.subtract(stamps, _CENTURY_MS), stamps), _DATE)


def _parse_excel(text: pa.Array) -> pa.Array:
    days = parse_numbers(pc.if_else(pc.match_substring_regex(text, _EXCEL_DAY), text, pa.scalar(None, text.type)))
    # Excel rounds to about a millisecond itself.
    stamps = pc.cast(pc.round(pc.multiply(pc.subtract(days, _EXCEL_EPOCH), 86_400.0)), pa.int64())
    return pc.cast(pc.multiply(stamps, 1000), _DATE)


def _parse_iso(text: pa.Array) -> pa.Array:
    shaped = pc.if_else(pc.match_substring_regex(text, _ISO), text, pa.scalar(None, text.type))
    zoned = pc.match_substring_regex(shaped, _ISO_ZONE)
    try:
        if not pc.any(zoned).as_py():
            return pc.cast(pc.cast(shaped, pa.timestamp("us")), _DATE, safe=False)
        if pc.all(zoned).as_py():
            return pc.cast(pc.cast(pc.cast(shaped, pa.timestamp("us", "UTC")), pa.timestamp("us")), _DATE, safe=False)
    except pa.ArrowInvalid:
        pass  # some value is not a day of the calendar, or has nanoseconds: one at a time below
    return pa.array([_iso_date(value) for value in shaped.to_pylist()], type=_DATE)


def _iso_date(value: str | None) -> datetime | None:
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC).replace(tzinfo=None)
