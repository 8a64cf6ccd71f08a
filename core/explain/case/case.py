"""One case: what a model says of a single row, why, and what would change it."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import pyarrow as pa

from core.data.datasets.registry import Datasets
from core.domain.models import ModelSpec
from core.engine.protocol import Engine, EnsembleMember, Mojo
from core.errors import (
    EngineDiedError,
    EngineError,
    EngineUnavailableError,
    ExplanationError,
    ScoringProcessError,
)
from core.explain.asked import BACKGROUND_ROWS, TREES, USUAL_ROWS, WITHOUT_ENGINE, is_without_engine, mojo_method
from core.explain.case.flip import FlipSearch, Progress, find_flips
from core.explain.case.rows import Pick, RawRows, Values, draw_raw, pick_rows, to_table
from core.explain.case.similar import Similar, similar
from core.explain.points import to_points
from core.explain.sample import Sample, SentFrames
from core.explanations.items import Item
from core.explanations.reasons import ENSEMBLE, why_not
from core.explanations.shapes import RowContributions
from core.features.engine_input import engine_rows
from core.features.matching import prepare
from core.metrics.ranking import FloatArray
from core.models.decisions import Decision
from core.models.opened import StoredModel

_SMALL = 1e-12


@dataclass(frozen=True)
class CaseResult:
    """What a model says of one row.

    Attributes
    ----------
    predicted : dict of str to float
        Probability by class, or the number under an empty name; calibrated where the decision says so.
    label : str
        The decision: the class by the threshold (two classes) or the likeliest one; empty for a number.
    remarks : tuple of str
        What of the row could not be used, in words: unseen levels, cells of another type.
    contributions : Item
        Or the reason why there are none; they add up to the prediction before any calibration.
    uncalibrated : dict of str to float
        What the model itself says.
    """

    predicted: Mapping[str, float]
    label: str
    remarks: tuple[str, ...]
    contributions: Item[RowContributions]
    uncalibrated: Mapping[str, float]


@dataclass(frozen=True)
class MemberAnswer:
    """What a member of an ensemble says of one row.

    Attributes
    ----------
    weight : float
        The metalearner's coefficient.
    predicted : float
        The probability of the positive class, or the number.
    contributions : Item
        Of the member alone, or the reason why there are none.
    """

    key: str
    algo: str
    weight: float
    predicted: float
    contributions: Item[RowContributions]


@dataclass(frozen=True)
class Goal:
    """A decision that a person would rather see.

    Attributes
    ----------
    label : str
        A class; empty for a number.
    bound : float
        For a number: what the prediction should be at least, or at most.
    """

    label: str = ""
    bound: float = 0.0
    side: Literal["at least", "at most"] = "at least"


class Case:
    """A model opened to ask about single rows; any thread may ask at any time.

    Opening one may raise `ModelNotFoundError` or `DatasetNotFoundError`, every method `EngineError` kin.

    Parameters
    ----------
    decision : Decision, optional
        How labels are made; by the threshold stored with the model when omitted.

    Notes
    -----
    Predictions, and the contributions of trees, GLMs and ensembles of these, come from the MOJO, as in scoring, and
    need no engine. Contributions of other models come from the native binary against `BACKGROUND_ROWS` training rows;
    the engine keeps that binary and those rows until `close`.
    """

    def __init__(
        self,
        engine: Engine,
        datasets: Datasets,
        model: StoredModel,
        decision: Decision | None = None,
    ) -> None:
        self._engine = engine
        self._datasets = datasets
        self._opened = model
        self.model = model.info
        self.spec = model.spec
        self.decision = decision or Decision(self.spec.threshold, self.spec.threshold_origin)
        self._lock = threading.Lock()
        self._background: tuple[str, str] | None = None  # cluster and frame

    @property
    def needs_engine(self) -> bool:
        """Whether contributions are asked of the engine, which starts it; everything else needs none."""
        return not why_not("contributions", self.spec.task, self.model.algo) and not self._is_without_engine

    @cached_property
    def _is_without_engine(self) -> bool:
        return is_without_engine(self._engine, self._opened)

    @cached_property
    def raw(self) -> RawRows:
        """Training rows with the columns as a person gave them."""
        return draw_raw(self._datasets, self.spec, self._opened.held_out_rows)

    @cached_property
    def picks(self) -> tuple[Pick, ...]:
        """Rows of the data that are worth a look."""
        return pick_rows(self._opened)

    def ask(self, values: Values, *, why: bool = True) -> CaseResult:
        """Return prediction and, when asked why, contributions."""
        typed, remarks = prepare(to_table([values], self.spec.needed), self.spec)
        row = Sample.of_features(typed, self.spec)
        predicted = self._engine.mojos.predict(self._mojo, row.engine_rows())
        contributions = self._contributions(row, predicted) if why else Item[RowContributions]()
        found = self._by_class(self.decision.calibrate(predicted, self.spec))
        return CaseResult(found, self.label(found), remarks, contributions, self._by_class(predicted))

    def members(self, values: Values) -> tuple[MemberAnswer, ...]:
        """Return what each member of an ensemble that counts says of a row, the heaviest first; none of other models.

        Needs no engine.
        """
        if self.model.algo != ENSEMBLE or self.spec.task == "multiclass":
            return ()
        ensemble = self._engine.mojos.ensemble(self._mojo)
        members = sorted(ensemble.members if ensemble else (), key=lambda member: -abs(member.weight))
        row = Sample.of_features(prepare(to_table([values], self.spec.needed), self.spec)[0], self.spec)
        return tuple(self._member(row, member) for member in members)

    def _member(self, row: Sample, member: EnsembleMember) -> MemberAnswer:
        predicted = self._engine.mojos.predict(self._mojo, row.engine_rows(), member=member.key)
        found = Item[RowContributions](reason="H2O's MOJO runtime computes contributions of trees and of GLMs only.")
        if member.algo in WITHOUT_ENGINE:
            table, method = self._from_mojo(row, member.algo, member.key)
            found = Item(row_contributions(table, predicted, row, self.spec), origin="this row", method=method)
        name = str(self.spec.positive) if self.spec.task == "binary" else "predict"
        return MemberAnswer(member.key, member.algo, member.weight, float(predicted[name][0].as_py()), found)

    def close(self) -> None:
        """Take out of the engine what this has put there; the next question puts it there again. Starts no engine."""
        with self._lock:
            background, self._background = self._background, None
        if background is not None and self._engine.is_alive(background[0]):
            self._engine.delete([self.model.model_key, background[1]])

    def _by_class(self, predicted: pa.Table) -> dict[str, float]:
        names = self.spec.classes or ("predict",)
        return {name if self.spec.classes else "": float(predicted[name][0].as_py()) for name in names}

    def label(self, predicted: Mapping[str, float]) -> str:
        """Return the decision on probabilities; empty for a number."""
        spec = self.spec
        if spec.task == "regression":
            return ""
        if spec.task == "binary":
            positive = str(spec.positive)
            negative = next(name for name in spec.classes if name != positive)
            return positive if predicted[positive] >= self.threshold else negative
        return max(predicted, key=lambda name: predicted[name])

    @property
    def threshold(self) -> float:
        """The probability from which the decision is the positive class; for two classes only."""
        return 0.5 if self.decision.threshold is None else self.decision.threshold

    def scores(self, rows: Sequence[Values]) -> pa.Table:
        """Return the predictions of rows, as `EngineMojos.predict` does, calibrated where the decision says so."""
        typed, _ = prepare(to_table(rows, self.spec.needed), self.spec)
        predicted = self._engine.mojos.predict(self._mojo, engine_rows(typed, self.spec.features))
        return self.decision.calibrate(predicted, self.spec)

    def flips(self, values: Values, columns: Sequence[str], goal: Goal) -> FlipSearch:
        """Search for the smallest changes that bring about a decision; see `core.explain.case.flip`.

        ExplanationError if the decision on the row is that already.
        """
        progress = self._progress(goal)
        if progress([values])[0] >= 0:
            raise ExplanationError("This row gets that decision already.", hint="Choose another one.")
        return find_flips(self.raw, values, columns, progress)

    def similar(self, values: Values, *, count: int = 5, leave_out: int = -1) -> Similar:
        """Return the training rows most like a row; see `core.explain.case.similar`."""
        columns = [c.name for c in self.spec.needed.columns if c.type in ("numeric", "date", "category")]
        return similar(self.raw, values, columns, count=count, leave_out=leave_out)

    def _progress(self, goal: Goal) -> Progress:
        def measure(rows: Sequence[Values]) -> FloatArray:
            return self._toward(self.scores(rows), goal)

        return measure

    def _toward(self, table: pa.Table, goal: Goal) -> FloatArray:
        spec = self.spec
        if spec.task == "regression":
            p: FloatArray = table["predict"].to_numpy()
            return p - goal.bound if goal.side == "at least" else goal.bound - p
        if spec.task == "binary":
            over: FloatArray = table[str(spec.positive)].to_numpy() - self.threshold
            # At the threshold itself the decision is the positive class.
            return over if goal.label == spec.positive else np.where(over == 0, -_SMALL, -over)
        wanted: FloatArray = table[goal.label].to_numpy()
        place = spec.classes.index(goal.label)
        leads = [wanted - table[name].to_numpy() for name in spec.classes if name != goal.label]
        # Of equal ones the first in order is taken, so those before it must be left behind.
        leads[:place] = [np.where(lead == 0, -_SMALL, lead) for lead in leads[:place]]
        ahead: FloatArray = np.min(leads, axis=0)
        return ahead

    @cached_property
    def _mojo(self) -> Mojo:
        return self._opened.mojo()

    @cached_property
    def _usual(self) -> Sample:
        """Rows that the row is compared with; for a GLM the ones that scoring takes."""
        n_rows = self.raw.table.num_rows
        first = 0 if self._is_without_engine else max(0, n_rows - BACKGROUND_ROWS)
        return Sample.of_features(prepare(self.raw.table.slice(first, USUAL_ROWS), self.spec)[0], self.spec)

    def _contributions(self, row: Sample, predicted: pa.Table) -> Item[RowContributions]:
        algo = self.model.algo
        if reason := why_not("contributions", self.spec.task, algo):
            return Item(reason=reason)
        try:
            if self._is_without_engine:
                table, method = self._from_mojo(row, algo)
            else:
                table = self._against_background(row)
                method = f"SHAP against a background of {self._usual.n_rows:,} training rows"
        except (EngineDiedError, EngineUnavailableError, ScoringProcessError):
            raise
        except EngineError as error:
            return Item(reason=f"H2O could not compute this for the model: {error.message}")
        return Item(row_contributions(table, predicted, row, self.spec), origin="this row", method=method)

    def _from_mojo(self, row: Sample, algo: str, member: str | None = None) -> tuple[pa.Table, str]:
        """Return the contributions of the model, or of a member of it, and how they were made."""
        usual = None if algo in TREES else self._usual
        background = usual.engine_rows() if usual else ()
        table = self._engine.mojos.contributions(self._mojo, row.engine_rows(), background, member=member)
        return table, mojo_method(algo, usual.n_rows if usual else 0)

    def _against_background(self, row: Sample) -> pa.Table:
        frames = SentFrames(self._engine, self._datasets.settings, self.spec)

        def ask() -> pa.Table:
            background = self._background_frame()  # first of all: it starts an engine that has ended
            key = self._engine.models.load_native(*self._opened.native())
            return self._engine.explanations.contributions(key, frames.send(row), background=background)

        try:
            return ask()
        except (EngineDiedError, EngineUnavailableError):
            raise
        except EngineError:
            # Whoever explained a model meanwhile has taken it, or a member of this one, out of the engine.
            self.close()
            return ask()
        finally:
            frames.close()

    def _background_frame(self) -> str:
        cluster = self._engine.ensure_ready()
        with self._lock:
            if self._background is None or self._background[0] != cluster:
                key = SentFrames(self._engine, self._datasets.settings, self.spec).send(self._usual)
                self._background = (cluster, key)
            return self._background[1]


def row_contributions(table: pa.Table, predicted: pa.Table, row: Sample, spec: ModelSpec) -> RowContributions:
    """Return the contributions to one prediction, the largest first, also in the units people read.

    Parameters
    ----------
    table : Table of one row
        One column per feature and ``BiasTerm``.
    predicted : Table of one row
        The prediction, to tell the scale.
    """
    known = predicted["predict" if spec.task == "regression" else str(spec.positive)].to_numpy()
    number = spec.target if spec.task == "regression" else None
    found = to_points(table, known, number=number, indicators=row.indicators)
    order = found.order()[0]
    texts = {name: row.texts(name)[0] for name in found.features if name in row.schema}
    names = [found.features[place] for place in order]
    return RowContributions(
        scale=found.scale,
        bias=float(found.bias[0]),
        features=tuple(names),
        values=tuple(texts.get(name, "") for name in names),
        contributions=tuple(found.contributions[0, order].tolist()),
        base=float(found.base[0]),
        points=tuple(found.values[0, order].tolist()),
    )
