"""Columns of a file by the names that stand in it, where cleaning made several names alike.

Cleaned names that are alike get a number by their place (``Price``, ``Price_2``). Which column a number means is a
matter of the name in the file, not of the place there: a file with the two columns exchanged has the same values.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from core.domain.models import ModelSpec

_NUMBERED = re.compile(r"(.*)_\d+", re.DOTALL)


def own_names(names: Sequence[str], renamed: Sequence[tuple[str, str]], spec: ModelSpec) -> dict[str, str]:
    """Return the columns of a file that the model calls otherwise, although they have its names.

    Parameters
    ----------
    names : sequence of str
        What the file's columns are called.
    renamed : sequence of (str, str)
        Names as they stand in the file, where they had to be changed, and what these columns are called.

    Returns
    -------
    dict of str to str
        What a column of the file is called, and what it is for the model.

    Examples
    --------
    >>> from core.domain.columns import Column, Schema
    >>> columns = Schema((Column("Price", "numeric"), Column("Price_2", "numeric")))
    >>> spec = ModelSpec(task="regression", target="y", target_column=Column("y", "numeric"), features=columns,
    ...     renamed=(("Price ", "Price_2"),))
    >>> sorted(own_names(["Price", "Price_2"], [("Price ", "Price"), ("Price", "Price_2")], spec).items())
    [('Price', 'Price_2'), ('Price_2', 'Price')]
    """
    if spec.renamed is None:
        return {}
    here, there = _originals(names, renamed), _originals(_known(spec), spec.renamed)
    counts = Counter(here.values())
    by_original = {original: name for name, original in here.items() if counts[original] == 1}
    repeated = {original for original, count in Counter(there.values()).items() if count > 1}
    found = {}
    for ours, original in there.items():
        theirs = by_original.get(original)
        if theirs is not None and theirs != ours and original not in repeated:
            found[theirs] = ours
    return _as_permutation(found, here)


def unsure_names(names: Sequence[str], renamed: Sequence[tuple[str, str]], spec: ModelSpec) -> list[str]:
    """Say which columns are taken by their place, because neither file nor training data has names to tell them by.

    Parameters
    ----------
    names, renamed
        As `own_names` has them, after what it found was renamed.
    """
    here, there = _originals(names, renamed), _originals(_known(spec), spec.renamed or ())
    numbered = [name for name in there if name in here and here[name] != name and _is_numbered(name, here[name])]
    return [
        f"“{name}” is {here[name]!r} in the file and was {there[name]!r} in the training data: it is taken by "
        "its place among the columns of such a name."
        for name in numbered
        if spec.renamed is not None and here[name] != there[name]
    ]


def _known(spec: ModelSpec) -> list[str]:
    return [
        name
        for name in dict.fromkeys((*spec.needed.names, spec.target, spec.id_column, spec.weights_column))
        if name is not None
    ]


def _originals(names: Sequence[str], renamed: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Return the name in the file of each column."""
    changed = {new: old for old, new in renamed}
    return {name: changed.get(name, name) for name in names}


def _as_permutation(found: Mapping[str, str], here: Mapping[str, str]) -> dict[str, str]:
    """Leave out what would give two columns one name; a column that had its number by place takes the free one."""
    moves = dict(found)
    while True:
        kept = set(moves)
        taken = {new: old for old, new in moves.items() if new in here and new not in kept}
        if not taken:
            return moves
        for new, old in taken.items():
            free = old
            while free in moves.values():  # the end of the chain is the name that nobody has
                free = next(theirs for theirs, ours in moves.items() if ours == free)
            if here[new] != new:
                moves[new] = free
            else:
                del moves[old]
                break


def _is_numbered(name: str, original: str) -> bool:
    """Return whether a name got its number when it was cleaned."""
    own = _NUMBERED.fullmatch(name)
    return own is not None and not original.strip().endswith(name[len(own[1]) :])
