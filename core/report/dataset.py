"""The report on a dataset as one HTML file: works without a network, prints well, shows text from data literally."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from markupsafe import Markup

from core.charts.data import columns as charts
from core.charts.data import relation as charts_relation
from core.data.profiling.alert import DataAlert
from core.data.profiling.columns import QUANTILES, ColumnProfile
from core.data.profiling.profile import Profile
from core.data.relations.relations import MEASURE, Relation
from core.report.frame import document
from core.report.markup import bold, figures, join, paragraph, say, section, table, tiles
from core.wording import number_text, percent_text, time_text

MAX_COLUMNS: Final = 100
MAX_ALERTS: Final = 200
_SEVERITIES: Final = {"high": "High", "medium": "Medium", "low": "Low"}


@dataclass(frozen=True)
class ReportInput:
    """What a report is made of.

    Attributes
    ----------
    ranking : mapping of str to float
        How strongly each column goes with it, strongest first.
    relations : mapping of str to Relation
        How the target varies over columns; those without one have their distribution only.
    source : str
        The file it came from, in words.
    """

    title: str
    profile: Profile
    target: str | None
    ranking: Mapping[str, float]
    relations: Mapping[str, Relation]
    source: str


def report_html(report: ReportInput) -> str:
    """Write the report.

    Returns
    -------
    str
        A whole HTML document; Plotly's own script is in it once (packed, 1.8 MB). Every column is listed; the first
        `MAX_COLUMNS` (the strongest ones where there is a target) have figures.
    """
    profile = report.profile
    columns = sorted(profile.columns, key=lambda column: -report.ranking.get(column.name, -1.0))
    more = f"Figures of the first {MAX_COLUMNS} of {len(columns):,} columns." if len(columns) > MAX_COLUMNS else ""
    body = (
        _head(report),
        _alerts(profile.alerts),
        _index(columns, report.ranking),
        *(_column(column, report, number) for number, column in enumerate(columns[:MAX_COLUMNS])),
        paragraph(more) if more else "",
    )
    return document(report.title, join(*body))


def shown_columns(profile: Profile, ranking: Mapping[str, float]) -> tuple[str, ...]:
    """Return the columns that have figures in a report, in its order."""
    columns = sorted(profile.columns, key=lambda column: -ranking.get(column.name, -1.0))
    return tuple(column.name for column in columns[:MAX_COLUMNS])


def _head(report: ReportInput) -> Markup:
    profile = report.profile
    missing = sum(column.missing for column in profile.columns)
    cells = max(profile.rows * len(profile.columns), 1)
    counted = [
        ("Rows", f"{profile.rows:,}", ""),
        ("Columns", f"{len(profile.columns):,}", ""),
        ("Missing cells", percent_text(missing / cells, 1), ""),
    ]
    if profile.repeated_rows is not None:
        counted.append(("Repeated rows", f"{profile.repeated_rows:,}", ""))
    target = say(" Target: {}.", bold(report.target)) if report.target else ""
    made = time_text(datetime.now(UTC))
    about = say("{}{} Made by Bellwether, {}.", report.source, target, made)
    return join(say("<h1>{}</h1>", report.title), paragraph(about, "small"), tiles(counted))


def _alerts(alerts: Sequence[DataAlert]) -> Markup:
    if not alerts:
        return section("alerts", "Alerts", paragraph("No problems were found."))
    rows = [
        (
            say('<span class="{}">{}</span>', alert.severity, _SEVERITIES[alert.severity]),
            alert.column or "Table",
            say('{} <span class="small">{}</span>', alert.message, alert.why),
        )
        for alert in alerts[:MAX_ALERTS]
    ]
    more = f"The first {MAX_ALERTS} of {len(alerts):,}." if len(alerts) > MAX_ALERTS else ""
    shown = table(("Severity", "Column", "What and why"), rows, words=3)
    return section("alerts", "Alerts", shown, paragraph(more, "small") if more else "")


def _index(columns: Sequence[ColumnProfile], ranking: Mapping[str, float]) -> Markup:
    rows = [
        (
            say('<a href="#c{}">{}</a>', number, column.name) if number < MAX_COLUMNS else column.name,
            column.type,
            *((_strength(ranking.get(column.name)),) if ranking else ()),
            percent_text(column.missing_share, 1),
            f"{column.unique:,}",
        )
        for number, column in enumerate(columns)
    ]
    head = ("Column", "Type", *(("Explains",) if ranking else ()), "Missing", "Distinct")
    note = paragraph(f"Explains: {MEASURE}, 0 to 1.", "small") if ranking else ""
    return section("columns", "Columns", table(head, rows, words=3 if ranking else 2), note)


def _strength(value: float | None) -> Markup:
    if value is None:
        return Markup()
    return say('<span class="bar" style="width:{:.2f}rem"></span>{:.3f}', value * 4, value)


def _column(column: ColumnProfile, report: ReportInput, number: int) -> Markup:
    drawn = []
    if column.histogram is not None:
        drawn.append(charts.histogram(column))
    elif column.levels:
        drawn.append(charts.levels(column))
    elif column.lengths is not None:
        drawn.append(charts.lengths(column))
    relation = report.relations.get(column.name)
    if relation is not None and relation.bins:
        drawn.append(charts_relation.relation(relation))
    missing = f"{column.missing:,} missing ({percent_text(column.missing_share, 1)})"
    facts = f"{column.type} · {column.unique:,} distinct · {missing}"
    told = (facts, _numbers(column), *(f"Example: {text}" for text in column.examples))
    return say(
        '<section class="column" id="c{}"><h3>{}</h3>{}{}</section>',
        number, column.name, join(*(paragraph(words, "small") for words in told if words)),
        figures(drawn, two=len(drawn) > 1),
    )  # fmt: skip


def _numbers(column: ColumnProfile) -> str:
    if column.type != "numeric" or not column.quantiles:
        return ""
    parts = [
        f"{_place(place)} {number_text(value, 5)}" for place, value in zip(QUANTILES, column.quantiles, strict=True)
    ]
    means = [
        f"{name} {number_text(value, 5)}"
        for name, value in (("mean", column.mean), ("standard deviation", column.sd))
        if value is not None
    ]
    return " · ".join([*parts, *means])


def _place(place: float) -> str:
    return {0.0: "smallest", 0.5: "median", 1.0: "largest"}.get(place, percent_text(place, 0))
