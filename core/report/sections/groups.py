"""Parts of a report: where the model is weak, how groups fare, and the other models of the run."""

import plotly.graph_objects as go
from markupsafe import Markup

from core.charts import models as charts_models
from core.domain.models import ORIGIN_NAMES, ModelInfo, Origin, model_name
from core.metrics.groups.fairness import FOUR_FIFTHS, LIMITS, MIN_ROWS, Fairness, Gap, GroupRates
from core.metrics.groups.segments import METHODS, Weakness
from core.models.leaderboard import metric_columns, ranking_metric
from core.report.card import metric_name, segment_text
from core.report.contents import Contents
from core.report.markup import bold, bullets, figures, heading, join, paragraph, say, section, table
from core.wording import metric_text, percent_text

EXPLAINED = "Share explained"
MAX_SEGMENTS, MAX_MODELS = 12, 30


def weak(contents: Contents) -> Markup:
    """Return the parts of the data with the worst metric, with counts and intervals."""
    found = contents.groups.weakness
    if found is None:
        return section("weak", "Where it is weak", paragraph(contents.groups.weakness_reason))
    shown = [one for one in found.segments if one.gap > 0][:MAX_SEGMENTS]
    clear = sum(one.is_clear for one in found.segments)
    words = (
        f"{EXPLAINED}: how much smaller the model's error is than if every row were given the part's own average; "
        f"below 0 that average would be better. {found.n_segments:,} parts of the data with at least "
        f"{found.min_rows:,} rows, and no less error than all rows together, were looked at. "
        f"{clear:,} of them are clearly worse than all rows together, also with intervals widened for "
        f"all {found.n_looks:,} that were measured (Bonferroni); by chance alone about one in twenty lies"
        " outside its 95% interval."
    )
    if not shown:
        return section("weak", "Where it is weak", paragraph(words))
    figure = charts_models.weak_segments(found, shown, metric_name=EXPLAINED, is_share=True)
    return section("weak", "Where it is weak", paragraph(words), figures([figure], two=False), _segments(found))


def _segments(found: Weakness) -> Markup:
    rows = [
        (
            segment_text(one),
            f"{one.n_rows:,}",
            percent_text(one.value),
            f"{percent_text(one.low)} to {percent_text(one.high)}",
            percent_text(found.overall),
            "yes" if one.is_clear else "",
        )
        for one in found.segments[:MAX_SEGMENTS]
        if one.gap > 0
    ]
    head = ("Part of the data", "Rows", EXPLAINED, "95% interval", "All rows", "Clearly worse")
    method = f"{found.origin}; {METHODS[found.metric]}. Sorted by the end of the 95% interval that favours the model."
    return join(table(head, rows), paragraph(method[:1].upper() + method[1:], "small"))


def fairness(contents: Contents) -> Markup:
    """Return what is decided for the groups of columns that people most often ask about; nothing for other tasks."""
    groups = contents.groups
    if contents.spec.task != "binary":
        return Markup()
    parts: list[str] = [_column(contents, one) for one in groups.fairness]
    if not parts:
        parts.append(paragraph(groups.fairness_reason))
    told = [say("{point} {meaning}", point=bold(point), meaning=meaning) for point, meaning in LIMITS]
    return section("fairness", "How groups fare", *parts, heading("What this does not tell"), bullets(told))


def _column(contents: Contents, found: Fairness) -> Markup:
    if found.disparate_impact is None:
        verdict = say("There are too few rows to judge: groups under {rows} rows are shown only.", rows=f"{MIN_ROWS}")
    else:
        verdict = say(
            "The smallest ratio of selection rates is {ratio}, compared with {reference}: {side} the four fifths "
            "({limit}) that the rule of thumb asks for.",
            ratio=bold(f"{found.disparate_impact:.2f}"), reference=bold(found.reference),
            side=bold("within" if found.passes else "outside"), limit=f"{FOUR_FIFTHS:g}",
        )  # fmt: skip
    origin = f"{contents.groups.origin}; shaded: within four fifths of the reference"
    drawn = [
        charts_models.group_rates(
            found, [one.selection for one in found.groups], title="Selected", origin=origin, four_fifths=True
        ),
        charts_models.group_rates(
            found, [one.true_positive_rate for one in found.groups], title="True positive rate",
            origin=contents.groups.origin,
        ),
    ]  # fmt: skip
    head = ("Group", "Rows", "Base rate", "Selected", "Ratio", "p", "True positive rate", "False positive rate")
    rows = [_group(one) for one in found.groups]
    return join(heading(found.column), paragraph(verdict), figures(drawn), table(head, rows))


