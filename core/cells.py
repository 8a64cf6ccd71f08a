"""Cells: source text to numbers, dates and clean words, each distinct value once.

Nothing here knows a schema; the rules are told in docs/types.md.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from core.errors import DataError

MISSING_TOKENS: Final[frozenset[str]] = frozenset({"", "NA", "N/A", "#N/A", "NaN", "nan", "NULL", "null"})
EXACT_FLOAT: Final = 2**53
_INT64_END = 2**63
_MISSING = pa.array(sorted(MISSING_TOKENS))
_DATE = pa.timestamp("ms")
_SAMPLE = 10_000

# RE2 patterns. Every run of control characters and of Unicode's own line ends is one break.
_BREAKS = r" *[\x00-\x1f\x7f\x{85}\x{2028}\x{2029}][\x00-\x20\x7f\x{85}\x{2028}\x{2029}]*"
_NUMBER = r"^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$"
_LEADING_ZERO = r"^[+-]?0[0-9]"
_WHOLE = r"^[+-]?[0-9]+$"
_ISO = r"^\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?)?$"
_DATE_LIKE = r"^\d{1,4}[-/.][0-9A-Za-z]{1,3}[-/.]\d{1,4}"
_ISO_ZONE = r":.*(?:Z|[+-]\d\d:?\d\d)$"

# Day before month: a column that fits both is read the way most of the world writes (docs/types.md).
_DAYS = ("%Y/%m/%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%d-%b-%Y")
_TIMES = ("", " %H:%M:%S", " %H:%M", " %I:%M:%S %p", " %I:%M %p")
DATE_FORMATS: Final[tuple[str | None, ...]] = (None, *(day + time for day in _DAYS for time in _TIMES))
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
}


def convert(values: pa.ChunkedArray, parse: Callable[[pa.Array], pa.Array]) -> tuple[pa.ChunkedArray, int]:
    """Parse a text column, each distinct value once where values repeat.

    Parameters
    ----------
    values : ChunkedArray of string, shape (n_rows,)
        Source text.
    parse : callable
        Takes trimmed text with missing tokens as null, shape (n_values,); gives an array of the same length.

    Returns
    -------
    parsed : ChunkedArray, shape (n_rows,)
        The parsed column.
    n_bad : int
        Rows that were not missing and became null.
    """
    if is_mostly_distinct(values):
        text = trim(_one_array(values))
        parsed = parse(text)
        return pa.chunked_array([parsed]), int(pc.sum(_is_bad(parsed, text)).as_py() or 0)
    # Dictionary encoding is one hash table over all chunks: every chunk has the dictionary of the last.
    encoded = pc.dictionary_encode(values)
    text = trim(encoded.chunk(encoded.num_chunks - 1).dictionary)
    parsed, n_bad = parse(text), 0
    bad = _is_bad(parsed, text)
    if pc.any(bad).as_py():
        n_bad = sum(pc.sum(bad.take(chunk.indices)).as_py() or 0 for chunk in encoded.chunks)
    return pa.chunked_array([parsed.take(chunk.indices) for chunk in encoded.chunks], type=parsed.type), n_bad


def distinct_text(values: pa.ChunkedArray) -> pa.Array:
    """Return the trimmed values that are not missing; each once where values repeat, else every row."""
    if not is_mostly_distinct(values):
        encoded = pc.dictionary_encode(values)
        return pc.unique(trim(encoded.chunk(encoded.num_chunks - 1).dictionary).drop_null())
    return trim(_one_array(values)).drop_null()


def is_mostly_distinct(values: pa.ChunkedArray) -> bool:
    """Whether the first rows hardly repeat, or there are none: hashing the column would cost more than it saves."""
    sample = values.slice(0, _SAMPLE)
    return len(sample) == 0 or pc.count_distinct(sample).as_py() * 2 > len(sample)


def trim(text: pa.Array) -> pa.Array:
    """Strip white space at both ends and make missing tokens null."""
    text = pc.utf8_trim_whitespace(text)
    return pc.if_else(pc.is_in(text, value_set=_MISSING), pa.scalar(None, text.type), text)


def join_lines(text: pa.Array) -> pa.Array:
    """Make every run of line breaks, tabs and other control characters one space, and strip again."""
    if not pc.any(pc.match_substring_regex(text, _BREAKS)).as_py():
        return text
    return trim(pc.replace_substring_regex(text, _BREAKS, " "))


def parse_numbers(text: pa.Array) -> pa.Array:
    """Return float64; null where the text is no finite decimal number."""
    try:
        numbers = pc.cast(text, pa.float64())
    except pa.ArrowInvalid:
        known = pc.if_else(pc.match_substring_regex(text, _NUMBER), text, pa.scalar(None, text.type))
        numbers = pc.cast(known, pa.float64())
    return finite(numbers)


def parse_integers(text: pa.Array) -> pa.Array:
    """Return int64 when every number is whole and fits, else what `parse_numbers` returns."""
    numbers = parse_numbers(text)
    if not is_whole(numbers):
        return numbers
    if (pc.max(pc.abs(numbers)).as_py() or 0) < EXACT_FLOAT:
        return pc.cast(numbers, pa.int64())
    try:
        # Past 2^53 only the text still has all the digits.
        return pc.cast(pc.if_else(pc.is_valid(numbers), text, pa.scalar(None, text.type)), pa.int64())
    except pa.ArrowInvalid:
        return numbers


def finite(numbers: pa.Array) -> pa.Array:
    """Make NaN and infinities null."""
    return pc.if_else(pc.is_finite(numbers), numbers, pa.scalar(None, numbers.type))


def is_whole(numbers: pa.Array | pa.ChunkedArray) -> bool:
    """Whether every number is whole; nulls do not count against it."""
    if pa.types.is_integer(numbers.type):
        return True
    return bool(pc.all(pc.equal(pc.floor(numbers), numbers)).as_py() is not False)


def number_kind(text: pa.Array) -> str | None:
    """Say whether a column is one of numbers.

    Parameters
    ----------
    text : Array of string, shape (n_values,)
        Trimmed values without missing ones.

    Returns
    -------
    str or None
        ``"integer"``, ``"float"``, or None when any value is no finite number, starts with a zero that a number does
        not have (``00012``), or is a whole number too long to be held exactly.
    """
    try:
        numbers = pc.cast(text, pa.float64())
    except pa.ArrowInvalid:
        return None
    if not len(text) or not pc.all(pc.is_finite(numbers)).as_py():
        return None
    if pc.any(pc.match_substring_regex(text, _LEADING_ZERO)).as_py():
        return None
    largest = pc.max(pc.abs(numbers)).as_py()
    if largest >= EXACT_FLOAT and _has_too_long(text):
        return None
    return "integer" if largest <= _INT64_END and is_whole(numbers) else "float"


def _has_too_long(text: pa.Array) -> bool:
    try:
        pc.cast(text.filter(pc.match_substring_regex(text, _WHOLE)), pa.int64())
    except pa.ArrowInvalid:
        return True
    return False


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
    likely = [known for known in DATE_FORMATS if parse_dates(sample, known).null_count == 0]
    return tuple(known for known in likely if parse_dates(text, known).null_count == 0)


def parse_dates(text: pa.Array, date_format: str | None) -> pa.Array:
    """Return timestamp[ms] without a zone (UTC where the text has one); null where the text is no such date.

    Raises
    ------
    DataError
        If the format has a directive other than those of docs/types.md.
    """
    if date_format is None:
        return _parse_iso(text)
    # strptime takes the 30th of February for the 1st of March and the year 15 for 0015: the pattern checks the shape,
    # the day that comes out is compared with the one written.
    parts = pc.extract_regex(text, date_pattern(date_format))
    known = pc.if_else(pc.is_valid(parts), text, pa.scalar(None, text.type))
    dates = pc.strptime(known, format=date_format, unit="ms", error_is_null=True)
    same_day = pc.equal(pc.day(dates), pc.cast(pc.struct_field(parts, "day"), pa.int64()))
    return pc.if_else(same_day, dates, pa.scalar(None, _DATE))


@cache
def date_pattern(date_format: str) -> str:
    r"""Return the RE2 pattern of a `strptime` format.

    Raises
    ------
    DataError
        If it has no day, or a directive that is not supported.

    Examples
    --------
    >>> date_pattern("%Y/%m/%d")
    '^\\d{4}/\\d{1,2}/(?P<day>\\d{1,2})$'
    """
    pieces = re.split(r"(%.)", date_format)
    unknown = [piece for piece in pieces if piece.startswith("%") and piece not in _DIRECTIVES]
    if unknown or pieces.count("%d") != 1:
        raise DataError(
            f"{date_format!r} is no date format that can be used.",
            hint=f"Write a day (%d) once, and besides it only: {' '.join(_DIRECTIVES)}; for example %d.%m.%Y.",
            code="schema.date_format",
        )
    return "^" + "".join(_DIRECTIVES.get(piece, re.escape(piece)) for piece in pieces) + "$"


def _parse_iso(text: pa.Array) -> pa.Array:
    shaped = pc.if_else(pc.match_substring_regex(text, _ISO), text, pa.scalar(None, text.type))
    zoned = pc.match_substring_regex(shaped, _ISO_ZONE)
    try:
        if not pc.any(zoned).as_py():
            return pc.cast(pc.cast(shaped, pa.timestamp("us")), _DATE, safe=False)
        if pc.all(zoned).as_py():
            return pc.cast(pc.cast(pc.cast(shaped, pa.timestamp("us", "UTC")), pa.timestamp("us")), _DATE, safe=False)
    except pa.ArrowInvalid:
        pass  # some value is no day of the calendar, or has nanoseconds: one at a time below
    return pa.array([_iso_date(value) for value in shaped.to_pylist()], type=_DATE)


def _iso_date(value: str | None) -> datetime | None:
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC).replace(tzinfo=None)


def _one_array(values: pa.ChunkedArray) -> pa.Array:
    return pa.concat_arrays(values.chunks) if values.num_chunks else pa.array([], values.type)


def _is_bad(parsed: pa.Array, text: pa.Array) -> pa.Array:
    return pc.and_(pc.is_null(parsed), pc.is_valid(text))
