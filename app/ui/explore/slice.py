"""The slice bar of the Explore page: filters as chips, and the ways to add one."""

from collections.abc import Sequence

import numpy as np
import streamlit as st

from app.ui.widgets import row_filter
from core.data.profiling.profile import ColumnProfile, Profile
from core.data.profiling.slices import Filter
from core.domain.columns import FEATURE_TYPES, Schema
from core.domain.datasets import Dataset
from core.wording import percent_text


def bar(dataset: Dataset, profile: Profile) -> None:
    """Draw the filters, each with a click to remove it, and a form for another one."""
    names = [column.name for column in profile.columns if column.type in FEATURE_TYPES and column.unique]
    row_filter.bar("explore", dataset.id, dataset.schema, names, lambda name: _known(profile[name]))


def count_note(n_inside: int, n_rows: int) -> None:
    """Say how many rows the slice has."""
    share = n_inside / max(n_rows, 1)
    st.caption(
        f"**{n_inside:,}** of {n_rows:,} rows ({percent_text(share, 1)}). Every figure below shows this slice against"
        " all rows; the alerts refer to all rows."
    )


def _known(column: ColumnProfile) -> row_filter.Known:
    ends = (column.quantiles[0], column.quantiles[-1]) if column.quantiles else None
    levels = dict(column.levels[: row_filter.MAX_LEVELS])
    return row_filter.Known(column.name, column.type, column.missing, levels, column.unique, ends, column.integer)


def filter_of_bars(column: ColumnProfile, places: Sequence[int], schema: Schema) -> Filter | None:
    """Return the filter that keeps the bars that were clicked.

    Parameters
    ----------
    column : ColumnProfile
        Whose histogram or levels were drawn.
    places : sequence of int
        The bars, counted from 0; those past the levels are the rest and missing values.
    schema : Schema
        Of the dataset.
    """
    if column.name not in schema or not places:
        return None
    if column.histogram is not None:
        edges, last = column.histogram.edges, len(column.histogram.counts) - 1
        first, end = min(places), min(max(places), last)
        high = edges[end + 1] if end == last else float(np.nextafter(edges[end + 1], -np.inf))
        return Filter(column=column.name, low=edges[first], high=high)
    levels = tuple(column.levels[place][0] for place in places if place < len(column.levels))
    rest = len(column.levels) + bool(column.other_rows)
    missing = bool(column.missing) and any(place == rest for place in places)
    return Filter(column=column.name, levels=levels, missing=missing) if levels or missing else None
