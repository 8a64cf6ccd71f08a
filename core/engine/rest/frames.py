"""Frames: tables inside the engine."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv

from core.domain.aliases import plain_name, renamed
from core.domain.training import TrainingSettings
from core.engine.rest.client import Client, ClusterConnection, quoted, unique
from core.errors import EmptyDataError, EngineError

LABEL = "predict"
_CHUNK_BYTES = 4 * 1024**2
_NUMBERS = ("int", "real")
_UNQUOTABLE = ('"', "\\")  # H2O's lists of names know no escapes; those of Rapids do


class H2OFrames:
    """`EngineFrames` on H2O."""

    def __init__(self, connection: ClusterConnection) -> None:
        self._connection = connection

    def upload(self, csv: Path, columns: Sequence[tuple[str, str]], *, key: str | None = None) -> str:
        """Send a headerless CSV file and parse it with the column types given."""
        if csv.stat().st_size == 0:
            raise EmptyDataError("There are no rows to send to the engine.")
        client = self._connection.client()
        raw, frame = unique("raw"), key or unique("frame")
        names = [str(name) for name, _ in columns]
        is_odd = any(sign in name for name in names for sign in _UNQUOTABLE)
        parsed = unique("frame") if is_odd else frame
        try:
            client.send_file("/3/PostFile.bin", csv, destination_frame=raw)
            answer = client.post(
                "/3/Parse",
                source_frames=[raw],
                destination_frame=parsed,
                column_names=[f"C{place}" for place in range(len(names))] if is_odd else names,
                column_types=[kind for _, kind in columns],
                number_columns=len(columns),
                parse_type="CSV",
                separator=44,
                check_header=-1,
                single_quotes=False,
                force_col_types=True,
                chunk_size=_CHUNK_BYTES,
                delete_on_done=True,
                blocking=False,
            )
            client.wait(answer)
            if is_odd:
                _rename(client, parsed, names, frame)
            if len(columns) == 1:
                _check_rows(client, csv, frame)
        except EngineError:
            delete_quietly(client, (raw, parsed, frame))
            raise
        return frame

    def relevel(self, frame: str, column: str, first: str) -> str:
        """Copy a frame with one level moved to the front."""
        client = self._connection.client()
        columns = describe(client, frame)["columns"]
        place = next((index for index, found in enumerate(columns) if plain_name(found["label"]) == column), None)
        levels = () if place is None else columns[place].get("domain") or ()
        own = next((level for level in levels if plain_name(level) == first), None)
        if own is None:
            raise EngineError(f"The engine's frame has no column {column!r} with a level {first!r}.")
        new, level = unique("frame"), rapids_text(own)
        client.rapids(f"(assign {new} (:= {frame} (relevel (cols {frame} [{place}]) {level}) [{place}] []))")
        return new

    def download(self, key: str) -> pa.Table:
        """Return a frame as a table."""
        return download(self._connection.client(), key)


def describe(client: Client, key: str) -> dict[str, Any]:
    """Return a frame's number of rows and its columns with label, type and domain."""
    found: dict[str, Any] = client.get(f"/3/Frames/{quoted(key)}/light")["frames"][0]
    return found


def download(client: Client, key: str) -> pa.Table:
    """Return a frame as a table."""
    about = describe(client, key)
    return _read(client, key, about)


def download_predictions(client: Client, key: str) -> pa.Table:
    """Return a frame of predictions, its probability columns named like the classes.

    H2O puts a ``p`` before classes that look like numbers; the class itself is the honest name. Where a class is called
    ``predict`` H2O's own label, whose column that is, is left out.
    """
    about = describe(client, key)
    found = _read(client, key, about)
    classes = [plain_name(name) for name in about["columns"][0].get("domain") or ()]
    if len(classes) != found.num_columns - 1:
        return found
    if LABEL in classes:
        return pa.table(found.columns[1:], names=classes)
    return found.rename_columns([LABEL, *classes])


def in_frame(client: Client, frame: str, settings: TrainingSettings) -> tuple[TrainingSettings, list[str]]:
    """Return settings with a frame's own names of the columns, and the names of all its columns."""
    labels = [column["label"] for column in describe(client, frame)["columns"]]
    return renamed(settings, {plain_name(label): label for label in labels}), labels


def delete(client: Client, keys: Iterable[str]) -> None:
    """Remove keys of any kind; missing ones are fine. With an AutoML go its models and what they have put down."""
    for key in keys:
        client.delete(f"/3/DKV/{quoted(key)}", cascade=True)


def delete_quietly(client: Client, keys: Iterable[str]) -> None:
    """Remove keys on the way out of a failure or of finished work, where a second error helps nobody."""
    try:
        delete(client, keys)
    except EngineError:
        return


def rapids_text(text: str) -> str:
    """Return a string literal of Rapids."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _rename(client: Client, frame: str, names: Sequence[str], new: str) -> None:
    """Turn a frame into one with other names for its columns."""
    places, words = " ".join(map(str, range(len(names)))), " ".join(map(rapids_text, names))
    client.rapids(f"(assign {new} (colnames= {frame} [{places}] [{words}]))")
    delete(client, [frame])


def _check_rows(client: Client, csv: Path, frame: str) -> None:
    """Refuse a file whose rows H2O did not all take: it skips blank lines, which are missing cells of a lone column."""
    with csv.open("rb") as file:
        expected = sum(1 for _ in file)
    found = describe(client, frame)["rows"]
    if found != expected:
        raise EngineError(f"The engine skipped {expected - found:,} blank lines of a file with one column.")


def _read(client: Client, key: str, about: dict[str, Any]) -> pa.Table:
    columns = about["columns"]
    # Columns are read by place: their names may repeat or hold anything.
    places = [str(place) for place in range(len(columns))]
    types = [pa.float64() if column["type"] in _NUMBERS else pa.string() for column in columns]
    with (
        client.open("/3/DownloadDataset", frame_id=key, hex_string=False) as stream,
        pyarrow.csv.open_csv(
            stream,
            read_options=pyarrow.csv.ReadOptions(column_names=places, skip_rows=1),
            parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=len(columns) > 1),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types=dict(zip(places, types, strict=True)),
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        ) as reader,
    ):
        found = reader.read_all()
    if found.num_rows != about["rows"]:
        raise EngineError(f"The engine sent {found.num_rows:,} of {about['rows']:,} rows.")
    return found.rename_columns([column["label"] for column in columns])
