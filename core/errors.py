"""Every error Bellwether raises on purpose, in one tree.

An `AppError` is safe to show: `message` says what happened, `hint` says what to do, `code` is stable and documented in
`docs/errors.md`. The technical cause is chained with ``raise ... from`` and goes to the log only. Anything that is not
an `AppError` is a bug and is shown with a reference number.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar, TypedDict


class Failure(TypedDict):
    """What is stored of an error."""

    code: str
    message: str
    hint: str


class AppError(Exception):
    """Base of all expected errors.

    Parameters
    ----------
    message : str
        What happened, in one sentence, safe to show to any user.
    hint, code : str, optional
        What the person can do about it, and a stable code such as ``"file.empty"``; those of the class when omitted.
    """

    default_code: ClassVar[str] = "app.error"
    default_hint: ClassVar[str] = "Try again; if it happens again, look at the application log."

    def __init__(self, message: str, *, hint: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint or self.default_hint
        self.code = code or self.default_code

    def to_dict(self) -> dict[str, Any]:
        """Return the error as the one JSON shape used over HTTP: ``code``, ``message``, ``hint``."""
        return {"code": self.code, "message": self.message, "hint": self.hint}


class SettingsError(AppError, ValueError):
    """A setting has a value that cannot be used."""

    default_code = "settings.invalid"
    default_hint = "Correct the environment variable and start again; docs/settings.md lists them all."


class SettingMovedError(SettingsError):
    """Somebody else has changed the same setting meanwhile."""

    default_code = "settings.moved"
    default_hint = "Look at the value that there is now, then decide again."


class DataError(AppError, ValueError):
    """The data cannot be used as asked."""

    default_code = "data.invalid"
    default_hint = "Check the file and try again."


class UnsupportedFileError(DataError):
    """The file is of a kind that Bellwether does not read."""

    default_code = "file.unsupported"
    default_hint = "Use CSV, TSV, a gzip of either, xlsx, xls, ods, Parquet, or a zip of one of them."


class FileTooLargeError(DataError):
    """The file is over a stated limit."""

    default_code = "file.too_large"
    default_hint = "Split the file, or raise the limit (docs/settings.md)."


class UnreadableFileError(DataError):
    """The file's content cannot be read as what its name says."""

    default_code = "file.unreadable"
    default_hint = "Open the file in the program that made it and save it again."


class DatasetQuotaError(DataError):
    """There are as many datasets as the settings allow."""

    default_code = "dataset.quota"
    default_hint = "Delete a dataset that nobody needs, or raise BELLWETHER_MAX_DATASETS."


class EmptyDataError(DataError):
    """The file has no rows or no columns."""

    default_code = "file.empty"
    default_hint = "The file needs one header row and at least one row of data."


class TargetError(DataError):
    """The chosen target cannot be predicted."""

    default_code = "target.invalid"
    default_hint = "Choose another target column, or fix this one."


class TrainingSettingsError(DataError):
    """A training option is out of range, or options do not go together."""

    default_code = "training.invalid"
    default_hint = "Change the option named and start again."


class SchemaMismatchError(DataError):
    """A file to score does not have the columns that the model needs.

    Attributes
    ----------
    missing : tuple of str
        Needed columns that are not there.
    unexpected : tuple of str
        Columns that the model does not know.
    """

    default_code = "schema.mismatch"
    default_hint = "Add the missing columns, or rename the ones that are spelled differently."

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        code: str | None = None,
        missing: tuple[str, ...] = (),
        unexpected: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message, hint=hint, code=code)
        self.missing = missing
        self.unexpected = unexpected


class UnfitFileError(SchemaMismatchError):
    """The check before scoring is red: the file does not fit; `findings` has the worst first, as plain data."""

    default_code = "predict.unfit"
    default_hint = "Fix what the findings marked red say, then send the file again."

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        code: str | None = None,
        missing: tuple[str, ...] = (),
        unexpected: tuple[str, ...] = (),
        findings: tuple[dict[str, Any], ...] = (),
    ) -> None:
        super().__init__(message, hint=hint, code=code, missing=missing, unexpected=unexpected)
        self.findings = findings

    def to_dict(self) -> dict[str, Any]:
        """Return ``code``, ``message``, ``hint`` and ``findings``."""
        return {**super().to_dict(), "findings": list(self.findings)}


