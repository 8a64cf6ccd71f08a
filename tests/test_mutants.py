"""The faults that `python -m tests.mutants` puts into modules: each is one change that could show."""

import ast
from pathlib import Path

import pytest

from tests.mutants import FOCUS, ROOT, mutants


def changes(source: str) -> list[str]:
    return [one.what for one in mutants(source)]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("x = a < b", ["a < b  ->  a <= b", "a < b  ->  a >= b"]),
        ("x = a == b", ["a == b  ->  a != b"]),
        ("x = a not in b", ["a not in b  ->  a in b"]),
        ("x = a and b", ["a and b  ->  a or b"]),
        ("x = not a", ["not a  ->  a"]),
        ("x = 3", ["3  ->  4", "3  ->  2"]),
        ("x = True", ["True  ->  False"]),
        ("x = a + b", ["a + b  ->  a - b"]),
        ("save(a)", ["save(a)  ->  None"]),
        ("if a:\n    pass", ["if a:\n    pass  ->  if not a"]),
        ("def f():\n    return a", ["return a  ->  return None"]),
    ],
)
def test_each_place_is_changed_in_every_way_and_in_one_at_a_time(source, expected):
    assert changes(source) == expected


@pytest.mark.parametrize(
    "source",
    ["x: int[3]", "def f(a: 'b' = None) -> c[1]: ...", "__all__ = ['a'] + b", "@cache(3)\ndef f(): ...", "x = 'a' + b",
     "if TYPE_CHECKING:\n    import a"],
)  # fmt: skip
def test_what_shows_nothing_is_left_alone(source):
    assert changes(source) == []


def test_a_fault_is_a_module_that_can_be_read_and_differs_in_nothing_else():
    source = "def f(a, b):\n    if not a:\n        return b + 1\n    return [not b]\n"
    found = [one.source for one in mutants(source)]
    assert len(set(found)) == len(found) == 8
    assert all(ast.parse(one) and one != ast.unparse(ast.parse(source)) for one in found)


@pytest.mark.parametrize("module", FOCUS)
def test_modules_and_their_tests_are_there(module):
    assert all((ROOT / path).exists() for path in (Path(module), *map(Path, FOCUS[module])))
    assert any(mutants((ROOT / module).read_text(encoding="utf-8")))
