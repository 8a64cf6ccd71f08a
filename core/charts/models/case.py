"""The figure of one prediction: from what is usual to this row, feature by feature."""

from collections.abc import Callable, Sequence

import numpy as np
import plotly.graph_objects as go

from core.charts.look import ACCENT, INK, LOW, MUTED, escape
from core.charts.models.look import ROW_HEIGHT, cut, data_of, in_template, name_rows, new_figure
from core.explanations.items import Item
from core.explanations.shapes import RowContributions
from core.wording import number_text

MAX_BARS = 10


def waterfall(
    found: Item[RowContributions], *, predicted: str, in_points: bool = True, percent: bool = True
) -> go.Figure:
    """Draw how the features of a row lead from the usual prediction to the one on this row.

    Parameters
    ----------
    predicted : str
        What is predicted, such as ``"probability of yes"``.
    in_points : bool
        As probability or number; else on the model's own scale.
    percent : bool
        Whether points are shares, to be written as percentage points.
    """
    one = data_of(found)
    start, steps = (one.base, one.points) if in_points else (one.bias, one.contributions)
    percent = percent and in_points
    names, sizes, hovers = _bars(one.features, one.values, steps)
    if percent:
        order = inside_order(start, sizes)
        names, sizes, hovers = ([found[place] for place in order] for found in (names, sizes, hovers))  # type: ignore[assignment]
    ends = start + np.cumsum(sizes)
    begins = np.concatenate(([start], ends[:-1]))
    title = predicted if in_points else f"{predicted}, {one.scale}"
    about = f"{title}; each feature in percentage points" if percent else title
    figure = new_figure("From the usual prediction to this row", about, height=130 + ROW_HEIGHT * (len(names) + 2))
    total = float(ends[-1]) if len(ends) else start
    _add_ends(figure, start, total, len(names) + 1, _percent if percent else number_text)
    figure.add_bar(
        x=sizes,
        y=list(range(1, len(names) + 1)),
        base=begins,
        orientation="h",
        marker={"color": [ACCENT if size >= 0 else LOW for size in sizes]},
        text=[_signed(float(size), percent=percent) for size in sizes],
        textposition="outside",
        textfont={"size": 12},
        cliponaxis=False,
        customdata=hovers,
        hovertemplate="%{customdata}<br>%{text}<extra></extra>",
    )
    for place, end in enumerate([start, *ends.tolist()]):
        figure.add_shape(
            type="line", x0=end, x1=end, y0=place - 0.35, y1=place + 1.35, line={"color": MUTED, "width": 1}
        )
    name_rows(figure, ["usual prediction", *names, "<b>this row</b>"])
    points = [start, total, *begins.tolist(), *ends.tolist()]
    air = 0.24 * (max(points) - min(points) or abs(start) or 1.0)
    figure.update_xaxes(range=[min(points) - air, max(points) + air], zeroline=False)
    figure.update_xaxes(tickformat=".0%" if percent else None, title=escape(title))
    figure.update_layout(bargap=0.3, barmode="overlay")
    return figure


def _add_ends(figure: go.Figure, start: float, total: float, last: int, write: Callable[[float], str]) -> None:
    """Mark where the way begins, on the first row, and where it ends, on the last."""
    figure.add_scatter(
        x=[start, total],
        y=[0, last],
        mode="markers+text",
        marker={"symbol": "diamond", "size": 11, "color": INK},
        text=[f"  {write(start)}  ", f"  <b>{write(total)}</b>  "],
        # The larger one may stand at the edge of the figure: its words go to the inside.
        textposition=["middle left", "middle right"] if start > total else ["middle right", "middle left"],
        textfont={"size": 13, "color": INK},
        cliponaxis=False,
        hoverinfo="skip",
    )


def _bars(
    features: tuple[str, ...], values: tuple[str, ...], steps: tuple[float, ...]
) -> tuple[list[str], list[float], list[str]]:
    """Return the rows to draw: the largest ones, and all others together."""
    shown = len(features) if len(features) <= MAX_BARS else MAX_BARS - 1
    names = [f"{escape(cut(f))} = {escape(cut(v))}" for f, v in zip(features[:shown], values[:shown], strict=True)]
    hovers = [
        f"<b>{in_template(f)}</b> = {in_template(v)}" for f, v in zip(features[:shown], values[:shown], strict=True)
    ]
    sizes = list(steps[:shown])
    if len(features) > shown:
        names.append(f"{len(features) - shown} others")
        hovers.append("all other features together")
        sizes.append(float(sum(steps[shown:])))
    return names, sizes, hovers


def inside_order(start: float, sizes: Sequence[float]) -> list[int]:
    """Return an order of steps, the largest first, in which the way stays between 0 and 1 as long as it can.

    Examples
    --------
    >>> inside_order(0.05, [-0.07, 0.04, 0.02])
    [1, 0, 2]
    """
    left, at, order = list(range(len(sizes))), start, []
    while left:
        chosen = next((place for place in left if 0 <= at + sizes[place] <= 1), left[0])
        at += sizes[chosen]
        left.remove(chosen)
        order.append(chosen)
    return order


def _percent(value: float) -> str:
    return f"{100 * value:.1f}%"


def _signed(value: float, *, percent: bool) -> str:
    """Return a step with its sign.

    Examples
    --------
    >>> _signed(0.0312, percent=True), _signed(-12.5, percent=False)
    ('+3.1', '-12.5')
    """
    if percent:
        return f"{100 * value:+.1f}"
    return f"{'+' if value >= 0 else '-'}{number_text(abs(value))}"
