"""What a column is for: the target and its task, the id, or nothing to learn from. The rules are in docs/types.md."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from core.data.tables.distinct import count_distinct, has_repeats
from core.data.tables.written.cells import is_whole
from core.domain.columns import Column, Schema
from core.domain.training import Task
from core.errors import TargetError
from core.wording import list_text

MAX_CLASSES: Final = 200
QUESTION_VALUES: Final = 20
NEAR_UNIQUE: Final = 0.9
MIN_ROWS: Final = 20
_MULTICLASS_VALUES = 5
_POSITIVES = ("1", "yes", "true", "y", "t")
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_a-zA-Z]+")
_ID_WORDS = frozenset({"id", "ids"})
_KEY_WORDS = frozenset({"key", "sku", "uuid", "guid", "pk", "rowid", "userid", "customerid", "orderid"})
_NUMBER_WORDS = frozenset({"number", "no", "nr", "index", "code"})
_TARGET_WORDS = frozenset({"target", "label", "class", "outcome", "response", "churn", "churned"})
_AMOUNT_WORDS = frozenset({"price", "sales", "revenue", "charges", "cost", "salary"})
_CODE_WORDS = frozenset({
    "code", "codes", "channel", "channels", "region", "regions", "branch", "branches", "zip", "postcode", "id", "ids",
    "no", "nr", "category", "class", "type",
})  # fmt: skip
_AMOUNT_OF = frozenset({"to", "per", "by", "of", "count", "number"})  # a distance to a branch is no branch
_SOLD_WORDS = frozenset({"sale", "sold", "selling"})


@dataclass(frozen=True)
class TaskGuess:
    """The task a target suggests.

    Attributes
    ----------
    is_question : bool
        Whether a person should be asked, because the values could mean either.
    """

    task: Task
    is_question: bool
    reason: str


def guess_task(column: Column, typed: pa.ChunkedArray) -> TaskGuess:
    """Suggest the task for a target.

    Returns
    -------
    TaskGuess
        Two values: binary. More classes: multiclass. Numbers: regression; whole numbers of 3 to 20 values are a
        question.
    """
    if column.type in ("id", "text", "date"):
        return TaskGuess(
            "multiclass",
            is_question=True,
            reason=f"{column.name!r} is of type {column.type}, which cannot be predicted.",
        )
    values = pc.unique(typed.drop_null())
    n_values = len(values)
    if n_values == 2:
        return TaskGuess("binary", is_question=False, reason="It has two values.")
    if column.type == "category":
        return TaskGuess("multiclass", is_question=False, reason=f"It has {n_values:,} classes.")
    if n_values > QUESTION_VALUES or n_values < 2 or not is_whole(values):
        return TaskGuess("regression", is_question=False, reason="It has numbers.")
    low, high = (f"{edge.as_py():g}" for edge in pc.min_max(values).values())
    task: Task = "multiclass" if n_values <= _MULTICLASS_VALUES else "regression"
    reason = f"It has {n_values} whole numbers from {low} to {high}: they may be classes or amounts."
    return TaskGuess(task, is_question=True, reason=reason)


def guess_positive(levels: Sequence[str], counts: Mapping[str, int]) -> str:
    """Suggest the class whose probability people want: 1, yes or true, else the rarer one.

    Examples
    --------
    >>> guess_positive(("No", "Yes"), {"No": 5, "Yes": 7})
    'Yes'
    >>> guess_positive(("won", "lost"), {"won": 5, "lost": 4})
    'lost'
    """
    by_name = {level.casefold(): level for level in levels}
    named = [by_name[name] for name in _POSITIVES if name in by_name]
    return named[0] if named else min(levels, key=lambda level: (counts.get(level, 0), level))


def is_code_name(name: str) -> bool:
    """Whether a column of numbers is called like one of codes.

    Examples
    --------
    >>> names = ("Region_Code", "SalesChannel", "branch id 2", "Age", "no_of_rooms", "distance_to_branch", "nox")
    >>> [name for name in names if is_code_name(name)]
    ['Region_Code', 'SalesChannel', 'branch id 2']
    """
    words = _words(name)
    while words and words[-1].isdigit():
        words.pop()
    return bool(words) and words[-1] in _CODE_WORDS and not _AMOUNT_OF.intersection(words[:-1])


def check_target(column: Column, typed: pa.ChunkedArray, task: Task) -> int:
    """Refuse a target that cannot be learned as asked.

    Returns
    -------
    int
        Rows whose target is missing; training drops them.

    Raises
    ------
    TargetError
        With the code ``target.is_id``, ``.is_text``, ``.is_date``, ``.all_missing``, ``.constant``, ``.not_numeric``,
        ``.not_binary``, ``.not_multiclass``, ``.too_many_classes`` or ``.rare_class``.
    """
    name, known = repr(column.name), typed.drop_null()
    if column.type in ("id", "text", "date"):
        what = {"id": "an id", "text": "free text", "date": "a date"}[column.type]
        raise TargetError(
            f"{name} is {what} and cannot be predicted.",
            hint="Choose another target, or change the column's type on the Data page if it is wrong.",
            code=f"target.is_{column.type}",
        )
    if not len(known):
        raise TargetError(f"Every value of {name} is missing.", code="target.all_missing")
    if pc.count_distinct(known).as_py() == 1:
        raise TargetError(
            f"{name} has only one value, {as_category(known)[0].as_py()!r}: there is nothing to predict.",
            hint="Choose another target, or data where it varies.",
            code="target.constant",
        )
    if task == "regression":
        if column.type != "numeric":
            raise TargetError(
                f"{name} has classes, not numbers.",
                hint="Choose binary or multiclass as the task, or change the column's type on the Data page.",
                code="target.not_numeric",
            )
    else:
        _check_classes(name, known, task)
    return int(typed.null_count)


def _check_classes(name: str, known: pa.ChunkedArray, task: Task) -> None:
    counts = count_classes(known)
    if task == "binary" and len(counts) != 2:
        raise TargetError(
            f"{name} has {len(counts):,} classes; a binary task needs two.",
            hint="Choose multiclass, or regression for numbers.",
            code="target.not_binary",
        )
    if task == "multiclass" and len(counts) == 2:
        raise TargetError(f"{name} has two classes.", hint="Choose binary as the task.", code="target.not_multiclass")
    if len(counts) > MAX_CLASSES:
        raise TargetError(
            f"{name} has {len(counts):,} classes; at most {MAX_CLASSES} are possible.",
            hint="Choose regression if they are amounts, or merge rare classes.",
            code="target.too_many_classes",
        )
    rare = [level for level, count in counts.items() if count == 1]
    if rare:
        raise TargetError(
            f"{name} has {'classes' if len(rare) > 1 else 'a class'} of one row: {list_text(rare, show=repr)}.",
            hint="A class needs rows to learn from and to test on: remove the row, or merge the class with another.",
            code="target.rare_class",
        )


def count_classes(typed: pa.ChunkedArray) -> dict[str, int]:
    """Count the rows of each class as `as_category` names it, most frequent first; missing ones are left out."""
    counted = as_category(typed.drop_null()).value_counts()
    pairs = zip(counted.field("values").to_pylist(), counted.field("counts").to_pylist(), strict=True)
    return dict(sorted(pairs, key=lambda pair: (-pair[1], pair[0])))


def as_category(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Name values as classes: text stays, numbers become their shortest text, whole ones without ``.0``.

    Examples
    --------
    >>> as_category(pa.chunked_array([[0.0, 1.0, 2.5, None]])).to_pylist()
    ['0', '1', '2.5', None]
    """
    kind = column.type
    if pa.types.is_string(kind):
        return column
    if pa.types.is_floating(kind):
        try:
            return pc.cast(pc.cast(column, pa.int64()), pa.string())
        except pa.ArrowInvalid:
            return pc.cast(column, pa.string())
    return pc.cast(column, pa.string())


