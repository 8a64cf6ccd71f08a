"""The models of one run beside each other: made from what training stored, without an engine."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import combinations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from core.domain.models import ORIGIN_NAMES, ModelDetails, ModelInfo, ModelSpec, Origin
from core.errors import ExplanationError, StoreCorruptError
from core.explanations.items import Item
from core.explanations.models import FORMAT, Agreement, Comparison, ImportanceMap
from core.explanations.reasons import ENSEMBLE
from core.metrics.curves import predicted_labels
from core.plain import from_json, from_plain, to_json
from core.store.items import Artifact
from core.store.mlflow import Store

MAX_FEATURES = 20
MAX_MODELS = 20
_FILE = "explanations/models.json"
_SPEC = "spec.json"
_ORIGINS: tuple[Origin, ...] = ("cv", "holdout")


def compare(store: Store, run_id: str) -> Comparison:
    """Compare the models of a run and store the result with the run, in place of an earlier one.

    Raises
    ------
    StoreError
        If what training stored cannot be read, or the result cannot be written.
    """
    models = sorted(store.models(run_id=run_id), key=lambda model: model.rank or 10_000)
    files = frozenset(store.artifacts(run_id))
    found = Comparison(
        importance=_importance(store, run_id, models, files),
        agreement=_agreement(store, run_id, models, files),
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    store.log(run_id, [Artifact(_FILE, to_json(found).encode())])
    return found


def load_comparison(store: Store, run_id: str) -> Comparison | None:
    """Read the stored comparison of a run; None when none was stored.

    Raises
    ------
    ExplanationError
        If what is stored was written by a newer version or is damaged.
    StoreError
        If the store cannot be read.
    """
    if _FILE not in store.artifacts(run_id):
        return None
    try:
        data = json.loads(store.artifact(run_id, _FILE).read_bytes())
        if data["format"] > FORMAT:
            raise ExplanationError("A newer version of Bellwether stored this comparison.", hint="Update this one.")
        return from_plain(Comparison, data)
    except (KeyError, TypeError, ValueError, StoreCorruptError) as error:
        raise ExplanationError("The stored comparison of these models cannot be read.") from error


def _importance(store: Store, run_id: str, models: Sequence[ModelInfo], files: frozenset[str]) -> Item[ImportanceMap]:
    known: dict[str, dict[str, float]] = {}
    for model in models:
        path = f"details/{model.model_key}.json"
        if model.algo == ENSEMBLE or path not in files or len(known) == MAX_MODELS:
            continue
        details = from_json(ModelDetails, store.artifact(run_id, path).read_bytes())
        if details.variable_importance:
            known[model.model_key] = {str(name): float(value) for name, value in details.variable_importance}
    if not known:
        return Item(reason="No model of this run has an importance of its own.")
    return Item(
        importance_map(known),
        origin="all training rows",
        method="each model's own importance, as H2O noted it, 1 for its most important feature; ensembles have none",
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
    ranked = sorted(rows, key=lambda name: -sum(rows[name]))[:MAX_FEATURES]
    return ImportanceMap(tuple(known), tuple(ranked), tuple(rows[name] for name in ranked))


def _agreement(store: Store, run_id: str, models: Sequence[ModelInfo], files: frozenset[str]) -> Item[Agreement]:
    best: Item[Agreement] = Item(reason="There are not two models in this run whose predictions were stored.")
    most = 1
    for origin in _ORIGINS:
        answers = _same_rows(store, run_id, [model for model in models if model.has_files], files, origin)
        if len(answers) <= most:
            continue
        most, is_number = len(answers), models[0].task == "regression"
        n_rows = len(next(iter(answers.values())))
        best = Item(
            Agreement(tuple(answers), agreement(tuple(answers.values()), is_number=is_number)),
            origin=f"{ORIGIN_NAMES[origin]}, {n_rows:,} rows",
            method="correlation of the predictions" if is_number else "share of rows that get the same label",
        )
    return best


def _same_rows(
    store: Store, run_id: str, models: Sequence[ModelInfo], files: frozenset[str], origin: Origin
) -> dict[str, np.ndarray]:
    """Return the answers by model's key of the most models that were asked about the same rows.

    Ensembles that were fitted on rows of their own (blending) are judged on these rows, and on no others.
    """
    by_rows: dict[bytes, dict[str, np.ndarray]] = {}
    for model in models:
        path = f"predictions/{model.model_key}/{origin}.parquet"
        if path in files:
            table = pq.read_table(store.artifact(run_id, path))
            spec_path, _ = store.model_file(model.id, _SPEC)
            answers = _answers(table, from_json(ModelSpec, spec_path.read_bytes()))
            by_rows.setdefault(table["row"].to_numpy().tobytes(), {})[model.model_key] = answers
    return max(by_rows.values(), key=len, default={})


def _answers(table: pa.Table, spec: ModelSpec) -> np.ndarray:
    if spec.task == "regression":
        numbers: np.ndarray = table["predicted"].to_numpy()
        return numbers
    p = np.column_stack([table[f"p_{name}"].to_numpy() for name in spec.classes])
    return np.asarray(predicted_labels(p, spec.classes, spec.positive, spec.threshold))


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
