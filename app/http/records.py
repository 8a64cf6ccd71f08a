"""The rows of a JSON body: read with every limit kept, as texts such as a file would hold, without a file."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, Final, NoReturn

import pyarrow as pa
import pyarrow.compute as pc

from core.errors import DataError, EmptyDataError, FileTooLargeError, RequestError
from core.settings import Settings
from core.wording import bytes_text, cut_text

MAX_BYTES: Final = 8 * 1024**2
MAX_RECORDS: Final = 10_000
MAX_VALUES: Final = 1_000_000
LISTS: Final = ("dataframe_records", "inputs")
SPLIT: Final = "dataframe_split"
_SPLIT_PARTS: Final = frozenset({"columns", "data", "index"})
_NAME_CHARS: Final = 40
_DIGITS: Final = 1000
_HINT: Final = 'Send a list of records, as in [{"age": 41, "city": "Bonn"}]; docs/http.md has the other forms.'
_AS_FILE: Final = "Send the rows as a file, for example as text/csv."

Record = Mapping[str, Any]


def read_records(content: bytes, settings: Settings) -> pa.Table:
    """Read the rows of a body.

    Parameters
    ----------
    content : bytes
        JSON in UTF-8: a list of records, one record, or an object with `LISTS` or `SPLIT`.
    settings : Settings
        The limits on columns and cells are those of files.

    Returns
    -------
    Table of shape (n_records, n_columns)
        Every cell as text, null where a record lacks it; numbers with all the digits that were sent.

    Raises
    ------
    RequestError
        ``request.json`` if it is not JSON, or holds what JSON or a table does not have: NaN, a number out of range, a
        name twice, half a character.
    DataError
        ``request.records`` if it is JSON of another form, or a value is a list or an object.
    EmptyDataError, FileTooLargeError
        If there is no record, or more than is taken here.
    """
    check_size(len(content))
    # Counted before they are read: a few bytes of a bracket or a comma become many in memory.
    if sum(content.count(mark) for mark in (b",", b"[", b"{")) > MAX_VALUES:
        raise _too_many(f"more than {MAX_VALUES:,} values")
    names, rows = _rows(_parse(content))
    n_rows = len(rows)
    if not n_rows:
        raise EmptyDataError("The request holds no records.", hint=_HINT, code="file.no_rows")
    if not names:
        raise _unfit("The records are empty.")
    if n_rows > MAX_RECORDS:
        raise _too_many(f"{n_rows:,} records; at most {MAX_RECORDS:,} are taken")
    if len(names) > settings.max_columns:
        raise FileTooLargeError(
            f"The records have {len(names):,} columns; the limit is {settings.max_columns:,}.",
            hint="Leave out what the model does not need, or raise BELLWETHER_MAX_COLUMNS.",
            code="file.too_many_columns",
        )
    if n_rows * len(names) > MAX_VALUES:
        raise _too_many(f"{n_rows:,} records of {len(names):,} columns; at most {MAX_VALUES:,} cells are taken")
    columns = [_column(name, rows, place) for place, name in enumerate(names)]
    if len(content) > settings.max_cell_bytes:
        _check_cells(names, columns, settings)
    return pa.table(columns, names=[name.strip() for name in names])


def check_size(n_bytes: int) -> None:
    """Refuse a body that is longer than `MAX_BYTES` (FileTooLargeError)."""
    if n_bytes > MAX_BYTES:
        raise _too_many(f"more than {bytes_text(MAX_BYTES)}")


# --- JSON -------------------------------------------------------------------------------------------------------------


def _parse(content: bytes) -> object:
    try:
        text = content.decode("utf-8-sig")
        return json.loads(
            text, object_pairs_hook=_object, parse_int=_number, parse_float=_number, parse_constant=_constant
        )
    except UnicodeDecodeError as error:
        raise _broken("The body is not UTF-8.", "Send JSON in UTF-8.") from error
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise _broken(f"The body is not JSON: something is wrong at {place}.", _HINT) from error
    except RecursionError as error:
        raise _broken("The body nests lists or objects too deeply.", _HINT) from error


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _broken(f"The name {_shown(twice)} stands twice in one object.", "Give every name once.")
    return found


def _number(text: str) -> str:
    """Return the digits as they were sent: a file has no others, and an id may have more than a float can hold."""
    if len(text) > _DIGITS or not math.isfinite(float(text)):
        raise _broken("A number is too large to be used.", "Send an id of many digits as text.")
    return text


def _constant(text: str) -> NoReturn:
    raise _broken(f"{text} is not JSON.", "Write null where a value is missing.")


def _broken(message: str, hint: str) -> RequestError:
    return RequestError(message, hint=hint, code="request.json")


# --- records ----------------------------------------------------------------------------------------------------------


def _rows(body: object) -> tuple[Sequence[str], Sequence[Any]]:
    """Return the names of all columns and the rows: records, or lists in the order of the names."""
    if isinstance(body, dict):
        wrapped = [name for name in (*LISTS, SPLIT) if isinstance(body.get(name), (list, dict))]
        if not wrapped:
            body = [body]
        elif len(body) > 1:
            others = ", ".join(_shown(name) for name in body if name != wrapped[0])
            raise _unfit(f"Beside {wrapped[0]!r} nothing else is taken, but there is: {cut_text(others, 200)}.")
        elif wrapped[0] == SPLIT:
            return _split(body[SPLIT])
        else:
            body = body[wrapped[0]]
    if not isinstance(body, list):
        raise _unfit("The body holds no list of records.")
    for number, record in enumerate(body, 1):
        if not isinstance(record, dict):
            raise _unfit(f"Record {number:,} is not an object with a value for each column.")
    names = list(dict.fromkeys(name for record in body for name in record))
    _check_names(names)
    return names, body


def _split(parts: object) -> tuple[Sequence[str], Sequence[Any]]:
    if not isinstance(parts, dict) or not {"columns", "data"} <= set(parts) <= _SPLIT_PARTS:
        raise _unfit(f"{SPLIT!r} needs 'columns' and 'data', and takes nothing else but 'index'.")
    names, rows = parts["columns"], parts["data"]
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise _unfit("'columns' is not a list of names.")
    _check_names(names)
    if not isinstance(rows, list) or not all(isinstance(row, list) and len(row) == len(names) for row in rows):
        raise _unfit(f"'data' is not a list of rows with a value for each of the {len(names):,} columns.")
    return names, rows


def _check_names(names: Sequence[str]) -> None:
    plain = [name.strip() for name in names]
    if not all(plain):
        raise _unfit("A column has no name.")
    if len(set(plain)) < len(plain):
        twice = next(name for name in plain if plain.count(name) > 1)
        raise _broken(f"The name {_shown(twice)} stands twice.", "Give every name once.")
    try:
        "".join(names).encode()
    except UnicodeEncodeError as error:
        raise _broken("The name of a column holds half a character (a lone surrogate).", _HINT) from error


def _column(name: str, rows: Sequence[Any], place: int) -> pa.Array:
    cells = [row.get(name) if isinstance(row, dict) else row[place] for row in rows]
    try:
        if not all(cell is None or isinstance(cell, str) for cell in cells):
            cells = [_cell(cell, name, number) for number, cell in enumerate(cells, 1)]
        return pa.array(cells, pa.string())
    except UnicodeEncodeError as error:
        raise _broken(f"A value of {_shown(name)} holds half a character (a lone surrogate).", _HINT) from error


def _cell(value: object, name: str, number: int) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None or isinstance(value, str):
        return value
    kind = "a list" if isinstance(value, list) else "an object"
    raise _unfit(f"{_shown(name)} of record {number:,} is {kind}, not one value.")


def _check_cells(names: Sequence[str], columns: Sequence[pa.Array], settings: Settings) -> None:
    for name, column in zip(names, columns, strict=True):
        if (pc.max(pc.binary_length(column)).as_py() or 0) > settings.max_cell_bytes:
            raise FileTooLargeError(
                f"A value of {_shown(name)} is larger than {settings.max_cell_bytes:,} bytes.",
                hint="Shorten the text, or raise BELLWETHER_MAX_CELL.",
                code="file.cell_too_large",
            )


def _shown(name: str) -> str:
    """Return a name for a message; half a character, which no answer could hold, as a question mark."""
    return repr(cut_text(name, _NAME_CHARS).encode("utf-8", "replace").decode())


def _unfit(message: str) -> DataError:
    return DataError(message, hint=_HINT, code="request.records")


def _too_many(what: str) -> FileTooLargeError:
    return FileTooLargeError(f"The body holds {what} as JSON.", hint=_AS_FILE, code="request.too_large")
