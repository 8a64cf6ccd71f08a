"""Explanations that need the engine: importance, members, Shapley contributions."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from core.domain.models import ModelDetails, ModelSpec
from core.engine.encoded import summed
from core.engine.protocol import Engine
from core.errors import EngineDiedError, EngineError, EngineUnavailableError, ScoringProcessError
from core.explain.computed.grids import Predict
from core.explain.computed.permutation import permutation_importance
from core.explain.computed.shapley import shap_summary
from core.explain.sample import Sample, SentFrames
from core.explanations.items import Importance, Item, ShapSummary
from core.explanations.reasons import ENSEMBLE, why_not
from core.explanations.shapes import Member, Members
from core.features.indicators import Indicators
from core.models.opened import StoredModel

T = TypeVar("T")

SHAP_ROWS = 1000
MAX_SHUFFLED = 200  # columns
BACKGROUND_ROWS = 100  # cost grows with rows × background
USUAL_ROWS = 1000  # from whose mean the terms of a GLM are counted
BACKGROUND_SHAP_ROWS = 200
TREES = frozenset({"GBM", "DRF", "XRT", "XGBoost"})
PERMUTATION = "permutation importance: how much worse predictions get when the feature's values are shuffled"
WITHOUT_ENGINE = TREES | {"GLM"}  # their contributions come from the MOJO
_OWN_IMPORTANCE: Mapping[str, str] = {
    "GBM": "H2O's own: how much the splits on a feature reduced the error (split gain)",
    "DRF": "H2O's own: how much the splits on a feature reduced the error (split gain)",
    "XRT": "H2O's own: how much the splits on a feature reduced the error (split gain)",
    "XGBoost": "H2O's own: how much the splits on a feature reduced the loss (split gain)",
    "GLM": "H2O's own: size of the standardised coefficients",
    "DeepLearning": "H2O's own: weights of the first two layers (Gedeon)",
}


def is_without_engine(engine: Engine, model: StoredModel) -> bool:
    """Whether contributions come from the MOJO: of trees, GLMs, and ensembles whose members' add up to their own."""
    if model.info.algo != ENSEMBLE:
        return model.info.algo in WITHOUT_ENGINE
    ensemble = engine.mojos.ensemble(model.mojo())
    return ensemble is not None and ensemble.adds_up


def mojo_method(algo: str, n_usual: int) -> str:
    """Return how the MOJO's contributions are made, in words.

    Parameters
    ----------
    n_usual : int
        The training rows that a GLM's terms are counted from.
    """
    if algo == ENSEMBLE:
        return (
            "its members' own contributions (TreeSHAP of trees, coefficients of GLMs counted from their mean over "
            f"{n_usual:,} training rows) times the metalearner's weights"
        )
    return f"coefficients, counted from their mean over {n_usual:,} training rows" if algo == "GLM" else "TreeSHAP"


