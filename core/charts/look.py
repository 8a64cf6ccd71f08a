"""The look of every figure: colours by role, made light or dark at the end, and text that is safe to show.

A figure names the role of a colour (`ACCENT`, `INK`, …), not the colour. `apply` gives it those of a theme, and the
template with them. Plotly takes a role for a CSS variable, which it leaves alone.
"""

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import plotly.graph_objects as go

from core.wording import cut_text

MAX_LABEL_CHARS: Final = 24
_FONT = '"Source Sans", "Source Sans 3", "Segoe UI", Roboto, Helvetica, Arial, sans-serif'
_ROLE = re.compile(r"var\(--(\w+)-?(.*)\)")
# Names from the data have no ``>`` of their own: `escape` saw to it.
_ROLE_OF_WORDS = re.compile(r"(?<=color:)var\(--[^)]*\)(?='>)")
_COLOURED = frozenset({"color", "fillcolor", "bgcolor"})

SERIES: Final = tuple(f"var(--series-{place})" for place in range(6))  # lines beside each other
ACCENT: Final = SERIES[0]  # what matters
LOW: Final = SERIES[1]  # the other end of what the accent says
MUTED: Final = "var(--muted)"  # what stands beside it
INK: Final = "var(--ink)"
QUIET: Final = "var(--quiet)"  # lines and words that help to read
FILL: Final = "var(--fill)"  # bars in the background
PAGE: Final = "var(--page)"  # the page below, for words that lie over points
ON_ACCENT: Final = "var(--on_accent)"
SHARES: Final = [(0.0, FILL), (1.0, ACCENT)]  # from nothing to all
LOW_HIGH: Final = [(0.0, LOW), (0.5, MUTED), (1.0, ACCENT)]  # both ends stand out from the page
# Teal for what goes together, ochre for what goes against; the middle is the page.
DIVERGING: Final = [(place / 4, f"var(--diverging-{place})") for place in range(5)]
UPPER_HALF: Final = [(2 * step - 1, role) for step, role in DIVERGING[2:]]


@dataclass(frozen=True)
class Palette:
    """The colours of one theme; `series` is that of .streamlit/config.toml, which says how it was chosen.

    Attributes
    ----------
    shares_turn, upper_half_turn : float
        The share from which words on that scale are read better in `on_accent` than in `ink`.
    """

    muted: str
    ink: str
    quiet: str
    fill: str
    page: str
    on_accent: str
    series: tuple[str, ...]
    diverging: tuple[str, ...]
    shares_turn: float
    upper_half_turn: float

    def colour(self, name: str, detail: str = "") -> str:
        """Return the colour of a role; `detail` is the place in a series or the share that it is of."""
        match name:
            case "series" | "diverging":
                found: str = getattr(self, name)[int(detail)]
                return found
            case "see_through":
                red, green, blue = _parts(self.series[int(detail)])
                return f"rgba({red}, {green}, {blue}, 0.18)"
            case "low_to_high":
                ends = zip(_parts(self.series[1]), _parts(self.series[0]), strict=True)
                return "#" + "".join(f"{round(low + (high - low) * float(detail)):02X}" for low, high in ends)
            case "on_shares" | "on_upper_half":
                return self.on_accent if float(detail) > getattr(self, f"{name[3:]}_turn") else self.ink
        plain: str = getattr(self, name)
        return plain


LIGHT: Final = Palette(
    muted="#B9C5CA",
    ink="#10181B",
    quiet="#51626A",
    fill="#E3E9EC",
    page="#FFFFFF",
    on_accent="#FFFFFF",
    series=("#0E6B7C", "#C27C0E", "#9758D7", "#490C8A", "#039E7A", "#915339"),
    diverging=("#7F4A06", "#CC8F3C", "#F6F8F9", "#5CA5B3", "#0A4C59"),
    shares_turn=0.85,
    upper_half_turn=0.68,
)
DARK: Final = Palette(
    muted="#4A5A64",
    ink="#E6ECEF",
    quiet="#A3B1B8",
    fill="#2A343B",
    page="#14191D",
    on_accent="#101418",
    series=("#4DB6C8", "#F0B924", "#7368B4", "#E35F7A", "#348211", "#B2EBB5"),
    diverging=("#F2B35A", "#AD7426", "#1E262B", "#288092", "#86CBD8"),
    shares_turn=0.65,
    upper_half_turn=0.5,
)


def see_through(place: int) -> str:
    """Return the role of a surface in the colour of a series that shows what lies below it."""
    return f"var(--see_through-{place})"


