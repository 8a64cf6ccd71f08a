"""Versions of a dataset: which one a new file belongs to, and what changed from one to the next."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from core.data.datasets import folder as files
from core.domain.datasets import Dataset
from core.wording import count_text, list_text

# What people put behind a file's name when it is the next of its kind: dates, numbers, copies.
_SERIAL = re.compile(r"(?:[ ._-]*(?:v?\d+|\(\d+\)|copy|new|final))+$", re.IGNORECASE)


@dataclass(frozen=True)
class Proposal:
    """A dataset, in its newest version, that a file looks like the next one of.

    Attributes
    ----------
    is_namesake : bool
        Whether the names agree too, not only the columns.
    """

    dataset: Dataset
    is_namesake: bool


def propose_version_of(known: Sequence[Dataset], file_name: str, columns: Sequence[str]) -> Proposal | None:
    """Return the dataset that a new file looks like the next version of, or None.

    Notes
    -----
    The file's stem is the dataset's name or the stem of its file, dates and numbers at the end left aside, and at
    least half of the columns are there; or all columns are the same.
    """
    stem = _plain(files.stem(file_name))
    ours = set(columns)
    for dataset in known:
        theirs = set(dataset.schema.names)
        is_namesake = stem in {_plain(dataset.name), _plain(files.stem(dataset.file_name))}
        if is_namesake and 2 * len(ours & theirs) >= len(theirs):
            return Proposal(_newest(known, dataset), is_namesake=True)
    for dataset in known:
        if ours == set(dataset.schema.names):
            return Proposal(_newest(known, dataset), is_namesake=False)
    return None


def describe_change(old: Dataset, new: Dataset) -> tuple[str, ...]:
    """Say in sentences what changed in rows, columns and types from one version to another."""
    before, after = old.schema, new.schema
    added = [name for name in after.names if name not in before]
    gone = [name for name in before.names if name not in after]
    found = []
    if old.n_rows != new.n_rows:
        more = "more" if new.n_rows > old.n_rows else "fewer"
        found.append(f"{count_text(abs(new.n_rows - old.n_rows), f'{more} row')}.")
    if added:
        found.append(f"New {_columns(added)}.")
    if gone:
        found.append(f"Removed {_columns(gone)}.")
    retyped = [
        f"{name!r} was {before[name].type}, now {after[name].type}"
        for name in after.names
        if name in before and before[name].type != after[name].type
    ]
    if retyped:
        found.append(f"Types: {list_text(retyped)}.")
    if not added and not gone and before.names != after.names:
        found.append("The columns are in a different order.")
    if old.reading and new.reading and old.reading != new.reading:
        found.append(f"Read as: {new.reading.in_words()}.")
    return tuple(found) or ("The same rows, columns and types.",)


def _newest(known: Sequence[Dataset], dataset: Dataset) -> Dataset:
    return max((one for one in known if one.name == dataset.name), key=lambda one: one.version)


def _plain(name: str) -> str:
    return (_SERIAL.sub("", name) or name).strip().casefold()


def _columns(names: Sequence[str]) -> str:
    return f"{'column' if len(names) == 1 else 'columns'} {list_text(names, show=repr)}"
