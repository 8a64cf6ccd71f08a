"""Dataclasses to plain JSON data and back, led by their type hints; strict when it reads.

The one way by which what is stored is written and read: what the hints do not say is refused, and fields that the data
lacks take their default, so that a newer version reads what an older one wrote.
"""

import json
import math
import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import datetime
from functools import cache
from itertools import product
from typing import Any, Final, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from core.errors import StoreCorruptError

T = TypeVar("T")
_Reader = Callable[[Any], Any]
_SCALARS: Final[Mapping[Any, frozenset[type]]] = {
    str: frozenset({str}),
    bool: frozenset({bool}),
    int: frozenset({int}),
    float: frozenset({float, int}),
    types.NoneType: frozenset({types.NoneType}),
}
_SERIES: Final = (list, tuple)
_MOST_SIGNATURES: Final = 200


class _UnfitError(ValueError):
    """The data is not what the hints say; the text says where and why."""


def to_plain(value: Any) -> Any:
    """Return plain JSON data: dataclasses as dicts, moments as text, NaN and infinities, which JSON lacks, as None."""
    if value is None or isinstance(value, (str, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, _SERIES):
        return [to_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): to_plain(item) for key, item in value.items()}
    if is_dataclass(value):
        return {name: to_plain(getattr(value, name)) for name in _names(value.__class__)}
    return value.isoformat() if isinstance(value, datetime) else value


def to_json(value: Any, *, indent: int | None = None) -> str:
    """Return dataclasses as JSON text; `from_json` reads it back."""
    return json.dumps(to_plain(value), ensure_ascii=False, allow_nan=False, indent=indent)


def from_plain(kind: type[T], data: object, *, what: str = "") -> T:
    """Read what `to_plain` wrote.

    Parameters
    ----------
    kind : type
        A dataclass; its fields are scalars, moments, ``Literal``, ``tuple``, ``list``, ``Mapping``, unions, or
        dataclasses again, generic ones such as ``Item[X]`` among them. Null where a float must be is NaN.
    what : str
        What is read, for the error, such as ``"the description of dataset 12ab"``; else the name of the class.

    Raises
    ------
    StoreCorruptError
        If the data is of another kind, or has fields that the dataclass lacks: it is damaged, or of a newer version.
    """
    hint: Any = kind
    try:
        found: T = _reader(hint)(data)
    except _UnfitError as error:
        raise _unreadable(kind, what, str(error)) from error
    return found


def from_json(kind: type[T], text: str | bytes, *, what: str = "") -> T:
    """Read what `to_json` wrote; parameters and errors as `from_plain`."""
    try:
        data = json.loads(text)
    except ValueError as error:
        raise _unreadable(kind, what, "it is not JSON") from error
    return from_plain(kind, data, what=what)


def _unreadable(kind: type, what: str, why: str) -> StoreCorruptError:
    name = what or f"what is stored as {kind.__name__}"
    return StoreCorruptError(
        f"{name[0].upper()}{name[1:]} cannot be read: {why}.",
        hint="Update Bellwether if a newer version wrote it; else restore the latest backup (docs/operations.md).",
    )


@cache
def _names(kind: type[Any]) -> tuple[str, ...]:
    return tuple(spec.name for spec in fields(kind))


@cache
def _reader(kind: Any) -> _Reader:
    """Return what reads data of a type; made once for each type."""
    base, arguments = get_origin(kind) or kind, get_args(kind)
    if (allowed := _allowed(kind)) is not None:
        return _scalar_reader(kind, allowed)
    if base in (Union, types.UnionType):
        return _union_reader(arguments)
    if base is tuple or base is list:
        return _series_reader(base, arguments)
    if base is Literal:
        return lambda value: (
            value if value in arguments else _refuse(value, f"one of {', '.join(map(repr, arguments))}")
        )
    if isinstance(base, type) and issubclass(base, Mapping):
        return _mapping_reader(_reader(arguments[1]) if arguments else _as_it_is)
    if is_dataclass(base):
        return _record_reader(base, dict(zip(getattr(base, "__parameters__", ()), arguments, strict=False)))
    return _moment if base is datetime else _as_it_is


def _allowed(kind: Any) -> frozenset[type] | None:
    """Return the types that a scalar, or a union of scalars, may have; None for all else."""
    if get_origin(kind) not in (Union, types.UnionType):
        return _SCALARS.get(kind)
    parts = [_allowed(one) for one in get_args(kind)]
    return None if None in parts else frozenset[type]().union(*(part for part in parts if part))