class RecipeError(DataError):
    """A recipe cannot be read, or its step `step` (from 0; None: the whole recipe) does not fit the data."""

    default_code = "recipe.invalid"
    default_hint = "Fix the step named, switch it off or remove it; docs/recipe.md says what each step takes."

    def __init__(
        self, message: str, *, hint: str | None = None, code: str | None = None, step: int | None = None
    ) -> None:
        super().__init__(message, hint=hint, code=code)
        self.step = step


class RecipeNotFoundError(RecipeError, LookupError):
    """No recipe has this name, or it has no such version."""

    default_code = "recipe.not_found"
    default_hint = "Pick a recipe from the list on the Prepare page."


class DatasetNotFoundError(DataError, LookupError):
    """No dataset has this id or name."""

    default_code = "dataset.not_found"
    default_hint = "Pick a dataset from the list on the Data page."


class DatasetInUseError(DataError):
    """A dataset cannot be deleted because a run was trained on it."""

    default_code = "dataset.in_use"
    default_hint = "Delete the run first, or keep the dataset."


class EngineError(AppError, RuntimeError):
    """The H2O engine failed."""

    default_code = "engine.failed"
    default_hint = "Try again; the engine's log says more: in mlruns/engine/, or on the nodes of a cluster."


class EngineUnavailableError(EngineError):
    """The engine cannot be started or reached."""

    default_code = "engine.unavailable"
    default_hint = "Run `python -m core doctor` to see what is missing."


class EngineDiedError(EngineError):
    """The engine's process ended while it was needed; its `exit_code` is None when it is not known."""

    default_code = "engine.died"
    default_hint = "Start again: a new engine is started automatically. Models that were finished are kept."

    def __init__(self, message: str, *, exit_code: int | None = None, **told: str | None) -> None:
        super().__init__(message, **told)
        self.exit_code = exit_code


class EngineOutOfMemoryError(EngineDiedError):
    """The engine ran out of memory."""

    default_code = "engine.out_of_memory"
    default_hint = "Raise BELLWETHER_H2O_MEMORY, use fewer rows or columns, or connect a larger cluster."


class ScoringProcessError(EngineError):
    """The process that scores ended, or took too long; nothing else was touched."""

    default_code = "scoring.process"
    default_hint = "Score again: a new process is started automatically. Its log is mlruns/engine/scoring.log."


class RunError(AppError):
    """A run cannot be started, found or finished."""

    default_code = "run.failed"


class RunNotFoundError(RunError, LookupError):
    """No run has this id."""

    default_code = "run.not_found"
    default_hint = "Pick a run from the Runs page."


class QueueFullError(RunError):
    """The queue of runs is at its limit."""

    default_code = "queue.full"
    default_hint = "Wait for a run to finish, or cancel one; BELLWETHER_MAX_QUEUE raises the limit."


class RunInterruptedError(RunError):
    """What was running the run ended before the run did."""

    default_code = "run.interrupted"
    default_hint = "Start it again. Models that were finished are kept."


class ScoringError(AppError):
    """A scoring cannot be taken in, found or finished."""

    default_code = "scoring.failed"


class ScoringNotFoundError(ScoringError, LookupError):
    """No scoring has this id, or its result is no longer kept."""

    default_code = "scoring.not_found"
    default_hint = "Pick one from the history on the Predict page."


class ScoringsFullError(ScoringError):
    """As many scorings as allowed wait already."""

    default_code = "scoring.queue_full"
    default_hint = "Wait for one to finish, or cancel one; BELLWETHER_MAX_SCORINGS raises the limit."


class ExperimentNotFoundError(RunError, LookupError):
    """No experiment has this name, or the experiment has to be named."""

    default_code = "experiment.not_found"
    default_hint = "Name one of the experiments on the Runs page."


class ModelError(AppError):
    """A stored model cannot be used."""

    default_code = "model.failed"


class ModelNotFoundError(ModelError, LookupError):
    """No stored model answers to this URI."""

    default_code = "model.not_found"
    default_hint = "Use models:/NAME@champion, models:/NAME/VERSION or models:/m-ID; the Leaderboard page lists them."


class ForeignModelError(ModelNotFoundError):
    """A registered version is of another tool: there is nothing of it that Bellwether can score with."""

    default_code = "model.foreign"
    default_hint = "Open it with MLflow, or promote one of Bellwether's own models on the leaderboard."


