"""The look of figures: every role becomes a colour of the theme, whatever words say, and words can be read."""

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest

from core.charts.look import (
    DARK,
    INK,
    LIGHT,
    LOW_HIGH,
    MUTED,
    SERIES,
    SHARES,
    Palette,
    apply,
    coloured,
    escape,
    figure,
    label,
    low_to_high,
    note,
    on_shares,
    see_through,
)
from core.wording import cut_text
from tests.colours import contrast, read
from tests.core.charts.models import test_figures as test_charts_models
from tests.core.charts.models import test_review as test_charts_review
from tests.gallery import figures

THEME = tomllib.loads((Path(__file__).resolve().parents[3] / ".streamlit" / "config.toml").read_text())["theme"]
LOOKS = pytest.mark.parametrize(("dark", "theme"), [(False, LIGHT), (True, DARK)], ids=["light", "dark"])
COLOUR = re.compile(r"#[0-9A-F]{6}|rgba?\([^)]*\)|var\(--[^)]*\)")


def every_figure() -> dict[str, go.Figure]:
    return figures(test_charts_models.EXPLANATIONS) | test_charts_review.figures()


def colours_of(drawn: go.Figure) -> set[str]:
    found = json.loads(drawn.to_json())
    del found["layout"]["template"]
    return set(COLOUR.findall(json.dumps(found)))


def plain_colours(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple):
        yield from value


@LOOKS
def test_every_figure_has_the_colours_of_the_theme_and_of_nothing_else(dark: bool, theme: Palette) -> None:
    palette = {colour for value in vars(theme).values() for colour in plain_colours(value)}
    for name, drawn in every_figure().items():
        assert colours_of(apply(drawn, dark=dark)) <= palette, name


@LOOKS
def test_the_template_has_the_colours_of_the_theme(dark: bool, theme: Palette) -> None:
    made, page = apply(figure(), dark=dark).layout.template.layout, THEME["dark" if dark else "light"]
    assert list(made.colorway) == list(theme.series) == page["chartCategoricalColors"]
    assert made.font.color == theme.ink == page["textColor"]
    assert theme.page == page["backgroundColor"]


@LOOKS
def test_a_role_is_made_a_colour_wherever_it_stands(dark: bool, theme: Palette) -> None:
    drawn = figure(title={"text": coloured("words", MUTED)})
    drawn.add_scatter(x=[1, 2], y=[1, 2], marker={"color": [INK, see_through(1)], "line": {"color": SERIES[2]}})
    drawn.add_scatter(x=[1], y=[1], marker={"color": [0.5], "colorscale": LOW_HIGH})
    drawn.add_hline(y=1, line={"color": INK})
    drawn.add_shape(type="rect", x0=0, x1=1, y0=0, y1=1, fillcolor=low_to_high(0.0))
    note(drawn, "a remark")
    first, second = apply(drawn, dark=dark).data
    red, green, blue = (round(part) for part in read(theme.series[1]))
    assert list(first.marker.color) == [theme.ink, f"rgba({red}, {green}, {blue}, 0.18)"]
    assert first.marker.line.color == theme.series[2]
    assert [colour for _, colour in second.marker.colorscale] == [theme.series[1], theme.muted, theme.series[0]]
    assert list(second.marker.color) == [0.5]
    assert (drawn.layout.shapes[0].line.color, drawn.layout.shapes[1].fillcolor) == (theme.ink, theme.series[1])
    assert drawn.layout.annotations[0].font.color == theme.quiet
    assert drawn.layout.title.text == f"<span style='color:{theme.muted}'>words</span>"


def test_a_name_that_looks_like_a_role_stays_as_it_is() -> None:
    name = f"<span style='color:{INK}'>{INK}"
    drawn = figure(title={"text": coloured(escape(name), INK)})
    drawn.add_scatter(x=[INK], y=[INK], text=[INK], name=INK, customdata=[INK], hovertemplate=INK)
    before = drawn.data[0].to_plotly_json()
    assert apply(drawn, dark=False).data[0].to_plotly_json() == before
    assert drawn.layout.title.text == coloured(escape(name), LIGHT.ink)


@LOOKS
def test_words_can_be_read_on_every_share(dark: bool, theme: Palette) -> None:
    ends = list(zip(*map(read, (theme.fill, theme.series[0])), strict=True))
    assert [step for step, _ in SHARES] == [0, 1]
    for share in np.linspace(0, 1, 101):
        red, green, blue = (float(np.interp(share, [0, 1], channel)) for channel in ends)
        words = figure().add_annotation(font={"color": on_shares(share)})
        ink = apply(words, dark=dark).layout.annotations[0].font.color
        assert contrast((red, green, blue), read(ink)) > 3, share


def test_text_is_cut_and_made_safe() -> None:
    assert escape('<b>"a" & b</b>') == '&lt;b&gt;"a" &amp; b&lt;/b&gt;'
    assert cut_text("abc", 3) == "abc"
    assert cut_text("ab defg", 4) == "ab…"
    assert label("<<<<<", 4) == "&lt;&lt;&lt;…"
