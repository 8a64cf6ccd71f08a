"""Figures of models in use: scorings side by side in the order of time, against what training promised.

Scorings stand at 1, 2, 3 … with their moment below: two in a minute and none in a month would else fall together.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import plotly.graph_objects as go

from core.charts.look import ACCENT, FILL, INK, MUTED, ON_ACCENT, QUIET, SERIES, SHARES, escape
from core.charts.models.look import in_template, intervals, legend_below, name_rows, new_figure, row_label, write_cells
from core.ledger.scoring_records import ScoringRecord
from core.wording import cut_text, day_text, number_text, time_text

MAX_FEATURES: Final = 20
MAX_TICKS: Final = 8
FEW: Final = 6
_LEAST_ROOM: Final = 4
_NAME_CHARS: Final = 18
_ROW_PX: Final = 26
_LOW, _MIDDLE, _HIGH = 1, 10, 19  # places of the quantiles 0.05, 0.5 and 0.95
_LOWER, _UPPER = 5, 15


@dataclass(frozen=True)
class Point:
    """A number of one scoring, for `over_time`.

    Attributes
    ----------
    place : int
        Which of the scorings shown, from 1.
    words : str
        More for the hover text.
    is_alert : bool
        Whether it raised an alert.
    """

    place: int
    value: float
    low: float | None = None
    high: float | None = None
    promised: float | None = None
    words: str = ""
    is_alert: bool = False


def rows_over_time(records: Sequence[ScoringRecord], alerted: frozenset[str]) -> go.Figure:
    """Draw how many rows each scoring had; those with an alert in another colour.

    Parameters
    ----------
    records : sequence of ScoringRecord
        Finished ones, the oldest first.
    alerted : frozenset of str
        Ids of those with an alert.
    """
    figure = new_figure("Rows scored", "of each file", height=320)
    for name, wanted, colour in (("no alert", False, ACCENT), ("with an alert", True, SERIES[1])):
        chosen = [(place, one) for place, one in enumerate(records, 1) if (one.id in alerted) is wanted]
        if not chosen:
            continue
        figure.add_bar(
            x=[place for place, _ in chosen],
            y=[one.n_rows for _, one in chosen],
            name=name,
            marker={"color": colour, "line": {"width": 0}},
            customdata=[_words(one) for _, one in chosen],
            hovertemplate="%{customdata}<br>%{y:,} rows<extra></extra>",
        )
    _time_axis(figure, records)
    figure.update_yaxes(title="rows", rangemode="tozero")
    figure.update_layout(bargap=0.3, barmode="stack")
    if alerted:
        legend_below(figure)
    return figure


def score_bands(records: Sequence[ScoringRecord], name: str, *, is_share: bool) -> go.Figure:
    """Draw how the scores of each scoring are spread: from 5 to 95%, the middle half, the median.

    Parameters
    ----------
    name : str
        What the scores are, such as ``probability of yes``.
    is_share : bool
        Whether they are probabilities.
    """
    known = [(place, one) for place, one in enumerate(records, 1) if one.summary and one.summary.score]
    figure = new_figure("Scores", name, height=320)
    _time_axis(figure, records)
    figure.update_yaxes(title="probability" if is_share else "predicted", tickformat=".0%" if is_share else None)
    if not known:
        return figure
    x = [place for place, _ in known]
    quantiles = np.array([one.summary.score.quantiles for _, one in known if one.summary and one.summary.score])
    for low, high, words, width, colour in (
        (_LOW, _HIGH, "9 of 10 rows", 0.5, FILL), (_LOWER, _UPPER, "half of the rows", 0.28, MUTED),
    ):  # fmt: skip
        figure.add_bar(
            x=x, y=quantiles[:, high] - quantiles[:, low], base=quantiles[:, low], name=words,
            width=width, marker={"color": colour, "line": {"width": 0}}, hoverinfo="skip",
        )  # fmt: skip
    number = ".1%" if is_share else ",.4~g"
    figure.add_scatter(
        x=x, y=quantiles[:, _MIDDLE], mode="markers", name="median",
        marker={"color": ACCENT, "size": 9, "line": {"width": 0}, "opacity": 1},
        customdata=[
            [_words(one), *quantiles[row, [_LOW, _LOWER, _UPPER, _HIGH]]] for row, (_, one) in enumerate(known)
        ],
        hovertemplate=(
            f"%{{customdata[0]}}<br>median %{{y:{number}}}<br>half of the rows: %{{customdata[2]:{number}}} to "
            f"%{{customdata[3]:{number}}}<br>9 of 10: %{{customdata[1]:{number}}} to %{{customdata[4]:{number}}}"
            "<extra></extra>"
        ),
    )  # fmt: skip
    expected = [
        one.summary.score.expected_quantiles[_MIDDLE]
        if one.summary and one.summary.score and one.summary.score.expected_quantiles
        else None
        for _, one in known
    ]
    _promise_line(figure, x, expected, "median in training", number)
    figure.update_layout(barmode="overlay")
    legend_below(figure)
    return figure


def drift_map(records: Sequence[ScoringRecord], threshold: float, alerted: frozenset[tuple[str, str]]) -> go.Figure:
    """Draw the drift of each feature in each scoring; bold numbers, or dots, mark alerts.

    Parameters
    ----------
    threshold : float
        The index past which there is one: the colour is full there.
    alerted : frozenset of (str, str)
        Scoring and feature of each alert.
    """
    names = drifting_features(records)[:MAX_FEATURES]
    place_of = {name: place for place, name in enumerate(names)}
    index = np.full((len(names), len(records)), np.nan)
    texts = np.full((len(names), len(records)), "", dtype=object)
    for column, record in enumerate(records):
        for drift in record.summary.drift if record.summary else ():
            if (row := place_of.get(drift.name)) is None:
                continue
            index[row, column] = drift.psi
            ks = "" if drift.ks is None else f", KS {drift.ks:.3f}"
            chance = f"<br>up to {drift.chance:.3f} by chance" if drift.chance else ""
            texts[row, column] = f"<b>{escape(drift.name)}</b><br>{_words(record)}<br>PSI {drift.psi:.3f}{ks}{chance}"
    figure = new_figure(
        "Drift of the features", "population stability index against the training rows",
        height=130 + _ROW_PX * max(len(names), 3),
    )  # fmt: skip
    marked = [(column, place_of[name]) for column, one in enumerate(records, 1) for name in names
              if (one.id, name) in alerted]  # fmt: skip
    is_few = len(records) <= FEW  # there is room for the numbers, of which those of alerts stand out
    figure.add_heatmap(
        z=np.minimum(index, threshold) if len(names) else index,
        x=list(range(1, len(records) + 1)), y=list(range(len(names))),
        zmin=0, zmax=threshold, colorscale=SHARES, xgap=2, ygap=2, customdata=texts,
        hovertemplate="%{customdata}<extra></extra>", hoverongaps=False,
        showscale=False,
    )  # fmt: skip
    known = [(int(x) + 1, int(y), index[y, x]) for y, x in zip(*np.nonzero(np.isfinite(index)), strict=True)]
    if is_few:
        write_cells(
            figure,
            (
                (x, y, f"<b>{psi:.2f}</b>" if (x, y) in marked else f"{psi:.2f}", min(psi / threshold, 1.0))
                for x, y, psi in known
            ),
        )
    elif marked:
        figure.add_scatter(
            x=[x for x, _ in marked], y=[y for _, y in marked], mode="markers", hoverinfo="skip",
            marker={"color": ON_ACCENT, "size": 7, "line": {"width": 0}, "opacity": 1},
        )  # fmt: skip
    _time_axis(figure, records, has_air=False)
    name_rows(figure, [row_label(name) for name in names])
    return figure


def drifting_features(records: Sequence[ScoringRecord]) -> list[str]:
    """Return the features that were compared with training, those that drifted most in any scoring first."""
    most: dict[str, float] = {}
    for record in records:
        for drift in record.summary.drift if record.summary else ():
            most[drift.name] = max(most.get(drift.name, 0.0), drift.psi)
    return sorted(most, key=lambda name: -most[name])


def over_time(
    records: Sequence[ScoringRecord],
    points: Sequence[Point],
    title: str,
    origin: str,
    *,
    number: str = ".4~g",
    limit: float | None = None,
) -> go.Figure:
    """Draw a number of scorings with its interval, and what was promised as a dashed line.

    Parameters
    ----------
    records : sequence of ScoringRecord
        All that are shown, the oldest first.
    points : sequence of Point
        For those where the number is known.
    title, origin : str
        What it is, and what it is compared with; plain text.
    number : str
        How it is written, as d3 says it.
    limit : float, optional
        What it should not pass, as a dotted line.
    """
    figure = new_figure(title, origin, height=300)
    _time_axis(figure, records)
    figure.update_yaxes(tickformat=number if number.endswith("%") else None)
    if not points:
        return figure
    if limit is not None:
        figure.update_yaxes(rangemode="tozero")
        figure.add_hline(
            y=limit, line={"color": INK, "width": 1.5, "dash": "dot"},
            annotation={
                "text": f"alert above {limit:.3g}", "font": {"size": 12, "color": INK},
                "xanchor": "left", "x": 0, "yanchor": "bottom",
            },
        )  # fmt: skip
    x = [point.place for point in points]
    _promise_line(figure, x, [point.promised for point in points], "promised", number)
    figure.add_scatter(
        x=x, y=[point.value for point in points], mode="lines+markers", name="actual",
        line={"color": ACCENT, "width": 2},
        marker={
            "color": [SERIES[1] if point.is_alert else ACCENT for point in points],
            "size": [11 if point.is_alert else 8 for point in points], "opacity": 1, "line": {"width": 0},
        },
        error_y=intervals([(point.value, point.low, point.high) for point in points], QUIET, thickness=1.2, width=4),
        customdata=[
            [_words(records[point.place - 1]), _span(point, number), escape(point.words)] for point in points
        ],
        hovertemplate=(
            f"%{{customdata[0]}}<br>{in_template(title)}%{{y:{number}}}%{{customdata[1]}}<br>%{{customdata[2]}}"
            "<extra></extra>"
        ),
    )  # fmt: skip
    if any(point.promised is not None for point in points):
        legend_below(figure)
    return figure


def _promise_line(figure: go.Figure, x: Sequence[int], values: Sequence[float | None], name: str, number: str) -> None:
    if all(value is None for value in values):
        return
    # Half a step to both sides, so that the line of a single scoring can be seen.
    places = [place + side for place in x for side in (-0.45, 0.45)]
    figure.add_scatter(
        x=places, y=[value for value in values for _ in range(2)], mode="lines", name=name,
        line={"color": INK, "width": 1.5, "dash": "dash"}, connectgaps=False,
        hovertemplate=f"{name}: %{{y:{number}}}<extra></extra>",
    )  # fmt: skip


def _time_axis(figure: go.Figure, records: Sequence[ScoringRecord], *, has_air: bool = True) -> None:
    n_records = len(records)
    step = max(1, -(-n_records // MAX_TICKS))
    places = list(range(n_records, 0, -step))[::-1]
    days = {one.submitted_at.date() for one in records}
    style = "%d %b" if len(days) > 1 else "%H:%M"
    if n_records <= FEW:  # so many can be called by name
        texts = [escape(cut_text(records[place - 1].file_name, _NAME_CHARS)) for place in places]
        title = "files, the oldest first"
    else:
        of_one_day = f", {day_text(records[0].submitted_at)}" if len(days) == 1 else ""
        texts = [records[place - 1].submitted_at.strftime(style) for place in places]
        title = f"files, the oldest first{of_one_day} (UTC)"
    # The bars of a few files are not as wide as the figure.
    air = max(0.0, (_LEAST_ROOM - n_records) / 2) if has_air else 0.0
    figure.update_xaxes(
        tickvals=places, ticktext=texts, range=[0.4 - air, max(n_records, 1) + 0.6 + air], showgrid=False, title=title
    )


def _words(record: ScoringRecord) -> str:
    version = f", version {record.model_version}" if record.model_version else ""
    return f"{escape(cut_text(record.file_name, 40))}<br>{time_text(record.submitted_at)}{version}"


def _span(point: Point, number: str) -> str:
    if point.low is None or point.high is None:
        return ""
    low, high = (f"{end:.1%}" if number.endswith("%") else number_text(end) for end in (point.low, point.high))
    return f" ({low} to {high})"
