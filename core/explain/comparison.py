"""The models of one run beside each other: made from what training stored, without an engine."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import combinations, islice

import numpy as np

from core.domain.models import ORIGIN_NAMES, Origin
from core.errors import ExplanationError, StoreCorruptError
from core.explain.asked import PERMUTATION, folded
from core.explanations.items import Explanations, Item
from core.explanations.models import FORMAT, Agreement, ImportanceMap, ModelComparison
from core.explanations.reasons import ENSEMBLE
from core.features.indicators import NO_INDICATORS, Indicators
from core.models.opened import ORIGINS, StoredModel
from core.plain import from_plain, to_json
from core.store.items import Artifact
from core.store.mlflow import Store

MAX_FEATURES = 20
MAX_MODELS = 20
_FILE = "explanations/models.json"


def save_comparison(store: Store, run_id: str, found: ModelComparison) -> None:
    """Store the comparison of a run's models with the run, in place of an earlier one."""
    store.log(run_id, [Artifact(_FILE, to_json(found).encode())])


def load_comparison(store: Store, run_id: str) -> ModelComparison | None:
    """Read the stored comparison of a run; None when none was stored.

    ExplanationError if what is stored was written by a newer version or is damaged.
    """
    if _FILE not in store.artifacts(run_id):
        return None
    try:
        data = json.loads(store.artifact(run_id, _FILE).read_bytes())
        if data["format"] > FORMAT:
            raise ExplanationError("A newer version of Bellwether stored this comparison.", hint="Update Bellwether.")
        return from_plain(ModelComparison, data)
    except (KeyError, TypeError, ValueError, StoreCorruptError) as error:
        raise ExplanationError("The stored comparison of these models cannot be read.") from error


def compare_models(models: Sequence[StoredModel]) -> ModelComparison:
    """Compare the models of a run, the best first."""
    return ModelComparison(
        importance=importance_of_models({model.info.model_key: model for model in models}),
        agreement=_agreement([model for model in models if model.info.has_files]),
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def importance_of_models(models: Mapping[str, StoredModel]) -> Item[ImportanceMap]:
    """Put the importances of models side by side, those that were measured in the same way.

    Parameters
    ----------
    models : mapping of str to StoredModel
        By the name that each is to have.

    Returns
    -------
    Item of ImportanceMap
        The permutation importances; of models that an older version explained, what H2O noted of each itself.
    """
    found = {name: _explained(model) for name, model in models.items() if model.info.has_files}
    measured = {
        name: one.variable_importance
        for name, one in found.items()
        if one and one.variable_importance.method == PERMUTATION
    }
    if not measured:
        return _own_importance(models)
    some = dict(islice(measured.items(), MAX_MODELS))
    known = {name: {one.feature: one.importance for one in item.data or ()} for name, item in some.items()}
    rows = list(dict.fromkeys(item.origin for item in some.values()))
    return Item(
        importance_map(known),
        origin=rows[0] if len(rows) == 1 else "each model's own rows",
        method=f"{PERMUTATION}, 1 for each model's most important one",
    )


def _explained(model: StoredModel) -> Explanations | None:
    try:
        return model.explanations
    except ExplanationError:  # those of the others can be put side by side
        return None


def _own_importance(models: Mapping[str, StoredModel]) -> Item[ImportanceMap]:
    known: dict[str, dict[str, float]] = {}
    for name, model in models.items():
        if model.info.algo == ENSEMBLE or len(known) == MAX_MODELS:
            continue
        indicators = Indicators.of(model.spec) if model.info.has_files else NO_INDICATORS
        if own := folded(model.details.variable_importance, indicators):
            known[name] = dict(own)
    if not known:
        return Item(reason="None of these models was explained yet, and none has an importance of its own.")
    return Item(
        importance_map(known),
        origin="all training rows",
        method="each model's own importance, as H2O recorded it, 1 for its most important feature; ensembles have none",
    )


def importance_map(known: dict[str, dict[str, float]]) -> ImportanceMap:
    """Put importances side by side.

    Parameters
    ----------
    known : dict of str to dict
        Importance by feature of each model, by model key.

    Examples
    --------
    >>> importance_map({"a": {"x": 1.0, "y": 0.2}, "b": {"y": 1.0}})
    ImportanceMap(models=('a', 'b'), features=('y', 'x'), values=((0.2, 1.0), (1.0, 0.0)))
    """
    names = dict.fromkeys(name for values in known.values() for name in values)
    rows = {name: tuple(values.get(name, 0.0) for values in known.values()) for name in names}
    firsts = {max(values, key=lambda name: values[name]) for values in known.values() if values}
    chosen = sorted(rows, key=lambda name: (name not in firsts, -sum(rows[name])))[:MAX_FEATURES]
    ranked = sorted(chosen, key=lambda name: -sum(rows[name]))
    return ImportanceMap(tuple(known), tuple(ranked), tuple(rows[name] for name in ranked))


def _agreement(models: Sequence[StoredModel]) -> Item[Agreement]:
    best: Item[Agreement] = Item(reason="Fewer than two models of this run have stored predictions.")
    most = 1
    for origin in ORIGINS:
        answers = _same_rows(models, origin)
        if len(answers) <= most:
            continue
        most, is_number = len(answers), models[0].info.task == "regression"
        n_rows = len(next(iter(answers.values())))
        best = Item(
            Agreement(tuple(answers), agreement(tuple(answers.values()), is_number=is_number)),
            origin=f"{ORIGIN_NAMES[origin]}, {n_rows:,} rows",
            method="correlation of the predictions" if is_number else "share of rows that get the same label",
        )
    return best


def _same_rows(models: Sequence[StoredModel], origin: Origin) -> dict[str, np.ndarray]:
    """Return the labels or numbers by model's key of the most models that were asked about the same rows.

    Ensembles that were fitted on rows of their own (blending) are judged on these rows, and on no others.
    """
    by_rows: dict[bytes, dict[str, np.ndarray]] = {}
    for model in models:
        if origin in model.origins:
            found = model.predictions(origin)
            answers = found.predicted if found.task == "regression" else found.decided(model.spec.threshold)
            by_rows.setdefault(found.rows.tobytes(), {})[model.info.model_key] = answers
    return max(by_rows.values(), key=len, default={})


def agreement(answers: Sequence[np.ndarray], *, is_number: bool) -> tuple[tuple[float, ...], ...]:
    """Return how far answers to the same rows agree, each with each.

    Parameters
    ----------
    answers : sequence of ndarray, each of shape (n_rows,)
        Labels, or numbers when `is_number`; then it is Pearson's correlation, 0 where an answer is constant.
    """
    found = np.eye(len(answers))
    for i, j in combinations(range(len(answers)), 2):
        if not is_number:
            found[i, j] = found[j, i] = float(np.mean(answers[i] == answers[j]))
        elif np.ptp(answers[i]) > 0 and np.ptp(answers[j]) > 0:
            found[i, j] = found[j, i] = float(np.corrcoef(answers[i], answers[j])[0, 1])
    return tuple(tuple(row) for row in found.tolist())
