"""A training that can run alone: the champion's settings on newer data, promoted only where it is better."""

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Literal

import pyarrow.parquet as pq

from core.domain.datasets import Dataset
from core.domain.models import METRIC_NAMES, ModelInfo
from core.domain.runs import RunInfo
from core.domain.training import TrainingSettings
from core.errors import AliasMovedError, DataError, ExperimentNotFoundError, RunError
from core.files import scratch
from core.ledger.database import Ledger
from core.metrics.ties import MetricDifference
from core.models.leaderboard import DEFAULT_METRIC, is_lower_better
from core.monitoring.retraining import NO_NEW_ROWS, NewRows, Retrainer
from core.review.checklist import Check, Checklists, is_green
from core.review.reviews import Reviews
from core.scoring.scorer import Scorer
from core.scoring.swap import swap_set
from core.settings import Settings
from core.store.mlflow import Store
from core.wording import alike_texts, list_text, metric_text

Promote = Literal["if-better", "never"]
Train = Callable[[TrainingSettings], RunInfo]
_DONE = "retrain"  # in the audit


@dataclass(frozen=True, kw_only=True)
class Retrained:
    """What came of training an experiment again.

    Attributes
    ----------
    result : str
        ``nothing new`` where nothing was trained; ``promoted``, ``proposed`` (two people are needed) or ``challenger``.
    challenger, run : ModelInfo, RunInfo or None
        The new leader and its run.
    n_trained, n_new, n_compared : int
        Rows that were trained on, rows that the champion had not seen, and those of them that neither model has.
    compared_on : str
        Which rows these are, or why there are none.
    difference : MetricDifference or None
        From the champion to the challenger on these rows, by the usual metric of the task.
    is_better : bool
        Whether the challenger is better beyond chance.
    version : int or None
        The challenger's.
    note : str
        What was written down, in words.
    """

    experiment: str
    champion: ModelInfo
    result: Literal["nothing new", "promoted", "proposed", "challenger"]
    note: str
    challenger: ModelInfo | None = None
    run: RunInfo | None = None
    n_trained: int = 0
    n_new: int = 0
    n_compared: int = 0
    compared_on: str = ""
    difference: MetricDifference | None = None
    is_better: bool = False
    checks: tuple[Check, ...] = ()
    version: int | None = None
    warnings: tuple[str, ...] = ()


