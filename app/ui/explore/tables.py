"""The tables of the Explore page, and numbers of a column in words."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import pandas as pd
import streamlit as st

from core.data.drift.compare import Drift
from core.data.profiling.profile import ColumnProfile, Profile
from core.wording import number_text

_BARS = 16  # a sparkline of more bars than this is a smear
_NAME_PX, _NAME_CHARS = 180, 30
_QUANTILE_NAMES = ("Smallest", "5%", "25%", "Median", "75%", "95%", "Largest")
SIZES: Mapping[str, str] = {"stable": "Stable", "moderate": "Moderate", "large": "Large"}

ALERT_NAMES: Mapping[str, str] = {
    "leakage": "Gives the target away",
    "known_at_prediction": "Known in time?",
    "missing": "Missing values",
    "constant": "Constant",
    "imbalance": "Imbalance",
    "id_like": "Id-like",
    "nearly_unique": "Nearly unique text",
    "high_cardinality": "Many levels",
    "rare_levels": "Rare levels",
    "number_as_text": "Numbers as text",
    "date_as_text": "Dates as text",
    "mixed_types": "Mixed types",
    "codes": "Codes as numbers",
    "outliers": "Outliers",
    "skewed": "Skewed",
    "duplicate_columns": "Repeated column",
    "duplicate_rows": "Repeated rows",
}


def column_table(
    profile: Profile, ranking: Mapping[str, float], search: str = "", drift: Drift | None = None
) -> pd.DataFrame:
    """Return one row per column whose name holds the search text.

    Parameters
    ----------
    profile : Profile
        Of all rows.
    ranking : mapping of str to float
        How strongly each column is related to the target; orders the table where there is one.
    search : str
        Part of a name, in any case.
    drift : Drift, optional
        How far a slice is from all rows; orders the table.
    """
    words = search.strip().casefold()
    found = [column for column in profile.columns if words in column.name.casefold()]
    shifts = {column.name: column.psi for column in drift.columns} if drift else {}
    order = shifts or ranking
    if order:
        found.sort(key=lambda column: -order.get(column.name, -1.0))
    told: dict[str, list[str]] = {}
    for alert in profile.alerts:
        if alert.column:
            told.setdefault(alert.column, []).append(ALERT_NAMES.get(alert.code, alert.code))
    rows = [
        {
            "column": column.name,
            "shift": shifts.get(column.name),
            "strength": ranking.get(column.name),
            "type": column.type,
            "missing": column.missing_share * 100,
            "shape": small_bars(column),
            "unique": column.unique,
            "typical": typical_value(column),
            "alerts": list(dict.fromkeys(told.get(column.name, []))),
        }
        for column in found
    ]
    names = ["column", "shift", "strength", "type", "missing", "shape", "unique", "typical", "alerts"]
    has_missing = any(column.missing_share for column in profile.columns)
    left_out = {"shift": not shifts, "strength": not ranking, "missing": not has_missing}
    return pd.DataFrame(rows, columns=[name for name in names if not left_out.get(name)])


def column_columns(ranking: Mapping[str, float]) -> dict[str, Any]:
    """Return how the columns of `column_table` look."""
    return {
        "shift": st.column_config.NumberColumn(
            "Shift", format="%.2f", width=70, help="How far the slice is from all rows: the population stability index."
        ),
        "strength": st.column_config.ProgressColumn(
            "Explains",
            format="percent",
            min_value=0,
            max_value=1,
            width=88,
            help="Share of the target's uncertainty that this column removes by itself.",
        ),
        "type": st.column_config.TextColumn("Type", width=66),
        "missing": st.column_config.NumberColumn("Missing", format="%.1f%%", width=66),
        "shape": st.column_config.BarChartColumn("Distribution", y_min=0, width=80),
        "unique": st.column_config.NumberColumn("Distinct", format="localized", width=64),
        "typical": st.column_config.TextColumn(
            "Typical", help="The median, the most frequent level, or the first text.", width=110
        ),
        "alerts": st.column_config.ListColumn("Alerts", width=180),
    }


def name_column(names: Iterable[str]) -> Any:
    """Return how the column of names looks: one very long name does not push all others out of the table."""
    longest = max(map(len, names), default=0)
    return st.column_config.TextColumn("Column", pinned=True, width=_NAME_PX if longest > _NAME_CHARS else None)


def small_bars(column: ColumnProfile) -> list[int]:
    """Return the distribution as a few counts: neighbouring bins together, or the most frequent levels."""
    histogram = column.histogram or (column.lengths if column.type == "text" else None)
    if histogram is None:
        return [rows for _, rows in column.levels[:_BARS]]
    step = -(-len(histogram.counts) // _BARS)
    return [sum(histogram.counts[start : start + step]) for start in range(0, len(histogram.counts), step)]


def typical_value(column: ColumnProfile) -> str | None:
    """Return the median, the most frequent level or the first text, whichever the type has; an id has none."""
    if column.type == "id":
        return None
    if column.quantiles:
        return value_text(column, column.quantiles[len(column.quantiles) // 2])
    if column.levels:
        return column.levels[0][0]
    return column.examples[0] if column.examples else ""


def value_text(column: ColumnProfile, value: float) -> str:
    """Return a number of a numeric or date column in words."""
    if column.type == "date":
        moment = datetime.fromtimestamp(value / 1000, UTC)
        return moment.strftime("%Y-%m-%d" if (moment.hour, moment.minute) == (0, 0) else "%Y-%m-%d %H:%M")
    return number_text(value, 5)


def facts_table(column: ColumnProfile) -> pd.DataFrame:
    """Return quantiles, mean and spread of numbers and dates, or the levels of a category with rows and shares."""
    if column.quantiles:
        rows = [
            (name, value_text(column, value)) for name, value in zip(_QUANTILE_NAMES, column.quantiles, strict=True)
        ]
        others = (("Mean", column.mean), ("Standard deviation", column.sd), ("Skewness", column.skewness))
        rows += [(name, number_text(value, 5)) for name, value in others if value is not None]
        return pd.DataFrame(rows, columns=["measure", "value"])
    share = 100 / max(column.rows, 1)
    levels = [(level, rows, rows * share) for level, rows in column.levels]
    return pd.DataFrame(levels, columns=["level", "rows", "share"])


FACT_COLUMNS = {
    "measure": st.column_config.TextColumn(""),
    "value": st.column_config.TextColumn("Value", alignment="right"),
    "level": st.column_config.TextColumn("Level"),
    "rows": st.column_config.NumberColumn("Rows", format="localized"),
    "share": st.column_config.ProgressColumn("Share of rows", format="%.1f%%", min_value=0, max_value=100),
}


def target_table(ranking: Mapping[str, float], scores: Mapping[str, float], measure: str) -> pd.DataFrame:
    """Return the features by how strongly they are related to the target, and how well each alone predicts it."""
    rows = [(name, strength, scores.get(name)) for name, strength in ranking.items()]
    return pd.DataFrame(rows, columns=["column", "strength", measure])


def drift_table(drift: Drift) -> pd.DataFrame:
    """Return one row per column that two tables share, the one that moved most first."""
    rows = [
        {
            "column": column.name,
            "change": [SIZES[column.size]],
            "psi": column.psi,
            "ks": column.ks,
            "missing_was": _missing((one.was for one in column.bins if one.kind == "missing"), column.rows_was),
            "missing_now": _missing((one.now for one in column.bins if one.kind == "missing"), column.rows_now),
            "new": column.n_new_levels if column.type == "category" else None,
            "lost": column.n_lost_levels if column.type == "category" else None,
        }
        for column in drift.columns
    ]
    names = ["column", "change", "psi", "ks", "missing_was", "missing_now", "new", "lost"]
    return pd.DataFrame(rows, columns=names)


def _missing(gaps: Iterable[int], rows: int) -> float:
    return 100 * sum(gaps) / max(rows, 1)


DRIFT_COLUMNS = {
    "column": st.column_config.TextColumn("Column", pinned=True),
    "change": st.column_config.MultiselectColumn(
        "Change", options=list(SIZES.values()), color=["green", "orange", "red"], width=100
    ),
    "psi": st.column_config.NumberColumn(
        "PSI", format="%.3f", width=70, help="Population stability index: under 0.1 stable, over 0.25 a large change."
    ),
    "ks": st.column_config.NumberColumn(
        "KS", format="%.3f", width=70, help="Largest distance between the two cumulative distributions, 0 to 1."
    ),
    "missing_was": st.column_config.NumberColumn("Missing before", format="%.1f%%", width=120),
    "missing_now": st.column_config.NumberColumn("Missing now", format="%.1f%%", width=110),
    "new": st.column_config.NumberColumn("New levels", width=90),
    "lost": st.column_config.NumberColumn("Lost levels", width=90),
}
