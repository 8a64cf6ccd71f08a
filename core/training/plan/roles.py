"""The columns that say something about rows instead of being learned from: weights, folds, time and group."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from core.data.tables.roles import as_category
from core.domain.columns import Schema
from core.domain.training import TrainingSettings
from core.errors import TrainingSettingsError
from core.training.plan.options import MAX_FOLDS
from core.training.plan.split import group_folds, group_share, latest_share, random_share, time_blocks
from core.wording import count_text, day_text, number_text


def role_columns(settings: TrainingSettings) -> tuple[str, ...]:
    """Return the columns that have a role and so are not features."""
    return tuple(name for name in (settings.weights_column, settings.fold_column, settings.split_column) if name)


def check_roles(schema: Schema, settings: TrainingSettings) -> None:
    """Check that the columns with a role are there and of a type that can have it.

    Raises
    ------
    TrainingSettingsError
        Naming the column and the role.
    """
    for name in role_columns(settings):
        if name not in schema:
            raise TrainingSettingsError(f"The dataset has no column {name!r}.", hint="Choose one of its columns.")
    weights = settings.weights_column
    if weights and schema[weights].type != "numeric":
        raise TrainingSettingsError(
            f"The weights {weights!r} are of type {schema[weights].type}.",
            hint="Weights are numbers: choose a numeric column, or change its type on the Data page.",
        )
    time = settings.split_column if settings.split == "time" else None
    if time and schema[time].type not in ("date", "numeric"):
        raise TrainingSettingsError(
            f"The time column {time!r} is of type {schema[time].type}, which has no order in time.",
            hint="Choose a date or a number, or change its type on the Data page.",
        )


@dataclass(frozen=True)
class Roles:
    """What the role columns say of the rows that can be used, those with a target and a weight.

    Attributes
    ----------
    rows : ndarray of shape (n_rows,), int64
        Their row numbers in the dataset, ascending.
    classes : ndarray of shape (n_rows,) or None
        Class numbers; None for a regression.
    order : ndarray of shape (n_rows,) or None
        What the split goes by: times, or numbers of groups.
    folds : ndarray of shape (n_rows,) or None
        Numbers of the values of the fold column.
    """

    rows: np.ndarray
    classes: np.ndarray | None
    order: np.ndarray | None
    folds: np.ndarray | None

    def take(self, places: np.ndarray) -> "Roles":
        """Return those of some rows, given by mask or place."""
        parts = (None if part is None else part[places] for part in (self.classes, self.order, self.folds))
        return Roles(self.rows[places], *parts)


def read_roles(table: pa.Table, labels: pa.ChunkedArray, settings: TrainingSettings) -> Roles:
    """Read the roles of all rows that have a target and a weight above 0.

    Parameters
    ----------
    table : Table of shape (n_rows, n_roles)
        The role columns, as their types.
    labels : ChunkedArray of shape (n_rows,)
        The target; classes as category.

    Raises
    ------
    TrainingSettingsError
        If a weight is missing or negative, or the time, group or fold of a row is missing.
    """
    usable = labels.is_valid().to_numpy()
    if settings.weights_column:
        usable = usable & (_weights(table[settings.weights_column], settings.weights_column, usable) > 0)
    rows = np.flatnonzero(usable)
    classes = None if settings.task == "regression" else _numbers(labels.take(pa.array(rows)))
    order = folds = None
    if settings.split_column:
        values = _complete(table[settings.split_column], rows, settings.split_column, settings.split)
        order = time_numbers(values) if settings.split == "time" else _numbers(as_category(values))
    if settings.fold_column:
        values = _complete(table[settings.fold_column], rows, settings.fold_column, "fold")
        folds = _numbers(as_category(values))
    return Roles(rows, classes, order, folds)


def hold_out(roles: Roles, settings: TrainingSettings, share: float, *, what: str) -> np.ndarray:
    """Mark the rows to set aside as the split says.

    Parameters
    ----------
    share : float
        0 marks none.
    what : str
        What they are set aside for, for the message.

    Raises
    ------
    TrainingSettingsError
        If that is none of the rows, or leaves too few to learn from.
    """
    n_rows = len(roles.rows)
    if share == 0:
        return np.zeros(n_rows, dtype=bool)
    if roles.order is None:
        marked = random_share(roles.classes, n_rows, share, settings.seed)
    elif settings.split == "time":
        marked = latest_share(roles.order, share)
    else:
        marked = group_share(roles.order, roles.classes, share, settings.seed)
    if not marked.any() or marked.all():
        raise TrainingSettingsError(
            f"The {what} share of {share:g} leaves no row to set aside or none to learn from"
            + (f": {settings.split_column!r} has too few values." if settings.split_column else "."),
            hint=f"Use another {what} share, 0 for none, or another split.",
        )
    return marked


def latest_words(times: pa.ChunkedArray, share: float) -> str:
    """Say which rows are set aside by time: how many, from when to when; empty where that cannot be told.

    Parameters
    ----------
    times : ChunkedArray of shape (n_rows,)
        Dates or numbers of the rows that can be used.
    share : float
        Of the rows, 0 to 1.

    Examples
    --------
    >>> days = pa.chunked_array([["2026-03-04", "2026-03-01", "2026-03-02", "2026-03-03"]]).cast(pa.timestamp("ms"))
    >>> latest_words(days, 0.5), latest_words(pa.chunked_array([[1.0, 2.0, 3.0]]), 0.34)
    ('2 rows, from 3 Mar 2026 to 4 Mar 2026', '1 row, from 3 to 3')
    """
    if times.null_count or not share:
        return ""
    marked = times.filter(pa.array(latest_share(time_numbers(times), share)))
    if not len(marked) or len(marked) == len(times):
        return ""
    ends = pc.min_max(marked).as_py().values()
    low, high = (number_text(end) if isinstance(end, (int, float)) else day_text(end) for end in ends)
    return f"{count_text(len(marked), 'row')}, from {low} to {high}"


def make_folds(roles: Roles, settings: TrainingSettings) -> np.ndarray | None:
    """Return the number of each row's fold, from 0; None when the engine is free to take every n-th row.

    Raises
    ------
    TrainingSettingsError
        If there are fewer rows than folds, only one fold, or more than `MAX_FOLDS` values of the fold column.
    """
    if len(roles.rows) < settings.nfolds:
        raise TrainingSettingsError(
            f"{len(roles.rows)} rows to train with cannot be split into {settings.nfolds} folds.",
            hint="Add rows, hold out less, or ask for fewer folds (nfolds).",
        )
    if roles.folds is not None:
        folds = np.unique(roles.folds, return_inverse=True)[1].astype(np.int64)
        return _checked(folds, settings.fold_column)
    if roles.order is None:
        return None
    if settings.split == "time":
        return _checked(time_blocks(roles.order, settings.nfolds), settings.split_column)
    n_groups = len(np.unique(roles.order))
    if n_groups < settings.nfolds:
        raise TrainingSettingsError(
            f"{settings.split_column!r} has {n_groups} groups to train with, too few for {settings.nfolds} folds.",
            hint="Ask for fewer folds (nfolds), hold out less, or split at random.",
        )
    return _checked(group_folds(roles.order, roles.classes, settings.nfolds, settings.seed), settings.split_column)


def check_classes(roles: Roles, names: Sequence[str], *, part: str, least: int) -> None:
    """Check that a part of the rows has enough of each class.

    Raises
    ------
    TrainingSettingsError
        Naming the class and the part.
    """
    if roles.classes is None:
        return
    counts = np.bincount(roles.classes, minlength=len(names))
    poor = int(np.argmin(counts))
    if counts[poor] < least:
        raise TrainingSettingsError(
            f"The {part} would have {count_text(int(counts[poor]), 'row')} of the class {names[poor]!r}.",
            hint="Use another share, another split or another seed, so that every class is on both sides; a class "
            "needs two rows to learn from and one to judge by.",
        )


def check_fold_classes(roles: Roles, folds: np.ndarray, names: Sequence[str]) -> None:
    """Check for two classes that what is left without any one fold still has both.

    Raises
    ------
    TrainingSettingsError
        Naming the class that lies in a single fold.
    """
    if roles.classes is None or len(names) != 2:
        return
    for code, name in enumerate(names):
        inside = np.unique(folds[roles.classes == code])
        if len(inside) < 2:
            raise TrainingSettingsError(
                f"All rows of the class {name!r} are in one fold: without it there is nothing to learn the class from.",
                hint="Use another split, or a fold column that spreads the class.",
            )


def check_distribution(values: pa.ChunkedArray, settings: TrainingSettings) -> None:
    """Check that the numbers of a regression can have the distribution.

    TrainingSettingsError if they reach where it has none.
    """
    name, least = settings.distribution, pc.min(values).as_py()
    if name in ("poisson", "tweedie") and least < 0:
        raise TrainingSettingsError(
            f"The distribution {name} has no negative numbers, but {settings.target!r} goes down to {least:g}.",
            hint="Choose gaussian, laplace or huber.",
        )
    if name == "gamma" and least <= 0:
        raise TrainingSettingsError(
            f"The distribution gamma has only numbers above 0, but {settings.target!r} goes down to {least:g}.",
            hint="Choose tweedie, which may have zeros, or gaussian."
            if least == 0
            else "Choose gaussian, laplace or huber.",
        )


def check_factors(classes: tuple[str, ...], settings: TrainingSettings) -> None:
    """Check that there is one class sampling factor for each class, or none.

    TrainingSettingsError if there are more or fewer.
    """
    n_factors = len(settings.class_sampling_factors)
    if n_factors not in (0, len(classes)):
        raise TrainingSettingsError(
            f"There are {n_factors} class sampling factors for {len(classes)} classes.",
            hint=f"Give one for each, in this order, sorted as text: {', '.join(sorted(classes))}.",
        )


def _weights(values: pa.ChunkedArray, name: str, usable: np.ndarray) -> np.ndarray:
    known = np.asarray(pc.cast(values, pa.float64()).to_numpy(), dtype=np.float64)
    inside = known[usable]
    if np.isnan(inside).any():
        raise TrainingSettingsError(
            f"{int(np.isnan(inside).sum()):,} weights of {name!r} are missing.",
            hint="Fill them in at the source, or choose another column; 0 leaves a row out.",
        )
    if (inside < 0).any() or not np.isfinite(inside).all():
        raise TrainingSettingsError(
            f"{int(((inside < 0) | ~np.isfinite(inside)).sum()):,} weights of {name!r} are negative or infinite.",
            hint="Weights say how much a row counts: use numbers from 0 up.",
        )
    if not (inside > 0).any():
        raise TrainingSettingsError(
            f"Every weight of {name!r} is 0: no row counts.", hint="Choose another column, or train without weights."
        )
    return known


def _complete(values: pa.ChunkedArray, rows: np.ndarray, name: str, role: str) -> pa.ChunkedArray:
    wanted = values.take(pa.array(rows))
    if wanted.null_count:
        share = f"{wanted.null_count:,} of {len(wanted):,} rows"
        raise TrainingSettingsError(
            f"The {role} column {name!r} is missing in {share}.",
            hint="Every row needs one: choose another column, or add the data without these rows.",
        )
    return wanted


def time_numbers(values: pa.ChunkedArray) -> np.ndarray:
    """Return times as numbers in their order: milliseconds since 1970 of dates, numbers as they are."""
    times = pc.cast(values, pa.int64()) if pa.types.is_temporal(values.type) else pc.cast(values, pa.float64())
    return np.asarray(times.to_numpy())


def _numbers(values: pa.ChunkedArray) -> np.ndarray:
    """Return the number of each value among the sorted distinct ones."""
    texts = values.combine_chunks().dictionary_encode()
    names = texts.dictionary.to_pylist()
    place = np.empty(len(names), dtype=np.int64)
    place[np.argsort(np.array(names, dtype=object))] = np.arange(len(names))
    numbers: np.ndarray = place[texts.indices.to_numpy(zero_copy_only=False)]
    return numbers


def _checked(folds: np.ndarray, name: str | None) -> np.ndarray:
    n_folds = int(folds.max()) + 1
    if n_folds < 2:
        raise TrainingSettingsError(
            f"{name!r} makes a single fold of the training rows: there is nothing to test on.",
            hint="Choose a column with 2 or more values, or let the folds be made at random.",
        )
    if n_folds > MAX_FOLDS:
        raise TrainingSettingsError(
            f"{name!r} has {n_folds:,} values, and each would be a fold; at most {MAX_FOLDS} are possible.",
            hint="Choose a split by group, which puts whole values together into a few folds.",
        )
    return folds
