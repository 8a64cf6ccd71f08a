"""Codes: one 64-bit number for each value, so that distinct values, repeated rows and equal columns are counted fast.

Equal values have equal codes, in every column. Numbers are their own bits; text is hashed, so two different texts may
fall together: for ten million values the chance of one such pair is about 3 in a million.
"""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from core.data.tables.distinct import count_codes, hash_text
from core.data.tables.roles import as_category
from core.data.tables.written.cells import EXACT_FLOAT, is_mostly_distinct

_MISSING: Final = np.uint64(0x9E3779B97F4A7C15)
_MULTIPLIER: Final = np.uint64(0xD1342543DE82EF95)
_MINUS_ZERO: Final = np.uint64(1 << 63)


@dataclass(frozen=True, eq=False)
class Levels:
    """The distinct values of a column of words and the rows of each, the most frequent first."""

    names: pa.Array
    rows: np.ndarray


@dataclass(eq=False)
class RowCodes:
    """The codes of whole rows, gathered column by column; the memory of two numbers a row."""

    n_rows: int
    _state: np.ndarray = field(init=False)
    _places: np.ndarray = field(init=False)
    _columns: dict[int, str] = field(init=False, default_factory=dict)
    _equal: list[tuple[str, str]] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self._state = np.zeros(self.n_rows, dtype=np.uint64)
        self._places = _mix(np.arange(1, self.n_rows + 1, dtype=np.uint64))

    def add(self, name: str, codes: np.ndarray) -> None:
        """Take in the next column; `codes` from `value_codes`, shape (n_rows,)."""
        mixed = _mix(codes)
        whole = int(np.dot(mixed, self._places))
        if whole in self._columns:
            self._equal.append((name, self._columns[whole]))
        else:
            self._columns[whole] = name
        # A power of the multiplier for each column: (1, 2) is another row than (2, 1).
        self._state *= _MULTIPLIER
        self._state += mixed

    @property
    def equal_columns(self) -> tuple[tuple[str, str], ...]:
        """Columns that hold the same values in every row as an earlier one, each with the first of them."""
        return tuple(self._equal)

    def repeated_rows(self) -> int:
        """Return how many rows repeat an earlier one in every column."""
        return self.n_rows - count_codes(self._state)


def to_numbers(known: pa.ChunkedArray) -> np.ndarray:
    """Return numeric or date values without nulls as float64; dates as milliseconds since 1970-01-01."""
    if pa.types.is_timestamp(known.type):
        known = pc.cast(known, pa.int64())
    return np.asarray(known.to_numpy(), dtype=np.float64)


def numbers_with_gaps(values: pa.ChunkedArray) -> np.ndarray:
    """Return numeric or date values as `to_numbers`, missing ones as NaN."""
    if not values.null_count:
        return to_numbers(values)
    numbers = np.full(len(values), np.nan)
    numbers[np.asarray(pc.is_valid(values))] = to_numbers(values.drop_null())
    return numbers


def value_codes(values: pa.ChunkedArray) -> tuple[np.ndarray, Levels | None]:
    """Return the code of each value, and the levels of words that repeat.

    Returns
    -------
    codes : ndarray of uint64, shape (n_rows,)
        Missing values share a code of their own.
    levels : Levels or None
        None for numbers and dates, and for words that hardly repeat: those are hashed some rows at a time.
    """
    if not _is_word(values.type):
        return _number_codes(values), None
    if is_mostly_distinct(values):
        return _hash(values), None
    encoded = pc.dictionary_encode(as_category(values))
    names = encoded.chunk(encoded.num_chunks - 1).dictionary
    # One more place at the end: nulls take the code of missing values.
    table = np.append(_hash(pa.chunked_array([names])), _MISSING)
    places = np.concatenate([pc.fill_null(chunk.indices, len(names)).to_numpy() for chunk in encoded.chunks])
    rows = np.bincount(places, minlength=len(names))[: len(names)]
    order = np.argsort(-rows, kind="stable")
    return table[places], Levels(names.take(pa.array(order)), rows[order])


def _is_word(kind: pa.DataType) -> bool:
    return not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_timestamp(kind))


def _number_codes(values: pa.ChunkedArray) -> np.ndarray:
    known = values.drop_null() if values.null_count else values
    if pa.types.is_integer(values.type) and len(known):
        edges = pc.min_max(known)
        if max(abs(edges["min"].as_py()), abs(edges["max"].as_py())) >= EXACT_FLOAT:
            codes = np.asarray(known.to_numpy()).astype(np.int64).view(np.uint64)
            return _with_missing(codes, values)
    codes = to_numbers(known).view(np.uint64)
    is_minus_zero = codes == _MINUS_ZERO
    if is_minus_zero.any():
        codes = np.where(is_minus_zero, np.uint64(0), codes)
    return _with_missing(codes, values)


def _hash(values: pa.ChunkedArray) -> np.ndarray:
    return _with_missing(hash_text(values.drop_null() if values.null_count else values), values)


def _with_missing(codes: np.ndarray, values: pa.ChunkedArray) -> np.ndarray:
    if not values.null_count:
        return codes
    full = np.full(len(values), _MISSING, dtype=np.uint64)
    full[np.asarray(pc.is_valid(values))] = codes
    return full


def _mix(codes: np.ndarray) -> np.ndarray:
    """Spread bits: the finalizer of splitmix64 (G. Steele, D. Lea, C. Flood 2014); `codes` is left alone."""
    mixed: np.ndarray = codes >> np.uint64(30)
    mixed ^= codes
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    shifted = mixed >> np.uint64(27)
    mixed ^= shifted
    mixed *= np.uint64(0x94D049BB133111EB)
    mixed ^= np.right_shift(mixed, np.uint64(31), out=shifted)
    return mixed
