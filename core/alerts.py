"""Alerts: what is wrong or remarkable about a column, in words, worst first."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import pyarrow as pa

from core._column_profile import ColumnProfile
from core.roles import count_classes, guess_task, ignore_reason
from core.types import Column, Schema

Severity = Literal["high", "medium", "low"]

SEVERITIES: Final[tuple[Severity, ...]] = ("high", "medium", "low")
MISSING_SHARES: Final[tuple[tuple[float, Severity], ...]] = ((0.5, "high"), (0.2, "medium"), (0.05, "low"))
IMBALANCE_SHARES: Final[tuple[tuple[float, Severity], ...]] = ((0.01, "high"), (0.1, "medium"), (0.2, "low"))
FEATURE_IMBALANCE_SHARE: Final = 0.1
MANY_LEVELS: Final = 100
VERY_MANY_LEVELS: Final = 1_000
# Telling duplicates apart hashes every cell: past this it costs seconds.
MAX_DUPLICATE_CELLS: Final = 5_000_000


@dataclass(frozen=True)
class Alert:
    """One finding.

    Attributes
    ----------
    code : str
        ``constant``, ``id_like``, ``missing``, ``imbalance``, ``high_cardinality`` or ``duplicate_rows``.
    column : str or None
        None when it is about the whole table.
    message : str
        What was found and why it matters.
    """

    code: str
    column: str | None
    severity: Severity
    message: str


def find_alerts(
    typed: pa.Table, schema: Schema, profiles: Sequence[ColumnProfile], target: str | None
) -> tuple[Alert, ...]:
    """Look for everything that a person should know before training.

    Parameters
    ----------
    typed : Table of shape (n_rows, n_columns)
        From `core.schema.apply_schema`.
    schema : Schema
        Its columns.
    profiles : sequence of ColumnProfile
        One for each column, in order.
    target : str or None
        The column to be predicted.

    Returns
    -------
    tuple of Alert
        Worst first, then in the order of the columns; those of the whole table last within a severity.
    """
    found: list[Alert] = []
    for column, profile in zip(schema.columns, profiles, strict=True):
        found += _column_alerts(column, typed[column.name], profile, is_target=column.name == target)
    found += _duplicates(typed, schema)
    return tuple(sorted(found, key=lambda alert: SEVERITIES.index(alert.severity)))


def _column_alerts(
    column: Column, values: pa.ChunkedArray, profile: ColumnProfile, *, is_target: bool
) -> Iterator[Alert]:
    yield from _missing(profile, is_target=is_target)
    if profile.unique == 1:
        yield _constant(profile, is_target=is_target)
        return
    if is_target:
        yield from _imbalance_of_target(column, values)
        return
    learned_by_heart = tuple(_id_like(column, values))
    yield from learned_by_heart or _many_levels(profile)
    if profile.unique == 2 and column.type in ("numeric", "category"):
        yield from _imbalance_of_feature(column, values)


def _missing(profile: ColumnProfile, *, is_target: bool) -> Iterator[Alert]:
    if not profile.missing:
        return
    severity = _severity(MISSING_SHARES, profile.missing_share, more_is_worse=True)
    what = f"{_percent(profile.missing_share)} of the values are missing ({profile.missing:,} rows)"
    if profile.missing == profile.rows:
        yield Alert("missing", profile.name, "high", "Every value is missing: there is nothing to learn from.")
    elif is_target:
        yield Alert("missing", profile.name, severity or "low", f"{what}: training leaves these rows out.")
    elif severity:
        message = f"{what}: what it says of the other rows may not hold for these."
        yield Alert("missing", profile.name, severity, message)


def _constant(profile: ColumnProfile, *, is_target: bool) -> Alert:
    if is_target:
        return Alert("constant", profile.name, "high", "It has only one value: there is nothing to predict.")
    if profile.missing:
        message = "It has only one value besides missing ones: whether it is there is all that can be learned from."
        return Alert("constant", profile.name, "low", message)
    return Alert("constant", profile.name, "medium", "It has only one value: nothing can be learned from it.")


def _id_like(column: Column, values: pa.ChunkedArray) -> Iterator[Alert]:
    if column.type == "id":
        yield Alert("id_like", column.name, "low", "It names each row, so training leaves it out.")
        return
    reason = ignore_reason(column, values)
    if reason and column.type in ("numeric", "category") and values.null_count < len(values):
        message = f"{reason} A model would learn rows by heart: better ignore it."
        yield Alert("id_like", column.name, "medium", message)


def _many_levels(profile: ColumnProfile) -> Iterator[Alert]:
    if profile.type != "category" or profile.unique <= MANY_LEVELS:
        return
    severity: Severity = "medium" if profile.unique > VERY_MANY_LEVELS else "low"
    per_level = (profile.rows - profile.missing) / profile.unique
    message = (
        f"It has {profile.unique:,} levels, {per_level:,.1f} rows each on average: rare ones are learned by chance."
    )
    yield Alert("high_cardinality", profile.name, severity, message)


def _imbalance_of_target(column: Column, values: pa.ChunkedArray) -> Iterator[Alert]:
    if column.type not in ("numeric", "category") or guess_task(column, values).task == "regression":
        return
    n_classes, level, rows, share = _rarest(values)
    # Half the rows is even for two classes, a third for three: the steps are meant for two.
    severity = _severity(IMBALANCE_SHARES, share * n_classes / 2, more_is_worse=False)
    if severity:
        message = (
            f"Only {_percent(share)} of the rows ({rows:,}) are {level!r}: accuracy says little here; look at AUC, log"
            " loss and the precision-recall curve."
        )
        yield Alert("imbalance", column.name, severity, message)


def _imbalance_of_feature(column: Column, values: pa.ChunkedArray) -> Iterator[Alert]:
    _, level, rows, share = _rarest(values)
    if share < FEATURE_IMBALANCE_SHARE:
        message = f"Only {_percent(share)} of the rows ({rows:,}) are {level!r}: a rare value teaches and tests little."
        yield Alert("imbalance", column.name, "low", message)


def _rarest(values: pa.ChunkedArray) -> tuple[int, str, int, float]:
    """Return the number of classes, and the rarest one with its rows and share."""
    counts = count_classes(values)
    level, rows = list(counts.items())[-1]
    return len(counts), level if len(level) <= 60 else level[:60] + "…", rows, rows / sum(counts.values())


def _duplicates(typed: pa.Table, schema: Schema) -> Iterator[Alert]:
    names = [column.name for column in schema.columns]
    has_id = any(column.type == "id" for column in schema.columns)
    if has_id or not names or len(typed) * len(names) > MAX_DUPLICATE_CELLS:
        return
    repeated = len(typed) - typed.group_by(names).aggregate([]).num_rows
    if not repeated:
        return
    share = repeated / len(typed)
    severity: Severity = "medium" if share > 0.1 else "low"
    message = (
        f"{repeated:,} rows ({_percent(share)}) repeat another one: the same row may be learned from and tested on,"
        " which flatters the metrics."
    )
    yield Alert("duplicate_rows", None, severity, message)


def _severity(steps: Sequence[tuple[float, Severity]], share: float, *, more_is_worse: bool) -> Severity | None:
    for limit, severity in steps:
        if share > limit if more_is_worse else share < limit:
            return severity
    return None


def _percent(share: float) -> str:
    digits = 1 if 0.001 <= share <= 0.999 else 3
    return f"{share * 100:.{digits}f} %"
