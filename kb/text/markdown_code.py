"""Where the code stands in Markdown that is still being written (CommonMark 0.31).

Fences, indented code and code spans. A run of backticks without its like in the same block is no
code. Two things are read more freely: a fence may be indented as far as a list needs, and a
citation may follow the one that closes it, as models write.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from enum import Enum, auto
from typing import Final, NamedTuple

__all__ = ["CodeSplitter", "Part", "Piece"]

_CODE_INDENT: Final = 4
_TAB: Final = 4
_LEAD = r"[ \t]*+(?:>[ \t]*+)*+"
_MARKER = r"(?:[-*+]|\d{1,9}[.)])"
_LINE = re.compile(
    rf"(?P<lead>{_LEAD})(?:(?P<blank>\n|\Z)|(?P<marker>{_MARKER}(?:[ \t]+|(?=\n|\Z)))?"
    r"(?:(?P<fence>`{3,}(?=[^`\n]*(?:\n|\Z))|~{3,})[^\n]*(?:\n|\Z)"
    r"|(?P<single>#{1,6}(?:[ \t]|(?=\n|\Z))|\|))?)"
)
# What may still become one of those.
_BEGUN_LINE = re.compile(
    rf"{_LEAD}(?:(?:[-*+]|\d{{1,9}}[.)]?)?"
    rf"|(?:{_MARKER}[ \t]+)?(?:`{{1,2}}|`{{3,}}[^`\n]*|~{{1,2}}|~{{3,}}[^\n]*|\#{{1,6}})?)\Z"
)
_MARK = re.compile(r"\\(?:[^\n]|\Z)|`+|\n")


class Part(Enum):
    """What a piece of Markdown is."""

    PROSE = auto()
    SPAN = auto()  # code within a paragraph, with its backticks
    BLOCK = auto()  # lines of code, with their fences


class Piece(NamedTuple):
    """Some text that is all of one kind. No escape is split."""

    text: str
    part: Part


class CodeSplitter:
    """Splits Markdown, as it comes in pieces, into prose and code.

    What is not clear yet is held back: the beginning of a line that may be a fence, and what
    follows backticks until they are closed or their block ends.
    """

    def __init__(self) -> None:
        self._held = ""
        self._is_at_start = True  # of a line
        self._part = Part.PROSE  # of the rest of the line
        self._fence = ""  # that opened the lines of code we are in
        self._is_paragraph = False  # the next line may go on with it
        self._is_single = False  # the block ends with its line
        self._known_end: tuple[int, bool] | None = None  # of the block, in the text at hand
        self._items: list[int] = []  # the columns where the open list items' content begins

    def feed(self, text: str) -> list[Piece]:
        """What is clear after `text`."""
        self._held += text
        return [piece for piece in self._split(is_end=False) if piece.text]

    def end(self) -> list[Piece]:
        """What was held back, since nothing follows."""
        return [piece for piece in self._split(is_end=True) if piece.text]

    def _split(self, *, is_end: bool) -> Iterator[Piece]:
        text, at = self._held, 0
        self._known_end = None
        while at < len(text):
            if self._is_at_start:
                if not is_end and self._may_become_more(text, at):
                    break
                fence_end = self._begin_line(text, at)
                yield Piece(text[at:fence_end], Part.BLOCK)
                at = fence_end
            elif self._part is Part.BLOCK:
                end = text.find("\n", at) + 1 or len(text)
                yield Piece(text[at:end], Part.BLOCK)
                self._is_at_start = text[end - 1] == "\n"
                at = end
            else:
                at = yield from self._prose(text, at, is_end=is_end)
                if not self._is_at_start:
                    break
        self._held = text[at:]

    def _may_become_more(self, text: str, at: int) -> bool:
        if self._fence:
            return bool(re.compile(rf"{_LEAD}{self._fence[0]}*[ \t]*\Z").match(text, at))
        return bool(_BEGUN_LINE.match(text, at))

    def _begin_line(self, text: str, at: int) -> int:
        """Take note of what kind of line begins. Returns the end of its fence; `at` where it has
        none."""
        self._is_at_start = False
        if self._fence:
            run = f"{self._fence[0]}{{{len(self._fence)},}}"
            closing = re.compile(rf"{_LEAD}{run}[ \t]*(?=\n|\Z|[\[【])").match(text, at)
            if closing is None:
                self._part = Part.BLOCK
                return at
            self._fence, self._part = "", Part.PROSE
            self._is_paragraph, self._is_single = False, True
            return closing.end()
        line = _match_line(text, at)
        self._part = Part.PROSE
        if line["blank"] is not None:
            self._is_paragraph = False
            return at
        indent, quote, _ = line["lead"].expandtabs(_TAB).partition(">")
        column = 0 if quote and len(indent) < _CODE_INDENT else len(indent)
        if line["marker"] or not self._is_paragraph:
            while self._items and column < self._items[-1]:
                self._items.pop()
        n_inside = column - (self._items[-1] if self._items else 0)
        if n_inside >= _CODE_INDENT and not self._is_paragraph:
            self._part = Part.BLOCK
            return at
        if line["marker"]:
            self._items.append(column + len(line["marker"].expandtabs(_TAB)))
        if line["fence"]:
            self._fence, self._is_paragraph, self._is_at_start = line["fence"], False, True
            return line.end()
        self._is_single = bool(line["single"])
        self._is_paragraph = not self._is_single
        return at

    def _prose(self, text: str, at: int, *, is_end: bool) -> Generator[Piece, None, int]:
        """Up to the line's end, or to what is not clear; returns where that is."""
        begin = at
        while mark := _MARK.search(text, at):
            found, at = mark.group(), mark.end()
            if found == "\n":
                self._is_at_start, self._is_single = True, False
                yield Piece(text[begin:at], Part.PROSE)
                return at
            if found[0] == "`":
                if self._known_end is None or at > self._known_end[0]:
                    self._known_end = self._block_end(text, at, is_end=is_end)
                limit, is_whole = self._known_end
                span = re.compile(rf"(?<!`){found}(?!`)").search(text, at, limit)
                if span is not None and (is_whole or span.end() < len(text)):
                    yield Piece(text[begin : mark.start()], Part.PROSE)
                    yield Piece(text[mark.start() : span.end()], Part.SPAN)
                    begin = at = span.end()
                    continue
                if is_whole:
                    continue  # no code: these are backticks as they stand
            elif at < len(text) or is_end or len(found) > 1:
                continue  # an escape
            yield Piece(text[begin : mark.start()], Part.PROSE)
            return mark.start()
        yield Piece(text[begin:], Part.PROSE)
        return len(text)

    def _block_end(self, text: str, at: int, *, is_end: bool) -> tuple[int, bool]:
        """How far the block surely goes on from `at`, and whether it ends there."""
        while (newline := text.find("\n", at)) >= 0:
            if self._is_single:
                return newline, True
            at = newline + 1
            if not is_end and _BEGUN_LINE.match(text, at):
                return newline, False
            line = _match_line(text, at)
            if line["blank"] is not None or line["marker"] or line["fence"] or line["single"]:
                return newline, True
        return len(text), is_end


def _match_line(text: str, at: int) -> re.Match[str]:
    line = _LINE.match(text, at)
    assert line is not None  # every part of it may be missing
    return line
