"""Figures of the models of one run beside each other."""

import math
import statistics
from collections.abc import Collection, Sequence

import numpy as np
import plotly.graph_objects as go

from core.charts.look import ACCENT, INK, LOW, QUIET, SERIES, SHARES, escape, on_shares
from core.charts.models.features import place_on_axis
from core.charts.models.look import (
    ROW_HEIGHT,
    cut,
    data_of,
    in_template,
    intervals,
    label,
    legend_below,
    metric_words,
    name_rows,
    new_figure,
    row_label,
    write_cells,
)
from core.domain.models import ModelInfo, model_name
from core.explanations.items import Dependence, Item
from core.explanations.models import Agreement, ImportanceMap
from core.explanations.shapes import Members
from core.models.leaderboard import is_lower_better
from core.models.standing import NO_NAMES, Names, Standings, State, called, difference_words
from core.wording import list_text, number_text, percent_text

MAX_LINES = 6
_FEWEST_FAR = 4
_FEW = 8  # so many models all have their name in the figure
_STATES: tuple[tuple[str, frozenset[State], str, str], ...] = (
    ("leader and those tied with it", frozenset({"leader", "tied", "ahead"}), ACCENT, "circle"),
    ("behind beyond chance", frozenset({"behind"}), LOW, "diamond"),
    ("not tested", frozenset({"unknown"}), QUIET, "circle-open"),
)
_NO_STATES = (("models", frozenset[State](), ACCENT, "circle"),)


def importance_map(item: Item[ImportanceMap]) -> go.Figure:
    """Draw the importance of features (rows) in models (columns)."""
    found = data_of(item)
    names = [model_name(key) for key in found.models]
    figure = new_figure("Importance over models", item.origin, height=170 + ROW_HEIGHT * len(found.features))
    figure.add_heatmap(
        z=found.values,
        x=list(range(len(names))),
        y=list(range(len(found.features))),
        zmin=0,
        zmax=1,
        colorscale=SHARES,
        showscale=False,
        xgap=2,
        ygap=2,
        customdata=[[[escape(feature), escape(name)] for name in names] for feature in found.features],
        hovertemplate=(
            "<b>%{customdata[0]}</b> in %{customdata[1]}<br>%{z:.1%} of its most important feature<extra></extra>"
        ),
    )
    write_cells(figure, ((x, y, f"{v:.2f}", v) for y, row in enumerate(found.values) for x, v in enumerate(row)))
    _name_columns(figure, names)
    name_rows(figure, [row_label(feature) for feature in found.features])
    return figure


def agreement(item: Item[Agreement]) -> go.Figure:
    """Draw how often each pair of models agrees."""
    found = data_of(item)
    names = [model_name(key) for key in found.models]
    values = np.array(found.values)
    figure = new_figure("Agreement of models", item.origin, height=170 + 48 * len(names))
    low = float(values.min())
    figure.add_heatmap(
        z=values,
        x=list(range(len(names))),
        y=list(range(len(names))),
        zmin=min(low, 0.999) - 0.001,
        zmax=1,
        colorscale=SHARES,
        showscale=False,
        xgap=2,
        ygap=2,
        customdata=[[[escape(a), escape(b)] for b in names] for a in names],
        hovertemplate="%{customdata[0]}<br>%{customdata[1]}<br>%{z:.4f}<extra></extra>",
    )
    span = max(1 - low, 0.001)
    for i, row in enumerate(values):
        for j, value in enumerate(row):
            figure.add_annotation(
                x=j,
                y=i,
                text=f"{value:.3f}",
                showarrow=False,
                font={"size": 12, "color": on_shares((value - low) / span)},
            )
    _name_columns(figure, names)
    name_rows(figure, [row_label(name) for name in names])
    return figure


