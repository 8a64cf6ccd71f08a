"""One file scored by two models: who moves, and which model is better on it."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from core.domain.models import ModelInfo, ModelSpec
from core.errors import DataError
from core.metrics.labels import PREDICTION
from core.metrics.profits import Money
from core.metrics.ranking import BoolArray, FloatArray, IntArray
from core.metrics.ties import Answers, MetricDifference, SameRows, spread_of
from core.scoring.result import Scored

PER: Final = 1000  # rows that a profit is told for


@dataclass(frozen=True)
class LabelMove:
    """How many rows have one label from the first model and another from the second."""

    before: str
    after: str
    n_rows: int


@dataclass(frozen=True, kw_only=True)
class SwapSet:
    """What changes when one model takes the place of another.

    Attributes
    ----------
    n_changed : int or None
        Rows whose label changes; None for regression.
    moves : tuple of LabelMove
        The most frequent first; for regression rows by whether the prediction rises or falls.
    differences : tuple of MetricDifference
        From the first model to the second, over the rows whose actual value the file holds.
    profit : MetricDifference or None
        For 1,000 rows, where a policy with money is set for one of the models, the first one's before the other's.
    unit : str
        Of the profit.
    """

    first: ModelInfo
    second: ModelInfo
    n_rows: int
    n_changed: int | None
    moves: tuple[LabelMove, ...]
    n_compared: int = 0
    differences: tuple[MetricDifference, ...] = ()
    profit: MetricDifference | None = None
    unit: str = ""


def swap_set(first: Scored, second: Scored) -> SwapSet:
    """Compare the results of one file.

    Raises
    ------
    DataError
        If the models do not predict the same (code ``compare.targets``).
    """
    one, two = first.spec, second.spec
    if (one.task, set(one.classes)) != (two.task, set(two.classes)):
        raise DataError(
            f"These models do not predict the same: {one.target} and {two.target}.",
            hint="Compare models of one problem.",
            code="compare.targets",
        )
    if one.task == "regression":
        n_changed, moves = None, _shifts(first, second)
    else:
        moves = _label_moves(first, second)
        n_changed = sum(move.n_rows for move in moves)
    differences, profit, money, n_compared = _judge(first, second)
    return SwapSet(
        first=first.model, second=second.model, n_rows=first.n_rows, n_changed=n_changed, moves=moves,
        n_compared=n_compared, differences=differences, profit=profit, unit=money.unit if money else "",
    )  # fmt: skip


def changed_rows(first: Scored, second: Scored) -> IntArray:
    """Return the places of the rows whose label changes, those that move furthest first; of numbers, all rows."""
    move = np.abs(_outputs(second, first.spec) - _outputs(first, first.spec))
    furthest = move.max(axis=1) if move.ndim == 2 else move
    places: IntArray = np.argsort(-furthest, kind="stable").astype(np.int64)
    if first.spec.task == "regression":
        return places
    is_changed: BoolArray = pc.not_equal(first.results[PREDICTION], second.results[PREDICTION]).to_numpy()
    changed: IntArray = places[is_changed[places]]
    return changed


def _label_moves(first: Scored, second: Scored) -> tuple[LabelMove, ...]:
    pairs = pa.table({"before": first.results[PREDICTION], "after": second.results[PREDICTION]})
    counted = pairs.group_by(["before", "after"]).aggregate([([], "count_all")]).to_pylist()
    moves = [
        LabelMove(one["before"], one["after"], one["count_all"]) for one in counted if one["before"] != one["after"]
    ]
    return tuple(sorted(moves, key=lambda move: (-move.n_rows, move.before, move.after)))


def _shifts(first: Scored, second: Scored) -> tuple[LabelMove, ...]:
    move = _outputs(second, first.spec) - _outputs(first, first.spec)
    counts = (("higher", int((move > 0).sum())), ("lower", int((move < 0).sum())), ("equal", int((move == 0).sum())))
    return tuple(LabelMove("", after, count) for after, count in counts)


def _judge(
    first: Scored, second: Scored
) -> tuple[tuple[MetricDifference, ...], MetricDifference | None, Money | None, int]:
    """Return the differences of the metrics and of the profit over the rows with an actual value, and how many."""
    if first.actual is None or second.actual is None:
        return (), None, None, 0
    known = pc.and_(first.actual.is_valid(), second.actual.is_valid()).to_numpy()
    if not known.any():
        return (), None, None, 0
    spec, answers = first.spec, []
    actual = first.actual.filter(pa.array(known))
    for scored in (first, second):
        output = _outputs(scored, spec)[known]
        if spec.task == "regression":
            truth: FloatArray | IntArray = actual.to_numpy().astype(np.float64)
            answers.append(Answers(spec.task, truth, output, np.zeros(0, np.int64)))
            continue
        classes = pa.array(spec.classes)
        truth = pc.index_in(actual, value_set=classes).to_numpy().astype(np.int64)
        decided = pc.index_in(scored.results[PREDICTION], value_set=classes).to_numpy()[known].astype(np.int64)
        positive = None if spec.positive is None else spec.classes.index(spec.positive)
        answers.append(Answers(spec.task, truth, output, decided, positive))
    same = SameRows(answers)
    money = _money(first) or _money(second)
    profit = None if money is None else _profit(same, money)
    return tuple(same.difference(0, 1, name) for name in same.metrics), profit, money, int(known.sum())


def _profit(same: SameRows, money: Money) -> MetricDifference:
    """Return the difference of what both decide, row by row, for 1,000 rows."""
    amounts = []
    for one in same.answers:
        is_positive, is_selected = one.is_positive, one.decided == one.positive
        right = np.where(is_positive, money.true_positive, money.false_positive)
        wrong = np.where(is_positive, money.false_negative, money.true_negative)
        amounts.append(PER * np.where(is_selected, right, wrong))
    before, after = (float(amount.mean()) for amount in amounts)
    spread = spread_of(amounts[1] - amounts[0])
    return MetricDifference("profit", before, after, after - before - spread, after - before + spread)


def _money(scored: Scored) -> Money | None:
    saved = scored.decision.saved
    return saved.policy.money if saved else None


def _outputs(scored: Scored, spec: ModelSpec) -> FloatArray:
    """Return predicted numbers, or probabilities in the order of the classes of `spec`."""
    if spec.task == "regression":
        numbers: FloatArray = scored.results[PREDICTION].to_numpy().astype(np.float64)
        return numbers
    return np.column_stack([scored.results[f"probability_{name}"].to_numpy() for name in spec.classes])
