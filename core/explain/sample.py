"""The rows that a model is explained on: drawn once, typed as the model was trained, sent to where it is asked."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from core.data.datasets.registry import Datasets
from core.domain.columns import Column, Schema
from core.domain.models import ModelSpec
from core.engine.protocol import Engine
from core.features.engine_input import engine_csv, engine_rows
from core.features.features import read_fitted, read_target
from core.features.indicators import NO_INDICATORS, Indicators
from core.features.matching import prepare
from core.files import scratch
from core.metrics.ranking import BoolArray, FloatArray, IntArray
from core.settings import Settings

MAX_ROWS = 10_000
MIN_UNSEEN = 500  # fewer rows say more of chance than of the model
SEED = 1
_MS_PER_DAY = 86_400_000


@dataclass(frozen=True)
class Sample:
    """Rows as people know their columns: what a recipe encoded of one column is that column.

    Attributes
    ----------
    table : Table of shape (n_rows, n_columns)
        The features, and the target of training rows.
    indicators : Indicators
        The features that the model gets for such a column.
    is_all : bool
        Whether no row of the training, or of the holdout, is missing.
    of : str
        ``"training"`` or ``"holdout"``.
    """

    table: pa.Table
    schema: Schema
    indicators: Indicators = NO_INDICATORS
    is_all: bool = False
    of: str = "training"

    @classmethod
    def of_features(cls, typed: pa.Table, spec: ModelSpec) -> "Sample":
        """Return rows that are typed as the model's spec says."""
        found = Indicators.of(spec)
        return cls(found.seen(typed), found.seen_schema(spec.features), found)

    @property
    def n_rows(self) -> int:
        """Rows drawn."""
        return int(self.table.num_rows)

    @property
    def origin(self) -> str:
        """The rows in words."""
        return f"{'all' if self.is_all else 'a sample of'} {self.n_rows:,} {self.of} rows"

    def head(self, n_rows: int) -> "Sample":
        """Return the first rows; they are a random sample too, for rows are in random order."""
        return replace(self, table=self.table.slice(0, n_rows), is_all=self.is_all and n_rows >= self.n_rows)

    def tail(self, n_rows: int) -> "Sample":
        """Return the last rows."""
        first = max(0, self.n_rows - n_rows)
        return replace(self, table=self.table.slice(first), is_all=self.is_all and not first)

    def without_tails(self, names: Sequence[str], share: float, min_distinct: int) -> "Sample":
        """Leave out rows beyond the outer quantiles of any named number or date with enough distinct values.

        Parameters
        ----------
        share : float
            Share of the rows at either end of each column that counts as its tail.
        min_distinct : int
            Columns with fewer distinct values are left whole.
        """
        keep: BoolArray = np.ones(self.n_rows, dtype=np.bool_)
        for name in names:
            values = self.numbers(name)
            known = values[np.isfinite(values)]
            if self.schema[name].type != "category" and len(np.unique(known)) >= min_distinct:
                low, high = np.quantile(known, [share, 1 - share])
                keep &= ~((values < low) | (values > high))
        return replace(self, table=self.table.filter(pa.array(keep)), is_all=self.is_all and bool(keep.all()))

    def numbers(self, name: str) -> FloatArray:
        """Return a number column as it is, a date as days since 1970-01-01, a category as NaN; NaN where missing."""
        values: pa.ChunkedArray = self.table[name]
        kind = self.schema[name].type
        if kind == "category":
            return np.full(self.n_rows, np.nan)
        if kind == "date":
            milliseconds = pc.cast(pc.cast(values, pa.int64()), pa.float64())
            values = pc.divide(milliseconds, float(_MS_PER_DAY))
        numbers: FloatArray = pc.cast(values, pa.float64()).to_numpy().astype(np.float64)
        return numbers

    def encoded(self) -> tuple[pa.Table, Schema]:
        """Return the rows with the features that the model gets."""
        return self.indicators.encoded(self.table), self.indicators.encoded_schema(self.schema)

    def engine_rows(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows as the process that scores takes them."""
        return engine_rows(*self.encoded())

    def texts(self, name: str) -> list[str]:
        """Return a column as a person would read it."""
        kind = self.schema[name].type
        values = self.table[name].to_pylist()
        if kind == "date":
            return ["missing" if value is None else value.date().isoformat() for value in values]
        if kind == "numeric":
            return ["missing" if value is None else f"{value:.6g}" for value in values]
        return ["missing" if value is None else str(value) for value in values]


def draw_sample(datasets: Datasets, spec: ModelSpec, holdout_rows: IntArray) -> Sample:
    """Draw at most `MAX_ROWS` of the rows that the model was trained on, in random order; the same ones each time.

    Parameters
    ----------
    holdout_rows : ndarray of int64
        Row numbers in the dataset that training never saw.
    """
    return _read(datasets, spec, *choose_rows(datasets, spec, holdout_rows))


def draw_unseen(datasets: Datasets, spec: ModelSpec, holdout_rows: IntArray) -> Sample | None:
    """Draw rows of the holdout in the same way; None where it has fewer than `MIN_UNSEEN` with a target."""
    if len(holdout_rows) < MIN_UNSEEN:
        return None
    target = _target(datasets, spec)
    rows = np.intersect1d(np.flatnonzero(target.is_valid().to_numpy()), holdout_rows)
    if len(rows) < MIN_UNSEEN:
        return None
    chosen = np.random.default_rng(SEED).permutation(rows)[:MAX_ROWS]
    return replace(_read(datasets, spec, target, chosen), of="holdout")


def _read(datasets: Datasets, spec: ModelSpec, target: pa.ChunkedArray, rows: IntArray) -> Sample:
    chosen = pa.array(rows)
    # Read again from the source text with the model's own types: somebody may have changed a type since.
    source = datasets.open(spec.dataset_id).source(spec.needed.names).take(chosen)
    found = Sample.of_features(prepare(source, spec)[0], spec)
    table = found.table.append_column(spec.target, target.take(chosen))
    schema = Schema((*found.schema.columns, _target_column(spec)))
    return replace(found, table=table, schema=schema, is_all=len(rows) < MAX_ROWS)


def choose_rows(datasets: Datasets, spec: ModelSpec, holdout_rows: IntArray) -> tuple[pa.ChunkedArray, IntArray]:
    """Return the target of every row, and the places of the rows that `draw_sample` draws."""
    target = _target(datasets, spec)
    rows = np.setdiff1d(np.flatnonzero(target.is_valid().to_numpy()), holdout_rows)
    return target, np.random.default_rng(SEED).permutation(rows)[:MAX_ROWS]


def _target(datasets: Datasets, spec: ModelSpec) -> pa.ChunkedArray:
    return read_target(datasets.open(spec.dataset_id), _target_column(spec), read_fitted(spec.target_recipe))


def _target_column(spec: ModelSpec) -> Column:
    return Column(spec.target, "numeric" if spec.task == "regression" else "category")


class SentFrames:
    """Frames sent to the engine by way of the home's work folder; `close` removes them all."""

    def __init__(self, engine: Engine, settings: Settings, spec: ModelSpec) -> None:
        self._engine = engine
        self._settings = settings
        self._spec = spec
        self._keys: list[str] = []

    def send(self, sample: Sample) -> str:
        """Upload a sample and return its frame key."""
        with scratch(self._settings, "explain-") as folder:
            path = folder / "sample.csv"
            columns = engine_csv(*sample.encoded(), path, self._spec.aliases, target=self._spec.target)
            key = self._engine.frames.upload(path, columns)
        self._keys.append(key)
        return key

    def close(self) -> None:
        """Remove every frame sent."""
        if self._keys:
            self._engine.delete(self._keys)
