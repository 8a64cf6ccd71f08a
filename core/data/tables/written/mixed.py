"""What words may be meant as: numbers or dates that a file writes in a way that column types do not take for such."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from core.data.tables.written import cells, dates, notations, signs

MIN_SHARE: Final = 0.5
MAX_TEXTS: Final = 2_000
_N_OTHERS = 3
_MAX_CHARS = 40  # what is longer is neither a number nor a date
_DIGIT = r"[0-9]"
# Besides those that the types know already: two-digit years, written months and weekdays, and no separators at all.
_MORE_DATES: Final = (
    *("%d.%m.%y", "%d/%m/%y", "%m/%d/%y", "%d-%m-%y"),
    *("%d-%b-%y", "%d %b %y", "%b %d %Y", "%Y년 %m월 %d일", "%Y. %m. %d."),
    *("%a, %d %b %Y", "%A, %d %B %Y", "%A, %B %d, %Y"),
)
_WHOLE_DATES: Final = ("%a %b %d %H:%M:%S %Y", "%Y-%m", "%m/%Y", "%m.%Y", "%b %Y", "%B %Y")
_COMPACT = "%Y%m%d"
_FIRST_DAY, _LAST_DAY = 1900_01_01, 2100_12_31


@dataclass(frozen=True, kw_only=True)
class ColumnReading:
    """Another way to read a column of words.

    Attributes
    ----------
    to : str
        ``numeric`` or ``date``.
    share : float
        Of the known rows, those that can be read that way.
    format : str or None
        Date only: the `strptime` format; None for ISO 8601.
    decimal : str or None
        Numeric only: the decimal sign, ``.`` or ``,``.
    others : tuple of str
        Some of what cannot be read that way.
    """

    to: Literal["numeric", "date"]
    share: float
    format: str | None = None
    decimal: str | None = None
    others: tuple[str, ...] = ()


def find_days(numbers: pa.Array) -> ColumnReading | None:
    """Tell days that are written as numbers, such as 20241231; None where a single one is none.

    Parameters
    ----------
    numbers : Array or ChunkedArray of int64, shape (n_values,)
    """
    low, high = (edge.as_py() for edge in pc.min_max(numbers).values())
    if low is None or not (low >= _FIRST_DAY and high <= _LAST_DAY):
        return None
    days = dates.parse_dates(pc.unique(pc.cast(numbers, pa.string())), _COMPACT)
    return None if days.null_count else ColumnReading(to="date", share=1.0, format=_COMPACT)


def find_reading(texts: pa.Array, rows: np.ndarray) -> ColumnReading | None:
    """Find how most of the words can be read as numbers or dates.

    Parameters
    ----------
    texts : Array of string, shape (n_values,)
        Distinct values, the most frequent first; the first `MAX_TEXTS` are looked at.

    Returns
    -------
    Reading or None
        The one that fits most rows, when it fits at least `MIN_SHARE` of them; None for codes with leading zeros.
    """
    texts, rows = texts.slice(0, MAX_TEXTS), rows[:MAX_TEXTS]
    total = int(rows.sum())
    short = pc.less_equal(pc.utf8_length(texts), _MAX_CHARS)
    likely = pc.and_(short, pc.match_substring_regex(pc.utf8_slice_codeunits(texts, 0, _MAX_CHARS), _DIGIT))
    if not total or _share(likely, rows, total) < MIN_SHARE:
        return None
    texts = pc.if_else(short, texts, "")
    best: tuple[float, dict[str, Any], pa.Array] | None = None
    for kind, read in (*_number_readings(texts), *_date_readings(texts)):
        fits = pc.fill_null(pc.is_valid(read(texts)), fill_value=False)
        share = _share(fits, rows, total)
        if share >= MIN_SHARE and (best is None or share > best[0]):
            best = share, kind, fits
    if best is None:
        return None
    share, kind, fits = best
    others = texts.filter(pc.invert(fits)).slice(0, _N_OTHERS).to_pylist()
    return ColumnReading(**kind, share=share, others=tuple(others))


_Read = tuple[dict[str, Any], Callable[[pa.Array], pa.Array]]


def _number_readings(texts: pa.Array) -> list[_Read]:
    if pc.any(pc.match_substring_regex(texts, cells.LEADING_ZERO)).as_py():
        return []  # 00012 is a code
    bare = signs.undress(texts)
    numbers = pc.coalesce(bare.of_unit(next(iter(bare.found_units()), None)), texts)
    # 1,234 alone fits both: commas that separate thousands are looked for first.
    return [
        ({"to": "numeric", "decimal": decimal or "."}, _number_reader(numbers, decimal)) for decimal in (None, ".", ",")
    ]


def _number_reader(numbers: pa.Array, decimal: str | None) -> Callable[[pa.Array], pa.Array]:
    return lambda _: cells.parse_numbers(notations.plain_numbers(numbers, decimal))


def _date_readings(texts: pa.Array) -> list[_Read]:
    sample = texts.slice(0, 50)
    times = dates.TIMES if pc.any(pc.match_substring(sample, ":")).as_py() else ("",)
    more = [day + time for day in _MORE_DATES for time in times]
    listed = [text for text in sample.to_pylist() if text]
    likely = [each for each in (*dates.DATE_FORMATS, *more, *_WHOLE_DATES, _COMPACT) if dates.begin_like(listed, each)]
    known = [date_format for date_format in likely if _reads(sample, date_format)]
    return [({"to": "date", "format": each}, _date_reader(each)) for each in known]


def _reads(sample: pa.Array, date_format: str | None) -> bool:
    found = _date_reader(date_format)(sample)
    return bool((len(sample) - found.null_count) * 3 >= len(sample))


def _date_reader(date_format: str | None) -> Callable[[pa.Array], pa.Array]:
    return lambda texts: dates.parse_dates(texts, date_format)


def _share(fits: pa.Array, rows: np.ndarray, total: int) -> float:
    return float(rows[np.asarray(fits)].sum()) / total
