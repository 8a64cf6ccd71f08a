"""Alerts about one column."""

from collections.abc import Iterator
from typing import Any, Final

from core.data.profiling.alert import DataAlert, Severity, quoted, severity_of
from core.data.profiling.columns import RARE_SHARE, ColumnProfile, Outliers
from core.data.tables.roles import MIN_ROWS, NEAR_UNIQUE, is_code_name
from core.data.tables.written.dates import DATE_FORMATS
from core.wording import count_text, number_text, percent_text

MISSING_SHARES: Final[tuple[tuple[float, Severity], ...]] = ((0.5, "high"), (0.2, "medium"), (0.05, "low"))
IMBALANCE_SHARES: Final[tuple[tuple[float, Severity], ...]] = ((0.01, "high"), (0.1, "medium"), (0.2, "low"))
FEATURE_IMBALANCE_SHARE: Final = 0.1
MANY_LEVELS: Final = 100
VERY_MANY_LEVELS: Final = 1_000
STORED_AS_TEXT_SHARE: Final = 0.95
SKEWNESS: Final = 3.0
OUTLIER_SHARE: Final = 0.01
MIN_AMOUNTS: Final = 20
_MULTICLASS_VALUES = 5

_LEAVE_OUT = "Leave it out"


def column_alerts(column: ColumnProfile, *, is_target: bool, may_be_target: bool = False) -> Iterator[DataAlert]:
    """Say what is remarkable about a column; a target is judged as one, and a recipe only joins its levels.

    Parameters
    ----------
    may_be_target : bool
        Whether its name is that of a target while none is chosen: then nothing changes or removes its values.
    """
    if not column.rows:
        return
    yield from _missing(column, is_target=is_target)
    yield from _alike_levels(column, is_target=is_target)
    if column.unique == 1:
        yield _constant(column, is_target=is_target)
    elif is_target:
        yield from _imbalance_of_target(column)
    elif column.unique:
        yield from _feature_alerts(column, may_be_target=may_be_target)


