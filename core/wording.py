"""Counts, lists, numbers, sizes and times in words."""

import math
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from typing import Final

MAX_CHARS: Final = 60  # of a name or value in a sentence
_EXACT = 1e15  # below this a float's whole part is exact, and short enough to be read
_SMALL_METRIC = 1e-3  # of less, four decimals would leave one digit
_SHORT_S = 0.1
_NOISE = 1e-12  # smaller metrics are what the rounding of floats leaves of 0


def count_text(count: int, noun: str, plural: str | None = None) -> str:
    """Return a count with its noun, and whatever else depends on the count.

    Examples
    --------
    >>> count_text(1, "row"), count_text(12345, "row"), count_text(2, "value lies", "values lie")
    ('1 row', '12,345 rows', '2 values lie')
    """
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def cells_text(count: int) -> str:
    """Return a count of cells with its verb: ``3 cells have``."""
    return count_text(count, "cell has", "cells have")


def unreadable_text(count: int, kind: str) -> str:
    """Return how many cells are not of a column's type, such as ``3 cells are not numbers; they count as missing.``."""
    noun = "number" if kind == "numeric" else kind
    one, many = f"cell is not a {noun}; it counts as missing.", f"cells are not {noun}s; they count as missing."
    return count_text(count, one, many)


def list_text(
    pieces: Iterable[str], most: int = 5, *, show: Callable[[str], str] = str, n_all: int | None = None
) -> str:
    """Return a list in a sentence, the first `most` of it.

    Parameters
    ----------
    show : callable
        Draws each that is named.
    n_all : int, optional
        How many there are, where `pieces` are only the first ones.

    Examples
    --------
    >>> list_text(["a", "b", "c"]), list_text("abcdefg", 2)
    ('a, b and c', 'a, b and 5 more')
    """
    known = list(pieces)
    shown = [show(piece) for piece in known[:most]]
    rest = (len(known) if n_all is None else n_all) - len(shown)
    if rest > 0:
        shown.append(f"{rest:,} more")
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def cut_text(text: str, max_chars: int = MAX_CHARS) -> str:
    """Return a text short enough for a sentence or a label.

    Examples
    --------
    >>> cut_text("a long name", 6)
    'a lon…'
    """
    return text if len(text) <= max_chars else text[: max_chars - 1].rstrip() + "…"


def number_text(value: float, digits: int = 4) -> str:
    """Return a number with at least so many significant digits, whole ones exactly, thousands grouped.

    Examples
    --------
    >>> number_text(36.0), number_text(0.123456), number_text(1234567.8), number_text(1e30)
    ('36', '0.1235', '1,234,568', '1e+30')
    """
    is_whole = float(value).is_integer() or abs(value) >= 10 ** (digits - 1)
    return f"{value:,.0f}" if is_whole and abs(value) < _EXACT else f"{value:,.{digits}g}"


def change_text(change: float, digits: int = 4) -> str:
    """Return a difference with its sign, as `number_text`.

    Examples
    --------
    >>> change_text(1234567.8), change_text(-0.5), change_text(0.0)
    ('+1,234,568', '-0.5', '0')
    """
    return f"{'+' if change > 0 else ''}{number_text(change, digits)}"


def metric_text(value: float | None) -> str:
    """Return a metric with four decimals, or digits above 1; a dash when there is none, 0 for what rounding left of it.

    Examples
    --------
    >>> metric_text(0.844), metric_text(0.09763), metric_text(12.5), metric_text(1.02e-17), metric_text(None)
    ('0.8440', '0.0976', '12.50', '0', '–')
    """
    if value is None:
        return "–"
    found = number_text(0.0 if abs(value) < _NOISE else value)
    if "." not in found or abs(value) < _SMALL_METRIC:
        return found
    return f"{value:.4f}" if abs(value) < 1 else f"{value:#.4g}"


def alike_texts(*values: float) -> tuple[str, ...]:
    """Return numbers that are read together, such as a difference and its interval, with as many decimals each.

    The largest has two digits, below 1 four decimals, as metrics have; the others those that tell them from 0.

    Examples
    --------
    >>> alike_texts(-0.0043, -0.0083, -0.00037), alike_texts(-1520.0, -3040.0, 12.0)
    (('-0.0043', '-0.0083', '-0.0004'), ('-1,520', '-3,040', '12'))
    """
    sizes = [abs(value) for value in values if value and math.isfinite(value)]
    if not sizes:
        return tuple(map(number_text, values))
    first, last = (-math.floor(math.log10(size)) for size in (max(sizes), min(sizes)))
    decimals = min(max(first + 1, last, 0 if max(sizes) >= 1 else 4), max(first, 0) + 4)
    return tuple(f"{value:,.{decimals}f}" for value in values)


def percent_text(share: float, digits: int | None = None) -> str:
    """Return a share in percent, with so many digits, or with more near 0 and 100%.

    Examples
    --------
    >>> percent_text(0.5), percent_text(0.0312), percent_text(0.0004), percent_text(0.9996), percent_text(1.0)
    ('50%', '3.1%', '0.040%', '99.960%', '100%')
    >>> percent_text(-0.123), percent_text(-1.018)
    ('-12%', '-102%')
    >>> percent_text(0.5, 1)
    '50.0%'
    """
    if digits is None:
        size = abs(share)
        digits = 0 if not size or 0.1 <= size < 0.995 or size >= 1 else 1 if 0.001 <= size <= 0.999 else 3
    return f"{share * 100:.{digits}f}%"


def bytes_text(n_bytes: float) -> str:
    """Return a size in the unit that reads best.

    Examples
    --------
    >>> bytes_text(532), bytes_text(3_200_000), bytes_text(2 * 1024**3)
    ('532 B', '3.1 MiB', '2 GiB')
    """
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if n_bytes < 1024 or unit == "TiB":
            break
        n_bytes /= 1024
    return f"{n_bytes:,.{0 if unit == 'B' else 1}f}".removesuffix(".0") + f" {unit}"


def duration_text(seconds: float) -> str:
    """Return a duration in words.

    Examples
    --------
    >>> duration_text(0.03), duration_text(0.42), duration_text(83), duration_text(7262)
    ('under 0.1 s', '0.4 s', '1 min 23 s', '2 h 1 min')
    """
    if 0 < seconds < _SHORT_S:
        return f"under {_SHORT_S} s"
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def day_text(when: date) -> str:
    """Return a day as people write it.

    Examples
    --------
    >>> day_text(date(2026, 11, 9))
    '9 Nov 2026'
    """
    return f"{when.day} {when:%b %Y}"


def time_text(when: datetime) -> str:
    """Return a moment as people write it, in UTC; one without a zone is taken to be.

    Examples
    --------
    >>> time_text(datetime(2026, 11, 29, 17, 20, tzinfo=UTC))
    '29 Nov 2026, 17:20 UTC'
    """
    there = when.astimezone(UTC) if when.tzinfo else when
    return f"{day_text(there)}, {there:%H:%M} UTC"


def ago_text(when: datetime, now: datetime | None = None) -> str:
    """Return how long ago something was, in words; the date when it is more than a week.

    Examples
    --------
    >>> ago_text(datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 5, 1, 3, tzinfo=UTC))
    '3 hours ago'
    """
    seconds = ((now or datetime.now(UTC)) - when).total_seconds()
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute")):
        count = int(seconds // size)
        if count >= 1:
            return day_text(when) if unit == "day" and count > 7 else f"{count_text(count, unit)} ago"
    return "just now"
