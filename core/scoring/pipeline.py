"""From rows set against a model to a result: what the engine gets, what it answers, and what is said of it."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pyarrow as pa

from core.data.datasets.registry import Datasets
from core.data.drift.compare import Drift
from core.engine.protocol import Engine
from core.features.actual import look_at_actual
from core.features.checking import FileCheck, refuse_red
from core.features.engine_input import engine_rows
from core.features.matching import prepare_packed
from core.ledger.scoring_records import ScoringRequest
from core.metrics.labels import result_columns
from core.models.decisions import Decision
from core.scoring.columns import (
    file_metrics,
    interval_columns,
    leading_score,
    rank_rows,
    read_intervals,
    side_by_side,
)
from core.scoring.kept.summary import quick_drift
from core.scoring.opened import FittedRows
from core.scoring.reasons import Reasoner, Reasons
from core.scoring.result import Scored


class Clock:
    """Seconds per step.

    Parameters
    ----------
    on_step : callable, optional
        Told each step when it first begins; may end the work by an exception.
    """

    def __init__(self, on_step: Callable[[str], None] | None = None) -> None:
        self.seconds: dict[str, float] = {}
        self._on_step = on_step
        self._begun = time.monotonic()

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Count the time of the block for a step."""
        if self._on_step is not None and name not in self.seconds:  # one taken up again would set the progress back
            self._on_step(name)
        begun = time.monotonic()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.monotonic() - begun

    def stop(self) -> None:
        """Note the time of it all."""
        self.seconds["total"] = time.monotonic() - self._begun


class Pipeline:
    """Scores rows that are set against a model.

    Parameters
    ----------
    datasets, engine
        The services it works with.
    """

    def __init__(self, datasets: Datasets, engine: Engine) -> None:
        self._engine = engine
        self._reasoner = Reasoner(engine, datasets)

    def run(
        self, fitted: FittedRows, checked: FileCheck | None, decision: Decision, request: ScoringRequest, clock: Clock
    ) -> tuple[Scored, Drift | None]:
        """Return the result, and the drift of the features against the training rows.

        Parameters
        ----------
        checked : FileCheck or None
            What was found in the rows, where somebody wants to know.

        Raises
        ------
        AppError
            As `core.scoring.scorer.Scorer.score`.
        """
        model, spec = fitted.model, fitted.model.spec
        if checked is not None and request.checked:
            refuse_red(checked)
        raw, why, warnings = self._predict(fitted, request.reasons, clock)
        with clock.step("check"):
            drift = checked.drift if checked else quick_drift(fitted.named, fitted.spec, model.reference)
        with clock.step("predict"):
            raw = decision.calibrate(raw, spec)
            tables = [result_columns(raw, spec, decision.threshold)]
            intervals = read_intervals(model) if request.details else None
            if intervals is not None:
                tables.append(interval_columns(intervals, raw))
            if request.details:
                tables.append(rank_rows(leading_score(tables[0], spec)))
            if request.details and checked is not None and checked.notes is not None:
                tables.append(checked.notes.trust(fitted.named))
            if why is not None:
                tables.append(why.table)
            actual = look_at_actual(fitted.named, fitted.spec)
            if actual is not None:
                said = (actual.words(spec), actual.weights_words(spec) if actual.n_compared else "")
                warnings = (*warnings, *(text for text in said if text))
            metrics = file_metrics(actual, raw, spec, decision.threshold)
        scored = Scored(
            model=model.info,
            spec=spec,
            decision=decision,
            source=fitted.source,
            results=side_by_side(tables),
            warnings=(*fitted.notes, *warnings),
            metrics=metrics,
            actual=actual.values if actual and metrics else None,
            is_weighted=actual is not None and actual.weights is not None,
            check=None if checked is None else replace(checked, notes=None),
            renamed=fitted.renamed,
            intervals=intervals,
            reasons_method=why.method if why else "",
            seconds=clock.seconds,
        )
        return scored, drift

    def _predict(
        self, fitted: FittedRows, n_reasons: int, clock: Clock
    ) -> tuple[pa.Table, Reasons | None, tuple[str, ...]]:
        """Return the model's answer, the reasons where they are wanted, and what was emptied or ignored."""
        model = fitted.model
        with clock.step("check"):
            typed, warnings = prepare_packed(fitted.named, fitted.spec, fitted.read)
        with clock.step("predict"):
            raw = self._engine.mojos.predict(model.mojo(), engine_rows(typed, model.spec.features))
        if not n_reasons:
            return raw, None, warnings
        with clock.step("reasons"):
            return raw, self._reasoner.explain(model, typed.table(), raw, n_reasons), warnings
