"""Alerts: what is wrong or remarkable about a table, why it matters and what fixes it; worst first.

They are made from numbers that are there already (`profile`, `core.data.relations`): nothing here looks at rows.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from core.data.profiling.alert import SEVERITIES, DataAlert, Severity, severity_of
from core.data.profiling.column_alerts import column_alerts
from core.data.relations.leakage import LEAK_SCORE, Leakage
from core.data.tables.roles import is_target_name
from core.wording import percent_text

if TYPE_CHECKING:
    from core.data.profiling.columns import ColumnProfile

__all__ = ["SEVERITIES", "DataAlert", "Severity", "find_alerts", "leakage_alerts", "strong_column"]

STRONG_SCORE: Final = 0.5
FAR_AHEAD: Final = 1.5
VERY_STRONG_SCORE: Final = 0.8
DUPLICATE_SHARES: Final[tuple[tuple[float, Severity], ...]] = ((0.1, "medium"), (0.0, "low"))


def find_alerts(
    columns: Sequence["ColumnProfile"],
    *,
    repeated_rows: int | None,
    equal_columns: Sequence[tuple[str, str]],
    target: str | None = None,
    leakage: Leakage | None = None,
) -> tuple[DataAlert, ...]:
    """Say everything that a person should know before training.

    Parameters
    ----------
    repeated_rows : int or None
        Rows that repeat an earlier one; None where an id tells them apart.
    equal_columns : sequence of (str, str)
        Columns that hold the same as an earlier one, and that one.
    leakage : Leakage, optional
        How well each column alone predicts it.

    Returns
    -------
    tuple of DataAlert
        Worst first, then in the order of the columns; leakage first and the whole table last within a severity.
    """
    found: list[DataAlert] = list(leakage_alerts(leakage)) if leakage else []
    last = len(columns) - 1
    for place, column in enumerate(columns):
        likely = target is None and is_target_name(column.name, is_last=place == last)
        found += column_alerts(column, is_target=column.name == target, may_be_target=likely)
    empty = {column.name for column in columns if column.unique < 2}
    found += _equal_columns([pair for pair in equal_columns if pair[0] not in empty], target)
    rows = columns[0].rows if columns else 0
    if repeated_rows:
        found.append(_repeated_rows(repeated_rows, rows))
    return tuple(sorted(found, key=lambda alert: SEVERITIES.index(alert.severity)))


def leakage_alerts(leakage: Leakage) -> Iterator[DataAlert]:
    """Say which columns give the target away, and ask about the strongest of the others."""
    for name, score in leakage.alone:
        yield DataAlert(
            "leakage",
            name,
            "high",
            f"On its own it predicts the target with {_score_text(leakage, score)}.",
            "A column this good is usually derived from the target or filled in after it is known: the model will look "
            "perfect and fail in use.",
            {"kind": "drop", "columns": [name]},
            "Leave it out",
        )
    for formula in leakage.formulas:
        yield DataAlert(
            "leakage",
            formula.left,
            "high",
            f"The target equals {formula.left} {formula.sign} {formula.right} (R² {formula.r2:.5f}).",
            "Two columns from which the target can be worked out leave nothing to predict: at least one of them is"
            " known only together with it.",
            {"kind": "drop", "columns": [formula.left]},
            "Leave it out",
        )
    strong = strong_column(leakage)
    if strong:
        name, score = strong
        yield DataAlert(
            "known_at_prediction",
            name,
            "medium",
            f"Is it known when you predict? It predicts the target best, with {_score_text(leakage, score)} alone.",
            "A value that is only known afterwards (the length of the call whose result is predicted) cannot help in "
            "use, however good the model looks.",
            {"kind": "drop", "columns": [name]},
            "Leave it out",
        )


def strong_column(leakage: Leakage) -> tuple[str, float] | None:
    """Return the strongest column that is not a leak, if it is strong enough to be asked about.

    Strength runs from 0 to 1: R², or 2 AUC - 1. It is when it reaches `VERY_STRONG_SCORE`, or `STRONG_SCORE` and
    `FAR_AHEAD` times that of the next one.
    """
    in_formulas = {name for formula in leakage.formulas for name in (formula.left, formula.right)}
    rest = [(name, score) for name, score in leakage.scores if score <= LEAK_SCORE and name not in in_formulas]
    if not rest:
        return None
    strengths = [2 * score - 1 if leakage.measure == "AUC" else score for _, score in rest[:2]]
    runner_up = strengths[1] if len(strengths) > 1 else 0.0
    is_ahead = strengths[0] >= STRONG_SCORE and strengths[0] >= FAR_AHEAD * runner_up
    return rest[0] if is_ahead or strengths[0] >= VERY_STRONG_SCORE else None


def _score_text(leakage: Leakage, score: float) -> str:
    return f"{leakage.measure} {score:.3f} in cross-validation"


def _equal_columns(pairs: Sequence[tuple[str, str]], target: str | None) -> Iterator[DataAlert]:
    for name, first in pairs:
        if target in (name, first):
            continue  # that it is a leak has been said
        fix: Mapping[str, Any] = {"kind": "drop", "columns": [name]}
        yield DataAlert(
            "duplicate_columns",
            name,
            "low",
            f"It has the same values as {first} in every row.",
            "It adds nothing, and importance is split between the two.",
            fix,
            "Leave it out",
        )


def _repeated_rows(repeated: int, rows: int) -> DataAlert:
    share = repeated / rows
    return DataAlert(
        "duplicate_rows",
        None,
        severity_of(DUPLICATE_SHARES, share) or "low",
        f"{repeated:,} rows ({percent_text(share)}) are duplicates.",
        "The same row may be used both to train and to test, which flatters the metrics.",
        {"kind": "drop_duplicates"},
        "Drop duplicates",
    )
