"""Re-run and verify: whether a run, trained again, gives the same leaderboard, and why it may not."""

import math
import re
from collections.abc import Sequence

from core.domain.datasets import Dataset
from core.domain.models import ModelInfo
from core.domain.runs import Difference, EngineSize, RunInfo, Verdict
from core.errors import RunError, RunNotFoundError
from core.store.mlflow import Store
from core.store.records import versions

TOLERANCE = 1e-9
_MOST_DIFFERENCES = 50  # an MLflow tag holds 8,000 characters
_AUTOML = re.compile(r"_AutoML_\d+_\d{8}_\d+")
_BASELINE = re.compile(r"_baseline_[0-9a-f]{8}")


def step_name(model_key: str) -> str:
    """Return what of a model's name is its algorithm and step: the rest is the date of its run.

    Examples
    --------
    >>> step_name("GBM_grid_1_AutoML_2_20261124_120000_model_3"), step_name("GLM_baseline_01234567")
    ('GBM_grid_1_model_3', 'GLM_baseline')
    """
    return _BASELINE.sub("_baseline", _AUTOML.sub("", model_key))


def check_verifiable(run: RunInfo) -> None:
    """Check that there is something to compare with (RunError if the run did not finish)."""
    if run.status != "finished":
        raise RunError(
            "Only a run that has finished can be verified.",
            hint="Choose a run that finished; the result of one that was stopped depends on when.",
            code="run.not_verifiable",
        )


def obstacles(
    run: RunInfo, models: Sequence[ModelInfo], dataset: Dataset | None, engine: EngineSize | None
) -> tuple[str, ...]:
    """Return why training a run again cannot be expected to give the same, in sentences; empty when it can.

    Parameters
    ----------
    dataset : Dataset or None
        Its dataset as it is now; None when it is gone.
    engine : EngineSize or None
        The engine as it is now; None when none runs, then the version of the package counts.
    """
    settings = run.settings
    found = []
    if settings.max_runtime_secs:
        found.append(
            f"The run had a limit of {settings.max_runtime_secs:,} s: how far the models come depends on the machine."
        )
    if settings.max_runtime_secs_per_model:
        found.append(
            f"Each model had {settings.max_runtime_secs_per_model:,} s: how far it comes depends on the machine."
        )
    if any(model.algo == "DeepLearning" for model in models):
        found.append("There are neural networks among the models: H2O trains them in threads that race each other.")
    if dataset is None:
        found.append("The dataset is gone.")
    elif run.schema_digest not in ("", dataset.schema.digest()):
        found.append("The types of the dataset's columns have been changed since.")
    return (*found, *_other_versions(run, engine))


def compare_runs(
    run_id: str,
    rerun_id: str,
    first: Sequence[ModelInfo],
    again: Sequence[ModelInfo],
    reasons: Sequence[str] = (),
) -> Verdict:
    """Compare two leaderboards, model by model and metric by metric.

    Parameters
    ----------
    first, again : sequence of ModelInfo
        The models of both runs, best first; matched by algorithm and step, for names carry dates.
    """
    ours, theirs = _by_step(first), _by_step(again)
    differences, n_metrics, largest = [], 0, 0.0
    for step in {**ours, **theirs}:
        one, other = ours.get(step), theirs.get(step)
        if one is None or other is None:
            differences.append(Difference(step, "", None if one is None else 1.0, None if other is None else 1.0))
            continue
        for metric in {**one.metrics, **other.metrics}:
            a, b = one.metrics.get(metric), other.metrics.get(metric)
            n_metrics += 1
            if a is not None and b is not None:
                largest = max(largest, abs(a - b))
                if math.isclose(a, b, rel_tol=TOLERANCE, abs_tol=TOLERANCE):
                    continue
            differences.append(Difference(step, metric, a, b))
    is_same_order = [step_name(m.model_key) for m in first] == [step_name(m.model_key) for m in again]
    differences.sort(key=_size, reverse=True)
    return Verdict(
        run_id=run_id,
        rerun_id=rerun_id,
        is_same=not differences and is_same_order,
        n_models=len({**ours, **theirs}),
        n_metrics=n_metrics,
        largest=largest,
        is_same_order=is_same_order,
        differences=tuple(differences[:_MOST_DIFFERENCES]),
        reasons=tuple(reasons),
    )


def settle(store: Store, rerun: RunInfo, dataset: Dataset | None) -> Verdict | None:
    """Compare a run that trains another one again with that one, and keep the verdict with both.

    Returns
    -------
    Verdict or None
        None when the run verifies none, or the other one was deleted meanwhile.
    """
    if not rerun.verifies:
        return None
    try:
        run = store.get_run(rerun.verifies)
    except RunNotFoundError:
        return None
    first = store.models(run_id=run.run_id, limit=10_000)
    again = store.models(run_id=rerun.run_id, limit=10_000)
    verdict = compare_runs(run.run_id, rerun.run_id, first, again, obstacles(run, first, dataset, rerun.engine))
    store.update_run(rerun.run_id, verification=verdict)
    store.update_run(run.run_id, verification=verdict, verified_by=rerun.run_id)
    return verdict


def _other_versions(run: RunInfo, engine: EngineSize | None) -> list[str]:
    """Return what differs in programs and threads between then and now."""
    then, now, known = run.versions, versions(), run.engine
    found = []
    h2o_then, h2o_now = known.version if known else then.get("h2o"), engine.version if engine else now["h2o"]
    if h2o_then and h2o_then != h2o_now:
        found.append(f"The run was trained by H2O {h2o_then}; this is H2O {h2o_now}.")
    if then.get("bellwether") and then["bellwether"] != now["bellwether"]:
        found.append(f"The run was made by Bellwether {then['bellwether']}; this is {now['bellwether']}.")
    if engine and known:
        for name, word in (("n_nodes", "nodes"), ("n_threads", "threads")):
            if (had := getattr(known, name)) != (has := getattr(engine, name)):
                found.append(f"The engine had {had} {word}, now it has {has}.")
    return found


def _by_step(models: Sequence[ModelInfo]) -> dict[str, ModelInfo]:
    return {step_name(model.model_key): model for model in models}


def _size(difference: Difference) -> float:
    if difference.first is None or difference.again is None:
        return math.inf
    return abs(difference.first - difference.again)