class Retraining:
    """Trains an experiment again and compares the new leader with the champion on rows that neither has seen."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        ledger: Ledger,
        retrainer: Retrainer,
        scorer: Scorer,
        reviews: Reviews,
        checklists: Checklists,
    ) -> None:
        self._settings = settings
        self._store = store
        self._ledger = ledger
        self._retrainer = retrainer
        self._scorer = scorer
        self._reviews = reviews
        self._checklists = checklists

    def retrain(
        self, experiment: str, train: Train, *, promote: Promote = "if-better", note: str = "", person: str
    ) -> Retrained:
        """Train on the newest data with the champion's settings; promote the leader where it is better beyond chance.

        Parameters
        ----------
        train : callable
            Trains with settings, waits for the end and returns the run; it raises where that failed.
        promote : str
            ``never`` leaves the new leader as the challenger however good it is.
        note : str
            A person's words, before what was found.

        Raises
        ------
        ExperimentNotFoundError
            If the experiment has no champion (``experiment.none``).
        DatasetNotFoundError, ModelNotFoundError
            If the champion's dataset or files are gone.
        RunError
            If the run was cancelled (``run.cancelled``) or ended without a model (``run.no_models``).
        StoreError, DataError, EngineError
            If something cannot be read, trained on or scored.

        Notes
        -----
        The data is the newest version of the champion's dataset and the rows whose outcome is known. The newest half of
        what the champion has not seen is held out of the training, and both models score it. Without such rows, or with
        an item of the checklist that is not ok, nothing is promoted: the model is the challenger, with a comment. Nor
        is it with the setting `four_eyes`: it is proposed then.
        """
        champion = self._store.champion(experiment)
        if champion is None:
            raise ExperimentNotFoundError(
                f"Experiment {experiment!r} has no champion to train again.",
                hint="Train it once; its leader becomes the champion.",
                code="experiment.none",
            )
        dataset = self._newest_data(champion, person)
        if self._is_done(champion, dataset):
            words = f"Nothing was trained: there is no newer data than {dataset.label}, and no new row with an outcome."
            return Retrained(experiment=experiment, champion=champion, result="nothing new", note=words)
        rows = self._retrainer.hold_out(champion, dataset, person=person)
        run = train(self._retrainer.settings_of(champion, rows.dataset.id))
        if run.status == "cancelled":
            raise RunError(
                "The run was cancelled, so its models are not compared with the champion.",
                hint="Start it again, or compare them under Runs.", code="run.cancelled",
            )  # fmt: skip
        if run.leader_id is None:
            raise RunError(
                "The run ended without a model, so there is nothing to compare.", hint="Start it again.",
                code="run.no_models",
            )  # fmt: skip
        challenger = self._store.resolve(f"models:/{run.leader_id}")
        done = self._decide(champion, challenger, run, rows, promote, note, person)
        detail = {
            "data": dataset.id, "run": run.run_id, "models": [champion.id, challenger.id], "result": done.result,
            "note": done.note,
        }  # fmt: skip
        self._ledger.record(_DONE, experiment, person=person, detail=detail)
        return done

    def _newest_data(self, champion: ModelInfo, person: str) -> Dataset:
        try:
            return self._retrainer.add_outcomes(champion, person=person).dataset
        except DataError as error:
            if error.code != NO_NEW_ROWS:
                raise
            return self._retrainer.newest(champion)

    def _is_done(self, champion: ModelInfo, dataset: Dataset) -> bool:
        """Tell whether the champion was trained on this data, or was compared or won on it before."""
        if self._store.get_run(champion.run_id).settings.dataset_id == dataset.id:
            return True
        last = next(iter(self._ledger.entries(action=_DONE, subject=champion.experiment, limit=1)), None)
        return last is not None and last.detail["data"] == dataset.id and champion.id in last.detail["models"]

    def _decide(
        self,
        champion: ModelInfo,
        challenger: ModelInfo,
        run: RunInfo,
        rows: NewRows,
        promote: Promote,
        note: str,
        person: str,
    ) -> Retrained:
        found, n_compared, reason = self._compare(champion, challenger, rows)
        checks = self._checklists.of(challenger)
        is_better = found is not None and not found.is_tied and is_lower_better(found.metric) == (found.value < 0)
        compared_on = reason or (
            f"the newest {n_compared:,} of {rows.n_new:,} rows that the champion was not trained on, held out of the"
            " new training too"
        )
        own = f"{note.strip().rstrip('.')}. " if note.strip() else ""
        words = f"{own}{_words(found, compared_on, is_better=is_better)} {_checked(checks)}"
        warnings = [challenger.no_better] if challenger.no_better else []
        if rows.n_new == rows.dataset.n_rows + rows.held_out.num_rows:
            warnings.append(
                "No row of this data is among those that the champion was trained on. Where the data was only written"
                " in another way, the champion has seen the rows that were compared."
            )
        result: Literal["promoted", "proposed", "challenger"] = "challenger"
        version = None
        if promote == "if-better" and is_better and is_green(checks):
            if self._settings.four_eyes:
                result = "proposed"
            else:
                try:
                    version = self._reviews.promote(challenger, words, person=person, instead_of=champion.version)
                    result = "promoted"
                except AliasMovedError as error:  # somebody decided meanwhile, and that counts
                    warnings.append(error.message)
        if version is None:
            version = self._reviews.challenge(challenger, person=person)
            say = self._reviews.propose if result == "proposed" else self._reviews.comment
            say(challenger, words, person=person)
        return Retrained(
            experiment=champion.experiment, champion=champion, challenger=challenger, run=run, result=result,
            n_trained=rows.dataset.n_rows, n_new=rows.n_new, n_compared=n_compared, compared_on=compared_on,
            difference=found, is_better=is_better, checks=checks, version=version, note=words,
            warnings=tuple(warnings),
        )  # fmt: skip

    def _compare(
        self, champion: ModelInfo, challenger: ModelInfo, rows: NewRows
    ) -> tuple[MetricDifference | None, int, str]:
        """Return the difference on the rows held out, how many these are, and why there is none."""
        if not rows.held_out.num_rows:
            return None, 0, rows.reason
        metric = DEFAULT_METRIC[champion.task]
        with scratch(self._settings, "again-") as folder:
            path = folder / "held-out.parquet"
            pq.write_table(rows.held_out, path)
            try:
                with closing(self._scorer.open(path, path.name)) as file:
                    swap = swap_set(*self._scorer.score_beside(file, (champion, challenger)))
            except DataError as error:  # other classes, or columns that the champion needs are gone
                return None, 0, f"The models cannot be compared on the newest rows. {error.message}"
        found = next((one for one in swap.differences if one.metric == metric), None)
        if found is None:
            return None, 0, f"{METRIC_NAMES[metric]} cannot be measured on the newest rows."
        return found, swap.n_compared, ""


def _words(found: MetricDifference | None, compared_on: str, *, is_better: bool) -> str:
    if found is None:
        return f"Not compared with the champion. {compared_on}"
    name = METRIC_NAMES[found.metric]
    verdict = "no better than the champion, chance explains the difference"
    if is_better:
        verdict = "better than the champion beyond chance"
    elif not found.is_tied:
        verdict = "worse than the champion beyond chance"
    value, low, high = alike_texts(found.value, found.low, found.high)
    return (
        f"Trained again: {verdict}. {name} {metric_text(found.second)}, the champion's {metric_text(found.first)};"
        f" difference {value} (95% interval {low} to {high}) on {compared_on}."
    )


def _checked(checks: Sequence[Check]) -> str:
    faults = [check.title for check in checks if check.state == "not ok"]
    if not faults:
        return "Nothing in the checklist speaks against it."
    return f"The checklist speaks against it: {list_text(faults)}."
