"""References and comparisons for drift, as plain data that survives JSON."""

from dataclasses import dataclass
from typing import Final, Literal

from core.domain.columns import ColumnType
from core.wording import percent_text

MODERATE_PSI: Final = 0.1
LARGE_PSI: Final = 0.25
_MANY_UNSEEN = 0.05  # of the rows: then levels that training lacks are what a person has to know

Size = Literal["stable", "moderate", "large"]
DriftBinKind = Literal["range", "value", "other", "unseen", "missing"]


@dataclass(frozen=True, kw_only=True)
class ColumnReference:
    """The values of one column as they were.

    Attributes
    ----------
    rows, missing : int
        All rows, and those without a value.
    borders : tuple of float
        Numbers and dates: the inner borders of the bins; a bin holds its right border.
    counts : tuple of int
        Known rows of each bin.
    sketch : tuple of float
        Numbers and dates: all values in order when there are at most `SKETCH_SIZE`, else that many quantiles, evenly
        spaced from 0 to 1.
    levels : tuple of (str, int)
        Categories: the levels and their rows, most frequent first, at most `MAX_LEVELS`.
    """

    name: str
    type: ColumnType
    rows: int
    missing: int
    borders: tuple[float, ...] = ()
    labels: tuple[str, ...] = ()
    counts: tuple[int, ...] = ()
    sketch: tuple[float, ...] = ()
    levels: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class Reference:
    """The columns of a table as they were; text and id columns are left out."""

    rows: int
    columns: tuple[ColumnReference, ...]


@dataclass(frozen=True)
class DriftBin:
    """One bin or level on both sides.

    Attributes
    ----------
    kind : str
        ``range`` of numbers, ``value`` (a level or number), ``other`` (all rarer levels), ``unseen`` (levels that the
        reference does not have), ``missing``.
    was, now : int
        Rows of the reference and of the new values.
    """

    label: str
    kind: DriftBinKind
    was: int
    now: int


@dataclass(frozen=True, kw_only=True)
class ColumnDrift:
    """How far one column is from its reference.

    Attributes
    ----------
    bins : tuple of DriftBin
        To show; the population stability index is theirs, with every level of a category by itself.
    ks : float or None
        Numbers and dates: the two-sample Kolmogorov-Smirnov statistic of the known values.
    new_levels, lost_levels : tuple of (str, int)
        Levels only here and only in the reference, with their rows; at most `MAX_NAMED_LEVELS`.
    """

    name: str
    type: ColumnType
    rows_was: int
    rows_now: int
    bins: tuple[DriftBin, ...]
    psi: float
    ks: float | None = None
    new_levels: tuple[tuple[str, int], ...] = ()
    lost_levels: tuple[tuple[str, int], ...] = ()
    n_new_levels: int = 0
    n_lost_levels: int = 0

    @property
    def size(self) -> Size:
        """Under 0.1, to 0.25 and over: the usual reading of the index (N. Siddiqi 2006, Credit Risk Scorecards)."""
        return "large" if self.psi > LARGE_PSI else "moderate" if self.psi > MODERATE_PSI else "stable"

    def in_words(self, how: str = "differently") -> str:
        """Return the drift from training as a sentence."""
        unseen = sum(one.now for one in self.bins if one.kind == "unseen")
        if self.type == "category" and unseen > _MANY_UNSEEN * self.rows_now:
            share = percent_text(unseen / self.rows_now)
            return f"{share} of rows have a {self.name} the model has never seen (PSI {self.psi:.2f})."
        ks = "" if self.ks is None else f", KS {self.ks:.2f}"
        return f"{self.name} is distributed {how} than in training (PSI {self.psi:.2f}{ks})."


@dataclass(frozen=True)
class Drift:
    """How far a table is from its reference.

    Attributes
    ----------
    columns : tuple of ColumnDrift
        The columns both have, largest index first.
    only_was, only_now : tuple of str
        Columns that only one side has.
    retyped : tuple of (str, str, str)
        Columns of another type now, with the type they had and the one they have; they are not compared.
    """

    rows_was: int
    rows_now: int
    columns: tuple[ColumnDrift, ...]
    only_was: tuple[str, ...] = ()
    only_now: tuple[str, ...] = ()
    retyped: tuple[tuple[str, str, str], ...] = ()

    def __getitem__(self, name: str) -> ColumnDrift:
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)