def pareto(
    models: Sequence[ModelInfo], metric: str, standings: Standings | None = None, names: Names = NO_NAMES
) -> go.Figure:
    """Draw prediction time against a metric; of one run, a line joins the models that no other one beats in both.

    Parameters
    ----------
    models : sequence of ModelInfo
        Those without a prediction time or without the metric are left out.
    metric : str
        With its origin, such as ``"cv_auc"``.
    standings : Standings, optional
        How they stand. Where the metric is the one that was tested, a model's whisker is the interval of its difference
        to the leader, so that it meets the leader's line where the two are tied; else that of the metric itself.
    names : mapping of str to str, optional
        What models are called, by id, where their own names do not tell them apart.
    """
    known = [m for m in models if m.predict_time_per_row_s and metric in m.metrics]
    name, words = metric_words(metric)
    leader = standings.leader if standings and metric == f"{standings.origin}_{standings.metric}" else None
    has_line = leader in known
    whiskers = "; whiskers: 95% interval" + (" of the difference to the leader, whose line is dotted" * has_line)
    points = [((m.predict_time_per_row_s or 0.0) * 1e6, m.metrics[metric]) for m in known]
    far = far_worse([y for _, y in points], more_is_better=not is_lower_better(metric))
    far = [place for place in far if not (known[place].is_champion or _is_spoken_of(known[place], standings))]
    outside = list_text([escape(called(known[place], names)) for place in far], 3)
    notes = [f"far worse and not drawn: {outside}"] if far else []
    # The times of two runs were taken under another load each, so that no line can say which models are the best.
    is_one_run = len({m.run_id for m in known}) <= 1
    notes += [] if is_one_run else ["times of different runs were taken under another load"]
    about = f"{words}, against prediction time{whiskers if standings else ''}"
    figure = new_figure("Quality and speed", about, note="; ".join(notes))
    known = [m for place, m in enumerate(known) if place not in far]
    points = [point for place, point in enumerate(points) if place not in far]
    front = pareto_front(points, more_is_better=not is_lower_better(metric)) if is_one_run else []
    on_front = sorted(points[place] for place in front)
    figure.add_scatter(
        x=[x for x, _ in on_front], y=[y for _, y in on_front], mode="lines", name="best for their speed",
        line={"color": QUIET, "width": 1, "shape": "hv"}, hoverinfo="skip", visible=is_one_run,
    )  # fmt: skip
    _add_models(figure, known, points, front, metric, standings, names, is_of_difference=has_line)
    if leader is not None and has_line:
        figure.add_hline(y=leader.metrics[metric], line={"color": ACCENT, "width": 1, "dash": "dot"})
    champions = [point for point, m in zip(points, known, strict=True) if m.is_champion]
    figure.add_scatter(
        x=[x for x, _ in champions], y=[y for _, y in champions], mode="markers", name="champion", hoverinfo="skip",
        marker={"size": 19, "color": INK, "symbol": "circle-open", "line": {"width": 1.5}}, visible=bool(champions),
    )  # fmt: skip
    figure.update_xaxes(title="prediction time, µs a row", type="log", tickformat="~g")
    times = [x for x, _ in points]
    if times and max(times) >= 10 * min(times):
        figure.update_xaxes(dtick="D2")  # of less than a decade that may be not one tick
    largest = max((abs(y) for _, y in points), default=0.0)
    figure.update_yaxes(title=name, tickformat=",~f" if largest >= 1000 else None)
    if standings is not None:
        legend_below(figure)
    return figure


def _add_models(
    figure: go.Figure,
    known: Sequence[ModelInfo],
    points: Sequence[tuple[float, float]],
    front: Collection[int],
    metric: str,
    standings: Standings | None,
    names: Names,
    *,
    is_of_difference: bool,
) -> None:
    """Add the models, those of one state together, with whiskers and the names there is room for."""
    words = metric_words(metric)[1]
    # Of many only those that are spoken of have room for their names.
    spoken_of = {m.id for m in (standings.leader, standings.advised) if m} if standings else set()
    named = {
        place
        for place, m in enumerate(known)
        if m.is_champion or len(known) <= _FEW or (m.id in spoken_of if spoken_of else place in front)
    }
    sides = _name_sides(points, named)
    for label_of_state, states, colour, symbol in _STATES if standings else _NO_STATES:
        places = [p for p, m in enumerate(known) if standings is None or standings.of(m).state in states]
        if not places:
            continue
        ends = [_ends(known[place], metric, standings, is_of_difference=is_of_difference) for place in places]
        has_ends = any(low is not None for _, low, _ in ends)
        figure.add_scatter(
            x=[points[place][0] for place in places],
            y=[points[place][1] for place in places],
            error_y=intervals(ends, colour, thickness=1, width=3) if has_ends else None,
            mode="markers+text",
            name=label_of_state,
            text=[escape(called(known[place], names)) if place in named else "" for place in places],
            textposition=[sides.get(place, "top right") for place in places],
            textfont={"size": 11, "color": INK},
            marker={"size": [11 if place in front else 8 for place in places], "color": colour, "symbol": symbol},
            customdata=[_point_words(known[place], metric, standings, names) for place in places],
            hovertemplate="%{customdata}<br>%{x:,.3~r} µs a row<br>"
            f"{in_template(words)}: %{{y:,.5~r}}<extra></extra>",
            cliponaxis=False,
        )


