"""One alert, and the words that all of them share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from core.wording import MAX_CHARS, cut_text

Severity = Literal["high", "medium", "low"]

SEVERITIES: Final[tuple[Severity, ...]] = ("high", "medium", "low")


@dataclass(frozen=True)
class DataAlert:
    """One finding.

    Attributes
    ----------
    code : str
        What kind it is; docs/types.md lists them.
    column : str or None
        None when it is about the whole table.
    message : str
        What was found, with numbers.
    fix : mapping or None
        The recipe step that fixes it, as plain JSON; None where nothing has to be done or nothing can.
    fix_label : str
        What a button for it says; empty without one.
    """

    code: str
    column: str | None
    severity: Severity
    message: str
    why: str = ""
    fix: Mapping[str, Any] | None = None
    fix_label: str = ""


def severity_of(
    steps: Sequence[tuple[float, Severity]], share: float, *, more_is_worse: bool = True
) -> Severity | None:
    """Return the severity of the first step that a share passes."""
    for limit, severity in steps:
        if share > limit if more_is_worse else share < limit:
            return severity
    return None


def quoted(text: str, max_chars: int = MAX_CHARS) -> str:
    """Return a value from the data in quotes, cut when it is long."""
    return repr(cut_text(text, max_chars))
