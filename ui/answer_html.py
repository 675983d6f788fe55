"""An answer's Markdown as HTML, with its citations as buttons."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

from ui.render import escape

__all__ = ["answer_html"]

_CITATION = re.compile(r" ?\[(\d{1,3})\]")
# An answer may quote what wants to be a link or a picture: neither leaves this computer.
_OFF = ("autolink", "html_block", "html_inline", "image", "link", "reference", "text_join")


def answer_html(text: str, chips: Mapping[int, str]) -> str:
    """`text`, CommonMark with tables, as HTML in which ``[n]`` is the chip of n.

    A number without a chip, or one that is escaped, stays as it is written: nothing is
    shown as cited that is not. HTML, links and pictures are shown as their source.

    Args:
        chips: Finished HTML by number.
    """
    return str(_MARKDOWN.render(text, {"chips": chips}))


def _text(
    _renderer: RendererHTML, tokens: Sequence[Token], index: int, _options: Any, env: dict[str, Any]
) -> str:
    chips: Mapping[int, str] = env["chips"]
    content = tokens[index].content
    pieces: list[str] = []
    last = 0
    for match in _CITATION.finditer(content):
        found = chips.get(int(match[1]))
        if found is not None:
            pieces += [escape(content[last : match.start()]), found]
            last = match.end()
    return "".join(pieces) + escape(content[last:])


def _escaped_character(
    _renderer: RendererHTML, tokens: Sequence[Token], index: int, _options: Any, _env: Any
) -> str:
    return escape(tokens[index].content)


# Without "text_join" an escaped bracket stays a token of its own, and so opens no citation.
_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table").disable(list(_OFF))
_MARKDOWN.add_render_rule("text", _text)
_MARKDOWN.add_render_rule("text_special", _escaped_character)
