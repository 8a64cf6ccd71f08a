"""What every figure of a model shares: the title with the origin below it, rows with names, words for numbers."""

from collections.abc import Iterable, Sequence
from typing import TypeVar, cast

import plotly.graph_objects as go

from core.charts.look import ACCENT, INK, ON_ACCENT, QUIET, escape, figure, on_shares
from core.domain.models import ORIGIN_NAMES, Origin, metric_in_words
from core.errors import ExplanationError
from core.explanations.items import Explanations, Item
from core.wording import cut_text, percent_text

T = TypeVar("T")

ROW_HEIGHT = 26
HEIGHT = 380
NAME_CHARS = 22  # leaves most of a telephone's width to the figure
_BREAKS = (" ", "_-=.:/")  # between words rather than in one


def data_of(item: Item[T]) -> T:
    """Return an item's data.

    Raises
    ------
    ExplanationError
        With the item's reason when there is none.
    """
    if item.data is None:
        raise ExplanationError(item.reason)
    return item.data


def new_figure(title: str, origin: str, *, note: str = "", height: int = HEIGHT) -> go.Figure:
    """Return an empty figure with a title and, below it, the rows it was made from and a note (all plain text)."""
    # Not Plotly's own subtitle: it moves the title out of sight when a legend or a colour bar is laid out.
    lines = [line for line in (origin, note) if line]
    below = "".join(f"<br><span style='font-size:12px;color:{QUIET}'>{escape(line)}</span>" for line in lines)
    return figure(
        height=height,
        title={
            "text": f"{escape(title)}{below}",
            "font": {"size": 15},
            "x": 0,
            "xref": "container",
            "xanchor": "left",
            "y": 1,
            "yref": "container",
            "yanchor": "top",
            "pad": {"l": 8, "t": 12},
        },
        margin={"l": 8, "r": 16, "t": 54 + 18 * (len(lines) > 1), "b": 8},
        showlegend=False,
    )


def legend_below(figure: go.Figure) -> None:
    """Put the legend under the x axis, where it may take as many lines as it needs."""
    figure.update_layout(showlegend=True, legend={"yref": "container", "y": 0, "yanchor": "bottom"})


def mark_point(figure: go.Figure, x: float, y: float, words: str, side: str = "top right") -> None:
    """Mark a point of a curve; its words go to the left where the right would be too narrow."""
    figure.add_scatter(
        x=[x], y=[y], mode="markers+text", text=[f" {words}"], textfont={"size": 12, "color": INK},
        textposition=side if x < 0.6 else side.replace("right", "left"),
        marker={"size": 9, "color": ACCENT, "line": {"width": 2, "color": ON_ACCENT}},
        hoverinfo="skip", cliponaxis=False,
    )  # fmt: skip


def mark_share(figure: go.Figure, share: float | None) -> None:
    """Mark the share of the rows that is selected now, if there is one."""
    if share is not None:
        figure.add_vline(
            x=share, line={"color": INK, "width": 1, "dash": "dash"},
            annotation={
                "text": f"selected now {percent_text(share)}", "font": {"size": 11, "color": INK},
                "xanchor": "left" if share < 0.6 else "right", "yanchor": "bottom", "y": 0,
            },
        )  # fmt: skip


def intervals(
    values: Sequence[tuple[float, float | None, float | None]], colour: str, *, thickness: float, width: float
) -> dict[str, object]:
    """Return error bars from values with their lower and upper ends; none where these are not known."""
    return {
        "type": "data", "symmetric": False, "thickness": thickness, "width": width, "color": colour,
        "array": [0 if high is None else high - value for value, _, high in values],
        "arrayminus": [0 if low is None else value - low for value, low, _ in values],
    }  # fmt: skip


def metric_words(metric: str) -> tuple[str, str]:
    """Return a metric with its origin in words: its name, and its name with the origin.

    Examples
    --------
    >>> metric_words("cv_logloss")
    ('log loss', 'log loss, cross-validation')
    """
    origin, _, name = metric.partition("_")
    words = metric_in_words(name)
    return words, f"{words}, {ORIGIN_NAMES[cast('Origin', origin)]}"


def name_rows(figure: go.Figure, names: Sequence[str]) -> None:
    """Put names at the rows 0, 1, … of the y axis, the first on top: two long ones may be cut to the same label."""
    has_two_lines = any("<br>" in name for name in names)
    figure.update_yaxes(
        tickvals=list(range(len(names))),
        ticktext=list(names),
        range=[len(names) - 0.4, -0.6],
        showgrid=False,
        tickfont={"size": 11 if has_two_lines else 12},
    )


def row_label(name: str) -> str:
    """Return a name from the data, made safe, as it may stand at a row: one longer than a line takes two.

    Examples
    --------
    >>> row_label("annual_premium (min-max)"), row_label("age")
    ('annual_premium<br>(min-max)', 'age')
    """
    if len(name) <= NAME_CHARS:
        return label(name)
    places = range(NAME_CHARS, NAME_CHARS // 3, -1)
    end = next((place for marks in _BREAKS for place in places if name[place - 1] in marks), NAME_CHARS)
    return f"{escape(name[:end].rstrip())}<br>{label(name[end:].lstrip())}"


def label(name: str) -> str:
    """Return a name from the data, cut and made safe, as it may stand in a figure."""
    return escape(cut(name))


def cut(name: str) -> str:
    """Return a name from the data, cut but not made safe, for a title that will be."""
    return cut_text(name, NAME_CHARS)


def in_template(text: str) -> str:
    """Return text from the data as it may stand in a hover template, where ``%{`` has a meaning too.

    Examples
    --------
    >>> in_template("a<b %{x}")
    'a&lt;b &#37;{x}'
    """
    return escape(text).replace("%{", "&#37;{")


def predicted_words(found: Explanations) -> str:
    """Return what the model predicts, in words: ``probability of yes``, ``probability`` of any class, or the target."""
    if found.task == "regression":
        return found.target
    return f"probability of {found.positive}" if found.task == "binary" else "probability"


def of_class(predicted: str, name: str) -> str:
    """Return what is predicted in words, with the class where there are several.

    Examples
    --------
    >>> of_class("probability", "red"), of_class("probability of yes", "")
    ('probability of red', 'probability of yes')
    """
    return f"{predicted} of {name}" if name else predicted


def write_cells(figure: go.Figure, cells: Iterable[tuple[int, int, str, float]]) -> None:
    """Write into cells of a heatmap in `SHARES`, in a colour that can be read on each.

    Parameters
    ----------
    cells : iterable of (x, y, text, shade)
        `shade` is where the cell lies in the colours, 0 to 1.
    """
    known = list(cells)
    figure.add_scatter(
        x=[x for x, *_ in known], y=[y for _, y, *_ in known], text=[text for *_, text, _ in known], mode="text",
        textfont={"size": 12, "color": [on_shares(shade) for *_, shade in known]}, hoverinfo="skip", showlegend=False,
    )  # fmt: skip