def guess_id_column(schema: Schema, typed: pa.Table) -> str | None:
    """Choose the column that names a row: of type id, without repeats, best the one simply called id."""
    ids = [column.name for column in schema.columns if column.type == "id" and column.name in typed.column_names]
    for name in sorted(ids, key=lambda name: (_words(name) != ["id"], not is_id_name(name))):
        if is_unique(typed[name]):
            return name
    return None


def proposed_ignores(schema: Schema, typed: pa.Table) -> tuple[tuple[str, str], ...]:
    """Name the columns that are better not learned from, each with the reason.

    Returns
    -------
    tuple of (str, str)
        Column and reason, in the order of the schema.
    """
    reasons = ((column.name, ignore_reason(column, typed[column.name])) for column in schema.columns)
    return tuple((name, reason) for name, reason in reasons if reason)


def ignore_reason(column: Column, typed: pa.ChunkedArray) -> str | None:
    """Say why a column is better not learned from; None when it may be useful."""
    if column.type == "id":
        return "Looks like an ID: it names the rows."
    if column.type == "text":
        return "It is free text."
    known = typed.drop_null()
    if not len(known):
        return "It is empty."
    n_distinct = pc.count_distinct(known).as_py()
    if n_distinct == 1 and not typed.null_count:
        return "It has only one value."
    if len(typed) < MIN_ROWS:
        return None
    if column.type == "category" and n_distinct >= NEAR_UNIQUE * len(known):
        return "Almost every row has its own value."
    if n_distinct == len(typed) and is_row_number(typed):
        return "It looks like a row number."
    return None


