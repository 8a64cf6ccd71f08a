"""The model card and the whole report as HTML documents."""

from typing import Final, NamedTuple

from core.report.card import card
from core.report.contents import Contents
from core.report.frame import document
from core.report.markup import Html, bullets, join, say, section
from core.report.sections import data as sections_data
from core.report.sections import groups as sections_groups
from core.report.sections import quality as sections_quality
from core.report.sections import why as sections_why
from core.report.sections.limits import limits

_STYLE: Final = """
body { max-width: 62rem; }
section, .card { margin-top: 2.5rem; } h2 { font-size: 1.35rem; margin: 0 0 .75rem; padding-top: .75rem;
  border-top: 2px solid var(--accent); } h3 { margin: 1.75rem 0 .5rem; }
p { color: var(--ink); max-width: 46rem; } p.small, .small { color: var(--faint); font-size: .85rem; }
p.lead { font-size: 1.05rem; margin: .75rem 0; } ul { margin: .25rem 0; padding-left: 1.2rem; max-width: 46rem; }
li { margin: .25rem 0; } code { font-size: .85em; overflow-wrap: anywhere; }
table { font-size: .9rem; margin: .5rem 0; } td:first-child { overflow-wrap: anywhere; }
th { vertical-align: bottom; font-size: .8rem; }
dl { display: grid; grid-template-columns: repeat(auto-fill, minmax(18rem, 1fr)); gap: .5rem 2rem; margin: .75rem 0; }
dt { color: var(--faint); font-size: .8rem; } dd { margin: 0; overflow-wrap: anywhere; }
nav { margin: 2rem 0 0; display: flex; flex-wrap: wrap; gap: .35rem 1.25rem; font-size: .95rem; }
.card { border: 1px solid var(--line); border-top: 6px solid var(--accent); border-radius: 6px;
  padding: 1.5rem 2rem; margin-top: 0; } .card h1 { margin: .15rem 0 0; } .card h3 { margin: 1.1rem 0 .35rem; }
.eyebrow { color: var(--accent); font-weight: 600; font-size: .85rem; }
.mark { font-size: .75rem; font-weight: 600; color: var(--accent); background: #e3f1f3; border-radius: 4px;
  padding: .1rem .45rem; vertical-align: middle; white-space: nowrap; margin-right: .35rem; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr)); gap: .75rem; margin: 1rem 0; }
.tiles > div { background: var(--soft); border-radius: 6px; padding: .6rem .8rem; }
.tiles span { display: block; font-size: .8rem; color: var(--faint); }
.tiles b { font-size: 1.45rem; line-height: 1.3; }
.columns { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 0 2.5rem; }
.bars > div { margin: .4rem 0; font-size: .9rem; } .bars span { display: block; overflow-wrap: anywhere; }
.track { background: #e3e9ec; border-radius: 3px; height: .55rem; margin-top: .1rem; }
.track i { display: block; background: var(--accent); border-radius: 3px; height: 100%; }
.outcomes { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 3px; margin: .75rem 0 .35rem;
  max-width: 24rem; }
.outcomes div { padding: .5rem .7rem; border-radius: 4px; background: var(--soft); }
.outcomes .good { background: #e3f1f3; } .outcomes b { display: block; font-size: 1.1rem; }
.outcomes span { font-size: .8rem; color: var(--faint); }
.figures { margin-top: .75rem; } th.n { white-space: normal; }
.small dl { grid-template-columns: repeat(auto-fill, minmax(11rem, 1fr)); gap: .35rem 1rem; font-size: .95em; }
@page { size: A4; margin: 14mm 15mm; }
@media print { html { font-size: 12.5px; } body { font-size: 12px; } nav { display: none; }
  h2, h3 { break-after: avoid; } section { margin-top: 1.75rem; }
  p:has(+ .figures), p:has(+ .outcomes) { break-after: avoid; } nav + section, #why { break-before: page; }
  .card { border-width: 6px 0 0; border-radius: 0; padding: .75rem 0 0; }
  table { font-size: 11px; } td, th { padding: .3rem .4rem; } p, ul { max-width: none; }
  .card, .tiles > div, .outcomes div, .track, .track i, .mark {
    print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  .outcomes, .tiles, dl > div, li, .card { break-inside: avoid; } dl { grid-template-columns: repeat(3, 1fr); }
  .small dl { grid-template-columns: repeat(5, 1fr); } }
@media screen and (max-width: 45rem) { body { padding: .75rem .75rem 3rem; } .card { padding: 1rem; }
  .columns { grid-template-columns: minmax(0, 1fr); } }
"""


class Report(NamedTuple):
    """Two documents that need no network: the model card, one page, and the report, which begins with it."""

    card: str
    whole: str


def write(contents: Contents) -> Report:
    """Return card and report as HTML.

    Notes
    -----
    The report holds Plotly's own script once (about 4.5 MB); the card needs none.
    """
    top = card(contents)
    parts = [part for part in _sections(contents) if part]
    title = f"{contents.spec.target}: {contents.model.experiment}"
    return Report(
        card=document(f"Model card, {title}", top, style=_STYLE, has_figures=False),
        whole=document(f"Report, {title}", join(top, _links(contents), *parts), style=_STYLE),
    )


def _sections(contents: Contents) -> tuple[Html, ...]:
    return (
        sections_data.data(contents),
        sections_data.training(contents),
        sections_quality.quality(contents),
        sections_quality.decision(contents),
        sections_why.why(contents),
        sections_groups.weak(contents),
        sections_groups.fairness(contents),
        sections_groups.models(contents),
        section("limits", "What this report does not tell", bullets(limits(contents))),
        sections_data.reproduction(contents),
    )


_TITLES: Final = (
    ("data", "Data"), ("training", "Training"), ("quality", "How good"), ("decision", "How it decides"),
    ("why", "What it looks at"), ("weak", "Weak spots"), ("fairness", "Groups"), ("models", "Other models"),
    ("limits", "Limits"), ("again", "Make it again"),
)  # fmt: skip


def _links(contents: Contents) -> Html:
    absent = set()
    if contents.decision.threshold is None:
        absent.add("decision")
    if contents.spec.task != "binary":
        absent.add("fairness")
    links = (
        say('<a href="#{name}">{title}</a>', name=name, title=title) for name, title in _TITLES if name not in absent
    )
    return Html(f'<nav aria-label="Parts of the report">{"".join(links)}</nav>')
