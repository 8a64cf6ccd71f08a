"""Cells: source text to numbers, dates and clean words, each distinct value once.

Nothing here knows a schema; the rules are in docs/types.md.
"""

from collections.abc import Callable, Iterator
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

MISSING_TOKENS: Final[frozenset[str]] = frozenset({"", "NA", "N/A", "#N/A", "NaN", "nan", "NULL", "null"})
# Signs for "no value" among numbers or dates; words such as "unknown" may mean something.
PLACEHOLDERS: Final[frozenset[str]] = frozenset(
    {
        "-", "--", "---", "–", "—", "?", "??", ".", "..", "...", "…", "*", ":",
        "n/a", "n.a.", "N.A.", "na", "k.A.", "k. A.", "N/D", "n/d", "<NA>", "None", "\\N", "(null)", "(blank)",
        "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#NULL!",
    }
)  # fmt: skip
EXACT_FLOAT: Final = 2**53
_INT64_END = 2**63
_MISSING = pa.array(sorted(MISSING_TOKENS))
_PLACEHOLDERS = pa.array(sorted(PLACEHOLDERS))
_SAMPLE = 10_000
_LOOKED_AT = 200
_PART_ROWS = 200_000

# RE2 patterns. Every run of control characters and of Unicode's own line ends is one break.
_BREAKS = r" *[\x00-\x1f\x7f\x{85}\x{2028}\x{2029}][\x00-\x20\x7f\x{85}\x{2028}\x{2029}]*"
_NUMBER = r"^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$"
LEADING_ZERO = r"^[+-]?0[0-9]"
_WHOLE = r"^[+-]?[0-9]+$"
_DIGIT = r"[0-9]"
_INFINITE = r"^[+-]?(?:(?i:inf(?:inity)?)|\x{221e})$"


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
        text = pa.concat_arrays([trim(part) for part in _parts(values)])
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
    return pa.concat_arrays([trim(part).drop_null() for part in _parts(values)])


def is_mostly_distinct(values: pa.ChunkedArray) -> bool:
    """Whether the first rows hardly repeat, or there are none: hashing the column would cost more than it saves."""
    sample = values.slice(0, _SAMPLE)
    return len(sample) == 0 or pc.count_distinct(sample).as_py() * 2 > len(sample)


def trim(text: pa.Array) -> pa.Array:
    """Strip white space at both ends and make missing tokens null."""
    text = pc.utf8_trim_whitespace(text)
    return pc.if_else(pc.is_in(text, value_set=_MISSING), pa.scalar(None, text.type), text)


def find_placeholders(values: pa.ChunkedArray) -> pa.Array:
    """Return the signs for "no value" in a column whose other values have digits; empty where there are none."""
    sample = distinct_text(values.slice(0, _LOOKED_AT))
    with_digits = pc.sum(pc.match_substring_regex(sample, _DIGIT)).as_py() or 0
    if 2 * with_digits < len(sample):
        return _PLACEHOLDERS.slice(0, 0)
    text = distinct_text(values)
    return pc.unique(text.filter(pc.is_in(text, value_set=_PLACEHOLDERS))) if len(text) else text


def blank(values: pa.ChunkedArray, texts: pa.Array) -> pa.ChunkedArray:
    """Make the cells that hold one of these texts null."""
    found = pc.is_in(pc.utf8_trim_whitespace(values), value_set=texts)
    return pc.if_else(found, pa.scalar(None, values.type), values)


def join_lines(text: pa.Array) -> pa.Array:
    """Make every run of line breaks, tabs and other control characters one space, and strip again."""
    if not pc.any(pc.match_substring_regex(text, _BREAKS)).as_py():
        return text
    return trim(pc.replace_substring_regex(text, _BREAKS, " "))


def parse_numbers(text: pa.Array) -> pa.Array:
    """Return float64; null where the text is not a finite decimal number."""
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


def without_infinite(text: pa.Array) -> pa.Array:
    """Leave out what is written as infinite: ``inf``, ``-Infinity``, ``∞``."""
    is_infinite = pc.match_substring_regex(text, _INFINITE)
    return text.filter(pc.invert(is_infinite)) if pc.any(is_infinite).as_py() else text


def is_whole(numbers: pa.Array | pa.ChunkedArray) -> bool:
    """Whether every number is whole; nulls do not count against it."""
    if pa.types.is_integer(numbers.type):
        return True
    return bool(pc.all(pc.equal(pc.floor(numbers), numbers)).as_py() is not False)


def number_kind(text: pa.Array) -> tuple[str | None, bool]:
    """Say whether a column is one of numbers.

    Parameters
    ----------
    text : Array of string, shape (n_values,)
        Trimmed values without missing ones.

    Returns
    -------
    kind : str or None
        ``"integer"``, ``"float"``, or None when any value is not a number, starts with a zero that a number does not
        have (``00012``), or is a whole number with more digits than a 64-bit float holds: such numbers are names.
    has_infinite : bool
        Whether some values are not finite (``inf``, ``1e400``): those count as missing.
    """
    try:
        numbers = pc.cast(text, pa.float64())
    except pa.ArrowInvalid:
        return None, False
    is_known = pc.is_finite(numbers)
    has_infinite = not pc.all(is_known).as_py()
    if has_infinite:
        text, numbers = text.filter(is_known), numbers.filter(is_known)
    if not len(text) or pc.any(pc.match_substring_regex(text, LEADING_ZERO)).as_py():
        return None, has_infinite
    largest, whole = pc.max(pc.abs(numbers)).as_py(), is_whole(numbers)
    if largest >= EXACT_FLOAT and _has_too_long(text, EXACT_FLOAT if whole else _INT64_END):
        return None, has_infinite
    return "integer" if largest <= _INT64_END and whole else "float", has_infinite


def _has_too_long(text: pa.Array, end: int) -> bool:
    """Whether some value has digits alone and is as large as `end`, either way."""
    try:
        whole = pc.cast(text.filter(pc.match_substring_regex(text, _WHOLE)), pa.int64())
    except pa.ArrowInvalid:
        return True
    return end < _INT64_END and has_past(whole, end)


def has_past(whole: pa.Array | pa.ChunkedArray, end: int) -> bool:
    """Whether some whole number is as large as `end`, either way."""
    low, high = (edge.as_py() or 0 for edge in pc.min_max(whole).values())
    return bool(high >= end or low <= -end)


def _parts(values: pa.ChunkedArray) -> Iterator[pa.Array]:
    """Yield a column in parts, at least one: of a long one the copies on the way are small then."""
    for start in range(0, max(len(values), 1), _PART_ROWS):
        yield one_array(values.slice(start, _PART_ROWS))


def one_array(values: pa.ChunkedArray) -> pa.Array:
    """Return the chunks of a column as one array."""
    return pa.concat_arrays(values.chunks) if values.num_chunks else pa.array([], values.type)


def _is_bad(parsed: pa.Array, text: pa.Array) -> pa.Array:
    return pc.and_(pc.is_null(parsed), pc.is_valid(text))
