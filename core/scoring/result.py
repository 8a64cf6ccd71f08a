"""The result of scoring a file: the rows as they were, and what the model says of each."""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc

from core.data.tables.packed import AnyTable, PackedTable, pack
from core.data.tables.schema import apply_counted, apply_schema, infer_noted
from core.domain.columns import Column
from core.domain.models import ModelInfo, ModelSpec
from core.features.checking import FileCheck
from core.metrics.intervals import Intervals
from core.metrics.labels import PREDICTION, WHOLE_NUMBER
from core.models.decisions import Decision
from core.parallel import iter_ahead
from core.wording import number_text, percent_text, time_text

TRUST = "trust"
_NUMBER = re.compile(r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$")
Keep = Literal["all", "id", "none"]
_ID_NAME = re.compile(r"(?i:^id$|_id$)|[a-z]I[dD]$")  # what was paid, or is valid, names no row


@dataclass(frozen=True, kw_only=True)
class Scored:
    """The result of scoring one file.

    Attributes
    ----------
    source : Table or PackedTable
        The file's own columns as they were read (source text for CSV and Excel), shape (rows, n_columns).
    results : pa.Table
        `prediction` and, for classification, `probability_CLASS` per class, in the file's row order; then, as far as
        asked for, `prediction_low` and `prediction_high`, `rank`, `decile`, `trust`, `trust_note`, `reason_1` …
    warnings : tuple of str
        What was ignored, emptied or replaced, in words with counts.
    metrics : dict of str to float or None
        Metrics on this file when it holds the target.
    actual : ChunkedArray or None
        The target of each row that can be compared, where the file holds it.
    is_weighted : bool
        Whether the metrics count each row by the weights in the file, as training did.
    check : FileCheck or None
        How the file fits the model, when it was looked at.
    intervals : Intervals or None
        Regression with details: how the interval of each prediction was made.
    reasons_method : str
        How the reasons were made; empty without reasons.
    scoring_id : str
        The record of the scoring; empty without one.
    renamed : tuple of (str, str)
        The file's columns that the model calls otherwise, and what they are for it.
    seconds : dict of str to float
        Time per step: engine (waiting for it), read, check, upload, predict, total.
    """

    model: ModelInfo
    spec: ModelSpec
    decision: Decision
    source: AnyTable
    results: pa.Table
    warnings: tuple[str, ...]
    metrics: dict[str, float] | None
    actual: pa.ChunkedArray | None = None
    is_weighted: bool = False
    check: FileCheck | None = None
    intervals: Intervals | None = None
    reasons_method: str = ""
    scored_at: datetime = field(default_factory=partial(datetime.now, UTC))
    seconds: dict[str, float] = field(default_factory=dict)
    scoring_id: str = ""
    renamed: tuple[tuple[str, str], ...] = ()

    @property
    def threshold(self) -> float | None:
        """The threshold that the labels were made by; binary only."""
        return self.decision.threshold

    @property
    def n_compared(self) -> int:
        """Rows whose target the file holds and the model knows."""
        return 0 if self.actual is None else len(self.actual) - int(self.actual.null_count)

    @property
    def n_rows(self) -> int:
        """Number of rows, the same as in the file."""
        return int(self.source.num_rows)

    @property
    def id_name(self) -> str | None:
        """The column that names rows: the schema's, else one called id or *_id; None when there is none."""
        names = self.source.column_names
        if self.spec.id_column in names:
            return self.spec.id_column
        return next((name for name in names if _ID_NAME.search(name) and name not in self.spec.needed), None)

    @property
    def reasons_about(self) -> str:
        """What the reasons say was raised or lowered."""
        if self.spec.positive is not None:
            return f"the probability of “{self.spec.positive}”, in percentage points"
        return f"the predicted {self.spec.target}"

    def table(self, *, as_text: bool, keep: Keep = "all") -> pa.Table:
        """Do what `packed` does, for few rows: a plain table."""
        return self.packed(as_text=as_text, keep=keep).table()

    def packed(self, *, as_text: bool, keep: Keep = "all") -> PackedTable:
        """Return the file's own columns, then the results.

        Parameters
        ----------
        as_text : bool
            True keeps the source text of each cell (CSV); False turns columns of numbers into numbers.
        keep : str
            Which of the file's own columns: ``all``, ``id`` (the one that names rows, if there is one) or ``none``.

        Notes
        -----
        An input column whose name a result column needs comes back as ``NAME_input``.
        """
        names = self.source.column_names
        if keep != "all":
            names = [self.id_name] if keep == "id" and self.id_name else []
        if not names:
            return PackedTable(self.results.columns, self.results.column_names)
        source = PackedTable.of(self.source.select(names))
        if not as_text:
            source = _typed_output(source, self.spec)
        taken = set(self.results.column_names)
        return source.rename_columns([_free_name(name, taken, set(names)) for name in names]).beside(self.results)

    def summary(self) -> dict[str, str]:
        """Return what a reader of the file must know, in words: model, threshold, rows, warnings."""
        version = f" version {self.model.version}" if self.model.version else ""
        rows = {
            "Model": f"{self.spec.experiment}{version} ({self.model.algo}, {self.model.id})",
            "Trained on": self.spec.dataset_name,
            "Target": self.spec.target,
            "Rows": f"{self.n_rows:,}",
            "Scored": time_text(self.scored_at),
        }
        rows |= self.decision.summary(self.spec)
        if self.intervals is not None:
            rows["Intervals"] = self.intervals.in_words()
        if self.reasons_method:
            rows["Reasons"] = f"About {self.reasons_about}; {self.reasons_method}"
        rows |= self._counts()
        if self.check is not None:
            rows |= _check_words(self.check)
        rows |= {f"Note {number}": text for number, text in enumerate(self.warnings, 1)}
        rows |= {f"{name} on this file": number_text(value, 6) for name, value in (self.metrics or {}).items()}
        return rows

    def _counts(self) -> dict[str, str]:
        """Return how many rows got which label, the most frequent first."""
        if self.spec.task == "regression" or not self.n_rows:
            return {}
        counted = self.results[PREDICTION].value_counts().to_pylist()
        counted.sort(key=lambda item: -item["counts"])
        return {
            f"Rows predicted {item['values']}": f"{item['counts']:,} ({percent_text(item['counts'] / self.n_rows, 1)})"
            for item in counted
        }


def _check_words(check: FileCheck) -> dict[str, str]:
    """Return the verdict, each finding and the three columns that drifted most."""
    rows = {
        "Check": {"green": "green: it fits the model", "amber": "amber: look at the findings"}.get(check.verdict, "red")
    }
    told = [finding for finding in check.findings if finding.verdict != "green"]
    rows |= {f"Finding {number}": finding.text for number, finding in enumerate(told, 1)}
    if check.drift is not None:
        most = ", ".join(f"{column.name} {column.psi:.3f}" for column in check.drift.columns[:3])
        rows["Drift against training (PSI)"] = most
    return rows


def _typed_output(source: PackedTable, spec: ModelSpec) -> PackedTable:
    """Return the file's columns with numbers as numbers; ids that are whole numbers too."""
    names = source.column_names
    make = partial(_pack_typed, source, spec)
    columns = iter_ahead(make, names, n_rows=source.num_rows)
    return PackedTable(list(columns), names)


def _pack_typed(source: PackedTable, spec: ModelSpec, name: str) -> pa.ChunkedArray:
    return pack(_typed_column(pa.table({name: source[name]}), spec))


def _typed_column(table: pa.Table, spec: ModelSpec) -> pa.ChunkedArray:
    """Return one column as its type: what the model knows of it spares looking at every value."""
    name = table.column_names[0]
    whole = _whole_numbers(table[name]) if name == spec.id_column else None
    if whole is not None:
        return whole
    if name in spec.needed and (spec.needed[name].type in ("numeric", "date") or _is_of_words(spec.needed[name])):
        typed, unreadable = apply_counted(table, spec.needed.select([name]))
        if not unreadable:  # else the unusual cells would be lost: then all of them stay text
            return typed[name]
    found = infer_noted(table)
    if found.examples or found.infinite:  # numbers that would lose a sign, or of which one column does not tell enough
        return table[name]
    values = apply_schema(table, found.schema)[name]
    whole = _whole_numbers(values) if found.schema[name].type == "id" else None
    return values if whole is None else whole


def _whole_numbers(values: pa.ChunkedArray) -> pa.ChunkedArray | None:
    """Return ids that are all whole numbers as such; None when one is not."""
    if not pa.types.is_string(values.type):
        return None
    is_whole = pc.all(pc.match_substring_regex(values, WHOLE_NUMBER.pattern)).as_py()
    return values.cast(pa.int64()) if is_whole else None


def _is_of_words(column: Column) -> bool:
    """Whether the levels of a category are words, which nobody would want as numbers."""
    return column.type == "category" and any(not _NUMBER.match(level) for level in column.levels or ())


def _free_name(name: str, taken: set[str], own: set[str]) -> str:
    while name in taken:
        name = f"{name}_input"
        if name in own:
            own = own - {name}
            name = f"{name}_input"
    return name
