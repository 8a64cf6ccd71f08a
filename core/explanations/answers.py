"""Sentences that answer the questions of the views: how good a model is, what it relies on, how it learned."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import pandas as pd

from core.domain.models import metric_in_words, model_name
from core.explanations.items import Importance, LearningCurve, LearningSeries, ShapFeature, ShapSummary
from core.explanations.models import ImportanceMap
from core.wording import alike_texts, count_text, list_text, metric_text, number_text, percent_text

_MOST_OF_IT, _FEW, _LITTLE = 2 / 3, 5, 0.01
_ERRORS = ("logloss", "rmse")
_LAST_PART = 0.25
_MOVING, _DIRECTION = 3, 0.5
_APART = 0.1
_RARE = 0.02  # of the points drawn: so few say nothing of their level
_FORESTS = ("DRF", "XRT")
_COUNTED = {"Number of trees": "trees", "Epochs": "epochs", "Iterations": "iterations", "Seconds": "seconds"}


def good_words(metrics: Mapping[str, float], constant: Mapping[str, float], rows: str) -> str:
    """Say in sentences how good a model is, beside a predictor that says the same of every row.

    Parameters
    ----------
    metrics, constant : mapping of str to float
        Of the model and of the constant predictor on the same rows, by name; what is not known is left out.
    rows : str
        The rows they were measured on.

    Notes
    -----
    AUC is the share of pairs, one row of each class, in which the positive one has the higher score, ties counted half
    (J. Hanley and B. McNeil 1982, The meaning and use of the area under a ROC curve, Radiology 143).

    Examples
    --------
    >>> good_words({"rmse": 50.0}, {"rmse": 200.0}, "holdout")
    'RMSE (holdout) is 75% lower than that of a constant predictor.'
    """
    found = []
    if (auc := metrics.get("auc")) is not None:
        found.append(
            f"Of all pairs of a positive and a negative row ({rows}) it ranks {percent_text(auc)} the right way round,"
            " the positive one first."
        )
    for name in _ERRORS:
        own, usual = metrics.get(name), constant.get(name)
        if own is None or not usual:
            continue
        words = metric_in_words(name)
        words = f"{words[:1].upper()}{words[1:]}{'' if found else f' ({rows})'} is "
        if own < usual:
            found.append(f"{words}{percent_text(1 - own / usual)} lower than that of a constant predictor.")
        else:
            found.append(f"{words}no lower than that of a constant predictor.")
    return " ".join(found)


def relied_words(ranked: Sequence[Importance], show: Callable[[str], str] = str) -> str:
    """Say in sentences which features carry most of a model's importance, and which next to none.

    Parameters
    ----------
    ranked : sequence of Importance
        All features, the most important one first.
    show : callable
        Draws the name of a feature.

    Examples
    --------
    >>> relied_words([Importance("age", 1.0), Importance("damage", 0.6), Importance("region", 0.2)])
    'age and damage carry 89% of all importance.'
    """
    total = sum(one.importance for one in ranked)
    if not total:
        return ""
    shares = [one.importance / total for one in ranked]
    few = next((n for n in range(1, _FEW + 1) if sum(shares[:n]) >= _MOST_OF_IT), None)
    if few is None:
        words = f"No few stand out: the first {_FEW} of {len(ranked)} features carry {percent_text(sum(shares[:_FEW]))}"
    else:
        names = list_text([one.feature for one in ranked[:few]], show=show)
        words = f"{names} {'carries' if few == 1 else 'carry'} {percent_text(sum(shares[:few]))}"
    unused = [one.feature for one in ranked if one.importance < _LITTLE * ranked[0].importance]
    little = f"{list_text(unused, 3, show=show)} {'carries' if len(unused) == 1 else 'carry'} next to none. "
    return f"{words} of all importance. {little if unused else ''}".rstrip()


def apart_words(found: ImportanceMap, show: Callable[[str], str] = str) -> str:
    """Say in sentences what models rely on most, and on which feature they differ most; empty of a single model.

    Parameters
    ----------
    show : callable
        Draws the name of a feature.

    Examples
    --------
    >>> apart_words(ImportanceMap(("GBM_1", "GLM_1"), ("age", "city"), ((1.0, 1.0), (0.1, 0.8))))
    'All of them rely most on age. They differ most in city: 0.10 in GBM 1, 0.80 in GLM 1.'
    """
    if len(found.models) < 2 or not found.features:
        return ""
    columns = list(zip(*found.values, strict=True))
    firsts = Counter(found.features[column.index(max(column))] for column in columns if max(column) > 0)
    if not firsts:
        return ""
    (first, n_first), *others = firsts.most_common()
    if others:
        rest = list_text([f"{show(name)} in {number}" for name, number in others])
        words = f"What they rely on most is {show(first)} in {n_first} of {len(columns)}, {rest}."
    else:
        words = f"All of them rely most on {show(first)}."
    apart = max(found.values, key=lambda row: max(row) - min(row))
    if max(apart) - min(apart) < _APART:
        return f"{words} They hardly differ in the others." if len(found.features) > 1 else words
    ends = [(apart.index(end(apart)), end(apart)) for end in (min, max)]
    least, most = (f"{value:.2f} in {model_name(found.models[place])}" for place, value in ends)
    return f"{words} They differ most in {show(found.features[found.values.index(apart)])}: {least}, {most}."


def moved_words(summary: ShapSummary, show: Callable[[str], str] = str) -> str:
    """Say in a sentence which features move predictions most, and which of their values which way.

    Parameters
    ----------
    show : callable
        Draws the name of a feature, and a value of one.

    Notes
    -----
    Of values with an order by Spearman's rank correlation with the contributions; from 0.5 on it counts as a direction,
    which Cohen (Statistical Power Analysis, 1988) calls a large correlation.

    Examples
    --------
    >>> age = ShapFeature("age", 0.5, ("1", "2", "3"), (0.0, 0.5, 1.0), (-0.5, 0.1, 0.5))
    >>> damage = ShapFeature("damage", 0.4, ("Yes", "No", "Yes"), (1.0, 0.0, 1.0), (0.5, -0.4, 0.3))
    >>> moved_words(ShapSummary((age, damage), "log-odds", 0.0, 3))
    'Row by row, predictions move most with age (high values raise them) and damage (Yes raises them, No lowers them).'
    """
    said = [f"{show(one.feature)} ({_way(one, show)})" for one in summary.features[:_MOVING] if one.contribution]
    return f"Row by row, predictions move most with {list_text(said)}." if said else ""


def _way(feature: ShapFeature, show: Callable[[str], str]) -> str:
    ordered = [pair for pair in zip(feature.shade, feature.contribution, strict=True) if pair[0] is not None]
    n_levels = len({value for value, shade in zip(feature.value, feature.shade, strict=True) if shade is not None})
    if n_levels <= 2:  # two of them have an order only in the colours of a figure
        return _way_of_levels(feature, show)
    ranks = pd.DataFrame(ordered, columns=["value", "contribution"]).rank()
    together = ranks["value"].corr(ranks["contribution"])
    if abs(together) >= _DIRECTION:
        return f"high values {'raise' if together > 0 else 'lower'} them"
    return "in no one direction"


def _way_of_levels(feature: ShapFeature, show: Callable[[str], str]) -> str:
    points = pd.DataFrame({"level": feature.value, "contribution": feature.contribution})
    levels = points.groupby("level", sort=False)["contribution"].agg(["mean", "size"])
    frequent = levels["size"] >= _RARE * len(points)  # one row says nothing of its level
    means = levels["mean"][frequent] if frequent.any() else levels["mean"]
    up, down = str(means.idxmax()), str(means.idxmin())
    most = "" if len(means) == 2 and means.max() > 0 > means.min() else " most"
    ways = [f"{show(up)} raises them{most}"] if means.max() > 0 else []
    ways += [f"{show(down)} lowers them{most}"] if means.min() < 0 else []
    return ", ".join(ways) or "in no one direction"


def learned_words(curve: LearningCurve, algo: str = "") -> str:
    """Say in sentences how a model learned; empty where the folds' own curves are not known.

    Parameters
    ----------
    algo : str
        The model's algorithm: the own curve of a forest is of rows that its trees had not seen.

    Notes
    -----
    The metrics of H2O's histories are errors, so less is better. What the curve of cross-validation moves by is taken
    for chance as long as it is no more than one standard deviation over the folds at that step.

    Examples
    --------
    >>> folds = LearningSeries("cross-validation", (0.5, 0.31, 0.3, 0.299), sd=(0.01, 0.01, 0.01, 0.01))
    >>> learned_words(LearningCurve("Epochs", (1, 20, 30, 40), "logloss", (folds,))).partition(" on rows")[0]
    'After 40 epochs log loss is 0.2990'
    """
    unseen = next((one for one in curve.series if one.sd), None)
    if unseen is None:
        return ""
    own = _end(curve, next((one for one in curve.series if one is not unseen), unseen))
    reached = [
        (at, value, sd)
        for at, value, sd in zip(curve.steps, unseen.values, unseen.sd, strict=True)
        if value is not None and sd is not None and own is not None and at <= own[0]
    ]
    if own is None or len(reached) < 2:
        return ""
    at, value, _ = reached[-1]
    unit, name = _COUNTED.get(curve.step, curve.step.lower()), metric_in_words(curve.metric)
    rows = (
        f"on rows it had not seen ({unseen.name}, mean of {count_text(curve.n_folds, 'model')}, each as far as it got)"
    )
    words = f"After {number_text(at)} {unit} {name} is {metric_text(value)} {rows}"
    own_rows = "out of bag" if algo in _FORESTS else "on those it learned from"
    words += f", {metric_text(own[1])} {own_rows}. " if len(curve.series) > 1 else ". "
    return words + _verdict(reached, unit)


def _verdict(reached: Sequence[tuple[float, float, float]], unit: str) -> str:
    """Judge steps, each with the metric and its spread over the folds."""
    at, value, sd = reached[-1]
    best_at, best, best_sd = min(reached, key=lambda point: point[1])
    if value - best > best_sd:
        change, spread = alike_texts(value - best, best_sd)
        return (
            f"It began to overfit: it was best after {number_text(best_at)} {unit} and is {change} worse since,"
            f" more than the spread over the folds ({spread})."
        )
    earlier = [one for step, one, _ in reached if step <= (1 - _LAST_PART) * at]
    gained = earlier[-1] if earlier else reached[0][1]
    change, spread = alike_texts(gained - value, sd)
    if gained - value > sd:
        return (
            f"It had not settled: the last quarter brought {change}, more than the spread over the folds ({spread}), so"
            f" more {unit} may help."
        )
    if gained == value:
        moved = "did not change the error on unseen rows"
    elif gained > value:
        moved = f"lowered the error on unseen rows by {change}, within the spread over the folds ({spread})"
    else:
        change, spread = alike_texts(value - gained, max(sd, best_sd))
        moved = f"raised the error on unseen rows by {change}, within the spread over the folds ({spread})"
    return f"It has settled, and no overfitting harms it: the last quarter of the {unit} {moved}."


def _end(curve: LearningCurve, series: LearningSeries) -> tuple[float, float] | None:
    """Return the last step of a series with its value."""
    known = [(at, value) for at, value in zip(curve.steps, series.values, strict=True) if value is not None]
    return known[-1] if known else None
