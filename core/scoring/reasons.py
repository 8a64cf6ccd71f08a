"""Reasons per row of a scored file: asked of the engine, turned into sentences."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from core.data.datasets.registry import Datasets
from core.domain.models import ModelSpec
from core.engine.protocol import Engine
from core.errors import DataError
from core.explain.asked import BACKGROUND_ROWS, TREES, USUAL_ROWS, is_without_engine, mojo_method
from core.explain.points import Points, to_points
from core.explain.sample import Sample, SentFrames, draw_sample
from core.explanations.scales import usual_text
from core.features.engine_input import engine_rows
from core.metrics.ranking import FloatArray, IntArray
from core.models.opened import StoredModel
from core.scoring.reason_words import MAX_REASONS, reason_table

FEW_ROWS: Final = 100  # as many are compared with what Explain compares a case with
FILE_BACKGROUND_ROWS: Final = 10  # the engine's work grows with rows x background
BACKGROUND_MAX_ROWS: Final = 20_000


@dataclass(frozen=True)
class Reasons:
    """Sentences per row.

    Attributes
    ----------
    table : Table of shape (n_rows, n_reasons)
        ``reason_1`` …
    """

    table: pa.Table
    method: str


def check_reasons(n_reasons: int, spec: ModelSpec) -> None:
    """Refuse what cannot be had, before any work is done for it.

    Raises
    ------
    DataError
        ``predict.reasons``: a number out of range, or a task without Shapley contributions.
    """
    if not 0 <= n_reasons <= MAX_REASONS:
        raise DataError(
            f"{n_reasons} reasons cannot be given.", hint=f"Ask for 0 to {MAX_REASONS}.", code="predict.reasons"
        )
    if n_reasons and spec.task == "multiclass":
        raise DataError(
            "H2O computes reasons for two classes and for numbers only, not for several classes.",
            hint="Score without reasons.",
            code="predict.reasons",
        )


class Reasoner:
    """Asks the engine why rows got their predictions.

    Every method may raise `EngineError` kin.
    """

    def __init__(self, engine: Engine, datasets: Datasets) -> None:
        self._engine = engine
        self._datasets = datasets

    def explain(self, model: StoredModel, typed: pa.Table, raw: pa.Table, n_reasons: int) -> Reasons:
        """Return the reasons of rows that were scored.

        Parameters
        ----------
        typed : Table of shape (n_rows, n_features)
            What was scored.
        raw : Table
            What the model answered.

        Raises
        ------
        DatasetNotFoundError
            If rows of the training data are needed as background and the dataset is gone.

        Notes
        -----
        Trees are asked for TreeSHAP, a GLM's terms are counted from their mean over training rows, and an ensemble of
        such members has theirs, weighted. Other models are compared with training rows on the engine, which takes much
        longer: up to `FEW_ROWS` rows with those that Explain takes, more with `FILE_BACKGROUND_ROWS`; of more than
        `BACKGROUND_MAX_ROWS` rows only the ones with the highest predictions get reasons then.
        """
        spec = model.spec
        is_probability = spec.task == "binary"
        number = None if is_probability else spec.target
        predicted: FloatArray = raw[str(spec.positive) if is_probability else "predict"].to_numpy()
        seen = Sample.of_features(typed, spec)
        if is_without_engine(self._engine, model):
            usual = None if spec.algo in TREES else self._background(model, USUAL_ROWS)
            background = usual.engine_rows() if usual else ()
            found = self._engine.mojos.contributions(model.mojo(), engine_rows(typed, spec.features), background)
            method = mojo_method(spec.algo, usual.n_rows if usual else 0)
            points = to_points(found, predicted, number=number, indicators=seen.indicators)
            return Reasons(
                reason_table(points, seen.table, n_reasons, is_probability=is_probability), method + _usual(points)
            )
        rows = np.sort(np.argsort(-predicted, kind="stable")[:BACKGROUND_MAX_ROWS])
        is_all = len(rows) == len(predicted)
        asked = seen if is_all else replace(seen, table=seen.table.take(pa.array(rows)))
        found, n_background = self._against_background(model, asked)
        points = to_points(found, predicted[rows], number=number, indicators=seen.indicators)
        sentences = reason_table(points, asked.table, n_reasons, is_probability=is_probability)
        method = f"SHAP against a background of {n_background} training rows{_usual(points)}"
        if not is_all:
            method += f", for the {len(rows):,} rows with the highest predictions only"
            sentences = _spread(sentences, rows, len(predicted))
        return Reasons(sentences, method)

    def _background(self, model: StoredModel, n_rows: int | None) -> Sample:
        """Return the first training rows of the sample; None for the ones that Explain compares with."""
        drawn = draw_sample(self._datasets, model.spec, model.held_out_rows)
        return drawn.tail(BACKGROUND_ROWS) if n_rows is None else drawn.head(n_rows)

    def _against_background(self, model: StoredModel, asked: Sample) -> tuple[pa.Table, int]:
        frames = SentFrames(self._engine, self._datasets.settings, model.spec)
        sample = self._background(model, None if asked.n_rows <= FEW_ROWS else FILE_BACKGROUND_ROWS)
        self._engine.ensure_ready()
        try:
            frame, background = frames.send(asked), frames.send(sample)
            key = self._engine.models.load_native(*model.native())
            return self._engine.explanations.contributions(key, frame, background=background), sample.n_rows
        finally:
            frames.close()


def _usual(points: Points) -> str:
    """Say where the reasons of the rows begin."""
    return (
        f", from a usual prediction of {usual_text(float(points.bias.mean()), points.scale)}"
        if len(points.bias)
        else ""
    )


def _spread(table: pa.Table, rows: IntArray, n_rows: int) -> pa.Table:
    """Put rows at their places among all rows; the others are null."""
    places = np.full(n_rows, -1, dtype=np.int64)
    places[rows] = np.arange(len(rows))
    return table.take(pc.if_else(pa.array(places >= 0), pa.array(places), pa.scalar(None, pa.int64())))
