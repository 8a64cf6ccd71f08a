"""How the numbers of a file to score are written, where that is not as training had them: found, settled and said.

The training column's own notation counts first, then whether it was one of whole numbers, and its range.
"""

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from core.data.drift.compare import ColumnReference
from core.data.tables import few
from core.data.tables.packed import AnyTable
from core.data.tables.written import cells, notations, signs
from core.domain.columns import Column
from core.wording import cut_text

_SAMPLE_ROWS = 500
_ELSEWHERE = ", another way than in training"


def fit_numbers(
    source: AnyTable, column: Column, reference: ColumnReference | None, *, is_workbook: bool
) -> tuple[Column, tuple[str, ...]]:
    """Return a column of numbers in the notation of a file, and in words what differs from training.

    Parameters
    ----------
    source : Table or PackedTable
        With that column as source text.
    reference : ColumnReference or None
        Its values in training.
    is_workbook : bool
        Whether the cells come from a workbook, whose numbers have decimal points whatever the training data had.
    """
    own = replace(column, decimal=None) if is_workbook and column.decimal is not None else column
    if own.unit is None and own.decimal != "," and source.num_rows <= few.MOST and few.are_clear(source[column.name]):
        return own, ()
    if _goes_without_saying(_sample(source, column.name), own):
        return own, ()
    text = pc.unique(cells.distinct_text(source[column.name]))
    found = signs.undress(text)
    unit, told = _Units(column, found, reference).settle()
    bare = found.of_unit(unit)
    text, bare = text.filter(pc.is_valid(bare)), bare.drop_null()
    own = replace(own, unit=unit)
    if not len(bare):
        return own, told
    fitted, more = _Marks(own, text, bare, reference, is_workbook=is_workbook).settle()
    return fitted, (*told, *more)


def _sample(source: AnyTable, name: str) -> pa.Array:
    """Return values of the first and the last rows: a file may be sorted."""
    last = max(source.num_rows - _SAMPLE_ROWS, 0)
    parts = [cells.distinct_text(source.slice(start, _SAMPLE_ROWS)[name]) for start in {0, last}]
    return pa.concat_arrays(parts)


def _goes_without_saying(sample: pa.Array, column: Column) -> bool:
    """Whether the values can be read in one way only, as far as some of them tell."""
    if column.unit is not None:
        return False
    mark = "," if column.decimal == "," else "."
    if mark == "," or column.decimal == ".":
        fits = notations.fits_notation(sample, column.decimal or ".")
        # Its own notation counts, unless whole numbers would become fractions.
        return fits and not (column.integer and notations.may_be_amounts(sample, _other(mark)))
    return not cells.parse_numbers(sample).null_count and not notations.may_be_amounts(sample, ",")


def _other(mark: str) -> str:
    return "." if mark == "," else ","


def _share_inside(text: pa.Array, column: Column, reference: ColumnReference | None) -> float | None:
    """Return which share of the values is in the range of training when they are read as that column."""
    if reference is None or not reference.sketch or not len(text):
        return None
    read = notations.parse_notation(text, column.decimal, whole=False, unit=column.unit)
    numbers = np.asarray(read.drop_null())
    inside = (numbers >= reference.sketch[0]) & (numbers <= reference.sketch[-1])
    return float(inside.sum() / len(text))


def _range_prefers(text: pa.Array, one: Column, other: Column, reference: ColumnReference | None) -> Column | None:
    """Return the reading that most values are in range by, when by the other one most are not."""
    ours, theirs = (_share_inside(text, column, reference) for column in (one, other))
    if ours is None or theirs is None or (ours > 0.5) == (theirs > 0.5):
        return None
    return one if ours > theirs else other


