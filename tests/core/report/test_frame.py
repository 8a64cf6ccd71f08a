"""The frame of documents: dark on a dark page, light on paper and everywhere else."""

import base64
import json
import re
import zlib

import numpy as np
import pytest
from plotly.offline import get_plotlyjs

from core.charts.look import figure
from core.report import in_dark
from core.report.frame import document, figure_html
from tests.colours import contrast, read

PAGE = document("Card", "<p>Words</p>", has_figures=False)


def colours(look: str) -> dict[str, str]:
    """The colours of a look by their names."""
    rule = re.search(rf"{re.escape(look)} {{(.*?)}}", PAGE, re.DOTALL)
    assert rule is not None
    found = dict(re.findall(r"--([a-z]+): (#[0-9a-f]{3,6});", rule[1]))
    return {
        name: colour if len(colour) == 7 else f"#{''.join(2 * c for c in colour[1:])}" for name, colour in found.items()
    }


def test_a_document_is_dark_only_where_it_is_asked_for_and_on_a_screen() -> None:
    assert 'data-look="dark">' not in PAGE
    assert '<html lang="en" data-look="dark">' in in_dark(PAGE)
    assert in_dark(PAGE).replace(' data-look="dark">', ">", 1) == PAGE
    assert '@media screen { :root[data-look="dark"]' in PAGE


@pytest.mark.parametrize("look", [":root", ':root[data-look="dark"]'])
def test_what_is_written_in_a_document_can_be_read(look: str) -> None:
    known = colours(look)
    for ink in ("ink", "faint", "accent", "high", "medium"):
        for below in ("page", "soft"):
            assert contrast(read(known[ink]), read(known[below])) >= 4.5, (ink, below)
    assert contrast(read(known["ink"]), read(known["good"])) >= 4.5
    assert contrast(read(known["faint"]), read(known["good"])) >= 4.5


def test_a_figure_is_packed_with_numbers_of_five_digits_and_no_markup():
    drawn = figure(height=300)
    drawn.add_scatter(x=np.array([1.23456789, 1e-9]), y=[2, None], text=["</script><b>", "<!--"])
    html = figure_html(drawn)
    assert "height:300px" in html
    packed = html.rpartition("</script>")[0].rpartition('"text/plain">')[2]
    assert "/" not in packed, "so that nothing in it can end the script"
    found = json.loads(zlib.decompress(base64.b85decode(packed)))
    assert found["data"][0]["x"] == [1.2346, 1e-9]
    assert found["data"][0]["y"] == [2, None]
    assert found["data"][0]["text"] == ["</script><b>", "<!--"]


def test_numbers_that_are_far_from_zero_and_close_to_each_other_stay_apart():
    drawn = figure()
    drawn.add_scatter(x=[20240130.0, 20240131.0, 20240201.0], y=[1711843200.0, 1711846800.0, 1711850400.0])
    packed = figure_html(drawn).rpartition("</script>")[0].rpartition('"text/plain">')[2]
    found = json.loads(zlib.decompress(base64.b85decode(packed)))["data"][0]
    assert found["x"] == [20240130.0, 20240131.0, 20240201.0]
    assert found["y"] == [1711843200.0, 1711846800.0, 1711850400.0]


def test_plotly_is_in_it_once_and_packed():
    with_figures, without = document("a", "b"), document("a", "b", has_figures=False)
    packed = with_figures.partition('id="plotly">')[2].partition("</script>")[0]
    assert zlib.decompress(base64.b85decode(packed)).decode() == get_plotlyjs()
    assert len(with_figures) < 1_900_000
    assert "<script" not in without
