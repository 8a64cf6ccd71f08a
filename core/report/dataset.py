"""The report on a dataset as one HTML file: works without a network, prints well, shows text from data literally."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from typing import Final

from core.charts.data import columns as charts
from core.charts.data import relation as charts_relation
from core.data.profiling.alert import Alert
from core.data.profiling.columns import QUANTILES, ColumnProfile
from core.data.profiling.profile import Profile
from core.data.relations.relations import MEASURE, Relation
from core.report.frame import document, figure_html

MAX_COLUMNS: Final = 100
MAX_ALERTS: Final = 200
_SEVERITIES: Final = {"high": "High", "medium": "Medium", "low": "Low"}
_STYLE: Final = """
td:first-child { min-width: 6rem; overflow-wrap: anywhere; }
.high { color: #b3261e; font-weight: 600; } .medium { color: #8a5a00; font-weight: 600; } .low { color: var(--faint); }
.column { border: 1px solid var(--line); border-radius: 6px; padding: 1rem 1.25rem; margin: 1rem 0;
  break-inside: avoid; }
@media (max-width: 45rem) { .column { padding: .75rem; } }
"""


@dataclass(frozen=True)
class ReportInput:
    """What a report is made of.

    Attributes
    ----------
    title : str
        The dataset's name.
    profile : Profile
        Of all its rows.
    target : str or None
        The column to be predicted.
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

    Parameters
    ----------
    report : ReportInput
        What it tells.

    Returns
    -------
    str
        A whole HTML document; Plotly's own script is in it once (about 4.5 MB). Every column is listed; the first
        `MAX_COLUMNS` (the strongest ones where there is a target) have figures.
    """
    profile = report.profile
    columns = sorted(profile.columns, key=lambda column: -report.ranking.get(column.name, -1.0))
    body = [
        _head(report),
        _alerts(profile.alerts),
        _index(columns, report.ranking),
        *(_column(column, report, number) for number, column in enumerate(columns[:MAX_COLUMNS])),
    ]
    if len(columns) > MAX_COLUMNS:
        body.append(f"<p>Figures of the first {MAX_COLUMNS} of {len(columns):,} columns.</p>")
    return document(report.title, "".join(body), style=_STYLE)


def shown_columns(profile: Profile, ranking: Mapping[str, float]) -> tuple[str, ...]:
    """Return the columns that have figures in a report, in its order."""
    columns = sorted(profile.columns, key=lambda column: -ranking.get(column.name, -1.0))
    return tuple(column.name for column in columns[:MAX_COLUMNS])


def _head(report: ReportInput) -> str:
    profile = report.profile
    missing = sum(column.missing for column in profile.columns)
    cells = max(profile.rows * len(profile.columns), 1)
    tiles = [
        ("Rows", f"{profile.rows:,}"),
        ("Columns", f"{len(profile.columns):,}"),
        ("Missing cells", f"{missing / cells:.1%}"),
    ]
    if profile.repeated_rows is not None:
        tiles.append(("Repeated rows", f"{profile.repeated_rows:,}"))
    shown = "".join(f"<div><span class='faint'>{name}</span><b>{value}</b></div>" for name, value in tiles)
    target = f" Target: <b>{escape(report.target)}</b>." if report.target else ""
    made = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return (
        f"<h1>{escape(report.title)}</h1><p>{escape(report.source)}{target} Made by Bellwether, {made}.</p>"
        f"<div class='tiles'>{shown}</div>"
    )


def _alerts(alerts: Sequence[Alert]) -> str:
    if not alerts:
        return "<h2>Alerts</h2><p>Nothing to worry about was found.</p>"
    rows = "".join(
        f"<tr><td class='{alert.severity}'>{_SEVERITIES[alert.severity]}</td><td>{escape(alert.column or 'Table')}</td>"
        f"<td>{escape(alert.message)} <span class='faint'>{escape(alert.why)}</span></td></tr>"
        for alert in alerts[:MAX_ALERTS]
    )
    more = f"<p>The first {MAX_ALERTS} of {len(alerts):,}.</p>" if len(alerts) > MAX_ALERTS else ""
    return (
        "<h2>Alerts</h2><div class='scroll'><table><thead><tr><th>Severity</th><th>Column</th><th>What and why</th>"
        f"</tr></thead><tbody>{rows}</tbody></table></div>{more}"
    )


def _index(columns: Sequence[ColumnProfile], ranking: Mapping[str, float]) -> str:
    rows = []
    for number, column in enumerate(columns):
        name = escape(column.name)
        linked = f"<a href='#c{number}'>{name}</a>" if number < MAX_COLUMNS else name
        strength = ranking.get(column.name)
        bar = "" if strength is None else f"<span class='bar' style='width:{strength * 4:.2f}rem'></span>{strength:.3f}"
        rows.append(
            f"<tr><td>{linked}</td><td>{column.type}</td><td class='n'>{column.missing_share:.1%}</td>"
            f"<td class='n'>{column.unique:,}</td>{f'<td>{bar}</td>' if ranking else ''}</tr>"
        )
    measure = f"<th title='{escape(MEASURE)}'>With target</th>" if ranking else ""
    note = f"<p>With target: {escape(MEASURE)}, 0 to 1.</p>" if ranking else ""
    return (
        "<h2>Columns</h2><div class='scroll'><table><thead><tr><th>Column</th><th>Type</th><th class='n'>Missing</th>"
        f"<th class='n'>Distinct</th>{measure}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>{note}"
    )


def _column(column: ColumnProfile, report: ReportInput, number: int) -> str:
    figures = []
    if column.histogram is not None:
        figures.append(charts.histogram(column))
    elif column.levels:
        figures.append(charts.levels(column))
    elif column.lengths is not None:
        figures.append(charts.lengths(column))
    relation = report.relations.get(column.name)
    if relation is not None and relation.bins:
        figures.append(charts_relation.relation(relation))
    drawn = "".join(f"<div>{figure_html(figure)}</div>" for figure in figures)
    facts = f"{column.type} · {column.unique:,} distinct · {column.missing:,} missing ({column.missing_share:.1%})"
    shown = "".join(f"<p>Example: {escape(text)}</p>" for text in column.examples)
    return (
        f"<section class='column' id='c{number}'><h3>{escape(column.name)}</h3><p>{facts}</p>{_numbers(column)}{shown}"
        f"<div class='figures{' two' if len(figures) > 1 else ''}'>{drawn}</div></section>"
    )


def _numbers(column: ColumnProfile) -> str:
    if column.type != "numeric" or not column.quantiles:
        return ""
    parts = [f"{_place(place)} {value:,.5g}" for place, value in zip(QUANTILES, column.quantiles, strict=True)]
    means = [
        f"{name} {value:,.5g}"
        for name, value in (("mean", column.mean), ("standard deviation", column.sd))
        if value is not None
    ]
    return f"<p>{' · '.join([*parts, *means])}</p>"


def _place(place: float) -> str:
    return {0.0: "smallest", 0.5: "median", 1.0: "largest"}.get(place, f"{place:.0%}")
