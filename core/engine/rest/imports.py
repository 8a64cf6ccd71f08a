"""Data that the cluster reads and writes itself, and what may be known of it here: aggregates and a bounded sample."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from core.domain.datasets import RemoteColumn, RemoteFrame
from core.engine.rest.addresses import check_address, found_at, result_format
from core.engine.rest.automl import number
from core.engine.rest.client import Client, ClusterConnection, is_silence, quoted, unique
from core.engine.rest.frames import delete_quietly, describe, rapids_text
from core.errors import EmptyDataError, EngineDiedError, EngineError
from core.settings import Settings

_SEED: Final = 42
# Fixed, or the cluster's size would decide how rows lie in chunks, and with it which rows a part gets.
_CHUNK_BYTES: Final = 4 * 1024**2
_NUMBERS: Final = ("int", "real")
_TAKEN: Final = "already exists"
_OF_STORAGE: Final = re.compile(
    r"\(Service: |AWS|credentials|No FileSystem for scheme|support is not configured|HTTP request"
)
_UNGUESSED: Final = ("Time", "UUID")  # what a file calls a date stays text: it is read here, as any other file's


class H2OImports:
    """`EngineImports` on H2O."""

    def __init__(self, connection: ClusterConnection, settings: Settings) -> None:
        self._connection = connection
        self._settings = settings

    def read(self, address: str) -> str:
        """Let the cluster read a file or a folder of files."""
        place = check_address(address, self._settings)
        client, frame = self._connection.client(), unique("frame")
        with _told_by_storage():
            found = client.get("/3/ImportFiles", path=place)
        keys = [str(key) for key in found["destination_frames"]]
        raw = found_at(place, keys)
        _forget(client, set(keys).difference(raw))
        if not raw or found["fails"]:
            _forget(client, raw)
            raise EmptyDataError("The cluster finds no data at this address.")
        try:
            with _told_by_storage():
                setup = client.post("/3/ParseSetup", source_frames=raw)
            kinds = [str(kind) for kind in setup["column_types"] or ()]
            names = [str(name) for name in setup["column_names"] or [f"C{n + 1}" for n in range(len(kinds))]]
            is_text = setup["parse_type"] == "CSV"
            answer = client.post(
                "/3/Parse",
                source_frames=raw,
                destination_frame=frame,
                parse_type=setup["parse_type"],
                separator=setup["separator"],
                single_quotes=setup["single_quotes"],
                check_header=setup["check_header"],
                number_columns=setup["number_columns"],
                column_names=names,
                column_types=["String" if is_text and kind in _UNGUESSED else kind for kind in kinds],
                chunk_size=_CHUNK_BYTES,
                delete_on_done=True,
                blocking=False,
            )
            client.wait(answer)
        except EngineError:
            _forget(client, raw)
            delete_quietly(client, [frame])
            raise
        return frame

    def describe(self, frame: str) -> RemoteFrame:
        """Return what the engine counts of a frame; no row leaves it."""
        path = f"/3/Frames/{quoted(frame)}/summary"
        found = self._connection.client().get(path, row_count=1)["frames"][0]
        columns = tuple(_column(column) for column in found["columns"])
        return RemoteFrame(int(found["rows"]), str(found["checksum"]), columns)

    def part(self, frame: str, share: float) -> tuple[str, str]:
        """Part a frame at random, the same data always in the same way."""
        client = self._connection.client()
        draw, sample, rest = unique("draw"), unique("frame"), unique("frame")
        client.rapids(f"(assign {draw} (h2o.runif {frame} {_SEED}))")
        try:
            client.rapids(f"(assign {sample} (rows {frame} (<= {draw} {share!r})))")
            client.rapids(f"(assign {rest} (rows {frame} (> {draw} {share!r})))")
        finally:
            delete_quietly(client, [draw])
        return sample, rest

    def save(self, frame: str, path: Path) -> None:
        """Write a frame, a small one, as CSV with a header into a file here."""
        address = f"/3/DownloadDataset?frame_id={quoted(frame)}&hex_string=false"
        self._connection.client().save(address, path)

    def as_types(self, frame: str, columns: Sequence[tuple[str, str]]) -> str:
        """Return a frame whose columns are called, and are numbers or categories, as said."""
        client, new = self._connection.client(), unique("frame")
        content = frame
        for place, (found, (name, wanted)) in enumerate(zip(describe(client, frame)["columns"], columns, strict=True)):
            if wanted == "Numeric" and found["type"] not in _NUMBERS:
                raise EngineError(f"The cluster does not read the column {name!r} as numbers.")
            if wanted == "Enum" and found["type"] != "enum":
                content = f"(:= {content} (as.factor (cols {frame} [{place}])) [{place}] [])"
        places = " ".join(str(place) for place in range(len(columns)))
        words = " ".join(rapids_text(name) for name, _ in columns)
        client.rapids(f"(assign {new} (colnames= {content} [{places}] [{words}]))")
        delete_quietly(client, [frame])
        return new

    def predict(
        self, model_key: str, frame: str, *, classes: Sequence[str], threshold: float | None, keep: str | None
    ) -> str:
        """Score a frame inside the cluster and return the key of the result."""
        client, key, new = self._connection.client(), unique("predictions"), unique("frame")
        answer = client.post(f"/4/Predictions/models/{quoted(model_key)}/frames/{quoted(frame)}", predictions_frame=key)
        client.wait(answer)
        try:
            pieces, called = [_labels(key, classes, threshold)], ["prediction"]
            for place, name in enumerate(classes):
                pieces.append(f"(cols {key} [{place + 1}])")
                called.append(f"probability_{name}")
            labels = [column["label"] for column in describe(client, frame)["columns"]]
            if keep is not None and keep in labels:
                pieces.insert(0, f"(cols {frame} [{labels.index(keep)}])")
                called.insert(0, keep)
            places = " ".join(map(str, range(len(called))))
            words = " ".join(map(rapids_text, called))
            client.rapids(f"(assign {new} (colnames= (cbind {' '.join(pieces)}) [{places}] [{words}]))")
        finally:
            delete_quietly(client, [key])
        return new

    def export(self, frame: str, address: str) -> None:
        """Let the cluster write a frame as its ending says; what is there already is not replaced."""
        place = check_address(address, self._settings)
        file_format, client = result_format(place), self._connection.client()
        path = f"/3/Frames/{quoted(frame)}/export"
        with _told_by_storage():
            client.wait(client.post(path, path=place, force=False, num_parts=1, format=file_format))


def _forget(client: Client, raw: Iterable[str]) -> None:
    """Remove what was found of files, which only the way of frames does: these keys have slashes."""
    try:
        for key in raw:
            client.delete(f"/3/Frames/{quoted(key)}")
    except EngineError:
        return  # on the way out of a failure, or of what nobody asked for


@contextmanager
def _told_by_storage() -> Iterator[None]:
    """Say what a storage answers the cluster in words of its own, with what helps."""
    try:
        yield
    except EngineDiedError:
        raise
    except EngineError as error:
        if _TAKEN in error.message:
            raise EngineError(
                "There is something at this address already, and it is not replaced.",
                hint="Give the result another name.",
                code="cluster.exists",
            ) from error
        is_silent = is_silence(error)
        if not is_silent and not _OF_STORAGE.search(error.message):
            raise
        said = "it did not answer in time" if is_silent else error.message.partition(" (Service: ")[0].rstrip(".")
        raise EngineError(
            f"The cluster cannot use the storage at this address: {said}.",
            hint="Check the bucket, and the end point, region and credentials that the nodes were started with"
            " (docs/operations.md).",
            code="cluster.storage",
        ) from error


def _column(found: Mapping[str, Any]) -> RemoteColumn:
    kind = str(found["type"])
    is_number = kind in _NUMBERS
    return RemoteColumn(
        str(found["label"]),
        "numeric" if is_number else "category" if kind == "enum" else "other",
        int(found["missing_count"]),
        number(found["mean"]) if is_number else None,
        number(found["sigma"]) if is_number else None,
        number(found["mins"][0]) if is_number and found["mins"] else None,
        number(found["maxs"][0]) if is_number and found["maxs"] else None,
        int(found["domain_cardinality"]) if kind == "enum" else None,
    )


def _labels(key: str, classes: Sequence[str], threshold: float | None) -> str:
    """Return the expression of the labels: by threshold for two classes, the engine's own otherwise."""
    if threshold is None or len(classes) != 2:
        return f"(cols {key} [0])"
    low, high = map(rapids_text, classes)
    return f"(ifelse (>= (cols {key} [2]) {threshold!r}) {high} {low})"
