"""What people write as Markdown: formats, but neither calls other sites nor looks like the app's own."""

import pytest

from app.ui.widgets.text import safe_markdown


@pytest.mark.parametrize(
    ("text", "unwanted"),
    [
        ("![x](https://beacon.example/a.png)", "!["),
        ("`a` ![x][1]\n\n[1]: https://beacon.example/a.png", "!["),
        ("<img src=https://beacon.example/a.png>", "<img"),
        ("<script>alert(1)</script>", "<script"),
        (":green-badge[Approved]", ":green-badge["),
        (":material/verified: Approved", ":material/"),
        ("$x^2$", " $x"),
    ],
)
def test_what_calls_or_misleads_is_shown_as_it_was_typed(text, unwanted):
    found = safe_markdown(f"see {text}")
    assert unwanted not in found
    kept = found.replace("\u2060", "").replace("\\$", "$")
    assert kept == f"see {text}"


@pytest.mark.parametrize(
    "text",
    ["**bold** and *soft*", "- one\n- two", "| a | b |\n| - | - |\n| 1 | 2 |", "`code`", "[x](https://example.org)"],
)
def test_what_formats_stays(text):
    assert safe_markdown(text) == text


def test_a_name_is_highlighted_and_a_mail_address_is_none():
    assert ":blue-background[" in safe_markdown("ask @Zoë-Ann, please")
    assert ":blue-background[" not in safe_markdown("write to ann@example.org")
    assert safe_markdown("# Loud").startswith("##### ")
