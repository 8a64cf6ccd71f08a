"""Few cells, read in Python where they are written as programs write them.

A call of Arrow takes as long for one cell as for a thousand, and a column of text needs a dozen of them. What is not
plain is left to `core.data.tables.written.cells` and its kin, which say what a cell means; nothing is decided here.
"""

import re
from collections.abc import Iterable
from typing import Final

import pyarrow as pa

from core.data.tables.written.cells import MISSING_TOKENS
from core.domain.columns import Column

MOST: Final = 16
"""Up to so many rows are few."""

_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,15})?")
_UNCLEAR: Final = re.compile(r"\.[0-9]{3}$")


def read_few(values: pa.ChunkedArray, column: Column) -> pa.ChunkedArray | None:
    """Return what `core.data.tables.schema.apply_schema` makes of a column of text; None where only that can tell.

    Parameters
    ----------
    values : ChunkedArray of string, shape (n_rows,)
        Source text.
    """
    if len(values) > MOST or column.type == "date" or column.unit is not None or column.decimal == ",":
        return None
    known = _plain(values)
    if known is None:
        return None
    if column.type != "numeric":
        return pa.chunked_array([pa.array(known, pa.string())])
    if not all(cell is None or _NUMBER.fullmatch(cell) for cell in known):
        return None
    numbers = [None if cell is None else float(cell) for cell in known]
    is_whole = column.integer and all(number is None or number.is_integer() for number in numbers)
    return pa.chunked_array([_integers(numbers) if is_whole else pa.array(numbers, pa.float64())])


def are_clear(values: pa.ChunkedArray) -> bool:
    """Whether a column of text holds few numbers that can be read in one way only: none as 1.234, which may be 1234."""
    known = _plain(values) if len(values) <= MOST else None
    return known is not None and all(
        cell is None or (_NUMBER.fullmatch(cell) and not _UNCLEAR.search(cell)) for cell in known
    )


def _plain(values: pa.ChunkedArray) -> list[str | None] | None:
    """Return the cells, missing ones as None; None where one has white space to trim or what cannot be seen."""
    cells = values.to_pylist()
    found: list[str | None] = [None if cell is None or cell in MISSING_TOKENS else cell for cell in cells]
    return found if all(cell is None or _is_plain(cell) for cell in found) else None


def _is_plain(cell: str) -> bool:
    return cell.isprintable() and not cell.startswith(" ") and not cell.endswith(" ")


def _integers(numbers: Iterable[float | None]) -> pa.Array:
    return pa.array([None if number is None else int(number) for number in numbers], pa.int64())
