"""Moments as programs write them, brought to the form that date formats know: zones, half days, fractions, no signs."""

from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

# Minutes ahead of UTC, for names that are of one zone only.
_NAMED: Final = {
    "UTC": 0, "UT": 0, "GMT": 0, "WET": 0, "WEST": 60, "CET": 60, "CEST": 120, "MET": 60, "MEST": 120, "EET": 120,
    "EEST": 180, "MSK": 180, "SAST": 120, "EAT": 180, "EST": -300, "EDT": -240, "CDT": -300, "MST": -420, "MDT": -360,
    "PST": -480, "PDT": -420, "AKST": -540, "AKDT": -480, "HST": -600, "NST": -210, "NDT": -150, "JST": 540, "KST": 540,
    "HKT": 480, "SGT": 480, "AWST": 480, "ACST": 570, "ACDT": 630, "AEST": 600, "AEDT": 660, "NZST": 720, "NZDT": 780,
}  # fmt: skip
_NAMES: Final = pa.array(_NAMED)
_AHEAD: Final = pa.array(_NAMED.values(), pa.int64())
_ZONE = r"(?:(?:Z|z|UTC|GMT)?(?:[+-]\d\d(?::?\d\d)?)?(?: ?UTC)?|[A-Z]{2,4})"
# RE2 patterns.
_ODD: Final = r"\d:?\d\d(?:[.,]\d+)? ?(?:[AaPp]\.?[Mm]\.?)? ?(?:z|[A-Z]{1,4}|[+-]\d\d(?::?\d\d)?(?: ?UTC)?)?$"
_HAS_ZONE: Final = r"(?:\d:\d\d|\dT\d{4,6}).*(?:[Zz]|UTC|UT|MSK|[A-Z]{2,3}T|[+-]\d\d(?::?\d\d)?)$"
_MOMENT: Final = (
    r"^(?P<day>\S.*?)(?:,? +|,|T)(?P<clock>\d{1,2}:\d\d(?::\d\d)?)(?:[.,](?P<fraction>\d{1,9}))?"
    r" ?(?P<half>(?:[AaPp]\.?[Mm]\.?)?) ?(?P<zone>" + _ZONE + r")$"
)
_CALLED: Final = r"\d:\d\d(?:[.,]\d+)? ?(?:[AaPp]\.?[Mm]\.?)? ?(?P<name>[A-Z]{3,5})$"
_OFFSET: Final = r"(?P<sign>[+-])(?P<hours>\d\d):?(?P<minutes>(?:\d\d)?)"
# 20141013T0705 and 20141013T070509, which ISO 8601 calls basic.
_BASIC: Final = (
    (r"^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)", r"\1-\2-\3 \4:\5:\6"),
    (r"^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)", r"\1-\2-\3 \4:\5"),
)
_MINUTE_MS = 60_000


def has_zones(text: pa.Array) -> bool:
    """Whether any of the moments names the zone of its clock."""
    return bool(pc.any(pc.match_substring_regex(text, _HAS_ZONE)).as_py())


def unknown_zones(text: pa.Array) -> tuple[str, ...]:
    """Return the names of zones in what look like moments that are of several zones, such as IST, or of none known."""
    if not pc.any(pc.match_substring(text, ":")).as_py():
        return ()
    names = pc.struct_field(pc.extract_regex(text, _CALLED), "name")
    return tuple(sorted(pc.unique(names.filter(pc.invert(pc.is_in(names, value_set=_NAMES))).drop_null()).to_pylist()))


def settle(text: pa.Array) -> tuple[pa.Array, pa.Array] | None:
    """Return moments as a day, a space and ``07:05:09`` or ``07:05:09 AM``, and the milliseconds to add to each.

    Returns
    -------
    tuple of Array, or None
        Texts that are not moments as they are, with nothing to add; None when there is nothing to settle at all.

    Examples
    --------
    >>> [values.to_pylist() for values in settle(pa.array(["2023.01.28 7:05:09,250AM +02", "x"]))]
    [['2023.01.28 7:05:09 AM', 'x'], [-7199750, 0]]
    """
    if not pc.any(pc.match_substring_regex(text, _ODD)).as_py():
        return None
    for basic, plain in _BASIC:
        text = pc.replace_substring_regex(text, basic, plain)
    parts = pc.extract_regex(text, _MOMENT)
    day, clock, fraction, half, zone = (
        pc.struct_field(parts, name) for name in ("day", "clock", "fraction", "half", "zone")
    )
    ahead = _minutes_ahead(zone)
    day = pc.if_else(pc.is_valid(ahead), day, pa.scalar(None, day.type))
    half = pc.utf8_upper(pc.replace_substring(half, ".", ""))
    half = pc.if_else(pc.equal(half, ""), "", pc.binary_join_element_wise(" ", half, ""))
    settled = pc.binary_join_element_wise(pc.binary_join_element_wise(day, clock, " "), half, "")
    moved = pc.subtract(_fraction_ms(fraction), pc.multiply(ahead, _MINUTE_MS))
    return pc.coalesce(settled, text), pc.fill_null(moved, 0)


def _fraction_ms(digits: pa.Array) -> pa.Array:
    return _whole(pc.utf8_slice_codeunits(pc.utf8_rpad(digits, 3, "0"), 0, 3))


def _minutes_ahead(zone: pa.Array) -> pa.Array:
    """Return the minutes by which a zone is ahead of UTC, 0 without one; null for a name that is not known."""
    named = _AHEAD.take(pc.index_in(zone, value_set=_NAMES))
    is_name = pc.match_substring_regex(zone, r"^[A-Z]{2,4}$")
    return pc.if_else(is_name, named, _offset_minutes(zone))


def _offset_minutes(zone: pa.Array) -> pa.Array:
    parts = pc.extract_regex(zone, _OFFSET)
    hours, minutes = (_whole(pc.struct_field(parts, name)) for name in ("hours", "minutes"))
    ahead = pc.add(pc.multiply(hours, 60), minutes)
    ahead = pc.if_else(pc.equal(pc.struct_field(parts, "sign"), "-"), pc.negate(ahead), ahead)
    return pc.fill_null(ahead, 0)


def _whole(digits: Any) -> pa.Array:
    return pc.cast(pc.if_else(pc.equal(digits, ""), "0", digits), pa.int64())
