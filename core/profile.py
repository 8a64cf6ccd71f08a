"""Profiles: what every column of a table holds, as plain numbers, and the first alerts.

Figures are drawn from these dataclasses by `core.charts`; nothing here draws.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

import pyarrow as pa

from core._column_profile import QUANTILES, ColumnProfile, Histogram, profile_column
from core.alerts import Alert, find_alerts
from core.relations import Relation, RelationBin, rank_relations, relation_to_target
from core.types import Schema

__all__ = [
    "QUANTILES",
    "Alert",
    "ColumnProfile",
    "Histogram",
    "Profile",
    "Relation",
    "RelationBin",
    "profile_table",
    "rank_relations",
    "relation_to_target",
]


@dataclass(frozen=True)
class Profile:
    """A table in numbers; alerts come worst first."""

    rows: int
    columns: tuple[ColumnProfile, ...]
    alerts: tuple[Alert, ...]

    def __getitem__(self, name: str) -> ColumnProfile:
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON data; `from_dict` reads it back."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read what `to_dict` wrote."""
        columns = tuple(ColumnProfile.from_dict(item) for item in data["columns"])
        return cls(data["rows"], columns, tuple(Alert(**item) for item in data["alerts"]))


def profile_table(typed: pa.Table, schema: Schema, *, target: str | None = None) -> Profile:
    """Describe every column and look for what a person should know.

    Parameters
    ----------
    typed : Table of shape (n_rows, n_columns)
        From `core.schema.apply_schema`.
    schema : Schema
        Its columns.
    target : str, optional
        The column to be predicted: its imbalance and its missing values matter more.

    Returns
    -------
    Profile
        Exact numbers over all rows.

    Notes
    -----
    About 0.6 s for 267,416 rows of 12 columns.
    """
    columns = tuple(profile_column(typed[column.name], column) for column in schema.columns)
    return Profile(len(typed), columns, find_alerts(typed, schema, columns, target))
