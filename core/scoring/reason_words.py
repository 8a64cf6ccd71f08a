"""Reasons per row in words: which features moved a prediction most, and by how much. Pure arithmetic and text."""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from core.data.tables.schema import as_category
from core.explain.points import Points
from core.metrics.ranking import FloatArray, IntArray

MAX_REASONS: Final = 10
_VALUE_CHARS = 40
_HARDLY = 0.0005  # half of what "0.1 points" is


def reason_table(points: Points, typed: pa.Table, n_reasons: int, *, is_probability: bool) -> pa.Table:
    """Write the features that moved each row most as sentences.

    Parameters
    ----------
    is_probability : bool
        Whether points are shares of 1, to be told as percentage points.

    Returns
    -------
    Table of shape (n_rows, n_reasons)
        ``reason_1`` …, such as ``Vehicle_Damage = Yes raised it by 12 points``; null where nothing more moved the row.
    """
    n_reasons = min(n_reasons, len(points.features))
    order = points.order()[:, :n_reasons]
    shown = {name: _shown(typed[name]) for name in points.features if name in typed.column_names}
    unit = _share_words if is_probability else _number_words
    columns = {}
    for place in range(n_reasons):
        chosen = order[:, place]
        moved = np.take_along_axis(points.values, chosen[:, None], axis=1)[:, 0]
        least = _HARDLY if is_probability and points.has_unit else 0.0
        effect = _effects(moved, unit if points.has_unit else None)
        texts = _sentences(chosen, points.features, shown, effect)
        columns[f"reason_{place + 1}"] = pc.if_else(
            pa.array(np.abs(moved) > least), texts, pa.scalar(None, pa.string())
        )
    return pa.table(columns)


def _sentences(chosen: IntArray, features: Sequence[str], shown: dict[str, pa.Array], effect: pa.Array) -> pa.Array:
    """Join feature, value and effect; the rows of one feature are written together."""
    order = np.argsort(chosen, kind="stable")
    borders = np.searchsorted(chosen[order], np.arange(len(features) + 1))
    parts = []
    for place, name in enumerate(features):
        rows = pa.array(order[borders[place] : borders[place + 1]])
        if len(rows):
            values = shown[name].take(rows) if name in shown else pa.array(["?"] * len(rows))
            parts.append(pc.binary_join_element_wise(f"{name} = ", values, effect.take(rows), ""))
    back = np.empty(len(order), dtype=np.int64)
    back[order] = np.arange(len(order))
    return pa.concat_arrays(parts).take(pa.array(back)) if parts else pa.array([], pa.string())


def _effects(moved: FloatArray, unit: Callable[[float], str] | None) -> pa.Array:
    """Say `` raised it by 12 points`` for each row; each distinct amount is written once."""
    if unit is None:
        return pc.if_else(pa.array(moved > 0), " raised it", " lowered it")
    with np.errstate(divide="ignore"):
        digits = 2 - np.floor(np.log10(np.maximum(np.abs(moved), 1e-300)))
    rounded = np.round(moved * 10.0**digits) / 10.0**digits  # three digits: that many the words have
    amounts, places = np.unique(rounded, return_inverse=True)
    words = [f" {'raised' if amount > 0 else 'lowered'} it by {unit(abs(amount))}" for amount in amounts.tolist()]
    return pa.array(words, pa.string()).take(pa.array(places))


def _share_words(amount: float) -> str:
    points = 100 * amount
    text = f"{points:.0f}" if points >= 1 else f"{points:.1f}"
    return "1 point" if text == "1" else f"{text} points"


def _number_words(amount: float) -> str:
    return f"{amount:,.0f}" if amount >= 1000 else f"{amount:.3g}"


def _shown(values: pa.ChunkedArray) -> pa.Array:
    """Return values as people write them; a gap is called missing."""
    if pa.types.is_timestamp(values.type):
        text = pc.strftime(values, format="%Y-%m-%d")
    elif pa.types.is_floating(values.type):
        text = pc.cast(pc.round(values, ndigits=4), pa.string())
        text = pc.replace_substring_regex(text, r"\.0$", "")
    else:
        text = as_category(values)
    known = pc.fill_null(pc.utf8_slice_codeunits(text, 0, _VALUE_CHARS), "missing")
    return known.combine_chunks() if isinstance(known, pa.ChunkedArray) else known
