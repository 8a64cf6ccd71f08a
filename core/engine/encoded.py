"""From the engine's encoded columns back to the columns people know."""

from collections.abc import Iterable, Mapping

import pyarrow as pa
import pyarrow.compute as pc

from core.domain.aliases import plain_name

BIAS = "BiasTerm"
_MISSING_LEVELS = ("missing(NA)", "NA")


def fold(pairs: Iterable[tuple[str, float]], features: Mapping[str, tuple[str, ...]]) -> tuple[tuple[str, float], ...]:
    """Sum the importances of one-hot columns per feature and scale them so that the largest is 1.

    Parameters
    ----------
    pairs : iterable of (str, float)
        Column and importance as the engine gives them: ``column`` or ``column.level``.
    features : mapping of str to tuple of str
        The model's features with their levels.

    Returns
    -------
    tuple of (str, float)
        People's names, the largest first; empty when there is nothing.

    Examples
    --------
    >>> fold([("age", 2.0), ("size.S", 1.0), ("size.L", 3.0)], {"age": (), "size": ("L", "S")})
    (('size', 1.0), ('age', 0.5))
    """
    return summed((plain_name(feature_of(name, features)), value) for name, value in pairs)


def summed(pairs: Iterable[tuple[str, float]]) -> tuple[tuple[str, float], ...]:
    """Sum importances by name and scale them so that the largest is 1, the largest first.

    Examples
    --------
    >>> summed([("age", 2.0), ("size", 1.0), ("size", 3.0)])
    (('size', 1.0), ('age', 0.5))
    """
    sums: dict[str, float] = {}
    for name, value in pairs:
        sums[name] = sums.get(name, 0.0) + max(float(value), 0.0)
    largest = max(sums.values(), default=0.0) or 1.0
    return tuple(sorted(((name, value / largest) for name, value in sums.items()), key=lambda pair: -pair[1]))


def feature_of(name: str, features: Mapping[str, tuple[str, ...]]) -> str:
    """Return the feature that an encoded column belongs to; the name itself when there is none.

    A feature may hold dots, and so may a level: the longest feature that fits wins, one whose level is known first.
    """
    if name in features:
        return name
    fitting = [feature for feature in features if name.startswith(feature + ".")]
    known = [f for f in fitting if name[len(f) + 1 :] in (*features[f], *_MISSING_LEVELS)]
    return max(known or fitting, key=len, default=name)


def fold_contributions(found: pa.Table, features: Mapping[str, tuple[str, ...]]) -> pa.Table:
    """Sum contributions per feature; the engine's features in the model's order, then ``BiasTerm``.

    `split_bias` reads it. A feature that the model dropped (a constant one) has contributions of 0.
    """
    sums: dict[str, pa.ChunkedArray] = {}
    for name, values in zip(found.column_names, found.columns, strict=True):
        target = BIAS if name == BIAS else feature_of(name, features)
        sums[target] = values if target not in sums else pc.add(sums[target], values)
    zeros = pa.array([0.0] * found.num_rows, pa.float64())
    return pa.table({name: sums.get(name, zeros) for name in (*features, BIAS)})


def split_bias(contributions: pa.Table) -> tuple[dict[str, pa.ChunkedArray], pa.ChunkedArray]:
    """Return the contributions by people's names of the features, one of which may be ``BiasTerm``, and the bias."""
    found = dict(zip(contributions.column_names, contributions.columns, strict=True))
    bias = found.pop(BIAS)
    return {plain_name(name): values for name, values in found.items()}, bias
