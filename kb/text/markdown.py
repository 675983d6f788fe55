"""Text of documents inside Markdown: shown as written, never as markup."""

from __future__ import annotations

import re

__all__ = ["escape_markdown"]

# ASCII punctuation that can open markup anywhere (CommonMark 0.31, GFM tables, strikethrough
# and math of common renderers). An underscore inside a word opens nothing.
_ANYWHERE = re.compile(r"[\\`*\[\]<>|~$&@]|(?<![^\W_])_|_(?![^\W_])")
_AT_LINE_START = re.compile(r"^([^\S\n]*+)([#+\-=]|\d++(?=[.)]))", re.MULTILINE)
_BARE_LINK = re.compile(r"(?<=[A-Za-z]):(?=//)|(?<=www)\.(?=\w)", re.IGNORECASE)


def escape_markdown(text: str) -> str:
    """`text` with a backslash before whatever a Markdown renderer would take for markup:
    emphasis, links (also bare addresses), HTML, tables, headings and lists."""
    text = _ANYWHERE.sub(r"\\\g<0>", text)
    text = _BARE_LINK.sub(r"\\\g<0>", text)
    return _AT_LINE_START.sub(_escape_line_start, text)


def _escape_line_start(match: re.Match[str]) -> str:
    # A number is no punctuation: the mark that follows it takes the backslash.
    space, mark = match.groups()
    return f"{space}{mark}\\" if mark.isdigit() else f"{space}\\{mark}"
