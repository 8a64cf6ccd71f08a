"""Stored models beside each other on the rows that all of them were judged on: metrics, differences, disagreement."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from core.domain.models import ORIGIN_NAMES, ModelInfo, Origin
from core.metrics.ranking import FloatArray, IntArray
from core.metrics.ties import MetricDifference, SameRows
from core.models.opened import StoredModel
from core.models.standing import ReadAnswers, read_answers
from core.wording import list_text

MOST_ROWS: Final = 50
COMMON_SHARE: Final = 0.5


@dataclass(frozen=True, kw_only=True, eq=False)
class BesideEachOther:
    """Models, and what they said of the same rows.

    Attributes
    ----------
    models : tuple of ModelInfo
        Those that were compared, in the order asked for.
    left_out : tuple of (ModelInfo, str)
        The others, each with the reason.
    origin : Origin or None
        The predictions that they were compared on; None where no two models have some on the same rows.
    rows : ndarray of int64, shape (n_rows,)
        Places in the dataset.
    n_of : int
        As many rows the first model was judged on, where the models have only some of them in common; else 0.
    """

    models: tuple[ModelInfo, ...]
    left_out: tuple[tuple[ModelInfo, str], ...] = ()
    origin: Origin | None = None
    rows: IntArray
    same_rows: SameRows | None = None
    n_of: int = 0

    @property
    def words(self) -> str:
        """The rows in words, such as ``"holdout, 1,000 rows"``."""
        of = f" of {self.n_of:,}" if self.n_of else ""
        return f"{ORIGIN_NAMES[self.origin]}, {len(self.rows):,}{of} rows" if self.origin else ""

    def differences(self) -> dict[str, tuple[MetricDifference, ...]]:
        """Return how each other model differs from the first one: by model id, every metric that can be measured."""
        same = self.same_rows
        if same is None:
            return {}
        return {
            model.id: tuple(same.difference(0, place, metric) for metric in same.metrics)
            for place, model in enumerate(self.models)
            if place
        }


@dataclass(frozen=True, eq=False)
class Disagreement:
    """The rows that models disagree on most.

    Attributes
    ----------
    places : ndarray of int64, shape (n_shown,)
        Places among the rows compared, the widest disagreement first.
    spread : ndarray of float, shape (n_shown,)
        Largest minus smallest probability or prediction; for several classes, of the class where that is largest.
    same_label : float or None
        Share of all rows that every model labels alike; None for regression.
    """

    places: IntArray
    spread: FloatArray
    same_label: float | None


def put_beside(models: Sequence[StoredModel]) -> BesideEachOther:
    """Compare stored models with the first of them on the holdout, else on cross-validation.

    Parameters
    ----------
    models : sequence of StoredModel
        At least one.

    Notes
    -----
    The rows are those of the first model; a model without predictions on exactly these is left out with the reason.
    Where all others would be, because their runs held out other rows, the rows are those of cross-validation that
    models have in common, as long as they are at least `COMMON_SHARE` of the first one's.
    StoreError if the store cannot be read, DataError if stored predictions are damaged.
    """
    usable = [model for model in models if model.info.has_files]
    reasons = {model.info.id: "Files and predictions were not kept." for model in models}
    if not usable:
        return _nothing(models, reasons)
    first = usable[0]
    answers: dict[str, ReadAnswers] = {}
    for origin in reversed(first.origins):
        answers, unlike = _alike(usable, origin)
        kept = {key: own for key, own in answers.items() if own.is_of_the_rows_of(answers[first.info.id])}
        other = f"Judged on other {ORIGIN_NAMES[origin]} rows than the first model."
        reasons |= unlike | {key: other for key in answers if key not in kept}
        if len(kept) > 1:
            return _beside(models, kept, reasons, origin)
    if not answers:
        return _nothing(models, reasons | {first.info.id: "No predictions on unseen rows were stored."})
    shared = _shared(answers, first.info.id)
    n_rows, n_shared = (len(one[first.info.id].rows) for one in (answers, shared))
    return _beside(models, shared, reasons, first.origins[0], n_rows if n_shared < n_rows else 0)


def _alike(usable: Sequence[StoredModel], origin: Origin) -> tuple[dict[str, ReadAnswers], dict[str, str]]:
    """Return the answers of the models whose rows can be the first one's, by id, and why others' cannot."""
    first, *others = usable
    unlike = {model.info.id: _unlike(first, model, origin) for model in others}
    answers = {model.info.id: read_answers(model, origin) for model in usable if not unlike.get(model.info.id)}
    return answers, {key: reason for key, reason in unlike.items() if reason}


def _shared(answers: Mapping[str, ReadAnswers], first: str) -> dict[str, ReadAnswers]:
    """Return the answers to the rows that models have in common with the first one, where these are most of its rows.

    Each answer is still of a model that had not seen the row, whichever other rows were held out beside it.
    """
    rows, kept = np.sort(answers[first].rows), [first]
    overlap = {key: len(np.intersect1d(rows, own.rows)) for key, own in answers.items() if key != first}
    for key in sorted(overlap, key=lambda one: -overlap[one]):
        common = np.intersect1d(rows, answers[key].rows)
        truths = [answers[one].among(common).answers.truth for one in (first, key)]
        if len(common) >= COMMON_SHARE * len(answers[first].rows) and np.array_equal(truths[0], truths[1]):
            rows, kept = common, [*kept, key]
    return {key: answers[key].among(rows) for key in kept}


def _beside(
    models: Sequence[StoredModel],
    kept: Mapping[str, ReadAnswers],
    reasons: Mapping[str, str],
    origin: Origin,
    n_of: int = 0,
) -> BesideEachOther:
    chosen = [model.info for model in models if model.info.id in kept]
    return BesideEachOther(
        models=tuple(chosen),
        left_out=tuple((model.info, reasons[model.info.id]) for model in models if model.info.id not in kept),
        origin=origin,
        rows=kept[chosen[0].id].rows,
        same_rows=SameRows([kept[model.id].answers for model in chosen]),
        n_of=n_of,
    )


def disagreement(found: SameRows, most: int = MOST_ROWS) -> Disagreement:
    """Return the rows that the models disagree on most; there must be two models."""
    outputs = np.stack([one.output for one in found.answers])
    spread: FloatArray = np.ptp(outputs, axis=0)
    if spread.ndim == 2:
        spread = spread.max(axis=1)
    places: IntArray = np.argsort(-spread, kind="stable")[:most].astype(np.int64)
    labels = [one.decided for one in found.answers]
    alike = None if found.answers[0].task == "regression" else float(np.mean(np.ptp(np.stack(labels), axis=0) == 0))
    return Disagreement(places, spread[places], alike)


def left_out_words(found: BesideEachOther, names: Mapping[str, str]) -> str:
    """Return which models were left out and why, in words.

    Parameters
    ----------
    names : mapping of str to str
        What each model is called, by id.
    """
    by_reason: dict[str, list[str]] = {}
    for model, reason in found.left_out:
        by_reason.setdefault(reason, []).append(names[model.id])
    return " ".join(f"{list_text(own, 10)}: {reason}" for reason, own in by_reason.items())


def _unlike(first: StoredModel, other: StoredModel, origin: Origin) -> str:
    """Say why another model cannot have been judged on the same rows; empty where it may."""
    one, two = first.spec, other.spec
    if (one.target, one.task, one.classes) != (two.target, two.task, two.classes):
        return f"Another target is predicted: {two.target}."
    if one.dataset_id != two.dataset_id:
        return f"Judged on other data: {two.dataset_name}."
    return "" if origin in other.origins else f"No {ORIGIN_NAMES[origin]} predictions were stored."


def _nothing(models: Sequence[StoredModel], reasons: dict[str, str]) -> BesideEachOther:
    left_out = tuple((model.info, reasons[model.info.id]) for model in models)
    return BesideEachOther(models=(), left_out=left_out, rows=np.zeros(0, np.int64))
