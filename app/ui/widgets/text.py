"""Text as Markdown shows it, and numbers, sizes and times in words."""

import re
from datetime import UTC, datetime

_SPECIAL = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$&^=\"'])")
# Streamlit and GitHub-flavoured Markdown look for icons, emoji, addresses and mail in plain text too: an invisible
# word joiner keeps them from finding any.
_AUTOMATIC = re.compile(r"(:|@|www(?=\\?\.))(?=\S)", re.IGNORECASE)
_JOINER = "\u2060"


def escape_markdown(text: object) -> str:
    """Return text from data so that Markdown shows it as it is: no links, images, icons, formulas or line breaks.

    Examples
    --------
    >>> escape_markdown("[x](y)*")
    '\\\\[x\\\\]\\\\(y\\\\)\\\\*'
    """
    plain = " ".join(str(text).split())
    return _AUTOMATIC.sub(rf"\1{_JOINER}", _SPECIAL.sub(r"\\\1", plain))


def bytes_text(n_bytes: float) -> str:
    """Return a size in the unit that reads best.

    Examples
    --------
    >>> bytes_text(532), bytes_text(3_200_000), bytes_text(2 * 1024**3)
    ('532 B', '3.1 MiB', '2.0 GiB')
    """
    for unit in ("B", "KiB", "MiB", "GiB"):
        if n_bytes < 1024:
            return f"{n_bytes:,.0f} B" if unit == "B" else f"{n_bytes:,.1f} {unit}"
        n_bytes /= 1024
    return f"{n_bytes:,.1f} TiB"


def duration_text(seconds: float) -> str:
    """Return a duration in words.

    Examples
    --------
    >>> duration_text(0.42), duration_text(83), duration_text(7262)
    ('0.4 s', '1 min 23 s', '2 h 1 min')
    """
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def ago_text(when: datetime, now: datetime | None = None) -> str:
    """Return how long ago something was, in words; the date when it is more than a week.

    Examples
    --------
    >>> ago_text(datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 5, 1, 3, tzinfo=UTC))
    '3 hours ago'
    """
    seconds = ((now or datetime.now(UTC)) - when).total_seconds()
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute")):
        count = int(seconds // size)
        if count >= 1:
            return when.strftime("%d %b %Y") if unit == "day" and count > 7 else f"{count} {unit}{'s'[: count > 1]} ago"
    return "just now"


def count_text(count: int, noun: str, plural: str | None = None) -> str:
    """Return a count with its noun.

    Examples
    --------
    >>> count_text(1, "row"), count_text(12345, "row")
    ('1 row', '12,345 rows')
    """
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def metric_text(value: float | None) -> str:
    """Return a metric with four significant digits; a dash when there is none."""
    return "–" if value is None else f"{value:,.4g}"
