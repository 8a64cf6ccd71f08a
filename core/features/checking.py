"""The check before scoring: how a file fits a model, finding by finding, in plain words. Needs no engine."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Final, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from core.data.drift.chance import drift_size
from core.data.drift.compare import Drift, Reference, compare
from core.data.tables.batches import load_from, sample_positions
from core.data.tables.packed import AnyTable
from core.domain.models import ModelSpec
from core.errors import UnfitFileError
from core.features.actual import look_at_actual
from core.features.matching import ColumnCheck, ReadColumn, check_columns, use_text
from core.features.renames import with_likely
from core.features.row_notes import ColumnNotes, RowNotes, note_rows
from core.wording import cells_text, count_text, list_text, percent_text, unreadable_text

Verdict = Literal["green", "amber", "red"]

DRIFT_ROWS: Final = 100_000
MIN_DRIFT_ROWS: Final = 30
SEVERE_SHARE: Final = 0.005  # of the rows: fewer unseen or out-of-range values than this are reported, not asked about
MORE_MISSING: Final = 0.05  # share of rows missing above training's
OTHER_FILE_SHARE: Final = 0.5
NO_REFERENCE: Final = (
    "This model was trained before Bellwether stored statistics of the training data: ranges and drift are not "
    "checked. Train again to get them."
)
_SHOWN = 3


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing found.

    Attributes
    ----------
    verdict : str
        ``red`` stops, ``amber`` asks, ``green`` only tells.
    code : str
        ``columns.missing``, ``columns.renamed``, ``columns.extra``, ``columns.target``, ``rows.none``, ``rows.empty``,
        ``cells.notation``, ``cells.unreadable``, ``cells.unseen``, ``cells.respelled``, ``cells.outside``,
        ``cells.missing``, ``ids.repeat``, ``drift`` or ``reference.none``.
    column : str
        Which it is about; empty for the file as a whole.
    count : int
        Rows, or columns.
    """

    verdict: Verdict
    code: str
    text: str
    column: str = ""
    count: int = 0


@dataclass(frozen=True, kw_only=True)
class FileCheck:
    """How a file fits a model.

    Attributes
    ----------
    columns : ColumnCheck
        Names compared, after the renames.
    renamed : tuple of (str, str)
        The file's column and what it is taken for.
    findings : tuple of Finding
        The worst first.
    n_flagged : int
        Rows with an unreadable, unseen or out-of-range value, or none at all.
    notes : RowNotes or None
        Row by row; None when a column is missing, and with a result that is kept.
    drift : Drift or None
        Against the training rows, at most `DRIFT_ROWS` rows of the file; None when there is nothing to compare with.
    """

    n_rows: int
    columns: ColumnCheck
    renamed: tuple[tuple[str, str], ...]
    findings: tuple[Finding, ...]
    n_flagged: int = 0
    notes: RowNotes | None = None
    drift: Drift | None = None

    @property
    def verdict(self) -> Verdict:
        """The worst of all findings."""
        found = {finding.verdict for finding in self.findings}
        return "red" if "red" in found else "amber" if "amber" in found else "green"

    def flagged_table(self, source: AnyTable) -> pa.Table:
        """Return the flagged rows with their number (the first is 1) and what is unusual, then their cells."""
        if self.notes is None or not self.n_flagged:
            return source.take(pa.array([], pa.int64()))
        rows = np.flatnonzero(self.notes.is_flagged())
        named, _ = rename_columns(source, dict(self.renamed))
        taken = source.take(pa.array(rows))
        columns = {"row": pa.array(rows + 1), "what": self.notes.texts(named, rows)}
        for name in source.column_names:
            columns[f"{name}_input" if name in ("row", "what") else name] = taken[name]
        return pa.table(columns)


def rename_columns(source: AnyTable, mapping: Mapping[str, str]) -> tuple[AnyTable, tuple[tuple[str, str], ...]]:
    """Give the file's columns the names the model knows.

    Parameters
    ----------
    mapping : mapping of str to str
        The file's column to the model's; entries of columns that are not there, or whose new name another column keeps,
        do nothing.

    Examples
    --------
    >>> rename_columns(pa.table({"AGE": [1]}), {"AGE": "Age", "x": "y"})[0].column_names
    ['Age']
    """
    present = set(source.column_names)
    used = {old: new for old, new in mapping.items() if old in present and old != new}
    while kept := [old for old, new in used.items() if new in present and new not in used]:
        used = {old: new for old, new in used.items() if old not in kept}
    used = {old: new for new, old in {new: old for old, new in used.items()}.items()}  # one column for each name
    names = [used.get(name, name) for name in source.column_names]
    return source.rename_columns(names), tuple(used.items())


