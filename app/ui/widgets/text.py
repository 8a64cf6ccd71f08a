"""Text as Markdown shows it."""

import re

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