class AliasMovedError(ModelError):
    """Somebody else has made another version the champion meanwhile.

    Attributes
    ----------
    now, seen : int or None
        The version that is the champion, and the one that was when the person looked.
    """

    default_code = "model.alias_moved"
    default_hint = "Look at the champion that there is now, then decide again."

    def __init__(self, experiment: str, now: int | None, seen: int | None) -> None:
        known = f"Version {now} is the champion of {experiment} now" if now else f"{experiment} has no champion now"
        before = f"version {seen}" if seen else "none"
        super().__init__(f"{known}; it was {before} when you looked. Nothing was changed.")
        self.now, self.seen = now, seen


class ReviewError(ModelError):
    """A review or a promotion lacks something that a team has agreed on."""

    default_code = "review.refused"
    default_hint = "Say why, and who you are."


class ModelIntegrityError(ModelError):
    """A stored model's file is not the one that was saved."""

    default_code = "model.tampered"
    default_hint = "Restore the file from a backup, or train again. Nothing was scored."


class ModelIncompatibleError(ModelError):
    """A stored model cannot be opened by this version of H2O."""

    default_code = "model.incompatible"
    default_hint = "Install the H2O version named, or train again."


class ModelInUseError(ModelError):
    """A run cannot be deleted because one of its models is in use."""

    default_code = "model.in_use"
    default_hint = "Archive the run instead: it is out of the way, and its models go on scoring."


class ExplanationError(ModelError):
    """An explanation is not available; the message says why."""

    default_code = "explanation.unavailable"
    default_hint = "Pick another model or another explanation."


class StoreError(AppError, OSError):
    """What is stored cannot be read or written."""

    default_code = "store.failed"

    # OSError.__str__ formats errno pairs; an AppError always prints its message.
    def __str__(self) -> str:
        return self.message


class StoreBusyError(StoreError):
    """Another process holds the store."""

    default_code = "store.busy"
    default_hint = "Wait a moment and try again."


class DiskFullError(StoreError):
    """There is too little disk space."""

    default_code = "disk.full"
    default_hint = "Free some space, then try again. Nothing half-written was left."


class StoreCorruptError(StoreError):
    """A database or an artifact is damaged."""

    default_code = "store.corrupt"
    default_hint = (
        "Stop Bellwether and run: python -m core restore latest (it takes the newest whole copies in mlruns/backups)."
    )


class RequestError(AppError, ValueError):
    """An HTTP request is not in a form that is answered."""

    default_code = "request.invalid"
    default_hint = "Send the file as the multipart field 'file', as in: curl -F file=@customers.csv URL"


class TooBusyError(AppError):
    """More is asked for at once than the settings allow."""

    default_code = "request.too_many"
    default_hint = "Wait a few seconds and send it again; BELLWETHER_MAX_HTTP_SCORINGS raises the limit."


class PermissionDeniedError(AppError, PermissionError):
    """The person may not do this."""

    default_code = "access.denied"
    default_hint = "Ask an administrator for the role that may."

    def __str__(self) -> str:
        return self.message


class SignInError(PermissionDeniedError):
    """It is not known who asks."""

    default_code = "access.sign_in"
    default_hint = "Send a token as `Authorization: Bearer TOKEN`; an administrator creates one on the Settings page."


class TokenNotFoundError(AppError, LookupError):
    """No token has this id."""

    default_code = "token.not_found"
    default_hint = "`python -m core token list` lists them."


class ScoringCancelled(Exception):
    """Control signal inside a scoring: somebody cancelled it. Not an error."""


class RunCancelled(Exception):
    """Control signal inside training: somebody cancelled the run. Not an error."""


@contextmanager
def translate(rules: Mapping[type[Exception], type[AppError]], message: str) -> Iterator[None]:
    """Turn a library's exceptions into ours at a border; the most specific rule wins.

    Parameters
    ----------
    rules : mapping of exception type to AppError type
        What to catch and what to raise instead. An `AppError` passes through untouched.
    message : str
        What was being done, in one sentence safe to show.

    Raises
    ------
    AppError
        Of the type that the most specific matching rule names, chained to the original.
    """
    try:
        yield
    except AppError:
        raise
    except tuple(rules) as error:
        match = next(rules[kind] for kind in type(error).__mro__ if kind in rules)
        raise match(message) from error
