"""The fields of a recipe's steps as JSON: each is read by one function that takes nothing else than what it names."""

import math
from collections.abc import Callable, Mapping
from dataclasses import MISSING, field
from itertools import pairwise
from typing import Any

Reader = Callable[[Any], Any]


class FieldError(ValueError):
    """A field holds something else than it should; the text says what it wants."""


def json_field(read: Reader, default: object = MISSING) -> Any:
    """Return a dataclass field that is read from JSON by `read`; without a default it has to be given."""
    return field(default=default, metadata={"read": read})


def flag(value: object) -> bool:
    """Read true or false."""
    if not isinstance(value, bool):
        raise FieldError("true or false")
    return value


def text(value: object) -> str:
    """Read a text that is not empty."""
    if not isinstance(value, str) or not value.strip():
        raise FieldError("a text that is not empty")
    return value


def names(value: object) -> tuple[str, ...]:
    """Read a list of different column names with at least one."""
    if not isinstance(value, list | tuple) or not value or not all(isinstance(name, str) for name in value):
        raise FieldError("a list of column names")
    if len(set(value)) < len(value):
        raise FieldError("a list in which no column comes twice")
    return tuple(value)


def number(value: object) -> float:
    """Read a finite number; whole ones stay whole."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise FieldError("a number")
    return value


def share(value: object) -> float:
    """Read a number from 0 to 1."""
    found = number(value)
    if not 0 <= found <= 1:
        raise FieldError("a number from 0 to 1")
    return found


def whole(low: int, high: int) -> Reader:
    """Return the reader of whole numbers from `low` to `high`."""

    def read(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise FieldError(f"a whole number from {low} to {high}")
        return value

    return read


def numbers(value: object) -> tuple[float, ...]:
    """Read a list of numbers that rise."""
    if not isinstance(value, list | tuple) or not value:
        raise FieldError("a list of numbers")
    found = tuple(number(one) for one in value)
    if any(right <= left for left, right in pairwise(found)):
        raise FieldError("a list of numbers, each larger than the one before")
    return found


def choice(*known: str) -> Reader:
    """Return the reader of one of a few words."""

    def read(value: object) -> str:
        if value not in known:
            raise FieldError(f"one of {', '.join(known)}")
        return str(value)

    return read


def choices(*known: str) -> Reader:
    """Return the reader of a list of some of a few words."""

    def read(value: object) -> tuple[str, ...]:
        found = names(value)
        if not set(found) <= set(known):
            raise FieldError(f"a list of some of {', '.join(known)}")
        return found

    return read


def optional(read: Reader) -> Reader:
    """Return the reader that also takes null."""

    def read_or_none(value: object) -> Any:
        return None if value is None else read(value)

    return read_or_none


def cell(value: object) -> str | float:
    """Read what a cell may hold: a text or a number."""
    return value if isinstance(value, str) else number(value)


def table(read: Reader) -> Reader:
    """Return the reader of an object with at least one entry, whose values are read by `read`."""

    def read_table(value: object) -> dict[str, Any]:
        if not isinstance(value, Mapping) or not value or not all(isinstance(key, str) for key in value):
            raise FieldError("an object with at least one entry")
        return {key: read(item) for key, item in value.items()}

    return read_table
