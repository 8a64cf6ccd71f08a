"""What the views of the Explain page read: stored predictions, rankings, columns and decisions, kept between clicks.

Everything here is computed over all rows once and kept for all sessions; nothing needs an engine.
"""

from typing import TYPE_CHECKING, Literal

import streamlit as st

from app.ui.services import get_services
from app.ui.widgets.layout import choice_labels
from app.ui.widgets.pickers import follow
from core.domain.models import ORIGIN_NAMES, ModelInfo, ModelSpec, Origin
from core.explain import sample

if TYPE_CHECKING:
    import pyarrow as pa

    from core.domain.columns import Schema
    from core.metrics.calibration import Calibration, Method
    from core.metrics.curves import PrecisionRecallCurve, RocCurve
    from core.metrics.groups.errors import ResidualGroup
    from core.metrics.groups.fairness import Fairness
    from core.metrics.groups.grading import Metric
    from core.metrics.groups.segments import GroupedColumn, Weakness
    from core.metrics.performance import Gains, Reliability, ScoreSpread, Separation
    from core.metrics.predictions import Predictions
    from core.metrics.profits import Money, ProfitCurve
    from core.metrics.ranking import FloatArray, Ranking
    from core.models.decisions import Decision
    from core.models.opened import StoredModel

_SMALL, _LARGE = 64, 6  # results are small, arrays of all rows are not
_USUAL = "explain.usual_origin"
PICKED_ON = "explain_picked_on"
Use = Literal["judge", "parts", "pick"]
_USES: dict[Use, tuple[str, str]] = {
    "judge": ("Measured on", "explain_origin"),
    "parts": ("Measured on", "explain_parts_origin"),
    "pick": ("Picked on", PICKED_ON),
}


def _open(model_id: str) -> "StoredModel":
    from core.models.opened import StoredModel

    store = get_services().store
    return StoredModel(store, store.resolve(f"models:/{model_id}"))


@st.cache_data(max_entries=_SMALL, show_spinner=False)
def spec(model_id: str) -> ModelSpec:
    """Return what the model's spec says."""
    return _open(model_id).spec


@st.cache_data(max_entries=_SMALL, show_spinner=False)
def origins(model_id: str) -> tuple[Origin, ...]:
    """Return where stored predictions come from."""
    return _open(model_id).origins


@st.cache_resource(max_entries=_LARGE, show_spinner="Reading the stored predictions")
def predictions(model_id: str, origin: Origin) -> "Predictions":
    """Return the stored predictions of a model."""
    return _open(model_id).predictions(origin)


@st.cache_resource(max_entries=_LARGE, show_spinner=False)
def ranking(model_id: str, origin: Origin, name: str, method: "Method | None" = None) -> "Ranking":
    """Return the rows ranked by the probability of a class, calibrated where a method is given."""
    from core.metrics.ranking import rank

    found = predictions(model_id, origin)
    if method is None:
        return found.ranking(name)
    return rank(found.is_class(name), calibrated(model_id, origin, method))


@st.cache_resource(max_entries=_SMALL, show_spinner="Calibrating")
def calibration(model_id: str, method: "Method") -> "Calibration":
    """Return a calibration fitted on all cross-validation predictions of a binary model."""
    from core.metrics.calibration import fit_calibration

    found = predictions(model_id, "cv")
    name = str(found.positive)
    return fit_calibration(found.is_class(name), found.probability(name), method, fitted_on=found.words)


@st.cache_resource(max_entries=_LARGE, show_spinner="Calibrating")
def calibrated(model_id: str, origin: Origin, method: "Method") -> "FloatArray":
    """Return calibrated probabilities that no row helped to fit for itself."""
    from core.metrics.calibration import cross_fitted

    found = predictions(model_id, origin)
    name = str(found.positive)
    if origin == "cv":
        return cross_fitted(found.is_class(name), found.probability(name), method)
    return calibration(model_id, method).apply(found.probability(name))