def _name_sides(points: Sequence[tuple[float, float]], named: Collection[int]) -> dict[int, str]:
    """Return where each name stands at its point: away from the neighbour, so that no name covers the next.

    Examples
    --------
    >>> _name_sides([(1.0, 0.7), (20.0, 0.8), (30.0, 0.9)], {0, 1, 2})
    {0: 'bottom right', 1: 'bottom left', 2: 'top left'}
    """
    sides = {}
    for place in sorted(named):
        time, value = points[place]
        others = [points[one] for one in named if one != place]
        nearest = min(others, key=lambda other: abs(math.log(other[0] / time)), default=(time, -math.inf))
        across = "left" if _is_far_right(time, points) else "right"  # no name leaves the figure
        sides[place] = f"{'top' if value >= nearest[1] else 'bottom'} {across}"
    return sides


def _is_far_right(time: float, points: Sequence[tuple[float, float]]) -> bool:
    times = [x for x, _ in points]
    return min(times) < max(times) and math.log(time / min(times)) > 0.7 * math.log(max(times) / min(times))


def _ends(
    model: ModelInfo, metric: str, standings: Standings | None, *, is_of_difference: bool
) -> tuple[float, float | None, float | None]:
    """Return a metric with the ends of its whisker, where that is known."""
    value = model.metrics[metric]
    if standings and is_of_difference:
        difference = standings.of(model).difference
        # About the point that is drawn: H2O's own metric may differ from the exact one in the fourth digit.
        return (
            (value, value + difference.low - difference.value, value + difference.high - difference.value)
            if difference
            else (value, None, None)
        )
    found = standings.interval(model, metric) if standings else None
    return (value, found.low, found.high) if found else (value, None, None)


def _point_words(model: ModelInfo, metric: str, standings: Standings | None, names: Names) -> str:
    """Return what the hover says of a model."""
    lines = [f"<b>{escape(called(model, names))}</b>{' · champion' if model.is_champion else ''}"]
    if standings is not None:
        standing = standings.of(model)
        if standing.difference is not None:
            lines.append(f"{escape(difference_words(standing.difference))}, {escape(standings.rows_words)}")
        found = standings.interval(model, metric)
        if found is not None:
            lines.append(f"95% interval {number_text(found.low)} to {number_text(found.high)}")
    return "<br>".join(lines)


def _is_spoken_of(model: ModelInfo, standings: Standings | None) -> bool:
    """Whether the page says something about a model: that it leads, is tied or ahead, or is advised."""
    return standings is not None and (
        standings.of(model).state in ("leader", "tied", "ahead") or model is standings.advised
    )


def far_worse(values: Sequence[float], *, more_is_better: bool) -> list[int]:
    """Return the places of the values that are so much worse than the others that all others would look alike.

    They are further from the best than five times half of all are, and than a twentieth of it; of fewer than four,
    none is.

    Examples
    --------
    >>> far_worse([540.0, 552.0, 560.0, 571.0, 1210.0], more_is_better=False)
    [4]
    """
    best = max(values, default=0.0) if more_is_better else min(values, default=0.0)
    gaps = [abs(value - best) for value in values]
    limit = max(5 * statistics.median(gaps), abs(best) / 20) if len(gaps) >= _FEWEST_FAR else 0.0
    return [place for place, gap in enumerate(gaps) if gap > limit > 0]


def pareto_front(points: Sequence[tuple[float, float]], *, more_is_better: bool) -> list[int]:
    """Return the places of the points that no other point beats: none is as quick and better, or as good and quicker.

    Examples
    --------
    >>> pareto_front([(1.0, 0.7), (2.0, 0.6), (3.0, 0.9)], more_is_better=True)
    [0, 2]
    """
    sign = -1.0 if more_is_better else 1.0
    order = sorted(range(len(points)), key=lambda place: (points[place][0], sign * points[place][1]))
    front: list[int] = []
    best = float("inf")
    for place in order:
        value = sign * points[place][1]
        if value < best:
            front.append(place)
            best = value
    return front


