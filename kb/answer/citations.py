"""Citations in text that is still being written."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from kb.text.markdown_code import CodeSplitter, Part, Piece

__all__ = ["CitationScanner", "Cited"]

_MAX_RANGE = 20
# One bracket with numbers in it, as models write them: [1], [1, 2], [1-3], 【1】, [^1],
# [source 1], [1 and 2], 【1†source】. Four digits alone name no source, and are no less wrong.
_SPACE = r"[^\S\n]{0,2}"
_NAMES = ("source", "sources", "来源")
_JOINS = ("and", "und", "和", "与", "及")
_NUMBER = rf"(?:(?:{'|'.join(_NAMES)}){_SPACE}[:：#]?{_SPACE})?\^?\d{{1,3}}"
_JOIN = rf"{_SPACE}(?:[,，、;；–&-]{_SPACE}(?:and[^\S\n])?|{'|'.join(_JOINS)}){_SPACE}"
_LIST = rf"(?P<list>{_NUMBER}(?!\d)(?:{_JOIN}{_NUMBER}(?!\d))*|\d{{4}})"
_NOTE = r"†[^\]】\n]{0,40}"
_CITED = re.compile(
    rf"\\.|[\[【]{_SPACE}{_LIST}{_SPACE}(?:{_NOTE})?[\]】]", re.DOTALL | re.IGNORECASE
)
# The end of a piece that may still become one.
_WORDS = (*_NAMES, *_JOINS)
_BEGUN_WORDS = "|".join(word[:n] for word in _WORDS for n in range(len(word), 0, -1))
_BEGUN_NAMES = "|".join(word[:n] for word in _NAMES for n in range(len(word), 0, -1))
_BEGUN = re.compile(
    rf"[\[【]{_SPACE}(?:(?:{_BEGUN_NAMES})?|(?:{'|'.join(_NAMES)}|[\d^])"
    rf"(?:[^\S\n]|[\d^,，、;；:：#–&-]|{'|'.join(_WORDS)}){{0,60}}(?:{_BEGUN_WORDS})?(?:{_NOTE})?)\Z",
    re.IGNORECASE,
)
# The model was stopped in the middle of it.
_CUT = re.compile(rf"[\[【]{_SPACE}{_LIST}[\s,，、;；–&-]*\Z", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Cited:
    """One bracket with the numbers in it, in order, each once."""

    numbers: tuple[int, ...]


class CitationScanner:
    """Splits text, as it comes in pieces, into text and citations.

    Code is left alone, and so is a bracket after a backslash. A piece that may be the beginning
    of a citation, or of code, is held back until it is clear what it is.
    """

    def __init__(self) -> None:
        self._code = CodeSplitter()
        self._held = ""

    def feed(self, text: str) -> list[str | Cited]:
        """What is clear after `text`."""
        return self._read(self._code.feed(text))

    def end(self) -> list[str | Cited]:
        """What was held back, as it is written, since nothing follows; a citation that the text
        breaks off in is one."""
        found = self._read(self._code.end())
        if cut := _CUT.match(self._held):
            self._held = ""
            found.append(Cited(_numbers(cut["list"])))
        return found + self._scan(is_end=True)

    def _read(self, pieces: Sequence[Piece]) -> list[str | Cited]:
        found: list[str | Cited] = []
        for text, part in pieces:
            if part is Part.PROSE:
                self._held += text
                found += self._scan(is_end=False)
            else:
                found += [*self._scan(is_end=True), text]
        return found

    def _scan(self, *, is_end: bool) -> list[str | Cited]:
        text = self._held
        found: list[str | Cited] = []
        last = at = 0
        while match := _CITED.search(text, at):
            at = match.end()
            if numbers := match["list"]:
                if match.start() > last:
                    found.append(text[last : match.start()])
                found.append(Cited(_numbers(numbers)))
                last = at
        begun = _BEGUN.search(text, at)
        clear = begun.start() if begun and not is_end else len(text)
        if last < clear:
            found.append(text[last:clear])
        self._held = text[clear:]
        return found


def _numbers(written: str) -> tuple[int, ...]:
    numbers: list[int] = []
    for part in re.findall(r"\d[\d\s^–-]*", written):
        first, *_, last = [*map(int, re.findall(r"\d+", part))] * 2
        numbers += range(first, last + 1) if 0 <= last - first < _MAX_RANGE else [first]
    return tuple(dict.fromkeys(numbers))
