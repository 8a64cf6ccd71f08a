"""Leakage: columns that give the target away, each alone or two by a formula.

How well one column predicts is measured on rows that were not used for it: in five folds, by the mean of the target in
each of its bins or levels. Where that is already good, a decision tree looks closer.
"""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from core.data.relations.binning import group_rows
from core.data.relations.formulas import PairFormula, find_formulas
from core.data.tables.batches import Load, sample_table
from core.data.tables.codes import numbers_with_gaps, to_numbers
from core.data.tables.roles import as_category, count_classes, guess_task
from core.domain.columns import FEATURE_TYPES, Column, Schema

SAMPLE_ROWS: Final = 50_000
LEAK_SCORE: Final = 0.98
MAX_COLUMNS: Final = 500
N_FOLDS: Final = 5
_MAX_BINS = 200
_MIN_BINS = 20
_BIN_ROWS = 50
_LEVELS = 1_000
_PRIOR_ROWS = 1.0
_MIN_ROWS = 30
_MIN_CLASS_ROWS = 10
_MAX_CLASSES = 10
_CLOSER_SCORE = 0.8
_TREE_ROWS = 20_000
_SEED = 1

Measure = Literal["AUC", "R²"]


@dataclass(frozen=True)
class Leakage:
    """How well each column alone predicts the target, and formulas of two columns that equal it.

    Attributes
    ----------
    measure : str
        ``AUC`` for classes (for more than two: the mean of one against the rest), ``R²`` for numbers; cross-validated.
    scores : tuple of (str, float)
        Column and measure, best first; empty when there are too few rows to tell.
    formulas : tuple of PairFormula
        Best first.
    """

    measure: Measure
    scores: tuple[tuple[str, float], ...]
    formulas: tuple[PairFormula, ...]
    rows: int

    @property
    def alone(self) -> tuple[tuple[str, float], ...]:
        """The columns that give the target away by themselves."""
        return tuple((name, score) for name, score in self.scores if score > LEAK_SCORE)


def find_leakage(load: Load, schema: Schema, target: str, n_rows: int) -> Leakage:
    """Look for columns that predict the target too well.

    Parameters
    ----------
    schema : Schema
        Their types. Text and id columns are left out: models never learn from them.

    Returns
    -------
    Leakage
        From at most `SAMPLE_ROWS` rows (fixed seed) and the first `MAX_COLUMNS` columns that can be learned from.

    Notes
    -----
    Out-of-fold means in 20 to 200 quantile bins or the 1,000 most frequent levels, missing values in a bin of their
    own. Columns over 0.8 are also measured by a decision tree of at most 256 leaves, and numbers by their squared
    correlation with a numeric target where the ranks agree too; the best of these counts. Fewer than 30 rows, or 10
    rows of a class, are too few to tell. About 0.3 s for 50,000 x 12.
    """
    features = [c for c in schema.columns if c.name != target and c.type in FEATURE_TYPES][:MAX_COLUMNS]
    goal_column = schema[target]
    if goal_column.type not in ("numeric", "category") or not features:
        return Leakage("AUC", (), (), 0)
    typed = sample_table(load, [target, *(c.name for c in features)], n_rows, SAMPLE_ROWS)
    typed = typed.filter(pc.is_valid(typed[target]))
    goal = typed[target]
    is_regression = guess_task(goal_column, goal).task == "regression"
    measure: Measure = "R²" if is_regression else "AUC"
    numbers = to_numbers(goal) if goal_column.type == "numeric" else None
    goals = numbers[:, None] if is_regression and numbers is not None else _indicators(goal)
    if len(typed) < _MIN_ROWS or goals.shape[1] == 0 or not np.ptp(goals, axis=0).all():
        return Leakage(measure, (), (), len(typed))
    judge = _Judge(goals, measure)
    scored = [(column.name, judge.score(typed[column.name], column)) for column in features]
    scores = tuple(sorted(scored, key=lambda pair: -pair[1]))
    formulas: tuple[PairFormula, ...] = ()
    if numbers is not None:
        # One that leaks alone would make any formula fit that it is part of.
        alone = {name for name, score in scores if score > LEAK_SCORE}
        numeric = [c.name for c in features if c.type == "numeric" and c.name not in alone]
        formulas = find_formulas({name: numbers_with_gaps(typed[name]) for name in numeric}, numbers)
    return Leakage(measure, scores, formulas, len(typed))


