"""HTML from data, safe by default: plain text is escaped wherever it goes in, only what was made here is markup.

Any text that is given may be either: `Markup` is a str, too.
"""

from collections.abc import Iterable, Sequence
from typing import LiteralString

import plotly.graph_objects as go
from markupsafe import Markup

from core.report.frame import figure_html


def say(template: LiteralString, *values: object, **named: object) -> Markup:
    """Fill a template of ours with values, each escaped unless it is markup.

    Examples
    --------
    >>> say("{name} has <b>{count:,}</b> rows", name="<i>", count=5000)
    Markup('&lt;i&gt; has <b>5,000</b> rows')
    """
    return Markup(template).format(*values, **named)  # noqa: S704 - it says the same, and nothing else


def join(*parts: str) -> Markup:
    """Return parts one after the other."""
    return Markup("").join(part for part in parts if part)


def each(template: LiteralString, items: Iterable[Sequence[object]]) -> Markup:
    """Fill a template of ours once for each item, one after the other."""
    return join(*(say(template, *item) for item in items))


def bold(value: str) -> Markup:
    """Return text that stands out."""
    return say("<b>{}</b>", value)


def paragraph(value: str, kind: str = "") -> Markup:
    """Return a paragraph; `kind` is its CSS class."""
    return say('<p class="{}">{}</p>', kind, value) if kind else say("<p>{}</p>", value)


def heading(value: str) -> Markup:
    """Return a heading within a section."""
    return say("<h3>{}</h3>", value)


def bullets(items: Iterable[str]) -> Markup:
    """Return a list."""
    return say("<ul>{}</ul>", each("<li>{}</li>", ((item,) for item in items)))


def facts(pairs: Iterable[tuple[str, str]]) -> Markup:
    """Return names with their values beside them."""
    return say("<dl>{}</dl>", each("<div><dt>{}</dt><dd>{}</dd></div>", pairs))


def tiles(items: Iterable[tuple[str, str, str]]) -> Markup:
    """Return large numbers side by side: what it is, the number, and where it comes from."""
    return say('<div class="tiles">{}</div>', each("<div><span>{}</span><b>{}</b><span>{}</span></div>", items))


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, words: int = 1) -> Markup:
    """Return a table whose first `words` columns hold text and the others numbers."""
    kinds = ["" if place < words else "n" for place in range(len(head))]
    top = each('<th class="{}">{}</th>', zip(kinds, head, strict=True))
    body = (each('<td class="{}">{}</td>', zip(kinds, row, strict=True)) for row in rows)
    return say(
        '<div class="scroll"><table><thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>',
        top, each("<tr>{}</tr>", ((line,) for line in body)),
    )  # fmt: skip


def bars(items: Iterable[tuple[str, float]]) -> Markup:
    """Return a bar per item, 1 for the longest."""
    bar = '<div><span>{}</span><span class="track"><i style="width:{:.1f}%"></i></span></div>'
    return say('<div class="bars">{}</div>', each(bar, ((name, 100 * share) for name, share in items)))


def figures(drawn: Sequence[go.Figure], *, two: bool = True, few_on_paper: bool = False) -> Markup:
    """Return figures, two beside each other or each as wide as the page; on paper all, or the first few."""
    cells = each("<div>{}</div>", ((figure_html(figure),) for figure in drawn))
    kinds = f"figures{' two' if two else ''}{' few' if few_on_paper else ''}"
    return say('<div class="{}">{}</div>', kinds, cells) if drawn else Markup()


def beyond_paper(words: str, *parts: str) -> Markup:
    """Return parts for the screen; on paper the words stand in their place."""
    return say('<div class="beyond">{}</div><p class="small paper">{}</p>', join(*parts), words)


def columns(*parts: str) -> Markup:
    """Return parts beside each other, where the window is wide enough."""
    return say('<div class="columns">{}</div>', each("<div>{}</div>", ((part,) for part in parts)))


def section(name: str, title: str, *parts: str) -> Markup:
    """Return a part of the report; `name` is where a link finds it."""
    return say('<section id="{}"><h2>{}</h2>{}</section>', name, title, join(*parts))
