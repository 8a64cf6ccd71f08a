"""What the rest of Bellwether may ask of an engine, and the one noun that only the engine needs."""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import pyarrow as pa

from core.domain.models import ModelDetails
from core.domain.runs import AutoMLJob, AutoMLState, EngineSize, EngineStatus
from core.domain.training import TrainingSettings


@dataclass(frozen=True)
class PartialDependence:
    """How a model's mean prediction moves with one column, everything else left as it is.

    Attributes
    ----------
    target : str or None
        The class whose probability is meant, for multiclass; None for binary (the second class) and regression.
    values : tuple of float or tuple of str
        What the column was set to: numbers rising, or levels.
    mean, sd, se : tuple of float
        Mean, standard deviation and standard error of the prediction over the rows, one per value.
    """

    column: str
    target: str | None
    values: tuple[float, ...] | tuple[str, ...]
    mean: tuple[float, ...]
    sd: tuple[float, ...]
    se: tuple[float, ...]


@dataclass(frozen=True)
class BaselineState:
    """A look at a baseline in training: its models so far, and the engine's own reason when it failed."""

    status: Literal["running", "done", "cancelled", "failed"]
    models: tuple[str, ...]
    error: str = ""


class EngineFrames(Protocol):
    """Tables inside the engine, named by their keys."""

    def upload(self, csv: Path, columns: Sequence[tuple[str, str]], *, key: str | None = None) -> str:
        """Hand over a headerless CSV file.

        Parameters
        ----------
        csv : Path
            UTF-8, comma, minimal quoting; an empty cell is missing.
        columns : sequence of (str, str)
            Name and type, ``"Numeric"`` or ``"Enum"``, of each column.
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
    ) -> str:
        """Start a baseline in AutoML's folds and return the key of its job at once.

        Parameters
        ----------
        name : str
            ``"GLM"`` or ``"XGBoost"`` of `core.domain.baselines.BASELINES`; the constant predictor needs no engine.
        key : str
            What the model is called, or the search whose models are called so with a number behind.
        frame, features, fold_column
            As `EngineAutoML.start` got them.
        """
        ...

    def poll(self, job_key: str, key: str) -> BaselineState:
        """Return how far a baseline is. `EngineDiedError` if its engine is gone."""
        ...

    def cancel(self, job_key: str) -> None:
        """Ask a baseline to stop; finished models of a search stay."""
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
            Bellwether's), then one float64 column per class, named like the class.
        """
        ...

    def save_mojo(self, model_key: str, path: Path) -> None:
        """Write a model's MOJO to `path` (mode 0600, complete or not at all)."""
        ...

    def save_native(self, model_key: str, path: Path) -> None:
        """Write a model's native binary to `path` (mode 0600, complete or not at all)."""
        ...

    def hold_mojo(self, path: Path, sha256: str) -> AbstractContextManager[str]:
        """Load a MOJO, give its model key and keep it loaded for the block; the same file is loaded once.

        Of the MOJOs that nobody holds the 16 used last stay loaded. Raises what `load_mojo` raises.
        """
        ...

    def load_mojo(self, path: Path, sha256: str) -> str:
        """Load a MOJO and return its model key, which is good for ten minutes after; the same file is loaded once.

        Raises
        ------
        ModelIntegrityError
            If the file's sha256 is another one; the engine is not asked then.
        ModelIncompatibleError
            If this H2O cannot read it.
        """
        ...

    def load_native(self, path: Path, sha256: str) -> str:
        """Load a native binary (its key is the model's own name); errors as in `load_mojo`."""
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
            One float64 column per feature and ``BiasTerm``; a row's sum is its prediction before the link.
        """
        ...

    def permutation_importance(self, model_key: str, frame: str, *, seed: int) -> tuple[tuple[str, float], ...]:
        """Return the features with their permutation importance scaled to 0-1, largest first. Not for loaded MOJOs."""
        ...

    def partial_dependence(
        self, model_key: str, frame: str, columns: Sequence[str], *, n_bins: int, targets: Sequence[str] = ()
    ) -> tuple[PartialDependence, ...]:
        """Return the partial dependence of each column (and each of `targets`, for multiclass).

        A category column takes its `n_bins` most frequent levels of the frame.
        """
        ...


class Engine(Protocol):
    """The machine that trains, scores and explains: its life, and five facets.

    Any thread may call any method at any time, the facets' too. Keys name things inside the engine and die with it.
    Every method may raise `EngineUnavailableError` (cannot be started or reached), `EngineDiedError` or
    `EngineOutOfMemoryError` (its process ended, known at most 5 s later; the next `ensure_ready` starts another one)
    and `EngineError` (it refused or failed, with its own reason in plain words).
    """

    frames: EngineFrames
    automl: EngineAutoML
    baselines: EngineBaselines
    models: EngineModels
    explanations: EngineExplanations

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

    def delete(self, keys: Iterable[str]) -> None:
        """Remove frames, models or a whole AutoML (its `dest_key`, with all its models); missing keys are fine."""
        ...
