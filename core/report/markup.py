"""HTML from data, safe by default: plain text is escaped wherever it goes in, only what was made here is markup."""

from collections.abc import Iterable, Sequence
from html import escape

import plotly.graph_objects as go

from core.report.frame import figure_html


class Html(str):
    """Text that is markup already; any other text is escaped where it is put in."""

    __slots__ = ()


Text = str | Html


def html(value: Text) -> Html:
    """Return markup as it is, and plain text escaped.

    Examples
    --------
    >>> html("a < b"), html(Html("<b>a</b>"))
    ('a &lt; b', '<b>a</b>')
    """
    return value if isinstance(value, Html) else Html(escape(value))


def say(template: str, **values: Text) -> Html:
    """Fill a template of ours with values, each escaped unless it is markup.

    Examples
    --------
    >>> say("{name} has <b>{count}</b> rows", name="<i>", count="5")
    '&lt;i&gt; has <b>5</b> rows'
    """
    return Html(template.format(**{name: html(value) for name, value in values.items()}))


def join(*parts: Text, between: str = "") -> Html:
    """Return parts one after the other."""
    return Html(between.join(html(part) for part in parts if part))


def bold(value: Text) -> Html:
    """Return text that stands out."""
    return Html(f"<b>{html(value)}</b>")


def paragraph(value: Text, kind: str = "") -> Html:
    """Return a paragraph; `kind` is its CSS class."""
    return Html(f'<p class="{kind}">{html(value)}</p>' if kind else f"<p>{html(value)}</p>")


def heading(value: Text) -> Html:
    """Return a heading within a section."""
    return Html(f"<h3>{html(value)}</h3>")


def bullets(items: Iterable[Text]) -> Html:
    """Return a list."""
    return Html(f"<ul>{''.join(f'<li>{html(item)}</li>' for item in items)}</ul>")


def facts(pairs: Iterable[tuple[Text, Text]]) -> Html:
    """Return names with their values beside them."""
    return Html(
        f"<dl>{''.join(f'<div><dt>{html(name)}</dt><dd>{html(value)}</dd></div>' for name, value in pairs)}</dl>"
    )


def tiles(items: Iterable[tuple[Text, Text, Text]]) -> Html:
    """Return large numbers side by side: what it is, the number, and where it comes from."""
    cells = "".join(
        f"<div><span>{html(name)}</span><b>{html(value)}</b><span>{html(origin)}</span></div>"
        for name, value, origin in items
    )
    return Html(f'<div class="tiles">{cells}</div>')


def table(head: Sequence[Text], rows: Iterable[Sequence[Text]], *, words: int = 1) -> Html:
    """Return a table whose first `words` columns hold text and the others numbers."""

    def line(tag: str, cells: Sequence[Text]) -> str:
        kinds = ["" if place < words else ' class="n"' for place in range(len(cells))]
        return "".join(f"<{tag}{kind}>{html(cell)}</{tag}>" for kind, cell in zip(kinds, cells, strict=True))

    body = "".join(f"<tr>{line('td', row)}</tr>" for row in rows)
    return Html(
        f'<div class="scroll"><table><thead><tr>{line("th", head)}</tr></thead><tbody>{body}</tbody></table></div>'
    )


def bars(items: Iterable[tuple[Text, float]]) -> Html:
    """Return a bar per item, 1 for the longest."""
    rows = "".join(
        f'<div><span>{html(name)}</span><span class="track"><i style="width:{100 * share:.1f}%"></i></span></div>'
        for name, share in items
    )
    return Html(f'<div class="bars">{rows}</div>')


def figures(drawn: Sequence[go.Figure], *, two: bool = True) -> Html:
    """Return figures, two beside each other or each as wide as the page."""
    cells = "".join(f"<div>{figure_html(figure)}</div>" for figure in drawn)
    return Html(f'<div class="figures{" two" if two else ""}">{cells}</div>') if drawn else Html()


def columns(*parts: Html) -> Html:
    """Return parts beside each other, where the window is wide enough."""
    return Html(f'<div class="columns">{"".join(f"<div>{part}</div>" for part in parts)}</div>')


def section(name: str, title: Text, *parts: Text) -> Html:
    """Return a part of the report; `name` is where a link finds it."""
    return Html(f'<section id="{name}"><h2>{html(title)}</h2>{join(*parts)}</section>')
