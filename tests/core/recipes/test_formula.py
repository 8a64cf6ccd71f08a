"""The formula of a computed column: what it computes equals numpy, and nothing but arithmetic gets through."""

import numpy as np
import pytest

from core.errors import RecipeError
from core.recipes.formula import Formula

COLUMNS = {
    "a": np.array([1.0, -2.0, 0.0, np.nan]),
    "b": np.array([4.0, 0.25, 0.0, 1.0]),
    "Annual Premium": np.array([10.0, 20.0, 30.0, 40.0]),
    "größe": np.array([1.0, 1.0, 2.0, 2.0]),
    "min": np.array([5.0, 6.0, 7.0, 8.0]),
}
A, B, P, G, M = COLUMNS.values()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a + b", A + B),
        ("-a", -A),
        ("+a - -b", A + B),
        ("2 * (a - b) / 4", 2 * (A - B) / 4),
        ("`Annual Premium` / größe", P / G),
        ("b ** 0.5", B**0.5),
        ("2 ** a", 2.0**A),
        ("-b ** 2", -(B**2)),
        ("abs(a) + sqrt(b)", np.abs(A) + np.sqrt(B)),
        ("log1p( b )", np.log1p(B)),
        ("min(a, b, 0.5)", np.minimum(np.minimum(A, B), 0.5)),
        ("max(a, min)", np.maximum(A, M)),
        ("1e3 + .5 + 2. + b", 1002.5 + B),
        (" a\n+ b ", A + B),
    ],
)
def test_it_computes_what_numpy_computes(text, expected):
    np.testing.assert_array_equal(Formula(text).compute(COLUMNS), expected)


def test_what_has_no_value_is_not_finite():
    for text in ("a / b", "log(a)", "sqrt(a)", "9 ** 9 ** 9 * b", "a ** -1", f"{'9' * 400} + b"):
        assert not np.isfinite(Formula(text).compute(COLUMNS)).all(), text


def test_it_names_its_columns_once_in_order():
    assert Formula("`Annual Premium` + min + a * `a`").columns == ("Annual Premium", "min", "a")


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true')", "a.real", "a[0]", "a if b else 1", "a and b", "not a", "a < b", "a == b",
        "[a]", "{a}", "(a, b)", "lambda: a", "(lambda: a)()", "a := b", "f'{a}'", "'text' + a", "a @ b", "a // b",
        "a % b", "a << b", "a & b", "~a", "*a", "max(*a, b)", "max(a, key=b)", "abs(a, b)", "min(a)", "eval(a)",
        "print(a)", "`a`(1)", "abs()", "a b", "a +", "(a", "1 + 2", "``", "`a", "a + 1j", "007 + a", "a; b",
        "a # b", "a\\\n+ b", "a \x00", "a, b", "await a", "(yield a)", "max(a, b) (a)",
    ],
)  # fmt: skip
def test_nothing_else_gets_through(text):
    with pytest.raises(RecipeError) as caught:
        _ = Formula(text).columns
    assert caught.value.code == "recipe.formula"


def test_a_bare_word_is_only_ever_the_name_of_a_column():
    assert Formula("eval + __import__ + abs").columns == ("eval", "__import__", "abs")


@pytest.mark.parametrize("text", ["a + " * 200 + "a", "(" * 250 + "a" + ")" * 249, "-" * 400 + "a"])
def test_long_and_deep_ones_are_refused(text):
    with pytest.raises(RecipeError) as caught:
        _ = Formula(text).columns
    assert caught.value.code == "recipe.formula"


def test_python_keywords_are_names_in_backticks():
    values = {"class": np.array([1.0]), "x**2": np.array([3.0])}
    np.testing.assert_array_equal(Formula("`class` + `x**2`").compute(values), [4.0])
    np.testing.assert_array_equal(Formula("class + 1").compute(values), [2.0])