def _group(one: GroupRates) -> tuple[str, ...]:
    gap = one.selection_gap
    rates = (one.true_positive_rate, one.false_positive_rate)
    return (
        f"{one.name}, too few to judge" if one.is_small else one.name,
        f"{one.n_rows:,}",
        percent_text(one.base_rate.value),
        percent_text(one.selection.value),
        "reference" if gap is None else "" if gap.ratio is None else f"{gap.ratio:.2f}",
        _p_text(gap),
        *(percent_text(rate.value) if rate else "" for rate in rates),
    )


def _p_text(gap: Gap | None) -> str:
    if gap is None:
        return ""
    return "< 0.0001" if gap.p_value < 0.0001 else f"{gap.p_value:.4f}"


def models(contents: Contents) -> Markup:
    """Return the leaderboard of the run and what its models have in common."""
    known = contents.models
    metric = ranking_metric(contents.run.settings)
    plain = metric.removeprefix("cv_")
    wanted = dict.fromkeys((metric, f"holdout_{plain}", "cv_logloss", "cv_mae"))
    names = [name for name in wanted if name in metric_columns(known)]
    rows = [_model(contents, place, one, names) for place, one in enumerate(known[:MAX_MODELS], 1)]
    head = ("#", "Model", *(_label(name) for name in names), "Spread over folds", "Training, s", "Prediction, µs a row")
    parts: list[str] = [table(head, rows, words=2)]
    if len(known) > MAX_MODELS:
        parts.append(paragraph(f"The first {MAX_MODELS} of {len(known):,} models.", "small"))
    spread = f"Best first, by {_label(metric)}. Spread over folds: standard deviation of that metric over the folds."
    parts.append(paragraph(spread, "small"))
    parts.append(figures(_compared(contents)))
    return section("models", "The other models of the run", *parts)


def _model(contents: Contents, place: int, one: ModelInfo, names: list[str]) -> tuple[str, ...]:
    name: str = model_name(one.model_key)
    marks = [
        word
        for word, on in (
            ("this model", one.id == contents.model.id), ("baseline", bool(one.baseline)), ("champion", one.is_champion)
        )
        if on
    ]  # fmt: skip
    spread = one.metrics.get(f"{names[0]}_sd")
    time_s = one.predict_time_per_row_s
    return (
        str(place),
        join(
            bold(name) if one.id == contents.model.id else name,
            *(say(' <span class="mark">{mark}</span>', mark=mark) for mark in marks),
        ),
        *(metric_text(one.metrics[name]) if name in one.metrics else "" for name in names),
        "" if spread is None else metric_text(spread),
        "" if one.training_time_s is None else f"{one.training_time_s:.1f}",
        "" if time_s is None else f"{time_s * 1e6:.1f}",
    )


def _label(name: str) -> str:
    origin, _, plain = name.partition("_")
    known: dict[str, Origin] = {"cv": "cv", "holdout": "holdout"}
    return f"{metric_name(plain)}, {ORIGIN_NAMES[known[origin]]}" if origin in known else metric_name(name)


def _compared(contents: Contents) -> list[go.Figure]:
    drawn: list[go.Figure] = []
    found, metric = contents.comparison, ranking_metric(contents.run.settings)
    if found is not None and found.importance.data is not None:
        drawn.append(charts_models.importance_map(found.importance))
    if found is not None and found.agreement.data is not None:
        drawn.append(charts_models.agreement(found.agreement))
    if any(one.predict_time_per_row_s and metric in one.metrics for one in contents.models):
        drawn.append(charts_models.pareto(contents.models, metric))
    return drawn
