"""What the rest of Bellwether may ask of an engine, and the one noun that only the engine needs."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import pyarrow as pa

from core.domain.datasets import RemoteFrame
from core.domain.models import ModelDetails
from core.domain.runs import AutoMLJob, AutoMLState, EngineMemory, EngineSize, EngineStatus
from core.domain.training import TrainingSettings

Mojo = tuple[Path, str]
"""A stored MOJO: its file and the sha256 that it must have."""


@dataclass(frozen=True)
class BaselineState:
    """A look at a baseline in training: its models so far, the engine's reason when it failed, 0 to 1 as progress."""

    status: Literal["running", "done", "cancelled", "failed"]
    models: tuple[str, ...]
    error: str = ""
    progress: float = 0.0


@dataclass(frozen=True)
class EnsembleMember:
    """A member that an ensemble's metalearner counts in.

    Attributes
    ----------
    key : str
        The model's key.
    algo : str
        H2O's name of its algorithm.
    weight : float
        The metalearner's coefficient.
    """

    key: str
    algo: str
    weight: float


@dataclass(frozen=True)
class Ensemble:
    """How an ensemble's metalearner, a GLM, puts its members together.

    Attributes
    ----------
    members : tuple of EnsembleMember
        Those that count.
    intercept : float
        What is added to the weighted members.
    adds_up : bool
        Whether the members' contributions times their weights, and the intercept, are the ensemble's prediction before
        its link: where each member's add up to what the metalearner is told of it.
    """

    members: tuple[EnsembleMember, ...]
    intercept: float = 0.0
    adds_up: bool = False


class EngineFrames(Protocol):
    """Tables inside the engine, named by their keys.

    Columns and classes may have aliases here; all other facets are asked in people's names, and answer in them.
    """

    def upload(self, csv: Path, columns: Sequence[tuple[str, str]], *, key: str | None = None) -> str:
        """Hand over a headerless CSV file.

        Parameters
        ----------
        csv : Path
            UTF-8, comma, minimal quoting; an empty cell is missing.
        columns : sequence of (str, str)
            Name (an alias where `core.domain.aliases` has one) and type, ``"Numeric"`` or ``"Enum"``, of each column.
        key : str, optional
            The frame's key; a new unique one when omitted.

        Raises
        ------
        EmptyDataError
            If the file has no rows.
        """
        ...

    def relevel(self, frame: str, column: str, first: str) -> str:
        """Copy a frame with `first` as the first level of the category column; return the copy's key."""
        ...

    def download(self, key: str) -> pa.Table:
        """Return a frame: numbers as float64, everything else as string."""
        ...


class EngineAutoML(Protocol):
    """Trainings. What asks for one that is there raises `EngineDiedError` when its engine is gone."""

    def start(
        self,
        frame: str,
        settings: TrainingSettings,
        *,
        features: Sequence[str],
        project: str,
        holdout: str | None,
        blending: str | None = None,
        fold_column: str | None = None,
        classes: Sequence[str] = (),
        target_sd: float | None = None,
    ) -> AutoMLJob:
        """Start a training and return at once.

        Parameters
        ----------
        frame : str
            Key of the training frame; its columns that are neither in `features` nor target, weights or folds are
            ignored.
        project : str
            A name never used before in this engine.
        holdout : str or None
            Key of the frame with held-out rows, only noted in the job: training never sees it.
        blending : str, optional
            Key of the frame that the ensembles are fitted on, instead of cross-validation predictions.
        fold_column : str, optional
            Column of the frame with the number of each row's fold, from 0, instead of `settings.nfolds`.
        classes : sequence of str
            The classes in the frame's order; needed for `settings.class_sampling_factors` only.
        target_sd : float, optional
            Standard deviation of a numeric target, which says how GLMs have to be fitted.
        """
        ...

    def poll(self, job: AutoMLJob, last: AutoMLState | None = None) -> AutoMLState:
        """Return how far a training is. `EngineDiedError` if its engine is gone.

        Parameters
        ----------
        last : AutoMLState, optional
            The last look. While the engine reports no progress its models and events are given again for some seconds,
            which spares a busy engine most of the work of answering.
        """
        ...

    def find(self, job: AutoMLJob) -> AutoMLJob | None:
        """Return a training by its project alone, with its keys; None if none of that project was ever started."""
        ...

    def cancel(self, job: AutoMLJob) -> None:
        """Ask a training to stop; finished models stay. `poll` says when it has."""
        ...

    def leaderboard(self, job: AutoMLJob, *, timed: bool = False) -> pa.Table:
        """Return the leaderboard, best first.

        Parameters
        ----------
        timed : bool
            Measure the prediction times too: each model scores the whole training frame for it, which takes seconds.

        Returns
        -------
        pyarrow.Table
            model_id and algo (string), H2O's metrics and training_time_ms; with `timed` predict_time_per_row_ms
            (float64).
        """
        ...


