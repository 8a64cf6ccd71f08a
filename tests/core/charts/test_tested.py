"""Every figure is drawn in a test on its data."""

import ast
import re
from pathlib import Path

TESTS = Path(__file__).parents[1]
CHARTS = Path(__file__).parents[3] / "core" / "charts"


def figures() -> set[str]:
    """Return the public functions that make a figure."""
    return {
        node.name
        for path in CHARTS.rglob("*.py")
        if path.name not in ("look.py", "parts.py")  # what figures are made of
        for node in ast.parse(path.read_text("utf-8")).body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
        if node.returns is not None and ast.unparse(node.returns) == "go.Figure"
    }


def test_every_figure_is_drawn_in_a_test() -> None:
    drawn = set()
    for path in TESTS.rglob("test_*.py"):
        drawn |= set(re.findall(r"charts[\w.]*(?:\.| import )(\w+)", path.read_text("utf-8")))
    assert len(figures()) > 40
    assert sorted(figures() - drawn) == []
