"""How numbers are written: with decimal points or commas, and with separators of thousands (docs/types.md)."""

from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from core.data.tables.written.cells import LEADING_ZERO, parse_integers, parse_numbers
from core.data.tables.written.signs import FROM_SHARE, bare_numbers

# Numbers with groups of three, which spaces and apostrophes may separate in any notation; Indian ones have groups of
# two before the last. No number with groups begins with a zero: 0.123 is a decimal.
_BLANK_MARKS: Final = ("'", " ", r"\x{a0}", r"\x{2009}", r"\x{202f}", r"\x{2019}")
_BLANKS: Final = "".join(_BLANK_MARKS)
_INDIAN: Final = {",": r"", ".": r"|[1-9]\d?(?:,\d\d)+,\d{3}"}
# One mark within a number: in 4'925.386 the point is no second one.
_GROUPS: Final = {
    decimal: "|".join(rf"[1-9]\d{{0,2}}(?:{mark}\d{{3}})+" for mark in (other, *_BLANK_MARKS))
    for decimal, other in ((",", r"\."), (".", ","))
}
_WHOLE: Final = {decimal: rf"(?:\d+|{_GROUPS[decimal]}{_INDIAN[decimal]})" for decimal in _GROUPS}
_NOTATIONS: Final = {
    decimal: rf"^[+-]?(?:{whole}(?:[{decimal}]\d*)?|[{decimal}]\d+)(?:[eE][+-]?\d+)?$"
    for decimal, whole in _WHOLE.items()
}
_MARKS: Final = rf"[.,{_BLANKS}]"
_SEPARATES: Final = {",": rf"[.{_BLANKS}]", ".": rf"[,{_BLANKS}]"}
# Whole numbers with and without groups of three: each as people write amounts who separate thousands by that mark.
_AMOUNTS: Final = {
    decimal: rf"^[+-]?(?:\d{{1,3}}|[1-9]\d{{0,2}}(?:\{mark}\d{{3}})+)$" for decimal, mark in ((",", "."), (".", ","))
}
_SHORT: Final = r"^[+-]?\d{1,3}$"
_PADDED: Final = r"0$"


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


def fits_amounts(text: pa.Array, decimal: str) -> bool:
    """Whether every value is a whole number if the mark that is not `decimal` separates thousands."""
    return bool(pc.all(pc.match_substring_regex(text, _AMOUNTS[decimal])).as_py() is not False)


def may_be_amounts(text: pa.Array, decimal: str) -> bool:
    """Do what `fits_amounts` does, and ask for one value that has the mark."""
    fits = fits_amounts(text.slice(0, 50), decimal) and fits_amounts(text, decimal)
    return fits and pc.all(pc.match_substring_regex(text, _SHORT)).as_py() is False


def leaning(text: pa.Array, *, padded: bool = False) -> str | None:
    """Say which decimal sign numbers speak for that have groups of exactly three behind every mark.

    Whole numbers of up to three digits beside them say that the mark separates thousands: who writes 1.234 with three
    decimals would write 850 as 850.000.

    Parameters
    ----------
    padded : bool
        Ask for a group that ends in a zero too, which a program that leaves out needless zeros would not write.
    """
    for decimal in (",", "."):
        if may_be_amounts(text, decimal):
            short = pc.match_substring_regex(text, _SHORT)
            rest = text.filter(pc.invert(short))
            if pc.any(short).as_py() and (not padded or pc.any(pc.match_substring_regex(rest, _PADDED)).as_py()):
                return decimal
    return None


def parse_notation(text: pa.Array, decimal: str | None, *, whole: bool, unit: str | None = None) -> pa.Array:
    """Read numbers in the notation of their column; in another one where that reads more of them beyond doubt.

    Parameters
    ----------
    text : Array of string, shape (n_values,)
        Trimmed text with missing tokens as null.
    decimal : str or None
        As for `plain_numbers`.
    whole : bool
        Whether the column is one of whole numbers.
    unit : str or None
        What may stand beside the numbers (`core.data.tables.written.signs`); brackets and minus signs are read in any
        column.
    """
    parse = parse_integers if whole else parse_numbers
    text = bare_numbers(text, unit) if unit == FROM_SHARE else text  # there bare numbers have another meaning
    best = parse(plain_numbers(text, decimal))
    odd = pc.and_(pc.is_null(best), pc.is_valid(text))
    if not pc.any(odd).as_py():
        return best
    bare = pc.replace_with_mask(text, odd, bare_numbers(text.filter(odd), unit))
    if not bare.equals(text):
        text, best = bare, parse(plain_numbers(bare, decimal))
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


def count_fitting(text: pa.Array, decimal: str) -> int:
    """Return how many values are numbers in that notation."""
    return int(pc.sum(pc.match_substring_regex(text, _NOTATIONS[decimal])).as_py() or 0)


def fits_notation(text: pa.Array, decimal: str) -> bool:
    """Whether every value is a number in that notation; nulls do not count against it."""
    return bool(pc.all(pc.match_substring_regex(text, _NOTATIONS[decimal])).as_py() is not False)