@st.cache_data(max_entries=_SMALL, show_spinner=False)
def curves(model_id: str, origin: Origin, name: str) -> "tuple[RocCurve, PrecisionRecallCurve]":
    """Return the ROC and the precision-recall curve of a class against the rest."""
    from core.metrics.curves import precision_recall, roc

    found = predictions(model_id, origin)
    truth, probability = found.is_class(name), found.probability(name)
    return roc(truth, probability), precision_recall(truth, probability)


@st.cache_data(max_entries=_SMALL, show_spinner=False)
def gains(model_id: str, origin: Origin, name: str) -> "tuple[Gains, Separation]":
    """Return cumulative gains and the distance of the classes."""
    from core.metrics import performance

    found = ranking(model_id, origin, name)
    return performance.gains(found), performance.separation(found)


@st.cache_data(max_entries=_SMALL, show_spinner=False)
def reliability(model_id: str, origin: Origin, name: str, method: "Method | None" = None) -> "Reliability":
    """Return how reliable the probabilities are."""
    from core.metrics import performance

    found = predictions(model_id, origin)
    probability = found.probability(name) if method is None else calibrated(model_id, origin, method)
    return performance.reliability(found.is_class(name), probability)


@st.cache_data(max_entries=_SMALL, show_spinner=False)
def spread(model_id: str, origin: Origin, name: str) -> "ScoreSpread":
    """Return how the probability of a class is distributed."""
    from core.metrics import performance

    found = predictions(model_id, origin)
    rest = next((one for one in found.classes if one != name), "") if len(found.classes) == 2 else "all others"
    return performance.score_spread(found.is_class(name), found.probability(name), (name, rest))


@st.cache_resource(max_entries=_LARGE, show_spinner=False)
def judged(model_id: str, origin: Origin, method: "Method | None") -> "Predictions":
    """Return the predictions, calibrated where the policy says so; no row helped to fit its own calibration."""
    found = predictions(model_id, origin)
    return found if method is None else found.with_probability(calibrated(model_id, origin, method))


@st.cache_data(max_entries=_SMALL, show_spinner=False)
def metrics(model_id: str, origin: Origin, threshold: float | None, method: "Method | None" = None) -> dict[str, float]:
    """Return all metrics over the stored predictions."""
    from core.models.evaluation import measure

    return measure(judged(model_id, origin, method), threshold)


@st.cache_data(max_entries=_SMALL, show_spinner=False)
def constant_metrics(model_id: str, origin: Origin) -> dict[str, float]:
    """Return all metrics of a predictor that says the same of every row."""
    from core.models.evaluation import measure

    found = measure(predictions(model_id, origin).constant(), None)
    if found.get("recall") == 0:  # it selects no row, of which none is right or wrong
        found.pop("precision", None)
    return found


@st.cache_data(max_entries=_SMALL, show_spinner=False)
def profit_curve(model_id: str, origin: Origin, name: str, money: "Money", method: "Method | None") -> "ProfitCurve":
    """Return what every threshold brings."""
    from core.metrics import profits

    return profits.profit_curve(ranking(model_id, origin, name, method), money)


@st.cache_resource(max_entries=_LARGE, show_spinner="Reading the rows of the dataset")
def grouped(model_id: str, origin: Origin) -> "tuple[GroupedColumn, ...]":
    """Return the columns of the rows predicted, cut into groups."""
    from core.metrics.groups.segments import group_columns
    from core.models.evaluation import read_columns

    return group_columns(*read_columns(get_services().datasets, spec(model_id), predictions(model_id, origin)))


@st.cache_data(max_entries=_SMALL, show_spinner="Measuring every part of the data")
def weakness(
    model_id: str, origin: Origin, metric: "Metric", threshold: float | None, method: "Method | None", *, pairs: bool
) -> "Weakness":
    """Return the segments, worst first."""
    from core.metrics.groups.segments import find_weakness

    return find_weakness(
        judged(model_id, origin, method), grouped(model_id, origin), metric, threshold=threshold, pairs=pairs
    )


