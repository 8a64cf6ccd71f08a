"""Which columns people mostly want to predict: a proposal, never a choice."""

import re
from typing import Final

from core.domain.columns import Schema

# What such columns are called in teaching sets and in businesses, as whole words of the name.
_NAMES: Final = frozenset((
    "y", "target", "label", "class", "outcome", "response", "result", "survived", "churn", "churned", "default",
    "defaulted", "fraud", "price", "amount", "sales", "revenue", "demand", "converted", "conversion", "clicked",
    "approved", "rating", "quality",
))  # fmt: skip
# What a name that ends so is of: a sales channel says where something was sold, not how much.
_DESCRIBES: Final = frozenset(("channel", "code", "group", "id", "region", "team", "type"))
_WORDS: Final = re.compile(r"[^\W_]+")
_LEARNABLE: Final = frozenset({"numeric", "category"})
MOST: Final = 3


def likely_targets(schema: Schema, most: int = MOST) -> tuple[str, ...]:
    """Return the columns that a target is likely to be, the likeliest first.

    Those that are called as targets mostly are, later columns before earlier ones, then the last column.

    Parameters
    ----------
    schema : Schema
        Only numeric and category columns are proposed.
    most : int
        At most so many.

    Examples
    --------
    >>> from core.domain.columns import Column
    >>> columns = (Column("label", "category"), Column("age", "numeric"), Column("city", "category"))
    >>> likely_targets(Schema(columns))
    ('label', 'city')
    """
    names = [column.name for column in schema.columns if column.type in _LEARNABLE]
    called = [name for name in reversed(names) if _is_called_so(_WORDS.findall(name.casefold()))]
    return tuple(dict.fromkeys([*called, *names[-1:]]))[:most]


def _is_called_so(words: list[str]) -> bool:
    return bool(_NAMES & set(words)) and words[-1] not in _DESCRIBES