class EngineBaselines(Protocol):
    """Baselines, trained in AutoML's folds."""

    def start(
        self,
        name: str,
        frame: str,
        settings: TrainingSettings,
        *,
        features: Sequence[str],
        key: str,
        fold_column: str | None = None,
        target_sd: float | None = None,
    ) -> str:
        """Start a baseline in AutoML's folds and return the key of its job at once.

        Parameters
        ----------
        name : str
            ``"GLM"`` or ``"XGBoost"`` of `core.domain.baselines.BASELINES`; the constant predictor needs no engine.
        key : str
            What the model is called, or the search whose models are called so with a number behind.
        frame, features, fold_column, target_sd
            As `EngineAutoML.start` got them.
        """
        ...

    def poll(self, job_key: str, key: str) -> BaselineState:
        """Return how far a baseline, or a model that is built again, is. `EngineDiedError` if its engine is gone."""
        ...

    def cancel(self, job_key: str) -> None:
        """Ask such a job to stop; finished models of a search stay."""
        ...


class EngineModels(Protocol):
    """Models in the engine: what is known of them, their predictions, their files out and in."""

    def details(self, model_key: str) -> ModelDetails:
        """Return what the engine knows of a model."""
        ...

    def holdout_metrics(self, model_key: str, frame: str) -> dict[str, float]:
        """Return a model's metrics on a frame with the target; names as in `ModelDetails`, without origin."""
        ...

    def predict(self, model_key: str, frame: str) -> pa.Table:
        """Score a frame.

        Returns
        -------
        pyarrow.Table
            In the frame's row order: ``predict`` (string for a class, float64 for regression; H2O's own label, not
            Bellwether's; left out where a class is called ``predict``), then one float64 column per class, named like
            the class.
        """
        ...

    def rebuild(self, model_key: str, frame: str, *, key: str) -> str:
        """Start to build a single model again on other rows and return the key of its job at once.

        Nothing is left for the rows to decide but the model itself: it has the parameters of the first one, as many
        trees or epochs, and the penalty that was found for it; no folds and no early stopping. `EngineBaselines.poll`
        and `cancel` take the job.

        Parameters
        ----------
        frame : str
            Key of a frame with the columns that the model was trained on; a column of folds is not needed.
        key : str
            What the new model is called; `core.domain.backtest.rebuilt_key` makes one.

        Raises
        ------
        EngineError
            For an ensemble.
        """
        ...

    def save_mojo(self, model_key: str, path: Path) -> None:
        """Write a model's MOJO to `path` (mode 0600, complete or not at all)."""
        ...

    def save_native(self, model_key: str, path: Path) -> None:
        """Write a model's native binary to `path` (mode 0600, complete or not at all)."""
        ...

    def load_native(self, path: Path, sha256: str) -> str:
        """Load a native binary and return its key, the name the model had when it was trained.

        Raises
        ------
        ModelIntegrityError
            If the file's sha256 is another one; the engine is not asked then.
        ModelIncompatibleError
            If this H2O cannot read it.
        """
        ...


class EngineExplanations(Protocol):
    """What moves the predictions of a model."""

    def contributions(self, model_key: str, frame: str, *, background: str | None = None) -> pa.Table:
        """Return the Shapley contributions to the link-scale prediction.

        Parameters
        ----------
        background : str, optional
            Key of a frame with typical rows; needed for GLM, DeepLearning and ensembles, not used for trees.

        Returns
        -------
        pyarrow.Table
            One float64 column per feature (an alias where it has one: a feature may be called ``BiasTerm`` too) and
            ``BiasTerm``; a row's sum is its prediction before the link. `core.engine.encoded.split_bias` reads it.
        """
        ...


class EngineImports(Protocol):
    """Data that a cluster reads and writes itself, under `BELLWETHER_IMPORT_PREFIXES`; off for our own engine.

    Every method that takes an address raises `DataError` where it is not allowed.
    """

    def read(self, address: str) -> str:
        """Let the cluster read a file or a folder of files, and return the frame's key."""
        ...

    def describe(self, frame: str) -> RemoteFrame:
        """Return what the engine counts of a frame; no row leaves it."""
        ...

    def part(self, frame: str, share: float) -> tuple[str, str]:
        """Part a frame at random, the same data always in the same way: keys of about `share` of it and of the rest."""
        ...

    def save(self, frame: str, path: Path) -> None:
        """Write a frame, a small one, as CSV with a header into a file here."""
        ...

    def as_types(self, frame: str, columns: Sequence[tuple[str, str]]) -> str:
        """Return the key of a frame whose columns are called as said, and are ``"Numeric"`` or ``"Enum"``.

        Where a kind is empty the column stays as it is. The old frame is gone.
        """
        ...

    def predict(
        self, model_key: str, frame: str, *, classes: Sequence[str], threshold: float | None, keep: str | None
    ) -> str:
        """Score a frame inside the cluster and return the key of the result.

        Parameters
        ----------
        classes : sequence of str
            In the order of the model; none for a number.
        threshold : float or None
            From which probability of the second of two classes on it is the label.
        keep : str or None
            A column of the frame that the result begins with, where the frame has it.
        """
        ...

    def export(self, frame: str, address: str) -> None:
        """Let the cluster write a frame as CSV or Parquet, as the ending says; what is there is not replaced."""
        ...


