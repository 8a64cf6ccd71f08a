"""Time lines: rows, and the target, over the periods of a date column."""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from core.data.relations.binning import Group
from core.data.relations.relations import Relation, relate
from core.data.tables.codes import to_numbers
from core.domain.columns import Column

MAX_PERIODS: Final = 60
Period = Literal["minute", "hour", "day", "week", "month", "quarter", "year"]
_LENGTHS_MS: Final[dict[Period, float]] = {
    "minute": 60_000,
    "hour": 3_600_000,
    "day": 86_400_000,
    "week": 604_800_000,
    "month": 2_629_746_000,
    "quarter": 7_889_238_000,
    "year": 31_556_952_000,
}


@dataclass(frozen=True)
class Timeline:
    """Rows by period.

    Attributes
    ----------
    period : str
        ``minute`` to ``year``: the shortest of which there are at most `MAX_PERIODS`; of years there may be more.
    starts : tuple of float, shape (n_periods,)
        Beginnings in milliseconds since 1970-01-01, ascending; periods without rows are left out.
    rows : tuple of int, shape (n_periods,)
    relation : Relation or None
        The target over the same periods, where there is a target; `RelationBin.low` is the beginning.
    """

    period: Period
    starts: tuple[float, ...]
    rows: tuple[int, ...]
    inside: tuple[int, ...] | None = None
    relation: Relation | None = None


def make_timeline(
    typed: pa.Table, column: str, target: Column | None = None, *, keep: np.ndarray | None = None
) -> Timeline | None:
    """Count rows, and show the target, over time.

    Parameters
    ----------
    typed : Table of shape (n_rows, n_columns)
        From `core.data.tables.schema.apply_schema`; holds the date column and the target.
    keep : ndarray of bool, shape (n_rows,), optional
        A slice: the target is shown for it alone.

    Returns
    -------
    Timeline or None
        None without a date.
    """
    is_dated = pc.is_valid(typed[column])
    inside = None if keep is None else keep[np.asarray(is_dated)]
    typed = typed.filter(is_dated)
    if not len(typed):
        return None
    dates = typed[column]
    period = _period(float(np.ptp(to_numbers(dates))))
    starts, codes = np.unique(to_numbers(pc.floor_temporal(dates, unit=period)), return_inverse=True)
    n_inside = None
    if inside is not None:
        n_inside = tuple(np.bincount(codes[inside], minlength=len(starts)).tolist())
    found = None
    if target is not None:
        found = _target_over(typed[target.name], target, column, codes, starts, period, inside)
    rows = tuple(np.bincount(codes, minlength=len(starts)).tolist())
    return Timeline(period, tuple(starts.tolist()), rows, n_inside, found)


def period_text(start: float, period: Period) -> str:
    """Return a period in words.

    Examples
    --------
    >>> period_text(1_704_067_200_000, "month"), period_text(1_704_067_200_000, "quarter")
    ('2024-01', '2024 Q1')
    """
    moment = np.datetime64(int(start), "ms")
    if period == "quarter":
        month = int(str(moment.astype("datetime64[M]"))[-2:])
        return f"{moment.astype('datetime64[Y]')} Q{(month + 2) // 3}"
    if period == "week":
        return f"week of {moment.astype('datetime64[D]')}"
    unit = {"minute": "m", "hour": "m", "day": "D", "month": "M"}.get(period, "Y")
    return str(moment.astype(f"datetime64[{unit}]")).replace("T", " ")


def _period(span_ms: float) -> Period:
    return next((period for period, length in _LENGTHS_MS.items() if span_ms / length < MAX_PERIODS), "year")


def _target_over(
    goal: pa.ChunkedArray,
    target: Column,
    column: str,
    codes: np.ndarray,
    starts: np.ndarray,
    period: Period,
    inside: np.ndarray | None,
) -> Relation | None:
    is_known = np.asarray(pc.is_valid(goal))
    if not is_known.any():
        return None
    groups = [Group(period_text(start, period), "range", float(start), float(start)) for start in starts]
    kept = None if inside is None else inside[is_known]
    return relate(codes[is_known], groups, goal.drop_null(), target, column, inside=kept)
