"""What models were judged on: only those judged on the same rows, for the same target, can be compared."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.domain.runs import RunInfo
from core.domain.training import Task, TrainingSettings


@dataclass(frozen=True)
class JudgedRows:
    """The target, and the rows that the models of a run are measured on.

    Attributes
    ----------
    dataset_id : str
        Hash of the data's content.
    held_out, blended : tuple of str
        Which rows are held out and which are set aside for ensembles, in words; empty where none are.
    weights : str
        The column that says how much a row counts in the metrics; empty without one.
    """

    target: str
    task: Task
    dataset_id: str
    held_out: str = ""
    blended: str = ""
    weights: str = ""

    def unlike(self, other: "JudgedRows", name: str = "", other_name: str = "") -> str:
        """Say why models judged on this cannot be compared with those judged on the other; empty where they can.

        Parameters
        ----------
        name, other_name : str
            What the datasets are called.

        Examples
        --------
        >>> one = JudgedRows("y", "binary", "d", "20% at random, seed 1")
        >>> one.unlike(JudgedRows("y", "binary", "d", "20% at random, seed 2"))
        'Other rows held out: 20% at random, seed 1; here 20% at random, seed 2'
        """
        reasons = []
        if self.target != other.target:
            reasons.append(f"Another target: {self.target}; here {other.target}")
        elif self.task != other.task:
            reasons.append(f"Another kind of target: {self.task}; here {other.task}")
        if self.dataset_id != other.dataset_id:
            same = name == other_name
            reasons.append("Another content of the same data" if same else f"Other data: {name}; here {other_name}")
        pairs = (
            ("Other rows held out", self.held_out, other.held_out, "none"),
            ("Other rows set aside for ensembles", self.blended, other.blended, "none"),
            ("Rows weighted otherwise", self.weights, other.weights, "each counts once"),
        )
        reasons += [f"{what}: {one or none}; here {here or none}" for what, one, here, none in pairs if one != here]
        return ". ".join(reasons)


def judged_on(settings: TrainingSettings) -> JudgedRows:
    """Return what the models of a run with these settings are judged on."""
    drawn = _draw(settings, settings.holdout_share)
    blended = _draw(settings, settings.blending_share)
    return JudgedRows(
        settings.target, settings.task, settings.dataset_id, drawn, blended, settings.weights_column or ""
    )


def group_runs(runs: Sequence[RunInfo]) -> dict[JudgedRows, tuple[RunInfo, ...]]:
    """Return runs by what their models are judged on, in their order."""
    found: dict[JudgedRows, list[RunInfo]] = {}
    for run in runs:
        found.setdefault(judged_on(run.settings), []).append(run)
    return {judged: tuple(own) for judged, own in found.items()}


def judged_words(judged: JudgedRows, dataset_name: str) -> str:
    """Return what models are judged on, as a label."""
    parts = [dataset_name, f"{judged.held_out} held out" if judged.held_out else "cross-validation of all rows"]
    parts += [f"{judged.blended} set aside for ensembles"] if judged.blended else []
    parts += [f"weighted by {judged.weights}"] if judged.weights else []
    return " · ".join([judged.target, *parts])


def _draw(settings: TrainingSettings, share: float) -> str:
    """Return which rows are drawn, in words; equal words stand for equal rows of one dataset."""
    if not share:
        return ""
    drawn = {
        "random": f"at random, seed {settings.seed}",
        "time": f"the latest by {settings.split_column}",
        "group": f"by group of {settings.split_column}, seed {settings.seed}",
    }
    return f"{100 * share:g}% {drawn[settings.split]}"