class EngineMojos(Protocol):
    """Stored models, scored without the engine: in a process of its own that no method of another facet needs.

    A MOJO is its file and the sha256 that it must have; rows are what `core.features.engine_input.engine_rows` yields:
    numbers as float64, categories as dictionaries of strings. Every method may raise `ModelIntegrityError` and
    `ModelIncompatibleError` for the file, `EngineError` where H2O refuses the rows, `EngineUnavailableError` without a
    Java, and `ScoringProcessError` when the process died or took too long: that question has failed then, and the next
    one starts a new process.
    """

    def start(self) -> None:
        """Start the process, if it does not run, and return at once; the first question then waits less."""
        ...

    def ensemble(self, mojo: Mojo) -> Ensemble | None:
        """Return how an ensemble is put together; None for other models, and where the metalearner is another one."""
        ...

    def predict(self, mojo: Mojo, rows: Iterable[pa.RecordBatch], *, member: str | None = None) -> pa.Table:
        """Score rows.

        Parameters
        ----------
        member : str, optional
            The key of an ensemble's member, which is asked instead.

        Returns
        -------
        pyarrow.Table
            In the order of the rows one float64 column per class, named like the class; ``predict`` for a number.
        """
        ...

    def contributions(
        self,
        mojo: Mojo,
        rows: Iterable[pa.RecordBatch],
        background: Iterable[pa.RecordBatch] = (),
        *,
        member: str | None = None,
    ) -> pa.Table:
        """Return the Shapley contributions to the link-scale prediction of trees (TreeSHAP) and GLMs (exact).

        Those of an ensemble that adds up (`Ensemble`) are its members' times their weights. EngineError for others.

        Parameters
        ----------
        background : iterable of RecordBatch
            Typical rows, from whose mean a GLM's contributions are counted; not used for trees.
        member : str, optional
            The key of an ensemble's member, which is asked instead.

        Returns
        -------
        pyarrow.Table
            One float64 column per feature (an alias where it has one: a feature may be called ``BiasTerm`` too) and
            ``BiasTerm``; a row's sum is its prediction before the link. `core.engine.encoded.split_bias` reads it.
        """
        ...


class Engine(Protocol):
    """The machine that trains, scores and explains: its life, and seven facets.

    Any thread may call any method at any time, the facets' too. Keys name things inside the engine and die with it.
    Every method may raise `EngineUnavailableError` (cannot be started or reached), `EngineDiedError` or
    `EngineOutOfMemoryError` (its process ended, known at most 5 s later; the next `ensure_ready` starts another one)
    and `EngineError` (it refused or failed, with its own reason in plain words).
    """

    frames: EngineFrames
    automl: EngineAutoML
    baselines: EngineBaselines
    models: EngineModels
    mojos: EngineMojos
    explanations: EngineExplanations
    imports: EngineImports

    def status(self) -> EngineStatus:
        """Return where the engine stands, at once."""
        ...

    def start_in_background(self) -> None:
        """Begin to start the engine and return at once; does nothing when it runs or starts already."""
        ...

    def ensure_ready(self) -> str:
        """Start the engine, or attach to the one of this home, and wait for it.

        Returns
        -------
        str
            The cluster's name, new for each start.
        """
        ...

    def is_alive(self, cluster: str) -> bool:
        """Return whether that very cluster still runs. Starts nothing."""
        ...

    def end_idle(self) -> bool:
        """End an engine that a killed process left behind and that trains nothing; True if one was ended."""
        ...

    def stop(self, *, leave: bool = False) -> None:
        """Let go of the engine; it is ended when no other process of this home uses it and nothing trains in it.

        Parameters
        ----------
        leave : bool
            End it in no case: what it holds is still needed. May be called twice.
        """
        ...

    def has_xgboost(self) -> bool:
        """Return whether XGBoost can be trained here."""
        ...

    def describe(self) -> EngineSize:
        """Return what of the engine decides whether a training gives the same again."""
        ...

    def memory(self) -> EngineMemory | None:
        """Return how much heap is in use; None where no engine is ready, or it does not answer within 2 s."""
        ...

    def delete(self, keys: Iterable[str]) -> None:
        """Remove frames, models or a whole AutoML (its `dest_key`, with all its models); missing keys are fine."""
        ...