def low_to_high(share: float) -> str:
    """Return the role of a colour between that of the low and that of the high end."""
    return f"var(--low_to_high-{share})"


def on_shares(share: float) -> str:
    """Return the role of words on a share's colour on the scale `SHARES`."""
    return f"var(--on_shares-{share})"


def on_upper_half(share: float) -> str:
    """Return the role of words on a share's colour on the scale `UPPER_HALF`."""
    return f"var(--on_upper_half-{share})"


def coloured(words: str, role: str) -> str:
    """Return words, safe already, in the colour of a role."""
    return f"<span style='color:{role}'>{words}</span>"


def apply(figure: go.Figure, *, dark: bool) -> go.Figure:
    """Give a figure the light or the dark look, in place.

    Notes
    -----
    Goes past Plotly's own setters, which would check each colour again: that takes as long as drawing the figure.
    """
    colours = DARK if dark else LIGHT
    data, layout = figure._data, figure._layout  # noqa: SLF001
    for part in (*data, layout):
        _paint(part, colours)
    layout["template"] = _template(colours)
    return figure


def _paint(part: dict[str, Any], colours: Palette) -> None:
    for key, value in part.items():
        if key in _COLOURED:
            part[key] = _painted(value, colours)
        elif key == "colorscale":
            part[key] = [(step, _painted(role, colours)) for step, role in value]
        elif key == "text" and isinstance(value, str):
            part[key] = _ROLE_OF_WORDS.sub(lambda found: _painted(found[0], colours), value)
        elif isinstance(value, dict):
            _paint(value, colours)
        elif key in {"annotations", "shapes"}:
            for one in value:
                _paint(one, colours)


def _painted(value: Any, colours: Palette) -> Any:
    """Return a colour, or several, with roles made colours; what else it is stays."""
    if isinstance(value, str):
        role = _ROLE.fullmatch(value)
        return colours.colour(*role.groups()) if role else value
    if isinstance(value, list | tuple) and value and isinstance(value[0], str):
        return [_painted(one, colours) for one in value]
    return value


def _parts(colour: str) -> tuple[int, int, int]:
    """Return the red, green and blue of a colour.

    Examples
    --------
    >>> _parts("#0E6B7C")
    (14, 107, 124)
    """
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


@cache
def _template(colours: Palette) -> dict[str, Any]:
    """Return the template of a theme, as Plotly keeps it."""
    axis = {
        "automargin": True,
        "gridcolor": colours.fill,
        "linecolor": colours.fill,
        "zeroline": False,
        "ticks": "outside",
        "ticklen": 4,
        "tickcolor": "rgba(0,0,0,0)",  # only the distance is wanted
        "tickfont": {"color": colours.quiet, "size": 12},
        "title": {"font": {"color": colours.quiet, "size": 12}, "standoff": 8},
    }
    checked = go.layout.Template(
        layout={
            "font": {"family": _FONT, "size": 13, "color": colours.ink},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "colorway": colours.series,
            "margin": {"l": 8, "r": 16, "t": 24, "b": 8},
            "xaxis": axis,
            "yaxis": axis,
            "bargap": 0.25,
            "hoverlabel": {"font": {"family": _FONT, "size": 13}, "align": "left"},
            "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "title": {"text": ""}},
            "separators": ".,",
            "dragmode": False,
        }
    )
    found: dict[str, Any] = checked.to_plotly_json()
    return found


def escape(text: str) -> str:
    """Return text that Plotly shows literally."""
    return html.escape(text, quote=False)


def tick_angle(labels: Sequence[str]) -> int:
    """Return the angle of the labels below an upright axis: level where all of them fit side by side on a phone.

    Examples
    --------
    >>> tick_angle(["0", "1"]), tick_angle(["single", "married", "divorced", "widowed", "unknown"])
    (0, -40)
    """
    return 0 if sum(len(text) + 2 for text in labels) <= 36 else -40


def label(text: str, max_chars: int = MAX_LABEL_CHARS) -> str:
    """Return text from data as an axis or a legend may show it."""
    return escape(cut_text(text, max_chars))


def figure(*, height: int | None = None, **layout: object) -> go.Figure:
    """Return an empty figure; `height` in pixels.

    What else is known of the layout is set at once: Plotly takes several times as long to update it afterwards.
    """
    return go.Figure(layout={"template": "none", "height": height, **layout})


def note(fig: go.Figure, text: str) -> None:
    """Write a remark above the right end of the figure."""
    fig.add_annotation(
        text=text, xref="paper", yref="paper", x=1, y=1, xanchor="right", yanchor="bottom", showarrow=False,
        font={"size": 12, "color": QUIET},
    )  # fmt: skip
