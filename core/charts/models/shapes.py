"""Figures of predictions over the values of features: lines of single rows, two features at once."""

import plotly.graph_objects as go

from core.charts.look import ACCENT, INK, LOW, SHARES, coloured, escape, low_to_high
from core.charts.models.features import place_on_axis
from core.charts.models.look import (
    HEIGHT,
    ROW_HEIGHT,
    cut,
    data_of,
    in_template,
    label,
    name_rows,
    new_figure,
    row_label,
)
from core.explanations.items import Dependence, Item
from core.explanations.shapes import Ice, IceLine, Kind, PairDependence
from core.wording import number_text

_WIDTHS = {0: 1.5, 50: 3.0, 100: 1.5}


def ice(
    item: Item[tuple[Ice, ...]],
    feature: str,
    *,
    predicted: str,
    class_name: str = "",
    mean: Dependence | None = None,
) -> go.Figure:
    """Draw the predictions of single rows along one feature, and their mean over all rows.

    Parameters
    ----------
    class_name : str
        The class for several classes, else empty.
    mean : Dependence, optional
        The partial dependence on the same feature.
    """
    one = next(found for found in data_of(item) if found.feature == feature)
    lines = next(found for found in one.classes if found.name == class_name).lines
    levels = [str(value) for value in one.values] if one.kind == "category" else []
    height = 170 + ROW_HEIGHT * len(levels) if levels else HEIGHT
    figure = new_figure(f"Single rows along {cut(feature)}", item.origin, height=height)
    for line in lines:
        _add_line(figure, one, line)
    _tell_lines(figure, with_mean=mean is not None)
    if mean is not None:
        values = next(found for found in mean.lines if found.name == class_name).mean
        _add_mean(figure, one, values)
    if levels:
        name_rows(figure, [row_label(level) for level in levels])
        figure.update_xaxes(title=escape(predicted))
    else:
        figure.update_xaxes(title=label(feature), type="date" if one.kind == "date" else "linear")
        figure.update_yaxes(title=escape(predicted))
    return figure


def pair_dependence(found: PairDependence, *, predicted: str, class_name: str = "", origin: str = "") -> go.Figure:
    """Draw the mean prediction over two features as a map."""
    values = next(one for one in found.classes if one.name == class_name).mean
    title = f"Partial dependence on {cut(found.first)} and {cut(found.second)}"
    figure = new_figure(title, origin, height=HEIGHT + 60)
    names = [
        [_words(found.first_kind, x) for x in found.first_values],
        [_words(found.second_kind, y) for y in found.second_values],
    ]
    figure.add_heatmap(
        z=values,
        x=list(range(len(names[0]))),
        y=list(range(len(names[1]))),
        colorscale=SHARES,
        colorbar={"thickness": 10, "outlinewidth": 0, "tickfont": {"size": 11}},
        xgap=1,
        ygap=1,
        customdata=[[[escape(x), escape(y)] for x in names[0]] for y in names[1]],
        hovertemplate=(
            f"{in_template(found.first)} = %{{customdata[0]}}<br>{in_template(found.second)} = %{{customdata[1]}}"
            f"<br>mean {in_template(predicted)}%{{z:,.4~r}}<extra></extra>"
        ),
    )
    ticks = [
        {"tickvals": list(range(len(all_))), "ticktext": [label(name) for name in all_], "showgrid": False}
        for all_ in names
    ]
    figure.update_xaxes(title=label(found.first), **ticks[0])
    figure.update_yaxes(title=label(found.second), **ticks[1])
    return figure


def _tell_lines(figure: go.Figure, *, with_mean: bool) -> None:
    """Write what the colours mean: a legend of eleven lines would take half of a telephone."""
    ends = ((LOW, "lowest"), (ACCENT, "highest prediction"))
    words = "  ".join(f"{coloured('●', colour)} {word}" for colour, word in ends)
    figure.add_annotation(
        text=f"{words}  - - mean" if with_mean else words, xref="paper", yref="paper", x=1, y=1, xanchor="right",
        yanchor="bottom", showarrow=False,
    )  # fmt: skip


def _add_line(figure: go.Figure, one: Ice, line: IceLine) -> None:
    words = {
        0: "row with the lowest prediction",
        50: "row with the middle prediction",
        100: "row with the highest prediction",
    }
    name = words.get(line.percentile, f"row at the {line.percentile}% percentile")
    _add(
        figure,
        one,
        line.values,
        name,
        {"width": _WIDTHS.get(line.percentile, 1.2), "color": low_to_high(line.percentile / 100)},
    )


def _add_mean(figure: go.Figure, one: Ice, values: tuple[float, ...]) -> None:
    _add(figure, one, values, "mean over all rows", {"width": 2.5, "color": INK, "dash": "dash"})


def _add(figure: go.Figure, one: Ice, values: tuple[float, ...], name: str, line: dict[str, object]) -> None:
    is_category = one.kind == "category"
    places = list(range(len(one.values))) if is_category else [place_on_axis(one.kind, value) for value in one.values]
    figure.add_scatter(
        x=list(values) if is_category else places,
        y=places if is_category else list(values),
        name=name,
        mode="lines+markers" if is_category else "lines",
        line=line,
        marker={"size": 5},
        customdata=[escape(_words(one.kind, value)) for value in one.values],
        hovertemplate=f"{in_template(one.feature)} = %{{customdata}}<br>"
        + ("%{x:,.4~r}" if is_category else "%{y:,.4~r}")
        + f"<br>{name}<extra></extra>",
    )


def _words(kind: Kind, value: float | str) -> str:
    if kind == "category":
        return str(value)
    if kind == "date":
        return str(place_on_axis("date", value))[:10]
    return number_text(float(value))
