"""How the models of a leaderboard stand: who is as good as the leader within chance, and who holds what it promised."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from types import MappingProxyType
from typing import Final, Literal

import numpy as np

from core.domain.models import ORIGIN_NAMES, ModelInfo, Origin, metric_in_words, model_name
from core.metrics.predictions import Predictions
from core.metrics.ties import METRICS, Answers, MetricDifference, MetricEstimate, SameRows, is_beyond_chance
from core.models.leaderboard import DEFAULT_METRIC, is_lower_better
from core.models.opened import StoredModel
from core.store.mlflow import Store
from core.wording import alike_texts, metric_text, number_text

State = Literal["leader", "tied", "behind", "ahead", "unknown"]
Names = Mapping[str, str]  # what models are called where their own names do not tell them apart, by id
NO_NAMES: Final[Names] = MappingProxyType({})
MOST_TESTED: Final = 12  # the best of those whose predictions are stored
NOT_STORED: Final = "Its predictions were not stored, so it is not known."
NOT_TESTED: Final = f"Only the best {MOST_TESTED} models with stored predictions are tested."
_TESTED_AS: Final[Mapping[str, str]] = {"aucpr": "average_precision", "mse": "rmse"}
_SIMPLEST: Final[Mapping[str, int]] = {"GLM": 0, "DRF": 1, "XRT": 1, "GBM": 2, "XGBoost": 2, "DeepLearning": 3}
_ENSEMBLE: Final = 4
_WORTH_SAYING: Final = 1.5  # times faster; prediction times of single runs differ by less from one another


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How one model stands.

    Attributes
    ----------
    state : State
        Against the leader: ``ahead`` where it leads beyond chance on the rows that were compared.
    estimates : mapping of Origin to MetricEstimate
        The tested metric with its interval, exact over the stored predictions.
    difference : MetricDifference or None
        From the leader to this model.
    reason : str
        Why it is not known.
    """

    state: State
    estimates: Mapping[Origin, MetricEstimate] = field(default_factory=dict)
    difference: MetricDifference | None = None
    reason: str = ""

    @property
    def gap(self) -> float | None:
        """Holdout minus cross-validation; None where one is not known."""
        if not {"cv", "holdout"} <= self.estimates.keys():
            return None
        return self.estimates["holdout"].value - self.estimates["cv"].value

    @property
    def disagrees(self) -> bool:
        """Whether cross-validation and holdout differ by more than chance."""
        return self.gap is not None and is_beyond_chance(self.estimates["cv"], self.estimates["holdout"])


@dataclass(frozen=True, kw_only=True)
class Standings:
    """How the models of a leaderboard stand against its leader.

    Attributes
    ----------
    metric : str
        The metric tested, without origin.
    origin : Origin or None
        The predictions that the leader was compared on; None when no model has any.
    leader : ModelInfo or None
        The best model whose predictions are stored, no baseline.
    models : mapping of str to Standing
        By model id.
    advised : ModelInfo or None
        A tied model that is simpler or faster than the leader, and not behind it in cross-validation either.
    passed_over : ModelInfo or None
        A tied model that is simpler or faster than the leader, but behind it in cross-validation.
    closest : ModelInfo or None
        The model that differs least from a leader with which none is tied.
    """

    metric: str
    origin: Origin | None = None
    n_rows: int = 0
    leader: ModelInfo | None = None
    models: Mapping[str, Standing] = field(default_factory=dict)
    advised: ModelInfo | None = None
    passed_over: ModelInfo | None = None
    closest: ModelInfo | None = None

    @property
    def n_tied(self) -> int:
        """How many models are as good as the leader within chance."""
        return sum(one.state == "tied" for one in self.models.values())

    def of(self, model: ModelInfo) -> Standing:
        """Return how a model stands."""
        reason = NOT_TESTED if model.has_files and not model.baseline else NOT_STORED
        return self.models.get(model.id, Standing(state="unknown", reason=reason))

    def interval(self, model: ModelInfo, metric: str) -> MetricEstimate | None:
        """Return a metric named by origin with its interval; None where that is not the metric that was tested."""
        origin, _, plain = metric.partition("_")
        return self.of(model).estimates.get(origin) if plain == self.metric else None  # type: ignore[call-overload]

    @property
    def rows_words(self) -> str:
        """The rows that were compared, such as ``"holdout, 1,000 rows"``."""
        return f"{ORIGIN_NAMES[self.origin]}, {self.n_rows:,} rows" if self.origin else ""

    def tested_words(self, models: Sequence[ModelInfo]) -> str:
        """Return the rows that were compared, and how many of the models where not all with files were."""
        n_stored = sum(model.has_files and not model.baseline for model in models)
        n_tested = sum(model.id in self.models and not model.baseline for model in models)
        cut = f": the best {n_tested} of {n_stored} stored models" if n_tested < n_stored else ""
        return f"{self.rows_words}{cut}" if self.origin else ""

    def advice(self, names: Names = NO_NAMES) -> str:
        """Return what the tie test leads to, in a sentence; empty where nothing was compared."""
        if self.leader is None or not any(one.difference for one in self.models.values()):
            return ""
        leader = called(self.leader, names) + (", the champion," if self.leader.is_champion else "")
        if self.advised is None:
            if self.passed_over is not None:
                other, how = called(self.passed_over, names), _better_words(self.passed_over, self.leader)
                tied = f"{other} is {how} and tied with it on the holdout, but behind it in cross-validation"
                return f"Nothing speaks for another model than {called(self.leader, names)}: {tied}."
            if self.n_tied:
                return "None of the models tied with the leader is simpler or clearly faster than it."
            return f"{leader} leads beyond chance: every other model that was compared is behind it."
        advised = called(self.advised, names)
        return f"{advised} is not clearly worse than the leader, and {_better_words(self.advised, self.leader)}."

    def champion_words(self, champion: ModelInfo | None, names: Names = NO_NAMES) -> str:
        """Return how the model in use stands, in a sentence; empty where that is not known."""
        if champion is None or champion.id not in self.models or self.leader is None:
            return ""
        faster = _faster_words(self.leader, champion)
        words: dict[State, str] = {
            "leader": "leads" if self.n_tied else "",  # else the advice says so
            "tied": f"is tied with the leader{f', {called(self.leader, names)}, which is {faster}' if faster else ''}",
            "behind": "is behind the leader, by more than chance",
            "ahead": "is ahead of the leader on these rows, by more than chance",
        }
        found = words.get(self.models[champion.id].state)
        return f"The champion, {called(champion, names)}, {found}." if found else ""

    def evidence(self, names: Names = NO_NAMES) -> str:
        """Return the numbers behind the advice, in words; empty where there is none."""
        about = self.advised or self.closest
        found = self.models[about.id].difference if about else None
        if about is None or found is None:
            return ""
        name = "" if about is self.advised else f"Closest is {called(about, names)}: "
        nor = "; nor is it behind the leader in cross-validation" if about is self.advised else ""
        return f"{name}{difference_words(found)}, {self.rows_words}{nor if self.origin == 'holdout' else ''}"


