"""HTML as a test reads it: tags with their attributes, and the text that a person sees."""

from html.parser import HTMLParser


class PageText(HTMLParser):
    """Collects tags with their attributes, table rows, and the text outside of scripts and styles."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.rows: list[list[str]] = []
        self._hidden = False
        self._cell = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._hidden = tag in ("script", "style")
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
            self._cell = True

    def handle_endtag(self, tag: str) -> None:
        self._hidden = False
        if tag in ("td", "th"):
            self._cell = False

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.text += data
            if self._cell:
                self.rows[-1][-1] += data

    @property
    def n_figures(self) -> int:
        """How many figures Plotly will draw."""
        return sum("plotly-graph-div" in (attrs.get("class") or "") for _, attrs in self.tags)


def parse_html(html: str) -> PageText:
    """Read a page."""
    parser = PageText()
    parser.feed(html)
    return parser
