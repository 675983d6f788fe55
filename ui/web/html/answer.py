"""An answer's Markdown as HTML, with its citations as buttons."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

from ui.web.html.render import escape

__all__ = ["WeakPart", "answer_html"]

_CITATION = re.compile(r" ?\[(\d{1,3})\]")
_MAX_CHIPS_CHARS = 100_000
# An answer may quote what wants to be a link or a picture: neither leaves this computer.
_OFF = ("autolink", "html_block", "html_inline", "image", "link", "reference", "text_join")
# Punctuation of old manuscripts: to CommonMark neither a space nor a part of a word, so that
# markup beside it means what it meant without it.
_BRACKETS = [chr(code) for code in range(0x2E02, 0x2E0E)]


class WeakPart(NamedTuple):
    """A part of an answer to underline.

    Attributes:
        start: In the Markdown, likewise `end`; not within code or a mark of Markdown.
        note: Finished HTML that follows it.
    """

    start: int
    end: int
    note: str


def answer_html(text: str, chips: Mapping[int, str], weak: Sequence[WeakPart] = ()) -> str:
    """`text`, CommonMark with tables, as HTML in which ``[n]`` is the chip of n.

    A number without a chip, or one that is escaped, stays as it is written: nothing is
    shown as cited that is not. So do numbers after the first hundreds. HTML, links and pictures
    are shown as their source.

    Args:
        chips: Finished HTML by number.
        weak: Parts that are underlined, in order, without overlap; none where the text leaves no
            signs to mark them with.
    """
    env: dict[str, Any] = {"chips": _Chips(chips), "opens": "", "closes": ""}
    brackets = [bracket for bracket in _BRACKETS if bracket not in text]
    if weak and len(brackets) > 1:
        opens, closes = brackets[:2]
        for part in reversed(weak):
            inner = text[part.start : part.end]
            text = f"{text[: part.start]}{opens}{inner}{closes}{text[part.end :]}"
        env |= {"opens": opens, "closes": closes, "notes": iter(weak), "is_weak": False}
    return str(_MARKDOWN.render(text, env))


def _text(
    _renderer: RendererHTML, tokens: Sequence[Token], index: int, _options: Any, env: dict[str, Any]
) -> str:
    if not env["opens"]:
        return _with_chips(tokens[index].content, env["chips"])
    return "".join(_underlined(tokens[index].content, env))


def _underlined(content: str, env: dict[str, Any]) -> Iterator[str]:
    """`content` with its weak stretches in spans, each whole within this piece of text: emphasis
    may begin outside a sentence and end in it."""
    for piece in re.split(f"([{env['opens']}{env['closes']}])", content):
        if piece == env["opens"]:
            env["is_weak"] = True
        elif piece == env["closes"]:
            env["is_weak"] = False
            yield next(env["notes"]).note
        elif env["is_weak"] and piece.strip():
            yield f'<span class="kb-weak">{_with_chips(piece, env["chips"])}</span>'
        else:
            yield _with_chips(piece, env["chips"])


class _Chips:
    """Chips by number, until an answer has had its share of them: a chip is a hundred times as
    long as its mark."""

    def __init__(self, chips: Mapping[int, str]) -> None:
        self._chips = chips
        self._n_left = _MAX_CHIPS_CHARS

    def get(self, number: int) -> str | None:
        chip = self._chips.get(number)
        if chip is None or len(chip) > self._n_left:
            return None
        self._n_left -= len(chip)
        return chip


def _with_chips(content: str, chips: _Chips) -> str:
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