def _passing(kind: Any) -> frozenset[type]:
    """Return the types whose values are right as they are, without a closer look."""
    if get_origin(kind) not in (Union, types.UnionType):
        return _SCALARS.get(kind, frozenset())
    return frozenset[type]().union(*(_SCALARS.get(one, frozenset()) for one in get_args(kind)))


def _scalar_reader(kind: Any, allowed: frozenset[type]) -> _Reader:
    def read(value: Any) -> Any:
        if type(value) in allowed:
            return value
        if value is None and float in allowed:
            return math.nan
        # NumPy's floats and texts are Python's too.
        if not isinstance(value, bool) and isinstance(value, tuple(allowed)):
            return value
        return _refuse(value, getattr(kind, "__name__", str(kind)))

    return read


def _union_reader(arguments: tuple[Any, ...]) -> _Reader:
    readers = [_reader(one) for one in arguments if one is not types.NoneType]

    def read(value: Any) -> Any:
        if value is None and types.NoneType in arguments:
            return None
        for reader in readers[:-1]:
            try:
                return reader(value)
            except _UnfitError:
                continue
        return readers[-1](value)

    return read


def _series_reader(base: Any, arguments: tuple[Any, ...]) -> _Reader:
    if base is tuple and arguments[-1] is not ...:
        return _fixed_reader(arguments)
    allowed, one = _allowed(arguments[0]), _reader(arguments[0])

    def read(value: Any) -> Any:
        if not isinstance(value, _SERIES):
            return _refuse(value, "a list")
        # Thousands of numbers are looked at in one go.
        if allowed is not None and allowed.issuperset(map(type, value)):
            return base(value)
        return base(map(one, value))

    return read


def _fixed_reader(arguments: tuple[Any, ...]) -> _Reader:
    readers = [_reader(one) for one in arguments]
    kinds = frozenset(product(*(_passing(one) for one in arguments)))

    def read(value: Any) -> Any:
        if not isinstance(value, _SERIES) or len(value) != len(readers):
            return _refuse(value, f"a list of {len(readers)}")
        if tuple(map(type, value)) in kinds:
            return tuple(value)
        return tuple(reader(item) for reader, item in zip(readers, value, strict=True))

    return read


def _mapping_reader(one: _Reader) -> _Reader:
    def read(value: Any) -> Any:
        if not isinstance(value, Mapping):
            return _refuse(value, "an object")
        return {key: one(item) for key, item in value.items()}

    return read


def _record_reader(base: Any, meant: Mapping[Any, Any]) -> _Reader:
    hints = {name: _resolve(hint, meant) for name, hint in get_type_hints(base).items()}
    readers = {spec.name: (_passing(hints[spec.name]), _reader(hints[spec.name])) for spec in fields(base)}
    required = {spec.name for spec in fields(base) if spec.default is MISSING and spec.default_factory is MISSING}

    # Which fields want a closer look, by the names and types of an object: a profile of 5,000 columns has but a few.
    looked_at: dict[tuple[Any, ...], tuple[str, ...]] = {}

    def look(value: Mapping[str, Any]) -> tuple[str, ...]:
        if unknown := value.keys() - readers.keys():
            raise _UnfitError(f"the field {min(map(str, unknown))!r} is unknown")
        if absent := required - value.keys():
            raise _UnfitError(f"the field {min(absent)!r} is missing")
        return tuple(name for name, item in value.items() if type(item) not in readers[name][0])

    def read(value: Any) -> Any:
        if type(value) is not dict:
            return _refuse(value, "an object")
        signature = (*value, *map(type, value.values()))
        names = looked_at.get(signature)
        if names is None:
            names = look(value)
            if len(looked_at) < _MOST_SIGNATURES:
                looked_at[signature] = names
        found = dict(value)
        for name in names:
            try:
                found[name] = readers[name][1](value[name])
            except _UnfitError as error:
                raise _UnfitError(f"{name}: {error}") from error
        return base(**found)

    return read


def _resolve(hint: Any, meant: Mapping[Any, Any]) -> Any:
    """Put the types that are meant in place of type variables, as in ``T | None`` of ``Item[Confusion]``."""
    if isinstance(hint, TypeVar):
        return meant.get(hint, Any)
    variables = getattr(hint, "__parameters__", ())
    return hint[tuple(meant.get(one, Any) for one in variables)] if variables else hint


def _moment(value: Any) -> Any:
    try:
        return datetime.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise _UnfitError(f"{value!r:.60} is not a moment") from error


def _as_it_is(value: Any) -> Any:
    return value


def _refuse(value: Any, wanted: str) -> Any:
    raise _UnfitError(f"{value!r:.60} is not {wanted}")
