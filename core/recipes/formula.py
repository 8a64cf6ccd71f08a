"""A formula over columns: read with `ast`, checked against a list of what is allowed, computed with numpy.

Nothing is ever handed to `eval`: names are replaced by numbered placeholders before Python's parser sees the text, and
every node that is not on the list is refused.
"""

import ast
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from core.errors import RecipeError
from core.recipes.step import FloatArray

MAX_CHARS: Final = 500
MAX_DEPTH: Final = 50
EXAMPLE: Final = "`Annual Premium` / max(Age, 1)"

_TOKEN = re.compile(r"`([^`]*)`|((?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|([^\W\d]\w*)(\s*\()?|(\s+)|(.)", re.DOTALL)
_SIGNS: Final = frozenset("+-*/(),")
_BINARY: Final[Mapping[type[ast.operator], Callable[[FloatArray, FloatArray], FloatArray]]] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.divide,
    ast.Pow: np.power,
}
_UNARY: Final[Mapping[type[ast.unaryop], Callable[[FloatArray], FloatArray]]] = {
    ast.USub: np.negative,
    ast.UAdd: np.positive,
}
_OF_ONE: Final[Mapping[str, Callable[[FloatArray], FloatArray]]] = {
    "abs": np.abs,
    "sqrt": np.sqrt,
    "log": np.log,
    "log1p": np.log1p,
}
_OF_SEVERAL: Final[Mapping[str, Callable[[FloatArray, FloatArray], FloatArray]]] = {
    "min": np.minimum,
    "max": np.maximum,
}
FUNCTIONS: Final = (*_OF_ONE, *_OF_SEVERAL)


@dataclass(frozen=True)
class Formula:
    """A checked formula.

    Parameters
    ----------
    text : str
        Numbers, column names (in backticks unless they are single words), ``+ - * / **``, parentheses and the functions
        of `FUNCTIONS`.
    """

    text: str

    @cached_property
    def _parsed(self) -> tuple[ast.expr, tuple[str, ...]]:
        if len(self.text) > MAX_CHARS:
            raise _refused(f"it is longer than {MAX_CHARS} characters")
        plain, names = _replace_names(self.text)
        try:
            node = ast.parse(plain.strip(), mode="eval").body
        except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
            raise _refused("it cannot be read") from error
        _check(node)
        return node, names

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns it reads, in the order they appear.

        Raises
        ------
        RecipeError
            If the formula is not allowed; the message says why.

        Examples
        --------
        >>> Formula("`Annual Premium` / (Age + 1)").columns
        ('Annual Premium', 'Age')
        """
        return self._parsed[1]

    def compute(self, numbers: Mapping[str, FloatArray]) -> FloatArray:
        """Return the value of each row; NaN or infinite where it has none, such as after a division by zero.

        Parameters
        ----------
        numbers : mapping of str to ndarray of float64, shape (n_rows,)
            The columns of `columns`; NaN where missing.
        """
        node, names = self._parsed
        with np.errstate(all="ignore"):
            return _compute(node, [numbers[name] for name in names])


def _replace_names(text: str) -> tuple[str, tuple[str, ...]]:
    """Put placeholders where columns are named; functions are names that are called."""
    pieces: list[str] = []
    places: dict[str, int] = {}
    for quoted, number, name, call, space, other in _TOKEN.findall(text):
        if name and call:
            if name not in FUNCTIONS:
                raise _refused(f"there is no function {name!r}", hint=f"There are {', '.join(FUNCTIONS)}.")
            pieces.append(f"{name}(")
        elif number:
            pieces.append(f" {number} ")
        elif quoted or name:
            pieces.append(f" c{places.setdefault(quoted or name, len(places))} ")
        elif space:
            pieces.append(" ")
        elif other in _SIGNS:
            pieces.append(other)
        else:
            raise _refused(f"{other or '``'!r} is not allowed")
    if not places:
        raise _refused("it does not name a column")
    return "".join(pieces), tuple(places)


def _check(root: ast.expr) -> None:
    """Refuse every node that is not on the lists above."""
    waiting: list[tuple[ast.expr, int]] = [(root, 1)]
    while waiting:
        node, depth = waiting.pop()
        if depth > MAX_DEPTH:
            raise _refused("it is nested too deeply")
        waiting += [(inner, depth + 1) for inner in _parts(node)]


def _parts(node: ast.expr) -> list[ast.expr]:
    match node:
        case ast.Name():
            return []
        case ast.Constant(value=int() | float()) if not isinstance(node.value, bool):
            return []
        case ast.BinOp() if type(node.op) in _BINARY:
            return [node.left, node.right]
        case ast.UnaryOp() if type(node.op) in _UNARY:
            return [node.operand]
        case ast.Call(func=ast.Name(id=name), keywords=[]) if name in FUNCTIONS:
            if name in _OF_ONE and len(node.args) != 1:
                raise _refused(f"{name} takes one value")
            if name in _OF_SEVERAL and len(node.args) < 2:
                raise _refused(f"{name} takes two values or more")
            return node.args
    raise _refused("it contains something that is not allowed")


def _compute(node: ast.expr, columns: list[FloatArray]) -> FloatArray:
    match node:
        case ast.Name():
            return columns[int(node.id[1:])]
        case ast.Constant():
            # By its text: a whole number of hundreds of digits is infinite then, and no error.
            return np.full(1, float(str(node.value)), dtype=np.float64)
        case ast.BinOp():
            return _BINARY[type(node.op)](_compute(node.left, columns), _compute(node.right, columns))
        case ast.UnaryOp():
            return _UNARY[type(node.op)](_compute(node.operand, columns))
        case ast.Call(func=ast.Name(id=name)) if name in _OF_ONE:
            return _OF_ONE[name](_compute(node.args[0], columns))
        case ast.Call(func=ast.Name(id=name)):
            first, *others = (_compute(arg, columns) for arg in node.args)
            for other in others:
                first = _OF_SEVERAL[name](first, other)
            return first
    raise _refused("it contains something that is not allowed")


def _refused(why: str, *, hint: str | None = None) -> RecipeError:
    return RecipeError(
        f"the formula cannot be used: {why}",
        hint=hint or f"Write something like {EXAMPLE}; put names with spaces or signs in backticks.",
        code="recipe.formula",
    )
