"""What stands beside a number: signs of currency and per cent, accounting negatives, the minus signs of typesetters."""

import re
from dataclasses import dataclass
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

PER_CENT: Final = "%"
SHARE: Final = "% of 1"  # for a file to score: 12.5 % is 0.125
FROM_SHARE: Final = "1 is 100 %"  # for a file to score: 0.125 without a sign is 12.5
# One currency and how it is written; a sign that several currencies share stands for itself.
_CURRENCIES: Final = {
    "$": ("$", "US$", "U$S", "USD"), "€": ("€", "EUR", "euro", "euros"), "£": ("£", "GBP"),
    "¥": ("¥", "￥", "JPY", "円"), "CHF": ("CHF", "Fr.", "SFr.", "SFr"), "CNY": ("CNY", "RMB", "CN¥", "元"),
    "₹": ("₹", "INR", "Rs.", "Rs"), "kr": ("kr", "kr."), "SEK": ("SEK",), "NOK": ("NOK",), "DKK": ("DKK",),
    "ISK": ("ISK",), "zł": ("zł", "PLN"), "Kč": ("Kč", "CZK"), "HUF": ("HUF",), "RON": ("RON", "lei"),
    "BGN": ("BGN", "лв", "лв."), "₽": ("₽", "RUB", "руб", "руб."), "₴": ("₴", "UAH"), "₺": ("₺", "TRY"),
    "₪": ("₪", "ILS"), "ZAR": ("ZAR",), "R$": ("R$", "BRL"), "MX$": ("MX$", "MXN"), "ARS": ("ARS",), "CLP": ("CLP",),
    "COP": ("COP",), "PEN": ("PEN", "S/"), "CA$": ("CA$", "C$", "CAD"), "A$": ("A$", "AU$", "AUD"),
    "NZ$": ("NZ$", "NZD"), "S$": ("S$", "SGD"), "HK$": ("HK$", "HKD"), "NT$": ("NT$", "TWD"), "₩": ("₩", "KRW"),
    "฿": ("฿", "THB"), "MYR": ("MYR",), "IDR": ("IDR", "Rp", "Rp."), "₱": ("₱", "PHP"), "₫": ("₫", "VND"),
    "AED": ("AED",), "SAR": ("SAR",), "EGP": ("EGP",), "₦": ("₦", "NGN"), "KES": ("KES",), "PKR": ("PKR",),
    "₸": ("₸", "KZT"), "₿": ("₿", "BTC"),
}  # fmt: skip
_UNIT_OF: Final = {spelling.casefold(): unit for unit, known in _CURRENCIES.items() for spelling in known} | {
    "%": PER_CENT,
    "％": PER_CENT,
}
_SPELLINGS: Final = pa.array([*_UNIT_OF, ""])
_UNITS: Final = pa.array([*_UNIT_OF.values(), ""])
# RE2 patterns. Words beside the digits are looked up: naming each in a pattern, as often as they may stand, would take
# longer to compile than most columns take to read. Only the point of those that end in one is not the number's.
_DIGIT = r"[0-9]"
_MINUS = r"[\x{2010}-\x{2013}\x{2212}\x{fe63}\x{ff0d}]"
_POINTED = "|".join(re.escape(known[:-1]) for known in sorted(_UNIT_OF, key=len, reverse=True) if known[-1] == ".")
_DRESSED = (
    rf"^(?P<before>(?:[^0-9.,]*[ \x{{a0}}\x{{2009}}\x{{202f}}(+-])?(?i:{_POINTED})\.[^0-9.,]*|[^0-9.,]*)"
    r"(?P<number>[0-9.,](?:[0-9.,' \x{a0}\x{2009}\x{202f}\x{2019}]*[0-9.,])?(?:[eE][+-]?[0-9]+)?)(?P<after>[^0-9]*)$"
)
_BEFORE, _AFTER = "[+(-]", "[)-]"
_MEANT: Final = pa.array(["", "+", "-", "()"])


@dataclass(frozen=True)
class Bare:
    """Numbers without what stood beside them.

    Attributes
    ----------
    numbers : Array of string, shape (n_values,)
        Digits with their separators, a minus in front where it is meant; null where the text is not of that form.
    units : Array of string, shape (n_values,)
        ``%``, or the sign or code of a currency; empty without one, null where `numbers` is.
    """

    numbers: pa.Array
    units: pa.Array

    def of_unit(self, unit: str | None) -> pa.Array:
        """Return the numbers that have that unit or none; null for the others."""
        known = PER_CENT if unit in (SHARE, FROM_SHARE) else unit or ""
        fits = pc.is_in(self.units, value_set=pa.array(sorted({"", known})))
        numbers = pc.if_else(fits, self.numbers, pa.scalar(None, pa.string()))
        if unit not in (SHARE, FROM_SHARE):
            return numbers
        scaled, power = (PER_CENT, "e-2") if unit == SHARE else ("", "e2")
        return pc.if_else(pc.equal(self.units, scaled), pc.binary_join_element_wise(numbers, power, ""), numbers)

    def found_units(self) -> list[str]:
        """Return each unit once, the most frequent first."""
        counted = self.units.drop_null().value_counts().to_pylist()
        return [one["values"] for one in sorted(counted, key=lambda one: -one["counts"]) if one["values"]]


def undress(text: pa.Array) -> Bare:
    """Take away what stands beside numbers: ``$1,000.00``, ``12.5 %``, ``(101)``, ``101.50-``, a typesetter's minus.

    Parameters
    ----------
    text : Array of string, shape (n_values,)
        Trimmed values.
    """
    nothing = pa.scalar(None, pa.string())
    if not pc.any(pc.match_substring_regex(text, _DIGIT)).as_py():  # words, which are most of what is asked about
        none = pa.repeat(nothing, len(text))
        return Bare(none, none)
    parts = pc.extract_regex(pc.replace_substring_regex(text, _MINUS, "-"), _DRESSED)
    before, number, after = (pc.struct_field(parts, name) for name in ("before", "number", "after"))
    signs = pc.binary_join_element_wise(_only(before, _BEFORE), _only(after, _AFTER), "")
    words = pc.binary_join_element_wise(_without(before, _BEFORE), _without(after, _AFTER), " ")
    units = _UNITS.take(pc.index_in(pc.utf8_lower(pc.utf8_trim_whitespace(words)), value_set=_SPELLINGS))
    is_one = pc.and_(pc.is_valid(units), pc.is_in(signs, value_set=_MEANT))
    fits = pc.and_(pc.and_(pc.is_valid(parts), is_one), pc.match_substring_regex(number, _DIGIT))
    minus = pc.if_else(pc.is_in(signs, value_set=pa.array(["-", "()"])), "-", "")
    numbers = pc.if_else(fits, pc.binary_join_element_wise(minus, number, ""), nothing)
    return Bare(numbers, pc.if_else(fits, units, nothing))


def bare_numbers(text: pa.Array, unit: str | None) -> pa.Array:
    """Return the text with the numbers of that unit, or of none, bare; everything else as it is."""
    return pc.coalesce(undress(text).of_unit(unit), text)


def main_unit(text: pa.Array) -> str | None:
    """Return the unit that most of the numbers have that have one; None without any."""
    return next(iter(undress(text).found_units()), None)


def _only(text: pa.Array, marks: str) -> pa.Array:
    return pc.replace_substring_regex(text, f"[^{marks[1:]}", "")


def _without(text: pa.Array, marks: str) -> pa.Array:
    return pc.replace_substring_regex(text, marks, "")
