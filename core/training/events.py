"""H2O's event log in words that a person can use."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from core.domain.models import metric_in_words
from core.wording import number_text

EventKind = Literal["step", "model", "leader", "remark", "end"]
"""Time of day (UTC), stage and message, as `AutoMLState.events` has them."""

_MODEL = r"(?P<model>\S+?)(?:_AutoML_\S+?)?"
_ALGORITHMS: Final = {
    "GLM": "a generalised linear model",
    "GBM": "gradient boosted trees",
    "XGBoost": "gradient boosted trees (XGBoost)",
    "DRF": "a random forest",
    "XRT": "extremely randomised trees",
    "DeepLearning": "a neural network",
    "StackedEnsemble": "an ensemble of the models so far",
}
# Message, kind and words; no words: nothing that a person needs to know.
_RULES: Final[tuple[tuple[re.Pattern[str], EventKind, str], ...]] = tuple(
    (re.compile(pattern), kind, words)  # type: ignore[misc]
    for pattern, kind, words in (
        (r"^AutoML build started", "step", "The training started."),
        (r"^training frame: .*rows: (?P<rows>\d+)", "step", "The engine has the data: {rows} rows."),
        (rf"^AutoML: starting {_MODEL} model training", "model", "Building {model}: {algorithm}."),
        (rf"^AutoML: starting {_MODEL} hyperparameter search", "model", "Searching for better settings: {algorithm}."),
        (rf"^New leader: {_MODEL}, (?P<metric>\w+): (?P<value>\S+)", "leader", "{model} leads now: {metric} {value}."),
        (
            rf"^Retraining best \w+ with learning rate annealing: {_MODEL}$",
            "model",
            "Refining {model}, the best of its kind.",
        ),
        (
            rf"^Applying learning rate search on best XGBoost: {_MODEL}$",
            "model",
            "Refining {model}, the best of its kind.",
        ),
        (r"hit the max_models limit; skipping", "remark", "As many models as were asked for are built."),
        (r"out of time; skipping (?P<what>.+)", "remark", "The time is up: {what} was left out."),
        (r"job cancelled; skipping (?P<what>.+)", "remark", "The training was stopped: {what} was left out."),
        (r"^(?:No base models|Only one base model|Skipping StackedEnsemble 'monotonic')", "step", ""),
        (
            r"Skipping StackedEnsemble '(?P<what>\w+)' since there is only one model",
            "remark",
            "No ensemble: there is only one model to combine.",
        ),
        (
            r"(?P<what>\w+) is not available; skipping it",
            "remark",
            "{what} cannot run on this machine and is left out.",
        ),
        (r"^Disabling Algo: (?P<what>\w+)", "remark", "{what} is left out, as asked."),
        (rf"^(?:.*: )?{_MODEL} (?:\[.*\] )?cancelled$", "remark", "{model} was stopped."),
        (rf"^(?:.*: )?{_MODEL} (?:\[.*\] )?(?:started|complete)$", "step", ""),
        (r"^Built: (?P<count>\d+) models for", "step", "The search built {count} models."),
        (r"^Blending will be used", "step", "The ensembles are fitted on rows that are set aside for it."),
        (r"will be used for cross-validation. nfolds parameter will be ignored", "step", ""),
        (r"^Cross-validation disabled", "remark", "Without cross-validation there are no ensembles."),
        (rf"^(?:.*: )?{_MODEL} (?:\[.*\] )?failed: (?P<reason>.*)", "remark", "{model} could not be built: {reason}"),
        (
            r"^Aborting AutoML after too many consecutive model failures",
            "end",
            "The engine gave up: too many models failed one after another.",
        ),
        (r"^AutoML was not able to build any model within", "end", "No model could be built within the time limit."),
        (
            r"^AutoML build done: built (?P<count>\d+) models",
            "end",
            "The engine is done: it built {count} models besides ensembles.",
        ),
        (r"^AutoML duration:\s*(?P<what>.+?)(?:\.\d+)? sec", "end", "Building them took {what} s."),
        (
            r"^(?:Project|Build control seed|validation frame|leaderboard frame|blending frame: NULL|response column)",
            "step",
            "",
        ),
        (r"^(?:fold column: null|weights column: null|Loading execution steps|AutoML job created)", "step", ""),
        (
            r"^(?:Actual modeling steps|AutoML build stopped|Setting stopping tolerance|Stopping tolerance set)",
            "step",
            "",
        ),
        (r"^(?:Defined work allocations|Actual work allocations|No time limitation for|Time assigned for)", "step", ""),
        (r"^(?:Verifying training frame|Training frame was not mutated|Cleaning up)", "step", ""),
        (r"^blending frame: ", "step", "The rows for blending are there."),
        (r"^fold column: (?P<what>.+)", "step", "The folds come from the column {what}."),
        (r"^weights column: (?P<what>.+)", "step", "Rows count by the column {what}."),
    )
)


@dataclass(frozen=True)
class PlainEvent:
    """Something that happened in a training.

    Attributes
    ----------
    time : str
        Time of day, UTC.
    kind : str
        ``step``, ``model`` (one is begun), ``leader``, ``remark`` or ``end``.
    words : str
        One sentence; may hold names of models and columns, as plain text.
    """

    time: str
    kind: EventKind
    words: str


def plain_events(events: Iterable[Sequence[str]]) -> tuple[PlainEvent, ...]:
    """Return what a person needs to know of an event log, in words.

    A message that is not known is given as it is: nothing that H2O may say new is lost.

    Parameters
    ----------
    events : iterable of (str, str, str)
        Time of day, stage and message, oldest first.

    Examples
    --------
    >>> plain_events([("12:33:56", "ModelTraining", "New leader: GLM_1_AutoML_1_20261124_1, auc: 0.8384290326300011")])
    (PlainEvent(time='12:33:56', kind='leader', words='GLM_1 leads now: AUC 0.8384.'),)
    """
    found: list[PlainEvent] = []
    for time, _, message in events:
        kind, words = _to_words(" ".join(message.split()))
        if words and not (found and found[-1].words == words):
            found.append(PlainEvent(time, kind, words))
    return tuple(found)


def algorithm_words(model: str) -> str:
    """Return what kind of model one is, from its name.

    Examples
    --------
    >>> algorithm_words("GBM_grid_1_AutoML_1_20261124_1_model_2")
    'gradient boosted trees'
    """
    return _ALGORITHMS.get(model.partition("_")[0], "a model")


def _to_words(message: str) -> tuple[EventKind, str]:
    for pattern, kind, words in _RULES:
        match = pattern.search(message)
        if match:
            return kind, words.format(**_facts(match.groupdict()))
    return "remark", message


def _facts(found: dict[str, str | None]) -> dict[str, str]:
    facts = {name: value or "" for name, value in found.items()}
    for name in ("model", "what"):
        if name in facts:
            facts[name] = facts[name].partition("_AutoML_")[0]
    if "model" in facts:
        facts["algorithm"] = algorithm_words(facts["model"])
    if "rows" in facts:
        facts["rows"] = f"{int(facts['rows']):,}"
    if "metric" in facts:
        facts["metric"] = metric_in_words(facts["metric"])
        facts["value"] = number_text(float(facts["value"]))
    return facts
