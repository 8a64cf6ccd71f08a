"""What a person types to find runs: words, and ``field:words`` for one field."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from core.domain.runs import STATUSES
from core.store.records import TO_MLFLOW, RunRow

# Fields that a person names, and the tag that holds each; name, experiment, status and id are no tags of ours.
_TAGS: Final = {
    "dataset": "dataset_name",
    "target": "target",
    "person": "person",
    "task": "task",
    "tag": "tags",
    "note": "note",
}
FIELDS: Final = ("name", "experiment", *_TAGS, "status", "id")
_TERM: Final = re.compile(r'(?:(\w+):)?(?:"([^"]*)"|(\S+))')
_SEARCHED_BY_WORDS: Final = ("dataset_name", "target", "person", "tags", "note")


@dataclass(frozen=True)
class RunSearch:
    """A search that was typed.

    Attributes
    ----------
    words : tuple of str
        Each has to be in name, experiment, dataset, target, person, tags, note or id; case does not matter.
    fields : tuple of (str, str)
        Each text has to be in its field, one of `FIELDS`.
    """

    words: tuple[str, ...] = ()
    fields: tuple[tuple[str, str], ...] = ()

    @property
    def tags(self) -> Mapping[str, str]:
        """The first text of each field that is a tag, for a store to look for."""
        found: dict[str, str] = {}
        for field, text in self.fields:
            if field in _TAGS and _TAGS[field] != "tags":  # JSON, where a letter may be written otherwise
                found.setdefault(_TAGS[field], text)
        return MappingProxyType(found)

    def matches(self, row: RunRow) -> bool:
        """Whether a run is what is looked for."""
        everywhere = (row.name, row.experiment, row.run_id, *(row.tags.get(tag, "") for tag in _SEARCHED_BY_WORDS))
        return all(any(_holds(text, word) for text in everywhere) for word in self.words) and all(
            _holds(_field(row, name), text) for name, text in self.fields
        )


def parse_search(text: str) -> RunSearch:
    """Return what was typed as words and fields; what names no field is a word.

    Examples
    --------
    >>> parse_search('income person:ada status:failed note:"too slow" 12:30')
    RunSearch(words=('income', '12:30'), fields=(('person', 'ada'), ('status', 'failed'), ('note', 'too slow')))
    """
    words, fields = [], []
    for match in _TERM.finditer(text):
        name, quoted, plain = match.groups()
        value = plain if quoted is None else quoted
        if (name or "").casefold() in FIELDS:
            fields.append((name.casefold(), value))
        else:
            words.append(match[0] if name else value)
    return RunSearch(tuple(words), tuple(fields))


def _field(row: RunRow, name: str) -> str:
    match name:
        case "name":
            return row.name
        case "experiment":
            return row.experiment
        case "id":
            return row.run_id
        case "status":
            return next(status for status in STATUSES if TO_MLFLOW[status] == row.status)
        case _:
            return row.tags.get(_TAGS[name], "")


def _holds(text: str, part: str) -> bool:
    return part.casefold() in text.casefold()