def difference_words(found: MetricDifference) -> str:
    """Return a difference with its interval in words.

    Examples
    --------
    >>> difference_words(MetricDifference("auc", 0.8523, 0.8512, -0.003, 0.0008))
    'AUC 0.8512 against 0.8523: difference -0.0011, 95% interval -0.0030 to 0.0008'
    """
    name = metric_in_words(found.metric)
    second, first = metric_text(found.second), metric_text(found.first)
    value, low, high = alike_texts(found.value, found.low, found.high)
    return f"{name} {second} against {first}: difference {value}, 95% interval {low} to {high}"


def difference_texts(found: MetricDifference) -> tuple[str, str]:
    """Return a difference with its sign, and its interval.

    Examples
    --------
    >>> difference_texts(MetricDifference("auc", 0.8523, 0.8534, -0.0003, 0.0025))
    ('+0.0011', '-0.0003 to 0.0025')
    """
    value, low, high = alike_texts(found.value, found.low, found.high)
    return f"{'+' if found.value > 0 else ''}{value}", f"{low} to {high}"


def tested_metric(metric: str, model: ModelInfo) -> str:
    """Return the metric that models are compared by when they are sorted by one named by origin."""
    plain = metric.partition("_")[2]
    wanted = _TESTED_AS.get(plain, plain)
    return wanted if wanted in METRICS[model.task] else DEFAULT_METRIC[model.task]


def stand(store: Store, models: Sequence[ModelInfo], metric: str) -> Standings:
    """Compare models with the best of them.

    Parameters
    ----------
    models : sequence of ModelInfo
        Best first, judged on the same rows.
    metric : str
        What they are sorted by, named by origin.

    Notes
    -----
    The holdout counts where the leader has one, else cross-validation; the interval is that of `core.metrics.ties`.
    StoreError if the store cannot be read.
    """
    read = _read(store, models)
    leader = next((model for model in models if model.id in read and not model.baseline), None)
    if leader is None:
        return Standings(metric=tested_metric(metric, models[0]) if models else "")
    name = tested_metric(metric, leader)
    origin: Origin = "holdout" if "holdout" in read[leader.id] else "cv"
    first = read[leader.id][origin]
    found: dict[str, Standing] = {}
    for model in (model for model in models if model.id in read):
        own = read[model.id]
        if model.task != leader.task:
            found[model.id] = Standing(state="unknown", reason="It predicts something else than the leader.")
            continue
        estimates: dict[Origin, MetricEstimate] = {
            at: SameRows([one.answers]).estimate(0, name) for at, one in own.items()
        }
        if model is leader:
            found[model.id] = Standing(state="leader", estimates=estimates)
        elif origin not in own or not own[origin].is_of_the_rows_of(first):
            reason = f"It was judged on other rows than the leader's {ORIGIN_NAMES[origin]}."
            found[model.id] = Standing(state="unknown", estimates=estimates, reason=reason)
        else:
            difference = SameRows([first.answers, own[origin].answers]).difference(0, 1, name)
            found[model.id] = Standing(state=_state(difference), estimates=estimates, difference=difference)
    tied = [model for model in models if model.id in found and found[model.id].state == "tied"]
    behind = {model.id for model in tied if _is_behind(read, leader, model, name)}
    apart = [(abs(one.difference.value), model) for model in models if (one := found.get(model.id)) and one.difference]
    return Standings(
        metric=name, origin=origin, n_rows=len(first.rows), leader=leader, models=found,
        advised=_advise(leader, [model for model in tied if model.id not in behind]),
        passed_over=_advise(leader, [model for model in tied if model.id in behind]),
        closest=None if tied or not apart else min(apart, key=itemgetter(0))[1],
    )  # fmt: skip