def _feature_alerts(column: ColumnProfile, *, may_be_target: bool) -> Iterator[DataAlert]:
    reading = tuple(_reading(column))
    yield from reading
    # What is meant as numbers or dates is not a set of levels: that alert says enough.
    names_rows = reading or tuple(_names_rows(column))
    yield from () if names_rows is reading else names_rows
    if column.type == "category" and not names_rows:
        yield from _levels(column)
    if may_be_target:
        return
    if column.unique == 2 and column.type in ("numeric", "category"):
        yield from _imbalance_of_feature(column)
    if column.type != "numeric" or reading or column.is_row_number:
        return
    most = min(VERY_MANY_LEVELS, (column.rows - column.missing) // 2)  # of more, each would stand for a row or two
    if column.integer and 2 < column.unique <= most and is_code_name(column.name):
        yield _codes(column)
    elif column.unique > MIN_AMOUNTS:
        yield from _far_values(column)


def _missing(column: ColumnProfile, *, is_target: bool) -> Iterator[DataAlert]:
    if not column.missing:
        return
    severity = severity_of(MISSING_SHARES, column.missing_share)
    what = f"{percent_text(column.missing_share)} of the values are missing ({column.missing:,} rows)."
    if column.missing == column.rows:
        fix, label = (None, "") if is_target else (_drop(column), _LEAVE_OUT)
        yield DataAlert(
            "missing", column.name, "high", "Every value is missing.", "There is nothing to learn from.", fix, label
        )
    elif is_target:
        yield DataAlert("missing", column.name, severity or "low", what, "Training leaves these rows out.")
    elif severity:
        why = "Rows with this value missing may behave differently."
        yield DataAlert("missing", column.name, severity, what, why, *_missing_fix(column))


def _missing_fix(column: ColumnProfile) -> tuple[dict[str, Any] | None, str]:
    if column.missing_share > MISSING_SHARES[0][0] or column.type in ("text", "id", "date"):
        return _drop(column), _LEAVE_OUT
    step = {"kind": "impute", "columns": [column.name], "method": "median", "value": None, "flag": True}
    if column.type == "numeric":
        return step, "Fill with the median"
    return step | {"method": "constant", "value": "missing", "flag": False}, "Make missing a level"


def _constant(column: ColumnProfile, *, is_target: bool) -> DataAlert:
    if is_target:
        return DataAlert("constant", column.name, "high", "It has only one value.", "There is nothing to predict.")
    severity: Severity = "low" if column.missing else "medium"
    what = "It has only one value" + (" apart from missing ones." if column.missing else ".")
    why = "Only whether it is missing can be learned from." if column.missing else "Nothing can be learned from it."
    return DataAlert("constant", column.name, severity, what, why, _drop(column), _LEAVE_OUT)


def _names_rows(column: ColumnProfile) -> Iterator[DataAlert]:
    """Tell ids, row numbers and words that hardly repeat."""
    known = column.rows - column.missing
    if column.type == "id":
        yield DataAlert(
            "id_like", column.name, "low", "Looks like an ID: it names the rows.", "Training leaves it out."
        )
    elif column.rows < MIN_ROWS:
        return
    elif column.is_row_number and not column.missing:
        what = "It looks like a row number: consecutive whole numbers without repeats."
        why = "A model would memorise the order of the rows."
        yield DataAlert("id_like", column.name, "medium", what, why, _drop(column), _LEAVE_OUT)
    elif column.type in ("category", "text") and column.unique >= NEAR_UNIQUE * known:
        what = f"Almost every row has its own value: {column.unique:,} different ones in {known:,} rows."
        if column.type == "text":
            yield DataAlert(
                "nearly_unique", column.name, "low", what, "Training leaves free text out.", _drop(column), _LEAVE_OUT
            )
        else:
            why = "A model would memorise single rows."
            yield DataAlert("id_like", column.name, "medium", what, why, _drop(column), _LEAVE_OUT)


def _levels(column: ColumnProfile) -> Iterator[DataAlert]:
    group = {"kind": "group_rare", "column": column.name, "min_share": RARE_SHARE, "other": "other"}
    label = "Group rare levels"
    known, rare = column.rows - column.missing, column.rare
    if column.unique > MANY_LEVELS:
        severity: Severity = "medium" if column.unique > VERY_MANY_LEVELS else "low"
        what = f"It has {column.unique:,} levels, {known / column.unique:,.1f} rows each on average."
        yield DataAlert("high_cardinality", column.name, severity, what, "Rare ones teach mostly chance.", group, label)
    elif rare and rare.count > 1 and column.unique > 2:
        what = (
            f"{rare.count:,} of its {column.unique:,} levels have less than {percent_text(RARE_SHARE)} of the rows "
            f"each, {percent_text(rare.rows / known)} together."
        )
        why = "So few rows teach little, and a later file may lack the level."
        yield DataAlert("rare_levels", column.name, "low", what, why, group, label)


def _alike_levels(column: ColumnProfile, *, is_target: bool) -> Iterator[DataAlert]:
    if not column.alike:
        return
    n_more = sum(len(group) - 1 for group in column.alike)
    shown = " and ".join(quoted(level, 30) for level in column.alike[0][:3])
    what = f"{count_text(n_more, 'level is', 'levels are')} another one but for case, spaces or Unicode form: {shown}."
    why = "Each spelling counts as a level of its own, and what it has in common with the others is not learned."
    if is_target:
        why = "Each spelling would be a class of its own, and a model would learn to tell spellings apart."
    levels = {other: group[0] for group in column.alike for other in group[1:]}
    fix = {"kind": "map_levels", "column": column.name, "levels": levels}
    severity: Severity = "high" if is_target else "medium"
    yield DataAlert("alike_levels", column.name, severity, what, why, fix, "Join the spellings")


def _reading(column: ColumnProfile) -> Iterator[DataAlert]:
    reading = column.reading
    if reading is None or _is_choice(column):
        return
    what = "numbers" if reading.to == "numeric" else "dates"
    shown = " · ".join(quoted(text, 30) for text in reading.others)
    rest = f" The rest cannot be read as such, for example {shown}." if reading.others else ""
    step: dict[str, Any] = {"kind": "parse_date", "column": column.name, "format": reading.format}
    if reading.to == "numeric":
        step = {"kind": "cast", "column": column.name, "to": "numeric", "format": reading.decimal}
    stored = "numbers" if column.type == "numeric" else "text"
    found = f"{percent_text(reading.share)} of its values are {what} stored as {stored}{_how(column)}.{rest}"
    if stored == "numbers":
        why = "As numbers they jump from the end of a month to the next, and a model cannot see the weekday."
        yield DataAlert("date_as_number", column.name, "medium", found, why, step, "Read as dates")
    elif reading.share >= STORED_AS_TEXT_SHARE:
        code = "number_as_text" if reading.to == "numeric" else "date_as_text"
        why = f"As text they have no order: a model cannot tell which of two {what} is larger."
        yield DataAlert(code, column.name, "medium", found, why, step, f"Read as {what}")
    else:
        why = f"As text the {what} have no order; read as {what}, the rest would be missing."
        yield DataAlert("mixed_types", column.name, "low", found, why, step, f"Read as {what}")


def _how(column: ColumnProfile) -> str:
    reading = column.reading
    if reading is None:
        return ""
    if reading.to == "date":
        return f" ({reading.format})" if reading.format else ""
    if reading.decimal == ",":
        return " with a decimal comma"
    return " with commas between thousands" if _has_commas(column) else ""


def _is_choice(column: ColumnProfile) -> bool:
    """Whether somebody made these words on purpose: every one would have been read as a number or date at once."""
    reading = column.reading
    if reading is None or reading.share < 1:
        return False
    if reading.to == "date":
        return reading.format in DATE_FORMATS
    # 1,234 may be one thousand or a little more than one: such columns stay words until somebody says.
    return not (reading.decimal == "." and _has_commas(column))


def _has_commas(column: ColumnProfile) -> bool:
    return any("," in level for level in (*dict(column.levels), *column.examples))


def _imbalance_of_target(column: ColumnProfile) -> Iterator[DataAlert]:
    rare = column.rare
    if rare is None or not _holds_classes(column):
        return
    share = rare.rarest_rows / (column.rows - column.missing)
    # Half the rows is even for two classes, a third for three: the steps are meant for two.
    severity = severity_of(IMBALANCE_SHARES, share * column.unique / 2, more_is_worse=False)
    if severity:
        what = f"Only {percent_text(share)} of the rows ({rare.rarest_rows:,}) are {quoted(rare.rarest)}."
        why = "Accuracy says little here: look at AUC, log loss and the precision-recall curve."
        yield DataAlert("imbalance", column.name, severity, what, why)


def _holds_classes(column: ColumnProfile) -> bool:
    """Whether a target would be learned as classes, as `core.data.tables.roles.guess_task` tells from the values."""
    if column.type == "category" or column.unique == 2:
        return True
    return column.type == "numeric" and column.integer and column.unique <= _MULTICLASS_VALUES


def _imbalance_of_feature(column: ColumnProfile) -> Iterator[DataAlert]:
    rare = column.rare
    if rare is None:
        return
    share = rare.rarest_rows / (column.rows - column.missing)
    if share < FEATURE_IMBALANCE_SHARE:
        what = f"{percent_text(1 - share)} of the rows are alike: only {rare.rarest_rows:,} are {quoted(rare.rarest)}."
        why = "There is little to learn from and to test on for a rare value."
        yield DataAlert("imbalance", column.name, "low", what, why, _drop(column), _LEAVE_OUT)


def _codes(column: ColumnProfile) -> DataAlert:
    what = f"Its name says that its {column.unique:,} different whole numbers are codes."
    why = "As numbers they have an order that may mean nothing; as a category each code stands for itself."
    step = {"kind": "cast", "column": column.name, "to": "category", "format": None}
    return DataAlert("codes", column.name, "low", what, why, step, "Read as a category")


def _far_values(column: ColumnProfile) -> Iterator[DataAlert]:
    outliers, known = column.outliers, column.rows - column.missing
    n_far = outliers.below + outliers.above if outliers else 0
    if outliers and n_far <= OUTLIER_SHARE * known:
        what = f"{_far_text(outliers)}, more than three times the width of the middle half away from it."
        why = "A single one can throw off a mean or a linear model; it may also be a typing error."
        fix: dict[str, Any] = {"kind": "clip", "column": column.name}
        if outliers.below:
            fix["low"] = outliers.low
        if outliers.above:
            fix["high"] = outliers.high
        yield DataAlert("outliers", column.name, "low", what, why, fix, "Clip them")
    elif column.skewness is not None and abs(column.skewness) > SKEWNESS:
        side = "high" if column.skewness > 0 else "low"
        what = f"A few {side} values stretch its distribution: the skewness is {column.skewness:,.1f}."
        why = "Trees are not affected; in linear models and neural networks the few extreme values dominate."
        fix = {"kind": "clip", "column": column.name, "low_quantile": 0.01, "high_quantile": 0.99}
        yield DataAlert("skewed", column.name, "low", what, why, fix, "Clip at 1 and 99%")


def _far_text(outliers: Outliers) -> str:
    parts = [
        f"{count_text(n, 'value lies', 'values lie')} {side} {number_text(fence, 5)}"
        for n, side, fence in ((outliers.below, "below", outliers.low), (outliers.above, "above", outliers.high))
        if n
    ]
    return " and ".join(parts)


def _drop(column: ColumnProfile) -> dict[str, Any]:
    return {"kind": "drop", "columns": [column.name]}