def schema(model_id: str) -> "Schema":
    """Return the columns that rows can be grouped by."""
    from core.domain.columns import FEATURE_TYPES

    one = spec(model_id)
    known = get_services().datasets.get(one.dataset_id).schema
    return known.select(c.name for c in known.columns if c.type in FEATURE_TYPES and c.name != one.target)


@st.cache_data(max_entries=_SMALL, show_spinner=False)
def residual_groups(model_id: str, origin: Origin, column: str) -> "tuple[ResidualGroup, ...]":
    """Return the residuals by the values of a column."""
    from core.metrics.groups.errors import residuals_by

    found = predictions(model_id, origin)
    return residuals_by(values_of(model_id, origin, column), schema(model_id)[column], found.actual, found.predicted)


def values_of(model_id: str, origin: Origin, column: str) -> "pa.ChunkedArray":
    """Return a column of the dataset for the rows predicted."""
    import pyarrow as pa

    rows = predictions(model_id, origin).rows
    return get_services().datasets.open(spec(model_id).dataset_id).typed([column])[column].take(pa.array(rows))


@st.cache_data(max_entries=_SMALL, show_spinner="Comparing the groups")
def fairness(
    model_id: str,
    origin: Origin,
    column: str,
    threshold: float,
    reference: str | None,
    n_bins: int,
    borders: tuple[float, ...],
    method: "Method | None",
) -> "Fairness":
    """Return rates by group of a column."""
    from core.metrics.groups.fairness import measure_fairness, split_groups

    found = judged(model_id, origin, method)
    name = str(found.positive)
    values = values_of(model_id, origin, column)
    codes, names = split_groups(values, schema(model_id)[column], n_bins=n_bins, borders=borders)
    return measure_fairness(
        found.is_class(name), found.probability(name) >= threshold, codes, names, column=column, reference=reference
    )


# --- not kept: it may change at any time ------------------------------------------------------------------------------


def method_of(decided: "Decision") -> "Method | None":
    """Return how the policy in force calibrates."""
    return None if decided.calibration is None else decided.calibration.method


def decision(model: ModelInfo) -> "Decision":
    """Return how labels of a model are made now."""
    from core.models.decisions import decide

    return decide(get_services().ledger, model, spec(model.id))


def origin_choice(model: ModelInfo, use: Use = "judge") -> Origin | None:
    """Draw a choice of the rows to measure on; None, with the reason on the page, when nothing was stored.

    A model is judged on the holdout first, where it is not too small. Parts of the rows are looked at in
    cross-validation first, as the checklist and the report do: it has the most rows. A threshold is picked there too,
    for the holdout is to judge it.
    """
    from core.models.evaluation import NO_PREDICTIONS

    known = origins(model.id)
    if not known:
        st.info(NO_PREDICTIONS, icon=":material/info:")
        return None
    if len(known) == 1:
        st.caption(f"Measured on **{ORIGIN_NAMES[known[0]]}** predictions: rows that the model had not seen.")
        return known[0]
    usual = _usual(model.id, known) if use == "judge" else known[0]
    label, key = _USES[use]
    session = st.session_state
    if use == "judge" and session.get(key) == session.get(_USUAL) != usual:
        session.pop(key, None)  # nobody chose it: it was what another model begins with
    if use == "judge":
        session[_USUAL] = usual
    follow(key, known, param="rows", first=usual)
    chosen = st.segmented_control(
        label, known, key=key, required=True,
        format_func=choice_labels(lambda origin: ORIGIN_NAMES[origin].capitalize()),
        help="Cross-validation: each row predicted by a model trained without it. Holdout: rows held out of the whole"
        " training.",
    )  # fmt: skip
    return chosen or usual


def _usual(model_id: str, known: tuple[Origin, ...]) -> Origin:
    """Return what the model is held to: the holdout, unless its rows are too few to judge by."""
    return known[-1] if len(predictions(model_id, known[-1]).rows) >= sample.MIN_UNSEEN else known[0]