def dependence_of_models(
    lines: Sequence[tuple[str, Dependence]], class_name: str, *, predicted: str, origin: str = ""
) -> go.Figure:
    """Draw the partial dependence of several models on one feature.

    Parameters
    ----------
    lines : sequence of (str, Dependence)
        Name of each model and its dependence on the same feature, at most `MAX_LINES` of them.
    class_name : str
        The class for several classes, else empty.
    """
    feature, kind = lines[0][1].feature, lines[0][1].kind
    figure = new_figure(f"Partial dependence of several models on {cut(feature)}", origin)
    levels = list(dict.fromkeys(str(v) for _, one in lines for v in one.values)) if kind == "category" else []
    for place, (name, one) in enumerate(lines[:MAX_LINES]):
        line = next(line for line in one.lines if line.name == class_name)
        values = [levels.index(str(v)) if levels else place_on_axis(one.kind, v) for v in one.values]
        means = list(line.mean)
        if levels:
            figure.update_layout(height=170 + ROW_HEIGHT * len(levels))
        figure.add_scatter(
            x=means if levels else values,
            y=values if levels else means,
            name=label(name),
            mode="markers" if levels else "lines+markers",
            line={"width": 2, "color": SERIES[place % len(SERIES)]},
            marker={"size": 10 if levels else 5, "color": SERIES[place % len(SERIES)]},
            customdata=[escape(str(v)) for v in one.values],
            hovertemplate=f"{in_template(name)}<br>{in_template(feature)} = "
            + ("%{customdata}<br>%{x:,.4~r}" if levels else "%{x}<br>%{y:,.4~r}")
            + "<extra></extra>",
        )
    if levels:
        name_rows(figure, [row_label(level) for level in levels])
        figure.update_xaxes(title=f"mean {escape(predicted)}")
    else:
        figure.update_xaxes(title=label(feature), type="date" if kind == "date" else "linear")
        figure.update_yaxes(title=f"mean {escape(predicted)}")
    legend_below(figure)
    return figure


def members(item: Item[Members]) -> go.Figure:
    """Draw the share of each member of an ensemble."""
    found = data_of(item).members
    figure = new_figure("Members of the ensemble", "their shares", height=110 + ROW_HEIGHT * len(found))
    figure.add_bar(
        x=[one.weight for one in found],
        y=list(range(len(found))),
        orientation="h",
        marker={"color": ACCENT},
        text=[percent_text(one.weight) for one in found],
        textposition="outside",
        cliponaxis=False,
        customdata=[escape(one.model_key) for one in found],
        hovertemplate="%{customdata}<br>%{x:.1%}<extra></extra>",
    )
    name_rows(figure, [row_label(model_name(one.model_key)) for one in found])
    figure.update_layout(bargap=0.35)
    figure.update_xaxes(range=[0, 1.2 * max(one.weight for one in found)], showgrid=False, showticklabels=False)
    return figure


def members_importance(item: Item[Members], *, max_bars: int = 20) -> go.Figure:
    """Draw the importance of features over an ensemble's members."""
    found = data_of(item)
    shown = list(zip(found.features, found.importance, strict=True))[:max_bars]
    figure = new_figure("Importance in its members", "weighted by their shares", height=110 + ROW_HEIGHT * len(shown))
    figure.add_bar(
        x=[value for _, value in shown],
        y=list(range(len(shown))),
        orientation="h",
        marker={"color": ACCENT},
        text=[f"{value:.2f}" for _, value in shown],
        textposition="outside",
        cliponaxis=False,
        customdata=[escape(name) for name, _ in shown],
        hovertemplate="<b>%{customdata}</b><br>%{x:.1%} of the most important feature<extra></extra>",
    )
    name_rows(figure, [row_label(name) for name, _ in shown])
    figure.update_layout(bargap=0.35)
    figure.update_xaxes(range=[0, 1.12], showgrid=False, showticklabels=False)
    return figure


def _name_columns(figure: go.Figure, names: Sequence[str]) -> None:
    figure.update_xaxes(
        tickvals=list(range(len(names))), ticktext=[label(name) for name in names], side="bottom", showgrid=False
    )
