"""What a backtest says: each model's metric over time, beside what cross-validation and the holdout said, in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import sqrt
from statistics import mean, stdev

from core.domain.backtest import Backtest, Period
from core.domain.baselines import BASELINE_NAMES, CONSTANT
from core.domain.models import ModelInfo, metric_in_words, model_name
from core.domain.training import TrainingSettings
from core.models.leaderboard import DEFAULT_METRIC, is_lower_better, ranking_metric
from core.wording import count_text, day_text, metric_text, number_text


@dataclass(frozen=True, kw_only=True)
class BacktestLine:
    """A model's metric over the steps of a backtest.

    Attributes
    ----------
    name : str
        The model in plain words.
    values : tuple of float or None
        One for each step, oldest first; None where it was not judged.
    cv, holdout : float or None
        What cross-validation and the held-out rows said of the model that was trained on all training rows.
    """

    key: str
    name: str
    values: tuple[float | None, ...]
    cv: float | None = None
    holdout: float | None = None

    @property
    def known(self) -> tuple[float, ...]:
        """The values that there are."""
        return tuple(value for value in self.values if value is not None)

    @property
    def mean(self) -> float | None:
        """Mean over the steps, each counted once."""
        return mean(self.known) if self.known else None

    @property
    def sd(self) -> float | None:
        """Standard deviation over the steps; None with fewer than two."""
        return stdev(self.known) if len(self.known) > 1 else None


@dataclass(frozen=True, kw_only=True)
class BacktestView:
    """A backtest by the metric that the run is ranked by.

    Attributes
    ----------
    metric : str
        Its name, without an origin.
    lines : tuple of BacktestLine
        The models that were judged at least once, the most important one first, the constant predictor last.
    """

    backtest: Backtest
    metric: str
    lines: tuple[BacktestLine, ...]

    @property
    def main(self) -> BacktestLine | None:
        """The most important model that was judged; None where none was."""
        return next((line for line in self.lines if line.key != CONSTANT), None)


def view_backtest(
    found: Backtest, models: Sequence[ModelInfo], constant: Mapping[str, float], settings: TrainingSettings
) -> BacktestView:
    """Put a backtest beside what is known of its models.

    Parameters
    ----------
    models : sequence of ModelInfo
        Those of the run.
    constant : mapping of str to float
        What the constant predictor scores (`core.domain.runs.RunInfo.constant`), named by origin.
    """
    metrics = {model.model_key: model.metrics for model in models} | {CONSTANT: constant}
    judged = {name for step in found.steps for key, own in step.metrics.items() if key != CONSTANT for name in own}
    metric = ranking_metric(settings).removeprefix("cv_")
    if metric not in judged:
        metric = DEFAULT_METRIC[settings.task]
    lines = tuple(
        BacktestLine(
            key=key,
            name=BASELINE_NAMES[CONSTANT] if key == CONSTANT else model_name(key),
            values=tuple(step.metrics.get(key, {}).get(metric) for step in found.steps),
            cv=metrics.get(key, {}).get(f"cv_{metric}"),
            holdout=metrics.get(key, {}).get(f"holdout_{metric}"),
        )
        for key in found.models
    )
    return BacktestView(backtest=found, metric=metric, lines=tuple(line for line in lines if line.known))


def metric_words(view: BacktestView) -> str:
    """Return the metric in words."""
    return metric_in_words(view.metric)


def moment_text(value: float, *, is_date: bool) -> str:
    """Return a time of a backtest in words.

    Examples
    --------
    >>> moment_text(1711843200000.0, is_date=True), moment_text(2024.0, is_date=False)
    ('31 Mar 2024', '2024')
    """
    if is_date:
        return day_text(datetime.fromtimestamp(value / 1000, UTC))
    return f"{value:.0f}" if float(value).is_integer() else number_text(value)


def period_text(period: Period, *, is_date: bool) -> str:
    """Return a stretch of time in words, such as ``1 Apr 2024 to 30 Apr 2024``."""
    first, last = (moment_text(end, is_date=is_date) for end in (period.first, period.last))
    return first if first == last else f"{first} to {last}"


def backtest_words(view: BacktestView) -> tuple[str, ...]:
    """Say what a backtest means: the latest step, all steps against the other origins, and what has to be known."""
    found, main = view.backtest, view.main
    said = [] if main is None else [_latest_words(view, main), _verdict(view, main), _better(view, main)]
    if main is not None and main.key != found.leader:
        said.append(_not_the_leader(found, main))
    if found.ended:
        said.append(f"It ended early. {found.ended}")
    if found.has_recipe:
        said.append(
            "The recipe was fitted once, on all training rows: its medians, levels and shares know the inputs of later"
            " rows, never their targets."
        )
    return tuple(one for one in said if one)


def step_notes(view: BacktestView) -> tuple[str, ...]:
    """Say of each step that lacks something what and why."""
    found, notes = view.backtest, []
    for step in found.steps:
        where = period_text(step.judged, is_date=found.is_date)
        if step.skipped:
            notes.append(f"{where}: skipped. {step.skipped}")
        elif not step.metrics:
            notes.append(f"{where}: not reached.")
        notes += [f"{where}, {model_name(key)}: {why}" for key, why in step.missing.items()]
    return tuple(notes)


def backtest_table(view: BacktestView) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """Return the numbers of a backtest as text: each step, then mean and spread, then what the other origins said.

    Returns
    -------
    head : tuple of str
        Four columns of words, then one for each model.
    rows : tuple of tuple of str
    """
    found, name = view.backtest, metric_words(view)
    head = ("Judged on", "Rows", "Learned up to", "From rows", *(f"{line.name} · {name}" for line in view.lines))
    rows = [
        (
            period_text(step.judged, is_date=found.is_date),
            f"{step.judged.n_rows:,}",
            moment_text(step.learned.last, is_date=found.is_date),
            f"{step.learned.n_rows:,}",
            *(metric_text(line.values[place]) for line in view.lines),
        )
        for place, step in enumerate(found.steps)
    ]
    means, spreads = ([getattr(line, part) for line in view.lines] for part in ("mean", "sd"))
    rows += [
        ("Mean of the backtest", "", "", "", *map(metric_text, means)),
        ("Spread of the backtest", "", "", "", *map(metric_text, spreads)),
        ("Cross-validation", "", "", "", *(metric_text(line.cv) for line in view.lines)),
    ]
    if found.holdout is not None:
        where = f"Holdout, {period_text(found.holdout, is_date=found.is_date)}"
        held = (metric_text(line.holdout) for line in view.lines)
        rows.append((where, f"{found.holdout.n_rows:,}", "", "", *held))
    return head, tuple(rows)


def _latest_words(view: BacktestView, main: BacktestLine) -> str:
    found = view.backtest
    place = max(number for number, value in enumerate(main.values) if value is not None)
    step = found.steps[place]
    least = next((line.values[place] for line in view.lines if line.key == CONSTANT), None)
    beside = "" if least is None else f", a constant predictor {metric_text(least)}"
    return (
        f"{main.name}, built again on the rows up to {moment_text(step.learned.last, is_date=found.is_date)} and judged"
        f" on {period_text(step.judged, is_date=found.is_date)}: {metric_words(view)}"
        f" {metric_text(main.values[place])}{beside} (backtest)."
    )


def _verdict(view: BacktestView, main: BacktestLine) -> str:
    steps, average, sd = len(main.known), main.mean, main.sd
    spread = "" if sd is None else f" ± {number_text(sd, 2)}"
    words = f"Mean of {count_text(steps, 'step')} forward: {metric_text(average)}{spread}." if steps > 1 else ""
    if main.cv is not None:
        words += f" Cross-validation said {metric_text(main.cv)}: {_against_cv(view.metric, main, main.cv)}"
    if main.holdout is not None:
        words += f" The holdout after it: {metric_text(main.holdout)}."
    return words.strip()


def _against_cv(metric: str, main: BacktestLine, cv: float) -> str:
    """Judge cross-validation by the steps: it is too hopeful where it beats all of them, by more than their spread."""
    if main.mean is None or main.sd is None:
        return "one step alone does not tell whether that is too hopeful."
    sign = -1 if is_lower_better(metric) else 1
    gap, error = sign * (cv - main.mean), main.sd / sqrt(len(main.known))
    if gap > 2 * error and all(sign * cv > sign * value for value in main.known):
        return "better than every step, so likely too hopeful for what comes next."
    if gap < -2 * error:
        return "no better than the steps, so not too hopeful."
    return "within what the steps show."


def _better(view: BacktestView, main: BacktestLine) -> str:
    """Name the model that did best in the same steps, where it is ahead by more than two standard errors."""
    sign, best = -1 if is_lower_better(view.metric) else 1, None
    for line in view.lines:
        pairs = zip(line.values, main.values, strict=True)
        gaps = [sign * (one - other) for one, other in pairs if one is not None and other is not None]
        if line.key not in (main.key, CONSTANT) and len(gaps) > 1:
            ahead = mean(gaps)
            if ahead > 2 * stdev(gaps) / sqrt(len(gaps)) and (best is None or ahead > best[0]):
                best = ahead, line
    return "" if best is None else f"Going forward {best[1].name} did better: {metric_text(best[1].mean)} on average."


def _not_the_leader(found: Backtest, main: BacktestLine) -> str:
    if not found.leader or main.key == found.leader:
        return ""
    if found.leader in found.models:
        return f"The leader {model_name(found.leader)} could not be built again."
    return (
        f"The leader {model_name(found.leader)} is an ensemble and is not backtested itself: it would have to be built"
        f" again with all its members, each cross-validated, in every step. {main.name} is the best single model."
    )
