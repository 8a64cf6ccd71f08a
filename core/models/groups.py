"""Parts of the rows that a model was judged on: where it is weak, and how groups fare; from stored predictions."""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from core.data.datasets.registry import Datasets
from core.domain.columns import Schema
from core.domain.models import ModelSpec
from core.errors import DataError
from core.metrics.calibration import cross_fitted
from core.metrics.groups.fairness import Fairness, is_protected, measure_fairness, split_groups
from core.metrics.groups.segments import Weakness, find_weakness, group_columns
from core.metrics.predictions import Predictions
from core.models.decisions import Decision
from core.models.evaluation import NO_PREDICTIONS, read_columns

MAX_FAIRNESS_COLUMNS = 3  # more are a click away on the Explain page; a report that lists every column is not read


@dataclass(frozen=True, kw_only=True)
class Groups:
    """How the model does on parts of the rows.

    Attributes
    ----------
    weakness : Weakness or None
        None when it cannot be had; then `weakness_reason` says why.
    fairness : tuple of Fairness
        One per column that people most often ask about.
    fairness_reason : str
        Why `fairness` is empty.
    """

    weakness: Weakness | None = None
    weakness_reason: str = ""
    fairness: tuple[Fairness, ...] = ()
    fairness_reason: str = ""
    origin: str = ""


def as_decided(found: Predictions, decision: Decision) -> Predictions:
    """Return predictions as scoring gives them; on the rows of the fit no row helped to calibrate itself."""
    if decision.calibration is None:
        return found
    name = str(found.positive)
    raw = found.probability(name)
    if found.origin == "cv":
        return found.with_probability(cross_fitted(found.is_class(name), raw, decision.calibration.method))
    return found.with_probability(decision.calibration.apply(raw))


def look_at_groups(
    datasets: Datasets,
    spec: ModelSpec,
    judged: Sequence[Predictions],
    decision: Decision,
    *,
    compared: Sequence[str] | None = None,
) -> Groups:
    """Look at parts of the rows of cross-validation, which are the most, else at those held out.

    Parameters
    ----------
    compared : sequence of str, optional
        Columns whose groups are compared; those that people most often ask about when omitted.
    """
    if not judged:
        return Groups(weakness_reason=NO_PREDICTIONS, fairness_reason=NO_PREDICTIONS)
    found = judged[0]
    try:
        table, schema = read_columns(datasets, spec, found)
    except DataError as error:  # the dataset was deleted, or has no other column
        return Groups(weakness_reason=error.message, fairness_reason=error.message)
    try:
        weakness = find_weakness(found, group_columns(table, schema), "explained")
        why_not = ""
    except DataError as error:
        weakness, why_not = None, error.message
    fairness, reason = _fairness(found, table, schema, decision, compared)
    return Groups(
        weakness=weakness, weakness_reason=why_not, fairness=fairness, fairness_reason=reason, origin=found.words
    )


def _fairness(
    found: Predictions, table: pa.Table, schema: Schema, decision: Decision, compared: Sequence[str] | None
) -> tuple[tuple[Fairness, ...], str]:
    if found.positive is None or decision.threshold is None:
        return (), "Groups are compared for models that decide between yes and no; this one does not."
    names = [name for name in schema.names if is_protected(name)][:MAX_FAIRNESS_COLUMNS]
    if compared is not None:
        names = [name for name in schema.names if name in compared]
    if not names:
        return (), (
            "No column of the data is called by one of the words that groups are most often compared by, such as "
            "gender, age or region. Any other column can be chosen on the Explain page, under Fairness."
        )
    truth = found.is_class(found.positive)
    selected = found.probability(found.positive) >= decision.threshold
    made = []
    for name in names:
        codes, groups = split_groups(table[name], schema[name])
        if len(groups) > 1:
            made.append(measure_fairness(truth, selected, codes, groups, column=name))
    return tuple(made), "" if made else "In each of these columns all rows are of one group."
