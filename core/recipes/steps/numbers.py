"""Steps on numbers: bounds, ranges, scales."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, ClassVar, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from core.domain.columns import Column, Schema
from core.errors import RecipeError
from core.recipes import fields as read
from core.recipes.fields import json_field
from core.recipes.step import (
    Columns,
    Learned,
    Links,
    Show,
    Step,
    check_free,
    from_numbers,
    is_whole_number,
    known_numbers,
    listed,
    need,
    nothing_known,
    put,
    to_numbers,
)
from core.wording import cut_text, number_text

MAX_BINS = 100


@dataclass(frozen=True, kw_only=True)
class Clip(Step):
    """Move numbers beyond a bound to the bound; a bound is a number or a quantile of the training rows."""

    kind: ClassVar[str] = "clip"
    title: ClassVar[str] = "Limit outliers"
    column: str = json_field(read.text)
    low: float | None = json_field(read.optional(read.number), default=None)
    high: float | None = json_field(read.optional(read.number), default=None)
    low_quantile: float | None = json_field(read.optional(read.share), default=None)
    high_quantile: float | None = json_field(read.optional(read.share), default=None)

    def check(self) -> None:
        bounds = (self.low, self.high, self.low_quantile, self.high_quantile)
        twice = None not in (self.low, self.low_quantile) or None not in (self.high, self.high_quantile)
        if all(bound is None for bound in bounds) or twice:
            raise RecipeError(
                "each side takes a number or a quantile, and one side needs a bound",
                hint="Give a low and a high number, or a low and a high quantile.",
                code="recipe.bounds",
            )
        for low, high in ((self.low, self.high), (self.low_quantile, self.high_quantile)):
            if low is not None and high is not None and low > high:
                raise RecipeError("the low bound is above the high one", hint="Swap them.", code="recipe.bounds")

    def reads(self) -> tuple[str, ...]:
        return (self.column,)

    def learn(self, columns: Columns, schema: Schema) -> Learned:
        need(schema, (self.column,), ("numeric",))
        bounds: list[float | None] = [self.low, self.high]
        for side, q in enumerate((self.low_quantile, self.high_quantile)):
            if q is not None:
                known = known_numbers(columns[self.column])
                if not len(known):
                    raise nothing_known(self.column, "quantile")
                bounds[side] = plain_number(np.quantile(known, q))
        low, high = bounds
        if low is not None and high is not None and low > high:
            raise RecipeError(
                f"the low bound {number_text(low, 6)} is above the high one, {number_text(high, 6)}",
                hint="Use numbers on both sides, or quantiles on both.",
                code="recipe.bounds",
            )
        return {"low": low, "high": high}

    def output(self, schema: Schema, learned: Learned) -> Schema:
        column = schema[self.column]
        bounds = [bound for bound in (learned["low"], learned["high"]) if bound is not None]
        return schema.with_column(replace(column, integer=column.integer and all(map(is_whole_number, bounds))))

    def links(self, learned: Learned) -> Links:
        return {self.column: (self.column,)}

    def apply(self, columns: Columns, learned: Learned) -> list[str]:
        values = columns[self.column]
        sides = ((learned["low"], pc.max_element_wise), (learned["high"], pc.min_element_wise))
        for bound, limit in sides:
            if bound is not None:
                values = able_to_hold(values, bound)
                values = limit(values, number_scalar(bound, values.type), skip_nulls=False)
        columns[self.column] = values
        return []

    def words(self, learned: Learned | None, show: Show) -> str:
        def side(name: str, q: float | None) -> str | None:
            value = (learned or {}).get(name, getattr(self, name))
            text = None if value is None else number_text(value, 6)
            if q is None:
                return text
            return f"the {q * 100:g}% quantile" + (f" ({text})" if text else "")

        low, high = side("low", self.low_quantile), side("high", self.high_quantile)
        if low and high:
            return f"Cap {show(cut_text(self.column))} at {low} and {high}"
        return f"Cap {show(cut_text(self.column))} at {f'{low} from below' if low else high}"


@dataclass(frozen=True, kw_only=True)
class Bin(Step):
    """Make ranges of numbers: at given cut points, with equally many rows each, or of equal width.

    The outer ranges are open, so that every number of a later file falls into one.
    """

    kind: ClassVar[str] = "bin"
    title: ClassVar[str] = "Make ranges"
    column: str = json_field(read.text)
    method: Literal["edges", "quantiles", "equal_width"] = json_field(read.choice("edges", "quantiles", "equal_width"))
    edges: tuple[float, ...] | None = json_field(read.optional(read.numbers), default=None)
    bins: int | None = json_field(read.optional(read.whole(2, MAX_BINS)), default=None)
    keep: bool = json_field(read.flag, default=False)

    def check(self) -> None:
        by_edges = self.method == "edges"
        if (self.edges is None) == by_edges or (self.bins is None) != by_edges or len(self.edges or ()) >= MAX_BINS:
            raise RecipeError(
                f"the method edges takes up to {MAX_BINS - 1} edges, the others a number of bins",
                hint="Give edges for the method edges, bins for quantiles and equal_width.",
                code="recipe.field",
            )

    def reads(self) -> tuple[str, ...]:
        return (self.column,)

    @property
    def _name(self) -> str:
        return f"{self.column} (range)"

    def learn(self, columns: Columns, schema: Schema) -> Learned:
        need(schema, (self.column,), ("numeric",))
        check_free(schema, (self._name,), gone=() if self.keep else (self.column,))
        if self.edges is not None:
            return {"cuts": [plain_number(edge) for edge in self.edges]}
        known = known_numbers(columns[self.column])
        if not len(known):
            raise nothing_known(self.column, "range")
        inner = np.linspace(0, 1, int(self.bins or 2) + 1)[1:-1]
        low, high = known.min(), known.max()
        cuts = np.quantile(known, inner) if self.method == "quantiles" else low + inner * (high - low)
        # Values that are very frequent take several quantiles; a cut at the smallest value would part off nothing.
        cuts = np.unique(cuts[cuts > low])
        if not len(cuts):
            raise RecipeError(
                f"{self.column!r} has too few different values to make ranges of",
                hint="Give edges, or leave the column as it is.",
                code="recipe.no_ranges",
            )
        return {"cuts": [plain_number(cut) for cut in cuts]}

    def output(self, schema: Schema, learned: Learned) -> Schema:
        return put(schema, self.column, [Column(self._name, "category")], keep=self.keep)

    def links(self, learned: Learned) -> Links:
        return {self._name: (self.column,)}

    def apply(self, columns: Columns, learned: Learned) -> list[str]:
        numbers = to_numbers(columns[self.column] if self.keep else columns.pop(self.column))
        places = np.searchsorted(np.array(learned["cuts"], dtype=np.float64), numbers, side="right")
        labels = pa.array(range_names(learned["cuts"]))
        columns[self._name] = pa.chunked_array([labels.take(pa.array(places, mask=np.isnan(numbers)))])
        return []

    def words(self, learned: Learned | None, show: Show) -> str:
        if self.edges is not None:
            shown = listed([number_text(edge, 6) for edge in self.edges], str)
            return f"Make ranges of {show(cut_text(self.column))}, cut at {shown}"
        n_ranges = len(learned["cuts"]) + 1 if learned else self.bins
        how = "with equally many rows each" if self.method == "quantiles" else "of equal width"
        return f"Make {n_ranges} ranges of {show(cut_text(self.column))} {how}"


@dataclass(frozen=True, kw_only=True)
class MinMax(Step):
    """Scale numbers so that the training rows lie between 0 and 1; a column of one value becomes 0."""

    kind: ClassVar[str] = "min_max"
    title: ClassVar[str] = "Scale to 0 … 1"
    columns: tuple[str, ...] = json_field(read.names)

    _suffix: ClassVar[str] = "min-max"

    def reads(self) -> tuple[str, ...]:
        return self.columns

    def learn(self, columns: Columns, schema: Schema) -> Learned:
        need(schema, self.columns, ("numeric",))
        check_free(schema, map(self._made, self.columns))
        learned = {name: self._measure(name, columns[name]) for name in self.columns}
        for name, measures in learned.items():
            if not np.isfinite(measures).all():
                raise RecipeError(
                    f"the numbers of {name!r} are too far apart to be scaled",
                    hint="Limit its outliers in a step before.",
                    code="recipe.bounds",
                )
        return learned

    def _measure(self, name: str, values: pa.ChunkedArray) -> list[float]:
        """Return what is taken away, and what is divided by."""
        known = known_numbers(values)
        if not len(known):
            raise nothing_known(name, "smallest and largest value")
        low, high = float(known.min()), float(known.max())
        with np.errstate(over="ignore"):
            return [low, float(np.subtract(high, low)) or 1.0]

    def _made(self, name: str) -> str:
        return f"{name} ({self._suffix})"

    def output(self, schema: Schema, learned: Learned) -> Schema:
        for name in self.columns:
            schema = put(schema, name, [Column(self._made(name), "numeric")], keep=False)
        return schema

    def links(self, learned: Learned) -> Links:
        return {self._made(name): (name,) for name in self.columns}

    def apply(self, columns: Columns, learned: Learned) -> list[str]:
        for name in self.columns:
            if name in columns:
                away, by = learned[name]
                columns[self._made(name)] = from_numbers((to_numbers(columns.pop(name)) - away) / by)
        return []

    def words(self, learned: Learned | None, show: Show) -> str:
        shown = ""
        if learned and len(self.columns) == 1:
            away, by = learned[self.columns[0]]
            shown = f" (from {number_text(away, 6)} … {number_text(away + by, 6)})"
        return f"Scale {listed(self.columns, show)} to 0 … 1{shown}"


@dataclass(frozen=True, kw_only=True)
class Standardize(MinMax):
    """Scale numbers so that the training rows have mean 0 and standard deviation 1 (of the rows, not of a sample)."""

    kind: ClassVar[str] = "standardize"
    title: ClassVar[str] = "Scale to mean 0, deviation 1"

    _suffix: ClassVar[str] = "standardized"

    def _measure(self, name: str, values: pa.ChunkedArray) -> list[float]:
        known = known_numbers(values)
        if not len(known):
            raise nothing_known(name, "mean")
        if known.min() == known.max():
            # Mean and deviation of equal numbers come out with rounding errors, which must not be divided by.
            return [float(known.min()), 1.0]
        with np.errstate(over="ignore", invalid="ignore"):
            return [float(known.mean()), float(known.std())]

    def words(self, learned: Learned | None, show: Show) -> str:
        shown = ""
        if learned and len(self.columns) == 1:
            mean, sd = learned[self.columns[0]]
            shown = f" (mean {number_text(mean, 6)}, deviation {number_text(sd, 6)})"
        return f"Scale {listed(self.columns, show)} to mean 0 and deviation 1{shown}"


def range_names(cuts: Sequence[float]) -> list[str]:
    """Name the ranges between cut points, the outer ones open.

    Examples
    --------
    >>> range_names([25, 40.5])
    ['under 25', '25 to under 40.5', '40.5 and over']
    """
    texts = [f"{cut:g}" for cut in cuts]
    for digits in range(6, 18):
        texts = [str(int(cut)) if is_whole_number(cut) else f"{cut:.{digits}g}" for cut in cuts]
        if len(set(texts)) == len(cuts):
            break
    middle = [f"{low} to under {high}" for low, high in pairwise(texts)]
    return [f"under {texts[0]}", *middle, f"{texts[-1]} and over"]


def plain_number(value: Any) -> float:
    """Return a number as JSON holds it, whole ones without a point."""
    number = float(value)
    return int(number) if is_whole_number(number) else number


def able_to_hold(values: pa.ChunkedArray, number: float) -> pa.ChunkedArray:
    """Make whole numbers float64 when a number with a fraction is to stand among them."""
    if pa.types.is_integer(values.type) and not is_whole_number(number):
        return pc.cast(values, pa.float64(), safe=False)
    return values


def number_scalar(number: float, kind: pa.DataType) -> pa.Scalar:
    """Return a number as an Arrow scalar of a column's type."""
    return pa.scalar(int(number) if pa.types.is_integer(kind) else float(number), kind)
