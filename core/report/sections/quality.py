"""Parts of a report: how good the model is, by origin of the rows, and how its decisions are made."""

from collections.abc import Sequence
from dataclasses import replace

import plotly.graph_objects as go
from markupsafe import Markup

from core.charts import models as charts_models
from core.domain.models import METRIC_NAMES, ORIGIN_NAMES, Origin
from core.explanations.items import Explanations
from core.models.decisions import policy_record
from core.report.card import metric_name, outcome_grid
from core.report.contents import Contents, Judged
from core.report.markup import beyond_paper, columns, figures, heading, join, paragraph, say, section, table
from core.report.words import ORIGIN_HELP, explained_at, how_good, how_it_decides
from core.wording import metric_text, percent_text, time_text

_MOST_POINTS = 2_000  # of four clouds in one file; more of them look the same and weigh more
_ORIGINS: tuple[Origin, ...] = ("train", "cv", "holdout")
_COUNTED = (
    "auc", "average_precision", "aucpr", "logloss", "brier", "accuracy", "mean_per_class_error", "precision", "recall",
    "f1", "rmse", "mae", "r2",
)  # fmt: skip


def quality(contents: Contents) -> Markup:
    """Return the metrics of the store by origin, what is counted over stored predictions, and the figures."""
    parts: list[str] = [paragraph(how_good(contents, one), "lead") for one in contents.judged]
    parts += [heading("Metrics of the leaderboard, by origin"), _stored(contents)]
    if contents.judged:
        parts += [heading("Counted over every stored prediction"), _counted(contents)]
    *others, shown = map(figures, _figures(contents)) if contents.judged else (Markup(),)
    if any(others):
        rows = contents.judged[-1].words
        parts.append(beyond_paper(f"The figures are those of {rows}; the others are in the file.", *others))
    return section("quality", "How good it is", *parts, shown)


def explained(found: Explanations) -> Markup:
    """Return what explanations say about it: metrics and curves at the threshold of their time."""
    names = dict.fromkeys(name for values in found.metrics.values() for name in values)
    rows = [(metric_name(name), *(_known(values.get(name)) for values in found.metrics.values())) for name in names]
    head = ("Metric", *(ORIGIN_NAMES[origin].capitalize() for origin in found.metrics))
    drawn = [figures(_curves(found, origin, found.threshold, confusion=True)) for origin in found.metrics]
    return section("quality", "How good it is", table(head, rows), *drawn) if rows else Markup()


def _stored(contents: Contents) -> Markup:
    """Return H2O's metrics: one line per metric, one column per origin, with the spread over the folds."""
    metrics = contents.model.metrics
    origins = [origin for origin in _ORIGINS if any(f"{origin}_{name}" in metrics for name in METRIC_NAMES)]
    rows = [
        (
            metric_name(name),
            *(_known(metrics.get(f"{origin}_{name}")) for origin in origins),
            _known(metrics.get(f"cv_{name}_mean")),
            _known(metrics.get(f"cv_{name}_sd")),
        )
        for name in METRIC_NAMES
        if any(f"{origin}_{name}" in metrics for origin in origins)
    ]
    head = ("Metric", *(ORIGIN_NAMES[origin].capitalize() for origin in origins), "Mean of folds", "Spread over folds")
    notes = [f"{ORIGIN_NAMES[origin].capitalize()}: {ORIGIN_HELP[origin]}." for origin in origins]
    binned = (
        "H2O's own numbers; AUC and PR AUC are approximate (at most 400 thresholds). Spread: standard deviation over "
        "the folds."
    )
    return join(table(head, rows), paragraph(" ".join([*notes, binned]), "small"))


def _counted(contents: Contents) -> Markup:
    judged = contents.judged
    names = [name for name in _COUNTED if any(name in one.metrics for one in judged)]
    rows = [(metric_name(name), *(_known(one.metrics.get(name)) for one in judged)) for name in names]
    threshold = contents.decision.threshold
    at = f" Labels are made at the threshold {threshold:.4g}, the one in force." if threshold is not None else ""
    head = ("Metric", *(one.words.capitalize() for one in judged))
    return join(
        table(head, rows), paragraph(f"Exact over all rows, by Bellwether.{at} {explained_at(contents)}", "small")
    )


def _known(value: float | None) -> str:
    return "" if value is None else metric_text(value)