class Asked:
    """Asks the engine about one model.

    Parameters
    ----------
    model_key : str
        The loaded native model.
    predict : callable
        Scores rows with the stored MOJO.
    sample : Sample
        Training rows in random order.
    unseen : Sample or None
        Rows of the holdout, where there are enough.
    frames : SentFrames
        Takes what is sent; its owner closes it.
    """

    def __init__(
        self,
        engine: Engine,
        model_key: str,
        predict: Predict,
        spec: ModelSpec,
        details: ModelDetails,
        sample: Sample,
        frames: SentFrames,
        unseen: Sample | None = None,
    ) -> None:
        self._engine = engine
        self._model_key = model_key
        self._predict = predict
        self._spec = spec
        self._details = details
        self._sample = sample
        self._unseen = unseen
        self._frames = frames

    def importance(self) -> Item[tuple[Importance, ...]]:
        """Return the permutation importance, which means the same for every algorithm.

        Of very wide data it would take minutes, as each column is scored by itself; then, and where the engine refuses,
        it is what the model noted itself, where it has that.
        """
        own = self._details.variable_importance
        if own and len(self._sample.schema.names) > MAX_SHUFFLED:
            return own_importance(self._details, self._sample.indicators)
        found = attempt(self._permutation)
        return own_importance(self._details, self._sample.indicators) if own and found.data is None else found

    def _permutation(self) -> Item[tuple[Importance, ...]]:
        rows, found = permutation_importance(self._predict, self._spec, self._unseen or self._sample)
        return Item(
            tuple(Importance(name, value) for name, value in summed(found.items())),
            origin=rows.origin,
            method=PERMUTATION,
        )

    def members(self) -> Item[Members]:
        """Return an ensemble's members with their shares, and their own importances weighted by these."""
        if reason := why_not("members", self._spec.task, self._details.algo):
            return Item(reason=reason)
        return attempt(self._members)

    def _members(self) -> Item[Members]:
        # Asked of the engine, not of what training noted: older versions of Bellwether noted no shares.
        shares = self._engine.models.details(self._model_key).member_weights
        if not shares:
            return Item(reason="H2O's metalearner does not say how much weight it gives each member.")
        own = {
            key: folded(self._engine.models.details(key).variable_importance, self._sample.indicators)
            for key, _ in shares
        }
        return Item(
            weighted_members(shares, own),
            origin="all training rows",
            method="the members' own importances weighted by the size of the metalearner's standardised coefficients; "
            "the largest is 1. Members lean on more features than the ensemble as a whole, which the figure above asks",
        )

    def shap(self) -> Item[ShapSummary]:
        """Return contributions on a sample: from the trees themselves, or against background rows for the rest."""
        if reason := why_not("shap_summary", self._spec.task, self._details.algo):
            return Item(reason=reason)
        return attempt(self._shap)

    def _shap(self) -> Item[ShapSummary]:
        of_trees = self._details.algo in TREES
        rows = self._sample.head(SHAP_ROWS if of_trees else BACKGROUND_SHAP_ROWS)
        frame = self._frames.send(rows)
        background, method = None, "TreeSHAP"
        if not of_trees:
            typical = self._sample.tail(BACKGROUND_ROWS)
            background = self._frames.send(typical)
            method = f"SHAP against a background of {typical.n_rows:,} training rows"
        table = self._engine.explanations.contributions(self._model_key, frame, background=background)
        predicted = self._engine.models.predict(self._model_key, frame)
        return Item(shap_summary(table, predicted, rows, self._spec), origin=rows.origin, method=method)


def folded(importance: Sequence[tuple[str, float]], indicators: Indicators) -> tuple[tuple[str, float], ...]:
    """Return the importance of the columns that people know, the largest 1."""
    return summed((indicators.column_of(name), value) for name, value in importance)


def own_importance(details: ModelDetails, indicators: Indicators) -> Item[tuple[Importance, ...]]:
    """Return the importance that the algorithm noted while it was trained."""
    method = _OWN_IMPORTANCE.get(details.algo, "H2O's own")
    ranked = tuple(Importance(name, value) for name, value in folded(details.variable_importance, indicators))
    return Item(ranked, origin="all training rows", method=method)


def weighted_members(shares: Sequence[tuple[str, float]], own: Mapping[str, Sequence[tuple[str, float]]]) -> Members:
    """Weight each member's importances, scaled to sum to 1, by the member's share.

    Examples
    --------
    >>> weighted_members([("a", 0.75), ("b", 0.25)], {"a": [("x", 1.0), ("y", 1.0)], "b": [("y", 0.4)]}).importance
    (1.0, 0.6)
    """
    sums: dict[str, float] = {}
    for key, share in shares:
        whole = sum(value for _, value in own[key]) or 1.0
        for name, value in own[key]:
            sums[name] = sums.get(name, 0.0) + share * value / whole
    ranked = sorted(sums, key=lambda name: -sums[name])
    largest = max(sums.values(), default=0.0) or 1.0
    members = tuple(Member(key, share) for key, share in shares)
    return Members(members, tuple(ranked), tuple(sums[name] / largest for name in ranked))


def attempt(make: Callable[[], Item[T]]) -> Item[T]:
    """Compute an item; a refusal becomes its reason, a dead engine or scoring process ends everything."""
    try:
        return make()
    except (EngineDiedError, EngineUnavailableError, ScoringProcessError):
        raise
    except EngineError as error:
        return Item(reason=f"H2O could not compute this for the model: {error.message}")