class _Judge:
    """Measures columns against one target, on the same folds."""

    def __init__(self, goals: np.ndarray, measure: Measure) -> None:
        # scikit-learn and scipy take two seconds to load: a page is drawn without, and then looks for leaks.
        from sklearn.model_selection import KFold, StratifiedKFold

        self._goals, self._measure = goals, measure
        self._n_bins = min(max(len(goals) // _BIN_ROWS, _MIN_BINS), _MAX_BINS)
        splitter = KFold if measure == "R²" else StratifiedKFold
        folds = splitter(N_FOLDS, shuffle=True, random_state=_SEED)
        kinds = goals.argmax(axis=1) if goals.shape[1] > 1 else goals[:, 0]
        self._fold = np.empty(len(goals), dtype=np.int64)
        # Every class that counts has more rows than there are folds.
        for number, (_, test) in enumerate(folds.split(goals, kinds)):
            self._fold[test] = number

    def score(self, values: pa.ChunkedArray, column: Column) -> float:
        """Return the cross-validated measure of one column."""
        codes, groups = group_rows(values, column, max_bins=self._n_bins, max_levels=_LEVELS)
        n_codes = len(groups)
        if n_codes < 2:
            return 0.5 if self._measure == "AUC" else 0.0
        expected = np.column_stack([self._out_of_fold(codes, n_codes, goal) for goal in self._goals.T])
        best = self._measured(self._goals, expected)
        if best < _CLOSER_SCORE or column.type == "category":
            return best
        return max(best, self._closer(values))

    def _out_of_fold(self, codes: np.ndarray, n_codes: int, goal: np.ndarray) -> np.ndarray:
        """Return for each row the mean of the target in its bin over the other folds, drawn a little to the mean."""
        cell = codes * N_FOLDS + self._fold
        rows = np.bincount(cell, minlength=n_codes * N_FOLDS).reshape(n_codes, N_FOLDS)
        sums = np.bincount(cell, weights=goal, minlength=n_codes * N_FOLDS).reshape(n_codes, N_FOLDS)
        other_rows = rows.sum(axis=1, keepdims=True) - rows
        other_sums = sums.sum(axis=1, keepdims=True) - sums
        means = other_sums.sum(axis=0) / np.maximum(other_rows.sum(axis=0), 1)
        table: np.ndarray = (other_sums + _PRIOR_ROWS * means) / (other_rows + _PRIOR_ROWS)
        found: np.ndarray = table[codes, self._fold]
        return found

    def _measured(self, goals: np.ndarray, expected: np.ndarray) -> float:
        from sklearn.metrics import r2_score, roc_auc_score

        if self._measure == "R²":
            return max(float(r2_score(goals[:, 0], expected[:, 0])), 0.0)
        return float(np.mean([roc_auc_score(goal, guess) for goal, guess in zip(goals.T, expected.T, strict=True)]))

    def _closer(self, values: pa.ChunkedArray) -> float:
        """Measure by a decision tree, and by the straight line where the ranks agree with it."""
        from scipy.stats import spearmanr
        from sklearn.model_selection import KFold, cross_val_predict
        from sklearn.tree import DecisionTreeRegressor

        numbers = numbers_with_gaps(values)[:_TREE_ROWS]
        goals = self._goals[:_TREE_ROWS]
        tree = DecisionTreeRegressor(max_leaf_nodes=256, min_samples_leaf=3, random_state=_SEED)
        expected = cross_val_predict(tree, numbers[:, None], goals, cv=KFold(N_FOLDS, shuffle=True, random_state=_SEED))
        best = self._measured(goals, expected.reshape(goals.shape)) if np.ptp(goals, axis=0).all() else 0.0
        known = np.isfinite(numbers)
        if self._measure == "R²" and known.mean() > 1 - _PRIOR_ROWS / N_FOLDS:
            x, y = numbers[known], goals[known, 0]
            if np.ptp(x) and np.ptp(y) and spearmanr(x, y).statistic ** 2 > LEAK_SCORE:
                best = max(best, float(np.corrcoef(x, y)[0, 1] ** 2))
        return best


def _indicators(goal: pa.ChunkedArray) -> np.ndarray:
    """Return one column of 0 and 1 for each class of enough rows, just one for two classes."""
    counts = count_classes(goal)
    if len(counts) < 2 or (len(counts) == 2 and min(counts.values()) < _MIN_CLASS_ROWS):
        return np.zeros((len(goal), 0))
    names = [name for name, rows in counts.items() if rows >= _MIN_CLASS_ROWS][:_MAX_CLASSES]
    words = as_category(goal)
    columns = [
        np.asarray(pc.equal(words, name), dtype=np.float64) for name in (names[1:2] if len(counts) == 2 else names)
    ]
    return np.column_stack(columns) if columns else np.zeros((len(goal), 0))
