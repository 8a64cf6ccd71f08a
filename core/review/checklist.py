"""The checklist of a review, filled in from what is stored: nothing is trained, and no engine starts."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from core.data.datasets.registry import Datasets
from core.domain.models import ORIGIN_NAMES, ModelInfo, metric_in_words
from core.domain.runs import RunInfo
from core.ledger.database import Ledger
from core.ledger.problem_cards import ProblemCardTable
from core.metrics.groups.fairness import FOUR_FIFTHS
from core.metrics.groups.segments import Segment, Weakness, explained_words
from core.metrics.performance import reliability
from core.metrics.predictions import Predictions
from core.models.decisions import decide
from core.models.groups import Groups, as_decided, look_at_groups
from core.models.leaderboard import DEFAULT_METRIC, is_lower_better, ranking_metric
from core.models.opened import StoredModel
from core.models.standing import stand
from core.monitoring.alerts import find_alerts
from core.monitoring.monitor import RECENT, Monitor
from core.plain import from_plain, to_plain
from core.store.mlflow import Store
from core.wording import count_text, day_text, list_text, metric_text, percent_text

Topic = Literal[
    "leakage", "holdout", "calibration", "weak", "fairness", "drift", "reproducible", "baselines",
]  # fmt: skip
CheckState = Literal["ok", "not ok", "not known"]
_STATES: Final[dict[bool, CheckState]] = {True: "ok", False: "not ok"}
TITLES: Final[dict[Topic, str]] = {
    "leakage": "No column gives the target away",
    "holdout": "Cross-validation and holdout agree",
    "calibration": "Probabilities can be taken at their word",
    "weak": "No hard part of the data is predicted better by its average",
    "fairness": "Groups are treated alike",
    "drift": "Recent files look like the training data",
    "reproducible": "Training again gives the same model",
    "baselines": "Better than the baselines",
}
_AGAINST: Final[dict[Topic, str]] = {
    "leakage": "A column gives the target away",
    "holdout": "Cross-validation and holdout disagree",
    "calibration": "Probabilities cannot be taken at their word",
    "weak": "A part of the data is predicted better by its average",
    "fairness": "Groups are not treated alike",
    "drift": "Recent files differ from the training data",
    "reproducible": "Training again gives another model",
    "baselines": "No better than the baselines",
}
_ASKED: Final[dict[Topic, str]] = {
    "leakage": "Leakage",
    "holdout": "Cross-validation against holdout",
    "calibration": "Calibration",
    "weak": "Weak spots",
    "fairness": "Fairness",
    "drift": "Drift",
    "reproducible": "Reproducibility",
    "baselines": "Baselines",
}
MAX_ECE: Final = 0.05
_CONSTANT_WORDS: Final = "a constant predictor"


@dataclass(frozen=True)
class Check:
    """One item of the checklist.

    Attributes
    ----------
    text : str
        The finding with its numbers, or why it is not known; names in it come from data.
    origin : str
        The rows that the numbers are from; empty where there are none.
    """

    topic: Topic
    state: CheckState
    text: str
    origin: str = ""

    @property
    def title(self) -> str:
        """What was found, in a few words."""
        if self.state == "not known":
            return f"{_ASKED[self.topic]}: not known"
        return TITLES[self.topic] if self.state == "ok" else _AGAINST[self.topic]


def is_green(checks: Sequence[Check]) -> bool:
    """Whether no item speaks against a model; what is not known does not."""
    return not any(check.state == "not ok" for check in checks)


class Checklists:
    """Fills in the checklist of a model; everything may raise `StoreError` kin."""

    def __init__(self, store: Store, datasets: Datasets, ledger: Ledger, monitor: Monitor) -> None:
        self._store = store
        self._datasets = datasets
        self._ledger = ledger
        self._monitor = monitor

    def of(self, model: ModelInfo) -> tuple[Check, ...]:
        """Return all items for a model whose files are stored, in the order of `TITLES`.

        Notes
        -----
        Reads the stored predictions once and cuts the dataset into parts: about 1 s for 15,000 rows of 12 columns.
        """
        opened, run = StoredModel(self._store, model), self._store.get_run(model.run_id)
        decision = decide(self._ledger, model, opened.spec)
        judged = [as_decided(opened.predictions(origin), decision) for origin in opened.origins]
        card = ProblemCardTable(self._ledger).find(model.experiment)
        asked = card.groups if card else ()
        groups = look_at_groups(self._datasets, opened.spec, judged, decision, compared=asked or None)
        return (
            self._leakage(opened),
            self._holdout(model),
            _calibration(judged),
            _weak(groups),
            _fairness(groups, asked),
            self._drift(model),
            _reproducible(run),
            self._baselines(model, run),
        )

    def _leakage(self, opened: StoredModel) -> Check:
        # Loads scipy and scikit-learn, which a command that scores should not wait for.
        from core.data.relations.leakage import LEAK_SCORE, Leakage, find_leakage

        spec = opened.spec
        if self._datasets.find_id(spec.dataset_id) is None:
            return Check("leakage", "not known", "The dataset was deleted.")
        data = self._datasets.open(spec.dataset_id)
        schema = data.about.schema

        def make() -> dict[str, object]:
            found: dict[str, object] = to_plain(find_leakage(data.load, schema, spec.target, data.about.n_rows))
            return found

        found = from_plain(Leakage, data.cached_json(f"leakage {spec.target}", make))
        used = set(spec.needed.names)
        alone = [(name, score) for name, score in found.alone if name in used]
        pairs = [one for one in found.formulas if {one.left, one.right} <= used]
        origin = f"data, {found.rows:,} rows, cross-validated"
        if alone:
            words = list_text([f"{name} ({found.measure} {score:.3f} alone)" for name, score in alone], 3)
            return Check("leakage", "not ok", f"The model uses what predicts the target by itself: {words}.", origin)
        if pairs:
            one = pairs[0]
            return Check("leakage", "not ok", f"The target equals {one.left} {one.sign} {one.right}.", origin)
        best = next(((name, score) for name, score in found.scores if name in used), None)
        if best is None:
            return Check("leakage", "not known", "There are too few rows to tell.", origin)
        text = f"The best column alone is {best[0]} with {found.measure} {best[1]:.3f}; above {LEAK_SCORE} it leaks."
        return Check("leakage", "ok", text, origin)

    def _holdout(self, model: ModelInfo) -> Check:
        name = DEFAULT_METRIC[model.task]
        standing = stand(self._store, [model], f"cv_{name}").of(model)
        known = standing.estimates
        if standing.gap is None:
            missing = "Predictions of both are not stored" if known else "No predictions are stored"
            reason = "No rows were held out of the training." if "cv" in known and "holdout" not in known else missing
            return Check("holdout", "not known", reason.rstrip(".") + ".")
        parts = [
            f"{ORIGIN_NAMES[origin]} {metric_text(one.value)} ({metric_text(one.low)} to {metric_text(one.high)})"
            for origin, one in known.items()
        ]
        words = f"{metric_in_words(name)}: {', '.join(parts)}"
        how = "differ by more than chance" if standing.disagrees else "differ by no more than chance"
        return Check(
            "holdout",
            _STATES[not standing.disagrees],
            f"{words}; they {how}.",
            "95% intervals over stored predictions",
        )

    def _drift(self, model: ModelInfo) -> Check:
        files = self._monitor.files(model.experiment)
        measured = [one for one in files.records if one.model_id == model.id and one.summary and one.summary.drift_rows]
        if not measured:
            return Check("drift", "not known", "No file with enough rows was scored with this model yet.")
        recent = {one.id: one for one in replace(files, records=tuple(measured)).last_files(RECENT)}
        rule, last = self._monitor.rule(model.experiment), measured[-1]
        n_files = "the last file" if len(recent) == 1 else f"the last {len(recent)} files"
        origin = f"{n_files}, {sum(one.n_rows for one in recent.values()):,} rows, {day_text(last.submitted_at)}"
        found = [one for one in find_alerts(recent.values(), files.realised, rule) if one.kind != "metric"]
        if found:
            own: dict[str, list[str]] = {}
            for one in found:
                own.setdefault(one.scoring_id, []).append(f"{one.name} (PSI {one.value:.2f})")
            drifted = [f"{list_text(named, 3)} in {recent[key].file_name}" for key, named in own.items()]
            return Check("drift", "not ok", f"Above {rule.psi:g}: {list_text(drifted, 2)}.", origin)
        return Check("drift", "ok", f"No feature and no score drifts by a PSI above {rule.psi:g}.", origin)

    def _baselines(self, model: ModelInfo, run: RunInfo) -> Check:
        if model.no_better:
            return Check("baselines", "not ok", model.no_better)
        name = ranking_metric(run.settings)
        plain = metric_in_words(name.removeprefix("cv_"))
        own = model.metrics.get(name)
        others = {one.algo: one.metrics[name] for one in self._store.models(run_id=run.run_id, limit=10_000)
                  if one.baseline and name in one.metrics and one.id != model.id}  # fmt: skip
        if name in run.constant:
            others[_CONSTANT_WORDS] = run.constant[name]
        if own is None or not others:
            return Check(
                "baselines", "not known", "The run has neither baselines nor a constant predictor to compare with."
            )
        sign = -1 if is_lower_better(name) else 1
        lost = [words for words, value in others.items() if sign * value >= sign * own]
        against = ", ".join(f"{words} {metric_text(value)}" for words, value in others.items())
        alone = " No stronger baseline was trained." if list(others) == [_CONSTANT_WORDS] else ""
        return Check(
            "baselines", _STATES[not lost], f"{plain} {metric_text(own)}; {against}.{alone}", ORIGIN_NAMES["cv"]
        )


def _calibration(judged: Sequence[Predictions]) -> Check:
    if not judged:
        return Check("calibration", "not known", "No predictions on unseen rows were stored.")
    found = judged[-1]
    if found.positive is None:
        return Check("calibration", "not known", "It is measured for two classes only.")
    curve = reliability(found.is_class(found.positive), found.probability(found.positive))
    verdict = "no more than chance" if curve.is_by_chance else f"at most {percent_text(MAX_ECE)} is accepted"
    text = (
        f"On average off by {percent_text(curve.ece)} (ECE), {verdict}: {len(curve.off)} of "
        f"{count_text(len(curve.bins), 'bin')} lie outside their 95% interval."
    )
    return Check("calibration", _STATES[curve.ece <= MAX_ECE or curve.is_by_chance], text, found.words)


def _weak(groups: Groups) -> Check:
    found = groups.weakness
    if found is None:
        return Check("weak", "not known", groups.weakness_reason)
    clear = [one for one in found.segments if one.is_clear and one.gap > 0]
    useless = [one for one in found.segments if one.is_useless]
    looked = f"{found.n_segments:,} parts of at least {found.min_rows:,} rows, no easier than all, were looked at"
    if useless:
        return Check("weak", "not ok", f"{_segment(useless[0], found)}; {looked}.", found.origin)
    worst = _segment(clear[0], found) if clear else "None is clearly weaker than all rows together"
    return Check("weak", "ok", f"{worst}; {looked}.", found.origin)


def _segment(one: Segment, found: Weakness) -> str:
    where = " and ".join(f"{column}: {group}" for column, group in one.parts)
    return f"{where}: {explained_words(one, found.overall)}"


def _fairness(groups: Groups, asked: Sequence[str]) -> Check:
    judged = [one for one in groups.fairness if one.passes is not None]
    words = ", ".join(f"{one.column} {one.disparate_impact:.2f}" for one in judged)
    text = f"Smallest ratio of selection rates: {words}; the four-fifths rule asks for {FOUR_FIFTHS:g}."
    if not asked:  # what was not asked for decides nothing, but it is there to see
        seen = f" {text}" if judged else ""
        return Check(
            "fairness", "not known", f"Nobody asked for it on the problem card.{seen}", groups.origin if judged else ""
        )
    if not groups.fairness:
        return Check("fairness", "not known", f"Asked for {list_text(list(asked), 3)}. {groups.fairness_reason}")
    if not judged:
        return Check("fairness", "not known", "There are too few rows of each group to judge.", groups.origin)
    return Check("fairness", _STATES[all(one.passes for one in judged)], text, groups.origin)


def _reproducible(run: RunInfo) -> Check:
    verdict = run.verification
    if verdict is None:
        return Check("reproducible", "not known", "Nobody has trained the run again to verify it.")
    compared = f"{count_text(verdict.n_models, 'model')} and {count_text(verdict.n_metrics, 'metric')} compared"
    if verdict.is_same:
        return Check("reproducible", "ok", f"Every metric is the same to a billionth; {compared}.")
    reasons = f" {' '.join(verdict.reasons)}" if verdict.reasons else ""
    return Check("reproducible", "not ok", f"Metrics differ by up to {verdict.largest:.2g}; {compared}.{reasons}")
