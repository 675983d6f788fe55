"""A passage of a document as HTML: tables, lists and emphasis as what they are, and the words that
a citation points at marked. Nothing in it becomes markup, a link or a request."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

from kb.types import Kind
from ui.web.html.highlight import mark_range
from ui.web.html.render import escape

__all__ = ["passage_html"]

_MARK = '<mark class="kb-quote">'
_MARKED_ROW = '<tr class="kb-row-marked">'
_OFF = ("autolink", "code", "html_block", "html_inline", "image", "link", "reference", "lheading")
_WRITTEN = frozenset({Kind.OFFICE, Kind.HTML, Kind.EBOOK})
_WRITTEN_NAMES = frozenset({".md", ".markdown", ".ipynb"})
# Of the line below the names of a table's columns.
_RULE = frozenset("|:- \t")
# What begins a line and is no part of its words: of quotations, lists and headings.
_LINE_START = re.compile(r"[ \t>]*(?:(?:[-*+]|#{1,6}|\d{1,9}[.)])[ \t]+)?")
# Punctuation of old manuscripts: to CommonMark neither a space nor a part of a word, so that
# markup beside it means what it meant without it.
_BRACKETS = [chr(code) for code in range(0x2E02, 0x2E0E)]


def passage_html(text: str, start: int, end: int, kind: Kind, source: str) -> str:
    """`text` with ``[start, end)`` marked: rendered where it is Markdown, as it stands otherwise.

    Args:
        kind: Of its document.
        source: The document's file.
    """
    brackets = [bracket for bracket in _BRACKETS if bracket not in text][:2]
    if len(brackets) == 2 and _is_markdown(text, kind, source):
        env: dict[str, Any] = {"opens": brackets[0], "closes": brackets[1], "is_marked": False}
        marked, env["rows"] = _with_marks(text, start, end, brackets)
        made = str(_MARKDOWN.render(marked, env))
        # Better raw than without what is pointed at.
        if start >= end or _MARK in made or _MARKED_ROW in made:
            return f'<div class="kb-rendered">{made}</div>'
    words = mark_range(text, start, end) if start < end else escape(text)
    return f'<div class="kb-as-written">{words}</div>'


def _is_markdown(text: str, kind: Kind, source: str) -> bool:
    if kind in _WRITTEN or PurePosixPath(source).suffix.lower() in _WRITTEN_NAMES:
        return True
    return any({"|", "-"} <= set(line) <= _RULE for line in text.splitlines())


def _with_marks(
    text: str, start: int, end: int, brackets: Sequence[str]
) -> tuple[str, frozenset[int]]:
    """`text` with brackets around what is marked in each line, and the numbers of the lines of
    tables that are marked whole: a bracket before a row's first bar would be a cell of its own."""
    lines: list[str] = []
    rows: set[int] = set()
    at = 0
    for number, line in enumerate(text.split("\n")):
        first, last = max(start - at, 0), min(end - at, len(line))
        at += len(line) + 1
        if first >= last or not line[first:last].strip():
            lines.append(line)
            continue
        if line.lstrip().startswith("|"):
            rows.add(number)
            lines.append(line)
            continue
        begin = _LINE_START.match(line)
        first = max(first, begin.end() if begin else 0)
        opens, closes = brackets if first < last else ("", "")
        lines.append(f"{line[:first]}{opens}{line[first:last]}{closes}{line[last:]}")
    return "\n".join(lines), frozenset(rows)


def _words(content: str, env: dict[str, Any]) -> str:
    """`content` escaped; what stands between the brackets in a ``<mark>``."""
    pieces = []
    for piece in re.split(f"([{env['opens']}{env['closes']}])", content):
        if piece in (env["opens"], env["closes"]):
            env["is_marked"] = piece == env["opens"]
        elif piece:
            said = escape(piece)
            pieces.append(f"{_MARK}{said}</mark>" if env["is_marked"] else said)
    return "".join(pieces)


def _text(
    _renderer: RendererHTML, tokens: Sequence[Token], index: int, _options: Any, env: dict[str, Any]
) -> str:
    return _words(tokens[index].content, env)


def _code(
    _renderer: RendererHTML, tokens: Sequence[Token], index: int, _options: Any, env: dict[str, Any]
) -> str:
    return f"<code>{_words(tokens[index].content, env)}</code>"


def _fence(
    _renderer: RendererHTML, tokens: Sequence[Token], index: int, _options: Any, env: dict[str, Any]
) -> str:
    return f"<pre><code>{_words(tokens[index].content, env)}</code></pre>"


def _row(
    _renderer: RendererHTML, tokens: Sequence[Token], index: int, _options: Any, env: dict[str, Any]
) -> str:
    lines = tokens[index].map
    is_marked = lines is not None and lines[0] in env["rows"]
    return _MARKED_ROW if is_marked else "<tr>"


_MARKDOWN = (
    MarkdownIt("commonmark", {"html": False, "breaks": True}).enable("table").disable(list(_OFF))
)
_MARKDOWN.add_render_rule("text", _text)
_MARKDOWN.add_render_rule("text_special", _text)
_MARKDOWN.add_render_rule("code_inline", _code)
_MARKDOWN.add_render_rule("fence", _fence)
_MARKDOWN.add_render_rule("tr_open", _row)