def check(
    source: AnyTable,
    spec: ModelSpec,
    reference: Reference | None,
    *,
    renamed: Sequence[tuple[str, str]] = (),
    written: Sequence[str] = (),
    read: Sequence[ReadColumn] | None = None,
) -> FileCheck:
    """Check a file against a model.

    Parameters
    ----------
    spec : ModelSpec
        What the model needs, in the file's own notation (`core.features.matching.fit_notation`).
    renamed : sequence of (str, str)
        What `rename_columns` did, to be told.
    written : sequence of str
        What `core.features.matching.fit_notation` found, to be looked at.
    read : sequence of ReadColumn, optional
        What `core.features.matching.read_columns` returned, where the cells have been read already.

    Notes
    -----
    About 2 s for 1,000,000 rows x 11 columns.
    """
    columns = with_likely(check_columns(source.column_names, spec), source, spec, reference)
    told = [*_about_renames(renamed), *_about_columns(columns, spec, source)]
    told += [Finding(verdict="amber", code="cells.notation", text=text) for text in written]
    if columns.missing or not source.num_rows:
        if not source.num_rows:
            told.append(Finding(verdict="red", code="rows.none", text="The file has no rows."))
        return FileCheck(
            n_rows=source.num_rows, columns=columns, renamed=tuple(renamed), findings=_sorted(told), notes=None
        )
    notes, typed = note_rows(source, spec, reference, read)
    drift = _drift(typed, spec, reference)
    told += _about_rows(notes, source, spec)
    told += [finding for column in notes.columns for finding in _about_cells(column, notes.n_rows, reference)]
    told += _about_drift(drift, reference)
    return FileCheck(
        n_rows=notes.n_rows,
        columns=columns,
        renamed=tuple(renamed),
        findings=_sorted(told),
        n_flagged=int(notes.is_flagged().sum()),
        notes=notes,
        drift=drift,
    )


def refuse_red(found: FileCheck) -> None:
    """Refuse a file that cannot be scored.

    Raises
    ------
    UnfitFileError
        If the check is red: with every finding, and the code ``schema.missing_columns`` where columns are missing.
    """
    red = [finding for finding in found.findings if finding.verdict == "red"]
    if not red:
        return
    more = f" {len(red) - 1} more findings are red." if len(red) > 2 else f" {red[-1].text}" if len(red) > 1 else ""
    likely = found.columns.likely
    raise UnfitFileError(
        red[0].text + more,
        hint=f"{use_text(*likely)}: rename it, or say so once on the Predict page." if likely else None,
        code="schema.missing_columns" if found.columns.missing else None,
        missing=found.columns.missing,
        unexpected=found.columns.extra,
        findings=tuple(asdict(finding) for finding in found.findings),
    )


def _about_renames(renamed: Sequence[tuple[str, str]]) -> Iterator[Finding]:
    for theirs, ours in renamed:
        yield Finding(verdict="green", code="columns.renamed", column=ours, text=f"“{theirs}” is used as “{ours}”.")


def _about_columns(columns: ColumnCheck, spec: ModelSpec, source: AnyTable) -> Iterator[Finding]:
    n_needed = len(spec.needed.names)
    if len(columns.missing) > OTHER_FILE_SHARE * n_needed:
        yield Finding(
            verdict="red", code="columns.missing", count=len(columns.missing),
            text=f"{len(columns.missing)} of the {n_needed} columns the model needs are not in the file: it may be "
            "a file for another problem.",
        )  # fmt: skip
    for name in columns.missing:
        near = f" It may be your column “{columns.near[name]}”." if name in columns.near else ""
        yield Finding(
            verdict="red", code="columns.missing", column=name, text=f"The column “{name}” is missing.{near}", count=1
        )
    if columns.extra:
        names = list_text(columns.extra, 8)
        yield Finding(
            verdict="green", code="columns.extra", text=f"Not used by the model: {names}.", count=len(columns.extra)
        )
    if spec.target in source.column_names:
        yield _about_target(source, spec)


def _about_target(source: AnyTable, spec: ModelSpec) -> Finding:
    found = look_at_actual(source, spec)
    text, verdict, count = f"“{spec.target}” is in the file: the predictions are compared with it.", "green", 0
    if found is not None and (said := found.words(spec)):
        text, count = f"{text} {said}", found.n_unmatched
        verdict = "amber" if found.n_unmatched else "green"
    return Finding(verdict=verdict, code="columns.target", column=spec.target, text=text, count=count)  # type: ignore[arg-type]