def is_id_name(name: str) -> bool:
    """Whether a name begins or ends with the word id: ``id``, ``ID``, ``user_id``, ``PassengerId``, ``id card``."""
    words = _words(name)
    return bool(words) and (words[0] in _ID_WORDS or words[-1] in _ID_WORDS)


def is_key_name(name: str) -> bool:
    """Whether a name ends in a word for keys, such as ``sku`` or ``uuid``."""
    return bool(_KEY_WORDS.intersection(_words(name)[-1:]))


def is_number_name(name: str) -> bool:
    """Whether a name ends in a word that numbers rows or things, such as ``Case Number``."""
    return bool(_NUMBER_WORDS.intersection(_words(name)[-1:]))


def is_target_name(name: str, *, is_last: bool) -> bool:
    """Whether a name is one that people give to what they want to predict.

    Parameters
    ----------
    is_last : bool
        Whether it is the last column, where most tables have the target.

    Examples
    --------
    >>> [is_target_name(name, is_last=False) for name in ("y", "target", "SalePrice", "unit_price", "response time")]
    [True, True, True, False, False]
    >>> is_target_name("unit_price", is_last=True)
    True
    """
    words = _words(name)
    if words == ["y"] or (words and (words[-1] in _TARGET_WORDS or words[0] == "target")):
        return True
    return bool(_AMOUNT_WORDS.intersection(words[-1:])) and (is_last or _SOLD_WORDS.issuperset(words[:-1]))


def is_unique(values: pa.ChunkedArray) -> bool:
    """Whether no value is missing and none repeats."""
    return values.null_count == 0 and len(values) > 0 and not has_repeats(values)


def is_nearly_unique(values: pa.ChunkedArray) -> bool:
    """Whether so many values differ that they can only name the rows, a few of which are there again."""
    return len(values) >= MIN_ROWS and count_distinct(values.drop_null()) >= NEAR_UNIQUE * len(values)


def is_row_number(unique: pa.ChunkedArray) -> bool:
    """Whether unique values are whole numbers that are dense, or that rise or fall from row to row."""
    if not pa.types.is_integer(unique.type) or len(unique) < MIN_ROWS:
        return False
    low, high = (edge.as_py() for edge in pc.min_max(unique).values())
    if high - low < 2 * len(unique):
        return True
    steps = pc.pairwise_diff(unique.combine_chunks())
    return bool(pc.all(pc.greater(steps, 0)).as_py() or pc.all(pc.less(steps, 0)).as_py())


def _words(name: str) -> list[str]:
    return [word.casefold() for word in _WORDS.findall(name)]
