"""Relations: how one column goes with the target, and which columns go with it most."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Final, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from core.data.relations.binning import BinKind, Group, group_rows
from core.data.tables.batches import Load, sample_table
from core.data.tables.codes import to_numbers
from core.data.tables.roles import as_category, count_classes, guess_positive, guess_task
from core.domain.columns import FEATURE_TYPES, Column, Schema
from core.errors import DataError

MAX_LEVELS: Final = 15
MAX_CLASSES: Final = 5
MAX_RANK_LEVELS: Final = 50
MEASURE: Final = "share of the target's uncertainty removed"
_Z = 1.959963984540054  # 97.5% quantile of the normal distribution


@dataclass(frozen=True, kw_only=True)
class RelationBin:
    """The target within one bin or level of a column.

    Attributes
    ----------
    label : str
        The level, value or range in words.
    kind : str
        ``range`` of numbers, ``value`` (a level or number), ``other`` (all rarer levels), ``missing``.
    low, high : float or None
        Range only: smallest and largest value in it (dates: milliseconds since 1970-01-01).
    values : tuple of float, shape (n_series,)
        Share of each class of `Relation.series`, or the mean of the target.
    ci_low, ci_high : tuple of float or None, shape (n_series,)
        95% interval; None for a mean of one row.
    """

    label: str
    kind: BinKind
    rows: int
    values: tuple[float, ...]
    ci_low: tuple[float | None, ...]
    ci_high: tuple[float | None, ...]
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Relation:
    """The target over the bins or levels of a column.

    Attributes
    ----------
    measure : str
        ``rate`` (share of a class, Wilson interval) or ``mean`` (Student's t interval).
    series : tuple of str
        The classes shown: the positive one of two, else the most frequent ones; the target's name for a mean.
    overall : tuple of float, shape (n_series,)
        The same over all rows.
    """

    column: str
    target: str
    measure: Literal["rate", "mean"]
    series: tuple[str, ...]
    overall: tuple[float, ...]
    bins: tuple[RelationBin, ...]


def relation_to_target(
    typed: pa.Table,
    schema: Schema,
    column: str,
    target: str,
    *,
    positive: str | None = None,
    keep: np.ndarray | None = None,
) -> Relation:
    """Show how the target varies over a column.

    Parameters
    ----------
    typed : Table of shape (n_rows, n_columns)
        From `core.data.tables.schema.apply_schema`; holds at least the two columns.
    positive : str, optional
        The class whose share is shown for a target of two classes; guessed when omitted.
    keep : ndarray of bool, shape (n_rows,), optional
        A slice: only these rows count, in the bins, for the task and with the class of the whole table.

    Returns
    -------
    Relation
        At most 10 quantile bins of numbers and dates (each value its own bin when there are few), or the
        `MAX_LEVELS` most frequent levels and the rest; missing values are a bin of their own.

    Raises
    ------
    DataError
        If the columns are the same one, or the column or the target is text or an id, or the target is a date.

    Notes
    -----
    Rows without a target are left out. Intervals: Wilson (1927) for shares, Student's t for means.
    """
    _check(schema, column, target)
    typed = typed.select([column, target])
    is_known = pc.is_valid(typed[target])
    inside = None if keep is None else keep[np.asarray(is_known)]
    typed = typed.filter(is_known)
    codes, groups = group_rows(typed[column], schema[column], max_levels=MAX_LEVELS)
    return relate(codes, groups, typed[target], schema[target], column, positive=positive, inside=inside)


def relate(
    codes: np.ndarray,
    groups: Sequence[Group],
    goal: pa.ChunkedArray,
    target: Column,
    name: str,
    *,
    positive: str | None = None,
    inside: np.ndarray | None = None,
) -> Relation:
    """Show how the target varies over groups of rows.

    Parameters
    ----------
    goal : ChunkedArray, shape (n_rows,)
        The target, without missing values.
    name : str
        What the groups are made of.
    positive, inside
        As `positive` and `keep` of `relation_to_target`.
    """
    if guess_task(target, goal).task == "regression":
        numbers = to_numbers(goal)
        return _means(name, target.name, *_inside(codes, numbers, inside), groups)
    counts = count_classes(goal)
    if len(counts) == 2:
        series: tuple[str, ...] = (positive or guess_positive(tuple(counts), counts),)
    else:
        series = tuple(sorted(tuple(counts)[:MAX_CLASSES]))
    words = as_category(goal)
    hits = np.column_stack([np.asarray(pc.equal(words, level)) for level in series])
    return _rates(name, target.name, *_inside(codes, hits, inside), groups, series)


def _inside(codes: np.ndarray, values: np.ndarray, inside: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    return (codes, values) if inside is None else (codes[inside], values[inside])


def rank_relations(load: Load, schema: Schema, target: str, n_rows: int) -> tuple[tuple[str, float], ...]:
    """Rank the columns by how strongly they go with the target, each by itself.

    Returns
    -------
    tuple of (str, float)
        Column and the share of the target's uncertainty that it removes (0 to 1), strongest first; text and id columns
        are left out.

    Raises
    ------
    DataError
        If the target is text, an id or a date.

    Notes
    -----
    Numbers and dates are cut into quantile bins, categories keep their most frequent `MAX_RANK_LEVELS` levels, missing
    is a level: so one measure serves all types. It is the uncertainty coefficient, mutual information over the entropy
    of the target (H. Theil 1970, On the estimation of relationships involving qualitative variables, Am. J. Sociology
    76, 103-154), less what chance alone gives (G. Miller 1955, Note on the bias of information estimates): the
    denominator is the same for every column, so columns of few and of many levels compare.
    Tables of more than 100,000 rows are sampled (fixed seed); about 0.2 s for 12 columns.
    """
    _check_target(schema, target)
    features = [column for column in schema.columns if column.name != target and column.type in FEATURE_TYPES]
    typed = sample_table(load, [target, *(column.name for column in features)], n_rows)
    typed = typed.filter(pc.is_valid(typed[target]))
    classes, names = group_rows(typed[target], schema[target], max_levels=MAX_RANK_LEVELS)
    ranked = []
    for column in features:
        codes, groups = group_rows(typed[column.name], column, max_levels=MAX_RANK_LEVELS)
        ranked.append((column.name, _uncertainty_removed(codes, len(groups), classes, len(names))))
    return tuple(sorted(ranked, key=lambda pair: -pair[1]))


def wilson(successes: np.ndarray, trials: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the 95% Wilson score interval of shares; arrays of one shape, `trials` above 0."""
    share = successes / trials
    centre = share + _Z**2 / (2 * trials)
    spread = _Z * np.sqrt(share * (1 - share) / trials + _Z**2 / (4 * trials**2))
    scale = 1 + _Z**2 / trials
    # Rounding may put an end of the interval past a share of 0 or 1.
    return np.clip((centre - spread) / scale, 0, share), np.clip((centre + spread) / scale, share, 1)


def _check(schema: Schema, column: str, target: str) -> None:
    _check_target(schema, target)
    if column == target:
        raise DataError("The column is the target itself.", hint="Choose another column.", code="relation.same_column")
    kind = schema[column].type
    if kind not in FEATURE_TYPES:
        raise DataError(
            f"{column!r} is of type {kind}: there are no bins or levels to compare.",
            hint="Choose another column, or change its type on the Data page.",
            code="relation.unsupported",
        )


def _check_target(schema: Schema, target: str) -> None:
    kind = schema[target].type
    if kind not in ("numeric", "category"):
        raise DataError(
            f"{target!r} is of type {kind} and cannot be a target.",
            hint="Choose another target, or change its type on the Data page.",
            code="relation.target_unsupported",
        )


def _means(column: str, target: str, codes: np.ndarray, goal: np.ndarray, groups: Sequence[Group]) -> Relation:
    rows = np.bincount(codes, minlength=len(groups))
    means = np.bincount(codes, weights=goal, minlength=len(groups)) / np.maximum(rows, 1)
    squares = np.bincount(codes, weights=(goal - means[codes]) ** 2, minlength=len(groups))
    free = np.maximum(rows - 1, 1)
    from scipy import special  # loaded when it is needed: a scoring starts without

    spread = special.stdtrit(free, 0.975) * np.sqrt(squares / free / np.maximum(rows, 1))
    bins = tuple(
        RelationBin(
            **asdict(group),
            rows=int(n),
            values=(float(mean),),
            ci_low=(float(mean - half) if n > 1 else None,),
            ci_high=(float(mean + half) if n > 1 else None,),
        )
        for group, n, mean, half in zip(groups, rows, means, spread, strict=True)
        if n
    )
    overall = (float(goal.mean()),) if len(goal) else ()
    return Relation(column, target, "mean", (target,), overall, bins)


def _rates(
    column: str, target: str, codes: np.ndarray, hits: np.ndarray, groups: Sequence[Group], series: tuple[str, ...]
) -> Relation:
    rows = np.bincount(codes, minlength=len(groups))
    overall = tuple((hits.sum(axis=0) / max(len(hits), 1)).tolist())
    hits = np.column_stack([np.bincount(codes[hit], minlength=len(groups)) for hit in hits.T])
    trials = np.maximum(rows, 1)[:, None]
    low, high = wilson(hits, trials)
    bins = tuple(
        RelationBin(
            **asdict(group),
            rows=int(rows[number]),
            values=tuple((hits[number] / trials[number]).tolist()),
            ci_low=tuple(low[number].tolist()),
            ci_high=tuple(high[number].tolist()),
        )
        for number, group in enumerate(groups)
        if rows[number]
    )
    return Relation(column, target, "rate", series, overall, bins)


def _uncertainty_removed(codes: np.ndarray, n_codes: int, classes: np.ndarray, n_classes: int) -> float:
    """Return the bias-corrected share of the entropy of `classes` that `codes` removes."""
    table = np.bincount(codes * n_classes + classes, minlength=n_codes * n_classes).reshape(n_codes, n_classes)
    table = table[table.any(axis=1)][:, table.any(axis=0)]
    if min(table.shape, default=0) < 2:
        return 0.0
    rows, columns, n_rows = table.sum(axis=1), table.sum(axis=0), table.sum()
    from scipy import special

    entropy = float(special.entr(columns / n_rows).sum())
    shared = entropy + float(special.entr(rows / n_rows).sum() - special.entr(table / n_rows).sum())
    by_chance = (len(rows) - 1) * (len(columns) - 1) / (2 * n_rows)
    return float(np.clip((shared - by_chance) / entropy, 0.0, 1.0))