def _is_behind(read: "_Answered", leader: ModelInfo, model: ModelInfo, name: str) -> bool:
    """Whether cross-validation, which has more rows than a holdout, shows that a model is behind the leader."""
    first, own = (read[one.id].get("cv") for one in (leader, model))
    if first is None or own is None or not own.is_of_the_rows_of(first):
        return False
    return _state(SameRows([first.answers, own.answers]).difference(0, 1, name)) == "behind"


@dataclass(frozen=True, eq=False)
class ReadAnswers:
    """The stored answers of one model from one origin, and the places of their rows in the dataset."""

    rows: np.ndarray
    answers: Answers

    def among(self, rows: np.ndarray) -> "ReadAnswers":
        """Return those about `rows` only, which are in ascending order and all known here."""
        order = np.argsort(self.rows)
        return ReadAnswers(rows, self.answers.take(order[np.searchsorted(self.rows, rows, sorter=order)]))

    def is_of_the_rows_of(self, other: "ReadAnswers") -> bool:
        """Whether both are about the same rows: the same places, and the same truth there."""
        return np.array_equal(self.rows, other.rows) and np.array_equal(self.answers.truth, other.answers.truth)


_Answered = Mapping[str, Mapping[Origin, ReadAnswers]]


def read_answers(model: StoredModel, origin: Origin) -> ReadAnswers:
    """Read what a model said of the rows of an origin; DataError and StoreError as `StoredModel.predictions`."""
    found: Predictions = model.predictions(origin)
    return ReadAnswers(found.rows, Answers.of(found, model.spec.threshold))


def _read(store: Store, models: Sequence[ModelInfo]) -> dict[str, dict[Origin, ReadAnswers]]:
    """Return the answers of the best models that have any, by model and origin."""
    found: dict[str, dict[Origin, ReadAnswers]] = {}
    for info in (model for model in models if model.has_files):
        if len(found) == MOST_TESTED:
            break
        model = StoredModel(store, info)
        own = {origin: read_answers(model, origin) for origin in model.origins}
        if own:
            found[info.id] = own
    return found


def _state(found: MetricDifference) -> State:
    if not np.isfinite([found.low, found.high]).all():
        return "unknown"
    if found.is_tied:
        return "tied"
    return "behind" if is_lower_better(found.metric) == (found.value > 0) else "ahead"


def _advise(leader: ModelInfo, tied: Sequence[ModelInfo]) -> ModelInfo | None:
    """Return the fastest of the tied models that are simpler or clearly faster than the leader; None without one."""
    times = {one.id: _times_faster(one, leader) for one in tied}
    better = [one for one in tied if _complexity(one) < _complexity(leader) or (times[one.id] or 0.0) > _WORTH_SAYING]
    kept = [one for one in better if (found := times[one.id]) is None or found >= 1]
    # Of models of other runs nobody knows how fast they are beside the leader: they count as being as fast.
    return min(kept, key=lambda one: (-(times[one.id] or 1.0), _complexity(one)), default=None)


def called(model: ModelInfo, names: Names) -> str:
    """Return what a model is called."""
    return names.get(model.id) or model_name(model.model_key)


def _complexity(model: ModelInfo) -> int:
    return _SIMPLEST.get(model.algo, _ENSEMBLE)


def _times_faster(model: ModelInfo, leader: ModelInfo) -> float | None:
    """Return how many times faster a model is; None for models of two runs, timed under another load of the machine."""
    if model.run_id != leader.run_id or not model.predict_time_per_row_s or not leader.predict_time_per_row_s:
        return None
    return leader.predict_time_per_row_s / model.predict_time_per_row_s


def _better_words(model: ModelInfo, leader: ModelInfo) -> str:
    simpler = "simpler" if _complexity(model) < _complexity(leader) else ""
    return " and ".join(filter(None, (_faster_words(model, leader), simpler)))


def _faster_words(model: ModelInfo, leader: ModelInfo) -> str:
    times = _times_faster(model, leader)
    if times is None or times <= _WORTH_SAYING:
        return ""
    return f"{number_text(times, 2) if times < 10 else f'{times:.0f}'} times faster"
