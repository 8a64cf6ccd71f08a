"""Tables of the engine in memory."""

import io
import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv

from core.domain.aliases import plain_name
from core.errors import EmptyDataError, EngineError

_BLANKS = re.compile(r'"(?:[^"]|"")*"|(?<=[,\n]) +| +(?=[,\n])')  # around a cell without quotes, or a cell in quotes


@dataclass
class FakeFrame:
    """Columns as the engine holds them: floats, or texts with their levels."""

    table: pa.Table
    levels: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def take(self, rows: np.ndarray) -> "FakeFrame":
        return FakeFrame(self.table.take(pa.array(np.flatnonzero(rows))), self.levels)

    def set(self, column: str, values: list) -> "FakeFrame":
        place = self.table.schema.get_field_index(column)
        kind = pa.string() if column in self.levels else pa.float64()
        return FakeFrame(self.table.set_column(place, column, pa.array(values, kind)), self.levels)


class FakeFrames:
    """`EngineFrames` in memory."""

    def __init__(self) -> None:
        self.held: dict[str, FakeFrame] = {}

    def upload(self, csv: Path, columns: Sequence[tuple[str, str]], *, key: str | None = None) -> str:
        if csv.stat().st_size == 0:
            raise EmptyDataError("There are no rows to send to the engine.")
        names = [plain_name(name) for name, _ in columns]
        types = {plain_name(name): pa.float64() if kind == "Numeric" else pa.string() for name, kind in columns}
        content = _BLANKS.sub(lambda found: found[0].strip(" "), csv.read_text("utf-8"))
        table = pa_csv.read_csv(
            io.BytesIO(content.encode()),
            pa_csv.ReadOptions(column_names=names),
            pa_csv.ParseOptions(newlines_in_values=True),
            pa_csv.ConvertOptions(column_types=types, strings_can_be_null=True, null_values=[""]),
        )
        if len(columns) == 1 and table.num_rows < (n_lines := content.rstrip("\n").count("\n") + 1):
            raise EngineError(f"The engine skipped {n_lines - table.num_rows} blank lines of a file with one column.")
        levels = {}
        for name in (plain_name(name) for name, kind in columns if kind == "Enum"):
            words = pa.array([word and plain_name(word) for word in table[name].to_pylist()], pa.string())
            table = table.set_column(table.schema.get_field_index(name), name, words)
            levels[name] = tuple(sorted(set(words.drop_null().to_pylist())))
        return self.add(FakeFrame(table, levels), key)

    def relevel(self, frame: str, column: str, first: str) -> str:
        old = self.get(frame)
        if first not in old.levels.get(column, ()):
            raise EngineError(f"The engine's frame has no column {column!r} with a level {first!r}.")
        order = (first, *(level for level in old.levels[column] if level != first))
        return self.add(FakeFrame(old.table, {**old.levels, column: order}))

    def download(self, key: str) -> pa.Table:
        return self.get(key).table

    def add(self, frame: FakeFrame, key: str | None = None) -> str:
        key = key or f"frame_{uuid.uuid4().hex}"
        self.held[key] = frame
        return key

    def get(self, key: str) -> FakeFrame:
        if key not in self.held:
            raise EngineError(f"Object {key!r} not found.")
        return self.held[key]
