"""What the Explore page shows of a dataset: profile, relations and their tables, computed once and kept beside it."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st

from core.profile import Profile, profile_table
from core.relations import Relation, rank_relations, relation_to_target
from core.types import Dataset

if TYPE_CHECKING:
    from core.datasets import Datasets
    from core.profile import ColumnProfile

_BARS = 16  # a sparkline of more bars than this is a smear
_QUANTILE_NAMES = ("Smallest", "5 %", "25 %", "Median", "75 %", "95 %", "Largest")


def get_profile(datasets: "Datasets", dataset: Dataset, target: str | None) -> Profile:
    """Return the profile of a dataset, whose alerts look at the target.

    Raises
    ------
    DatasetNotFoundError, StoreError
        As `core.datasets.Datasets.typed`.
    """

    def make() -> dict[str, Any]:
        return profile_table(datasets.typed(dataset.id), dataset.schema, target=target).to_dict()

    key = "profile" if target is None else f"profile {target}"
    return Profile.from_dict(datasets.cached_json(dataset.id, key, make))


def get_ranking(datasets: "Datasets", dataset: Dataset, target: str) -> dict[str, float]:
    """Return how strongly each column goes with the target, strongest first.

    Raises
    ------
    DataError
        If the target is text, an id or a date.
    """

    def make() -> dict[str, Any]:
        return {"ranked": rank_relations(datasets.typed(dataset.id), dataset.schema, target)}

    return dict(datasets.cached_json(dataset.id, f"ranking {target}", make)["ranked"])


def get_relation(datasets: "Datasets", dataset: Dataset, column: str, target: str) -> Relation:
    """Return how the target varies over a column.

    Raises
    ------
    DataError
        If the two cannot be related; the message says why.
    """

    def make() -> dict[str, Any]:
        typed = datasets.typed(dataset.id, [column, target])
        return relation_to_target(typed, dataset.schema, column, target).to_dict()

    return Relation.from_dict(datasets.cached_json(dataset.id, f"relation {target} by {column}", make))


def column_table(profile: Profile, ranking: dict[str, float], search: str = "") -> pd.DataFrame:
    """Return one row per column whose name holds the search text; by strength when there is a ranking."""
    words = search.strip().casefold()
    found = [column for column in profile.columns if words in column.name.casefold()]
    if ranking:
        found.sort(key=lambda column: -ranking.get(column.name, -1.0))
    rows = [
        {
            "column": column.name,
            "strength": ranking.get(column.name),
            "type": column.type,
            "missing": column.missing_share * 100,
            "shape": small_bars(column),
            "unique": column.unique,
            "typical": typical_value(column),
        }
        for column in found
    ]
    names = ["column", "strength", "type", "missing", "shape", "unique", "typical"]
    return pd.DataFrame(rows, columns=names if ranking else [name for name in names if name != "strength"])


COLUMN_COLUMNS = {
    "column": st.column_config.TextColumn("Column", pinned=True),
    "strength": st.column_config.ProgressColumn(
        "With target",
        format="%.3f",
        min_value=0,
        max_value=1,
        width=105,
        help="Share of the target's uncertainty that this column removes by itself, from 0 to 1.",
    ),
    "type": st.column_config.TextColumn("Type", width=80),
    "missing": st.column_config.ProgressColumn("Missing", format="%.1f %%", min_value=0, max_value=100, width=105),
    "shape": st.column_config.BarChartColumn("Distribution", y_min=0, width=95),
    "unique": st.column_config.NumberColumn("Distinct", format="localized", width=80),
    "typical": st.column_config.TextColumn("Typical", help="The median, or the most frequent level.", width=110),
}


def small_bars(column: "ColumnProfile") -> list[int]:
    """Return the distribution as a few counts: neighbouring bins together, or the most frequent levels."""
    if column.histogram is None:
        return [rows for _, rows in column.levels[:_BARS]]
    counts = column.histogram.counts
    step = -(-len(counts) // _BARS)
    return [sum(counts[start : start + step]) for start in range(0, len(counts), step)]


def typical_value(column: "ColumnProfile") -> str:
    """Return the median, the most frequent level or the first value, whichever the type has."""
    if column.quantiles:
        return number_text(column, column.quantiles[len(column.quantiles) // 2])
    if column.levels:
        return column.levels[0][0]
    return column.examples[0] if column.examples else ""


def number_text(column: "ColumnProfile", value: float) -> str:
    """Return a number of a numeric or date column in words."""
    if column.type == "date":
        moment = datetime.fromtimestamp(value / 1000, UTC)
        return moment.strftime("%Y-%m-%d" if (moment.hour, moment.minute) == (0, 0) else "%Y-%m-%d %H:%M")
    return f"{value:,.0f}" if column.integer and value == int(value) else f"{value:,.5g}"


def facts_table(column: "ColumnProfile") -> pd.DataFrame:
    """Return quantiles, mean and spread of numbers and dates, or the levels of a category with rows and shares."""
    if column.quantiles:
        rows = [
            (name, number_text(column, value)) for name, value in zip(_QUANTILE_NAMES, column.quantiles, strict=True)
        ]
        if column.mean is not None:
            rows.append(("Mean", f"{column.mean:,.5g}"))
        if column.sd is not None:
            rows.append(("Standard deviation", f"{column.sd:,.5g}"))
        return pd.DataFrame(rows, columns=["measure", "value"])
    share = 100 / max(column.rows, 1)
    levels = [(level, rows, rows * share) for level, rows in column.levels]
    return pd.DataFrame(levels, columns=["level", "rows", "share"])


FACT_COLUMNS = {
    "measure": st.column_config.TextColumn(""),
    "value": st.column_config.TextColumn("Value", alignment="right"),
    "level": st.column_config.TextColumn("Level"),
    "rows": st.column_config.NumberColumn("Rows", format="localized"),
    "share": st.column_config.ProgressColumn("Share of rows", format="%.1f %%", min_value=0, max_value=100),
}
