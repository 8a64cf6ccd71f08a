"""Figures of models: explanations as data in, Plotly figures out, in the light or the dark look.

Each takes an item of `core.explanations` and raises `ExplanationError` with the item's reason when there is no data.
"""

from core.charts_models.features import dependence_range, partial_dependence, shap_summary, variable_importance
from core.charts_models.gallery import figures, predicted_words
from core.charts_models.performance import confusion_matrix, predicted_actual, residuals, score_distribution
from core.charts_models.progress import leaderboard_progress, learning_curve
from core.charts_models.rates import precision_recall, roc

__all__ = [
    "confusion_matrix",
    "dependence_range",
    "figures",
    "leaderboard_progress",
    "learning_curve",
    "partial_dependence",
    "precision_recall",
    "predicted_actual",
    "predicted_words",
    "residuals",
    "roc",
    "score_distribution",
    "shap_summary",
    "variable_importance",
]
