"""The stored predictions of one model on rows it had not seen, as arrays."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from core.domain.models import ORIGIN_NAMES, ModelSpec, Origin
from core.domain.training import Task
from core.errors import DataError
from core.metrics.ranking import BoolArray, FloatArray, IntArray, Ranking, rank


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a model said about rows, and what was true.

    Attributes
    ----------
    rows : ndarray of int64, shape (n_rows,)
        Places in the dataset.
    codes : ndarray of int64, shape (n_rows,)
        Classification: the place of the actual class in `classes`; empty for regression.
    probabilities : ndarray of float64, shape (n_rows, n_classes)
        Columns in the order of `classes`; empty for regression.
    actual, predicted : ndarray of float64, shape (n_rows,)
        Regression; empty for classification.
    """

    task: Task
    origin: Origin
    classes: tuple[str, ...]
    positive: str | None
    rows: IntArray
    codes: IntArray
    probabilities: FloatArray
    actual: FloatArray
    predicted: FloatArray

    @property
    def n_rows(self) -> int:
        """Rows predicted."""
        return len(self.rows)

    @property
    def words(self) -> str:
        """The rows in words, such as ``"cross-validation, 15,000 rows"``."""
        return f"{ORIGIN_NAMES[self.origin]}, {self.n_rows:,} rows"

    def is_of_the_rows_of(self, other: "Predictions") -> bool:
        """Whether both are about the same rows, and the same truth there."""
        mine, theirs = ((one.rows, one.codes, one.actual) for one in (self, other))
        return self.classes == other.classes and all(map(np.array_equal, mine, theirs))

    def is_class(self, name: str) -> BoolArray:
        """Return which rows are of a class."""
        truth: BoolArray = self.codes == self.classes.index(name)
        return truth

    def probability(self, name: str) -> FloatArray:
        """Return the probability of a class."""
        return self.probabilities[:, self.classes.index(name)]

    def ranking(self, name: str) -> Ranking:
        """Return the rows ranked by the probability of a class, against all other classes.

        DataError if there are no rows or a probability is missing.
        """
        return rank(self.is_class(name), self.probability(name))

    def decided(self, threshold: float | None) -> IntArray:
        """Return the place of the decided class per row: by the threshold for two classes, else the likeliest."""
        if self.positive is not None and threshold is not None:
            place = self.classes.index(self.positive)
            chosen: IntArray = np.where(self.probabilities[:, place] >= threshold, place, 1 - place).astype(np.int64)
            return chosen
        likeliest: IntArray = np.argmax(self.probabilities, axis=1).astype(np.int64)
        return likeliest

    @cached_property
    def own_probability(self) -> FloatArray:
        """The probability that the model gave to the class that was true."""
        own: FloatArray = self.probabilities[np.arange(self.n_rows), self.codes]
        return own

    def constant(self) -> "Predictions":
        """Return what a predictor says that knows the target of these rows alone: the same of every row."""
        if self.task == "regression":
            return replace(self, predicted=np.full(self.n_rows, self.actual.mean()))
        shares = np.bincount(self.codes, minlength=len(self.classes)) / max(self.n_rows, 1)
        return replace(self, probabilities=np.tile(shares, (self.n_rows, 1)))

    def with_probability(self, probability: FloatArray) -> "Predictions":
        """Return a copy of a binary model's predictions with another probability of the positive class."""
        place = self.classes.index(str(self.positive))
        columns = [1 - probability, 1 - probability]
        columns[place] = probability
        return replace(self, probabilities=np.column_stack(columns))


def read_table(table: pa.Table, spec: ModelSpec, origin: Origin) -> Predictions:
    """Read predictions as training stored them.

    Parameters
    ----------
    table : Table of shape (n_rows, n_columns)
        Columns `row`, `actual`, and ``p_<class>`` per class or `predicted`.

    Raises
    ------
    DataError
        If there are no rows, a class is none of the model's, or a value is missing.
    """
    if not table.num_rows:
        raise DataError("There are no rows to measure.")
    none: FloatArray = np.zeros(0)
    rows: IntArray = table["row"].to_numpy().astype(np.int64)
    if spec.task == "regression":
        actual, predicted = (table[name].to_numpy().astype(np.float64) for name in ("actual", "predicted"))
        _check_known(actual, predicted)
        return Predictions(
            spec.task, origin, (), None, rows, np.zeros(0, np.int64), none.reshape(0, 0), actual, predicted
        )
    codes = pc.index_in(table["actual"].combine_chunks().cast(pa.string()), pa.array(spec.classes, pa.string()))
    if codes.null_count:
        raise DataError("A stored label is not one of the model's classes.")
    probabilities: FloatArray = np.column_stack([table[f"p_{name}"].to_numpy() for name in spec.classes])
    _check_known(probabilities)
    return Predictions(
        spec.task,
        origin,
        spec.classes,
        spec.positive,
        rows,
        codes.to_numpy().astype(np.int64),
        probabilities,
        none,
        none,
    )


def _check_known(*arrays: FloatArray) -> None:
    if not all(np.isfinite(values).all() for values in arrays):
        raise DataError("Some rows have no actual or no predicted value.")
