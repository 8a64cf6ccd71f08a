"""Which explanation exists for which task and algorithm, and what people read where there is none."""

from collections.abc import Callable, Mapping
from typing import Final

from core.domain.training import Task

ALGORITHMS: Final = ("GBM", "XGBoost", "GLM", "DeepLearning", "DRF", "StackedEnsemble")
TASKS: Final[tuple[Task, ...]] = ("binary", "multiclass", "regression")
ENSEMBLE: Final = "StackedEnsemble"

SHAP_MULTICLASS: Final = (
    "H2O computes Shapley contributions for two classes and for numbers only, not for several classes."
)
NO_CLASSES: Final = "There are no classes: this model predicts a number."
NO_RESIDUALS: Final = "Residuals need a number to predict; this model predicts a class."
NO_MEMBERS: Final = "Only an ensemble has members; this model is not one."
NO_OWN_CURVE: Final = (
    "An ensemble is combined from finished models in one step, and its metalearner recorded no curve; "
    "see the curves of its members."
)

# Every explanation with the words for it, in the order to read them.
ITEMS: Final[Mapping[str, str]] = {
    "variable_importance": "feature importance",
    "members": "members of the ensemble, weighted",
    "shap_summary": "SHAP summary",
    "partial_dependence": "partial dependence",
    "pairs": "partial dependence on two features",
    "ice": "individual lines (ICE)",
    "confusion": "confusion matrix",
    "roc": "ROC curve",
    "precision_recall": "precision and recall",
    "residuals": "residuals, predicted and actual",
    "learning_curve": "learning curve",
    "importance_map": "importance over models",
    "agreement": "agreement of models",
    "models_dependence": "partial dependence of several models",
    "pareto": "prediction time against metric",
    "prediction": "one case: prediction and what-if",
    "contributions": "one case: contributions",
    "flip": "one case: smallest change that flips it",
    "similar": "one case: similar training rows",
}


def why_not(item: str, task: Task, algo: str) -> str:
    """Return why an explanation cannot be computed, in words fit for any user; empty when it can.

    Parameters
    ----------
    item : str
        One of `ITEMS`.

    Examples
    --------
    >>> why_not("roc", "regression", "GBM")
    'There are no classes: this model predicts a number.'
    >>> why_not("roc", "binary", "GBM")
    ''
    """
    rule = _RULES.get(item)
    return rule(task, algo) if rule else ""


def _of_classes(task: Task, _: str) -> str:
    return NO_CLASSES if task == "regression" else ""


def _of_numbers(task: Task, _: str) -> str:
    return "" if task == "regression" else NO_RESIDUALS


def _shapley(task: Task, _: str) -> str:
    return SHAP_MULTICLASS if task == "multiclass" else ""


def _of_ensembles(_: Task, algo: str) -> str:
    return "" if algo == ENSEMBLE else NO_MEMBERS


def _with_steps(_: Task, algo: str) -> str:
    return NO_OWN_CURVE if algo == ENSEMBLE else ""


_RULES: Final[Mapping[str, Callable[[Task, str], str]]] = {
    "members": _of_ensembles,
    "shap_summary": _shapley,
    "contributions": _shapley,
    "confusion": _of_classes,
    "roc": _of_classes,
    "precision_recall": _of_classes,
    "residuals": _of_numbers,
    "learning_curve": _with_steps,
}
