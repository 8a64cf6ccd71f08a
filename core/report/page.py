"""The HTML documents about a model: card, whole report, and its explanations alone."""

from typing import Final, NamedTuple

from markupsafe import Markup

from core.explanations.items import Explanations
from core.report.card import card
from core.report.contents import Contents
from core.report.frame import document
from core.report.markup import bullets, each, join, paragraph, say, section
from core.report.sections import backtest as sections_backtest
from core.report.sections import data as sections_data
from core.report.sections import groups as sections_groups
from core.report.sections import quality as sections_quality
from core.report.sections import why as sections_why
from core.report.sections.limits import limits


class Report(NamedTuple):
    """Two documents that need no network: the model card, one page, and the report, which begins with it."""

    card: str
    whole: str


def write(contents: Contents) -> Report:
    """Return card and report as HTML.

    Notes
    -----
    The report holds Plotly's own script once (packed, 1.8 MB); the card needs none.
    """
    top = card(contents)
    parts = [part for part in _sections(contents) if part]
    title = f"{contents.spec.target}: {contents.model.experiment}"
    return Report(
        card=document(f"Model card, {title}", top, has_figures=False),
        whole=document(f"Report, {title}", join(top, _links(contents), *parts)),
    )


def explanations_page(found: Explanations) -> str:
    """Return the explanations of a model as an HTML document of their own: how good it is, and what it looks at."""
    title = f"{found.algo} for {found.target}: explanations"
    return document(
        title,
        join(
            say("<h1>{}</h1>", title),
            paragraph(f"Model {found.model_key}, computed {found.created_at}.", "small"),
            sections_quality.explained(found),
            sections_why.why(found),
        ),
    )


def _sections(contents: Contents) -> tuple[Markup, ...]:
    return (
        sections_data.data(contents),
        sections_data.training(contents),
        sections_quality.quality(contents),
        sections_backtest.backtest(contents),
        sections_quality.decision(contents),
        sections_why.why(contents.found),
        sections_groups.weak(contents),
        sections_groups.fairness(contents),
        sections_groups.models(contents),
        section("limits", "What this report cannot tell you", bullets(limits(contents))),
        sections_data.reproduction(contents),
    )


_TITLES: Final = (
    ("data", "Data"), ("training", "Training"), ("quality", "How good"), ("backtest", "Over time"),
    ("decision", "How it decides"),
    ("why", "What it looks at"), ("weak", "Weak spots"), ("fairness", "Groups"), ("models", "Other models"),
    ("limits", "Limits"), ("again", "Reproduce it"),
)  # fmt: skip


def _links(contents: Contents) -> Markup:
    absent = set()
    if contents.decision.threshold is None:
        absent.add("decision")
    if contents.backtest is None:
        absent.add("backtest")
    if contents.spec.task != "binary":
        absent.add("fairness")
    links = each('<a href="#{}">{}</a>', ((name, title) for name, title in _TITLES if name not in absent))
    return say('<nav aria-label="Parts of the report">{}</nav>', links)