@dataclass(frozen=True)
class _Units:
    """What stands beside the numbers of the file, against what stood beside them in training."""

    column: Column
    found: signs.Bare
    reference: ColumnReference | None

    def settle(self) -> tuple[str | None, tuple[str, ...]]:
        """Return the unit to read the file by, and what has to be said."""
        ours, theirs = self.column.unit, self.found.found_units()
        if signs.PER_CENT in theirs and ours is None:
            return self._per_cent()
        if ours == signs.PER_CENT:
            return self._without_per_cent()
        unit = ours if ours in theirs else next((known for known in theirs if known != signs.PER_CENT), ours)
        left_out = [known for known in theirs if known != unit]
        told = []
        if left_out:
            told.append(f"amounts with {left_out[0]} are not those of training and are left out.")
        if ours is None and unit is not None:
            told.append(
                f"amounts are written with {unit} here and without a sign in training; they are read as they are."
            )
        elif unit != ours:
            told.append(f"amounts are in {unit} here and in {ours} in training; they are read as they are.")
        return unit, self._named(told)

    def _per_cent(self) -> tuple[str | None, tuple[str, ...]]:
        """Settle per cent where training had none: 12.5% is 12.5, or 0.125 if only that is in its range."""
        points, shares = (replace(self.column, unit=unit) for unit in (signs.PER_CENT, signs.SHARE))
        some = self.found.numbers.filter(pc.equal(self.found.units, signs.PER_CENT))
        dressed = pc.binary_join_element_wise(some, signs.PER_CENT, "")
        chosen = _range_prefers(dressed, points, shares, self.reference)
        if chosen is None:
            return self.column.unit, self._named(
                ["cells with a per cent sign are left out: nothing tells whether 5% was 5 or 0.05 in training."]
            )
        meaning = "5" if chosen is points else "0.05"
        return chosen.unit, self._named([f"5% is read as {meaning}: training had no per cent signs."])

    def _without_per_cent(self) -> tuple[str | None, tuple[str, ...]]:
        """Settle numbers without the sign that training had: 0.125 is 12.5% if only that is in its range."""
        others = [unit for unit in self.found.found_units() if unit != signs.PER_CENT]
        told = [f"amounts with {others[0]} are not those of training and are left out."] if others else []
        bare = self.found.numbers.filter(pc.equal(self.found.units, ""))
        if not len(bare):
            return signs.PER_CENT, self._named(told)
        points, shares = (replace(self.column, unit=unit) for unit in (signs.PER_CENT, signs.FROM_SHARE))
        chosen = _range_prefers(bare, shares, points, self.reference) or points
        meaning = "5%" if chosen is points else "500%"
        told.append(f"5 without a per cent sign, which training had, is read as {meaning}.")
        return chosen.unit, self._named(told)

    def _named(self, told: list[str]) -> tuple[str, ...]:
        return tuple(f"{self.column.name}: {text}" for text in told)


@dataclass(frozen=True)
class _Marks:
    """What points and commas of the file mean; `text` as it stands there, `bare` without signs."""

    column: Column
    text: pa.Array
    bare: pa.Array
    reference: ColumnReference | None
    is_workbook: bool

    def settle(self) -> tuple[Column, tuple[str, ...]]:
        """Return the column with the decimal sign to read the file by, and what has to be said."""
        for mark, thousands in ((".", ","), (",", ".")):
            if notations.may_be_amounts(self.bare, thousands):
                return self._settle_groups(mark, thousands)
        known = notations.notation(self.bare)
        ours = self.column.decimal
        if known == "either":  # only spaces or apostrophes
            return replace(self.column, decimal=ours or "."), ()
        if known is None or known == (ours or "."):
            return replace(self.column, decimal=ours or known), ()
        what = "commas" if known == "," else "points"
        return replace(self.column, decimal=known), self._named(f"numbers have decimal {what} here{_ELSEWHERE}.")

    def _settle_groups(self, mark: str, thousands: str) -> tuple[Column, tuple[str, ...]]:
        """Settle groups of three: the mark separates thousands, or it is the decimal sign."""
        ours = self.column.decimal
        groups, decimals = (replace(self.column, decimal=decimal) for decimal in (thousands, mark))
        usual = groups if ours == thousands else decimals if mark in (ours or ".") else None
        chosen = _range_prefers(self.text, groups, decimals, self.reference) or self._by_whole(groups) or usual
        if self.is_workbook and mark == "." and not notations.leaning(self.bare, padded=True):
            chosen = decimals  # a number of a workbook has no needless zeros and no separators
        if chosen is None:
            name = "commas" if mark == "," else "points"
            told = f"{name} may be decimal {name} or separate thousands; such cells are left out"
            return self.column, self._named(f"{told}, for example {self._example()!r}.")
        if chosen == usual and not (self.column.integer and chosen == decimals):
            return chosen, ()
        value = notations.parse_notation(
            pa.array([self._example()]), chosen.decimal, whole=chosen.integer, unit=chosen.unit
        )[0]
        return chosen, self._named(f"{self._example()!r} is read as {value.as_py()}{_ELSEWHERE}.")

    def _by_whole(self, groups: Column) -> Column | None:
        return groups if self.column.integer else None

    def _example(self) -> str:
        return cut_text(max(self.text.slice(0, _SAMPLE_ROWS).to_pylist(), key=len), 40)

    def _named(self, text: str) -> tuple[str, ...]:
        return (f"{self.column.name}: {text}",)
