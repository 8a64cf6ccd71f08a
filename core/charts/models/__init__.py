"""Figures of models: explanations as data in, Plotly figures out.

Each takes an item of `core.explanations` and raises `ExplanationError` with the item's reason when there is no data.
"""

from core.charts.models.case import waterfall
from core.charts.models.decisions import outcome_matrix, profit_curve, trade_off
from core.charts.models.features import dependence_range, partial_dependence, shap_summary, variable_importance
from core.charts.models.gains import cumulative_gains, lift, separation
from core.charts.models.groups import (
    errors_by_prediction,
    group_rates,
    residual_groups,
    segment_words,
    weak_segments,
)
from core.charts.models.look import of_class, predicted_words
from core.charts.models.performance import confusion_matrix, predicted_actual, residuals, score_distribution
from core.charts.models.probabilities import calibration_curve, spread_by_class
from core.charts.models.rates import precision_recall, roc
from core.charts.models.several.backtest import backtest_lines
from core.charts.models.several.beside import (
    calibration_of_models,
    differences,
    errors_of_models,
    gains_of_models,
    roc_of_models,
    settings_of_runs,
)
from core.charts.models.several.compare import (
    agreement,
    dependence_of_models,
    importance_map,
    members,
    members_importance,
    pareto,
)
from core.charts.models.several.progress import leaderboard_progress, learning_curve
from core.charts.models.shapes import ice, pair_dependence

__all__ = [
    "agreement",
    "backtest_lines",
    "calibration_curve",
    "calibration_of_models",
    "confusion_matrix",
    "cumulative_gains",
    "dependence_of_models",
    "dependence_range",
    "differences",
    "errors_by_prediction",
    "errors_of_models",
    "gains_of_models",
    "group_rates",
    "ice",
    "importance_map",
    "leaderboard_progress",
    "learning_curve",
    "lift",
    "look",
    "members",
    "members_importance",
    "of_class",
    "outcome_matrix",
    "pair_dependence",
    "pareto",
    "partial_dependence",
    "precision_recall",
    "predicted_actual",
    "predicted_words",
    "profit_curve",
    "residual_groups",
    "residuals",
    "roc",
    "roc_of_models",
    "score_distribution",
    "segment_words",
    "separation",
    "settings_of_runs",
    "shap_summary",
    "spread_by_class",
    "trade_off",
    "variable_importance",
    "waterfall",
    "weak_segments",
]
