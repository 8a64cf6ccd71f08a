"""What the engine calls a column or class whose own name would break it.

H2O's files and answers have words of their own (a line ``[columns]``, a column ``BiasTerm``), and it joins a column and
a level with a dot. A name that collides with one of these gets a prefix on the engine's side, and nowhere else. Which
names do is decided once, before a training, and kept with the model's spec; taking the prefix off needs no list.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from core.domain.columns import Column, Schema
from core.domain.training import TrainingSettings

_PREFIX = re.compile(r"bw\d+~")
# Levels that H2O adds to those of a category.
_ADDED_LEVELS = ("missing(NA)", "NA")
# Lines that a MOJO's list of columns takes for a heading or a comment, and columns that H2O adds to people's.
_COLUMNS = re.compile(
    r"\[(?:info|columns|domains)\]|#.*|BiasTerm|Intercept|predict|__internal_cv_weights__|bellwether_filler", re.DOTALL
)
# What H2O calls the columns beside and of the probabilities.
_CLASSES = re.compile(r"predict|(?:cal_)?p-?[\d.].*|StdDev|StdErr|BiasTerm", re.DOTALL)


@dataclass(frozen=True)
class Aliases:
    """The names of one model that the engine does not get as they are.

    Attributes
    ----------
    columns, classes : tuple of str
        People's names of the columns and of the target's classes that have a prefix in the engine, the place of each
        in it.
    """

    columns: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()

    def column(self, name: str) -> str:
        """Return what the engine calls a column."""
        return _alias(name, self.columns)

    def level(self, name: str) -> str:
        """Return what the engine calls a class."""
        return _alias(name, self.classes)

    def in_frame(self, classes: Sequence[str]) -> tuple[str, ...]:
        """Return several classes in the order that the engine has them in, which is that of its names."""
        return tuple(sorted(classes, key=self.level)) if self.classes else tuple(classes)

    def settings(self, asked: TrainingSettings) -> TrainingSettings:
        """Return settings with the engine's names of columns."""
        return renamed(asked, {name: self.column(name) for name in self.columns})


NO_ALIASES = Aliases()


def plain_name(name: str) -> str:
    """Return people's name of a column or class of the engine.

    Examples
    --------
    >>> plain_name("bw1~[columns]"), plain_name("age")
    ('[columns]', 'age')
    """
    return _PREFIX.sub("", name, count=1) if _PREFIX.match(name) else name


def choose_aliases(features: Schema, target: Column, others: Iterable[str] = ()) -> Aliases:
    """Return the aliases that a training needs.

    Parameters
    ----------
    features : Schema
        What is learned from, category columns with their levels.
    target : Column
        With its classes as levels, where it has classes.
    others : iterable of str
        Columns beside these, such as weights.

    Examples
    --------
    >>> kind = Column("type", "category", levels=("0", "1"))
    >>> choose_aliases(Schema((kind, Column("type.1", "numeric"), Column("type.x", "numeric"))), Column("y", "numeric"))
    Aliases(columns=('type.1',), classes=())
    """
    columns = (*features.columns, target, *(Column(name, "numeric") for name in others))
    categories = {column.name: column for column in features.columns if column.type == "category"}
    return Aliases(
        tuple(column.name for column in columns if _is_taken(column.name) or _is_joined(column, categories)),
        tuple(name for name in target.levels or () if _PREFIX.match(name) or _CLASSES.fullmatch(name)),
    )


def renamed(asked: TrainingSettings, names: Mapping[str, str]) -> TrainingSettings:
    """Return settings in which columns are called as a mapping says, or as before."""
    weights = asked.weights_column
    return replace(
        asked,
        target=names.get(asked.target, asked.target),
        weights_column=names.get(weights, weights) if weights else weights,
        monotone_constraints={names.get(name, name): sign for name, sign in asked.monotone_constraints.items()},
    )


def _alias(name: str, aliased: Sequence[str]) -> str:
    # Numbered, for two of them may differ by a dot and a level.
    return f"bw{aliased.index(name) + 1}~{name}" if name in aliased else name


def _is_taken(name: str) -> bool:
    return bool(_PREFIX.match(name) or _COLUMNS.fullmatch(name))


def _is_joined(column: Column, categories: Mapping[str, Column]) -> bool:
    """Return whether the engine may write another column and one of its levels like a column, or like a level of it."""
    for dot in (place for place, sign in enumerate(column.name) if sign == "."):
        other = categories.get(column.name[:dot])
        if other is None:
            continue
        rest = column.name[dot + 1 :]
        levels = (*(other.levels or ()), *_ADDED_LEVELS)
        own = (*(column.levels or ()), *_ADDED_LEVELS) if column.type == "category" else ()
        if other.levels is None or rest in levels or any(f"{rest}.{level}" in levels for level in own):
            return True
    return False
