"""Frozen dataclasses to plain JSON data and back, led by their type hints."""

import math
import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

_SCALARS = (str, int, float, bool)


def to_plain(value: Any) -> Any:
    """Return dataclasses as dicts, tuples as lists and numbers that JSON does not know (NaN, infinities) as None."""
    if is_dataclass(value) and not isinstance(value, type):
        return {spec.name: to_plain(getattr(value, spec.name)) for spec in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [to_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def from_plain(kind: Any, data: Any) -> Any:
    """Read what `to_plain` wrote.

    Parameters
    ----------
    kind : type
        A dataclass, or what may stand in a field of one: a scalar, ``tuple[X, ...]``, ``Mapping[str, X]``,
        ``X | None``, or a generic dataclass such as ``Item[X]``. Fields that the data lacks take their default, so that
        a newer version reads what an older one wrote; fields that the dataclass lacks are left out.

    Raises
    ------
    KeyError, TypeError, ValueError
        If the data is not of that kind.
    """
    if data is None:
        return None
    base, arguments = get_origin(kind) or kind, get_args(kind)
    if base in (Union, types.UnionType):
        choices = [choice for choice in arguments if choice is not types.NoneType]
        return from_plain(choices[0], data) if len(choices) == 1 else data
    is_record = isinstance(base, type) and is_dataclass(base)
    if (base is Mapping or is_record) and not isinstance(data, Mapping):
        raise TypeError(f"A {kind} cannot be read from {type(data).__name__}.")
    if base is tuple:
        if arguments[0] in _SCALARS or get_origin(arguments[0]) in (Union, types.UnionType):
            return tuple(data)
        return tuple(from_plain(arguments[0], item) for item in data)
    if base is Mapping:
        return {key: from_plain(arguments[1], item) for key, item in data.items()}
    if is_record:
        meant = dict(zip(getattr(base, "__parameters__", ()), arguments, strict=False))
        hints = _hints(base)
        known = {spec.name for spec in fields(base)} & set(data)
        return base(**{name: from_plain(_resolve(hints[name], meant), data[name]) for name in known})
    return data


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _resolve(hint: Any, meant: Mapping[Any, Any]) -> Any:
    """Put the type that is meant in place of a type variable, as in ``T | None`` of ``Item[Confusion]``."""
    if isinstance(hint, TypeVar):
        return meant.get(hint, Any)
    if get_origin(hint) in (Union, types.UnionType):
        choices = [_resolve(choice, meant) for choice in get_args(hint) if choice is not types.NoneType]
        return choices[0] if len(choices) == 1 else hint
    return hint