def _about_rows(notes: RowNotes, source: AnyTable, spec: ModelSpec) -> Iterator[Finding]:
    n_empty = int(notes.is_empty().sum())
    if n_empty == notes.n_rows:
        text = "Not a single row has a value that the model can use."
        yield Finding(verdict="red", code="rows.empty", text=text, count=n_empty)
    elif n_empty:
        text = f"{count_text(n_empty, 'row')} without any value that the model can use: predictions there mean nothing."
        yield Finding(verdict="amber", code="rows.empty", text=text, count=n_empty)
    if spec.id_column is not None and spec.id_column in source.column_names:
        ids = source[spec.id_column]
        n_repeats = len(ids) - pc.count_distinct(ids, mode="all").as_py()
        if n_repeats:
            rows = count_text(n_repeats, "row")
            text = f"{rows} with an “{spec.id_column}” that another row has too; all rows are kept."
            yield Finding(verdict="amber", code="ids.repeat", column=spec.id_column, text=text, count=n_repeats)


def _about_cells(found: ColumnNotes, n_rows: int, reference: Reference | None) -> Iterator[Finding]:
    name = found.column.name
    counts = {code: 0 if mask is None else int(mask.sum()) for code, mask in _masks(found).items()}

    def finding(code: str, text: str, count: int, verdict: Verdict | None = None) -> Finding:
        asked: Verdict = "amber" if count >= SEVERE_SHARE * n_rows else "green"
        return Finding(verdict=verdict or asked, code=code, column=name, text=f"{name}: {text}", count=count)

    if n := counts["unreadable"]:
        yield finding("cells.unreadable", unreadable_text(n, found.column.type), n, "amber")
    if n := counts["unseen"]:
        shown = list_text((f"{level} ({rows:,})" for level, rows in found.levels.unseen), _SHOWN)
        text = f"{cells_text(n)} a value that training never saw (counted as missing): {shown}."
        yield finding("cells.unseen", text, n)
    if n := counts["outside"]:
        text = f"{cells_text(n)} a value outside the training range, {found.low} to {found.high}."
        yield finding("cells.outside", text, n)
    if n := found.levels.n_renamed:
        shown = list_text((f"{value} as {level}" for value, level, _ in found.levels.renamed), _SHOWN)
        yield finding(
            "cells.respelled",
            f"{count_text(n, 'cell is', 'cells are')} spelled differently and matched to known values: {shown}.",
            n,
            "green",
        )
    was = next((c for c in reference.columns if c.name == name), None) if reference else None
    before = was.missing / was.rows if was and was.rows else 0.0
    if found.n_empty / n_rows > before + MORE_MISSING:
        usual = f", {percent_text(before, 0)} in training" if was else ""
        yield finding(
            "cells.missing", f"{percent_text(found.n_empty / n_rows, 0)} are empty{usual}.", found.n_empty, "amber"
        )


def _masks(found: ColumnNotes) -> dict[str, np.ndarray | None]:
    return {"unreadable": found.unreadable, "unseen": found.unseen, "outside": found.outside}


def _drift(typed: pa.Table, spec: ModelSpec, reference: Reference | None) -> Drift | None:
    if reference is None or typed.num_rows < MIN_DRIFT_ROWS:
        return None
    positions = sample_positions(typed.num_rows, DRIFT_ROWS)
    sampled = typed if positions is None else typed.take(positions)
    return compare(reference, load_from(sampled), spec.needed, sampled.num_rows)


def _about_drift(drift: Drift | None, reference: Reference | None) -> Iterator[Finding]:
    if reference is None:
        yield Finding(verdict="green", code="reference.none", text=NO_REFERENCE)
    if drift is None or reference is None:
        return
    known = {column.name: column for column in reference.columns}
    for column in drift.columns:
        size = drift_size(column, known[column.name])
        if size != "stable":
            text = column.in_words("very differently" if size == "large" else "somewhat differently")
            verdict: Verdict = "amber" if size == "large" else "green"
            yield Finding(verdict=verdict, code="drift", column=column.name, text=text, count=column.rows_now)


def _sorted(told: Sequence[Finding]) -> tuple[Finding, ...]:
    order = ("red", "amber", "green")
    return tuple(sorted(told, key=lambda finding: order.index(finding.verdict)))