def _figures(contents: Contents) -> Sequence[Sequence[go.Figure]]:
    found, threshold = contents.found, contents.decision.threshold
    if contents.method is not None:
        threshold = None  # the curves are those of the probabilities before calibration
    rows: list[list[go.Figure]] = []
    for judged in contents.judged:
        origin, drawn = judged.origin, []
        if found is not None:
            # Of two classes it is counted at the threshold in force, by the decision.
            drawn += _curves(found, origin, threshold, confusion=found.task == "multiclass")
        if judged.reliability is not None:
            name = str(contents.spec.positive)
            drawn.append(
                charts_models.calibration_curve(
                    judged.reliability, name, origin=judged.words, calibrated=judged.calibrated
                )
            )
            if judged.gains is not None and judged.outcomes is not None:
                share = judged.outcomes.selected_share
                drawn.append(charts_models.cumulative_gains(judged.gains, name, origin=judged.words, share=share))
        if judged.error_bins:
            target = contents.spec.target
            drawn.append(charts_models.errors_by_prediction(judged.error_bins, target=target, origin=judged.words))
        rows.append(drawn)
    return rows


def _curves(found: Explanations, origin: Origin, threshold: float | None, *, confusion: bool) -> list[go.Figure]:
    """Draw what is stored of an origin."""
    drawn: list[go.Figure] = []
    roc, precision = found.roc.get(origin), found.precision_recall.get(origin)
    matrix, residuals = found.confusion.get(origin), found.residuals.get(origin)
    if roc is not None and roc.data is not None:
        drawn.append(charts_models.roc(roc, threshold=threshold))
    if precision is not None and precision.data is not None:
        drawn.append(charts_models.precision_recall(precision, threshold=threshold))
    if confusion and matrix is not None and matrix.data is not None:
        drawn.append(charts_models.confusion_matrix(matrix))
    if residuals is not None and residuals.data is not None:
        shown = replace(residuals, data=residuals.data.thinned(_MOST_POINTS))
        drawn.append(charts_models.predicted_actual(shown, target=found.target))
        drawn.append(charts_models.residuals(shown, target=found.target))
    return drawn


def decision(contents: Contents) -> Markup:
    """Return the policy: the rule, who made it and why, and what it means in counts; nothing for other tasks."""
    if contents.decision.threshold is None:
        return Markup()
    parts: list[str] = [paragraph(how_it_decides(contents), "lead")]
    parts.append(columns(*(_outcomes(contents, one) for one in contents.judged if one.outcomes is not None)))
    parts += [_table(contents, contents.judged[0])] if contents.judged else []
    curves = [_profit(contents, one) for one in contents.judged if one.profit_curve is not None]
    parts += [figures(curves), _history(contents)]
    return section("decision", "How it decides", *parts)


def _outcomes(contents: Contents, judged: Judged) -> Markup:
    words = Markup()
    if judged.profit is not None and contents.decision.saved and contents.decision.saved.policy.money:
        unit = contents.decision.saved.policy.money.unit or "units"
        words = paragraph(
            say(
                "It brings {total} {unit} for 1,000 rows (95% interval {low} to {high}).",
                total=f"{judged.profit.total:,.0f}", unit=unit, low=f"{judged.profit.low:,.0f}",
                high=f"{judged.profit.high:,.0f}",
            )
        )  # fmt: skip
    return join(heading(f"On {judged.words}"), outcome_grid(contents, judged), words)


def _table(contents: Contents, judged: Judged) -> Markup:
    """Return what other thresholds would lead to, the one in force among them."""
    now = contents.decision.threshold
    rows = [
        (
            say("<b>{value}, in force</b>", value=f"{one.threshold:.4f}")
            if one.threshold == now
            else f"{one.threshold:.4f}",
            percent_text(one.outcomes.selected_share),
            f"{one.outcomes.selected:,}",
            percent_text(one.outcomes.precision),
            percent_text(one.outcomes.recall),
            f"{one.outcomes.false_positive:,}",
            f"{one.outcomes.false_negative:,}",
        )
        for one in judged.table
    ]
    head = ("Threshold", "Rows selected", "Count", "Precision", "Recall", "Wrongly selected", "Missed")
    return join(heading("What other thresholds would lead to"), table(head, rows), paragraph(judged.words, "small"))


def _profit(contents: Contents, judged: Judged) -> go.Figure:
    saved = contents.decision.saved
    unit = saved.policy.money.unit if saved and saved.policy.money else ""
    share = judged.outcomes.selected_share if judged.outcomes else None
    if judged.profit_curve is None:
        raise ValueError("no profit was computed")
    return charts_models.profit_curve(judged.profit_curve, origin=judged.words, unit=unit, share=share)


def _history(contents: Contents) -> Markup:
    if not contents.policies:
        return Markup()
    rows = []
    for entry in contents.policies:
        record = policy_record(entry)
        rows.append(
            (
                time_text(record["saved"]),
                f"{record['threshold']:.4f}",
                record["rule"],
                record["person"],
                record["why"],
            )
        )
    head = ("Saved, UTC", "Threshold", "Picked by", "Who", "Why")
    return join(heading("Policies, the one in force first"), table(head, rows, words=5))
