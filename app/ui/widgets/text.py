"""Text as Markdown shows it."""

import re

_SPECIAL = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$&^=\"'])")
# Streamlit and GitHub-flavoured Markdown look for icons, emoji, addresses and mail in plain text too: an invisible
# word joiner keeps them from finding any.
_AUTOMATIC = re.compile(r"(:|@|www(?=\\?\.))(?=\S)", re.IGNORECASE)
_JOINER = "\u2060"
# What people may not write: images (they call other sites), HTML, icons and coloured text (they look like our own).
_UNWANTED = re.compile(r"(!)(?=\[)|(<)(?=\S)|(:)(?=[A-Za-z_+-])")
_NAME = re.compile(r"(?<![\w@.])@(\w[\w-]{0,49})")
_HEADING = re.compile(r"^ {0,3}#{1,6}(?= )", re.MULTILINE)


def escape_markdown(text: object) -> str:
    """Return text from data so that Markdown shows it as it is: no links, images, icons, formulas or line breaks.

    Examples
    --------
    >>> escape_markdown("[x](y)*")
    '\\\\[x\\\\]\\\\(y\\\\)\\\\*'
    """
    plain = " ".join(str(text).split())
    return _AUTOMATIC.sub(rf"\1{_JOINER}", _SPECIAL.sub(r"\\\1", plain))


def bold(text: object) -> str:
    """Return the text in bold, whatever it contains."""
    return f"**{escape_markdown(text)}**"


def badge_text(text: object) -> str:
    """Return text from data as `st.badge` shows it as it is; a badge escapes square brackets itself.

    Examples
    --------
    >>> badge_text("Q3 [draft]*")
    'Q3 [draft]\\\\*'
    """
    return escape_markdown(text).replace("\\[", "[").replace("\\]", "]")


def safe_markdown(text: str) -> str:
    """Return what a person wrote as Markdown that formats, but neither calls other sites nor looks like the app's own.

    Emphasis, lists, tables, code and links stay; images, HTML, icons, colours and formulas show as they were typed;
    headings are small; ``@name`` is highlighted.

    Examples
    --------
    >>> safe_markdown("# Fine, @Ann")
    '##### Fine, :blue-background[\u2060@\u2060Ann]'
    """
    plain = _UNWANTED.sub(lambda found: found.group() + _JOINER, text.replace("$", "\\$"))
    named = _NAME.sub(rf":blue-background[{_JOINER}@{_JOINER}\1]", plain)
    return _HEADING.sub("#####", named)
