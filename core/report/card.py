"""The model card: one page that says what a model does, how good it is, how it decides and what it does not tell."""

from collections.abc import Mapping

from markupsafe import Markup

from core.domain.models import ORIGIN_NAMES, Origin, metric_in_words, model_name
from core.domain.training import Task
from core.metrics.groups.segments import Segment, explained_words
from core.models.leaderboard import NO_BETTER, ranking_metric
from core.report.contents import Contents, Judged
from core.report.markup import bars, bold, bullets, columns, each, facts, heading, join, paragraph, say, tiles
from core.report.sections.limits import limits
from core.report.words import how_good, how_it_decides, what_it_does
from core.wording import day_text, metric_text, number_text, time_text

TOP_FEATURES, TOP_SEGMENTS, TOP_LIMITS = 6, 3, 3
_TILES: Mapping[Task, tuple[str, ...]] = {
    "binary": ("auc", "logloss"),
    "multiclass": ("mean_per_class_error", "logloss"),
    "regression": ("rmse", "mae", "r2"),
}


def card(contents: Contents) -> Markup:
    """Return the model card as HTML; it has no figure that needs a script."""
    unseen = contents.unseen
    parts = [
        _head(contents),
        paragraph(what_it_does(contents), "lead"),
        tiles(_metric_tiles(contents)),
        paragraph(how_good(contents, unseen), "lead") if unseen else "",
        _middle(contents, unseen),
        join(heading("What it cannot tell you"), bullets(limits(contents)[:TOP_LIMITS])),
        _foot(contents),
    ]
    return say('<article class="card" id="card">{}</article>', join(*parts))


def metric_name(plain: str) -> str:
    """Return a metric's name as a label, such as ``"Log loss"``."""
    name = metric_in_words(plain)
    return name[:1].upper() + name[1:]


def _head(contents: Contents) -> Markup:
    model = contents.model
    marks = [f"version {model.version}" if model.version else "", "champion" if model.is_champion else ""]
    marks += [NO_BETTER.lower()] if model.no_better else []
    return join(
        say('<div class="eyebrow">Model card · {}</div>', model.experiment),
        say(
            "<h1>Predicting {} {}</h1>",
            contents.spec.target, each('<span class="mark">{}</span>', ((mark,) for mark in marks if mark)),
        ),
    )  # fmt: skip


def _metric_tiles(contents: Contents) -> list[tuple[str, str, str]]:
    """Return the main metrics, each with its origin; cross-validation with its spread over the folds.

    They are counted over all stored predictions, as on the Explain page; of a run with weights they are H2O's own.
    """
    model = contents.model
    is_exact = contents.found is not None and contents.run.settings.weights_column is None
    exact: Mapping[Origin, Mapping[str, float]] = contents.found.metrics if contents.found and is_exact else {}
    found: list[tuple[str, str, str]] = []
    origins: tuple[Origin, ...] = ("cv", "holdout")
    for plain in _TILES[model.task]:
        for origin in origins:
            value = exact.get(origin, {}).get(plain, model.metrics.get(f"{origin}_{plain}"))
            if value is not None:
                spread = model.metrics.get(f"cv_{plain}_sd") if origin == "cv" else None
                words = ORIGIN_NAMES[origin] + (
                    f", ± {number_text(spread, 2)} over folds" if spread is not None else ""
                )
                found.append((metric_name(plain), metric_text(value), words))
    return found[:4]


def _looks_at(contents: Contents) -> Markup:
    item = contents.found.variable_importance if contents.found else None
    title = heading("What it looks at most")
    if item is None or not item.data:
        return join(title, paragraph(item.reason if item else "Explanations were not computed yet."))
    shown = [(one.feature, one.importance) for one in item.data[:TOP_FEATURES]]
    return join(title, bars(shown), paragraph("The longest bar is the most important one.", "small"))


def _decides(contents: Contents, unseen: Judged | None) -> Markup:
    parts = [heading("How it decides"), paragraph(how_it_decides(contents))]
    if unseen and unseen.outcomes:
        parts.append(outcome_grid(contents, unseen))
    return join(*parts)


def outcome_grid(contents: Contents, judged: Judged) -> Markup:
    """Return the four outcomes of a decision as a small grid of counts."""
    found, positive = judged.outcomes, str(contents.spec.positive)
    if found is None:
        return Markup()
    cells = (  # as in every confusion matrix: rows actual, columns predicted, the positive class last
        ("good", found.true_negative, "correctly left out"),
        ("bad", found.false_positive, "wrongly selected"),
        ("bad", found.false_negative, "missed"),
        ("good", found.true_positive, "correctly selected"),
    )
    return join(
        say('<div class="outcomes">{}</div>', each('<div class="{}"><b>{:,}</b><span>{}</span></div>', cells)),
        paragraph(
            say("Rows actual, columns predicted: not {name}, then {name}; {rows}.", name=positive, rows=judged.words),
            "small",
        ),
    )


def _weak(contents: Contents) -> Markup:
    weakness = contents.groups.weakness
    title = heading("Where it is weak")
    if weakness is None:
        return join(title, paragraph(contents.groups.weakness_reason))
    worst = [one for one in weakness.segments if one.is_clear and one.gap > 0][:TOP_SEGMENTS]
    if not worst:
        looked = f"No part of the data is clearly worse than all rows together ({weakness.n_segments:,} looked at)."
        return join(title, paragraph(looked))
    items = [
        say(
            "{segment}: {words} ({rows} rows)",
            segment=bold(segment_text(one)),
            words=explained_words(one, weakness.overall),
            rows=f"{one.n_rows:,}",
        )
        for one in worst
    ]
    return join(title, bullets(items), paragraph(f"{weakness.origin[:1].upper()}{weakness.origin[1:]}.", "small"))


def segment_text(segment: Segment) -> str:
    """Return a segment in words, as plain text."""
    return " and ".join(f"{column}: {group}" for column, group in segment.parts)


def _middle(contents: Contents, unseen: Judged | None) -> Markup:
    """Return the two columns of the card, about as high as each other."""
    left, right, weak = [_looks_at(contents)], [_decides(contents, unseen)], _weak(contents)
    (left if unseen and unseen.outcomes else right).append(weak)
    return columns(join(*left), join(*right))


def _foot(contents: Contents) -> Markup:
    model, run, dataset = contents.model, contents.run, contents.dataset
    rows = f", {dataset.n_rows:,} rows" if dataset else ""
    plain = ranking_metric(run.settings).removeprefix("cv_")
    ranked_by = metric_in_words(plain)
    place = f"{model.rank} of {_n_ranked(contents)} by {ranked_by} in cross-validation"
    pairs: list[tuple[str, str]] = [
        ("Model", f"{model_name(model.model_key)} ({model.algo})"),
        ("Place", place if model.rank else "a baseline, trained to compare with"),
        ("Learned from", f"{dataset.label if dataset else contents.spec.dataset_name}{rows}"),
        ("Trained", day_text(run.created_at) + (f" by {run.person}" if run.person else "")),
        ("Address", model.uri),
        ("Card created", time_text(contents.made_at)),
    ]
    return facts(pairs)


def _n_ranked(contents: Contents) -> int:
    return sum(model.baseline is None for model in contents.models)
