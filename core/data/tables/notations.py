"""How numbers are written: with decimal points or commas, and with separators of thousands (docs/types.md)."""

from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from core.data.tables.cells import LEADING_ZERO, parse_integers, parse_numbers

# Numbers with groups of three, which spaces and apostrophes may separate in any notation.
_GROUPS = r"\d{1,3}(?:[%s' \x{a0}\x{202f}]\d{3})+"
_NOTATIONS: Final = {
    decimal: rf"^[+-]?(?:(?:\d+|{_GROUPS % other})(?:[{decimal}]\d*)?|[{decimal}]\d+)(?:[eE][+-]?\d+)?$"
    for decimal, other in ((",", "."), (".", ","))
}
_MARKS: Final = r"[.,' \x{a0}\x{202f}]"
_SEPARATES: Final = {",": r"[.' \x{a0}\x{202f}]", ".": r"[,' \x{a0}\x{202f}]"}


def notation(text: pa.Array) -> str | None:
    """Say how the numbers of a column of words are written.

    Parameters
    ----------
    text : Array of string, shape (n_values,)
        Trimmed values without missing ones, which `number_kind` does not take for numbers.

    Returns
    -------
    str or None
        ``","`` (decimal comma), ``"."`` (commas separate thousands), ``"either"`` when every value fits both, as
        ``1,234`` does; None when they are not numbers.
    """
    fits = [
        decimal
        for decimal, pattern in _NOTATIONS.items()
        if len(text)
        and pc.all(pc.match_substring_regex(text.slice(0, 50), pattern)).as_py()
        and pc.all(pc.match_substring_regex(text, pattern)).as_py()
    ]
    if not fits or pc.any(pc.match_substring_regex(text, LEADING_ZERO)).as_py():
        return None
    if not pc.any(pc.match_substring_regex(text, _MARKS)).as_py():
        return None  # digits alone are numbers anyhow, or names that somebody made of digits
    return fits[0] if len(fits) == 1 else "either"


def plain_numbers(text: pa.Array, decimal: str | None) -> pa.Array:
    """Return numbers as computers write them; null where the text is not a number in that notation.

    Parameters
    ----------
    decimal : str or None
        ``","``, ``"."`` (both with separators of thousands), or None: the text as it is.
    """
    if decimal is None:
        return text
    fitting = pc.if_else(pc.match_substring_regex(text, _NOTATIONS[decimal]), text, pa.scalar(None, text.type))
    joined = pc.replace_substring_regex(fitting, _SEPARATES[decimal], "")
    return pc.replace_substring(joined, ",", ".") if decimal == "," else joined


def parse_notation(text: pa.Array, decimal: str | None, *, whole: bool) -> pa.Array:
    """Read numbers in the notation of their column; in another one where that reads more of them beyond doubt.

    Parameters
    ----------
    text : Array of string, shape (n_values,)
        Trimmed text with missing tokens as null.
    decimal : str or None
        As for `plain_numbers`.
    whole : bool
        Whether the column is one of whole numbers.
    """
    parse = parse_integers if whole else parse_numbers
    best = parse(plain_numbers(text, decimal))
    for other in (None, ",", "."):
        n_bad = best.null_count - text.null_count
        if n_bad and other != decimal and (other is None or _is_sure(text, other)):
            found = parse(plain_numbers(text, other))
            best = found if found.null_count < best.null_count else best
    return best


def _is_sure(text: pa.Array, decimal: str) -> bool:
    """Whether some value is a number in one notation and in no other."""
    others = [pattern for known, pattern in _NOTATIONS.items() if known != decimal]
    ours = pc.match_substring_regex(text, _NOTATIONS[decimal])
    theirs = pc.match_substring_regex(text, others[0])
    return bool(pc.any(pc.and_not(ours, theirs)).as_py())


def fits_notation(text: pa.Array, decimal: str) -> bool:
    """Whether every value is a number in that notation; nulls do not count against it."""
    return bool(pc.all(pc.match_substring_regex(text, _NOTATIONS[decimal])).as_py() is not False)
