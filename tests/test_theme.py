"""The theme's colours can be read: contrast by WCAG 2, and the labels that keep it."""

import ast
import itertools
import tomllib
from pathlib import Path

import pytest

from app.ui.widgets import layout
from tests.colours import Colour, contrast, read

ROOT = Path(__file__).parents[1]
THEME = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text("utf-8"))["theme"]
NAMED = ("gray", "blue", "green", "yellow", "orange", "red")
TEXT, SHAPE = 4.5, 3.0
# What Streamlit does with the theme: captions are the text at 60%, what is chosen lies on 10% of the accent.
CAPTION, TINT = 0.6, 0.1


def mix(top: Colour, share: float, below: Colour) -> Colour:
    red, green, blue = (share * a + (1 - share) * b for a, b in zip(top, below, strict=True))
    return red, green, blue


def pairs(name: str) -> dict[str, tuple[Colour, Colour, float]]:
    """Return what stands on what in a theme, with the contrast it needs."""
    theme = THEME[name]
    main = {key: read(value) for key, value in theme.items() if isinstance(value, str)}
    side = {key: read(value) for key, value in theme["sidebar"].items()}
    page, panel, text, accent = (
        main[key] for key in ("backgroundColor", "secondaryBackgroundColor", "textColor", "primaryColor")
    )
    grounds = {"page": page, "panel": panel, "sidebar": side["backgroundColor"]}
    tint = mix(accent, TINT, page)
    chosen = text if name == "dark" else accent
    found = {
        "button": (read("#FFFFFF"), accent, TEXT),
        "accent": (accent, page, SHAPE),
        "chosen option": (chosen, tint, TEXT),
        "chosen option's frame": (accent, page, SHAPE),
        "chosen tab": (chosen, page, TEXT),
        "chosen page": (text, side["secondaryBackgroundColor"], TEXT),
        "code": (main["codeTextColor"], main["codeBackgroundColor"], TEXT),
        "table head": (main["dataframeHeaderTextColor"], main["dataframeHeaderBackgroundColor"], TEXT),
    }
    for where, ground in grounds.items():
        found[f"text on {where}"] = (text, ground, TEXT)
        found[f"caption on {where}"] = (mix(text, CAPTION, ground), ground, TEXT)
        found[f"link on {where}"] = (main["linkColor"], ground, TEXT)
        for colour in NAMED:
            found[f"{colour} text on {where}"] = (main[f"{colour}TextColor"], ground, TEXT)
    for colour in NAMED:
        found[f"{colour} badge"] = (main[f"{colour}TextColor"], main[f"{colour}BackgroundColor"], TEXT)
    for number, colour in enumerate(theme["chartCategoricalColors"], 1):
        found[f"chart colour {number}"] = (read(colour), page, SHAPE)
    return found


def test_links_that_lead_to_pages_have_the_colour_of_links() -> None:
    style = (ROOT / "app" / "ui" / "static" / "look.css").read_text("utf-8")
    colours = [THEME[name]["linkColor"].lower() for name in ("light", "dark")]
    assert f"light-dark({', '.join(colours)})" in style


def test_contrast_is_that_of_the_standard() -> None:
    # Known ratios: black on white is 21, #767676 on white the well-known first grey of 4.5, equal colours 1.
    assert contrast(read("#000000"), read("#FFFFFF")) == pytest.approx(21)
    assert contrast(read("#767676"), read("#FFFFFF")) == pytest.approx(4.54, abs=0.005)
    assert contrast(read("#777777"), read("#FFFFFF")) == pytest.approx(4.48, abs=0.005)


@pytest.mark.parametrize("name", ["light", "dark"])
def test_what_is_written_can_be_read(name: str) -> None:
    low = {what: round(contrast(a, b), 2) for what, (a, b, least) in pairs(name).items() if contrast(a, b) < least}
    assert low == {}


def test_the_dark_accent_cannot_be_text_and_carry_white_text() -> None:
    """Why `choice_label` exists: no accent does both on this page; it can go when the page allows one."""
    page = read(THEME["dark"]["backgroundColor"])
    both = [min(contrast(read("#FFFFFF"), (v, v, v)), contrast((v, v, v), page)) for v in range(256)]
    assert max(both) < TEXT


def test_figures_get_their_theme_in_one_place() -> None:
    drawing = [path.name for path in (ROOT / "app").rglob("*.py") if "plotly_chart(" in path.read_text("utf-8")]
    assert drawing == ["layout.py"]


def test_a_choice_keeps_the_text_colour_in_the_dark_theme_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout, "is_dark", lambda: False)
    assert layout.choice_label("Two classes") == "Two classes"
    monkeypatch.setattr(layout, "is_dark", lambda: True)
    expected = f':color[Two classes]{{foreground="{THEME["dark"]["textColor"]}"}}'
    assert layout.choice_label("Two classes") == expected
    assert layout.choice_labels({"binary": "Two classes"})("binary") == expected
    assert layout.choice_labels(str.title)("two classes") == expected.replace("classes", "Classes")


def calls(tree: ast.Module) -> list[ast.Call]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)]


def test_every_row_of_options_and_every_tab_has_such_labels() -> None:
    files = itertools.chain((ROOT / "app" / "pages").glob("*.py"), (ROOT / "app" / "ui").rglob("*.py"))
    found, bare = 0, []
    for path in files:
        for call in calls(ast.parse(path.read_text("utf-8"))):
            if call.func.attr in {"segmented_control", "pills"}:
                found += 1
                labels = [ast.unparse(keyword.value) for keyword in call.keywords if keyword.arg == "format_func"]
                if not any("choice_labels(" in label for label in labels):
                    bare.append(f"{path.name}:{call.lineno}")
            elif ast.unparse(call.func) == "st.tabs" and "choice_label(" not in ast.unparse(call):
                bare.append(f"{path.name}:{call.lineno} (use layout.tabs)")
    assert found > 10
    assert bare == []
