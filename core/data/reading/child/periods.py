"""Periods of pandas in Parquet files, which hold their numbers since 1970; runs in the child process only."""

import json
from typing import Any, Final

import numpy as np
import pyarrow as pa

_NAME: Final = b"pandas.period"
# What one period is to numpy, and how many of them it is.
_UNITS: Final = {
    "Y-DEC": ("M", 12), "A-DEC": ("M", 12), "Q-DEC": ("M", 3), "M": ("M", 1), "D": ("D", 1), "h": ("h", 1),
    "H": ("h", 1), "min": ("m", 1), "T": ("m", 1), "s": ("s", 1), "S": ("s", 1),
}  # fmt: skip


def period_of(field: Any) -> str | None:
    """Return the frequency of a column of periods; None for other columns."""
    if isinstance(field.type, pa.BaseExtensionType):  # where pandas is loaded
        is_period = field.type.extension_name.encode() == _NAME
        return str(field.type.freq) if is_period else None
    known = field.metadata or {}
    if known.get(b"ARROW:extension:name") != _NAME:
        return None
    return str(json.loads(known.get(b"ARROW:extension:metadata") or b"{}").get("freq", ""))


def is_dated(frequency: str | None) -> bool:
    """Whether the begin of such periods is known here; weeks and business years are not."""
    return frequency in _UNITS


def first_moments(column: Any, frequency: str) -> Any:
    """Return when each period begins, as timestamps in microseconds."""
    unit, count = _UNITS[frequency]
    column = getattr(column, "storage", column)
    numbers = np.asarray(column.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False))
    moments = (numbers * count).astype(f"datetime64[{unit}]").astype("datetime64[us]")
    return pa.array(moments, pa.timestamp("us"), mask=np.asarray(column.is_null()))
